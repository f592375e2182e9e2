"""The critical point that a state at rest is about to reach, by Newton's method.

A state is called at rest once its loss has no more to lose than its error makes of it, which is of first
order in the tolerance. Its distance from the critical point may then be of order one half: beside a large
weight, whose mode is far steeper than all others, that of b2 is flat.
"""

from __future__ import annotations

import math

import numpy as np

from gradflow.base.arrays import Array
from gradflow.ends.rest import Landscape, fall, landscape_of, near
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import Problem

_STEPS = 4

_FLAT, _GROWS = 1e-3, 1e-2
"""Modes that curve less, relative to the steepest, count as flat; where one curves so much downwards, no way
is known: there a weight is as small as the residual."""


def approached(state: Array, problem: Problem, accuracy: float) -> np.ndarray:
    """Return the critical point beside a state at rest, shape (4,), on the flow's way; the state if none is.

    See Also
    --------
    approached_on : parameters, and what is done.
    """
    return approached_on(state, landscape_of(problem), problem, accuracy)


def approached_on(state: Array, on: Landscape, problem: Problem, accuracy: float) -> np.ndarray:
    """Return that point on a landscape that is the problem's, or where parameters are frozen a part of it.

    The modes are those in units in which each parameter changes the output equally, so that none is steep for
    its units alone. Along flat modes nothing moves: the flow's way to a family of critical points is at right
    angles to the family.

    Parameters
    ----------
    state : array, shape (4,)
    on : Landscape
    problem : Problem
        Any; its inputs say when the activity changes.
    accuracy : float
        The state's error, relative to its size. What is further away than its root is not beside it.
    """
    given = np.asarray(state, dtype=np.float64)
    place = given
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        for _ in range(_STEPS):
            change = _step(place, on)
            if not np.all(np.isfinite(change)):
                return given
            place = place + change
        beside = bool(near(on.scales(place), place, given, math.sqrt(accuracy)))
        same = int(activity(place, problem)) == int(activity(given, problem))
        lower = float(on.loss(place)) <= float(on.loss(given))
        return place if beside and same and lower and _left(place, on) <= _left(given, on) else given


def _left(theta: np.ndarray, on: Landscape) -> float:
    return float(fall(np, np.asarray(on.gram(theta)), np.asarray(on.gradient(theta))))


def _step(theta: np.ndarray, on: Landscape) -> np.ndarray:
    """Return Newton's step in the modes that are not flat, without its part along those that are."""
    slope, curvature = (np.asarray(f(theta), dtype=np.float64) for f in (on.gradient, on.hessian))
    sizes = np.sqrt(np.abs(np.diagonal(np.asarray(on.gram(theta)))))
    units = np.where(sizes > 0.0, 1.0 / np.where(sizes > 0.0, sizes, 1.0), 0.0)
    scaled = units[:, None] * curvature * units
    if not np.all(np.isfinite(scaled)):
        return np.full(4, np.nan)
    curves, modes = np.linalg.eigh(scaled)
    top = max(float(curves[-1]), 0.0)
    if curves[0] < -_GROWS * top:
        return np.full(4, np.nan)
    flat = curves <= _FLAT * top
    along = modes.T @ (units * slope)
    step = units * (modes @ np.where(flat, 0.0, -along / np.where(flat, 1.0, curves)))
    family = units[:, None] * modes[:, flat]
    norms = np.linalg.norm(family, axis=0)
    family = family[:, norms > 0.0] / norms[norms > 0.0]
    basis = np.linalg.qr(family)[0]
    return np.asarray(step - basis @ (basis.T @ step))
