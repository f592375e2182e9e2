"""Records of a trajectory's way: points at every step or at given times."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.flow.chart import Floats


class Point(NamedTuple):
    """One recorded state; `descended` is ∫|∇L|² dt since the start."""

    t: float
    theta: Floats
    loss: float
    activity: int
    descended: float


class Recorder:
    """Collects points: every step's end, or the requested times."""

    def __init__(self, times: np.ndarray | None) -> None:
        self.times = times
        self.next = 0
        self.points: list[Point] = []
        self.last = Point(0.0, (0.0, 0.0, 0.0, 0.0), 0.0, 0, 0.0)

    def step(self, t: float, point: Callable[[float], Point]) -> Point:
        """Record a step that ended at `t`; `point` gives the state at any time of it."""
        self.last = end = point(t)
        if self.times is None:
            if self.points and self.points[-1].t >= t:
                return end
            self.points.append(end)
            return end
        while self.next < len(self.times) and self.times[self.next] <= t:
            self.points.append(point(float(self.times[self.next])))
            self.next += 1
        return end

    def mark(self) -> tuple[int, int]:
        """Return what `rewind` needs to come back here."""
        return len(self.points), self.next

    def rewind(self, mark: tuple[int, int]) -> None:
        """Forget what was recorded since `mark`."""
        del self.points[mark[0] :]
        self.next = mark[1]
