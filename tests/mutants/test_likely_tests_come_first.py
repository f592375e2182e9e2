"""Tests of a mutant: those that reach its lines, of likely files and cheap ones first, within a time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.mutants.reach import Reach, enclosing

CODE = """LIMIT = 3


def outer(x):
    def inner(y):
        return y

    return inner(x)
"""
SECONDS = {"a.py::1": 3.0, "a.py::2": 0.5, "b.py::1": 0.1, "b.py::2": 0.2, "own/c.py::1": 1.0}


def reach(lines: dict[int, list[str]]) -> Reach:
    recorded = {test for tests in lines.values() for test in tests}
    data = SimpleNamespace(contexts_by_lineno=lambda _: lines, measured_contexts=lambda: recorded)
    return Reach(data, SECONDS)


def test_the_likely_and_cheap_come_first_and_what_takes_too_long_not_at_all() -> None:
    known, every = reach({}), set(SECONDS)
    assert known.in_order(every, ["own"], 10.0) == ["own/c.py::1", "b.py::1", "b.py::2", "a.py::2", "a.py::1"]
    assert known.in_order(every, [], 2.5) == ["b.py::1", "b.py::2", "own/c.py::1", "a.py::2"]
    assert known.of_files(["own", "b.py"]) == {"own/c.py::1", "b.py::1", "b.py::2"}


def test_of_a_line_that_none_reaches_those_of_its_function_or_file_count(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(CODE, encoding="utf-8")
    known = reach({6: ["a.py::1", "gone.py::1"], 8: ["b.py::1"], 1: [""]})
    assert known.tests(path, 6, 6) == {"a.py::1"}
    assert known.tests(path, 5, 5) == {"a.py::1"}
    # Of a case that was not recorded it is known by the others of its test.
    several = Reach(known.data, SECONDS | {"a.py::1[one]": 1.0, "a.py::2[one]": 1.0})
    assert several.tests(path, 6, 6) == {"a.py::1", "a.py::1[one]"}
    assert known.tests(path, 4, 4) == known.tests(path, 1, 1) == {"a.py::1", "b.py::1"}


@pytest.mark.parametrize(("line", "body"), [(1, range(0)), (6, range(6, 7)), (8, range(5, 9))])
def test_a_line_is_in_its_innermost_function(line: int, body: range) -> None:
    assert enclosing(CODE, line) == body
