"""Thresholds: where along a line of starts the outcome changes.

A rule that decides outcomes is any function from an array of values to outcome codes; `flow_outcomes`
and `descent_outcomes` make one for the flow and for an optimiser. To decide by other means (a theorem,
an ensemble), pass another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.activity import BALANCED
from gradflow.descent import train
from gradflow.descent.hyper import Config
from gradflow.flow.ensemble import States, integrate_ensemble
from gradflow.flow.integrate import Point, integrate
from gradflow.outcome import (
    CONSTANT,
    OUTCOMES,
    UNDECIDED,
    References,
    at_rest,
    near,
    outcome,
    references,
)
from gradflow.problem import Neuron, Problem

Decide = Callable[[np.ndarray], np.ndarray]


class Threshold(NamedTuple):
    """An outcome changes within `uncertainty` of `value`, from `below` to `above`."""

    value: float
    uncertainty: float
    below: str
    above: str


def bracket(
    decide: Decide, between: tuple[float, float], *, tol: float = 1e-10, sections: int = 1
) -> Threshold:
    """Locate a change of outcome between two values.

    Parameters
    ----------
    decide : callable
        Outcome codes for an array of values.
    between : (float, float)
        The interval, in either order; its ends must have different outcomes.
    tol : float
        Largest uncertainty (half the width of the final bracket); limited by the spacing of floats.
    sections : int
        How many values to decide at once: 1 bisects, more suit a rule that is fast on batches.

    Returns
    -------
    Threshold
        Of several changes inside, the one nearest the lower end that the search comes upon.

    Raises
    ------
    ValueError
        If the interval is empty or not finite, `tol` or `sections` is not positive, or both ends have the
        same outcome.
    """
    lo, hi = sorted(float(v) for v in between)
    if not (np.isfinite(lo) and np.isfinite(hi) and lo < hi):
        raise ValueError(f"between: expected two different finite numbers, got {between[0]} and {between[1]}")
    if not tol > 0:
        raise ValueError(f"tol: must be positive, got {tol}")
    if sections < 1:
        raise ValueError(f"sections: must be at least 1, got {sections}")
    values = np.linspace(lo, hi, sections + 2)
    codes = decide(values)
    if codes[0] == codes[-1]:
        same = OUTCOMES[int(codes[0])]
        raise ValueError(f"between: the outcome is {same} at both {lo:g} and {hi:g}; choose ends that differ")
    while True:
        first = int(np.flatnonzero(codes != codes[0])[0])
        lo, hi, below, above = *values[first - 1 : first + 1], codes[first - 1], codes[first]
        inner = np.linspace(lo, hi, sections + 2)[1:-1]
        inner = inner[(inner > lo) & (inner < hi)]
        if 0.5 * (hi - lo) <= tol or inner.size == 0:
            break
        values = np.concatenate(([lo], inner, [hi]))
        codes = np.concatenate(([below], decide(inner), [above]))
    return Threshold(float(0.5 * (lo + hi)), float(0.5 * (hi - lo)), OUTCOMES[below], OUTCOMES[above])


def flow_outcomes(
    neuron: Neuron, problem: Problem, *, rtol: float = 1e-12, longest: float = 1e6
) -> np.ndarray:
    """Return the outcomes of the flow from an array of starts, each given the time it needs.

    A trajectory near a separatrix lingers, so none is cut off at a fixed time: it is followed until the
    outcome is decided, at most to t = `longest`.

    Parameters
    ----------
    neuron : Neuron
        Fields broadcast to the starts' shape.
    """
    starts = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in neuron))
    levels = References(*(float(level) for level in references(problem)))
    codes = [
        _flow_outcome(Neuron(*values), problem, levels, rtol, longest)
        for values in zip(*map(np.ravel, starts), strict=True)
    ]
    return np.array(codes, dtype=np.int8).reshape(starts[0].shape)


def _flow_outcome(neuron: Neuron, problem: Problem, levels: References, rtol: float, longest: float) -> int:
    decided, seen = UNDECIDED, 0

    def stop(point: Point) -> bool:
        nonlocal decided, seen
        if not any(near(point.loss, levels)):
            return False
        seen += 1
        # To decide costs as much as a step, and a trajectory may linger for hundreds of them.
        if seen % 5 == 1:
            decided = int(outcome(np.array(point.theta), problem))
        if decided == CONSTANT and _revives(np.array(point.theta), point.activity, problem):
            decided = UNDECIDED
        return decided != UNDECIDED

    run = integrate(neuron, problem, longest, rtol=rtol, stop=stop)
    return decided if decided != UNDECIDED else int(outcome(np.array(run.last.theta), problem))


def _revives(theta: np.ndarray, state: np.ndarray | int, problem: Problem) -> np.ndarray:
    """Whether a balanced ReLU neuron's active end grows; (w1, b1) may already round to that of a dead one."""
    w1, _, w2, b2 = theta
    v1, c1, v2, c2 = problem.teacher
    slope = problem.slopes[1]
    at_end = np.where(w1 > 0.0, problem.hi, problem.lo)
    target = v2 * slope * np.maximum(v1 * at_end + c1, 0.0) + c2
    grows = slope * w2 * (b2 - target) < 0.0
    return np.asarray((problem.slopes[0] == 0.0) & (state == BALANCED) & grows)


class Ends(NamedTuple):
    """Where trajectories ended: outcome codes, final losses, and the first change of activity (NaN: none)."""

    outcome: np.ndarray
    loss: np.ndarray
    first_crossing: np.ndarray


def flow_run(
    neuron: Neuron, problem: Problem, *, rtol: float = 1e-10, longest: float = 1e4, theory: bool = True
) -> Ends:
    """Follow the flow from an array of starts until each outcome is decided, at most to t = `longest`.

    With `theory` off it is followed until it rests, |∇L| ≤ 1e-9. The first crossing is the time of the
    first wall crossing, the teacher's breakpoint included.
    """
    levels = references(problem)

    def stop(states: States) -> np.ndarray:
        close = near(states.loss, levels)
        worth = close.zero | close.linear | close.constant
        ends = np.zeros(states.loss.shape, dtype=bool)
        if np.any(worth):
            theta = states.theta[:, worth]
            codes = outcome(theta, problem)
            revives = (codes == CONSTANT) & _revives(theta, states.activity[worth], problem)
            ends[worth] = (codes != UNDECIDED) & ~revives
        return ends

    def rests(states: States) -> np.ndarray:
        return np.asarray(at_rest(states.theta, problem, 1e-9))

    run = integrate_ensemble(neuron, problem, longest, rtol=rtol, stop=stop if theory else rests)
    return Ends(np.asarray(outcome(run.final, problem)), np.asarray(run.loss), np.asarray(run.first_crossing))


def descent_run(
    neuron: Neuron,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    dtype: str = "float64",
) -> Ends:
    """Train from an array of starts; the first crossing is a step."""
    run = train(neuron, problem, optimizer, steps, events=False, dtype=dtype)
    codes = np.asarray(outcome(run.final, problem, run.diverged))
    changes = np.asarray(run.first_change)
    first = np.where(changes < 0, np.nan, changes)
    return Ends(codes, run.loss[-1].astype(np.float64), first)


def descent_outcomes(
    neuron: Neuron,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    dtype: str = "float64",
) -> np.ndarray:
    """Return the outcomes of training from an array of starts (or with an array of hyper-parameters)."""
    run = train(neuron, problem, optimizer, steps, events=False, first_change=False, dtype=dtype)
    return np.asarray(outcome(run.final, problem, run.diverged))
