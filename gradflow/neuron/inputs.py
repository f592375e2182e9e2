"""The inputs: uniform on an interval, or given points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, is_array, namespace
from gradflow.base.checks import batch_shape, integer, number, numbers, owned, require_finite, shown
from gradflow.neuron.size import require_within


@dataclass(frozen=True)
class Uniform:
    """Inputs uniform on [lo, hi]; the bounds are numbers, or arrays that broadcast with the neurons.

    Raises
    ------
    ValueError
        If a bound is not finite or lo ≥ hi.
    """

    lo: ArrayLike = -1.0
    hi: ArrayLike = 1.0

    def __post_init__(self) -> None:
        require_finite("interval", self.lo, self.hi)
        require_within("interval", self.lo, self.hi)
        for name in ("lo", "hi"):
            object.__setattr__(self, name, owned("interval", getattr(self, name)))
        lo, hi = numbers("interval", self.lo), numbers("interval", self.hi)
        batch_shape("the ends of the interval", [lo.shape, hi.shape])
        if not np.all(lo < hi):
            found = f"lo = {shown(self.lo)} and hi = {shown(self.hi)}"
            raise ValueError(f"interval: lo must be below hi, got {found}")

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n inputs drawn from the law of one interval."""
        return rng.uniform(float(self.lo), float(self.hi), n)


class Source(NamedTuple):
    """The file that data were read from: its name, without folders, and the SHA-256 of its content."""

    file: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Sample:
    """N given inputs with optional weights and targets; every expectation is the weighted mean over them.

    Weights and targets are given by name, ``Sample(x, targets=y)``. Arrays are copies, in NumPy read-only.

    Parameters
    ----------
    x : array, shape (N,)
        The inputs, any finite values, in any order, repeated or not; N ≥ 1.
    weights : array, shape (N,), optional
        Non-negative and not all zero; normalised to sum 1. Equal by default.
    targets : array, shape (N,), optional
        What the student should return at the inputs, any finite values. By default the problem's
        teacher says; with targets the losses do not depend on it.
    source : Source, optional
        Where the numbers are from; it changes none.

    Raises
    ------
    ValueError
        If a shape, an input, a weight or a target is not as described.

    Examples
    --------
    >>> mine = gf.Sample([0.0, 1.0, 2.0], targets=[0.0, 1.0, 4.0])
    >>> round(float(gf.loss(gf.Neuron(), gf.Problem(inputs=mine))), 4)
    1.3333
    """

    x: Array
    # By name only: people write the targets second, where weights would be taken for them.
    weights: Array | None = field(default=None, kw_only=True)
    targets: Array | None = field(default=None, kw_only=True)
    source: Source | None = field(default=None, kw_only=True)
    lo: float = field(init=False)
    hi: float = field(init=False)

    def __post_init__(self) -> None:
        x = _column("inputs", self.x)
        if x.ndim != 1 or x.shape[0] == 0:
            raise ValueError(
                f"inputs: expected a one-dimensional array of at least one input, got shape {tuple(x.shape)}"
            )
        require_finite("inputs", x)
        require_within("inputs", x)
        xp = namespace(x)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "lo", float(xp.min(x)))
        object.__setattr__(self, "hi", float(xp.max(x)))
        if self.targets is not None:
            object.__setattr__(self, "targets", _one_each("targets", self.targets, x))
            require_within("targets", self.targets)
        if self.weights is None:
            return
        weights = _one_each("weights", self.weights, x)
        largest = float(xp.max(weights))
        if float(xp.min(weights)) < 0 or not largest > 0:
            raise ValueError("weights: must be non-negative and not all zero")
        object.__setattr__(self, "weights", owned("weights", _normalised(weights, largest)))


def _column(name: str, value: Array) -> Array:
    """Return an array of one's own; lists in float64."""
    is_list = not (is_array(value) or hasattr(value, "__array__"))
    return owned(name, numbers(name, value).astype(np.float64) if is_list else value)


def _one_each(name: str, value: Array, x: Array) -> Array:
    """Return an array that has one finite number for each input."""
    array = _column(name, value)
    if array.shape != x.shape:
        raise ValueError(f"{name}: expected the inputs' shape {tuple(x.shape)}, got {tuple(array.shape)}")
    require_finite(name, array)
    return array


def _normalised(weights: Array, largest: float) -> Array:
    """Return weights that sum to 1; their sum may be beyond the largest number."""
    xp = namespace(weights)
    is_floating = xp.isdtype(weights.dtype, "real floating")
    most = float(xp.finfo(weights.dtype).max if is_floating else xp.iinfo(weights.dtype).max)
    if largest > most / weights.shape[0]:
        weights = weights / largest
    return weights / float(xp.sum(weights))


def grid(n: int, lo: float = -1.0, hi: float = 1.0) -> Sample:
    """Return the sample of `n` equally spaced inputs on [lo, hi], both ends included.

    Raises
    ------
    ValueError
        If n < 2 or the interval is not one.
    """
    n = integer("samples", n, 2)
    lo, hi = number("interval", lo), number("interval", hi)
    Uniform(lo, hi)
    try:
        x = np.linspace(lo, hi, n)
        # About 0 it is symmetric to the last bit: theorems ask for the sign of its mean, which is 0.
        return Sample(0.5 * x - 0.5 * x[::-1] if lo == -hi else x)
    except (MemoryError, ValueError, IndexError):
        raise ValueError(f"samples: {shown(n)} inputs do not fit into memory") from None
