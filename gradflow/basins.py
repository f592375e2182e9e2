"""Thresholds: where along a line of starts the outcome changes.

A rule that decides outcomes is any function from an array of values to outcome codes; `flow_outcomes`
and `descent_outcomes` make one for the flow and for an optimiser. To decide by other means (a theorem,
an ensemble), pass another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.descent import train
from gradflow.descent.hyper import Config
from gradflow.flow.integrate import Point, integrate
from gradflow.outcome import OUTCOMES, UNDECIDED, References, near, outcome, references
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
        If the interval is empty or not finite, or both ends have the same outcome.
    """
    lo, hi = sorted(float(v) for v in between)
    if not (np.isfinite(lo) and np.isfinite(hi) and lo < hi):
        raise ValueError(f"between: expected two different finite numbers, got {between[0]} and {between[1]}")
    if not tol > 0:
        raise ValueError(f"tol: must be positive, got {tol}")
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
    decided = UNDECIDED

    def stop(point: Point) -> bool:
        nonlocal decided
        if any(near(point.loss, levels)):
            decided = int(outcome(np.array(point.theta), problem))
        return decided != UNDECIDED

    run = integrate(neuron, problem, longest, rtol=rtol, stop=stop)
    return decided if decided != UNDECIDED else int(outcome(np.array(run.last.theta), problem))


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
