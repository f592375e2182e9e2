"""Targets that are no single neuron: what the student should return, in straight pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.checks import shown
from gradflow.neuron.size import column


class Target:
    """A function that the student should return, where no teacher neuron says it: the base of all such."""


@dataclass(frozen=True, eq=False)
class Knots(Target):
    """Knots joined by straight lines; a repeated x is a jump, whose first y belongs to the left.

    Beyond the first and the last knot the outermost lines go on. The arrays are read-only copies.

    Parameters
    ----------
    x : array, shape (k,)
        Where the knots are, k ≥ 2, in increasing order; inner ones may stand twice.
    y : array, shape (k,)
        The target's values there.

    Raises
    ------
    ValueError, TypeError
        If the numbers are not finite, x falls, a knot stands three times or an outer one twice.

    Examples
    --------
    >>> Knots([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0])  # |x|
    Knots(3 knots from -1 to 1)
    """

    x: Array
    y: Array

    def __post_init__(self) -> None:
        x, y = column("knots", self.x, 2), column("knots' values", self.y, 2)
        if x.shape != y.shape:
            raise ValueError(f"knots: expected a y for each x, got {y.shape[0]} for {x.shape[0]}")
        step = np.diff(x)
        if np.any(step < 0):
            first = int(np.argmax(step < 0))
            raise ValueError(f"knots: x must not fall, got {x[first]:g} before {x[first + 1]:g}")
        if step[0] == 0 or step[-1] == 0:
            which = x[0] if step[0] == 0 else x[-1]
            raise ValueError(f"knots: the first and the last may stand once only, got {which:g} twice")
        if np.any((step[1:] == 0) & (step[:-1] == 0)):
            thrice = x[1:-1][(step[1:] == 0) & (step[:-1] == 0)][0]
            raise ValueError(f"knots: a jump is an x that stands twice, got {thrice:g} three times")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    def __repr__(self) -> str:
        return f"Knots({self.x.shape[0]} knots from {self.x[0]:g} to {self.x[-1]:g})"

    @property
    def jumps(self) -> bool:
        """Whether the target jumps somewhere."""
        same = np.diff(self.x) == 0
        return bool(np.any(same & (np.diff(self.y) != 0)))


NAMED = {
    "abs": Knots([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
    "hat": Knots([-1.0, -0.5, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
    "step": Knots([-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]),
}
"""Targets with names: |x|, max(0, 1 − 2|x|), and 1 above 0."""


def as_target(value: Any) -> Target:
    """Return a target from itself or its name.

    Raises
    ------
    ValueError, TypeError
        If it is none; one line.
    """
    if isinstance(value, Target):
        return value
    names = ", ".join(NAMED)
    if isinstance(value, str):
        if value.lower() in NAMED:
            return NAMED[value.lower()]
        raise ValueError(f"target: expected {names}, got {shown(value)}")
    raise TypeError(f"target: expected Knots, a Network, a Neuron or one of {names}, got {shown(value)}")
