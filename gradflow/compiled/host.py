"""Recorded operations as NumPy calls, and recorded values in order."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradflow.compiled.traced import Traced

# Python's operators on NumPy scalars are what array code does with arrays of shape ().
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": np.true_divide,
    "neg": operator.neg,
    "abs": operator.abs,
    "sqrt": np.sqrt,
    "log": np.log,
    "expm1": np.expm1,
    "exp": np.exp,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
    "and": operator.and_,
    "or": operator.or_,
    "not": np.logical_not,
    "select": lambda condition, a, b: np.asarray(np.where(condition, a, b))[()],
}


def ordered(outputs: Sequence[Any]) -> list[Traced]:
    """Return the traced values that `outputs` are made of, operands before operations, each once."""
    seen: set[int] = set()
    result: list[Traced] = []
    stack: list[tuple[Any, bool]] = [(value, False) for value in reversed(outputs)]
    while stack:
        value, ready = stack.pop()
        if not isinstance(value, Traced) or (id(value) in seen and not ready):
            continue
        if ready:
            result.append(value)
            continue
        seen.add(id(value))
        stack.append((value, True))
        stack.extend((argument, False) for argument in reversed(value.args))
    return result
