"""Walls of a network: where a breakpoint meets an end of the input or a knot of the target."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.error_free import affine
from gradflow.networks.line.network import SPLIT
from gradflow.networks.line.task import Task
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.activity import ACTIVITIES, classify
from gradflow.neuron.targets import Polynomials

ROUNDING = 1e-15
"""So near to a wall, relative to its terms, a pre-activation has no sign in a flow."""


class Crossing(NamedTuple):
    """A wall crossing: the time or the step, the neuron, the event and the wall with its place.

    Attributes
    ----------
    when : float or int
    neuron : int
        From 0.
    event : str
        "balanced -> dead" and so on, "passes teacher" or "passes knot"; of the flow on a sample also
        "passes input", "stops at input" and "leaves input".
    wall : str
        "lo", "hi", "teacher", "knot" or "input".
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
    """Return where the walls are: lo, hi, and the knots or the teacher's breakpoints between them."""
    if task.knots is not None:
        inner = np.unique(np.asarray(task.knots.x))
    elif isinstance(task.curve, Polynomials):
        inner = np.asarray(task.curve.x)
    elif task.teacher is None or not isinstance(task.teacher_activation, PiecewiseLinear):
        inner = np.zeros(0)
    else:
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


class Watch:
    """Crossings between the states of networks after one step and after the next.

    Parameters
    ----------
    rows : array, shape (3m + 1, *batch)
        The state at step 0.
    task : Task
        Fixes the walls.

    Attributes
    ----------
    crossings : list of Crossing
        By step, then by network, neuron and place.
    walls : array
        Where the walls are.
    before : array of bool, shape (walls, m, *batch)
        Whether pre-activations at the walls were positive in the last state seen.
    """

    def __init__(self, rows: Array, task: Task) -> None:
        self.crossings: list[Crossing] = []
        self.walls = places(task)
        self._kind = "teacher" if task.teacher is not None else "knot"
        self.before = preactivations(rows, self.walls) > 0.0

    def observe(self, step: int, rows: Array) -> None:
        """Note what happened between the last state seen and this one."""
        after = preactivations(rows, self.walls) > 0.0
        if not np.array_equal(self.before, after):
            self.note(self.before, after, step)
            self.before = after

    def note(self, before: np.ndarray, after: np.ndarray, step: int, network: tuple[int, ...] = ()) -> None:
        """Note changes of activity, and knots passed between two balanced states.

        Parameters
        ----------
        before, after : array of bool, shape (walls, m, *batch)
            Whether pre-activations at the walls are positive.
        step : int
        network : tuple of int
            Which one it is, if the arrays are of one only.
        """
        found: list[Crossing] = []
        old, new = (activities(np.where(side[:2], 1.0, -1.0)) for side in (before, after))
        for place in zip(*(i.tolist() for i in np.nonzero(old != new)), strict=True):
            what = f"{ACTIVITIES[int(old[place])]} -> {ACTIVITIES[int(new[place])]}"
            wall = 0 if before[(0, *place)] != after[(0, *place)] else 1
            x = float(self.walls[wall])
            found.append(Crossing(step, place[0], what, ("lo", "hi")[wall], x, network or place[1:]))
        passed = (before[2:] != after[2:]) & (old == new)
        for where in zip(*(i.tolist() for i in np.nonzero(passed)), strict=True):
            x = float(self.walls[where[0] + 2])
            what = f"passes {self._kind}"
            found.append(Crossing(step, where[1], what, self._kind, x, network or where[2:]))
        self.crossings += sorted(found, key=lambda crossing: (crossing.network, crossing.neuron, crossing.x))
