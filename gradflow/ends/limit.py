"""Where a trajectory of the flow has converged to, by what it passed through."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.ends.approach import approached
from gradflow.ends.outcome import UNDECIDED, outcome
from gradflow.ends.rest import at_one_height, at_one_place, at_rest
from gradflow.neuron.problem import Problem

NOWHERE = np.full(4, np.nan)
"""The limit of what has not converged."""


class Rules(NamedTuple):
    """Rules that say whether states are at rest, at one place or at one height, and where rest is.

    Attributes
    ----------
    at_rest : callable
        Of states of shape (4, K).
    at_one_place, at_one_height : callable
        Of such states and others.
    approached : callable
        The critical point beside a state at rest, shape (4,).
    is_known : callable
        Whether the outcome at a place is.
    """

    at_rest: Callable[[Array], Array]
    at_one_place: Callable[[Array, Array], Array]
    at_one_height: Callable[[Array, Array], Array]
    approached: Callable[[Array], np.ndarray]
    is_known: Callable[[Array], bool]


def rules_of(problem: Problem, rtol: float) -> Rules:
    """Return the rules of a flow of this tolerance where all parameters move."""
    given: dict[str, Any] = {"problem": problem, "accuracy": rtol}
    return Rules(
        partial(at_rest, **given),
        partial(at_one_place, **given),
        partial(at_one_height, **given),
        partial(approached, **given),
        lambda place: int(outcome(place, **given)) != UNDECIDED,
    )


def limit(states: np.ndarray, rules: Rules) -> np.ndarray:
    """Return where a trajectory has converged to, NaN if it has not.

    Once at rest it stays so: what is not recognised as resting later is still beside the first state that
    was, or as high, and what drifts along a family of critical points does so by the integrator's error. So
    the place is the critical point beside the first one, or the last state if it is there.

    Parameters
    ----------
    states : array, shape (4, K)
        Those passed, in order, and the last.
    rules : Rules
    """
    rests, last = np.asarray(rules.at_rest(states)), states[:, -1]
    while np.any(rests):
        first = states[:, int(np.argmax(rests))]
        beside = rules.at_one_place(first[:, None], states)
        there = beside | np.asarray(rules.at_one_height(first[:, None], states))
        left = np.flatnonzero(~rests & ~there)
        if left.size == 0 or left[-1] < np.argmax(rests):
            break
        rests[: left[-1] + 1] = False
    else:
        return NOWHERE
    place = rules.approached(first)
    if rests[-1] and rules.at_one_place(place, last):
        place = last
    return place if rules.is_known(place) else NOWHERE
