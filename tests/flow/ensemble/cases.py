"""Random starts and problems, and the one-trajectory path on each of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.flow.ensemble import EVENTS, Ensemble, integrate_ensemble
from gradflow.flow.reference import Trajectory, integrate
from gradflow.neuron.problem import Neuron, Problem, Uniform

PROBE = 1e-7
"""How far starts are moved to measure their sensitivity."""


class Batch(NamedTuple):
    """n starts, and their problems as arrays of n entries (or shared)."""

    theta: np.ndarray
    problem: Problem

    def single(self, i: int) -> tuple[Neuron, Problem]:
        """Return one of the starts and its problem in plain numbers."""

        def entry(value: object) -> float:
            array = np.asarray(value)
            return float(array if array.ndim == 0 else array[i])

        teacher = Neuron(*(entry(value) for value in self.problem.teacher))
        inputs = Uniform(entry(self.problem.lo), entry(self.problem.hi))
        return Neuron(*self.theta[:, i].tolist()), Problem(teacher, inputs, self.problem.slopes)


def batch(n: int, seed: int, slopes: tuple[float, float] = (0.0, 1.0), *, default: bool = False) -> Batch:
    """Return starts with w1 and w2 of both signs; every one has its own teacher and interval, or the default.

    Of the given problems, a third has the default teacher and a third the default interval.
    """
    rng = np.random.default_rng(seed)
    theta = rng.normal(0.0, 1.0, (4, n))
    if default:
        return Batch(theta, Problem(activation=slopes))
    teacher, lo, width = rng.normal(0.0, 1.0, (4, n)), rng.uniform(-2.0, 0.3, n), rng.uniform(0.7, 2.5, n)
    teacher[:, ::3] = np.array([[1.0], [0.0], [1.0], [0.0]])
    lo[1::3], width[1::3] = -1.0, 2.0
    return Batch(theta, Problem(Neuron(*teacher), Uniform(lo, lo + width), slopes))


def one_by_one(cases: Batch, t_end: float, rtol: float, max_steps: int = 2000) -> list[Trajectory]:
    """Integrate every start with the one-trajectory path.

    It follows a dying neuron in steps of that neuron's life time, which can be any number: `max_steps`
    ends those early, at the time in their last point.
    """
    n = cases.theta.shape[1]
    return [integrate(*cases.single(i), t_end, rtol=rtol, max_steps=max_steps) for i in range(n)]


class Sensitivity(NamedTuple):
    """By how much a small change of the start grows: in the final state, and in the first crossing's time."""

    state: np.ndarray
    crossing: np.ndarray


def sensitivity(cases: Batch, t_end: float) -> Sensitivity:
    """Measure it in four directions; the time's is infinite where a direction has no crossing at all."""
    starts = np.stack([cases.theta, *(cases.theta + PROBE * np.eye(4)[i][:, None] for i in range(4))], axis=1)
    run = integrate_ensemble(starts, cases.problem, t_end)
    state = np.max(np.abs(run.final[:, 1:] - run.final[:, :1]), axis=(0, 1)) / PROBE
    delay = np.abs(run.first_crossing[1:] - run.first_crossing[:1])
    return Sensitivity(state, np.max(np.where(np.isnan(delay), np.inf, delay), axis=0) / PROBE)


def events(run: Ensemble) -> list[str]:
    """Return the names of the first events."""
    return [EVENTS[code] for code in run.first_event]
