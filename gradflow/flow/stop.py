"""Stop rules: when a trajectory of an ensemble has been followed far enough.

A rule says at which losses a decision is worth making, so that compiled code can pass by all other states,
and how to decide there. A plain function of `States` is a rule that is worth making everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from gradflow.base.arrays import Array
from gradflow.base.checks import shown

STOP_EVERY = 4
LONGEST_WAIT = 4096
"""A rule looks at every fourth step; a trajectory that it has let go on may wait longer, at most this."""


class States(NamedTuple):
    """A view of m running trajectories for a stop rule; `index` is their place in the flattened batch."""

    index: Array
    t: Array
    theta: Array
    loss: Array
    activity: Array
    descended: Array


Decide = Callable[[States], Array]


class Level(NamedTuple):
    """States at which a stop rule is asked.

    Attributes
    ----------
    loss, width : float
        The loss is within `width` of `loss`.
    slow : float
        |∇L| is at most this.
    activity : int
        The neuron is in this state of activity; −1 for any.
    at_once : bool
        The trajectory ends here without being shown.
    """

    loss: float
    width: float
    slow: float = math.inf
    activity: int = -1
    at_once: bool = False


class StopRule(NamedTuple):
    """Which running trajectories to look at, and how to decide which of them end.

    Attributes
    ----------
    levels : tuple of Level
        A trajectory at any of them is looked at.
    decide : callable
        Given the `States` of some trajectories, returns which of them end here as "stopped".
    patience : int
        A trajectory that goes on is not shown for 4 steps, then for `patience` times as many, and so on
        up to `LONGEST_WAIT` steps; with 1 it is always 4.
    """

    levels: tuple[Level, ...]
    decide: Decide
    patience: int = 2


def as_rule(stop: StopRule | Decide | None) -> StopRule | None:
    """Return a stop rule; a plain function is asked about every trajectory after every fourth step."""
    if stop is None or isinstance(stop, StopRule):
        return stop
    if not callable(stop):
        raise TypeError(f"stop: expected a StopRule or a function, got {shown(stop)}")
    return StopRule((Level(0.0, math.inf),), stop, 1)
