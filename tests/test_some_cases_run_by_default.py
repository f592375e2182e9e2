"""Of a test marked `some(k)` k cases run by default, first and last among them, the others as slow ones."""

from __future__ import annotations

import pytest

CASES = """
import pytest

@pytest.mark.some({count})
@pytest.mark.parametrize("n", [*range(9), pytest.param(9, marks=pytest.mark.slow)])
def test_of_many(n):
    pass

def test_of_one():
    pass
"""


def collected(pytester: pytest.Pytester, *options: str) -> list[str]:
    found = pytester.runpytest("--co", "-q", "-p", "tests.conftest", *options).outlines
    return [line.split("::")[1] for line in found if "::" in line]


@pytest.mark.parametrize(("count", "kept"), [(1, [0]), (2, [0, 8]), (3, [0, 4, 8]), (20, [*range(9)])])
def test_by_default_and_of_the_slow(pytester: pytest.Pytester, count: int, kept: list[int]) -> None:
    pytester.makeini("[pytest]\nmarkers =\n    slow: a\n    some: b\n")
    pytester.makepyfile(CASES.format(count=count))
    assert collected(pytester, "-m", "not slow") == [*(f"test_of_many[{n}]" for n in kept), "test_of_one"]
    rest = [n for n in range(10) if n not in kept]
    assert collected(pytester, "-m", "slow") == [f"test_of_many[{n}]" for n in rest]
    assert len(collected(pytester)) == 11
