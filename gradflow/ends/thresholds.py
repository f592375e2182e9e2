"""Thresholds: where along a line of starts the outcome changes.

A rule that decides outcomes is any function from an array of values to outcome codes; `flow_outcomes`
and `descent_outcomes` (`gradflow.ends.follow`) make one for the flow and for an optimiser. To decide by
other means (a theorem, an ensemble), pass another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.outcome import OUTCOMES

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
