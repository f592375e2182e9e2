"""A copy of the tree in which code may be changed, and tests run against it."""

from __future__ import annotations

import os
import resource
import shutil
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
"""Seconds that the tests of a mutant may take."""


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
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return Judged("too long", _spent() - begin)
    spent = _spent() - begin
    if done.returncode == 0:
        return Judged("", spent)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return Judged(failed[0].split(" - ")[0] if failed else f"exit code {done.returncode}", spent)


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
