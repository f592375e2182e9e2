"""A copy of the tree in which code may be changed, and tests run against it.

Numba's code is kept beside the copy from mutant to mutant, under the digest of all that it is made of.
Python's is checked against the text of the file: a mutant may be as long and as old as what it replaces.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PARTS = (
    *("gradflow", "tests", "derivations", "plots", "benchmarks", "docs", "examples", ".ci"),
    *("pyproject.toml", "README.md", "CONTRIBUTING.md"),
)
LIMIT = 900
"""Seconds of a processor that a run of tests may take."""


class Judged(NamedTuple):
    """The first test that failed, "" if none did, and the seconds of a processor until then."""

    killer: str
    seconds: float


class Tree(NamedTuple):
    """A copy of the tree, and what runs tests in it."""

    path: Path
    runner: subprocess.Popen[str]

    def judge(self, tests: Sequence[str], limit: int = LIMIT) -> Judged:
        """Run tests until one fails; too long a run is a failure."""
        cache = f"cache_dir={self.path.parent / 'cache'}"
        command = ["-q", "-x", "--tb=no", "-o", cache, *tests]
        assert self.runner.stdin is not None
        assert self.runner.stdout is not None
        print(json.dumps((limit, command)), file=self.runner.stdin, flush=True)
        code, seconds, killer = json.loads(self.runner.stdout.readline())
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return Judged("too long", seconds)
        if killer.startswith("ERROR: not found"):
            # Names of cases are made of what is mutated: that kills nothing.
            return self.judge(sorted({test.split("::")[0] for test in tests}), limit)
        return Judged("" if code == 0 else killer or f"exit code {code}", seconds)


@contextmanager
def copied() -> Iterator[Tree]:
    """Give a copy of the tree."""
    with TemporaryDirectory(prefix="gradflow-mutants-") as name:
        tree = Path(name) / "tree"
        tree.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / part).exists():
                shutil.copy(ROOT / part, tree / part)
        compileall.compile_dir(tree / "gradflow", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        command = (sys.executable, str(Path(__file__).with_name("warm.py")))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths(tree))}
        with subprocess.Popen(
            command, cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as runner:
            yield Tree(tree, runner)


def paths(tree: Path) -> list[str]:
    """Return where Python looks for modules, with the copy in the place of the tree."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(tree), *(path for path in given if path and Path(path).resolve() != ROOT)]
