"""Changes of a neuron between two steps: its activity, its orientation, its place beside the teacher's.

Every state gets a small integer, its cell; events are made only for the trajectories whose cell
changed, so that a batch in which nothing happens costs a comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradflow.base.arrays import Array, as_floating, device, namespace, to_numpy
from gradflow.base.error_free import affine, determinant, splitter
from gradflow.neuron.activity import ACTIVITIES, BALANCED, activity, classify
from gradflow.neuron.problem import Problem

ROUNDING = 16.0
"""A pre-activation at the teacher's breakpoint of so many roundings of the largest has no certain sign."""

REVERSES = "reverses"
PASSES_TEACHER = "passes teacher"


@dataclass(frozen=True, slots=True)
class Crossing:
    """One event of one trajectory.

    Attributes
    ----------
    step : int
        The first step (number of updates) at which it has happened.
    index : tuple of int
        The trajectory's place in the batch; () for a single neuron.
    event : str
        ``"<activity> -> <activity>"``; ``"reverses"`` where w1 changes sign while the neuron stays
        balanced; ``"passes teacher"`` where its breakpoint changes sides with the teacher's, unless a
        sample's targets take the teacher's place. To be on a side, the pre-activation at the teacher's
        breakpoint must exceed 16 roundings of the largest pre-activation: a converged breakpoint that
        oscillates by rounding passes nothing.
    """

    step: int
    index: tuple[int, ...]
    event: str


class Watch:
    """Follows a batch from state to state.

    Parameters
    ----------
    theta : array, shape (4, *batch)
        The state at step 0.
    problem : Problem
        Fixes the walls and the teacher's breakpoint.
    events : bool
        Whether events are listed, or only the first change of activity noted.

    Attributes
    ----------
    events : list of Crossing
        By step, then by index.
    first_change : array of int64, shape (*batch)
        The first step with another activity than the step before; −1 where there is none.
    """

    def __init__(self, theta: Array, problem: Problem, events: bool = True) -> None:
        xp = namespace(theta)
        self.events: list[Crossing] = []
        self.first_change = xp.full(theta.shape[1:], -1, dtype=xp.int64, device=device(theta))
        self._list_events = events
        self._split = splitter(theta.dtype)
        # Converted once: `end_preactivations` would do it at every step.
        _, (_, *fixed) = as_floating((theta, problem.lo, problem.hi, *problem.teacher[:2]))
        self._ends, self._teacher = fixed[:2], fixed[2:]
        inside = (activity(problem.teacher, problem) == BALANCED) & problem.has_teacher
        # As a number in the dtype of θ, so that it multiplies; None where no teacher has a breakpoint inside.
        inside_ = xp.astype(xp.asarray(inside, device=device(theta)), theta.dtype)
        self._inside = inside_ if events and bool(xp.any(inside)) else None
        self._rounding = ROUNDING * float(xp.finfo(theta.dtype).eps)
        # The side on which a trajectory was before its breakpoint met the teacher's.
        self._side_before: dict[tuple[int, ...], int] = {}
        self._cell = self._cells(theta)

    def observe(self, step: int, theta: Array) -> None:
        """Note what happened between the last state seen and this one."""
        cell = self._cells(theta)
        changed = cell != self._cell
        xp = namespace(theta)
        if bool(xp.any(changed)):
            moved = (cell % 3 != self._cell % 3) & (self.first_change < 0)
            self.first_change = xp.where(moved, xp.full_like(self.first_change, step), self.first_change)
            if self._list_events:
                self._list(step, to_numpy(changed), to_numpy(self._cell), to_numpy(cell))
        self._cell = cell

    def _cells(self, theta: Array) -> Array:
        """Return activity + 3·orientation + 6·(1 + side), the last two only for balanced neurons."""
        xp = namespace(theta)
        w1, b1, split = theta[0, ...], theta[1, ...], self._split
        lo, hi = self._ends
        z_lo, z_hi = affine(w1, lo, b1, split), affine(w1, hi, b1, split)
        cell = classify(z_lo, z_hi)
        if not self._list_events:
            return cell
        balanced = xp.astype(cell == BALANCED, xp.int8)
        cell = cell + 3 * (balanced * xp.astype(z_hi > 0, xp.int8)) + 6
        if self._inside is None:
            return cell
        wt, bt = self._teacher
        # Its sign is, for one orientation, the order of the breakpoints; over wt it is the pre-activation
        # at the teacher's.
        apart = determinant(b1, wt, w1, bt, split)
        least = self._rounding * xp.abs(wt) * xp.maximum(xp.abs(z_lo), xp.abs(z_hi))
        side = xp.where(xp.abs(apart) > least, xp.sign(apart), xp.zeros_like(apart)) * self._inside
        return cell + 6 * (balanced * xp.astype(side, xp.int8))

    def _list(self, step: int, changed: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        for place in np.argwhere(changed):
            index = tuple(int(i) for i in place)
            event = self._event(index, int(before[index]), int(after[index]))
            if event is not None:
                self.events.append(Crossing(step, index, event))

    def _event(self, index: tuple[int, ...], before: int, after: int) -> str | None:
        if before % 6 != after % 6:
            self._side_before.pop(index, None)
            if before % 3 != after % 3:
                return f"{ACTIVITIES[before % 3]} -> {ACTIVITIES[after % 3]}"
            return REVERSES
        old, new = before // 6 - 1, after // 6 - 1
        if new == 0:
            self._side_before[index] = old
            return None
        if old == 0:
            old = self._side_before.pop(index, new)
        return PASSES_TEACHER if old != new else None
