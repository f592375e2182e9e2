"""Hyper-parameters: what every optimiser shares to check them and to compute with them.

Coefficients are computed in double precision and rounded once to the dtype of the parameters, so
that 1 − β keeps its digits in float32 and a float32 batch stays float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating, device, is_array, namespace, to_numpy
from gradflow.base.checks import shown
from gradflow.field import population


class Config(Protocol):
    """The hyper-parameters of one optimiser: a NamedTuple of numbers, arrays and flags, the first `lr`."""

    @property
    def lr(self) -> ArrayLike:
        """The learning rate, before the schedule."""

    def _asdict(self) -> dict[str, Any]: ...


class Range(NamedTuple):
    """The values a hyper-parameter may take: finite numbers in [0, below)."""

    allowed: str
    below: float

    def check(self, name: str, value: ArrayLike) -> None:
        """Raise a one-line TypeError or ValueError unless every entry of `value` is allowed."""
        try:
            _, (numbers,) = as_floating((value,))
        except (TypeError, ValueError) as error:
            expected = f"{name}: expected {self.allowed} or an array of such, got {shown(value)}"
            raise TypeError(expected) from error
        numbers = to_numpy(numbers)
        outside = ~((numbers >= 0) & (numbers < self.below))
        if np.any(outside):
            found = numbers[outside].flat[0] if numbers.ndim else numbers[()]
            raise ValueError(f"{name}: expected {self.allowed}, got {found}")


class Flag(NamedTuple):
    """A hyper-parameter that is True or False for the whole batch."""

    def check(self, name: str, value: object) -> None:
        """Raise a one-line TypeError unless `value` is a bool."""
        if not isinstance(value, bool):
            for_all = " for the whole batch" if isinstance(value, (list, tuple)) or is_array(value) else ""
            raise TypeError(f"{name}: expected True or False{for_all}, got {shown(value)}")


NON_NEGATIVE = Range("a finite number >= 0", np.inf)
FRACTION = Range("a number in [0, 1)", 1.0)
FLAG = Flag()

TINY = float(np.finfo(np.float64).tiny)
"""Stands for β = 0 in logarithms: its powers vanish beside 1."""


def double(value: ArrayLike) -> ArrayLike:
    """Return a number as a Python float, an array as an array of float64."""
    if type(value) is float:
        return value
    if not is_array(value):
        return float(value)
    xp = namespace(value)
    return xp.astype(value, xp.float64, copy=False)


def rounded(value: ArrayLike, theta: Array) -> ArrayLike:
    """Return a coefficient in the precision of `theta`.

    Numbers become Python floats, which adapt to the array beside them.
    """
    return namespace(theta).astype(value, theta.dtype, copy=False) if is_array(value) else float(value)


def bias_correction(beta: ArrayLike, step: Array) -> Array:
    """Return 1 − β^step in double precision, accurate also where β^step is close to 1; 1 for β = 0.

    Parameters
    ----------
    beta : number or array
        In [0, 1).
    step : array of float64, shape ()
        The number of updates, ≥ 1.
    """
    xp = namespace(step, beta)
    beta = double(beta)
    if not is_array(beta):
        beta = xp.asarray(beta, dtype=xp.float64, device=device(step))
    tiny = xp.asarray(TINY, dtype=xp.float64, device=device(step))
    return -xp.expm1(step * xp.log(xp.where(beta > 0, beta, tiny)))


class Operations(NamedTuple):
    """Numbers' operations, as the optimisers' rules need them."""

    where: Callable[[Any, Any, Any], Any]
    sqrt: Callable[[Any], Any]


def operations(theta: Array) -> Operations:
    """Return the operations on arrays like `theta`."""
    xp = namespace(theta)
    return Operations(population.operations(xp, theta).where, xp.sqrt)


def corrected(beta: ArrayLike, updates: int) -> ArrayLike:
    """Return `bias_correction` after so many updates, a number for a number."""
    if not is_array(beta):
        return _corrected(float(beta), updates)
    xp = namespace(beta)
    return bias_correction(beta, xp.asarray(float(updates), dtype=xp.float64, device=device(beta)))


@lru_cache(maxsize=1 << 17)
def _corrected(beta: float, updates: int) -> float:
    # Every run from another start asks for the same numbers. To the bit those of `bias_correction`.
    return float(-np.expm1(updates * np.log(beta if beta > 0.0 else TINY)))


def root_of(value: ArrayLike) -> ArrayLike:
    """Return a square root, a number for a number."""
    return namespace(value).sqrt(value) if is_array(value) else math.sqrt(value)


def divided(ops: Operations, numerator: Array, denominator: Array) -> Array:
    """Return the quotient, and 0 where there is nothing to divide by."""
    empty = denominator == 0.0
    return ops.where(empty, 0.0, numerator) / ops.where(empty, 1.0, denominator)


def quotient(numerator: Array, root: Array, eps: ArrayLike) -> Array:
    """Return numerator/(root + ε), and 0 where ε = 0 leaves nothing to divide by."""
    denominator = root + eps
    if not is_array(eps) and eps > 0:
        return numerator / denominator
    xp = namespace(numerator, root)
    empty = denominator == 0
    return xp.where(empty, xp.zeros_like(denominator), numerator / xp.where(empty, 1 + eps, denominator))


def with_decay(gradient: Array, theta: Array, weight_decay: ArrayLike) -> Array:
    """Add the gradient of (λ/2)‖θ‖² to the gradient: coupled weight decay."""
    if not is_array(weight_decay) and weight_decay == 0:
        return gradient
    return gradient + rounded(weight_decay, theta) * theta
