"""For all tests: the same examples in every run, and a place of their own for compiled code.

Hypothesis has no deadline, because a loaded machine is not a failure. Compiled code is kept among the caches
of pytest, where all workers and later runs find it: under a digest of all that it is made of, so that what is
tested is compiled from what is there now. `--cache-clear` removes it.

Of a test marked `some(k)` k cases run by default, evenly spread, and the others with the slow tests.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("gradflow", deadline=None, derandomize=True)
settings.load_profile("gradflow")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all but some cases of the tests that ask for it."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("some") and not item.get_closest_marker("slow"):
            cases[item.nodeid.split("[")[0]].append(item)
    for found in cases.values():
        mark = found[0].get_closest_marker("some")
        assert mark is not None
        (count,) = mark.args
        kept = {i * (len(found) - 1) // max(count - 1, 1) for i in range(count)}
        for i, item in enumerate(found):
            if i not in kept:
                item.add_marker("slow")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of this run share, and no other run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def own_cache(pytestconfig: pytest.Config, run_folder: Path) -> Iterator[None]:
    """Give the tests a cache of their own; with `-p no:cacheprovider` each run has one."""
    cache = getattr(pytestconfig, "cache", None)
    place = cache.mkdir("compiled") if cache else run_folder / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place))
        patch.delenv("NUMBA_CACHE_DIR", raising=False)
        yield
