"""Walls of a network: where a breakpoint meets an end of the input or a knot of the target."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.error_free import affine
from gradflow.networks.line.network import SPLIT
from gradflow.networks.line.task import Task
from gradflow.neuron.activity import ACTIVITIES, classify


class Crossing(NamedTuple):
    """A wall crossing: the time or the step, the neuron, the event and the wall with its place.

    Attributes
    ----------
    when : float or int
    neuron : int
        From 0.
    event : str
        "balanced -> dead" and so on, "passes teacher" or "passes knot".
    wall : str
        "lo", "hi", "teacher" or "knot".
    x : float
        Where the wall is.
    network : tuple of int
        Which network of an array.
    """

    when: float
    neuron: int
    event: str
    wall: str
    x: float
    network: tuple[int, ...] = ()


def places(task: Task) -> np.ndarray:
    """Return where the walls are: lo, hi, and the knots between them."""
    if task.knots is not None:
        inner = np.unique(np.asarray(task.knots.x))
    else:
        assert task.teacher is not None
        w1, b1 = np.asarray(task.teacher.w1), np.asarray(task.teacher.b1)
        bent = (w1 != 0.0) & (np.asarray(task.teacher.w2) != 0.0)
        inner = np.unique(-b1[bent] / w1[bent]) + 0.0
    return np.concatenate(([task.lo, task.hi], inner[(inner > task.lo) & (inner < task.hi)]))


def preactivations(rows: Array, walls: np.ndarray) -> np.ndarray:
    """Return every neuron's pre-activation at every wall, shape (walls, m, *batch)."""
    m = rows.shape[0] // 3
    at = walls.reshape(-1, *(1,) * rows.ndim)
    return np.asarray(affine(rows[:m], at, rows[m : 2 * m], SPLIT))


def activities(z: np.ndarray) -> np.ndarray:
    """Return activity codes from the pre-activations at the walls."""
    return np.asarray(classify(z[0], z[1]))


def event(task: Task, before: tuple[bool, bool], wall: int) -> tuple[str, str]:
    """Return what happens and the wall's name where a neuron, active at lo and hi or not, crosses it."""
    if wall > 1:
        kind = "teacher" if task.teacher is not None else "knot"
        return f"passes {kind}", kind
    after = (before[0] != (wall == 0), before[1] != (wall == 1))
    names = [
        ACTIVITIES[int(classify(*(np.float64(1.0 if on else -1.0) for on in s)))] for s in (before, after)
    ]
    return f"{names[0]} -> {names[1]}", ("lo", "hi")[wall]
