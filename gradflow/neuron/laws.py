"""Input laws with a density that is not constant: in steps, and normal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.checks import number, shown
from gradflow.neuron.inputs import Sample, Uniform
from gradflow.neuron.size import LARGEST, column

BEYOND = 38.0
"""So many standard deviations from the mean a normal law ends: beyond is a mass of 3e-316."""


class Law:
    """A law of the inputs with a density on [lo, hi]: the base of those that are not uniform."""

    lo: float
    hi: float

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n inputs drawn from the law.

        Raises
        ------
        NotImplementedError
            By this base.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Steps(Law):
    """Inputs with a density that is constant between given points; it need not sum to 1.

    Parameters
    ----------
    x : array, shape (k + 1,)
        Where the density may change, increasing.
    density : array, shape (k,)
        The density from each point to the next, ≥ 0 and not 0 everywhere.

    Attributes
    ----------
    lo, hi : float
        The smallest and the largest input: outer steps of density 0 are left out.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Examples
    --------
    >>> gf.Steps([-1.0, 0.0, 1.0], [1.0, 3.0])
    Steps(2 steps on [-1, 1])
    """

    x: Array
    density: Array
    lo: float = field(init=False)
    hi: float = field(init=False)

    def __post_init__(self) -> None:
        x, density = column("law", self.x, 2), column("law's density", self.density, 1)
        if density.shape[0] != x.shape[0] - 1:
            raise ValueError(
                f"law: expected a density for each of {x.shape[0] - 1} steps, got {density.shape[0]}"
            )
        if not np.all(np.diff(x) > 0):
            first = int(np.argmax(np.diff(x) <= 0))
            raise ValueError(f"law: x must increase, got {x[first]:g} before {x[first + 1]:g}")
        if np.any(density < 0):
            raise ValueError(f"law: expected a density >= 0, got {np.min(density):g}")
        if not np.any(density > 0):
            raise ValueError("law: its mass must be positive, got a density that is 0 everywhere")
        some = np.flatnonzero(density > 0)
        x, density = x[some[0] : some[-1] + 2], density[some[0] : some[-1] + 1]
        density = density / np.max(density)
        density = density / float(np.sum(density * np.diff(x)))
        for name, values in (("x", x), ("density", density)):
            values = values.copy()
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        object.__setattr__(self, "lo", float(x[0]))
        object.__setattr__(self, "hi", float(x[-1]))

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n inputs drawn from the law."""
        width = np.diff(self.x)
        step = rng.choice(width.shape[0], n, p=self.density * width / np.sum(self.density * width))
        return np.asarray(self.x[step] + width[step] * rng.random(n))

    def __repr__(self) -> str:
        return f"Steps({self.density.shape[0]} steps on [{self.lo:g}, {self.hi:g}])"


@dataclass(frozen=True)
class Normal(Law):
    """Normal inputs, cut off 38 standard deviations from the mean, where no mass is left in float64.

    Parameters
    ----------
    mean : float
        Between -1e100 and 1e100.
    std : float
        The standard deviation, > 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """

    mean: float = 0.0
    std: float = 1.0
    lo: float = field(init=False)
    hi: float = field(init=False)

    def __post_init__(self) -> None:
        mean, std = number("mean", self.mean, -LARGEST, LARGEST), number("std", self.std, 0.0, LARGEST)
        if std == 0.0:
            raise ValueError("std: expected a number > 0, got 0.0")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", std)
        object.__setattr__(self, "lo", mean - BEYOND * std)
        object.__setattr__(self, "hi", mean + BEYOND * std)
        if not self.lo < mean < self.hi:
            raise ValueError(f"std: too small beside the mean {mean:g} to be seen, got {std:g}")

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n inputs drawn from the law."""
        return rng.normal(self.mean, self.std, n)


_NAMED: dict[str, Any] = {"uniform": Uniform, "normal": Normal}


def as_law(value: Any) -> Law | Uniform | Sample:
    """Return the law of inputs from itself or its name.

    Raises
    ------
    TypeError
        If it is none; one line.
    """
    if isinstance(value, str) and value.lower() in _NAMED:
        value = _NAMED[value.lower()]()
    if isinstance(value, (Law, Uniform, Sample)):
        return value
    names = ", ".join(_NAMED)
    raise TypeError(f"law: expected Uniform, Steps, Normal, Sample or one of {names}, got {shown(value)}")
