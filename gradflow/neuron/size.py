"""How large inputs and outputs may be: the square of what is beyond may overflow."""

from __future__ import annotations

import numpy as np

from gradflow.base.arrays import Array, ArrayLike
from gradflow.base.checks import numbers, owned, require_finite, shown

LARGEST = 1e100
"""The largest input and the largest output of a teacher."""


def require_within(name: str, *values: ArrayLike) -> None:
    """Raise a one-line ValueError unless numbers are small enough for their squares to be finite."""
    for value in values:
        array = numbers(name, value)
        outside = np.abs(array.astype(np.float64)) > LARGEST
        if np.any(outside):
            raise ValueError(
                f"{name}: expected numbers between -1e100 and 1e100, got {array[outside].flat[0]!s}"
            )


def column(name: str, value: Array, least: int) -> np.ndarray:
    """Return at least so many finite numbers of moderate size, in float64, of its holder's own.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.
    """
    array = numbers(name, value).astype(np.float64)
    if array.ndim != 1 or array.shape[0] < least:
        raise ValueError(f"{name}: expected at least {least} numbers along one axis, got {shown(value)}")
    require_finite(name, array)
    require_within(name, array)
    return np.asarray(owned(name, array))
