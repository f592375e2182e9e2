"""Targets of students, and the part of the line on which figures show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import Task
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.study.figures.panels import Floats

SMOOTH_POINTS = 401
"""Points of a graph that is not straight."""

NORMAL = 3.0
"""So many standard deviations either side of the mean are drawn of normal inputs."""


def reach_of(task: Task) -> tuple[float, float]:
    """Return the part of the line that is drawn."""
    mean, std = task.normal
    lo, hi = (mean - NORMAL * std, mean + NORMAL * std) if task.density is None else (task.lo, task.hi)
    return (lo, hi) if lo < hi else (lo - 0.5, hi + 0.5)


def with_breakpoints(network: Network, x: ArrayLike) -> Floats:
    """Return increasing inputs and the network's breakpoints between the first and the last of them."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inner = np.ravel(-np.asarray(network.b1) / np.asarray(network.w1))
    return np.unique(np.concatenate((x, inner[(inner > x[0]) & (inner < x[-1])])))


def graph(task: Task, lo: float, hi: float) -> tuple[Floats, Floats]:
    """Return the target's graph, or a sample's points."""
    if task.target is None:
        assert task.sample is not None
        return task.sample.x, task.sample.target
    if task.teacher is not None and isinstance(task.teacher_activation, PiecewiseLinear):
        x = with_breakpoints(as_network(task.teacher), (lo, hi))
        return x, task.aim(x)
    if task.knots is None:
        x = np.linspace(lo, hi, SMOOTH_POINTS)
        return x, task.aim(x)
    x, y = np.asarray(task.knots.x), np.asarray(task.knots.y)

    def beyond(end: float, i: int, j: int) -> float:
        return float(y[i] + (end - x[i]) * (y[j] - y[i]) / (x[j] - x[i]))

    # The outermost lines go on beyond the knots, and what is beyond the axes is cut off.
    first, last = min(lo, x[0]), max(hi, x[-1])
    ends = beyond(first, 0, 1), beyond(last, -1, -2)
    return np.concatenate(([first], x, [last])), np.concatenate(([ends[0]], y, [ends[1]]))
