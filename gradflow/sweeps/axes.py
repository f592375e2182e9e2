"""The axes of a grid: values of a start's parameter or of a hyper-parameter, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gradflow.base.checks import integer, number, shown
from gradflow.descent import OPTIMIZERS, is_switch, optimizer_name
from gradflow.neuron.problem import PARAMETERS

MOST_IN_MEMORY = 100_000_000
"""Trajectories whose results are put together in memory, and values of an axis, at most."""


SPACINGS = ("linear", "log")


@dataclass(frozen=True)
class Axis:
    """`n` values of a parameter (or hyper-parameter), both ends included.

    Parameters
    ----------
    name : str
    lo, hi : float
        The ends; either may be the larger.
    n : int
    spacing : {"linear", "log"}
        Whether differences or ratios of neighbours are equal.

    Raises
    ------
    ValueError
        If an end is not finite, n < 1, n > 1 and the ends coincide, or n = 1 and they do not, so that one of
        them would be ignored; with "log", if an end is not > 0.
    """

    name: str
    lo: float
    hi: float
    n: int
    spacing: str = "linear"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name: expected text, got {shown(self.name)}")
        if not self.name.isidentifier():
            raise ValueError(f"name: expected that of a parameter or hyper-parameter, got {shown(self.name)}")
        for end in ("lo", "hi"):
            object.__setattr__(self, end, number(f"grid: {self.name}", getattr(self, end)))
        object.__setattr__(self, "n", integer(f"grid: {self.name}", self.n, 0))
        if self.n < 1:
            raise ValueError(f"grid: {self.name} needs at least 1 value, got {self.n}")
        if (self.n == 1) != (self.lo == self.hi):
            needs = "1 value needs equal ends" if self.n == 1 else f"{self.n} values need different ends"
            raise ValueError(f"grid: {self.name}: {needs}, got {self.lo} and {self.hi}")
        if self.n > MOST_IN_MEMORY:
            raise ValueError(
                f"grid: expected at most {MOST_IN_MEMORY:.0e} values of an axis, got {shown(self.n)}"
            )
        if not isinstance(self.spacing, str) or self.spacing not in SPACINGS:
            raise ValueError(f"grid: expected a spacing {' or '.join(SPACINGS)}, got {shown(self.spacing)}")
        if self.spacing == "log" and not (self.lo > 0 and self.hi > 0):
            raise ValueError(
                f"grid: {self.name} must run between numbers > 0 with log, got {self.lo} and {self.hi}"
            )

    @property
    def values(self) -> np.ndarray:
        """The values, shape (n,)."""
        return (np.geomspace if self.spacing == "log" else np.linspace)(self.lo, self.hi, self.n)


@dataclass(frozen=True)
class Points:
    """Given values of a parameter (or hyper-parameter), in any order and distance.

    Parameters
    ----------
    name : str
    given : tuple of float

    Raises
    ------
    ValueError
        If there are none, one is not finite, or they are more than fit in memory.
    """

    name: str
    given: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MOST_IN_MEMORY:
            raise ValueError(f"grid: expected 1 to {MOST_IN_MEMORY:.0e} values of {self.name}, got {self.n}")
        if not np.all(np.isfinite(self.given)):
            raise ValueError(f"grid: {self.name} must be finite, got values with NaN or infinity")

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.given)

    @property
    def values(self) -> np.ndarray:
        """The values, shape (n,)."""
        return np.array(self.given, dtype=np.float64)


def require_varied(argument: str, names: Iterable[str], method: str, samples: int | None = None) -> None:
    """Raise a one-line ValueError unless all names can be varied under a method.

    These are the start's parameters and the method's hyper-parameters that are numbers.

    Raises
    ------
    ValueError
        If one cannot, there is no such method, or it cannot train on a sample; it calls the names `argument`.
    """
    known: tuple[str, ...] = PARAMETERS
    if method != "flow":
        fields = OPTIMIZERS[optimizer_name(method, "method", ("flow",))]._fields
        known = (*PARAMETERS, *(name for name in fields if not is_switch(name)))
    elif samples is not None:
        raise ValueError("samples: the flow is the population's; a sample needs a method with steps")
    for name in names:
        if name in known:
            continue
        having = [other for other, config in OPTIMIZERS.items() if name in config._fields]
        hint = ""
        if is_switch(name):
            hint = "; it is True or False, the same for all"
        elif having and method == "flow":
            hint = f"; the flow has no such thing, choose an optimiser as method: {', '.join(having)}"
        elif having:
            hint = f"; {', '.join(having)} {'have' if len(having) > 1 else 'has'} it"
        raise ValueError(f"{argument}: expected one of {', '.join(known)}, got {name!r}{hint}")
