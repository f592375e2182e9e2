"""Numbers that all trajectories share, computed step by step by the NumPy calls of the training loop."""

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


class Host:
    """Host values that change from step to step.

    Parameters
    ----------
    outputs : sequence of Traced
        The values wanted at every step.
    carried : dict of leaf to Traced
        What each leaf becomes after the step.
    """

    def __init__(self, outputs: Sequence[Traced], carried: dict[Traced, Traced]) -> None:
        self.outputs, self.carried = outputs, carried
        moving: set[int] = set()
        self._values: dict[int, Any] = {}
        self._program: list[tuple[int, Callable[..., Any], tuple[Any, ...]]] = []
        # Their identities are the keys: keep them alive.
        self._kept = ordered([*outputs, *carried.values()])
        for value in self._kept:
            if value.op == "leaf" or any(id(a) in moving for a in value.args):
                moving.add(id(value))
            if value.op == "leaf":
                continue
            instruction = (id(value), _function(value), value.args)
            if id(value) in moving:
                self._program.append(instruction)
            else:
                self._execute(*instruction)

    def step(self, leaves: dict[Traced, Any]) -> tuple[list[Any], dict[Traced, Any]]:
        """Return the outputs at one step, and the carried leaves' values at the next."""
        for leaf, value in leaves.items():
            self._values[id(leaf)] = value
        for instruction in self._program:
            self._execute(*instruction)
        values = self._values
        return [values[id(value)] for value in self.outputs], {
            leaf: values[id(value)] for leaf, value in self.carried.items()
        }

    def _execute(self, target: int, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        values = self._values
        values[target] = function(*(values[id(a)] if isinstance(a, Traced) else a for a in args))


def _function(value: Traced) -> Callable[..., Any]:
    if value.op == "given":
        return lambda number, name: number
    if value.op == "cast":
        to: Callable[..., Any] = value.dtype.type
        return to
    return FUNCTIONS[value.op]
