"""Which tests reach which lines: a plugin of pytest that records it, and what it has recorded.

`python -m pytest -p tests.mutants.reach --reach FILE` writes FILE, data of `coverage` (extra `mutants`) in
which each test is a context, and FILE.json, the seconds of a processor that each test took. Code that Numba
has compiled is not seen.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
COLLECT = 0.2
"""Seconds of a processor that a file of tests takes before its first one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--reach", help="write there which lines each test reaches")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to record if it is asked for."""
    if file := config.getoption("--reach"):
        config.pluginmanager.register(Recorder(str(Path(file).resolve())))


class Recorder:
    """Records what tests reach."""

    def __init__(self, file: str) -> None:
        from coverage import Coverage

        self.file = file
        self.seconds: dict[str, float] = {}
        self.coverage = Coverage(file, source=[str(ROOT / "gradflow")], config_file=False)
        self.coverage.start()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record one test."""
        self.coverage.switch_context(item.nodeid)
        begin = time.process_time()
        yield
        self.seconds[item.nodeid] = time.process_time() - begin
        self.coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        """Write all of it."""
        self.coverage.stop()
        self.coverage.save()
        Path(f"{self.file}.json").write_text(json.dumps(self.seconds), encoding="utf-8")


class Reach(NamedTuple):
    """What was recorded: the data of `coverage`, and seconds by test."""

    data: Any
    seconds: dict[str, float]

    def tests(self, path: Path, first: int, last: int) -> set[str]:
        """Return the tests that reach these lines; if none does, their function, or else their file.

        A case that was not recorded counts as reaching what other cases of its test reach.
        """
        lines = self.data.contexts_by_lineno(str(path))
        function = enclosing(path.read_text(encoding="utf-8"), first)
        for within in (range(first, last + 1), function, lines):
            found = {test for line in within for test in lines.get(line, ()) if test in self.seconds}
            if found:
                names = {test.split("[")[0] for test in found}
                unknown = self.seconds.keys() - self.recorded()
                return found | {test for test in unknown if test.split("[")[0] in names}
        return set()

    def recorded(self) -> set[str]:
        """Return the tests of which it is known what they reach."""
        return set(self.data.measured_contexts())

    def of_files(self, files: list[str]) -> set[str]:
        """Return the tests of files and folders, which are relative to the tree."""
        return {test for test in self.seconds if test.startswith(tuple(files))}

    def in_order(self, tests: set[str], likely: list[str], most: float) -> list[str]:
        """Return tests by file, likely files and cheap ones first; what takes more seconds is left out."""
        by_file: dict[str, list[str]] = {}
        for test in sorted(tests, key=self.seconds.__getitem__):
            by_file.setdefault(test.split("::")[0], []).append(test)

        def rank(file: str) -> tuple[int, float]:
            place = next((i for i, name in enumerate(likely) if file.startswith(name)), len(likely))
            return place, sum(self.seconds[test] for test in by_file[file])

        chosen, spent = [], 0.0
        for file in sorted(by_file, key=rank):
            begin = COLLECT
            for test in by_file[file]:
                if spent + begin + self.seconds[test] > most:
                    break
                spent += begin + self.seconds[test]
                begin = 0.0
                chosen.append(test)
        return chosen


def read(file: str) -> Reach:
    """Read what was recorded."""
    from coverage import CoverageData

    data = CoverageData(file)
    data.read()
    return Reach(data, json.loads(Path(f"{file}.json").read_text(encoding="utf-8")))


def enclosing(code: str, line: int) -> range:
    """Return the lines of the body of the innermost function around a line."""
    found = range(0)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            found = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    return found
