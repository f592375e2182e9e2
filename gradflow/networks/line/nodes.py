"""Gauss–Legendre nodes for what has no closed form: smooth neurons, and targets that are not straight.

Panels end where student, target or density bend. Each is cut in half until its nodes see no singularity:
for every smooth neuron the largest ellipse around the panel that keeps clear of φ's poles has a sum of
half-axes ρ ≥ 2.8 (the panel scaled to [−1, 1]), and 20 nodes err by about ρ^−40 = 1e-18. Polynomials of
degree up to 39 are exact. Sums over nodes are then within 1e-13 of the terms' absolute values.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from gradflow.base.arrays import Array
from gradflow.field.means import Inputs
from gradflow.field.panels import GRADES, gauss_legendre
from gradflow.networks.line.task import Task, breaks
from gradflow.neuron.activations import PiecewiseLinear, Smooth
from gradflow.neuron.targets import Sine

NODES = 20
"""Nodes of a panel."""

CLEAR = 2.8
"""The least ρ."""

TURN = 3.0
"""The widest panel of a sine, in radians."""

NARROWEST = 2.0**-60
"""The narrowest panel, as a part of the input: nothing is steeper than that."""


def fixed_ends(task: Task) -> np.ndarray:
    """Return where panels end whatever the student is: the target's and the law's breaks, refined."""
    at = np.unique(np.clip(breaks(task), task.lo, task.hi))
    if isinstance(task.curve, Sine) and task.curve.omega != 0.0:
        step = TURN / abs(task.curve.omega)
        parts = [np.linspace(a, b, 1 + math.ceil((b - a) / step)) for a, b in pairwise(at)]
        at = np.unique(np.concatenate([at, *parts]))
    if task.teacher is not None and isinstance(task.teacher_activation, Smooth):
        at = refined(at, np.asarray(task.teacher.w1), np.asarray(task.teacher.b1), task.teacher_activation)
    return at


def refined(ends: np.ndarray, w1: np.ndarray, b1: np.ndarray, activation: Smooth) -> np.ndarray:
    """Cut panels in half until every smooth neuron is gentle on each."""
    scale, narrowing = activation.formula.scale, activation.formula.narrowing
    done: list[np.ndarray] = []
    left, right = ends[:-1], ends[1:]
    least = NARROWEST * (ends[-1] - ends[0])
    while left.size:
        middle = 0.5 * (left + right)
        centre = np.abs(w1 * middle[:, None] + b1)
        half = 0.5 * np.abs(w1) * (right - left)[:, None]
        near = np.maximum(centre - half, 0.0)
        height = math.pi * scale / (1.0 + narrowing * np.minimum(near, GRADES[-1]))
        half = np.where(half > 0, half, 1.0)
        # The ellipse through the pole nearest to the panel.
        place = (centre + 1j * height) / half
        rho = np.abs(place + np.sqrt(place - 1.0) * np.sqrt(place + 1.0))
        steep = (rho < CLEAR) & (near < GRADES[-1] * scale) & (w1 != 0.0)
        cut = np.any(steep, axis=-1) & (right - left > least)
        done.append(left[~cut])
        left, right, middle = left[cut], right[cut], middle[cut]
        left, right = np.concatenate((left, middle)), np.concatenate((middle, right))
    return np.append(np.sort(np.concatenate(done)), ends[-1])


def nodes_of(rows: Array, task: Task, fixed: np.ndarray) -> Inputs:
    """Return nodes, weights and targets for networks of shape (3m + 1, *batch), or for one if it is smooth.

    Parameters
    ----------
    fixed : array
        From `fixed_ends`.
    """
    m = rows.shape[0] // 3
    w1, b1 = rows[:m], rows[m : 2 * m]
    if isinstance(task.activation, PiecewiseLinear):
        turns = w1 != 0.0
        with np.errstate(over="ignore"):
            own = np.where(turns, -b1 / np.where(turns, w1, 1.0), task.lo)
        own = np.moveaxis(np.clip(own, task.lo, task.hi), 0, -1)
        spread = np.broadcast_to(fixed, (*own.shape[:-1], fixed.shape[0]))
        ends = np.sort(np.concatenate((own, spread), axis=-1), axis=-1)
    else:
        ends = refined(fixed, w1, b1, task.activation)
    return _between(ends, task)


def fixed_points(task: Task) -> Inputs:
    """Return nodes, weights and targets that resolve the target alone."""
    return _between(fixed_ends(task), task)


def _between(ends: np.ndarray, task: Task) -> Inputs:
    """Return the nodes of the panels between ends, which are the last axis."""
    at, share = gauss_legendre(NODES)
    width = np.diff(ends)
    x = (ends[..., :-1, None] + width[..., None] * at).reshape(*width.shape[:-1], -1)
    mass = (width[..., None] * share).reshape(x.shape)
    return Inputs(x, mass * density_at(x, task), task.aim(x))


def density_at(x: np.ndarray, task: Task) -> np.ndarray:
    """Return the law's density; at a mark that of the left."""
    if task.density is None:
        mean, std = task.normal
        z = (x - mean) / std
        return np.asarray(np.exp(-0.5 * z * z) / (std * math.sqrt(2.0 * math.pi)))
    step = np.clip(np.searchsorted(task.marks, x, side="left") - 1, 0, task.density.shape[0] - 1)
    return np.asarray(task.density[step])
