"""A copy of the tree in which code may be changed, and tests run against it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PARTS = (
    *("gradflow", "tests", "derivations", "plots", "benchmarks", "docs", "examples", ".ci"),
    *("pyproject.toml", "README.md", "CONTRIBUTING.md"),
)
LIMIT = 900
"""Seconds of a processor that the tests of a mutant may take; on the clock ten times as many."""


class Judged(NamedTuple):
    """The first test that failed, "" if none did, and the seconds of a processor until then."""

    killer: str
    seconds: float


@contextmanager
def copied() -> Iterator[Path]:
    """Give a copy of the tree."""
    with TemporaryDirectory(prefix="gradflow-mutants-") as name:
        tree = Path(name) / "tree"
        tree.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / part).exists():
                shutil.copy(ROOT / part, tree / part)
        yield tree


def judge(tree: Path, tests: Sequence[str]) -> Judged:
    """Run tests of a tree until one fails; too long a run is a failure."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=no", *tests)
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    begin = _spent()
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=10 * LIMIT,
            check=False,
            preexec_fn=_limit,
        )
    except subprocess.TimeoutExpired:
        return Judged("too long", _spent() - begin)
    spent = _spent() - begin
    if done.returncode == -signal.SIGXCPU:
        return Judged("too long", spent)
    if done.returncode == 0:
        return Judged("", spent)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return Judged(failed[0].split(" - ")[0] if failed else f"exit code {done.returncode}", spent)


def _limit() -> None:
    # On the clock a machine that does other things would kill mutants.
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 10))


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
