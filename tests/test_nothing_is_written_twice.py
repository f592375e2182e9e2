"""No statements of four lines and more stand in two functions, and no file is longer than 400 lines."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import gradflow

PACKAGE = Path(gradflow.__file__).resolve().parent
MOST_LINES, LEAST = 400, 4


def runs(body: list[ast.stmt]) -> Iterable[tuple[int, str]]:
    """Yield every run of statements, a docstring aside, that is long enough: its first line and its text."""
    body = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    texts = [ast.dump(statement) for statement in body]
    for i, first in enumerate(body):
        for j, last in enumerate(body[i:], i):
            if (last.end_lineno or 0) - first.lineno + 1 >= LEAST:
                yield first.lineno, "".join(texts[i : j + 1])
                break


def repeated(sources: Mapping[str, str]) -> list[list[str]]:
    """Return the places of functions that have statements in common, a list for each run of them."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                for line, text in runs(node.body):
                    places[text].append(f"{name}:{line} {node.name}")
    return [found for found in places.values() if len(found) > 1]


def test_no_statements_are_in_two_functions() -> None:
    assert repeated({str(p.relative_to(PACKAGE)): p.read_text("utf-8") for p in PACKAGE.rglob("*.py")}) == []


def test_a_copy_under_another_name_is_seen() -> None:
    body = '\n    """%s."""\n    a = [\n        x,\n        x + 1,\n    ]\n    b = a[0]\n    return b\n'
    one, other = f"def f(x):{body % 'One'}", f"def g(x):{body % 'Other'}"
    assert repeated({"one.py": one, "other.py": other}) == [["one.py:3 f", "other.py:3 g"]]
    assert repeated({"one.py": one, "other.py": other.replace("x + 1", "x + 2")}) == []


def test_no_file_is_too_long() -> None:
    files = [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "derivations").glob("*.py")]
    lengths = {str(path): path.read_text("utf-8").count("\n") for path in files}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}
