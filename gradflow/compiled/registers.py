"""The formulas' `Operations` on single numbers, which compiled code keeps in registers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from gradflow.base.error_free import splitter


class Registers:
    """Operations on single numbers; the interface is that of `gradflow.field.formulas.Operations`.

    As plain Python it runs, slowly, on floats. Compiled (`gradflow.compiled.on_numba`) `where` is one
    instruction without a branch, and the object itself is nothing at all.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        number = np.float32 if dtype == "float32" else float
        self.splitter: Any = number(splitter(dtype))
        self.third: Any = number(1.0 / 3.0)

    def where(self, condition: bool, a: Any, b: Any) -> Any:
        """Return `a` where the condition holds, else `b`; both are computed."""
        return a if condition else b

    def positive(self, value: Any) -> Any:
        """Return whether a number is positive; not where it is NaN."""
        return value > 0

    def sqrt(self, value: Any) -> Any:
        """Return the square root; of a negative number NaN."""
        return math.sqrt(value) if value >= 0 else math.nan

    def __repr__(self) -> str:
        return f"Registers({self.dtype!r})"


class Weighted:
    """Which numbers make a sum, with a weight each, in the order in which they are added up.

    To the compiler every such sum is of a type of its own: it becomes one straight line, and a function that
    is given one is compiled for it.
    """

    def __init__(self, row: tuple[tuple[int, float], ...]) -> None:
        self.row = row

    def __repr__(self) -> str:
        return f"Weighted({self.row!r})"


REGISTERS: Any = Registers("float64")
"""The formulas' `ops` in scalar code; compiled in single precision it becomes `SINGLE`."""
SINGLE: Any = Registers("float32")


def loaded(numbers: Any, at: int, apart: int, count: int) -> tuple[Any, ...]:
    """Return so many numbers of an array as a tuple; compiled, `count` is a constant."""
    return tuple(numbers[at + apart * k] for k in range(count))


def stored(numbers: Any, at: int, apart: int, values: tuple[Any, ...]) -> None:
    """Put the numbers of a tuple into an array."""
    for k, value in enumerate(values):
        numbers[at + apart * k] = value


def sum_of(weighted: Weighted, numbers: Any, at: int, apart: int) -> Any:
    """Return a weighted sum of numbers of an array that begin at a place."""
    (first, weight), *rest = weighted.row
    total = weight * numbers[at + apart * first]
    for k, weight in rest:
        total = total + weight * numbers[at + apart * k]
    return total


def last_of(weighted: Weighted) -> int:
    """Return which number is added last."""
    return weighted.row[-1][0]


def least(a: Any, b: Any) -> Any:
    """Return the smaller of two finite numbers.

    Compiled, it is a minimum from the start. Of a comparison and a choice that go back to where one of the
    numbers came from, compilers make a masked store, which takes some processors longer than a division.
    """
    return a if a < b else b


Function = TypeVar("Function", bound=Callable[..., Any])


def finite(function: Function) -> Function:
    """Let a function's products with a constant 0 be 0 when it is compiled, and those that it calls.

    Where all numbers are finite that changes no bit but signs of zeros. What is not finite may get lost, so
    the caller looks at what it computes further on.
    """
    _FINITE.add(function)
    return function


def is_finite(function: Any) -> bool:
    """Return whether a function was marked by `finite`."""
    return function in _FINITE


_FINITE: set[Any] = set()
