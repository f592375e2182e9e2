"""Trajectories prepared for checks, and checks with their margins."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer.bounds import GAIN
from gradflow.networks.two_layer.geometry import Setting, setting
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer
from gradflow.networks.two_layer.path import NetworkPath
from gradflow.networks.two_layer.patterns import ACTIVE, Entries
from gradflow.networks.two_layer.watch import entries

ROUNDING = 1e-6
"""Relative slack of comparisons with computed trajectories, well above their tolerance."""


class Check(NamedTuple):
    """One statement about one trajectory.

    Attributes
    ----------
    name : str
        Short and stable.
    statement : str
        What is claimed.
    applies : bool
        Whether its hypotheses hold here; if not, `holds` says what happened all the same.
    holds : bool or None
        None if there was nothing to compare.
    margin : float
        log10 of bound over value at the tightest place, positive if it holds; for counts, minus the number of
        exceptions. NaN if there was nothing to compare.
    """

    name: str
    statement: str
    applies: bool
    holds: bool | None
    margin: float


class Run(NamedTuple):
    """A trajectory with the numbers that checks use; times are those of the sum of the losses."""

    path: NetworkPath
    objective: Objective
    s: Setting
    t: np.ndarray
    sign: np.ndarray
    first: np.ndarray
    entered: Entries
    log_epsilon: float
    balanced: bool

    @property
    def gain(self) -> float:
        """ρ of `bounds.GAIN`; NaN for a loss that has none."""
        return GAIN.get(self.objective.loss.name, math.nan)


def prepare(path: NetworkPath, objective: Objective, log_epsilon: float) -> Run:
    """Return a trajectory with the numbers that checks use."""
    start = TwoLayer(path.weights[0], path.outputs[0], path.log_scale[0])
    return Run(
        path,
        objective,
        setting(objective.data, start, log_epsilon),
        path.t * objective.weight * objective.loss.at_zero,
        np.sign(start.outputs),
        path.patterns[0] == ACTIVE,
        entries(path.patterns[0], path.crossings, objective.data.labels),
        log_epsilon,
        bool(np.all(np.abs(start.outputs**2 - 0.5) < ROUNDING)),
    )


def alignment_times(run: Run) -> np.ndarray:
    """Return when each neuron entered S₊, S₋ (by its sign) or S_dead; inf for never. Shape (h,)."""
    own = np.where(run.sign > 0.0, run.entered.positive, run.entered.negative)
    return np.asarray(np.minimum(own, run.entered.dead) * run.objective.weight * run.objective.loss.at_zero)


def counted(name: str, statement: str, applies: bool, exceptions: int) -> Check:
    """Return a check that there are no exceptions."""
    return Check(name, statement, applies, exceptions == 0, 0.0 - exceptions)


def compared(name: str, statement: str, applies: bool, pairs: list[tuple[float, float]]) -> Check:
    """Return a check of value <= bound for all pairs of the two, values positive; bounds of ∞ say nothing."""
    margins = [
        math.log(bound) - math.log(value) if bound > 0.0 else -math.inf
        for value, bound in pairs
        if value > 0.0 and bound < math.inf
    ]
    return logged(name, statement, applies, margins)


def late(elapsed: float, bound: float) -> list[tuple[float, float]]:
    """Return a pair for `compared` if something that has not happened by `elapsed` contradicts a bound.

    Up to the bound, to rounding, nothing is decided.
    """
    return [(elapsed, bound)] if elapsed > bound * math.exp(2.0 * ROUNDING) else []


def logged(name: str, statement: str, applies: bool, margins: list[float]) -> Check:
    """Return a check whose margins are natural logarithms of bound over value."""
    if not margins:
        return Check(name, statement, applies, None, math.nan)
    least = min(margins)
    return Check(name, statement, applies, least >= -ROUNDING, least / math.log(10.0))
