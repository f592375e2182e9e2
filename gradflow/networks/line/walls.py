"""Walls of a network: where a breakpoint meets an end of the input or a knot of the target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.error_free import affine, splitter
from gradflow.descent.events import REVERSES
from gradflow.networks.line.task import Task
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.activity import ACTIVITIES, BALANCED, classify
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
        "balanced -> dead" and so on, "passes teacher" or "passes knot"; of finite steps also "reverses",
        where w1 changes sign while the neuron stays balanced; of the flow on a sample also "passes input",
        "stops at input" and "leaves input".
    wall : str
        "lo", "hi", "teacher", "knot" or "input"; "" of a reversal, which is over all of them.
    x : float
        Where the wall is, NaN where there is none.
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
    at = walls.astype(rows.dtype).reshape(-1, *(1,) * rows.ndim)
    return np.asarray(affine(rows[:m], at, rows[m : 2 * m], splitter(rows.dtype)))


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
            shape = (*after.shape[:2], -1)
            batch = after.shape[2:]
            self.note(
                self.before.reshape(shape),
                after.reshape(shape),
                [(step, place) for place in np.ndindex(batch)],
            )
            self.before = after

    def note(
        self, before: np.ndarray, after: np.ndarray, steps: Sequence[tuple[int, tuple[int, ...]]]
    ) -> None:
        """Note changes of activity, reversals, and knots passed between two balanced states.

        Parameters
        ----------
        before, after : array of bool, shape (walls, m, steps)
            Whether pre-activations at the walls are positive.
        steps : sequence of (int, tuple of int)
            Which step of which network it is.
        """
        found: list[Crossing] = []
        old, new = (activities(np.where(side[:2], 1.0, -1.0)) for side in (before, after))
        for neuron, i in zip(*(some.tolist() for some in np.nonzero(old != new)), strict=True):
            what = f"{ACTIVITIES[int(old[neuron, i])]} -> {ACTIVITIES[int(new[neuron, i])]}"
            wall = 0 if before[0, neuron, i] != after[0, neuron, i] else 1
            x, (step, network) = float(self.walls[wall]), steps[i]
            found.append(Crossing(step, neuron, what, ("lo", "hi")[wall], x, network))
        reversed_ = (old == BALANCED) & (new == BALANCED) & (before[0] != after[0])
        for neuron, i in zip(*(some.tolist() for some in np.nonzero(reversed_)), strict=True):
            step, network = steps[i]
            found.append(Crossing(step, neuron, REVERSES, "", math.nan, network))
        # A reversal changes the signs at the knots that the breakpoint does not pass.
        passed = (before[2:] != after[2:]) & (old == new) & ~reversed_
        for wall, neuron, i in zip(*(some.tolist() for some in np.nonzero(passed)), strict=True):
            x, (step, network) = float(self.walls[wall + 2]), steps[i]
            found.append(Crossing(step, neuron, f"passes {self._kind}", self._kind, x, network))
        self.crossings += sorted(
            found, key=lambda crossing: (crossing.when, crossing.network, crossing.neuron, crossing.x)
        )
