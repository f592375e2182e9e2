"""Losses ℓ(f, y) of one output f with one target y, with two derivatives by f: one table.

None has a factor ½: the squared loss is (f − y)² as everywhere here. To add one, add a row to `LOSSES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.checks import number, shown

Function = Callable[[Any, Any, float], Any]


class Formulas(NamedTuple):
    """A row of the table: functions of outputs, targets and the loss's own number.

    Attributes
    ----------
    value, slope, bend : function of (f, y, size)
        ℓ, ∂ℓ/∂f and ∂²ℓ/∂f²; at a corner of ℓ the slope is the mean of both sides.
    signs : bool
        Whether targets have to be −1 or 1.
    size : float, optional
        The default of the loss's own number, if it has one.
    has_corners : bool
        Whether the slope jumps somewhere.
    """

    value: Function
    slope: Function
    bend: Function
    signs: bool = False
    size: float | None = None
    has_corners: bool = False


def _margin(f: Any, y: Any) -> tuple[Any, Any]:
    """Return y f and exp(−|y f|)."""
    margin = y * f
    return margin, np.exp(-np.abs(margin))


def _below(f: Any, y: Any) -> Any:
    """Return 1/(1 + exp(y f)) to its last digits."""
    margin, small = _margin(f, y)
    return np.where(margin >= 0.0, small, 1.0) / (1.0 + small)


def _logistic(f: Any, y: Any, size: float) -> Any:
    margin, small = _margin(f, y)
    return np.maximum(-margin, 0.0) + np.log1p(small)


def _logistic_bend(f: Any, y: Any, size: float) -> Any:
    small = _margin(f, y)[1]
    return y * y * small / ((1.0 + small) * (1.0 + small))


def _huber(f: Any, y: Any, size: float) -> Any:
    far = np.abs(f - y)
    near = np.minimum(far, size)
    return near * (2.0 * far - near)


LOSSES: dict[str, Formulas] = {
    "squared": Formulas(
        lambda f, y, size: (f - y) * (f - y),
        lambda f, y, size: 2.0 * (f - y),
        lambda f, y, size: np.full_like(f, 2.0),
    ),
    "absolute": Formulas(
        lambda f, y, size: np.abs(f - y),
        lambda f, y, size: np.sign(f - y),
        lambda f, y, size: np.zeros_like(f),
        has_corners=True,
    ),
    "huber": Formulas(
        _huber,
        lambda f, y, size: 2.0 * np.clip(f - y, -size, size),
        lambda f, y, size: np.where(np.abs(f - y) < size, 2.0, 0.0),
        size=1.0,
    ),
    "logistic": Formulas(_logistic, lambda f, y, size: -y * _below(f, y), _logistic_bend, signs=True),
    "exponential": Formulas(
        lambda f, y, size: np.exp(-y * f),
        lambda f, y, size: -y * np.exp(-y * f),
        lambda f, y, size: y * y * np.exp(-y * f),
        signs=True,
    ),
}
"""Every loss, by name."""

SPELLINGS = ", ".join(
    name if row.size is None else f"{name}[={name.upper()}]" for name, row in LOSSES.items()
)
"""Spellings that `as_loss` takes."""


@dataclass(frozen=True, repr=False)
class Loss:
    """A loss by its name in `LOSSES`, with its own number if it has one.

    squared
        (f − y)².
    absolute
        |f − y|, with slope 0 at 0.
    huber
        (f − y)² where that is at most δ², and 2δ|f − y| − δ² beyond (twice PyTorch's); δ is 1 by default.
    logistic
        log(1 + exp(−y f)), for targets −1 and 1.
    exponential
        exp(−y f), for targets −1 and 1.

    Raises
    ------
    ValueError, TypeError
        If there is no such loss, or its number is not as described.
    """

    name: str = "squared"
    size: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.name not in LOSSES:
            raise ValueError(f"loss: expected {SPELLINGS}, got {shown(self.name)}")
        default = LOSSES[self.name].size
        if default is None and self.size is not None:
            raise ValueError(f"loss: {self.name} has no number of its own, got {shown(self.size)}")
        size = default if self.size is None else number("loss", self.size, 0.0)
        if size == 0.0:
            raise ValueError(f"loss: expected a number > 0 for {self.name}, got 0.0")
        object.__setattr__(self, "size", size)

    def __repr__(self) -> str:
        return self.name if self.size == LOSSES[self.name].size else f"{self.name}={self.size!r}"

    @property
    def signs(self) -> bool:
        """Whether targets have to be −1 or 1."""
        return LOSSES[self.name].signs

    @property
    def has_corners(self) -> bool:
        """Whether the slope jumps somewhere."""
        return LOSSES[self.name].has_corners

    def value(self, f: Any, y: Any) -> Any:
        """Return ℓ."""
        return LOSSES[self.name].value(f, y, self._size)

    def slope(self, f: Any, y: Any) -> Any:
        """Return ∂ℓ/∂f."""
        return LOSSES[self.name].slope(f, y, self._size)

    def bend(self, f: Any, y: Any) -> Any:
        """Return ∂²ℓ/∂f²."""
        return LOSSES[self.name].bend(f, y, self._size)

    @property
    def _size(self) -> float:
        return math.nan if self.size is None else self.size


SQUARED = Loss()


def as_loss(value: Any) -> Loss:
    """Return a loss from itself or its name, such as "huber" or "huber=0.5".

    Raises
    ------
    ValueError, TypeError
        One line that says what is allowed.
    """
    if isinstance(value, Loss):
        return value
    if not isinstance(value, str):
        raise TypeError(f"loss: expected {SPELLINGS}, got {shown(value)}")
    name, equals, text = value.partition("=")
    if not equals:
        return Loss(name.strip().lower())
    try:
        size = float(text)
    except ValueError:
        raise ValueError(f"loss: expected {SPELLINGS}, got {shown(value)}") from None
    return Loss(name.strip().lower(), size)
