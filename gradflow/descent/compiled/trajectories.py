"""Trajectories that compiled code takes through the steps, wherever it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from gradflow.base.arrays import Array
from gradflow.descent.compiled import block
from gradflow.descent.compiled.kernel import Kernel
from gradflow.descent.optimisers.hyper import Config

# So many of the trajectories' own coefficients are computed at once.
MOST = 1 << 21


class Trajectories(ABC):
    """Trajectories, the numbers of each in rows (`block`).

    Parameters
    ----------
    step : Kernel
        The step, and the trajectories' numbers at the start.
    optimizer : one of the config classes
        Gives the coefficients of the steps.
    """

    MOST = 1 << 17
    """So many are held at once, with their optimiser's state."""

    def __init__(self, step: Kernel, optimizer: Config) -> None:
        self.theta = np.stack([step.rows[i] for i in range(4)])
        self.n = self.theta.shape[1]
        self.optimizer, self.done = optimizer, 0

    @abstractmethod
    def advance(self, factors: list[float]) -> None:
        """Take every trajectory through steps with these factors of the learning rate."""

    @abstractmethod
    def observe(self) -> None:
        """Note the activity after the last step, which no step after it does."""

    @abstractmethod
    def read(self, row: int) -> Array:
        """Return the trajectories' numbers in one row, shape (n,)."""

    def portions(self, factors: list[float]) -> Iterator[list[float]]:
        """Yield the factors, few at a time if coefficients are the trajectories' own, which are many."""
        varying = sum(np.ndim(value) > 0 for value in self.optimizer._asdict().values())
        few = max(1, MOST // (varying * self.n)) if varying and self.n else len(factors)
        for at in range(0, len(factors) if self.n else 0, max(1, few)):
            yield factors[at : at + few]

    def parameters(self) -> Array:
        """Return the parameters, shape (4, n)."""
        return np.stack([self.read(i) for i in range(4)])

    def memory(self, count: int) -> tuple[Array, ...]:
        """Return what the optimiser remembers, so many arrays of the shape of the parameters."""
        rows = range(block.MEMORY, block.MEMORY + 4 * count, 4)
        return tuple(np.stack([self.read(row + i) for i in range(4)]) for row in rows)

    def first(self) -> Array:
        """Return the first step at which the activity changed, −1 where there is none."""
        self.observe()
        return self.read(block.FIRST)

    def diverged(self) -> Array:
        """Return which trajectories have stopped."""
        return self.read(block.ALIVE) == 0
