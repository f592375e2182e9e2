"""The course of a flow: recorded states, crossings, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.networks.line.walls import Crossing


class Run(NamedTuple):
    """The recorded times and states (with ∫|∇L|² as the last entry), the crossings and how it ended."""

    times: list[float]
    states: list[np.ndarray]
    crossings: list[Crossing]
    status: int
    steps: int


class Record:
    """The states at given times, or at every step's end."""

    def __init__(self, moments: np.ndarray | None, y: np.ndarray) -> None:
        self.moments = moments
        self.times: list[float] = []
        self.states: list[np.ndarray] = []
        if moments is None or (len(moments) and moments[0] == 0.0):
            self.times, self.states = [0.0], [y]

    def step(self, begin: float, end: float, dense: Callable[[float], np.ndarray], y: np.ndarray) -> None:
        """Record what is due after `begin`, up to `end`."""
        if self.moments is None:
            self.times.append(float(end))
            self.states.append(y.copy())
            return
        due = self.moments[(self.moments > begin) & (self.moments <= end)]
        self.times += due.tolist()
        self.states += [y.copy() if t == end else dense(t) for t in due.tolist()]

    def of(self, t: float, y: np.ndarray) -> tuple[list[float], list[np.ndarray]]:
        """Return what was recorded; the last state if it was nothing."""
        return (self.times, self.states) if self.times else ([t], [y])
