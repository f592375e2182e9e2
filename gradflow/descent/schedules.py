"""Learning-rate schedules: pure functions of the step that return the factor of the learning rate.

Update k (the first has k = 0) leads from state k to state k + 1 with the rate ``lr * schedule(k)``. Any
function of an int that returns a finite float ≥ 0 is a schedule; these have a repr that says what they
are, and compare equal when they are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gradflow.base.checks import function, in_interval, integer, number

Schedule: TypeAlias = Callable[[int], float]


@dataclass(frozen=True)
class Constant:
    """The same factor at every step.

    Parameters
    ----------
    factor : float
        ≥ 0.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        number("factor", self.factor, 0.0)

    def __call__(self, step: int) -> float:
        """Return the factor at this step."""
        return self.factor


@dataclass(frozen=True)
class Warmup:
    """From `start` at step 0 linearly to 1 at step `steps`, and 1 from there on.

    Parameters
    ----------
    steps : int
        ≥ 1.
    start : float
        ≥ 0. With 0 the first update leaves the parameters where they are.
    """

    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        integer("steps", self.steps, 1)
        number("start", self.start, 0.0)

    def __call__(self, step: int) -> float:
        """Return the factor at this step."""
        return self.start + (1.0 - self.start) * (min(step, self.steps) / self.steps)


@dataclass(frozen=True)
class StepDecay:
    """Multiplied by `factor` after every `every` steps: factor^⌊step/every⌋.

    Parameters
    ----------
    every : int
        ≥ 1.
    factor : float
        In [0, 1].
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        integer("every", self.every, 1)
        in_interval("factor", self.factor, "[0, 1]")

    def __call__(self, step: int) -> float:
        """Return the factor at this step."""
        return float(self.factor ** (step // self.every))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 at step 0 to `final` at step `steps`, and `final` from there on [1]_.

    Parameters
    ----------
    steps : int
        ≥ 1.
    final : float
        ≥ 0.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
       arXiv:1608.03983.
    """

    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        integer("steps", self.steps, 1)
        number("final", self.final, 0.0)

    def __call__(self, step: int) -> float:
        """Return the factor at this step."""
        phase = math.pi * (min(step, self.steps) / self.steps)
        return self.final + (1.0 - self.final) * (0.5 * (1.0 + math.cos(phase)))


@dataclass(frozen=True)
class Chain:
    """`first` for the steps before `at`, then `then`, which counts its own steps from 0.

    Parameters
    ----------
    first, then : schedule
        Such as ``Chain(Warmup(100), 100, Cosine(900))``.
    at : int
        ≥ 1.
    """

    first: Schedule
    at: int
    then: Schedule

    def __post_init__(self) -> None:
        function("first", self.first, "the step")
        integer("at", self.at, 1)
        function("then", self.then, "the step")

    def __call__(self, step: int) -> float:
        """Return the factor at this step."""
        return self.first(step) if step < self.at else self.then(step - self.at)


constant = Constant()
