"""For all tests: the same examples in every run, and a place of their own for compiled code.

Hypothesis has no deadline, because a loaded machine is not a failure. Compiled code goes where nothing else
looks, so that what is tested is compiled from what is there now: once for all workers of a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("gradflow", deadline=None, derandomize=True)
settings.load_profile("gradflow")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the run a cache."""
    base = tmp_path_factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        patch.delenv("NUMBA_CACHE_DIR", raising=False)
        yield
