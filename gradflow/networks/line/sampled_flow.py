"""The gradient flow of piecewise linear networks on a sample, with located crossings.

A neuron is active at some inputs and not at others. While that pattern lasts the field is smooth, and is
continued beyond it, so that no step spans a jump. Where a breakpoint meets an input the field jumps: the
breakpoint passes the input, or, where the field on either side drives it back, stops there. Then it moves as
Filippov's solution does, with that φ′ between s₋ and s₊ that keeps the breakpoint on the input, until there
is none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from gradflow.base.error_free import affine
from gradflow.networks.line.integration import Integration
from gradflow.networks.line.network import SPLIT
from gradflow.networks.line.task import Task
from gradflow.networks.line.walls import Crossing
from gradflow.neuron.activity import ACTIVITIES, classify

PASSES, STOPS, LEAVES = "passes input", "stops at input", "leaves input"
_ROUNDING = 4e-15
_LEAST_STEP = 1e-12
_FREE = -1


class Pattern(NamedTuple):
    """Which neurons are active where, and which stand on an input.

    Attributes
    ----------
    active : array of bool, shape (m, K)
        At the K different inputs in increasing order.
    stands : array of int, shape (m,)
        The number of the input on which the breakpoint stands; −1 of all others.
    """

    active: np.ndarray
    stands: np.ndarray


class Moved(NamedTuple):
    """The velocity, and what decides of every neuron whether it stays where it stands, or would.

    Attributes
    ----------
    velocity : array, shape (3m + 1,)
    others : array, shape (m,)
        −dz/dt at the input on which it stands, but for that input's own share.
    own : array, shape (m,)
        That share, for φ′ = 1 there.
    """

    velocity: np.ndarray
    others: np.ndarray
    own: np.ndarray


class Sampled:
    """A sample with its inputs in order, and the field on it of a network in one pattern."""

    def __init__(self, task: Task, moves: np.ndarray) -> None:
        assert task.sample is not None
        order = np.argsort(task.sample.x, kind="stable")
        self.points = task.sample._replace(**{n: v[order] for n, v in task.sample._asdict().items()})
        self.places, self.group = np.unique(self.points.x, return_inverse=True)
        self.loss, self.slopes, self.moves = task.loss, task.slopes, moves
        self.m = moves.shape[0] // 3

    def preactivations(self, rows: np.ndarray) -> np.ndarray:
        """Return z at the different inputs, shape (m, K)."""
        return np.asarray(affine(rows[: self.m, None], self.places, rows[self.m : 2 * self.m, None], SPLIT))

    def moved(self, rows: np.ndarray, pattern: Pattern, at: np.ndarray | None = None) -> Moved:
        """Return the velocity; `at` are inputs to look at in the place of those on which neurons stand."""
        m, x, (low, high) = self.m, self.points.x, self.slopes
        w1, b1, w2 = (rows[i * m : (i + 1) * m, None] for i in range(3))
        stands = pattern.stands if at is None else at
        j = np.flatnonzero(stands >= 0)
        slope = np.where(pattern.active, high, low)
        # Where it stands z is 0 but for rounding.
        z = w1 * self.places + b1
        slope[j, stands[j]] = 0.0
        phi, slope = (slope * z)[:, self.group], slope[:, self.group]
        f = np.sum(w2 * phi, axis=0) + rows[3 * m]
        pull = self.points.weights * self.loss.slope(f, self.points.target)
        through = w2 * slope * pull
        by_w1, by_b1 = np.sum(through * x, axis=1), np.sum(through, axis=1)
        others, own = np.zeros(m), np.zeros(m)
        if j.size:
            place, there = self.places[stands[j]], np.bincount(self.group, pull)[stands[j]] * w2[j, 0]
            move_w1, move_b1 = self.moves[j], self.moves[j + m]
            others[j] = move_w1 * place * by_w1[j] + move_b1 * by_b1[j]
            own[j] = there * (move_w1 * place * place + move_b1)
            share = -others[j] / np.where(own[j] == 0.0, 1.0, own[j])
            by_w1[j] += share * there * place
            by_b1[j] += share * there
        gradient = np.concatenate((by_w1, by_b1, np.sum(phi * pull, axis=1), [np.sum(pull)]))
        return Moved(-self.moves * gradient, others, own)

    def pull_on(self, rows: np.ndarray, pattern: Pattern, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dz/dt at an input of every neuron where it is inactive there, and where it is active."""
        found = self.moved(rows, pattern, at)
        below, above = (-(found.others + slope * found.own) for slope in self.slopes)
        return below, above

    def room(self, rows: np.ndarray, pattern: Pattern) -> np.ndarray:
        """Return dz/dt towards the input from either side of where neurons stand, shape (2, m).

        A neuron stays while both are positive, that is, while φ′ is between s₋ and s₊.
        """
        below, above = self.pull_on(rows, pattern, pattern.stands)
        return np.stack([below, -above])


class Filippov:
    """The field on a sample, and the pattern that the flow is in (an `integration.PiecewiseField`)."""

    jacobian = None

    def __init__(self, rows: np.ndarray, task: Task, moves: np.ndarray) -> None:
        self.task, self.field = task, Sampled(task, moves)
        self.pattern = _begun(self.field, rows)

    def velocity(self, _: float, y: np.ndarray) -> np.ndarray:
        """Return the velocity of the parameters and of ∫|∇L|²."""
        found = self.field.moved(y[:-1], self.pattern).velocity
        return np.append(found, found @ found)

    def left(self, y: np.ndarray) -> np.ndarray:
        """Return what is on the other side, shape (m, K + 2): inputs, then the ends between which φ′ is."""
        return _found(self.field, self.pattern, y)

    def cross(self, flow: Integration, solver: Any, left: np.ndarray) -> bool:
        """Go to the first event, and on with the pattern after it."""
        dense = solver.dense_output()
        when, which = _first(self.field, self.pattern, left, dense, flow.t, float(solver.t))
        if when > flow.t:
            flow.move(when, dense(when), lambda: dense)
        flow.y = _on_input(self.field, which, flow.y)
        self.pattern, crossing = _changed(self.field, self.task, self.pattern, which, flow.y[:-1], flow.t)
        flow.crossings.append(crossing)
        flow.first_step = max(1e-2 * float(solver.h_abs), _LEAST_STEP)
        return True


def _begun(field: Sampled, rows: np.ndarray) -> Pattern:
    """Return the pattern of a start; a breakpoint that is on one input may stand there, or leaves at once."""
    z = field.preactivations(rows)
    pattern = Pattern(z > 0.0, np.full(field.m, _FREE))
    on = np.where(np.sum(z == 0.0, axis=1) == 1, np.argmax(z == 0.0, axis=1), _FREE)
    below, above = field.pull_on(rows, pattern, on)
    for j in np.flatnonzero(on >= 0):
        if above[j] < 0.0 < below[j]:
            pattern.stands[j] = on[j]
        else:
            pattern.active[j, on[j]] = above[j] > 0.0 and below[j] >= 0.0
    return pattern


def _found(field: Sampled, pattern: Pattern, y: np.ndarray) -> np.ndarray:
    """Return what is on the other side at the end of a step, shape (m, K + 2): inputs, then φ′'s ends."""
    rows, j = y[:-1], np.arange(field.m)
    z = field.preactivations(rows)
    size = np.abs(rows[: field.m, None]) * np.abs(field.places) + np.abs(rows[field.m : 2 * field.m, None])
    off = ((z > 0.0) != pattern.active) & (np.abs(z) > _ROUNDING * size)
    standing = pattern.stands >= 0
    off[j[standing], pattern.stands[standing]] = False
    leaves = np.zeros((field.m, 2), dtype=bool)
    if np.any(standing):
        leaves = (field.room(rows, pattern) < 0.0).T & standing[:, None]
    return np.concatenate((off, leaves), axis=1)


def _first(
    field: Sampled,
    pattern: Pattern,
    found: np.ndarray,
    dense: Callable[[float], np.ndarray],
    begin: float,
    end: float,
) -> tuple[float, tuple[int, int]]:
    """Return the first event of a step, and the time at which it happens."""
    count = field.places.shape[0]

    def margin(s: float, j: int, k: int) -> float:
        """Return a number that is negative once it has happened."""
        rows = dense(s)[:-1]
        if k >= count:
            return float(field.room(rows, pattern)[k - count, j])
        z = float(affine(rows[j], field.places[k], rows[field.m + j], SPLIT))
        return z if pattern.active[j, k] else -z

    when, which = end, (-1, -1)
    for j, k in zip(*(i.tolist() for i in np.nonzero(found)), strict=True):
        if which != (-1, -1) and margin(when, j, k) >= 0.0:
            continue
        start = begin
        if margin(begin, j, k) <= 0.0:
            # It is on the right side but for rounding, or soon will be.
            later = [begin + (when - begin) * 2.0**-i for i in range(1, 30)]
            start = next((s for s in later if margin(s, j, k) > 0.0), begin)
            if start == begin:
                return begin, (j, k)
        if margin(when, j, k) < 0.0:
            when = _root(partial(margin, j=j, k=k), start, when)
        which = (j, k)
    return when, which


def _root(margin: Callable[[float], float], start: float, when: float) -> float:
    return float(brentq(margin, start, when, xtol=1e-15 * max(1.0, when), rtol=1e-15))


def _on_input(field: Sampled, which: tuple[int, int], y: np.ndarray) -> np.ndarray:
    """Return the state with the breakpoint on the input to the last digit, where it met one.

    Located in time only, it may be off by more than its own rounding, and would be seen to come back.
    """
    (j, k), m = which, field.m
    if k >= field.places.shape[0]:
        return y
    y, place = y.copy(), field.places[k]
    if field.moves[m + j]:
        y[m + j] = -y[j] * place
    elif place != 0.0:
        y[j] = -y[m + j] / place
    return y


def _changed(
    field: Sampled, task: Task, pattern: Pattern, which: tuple[int, int], rows: np.ndarray, t: float
) -> tuple[Pattern, Crossing]:
    """Return the pattern after an event, and the crossing."""
    (j, k), count = which, field.places.shape[0]
    active, stands = pattern.active.copy(), pattern.stands.copy()
    before = active[j, 0], active[j, -1]
    if k >= count:
        # φ′ has come to s₋ or to s₊: the breakpoint goes where the neuron is inactive or active there.
        k, active[j, stands[j]], stands[j] = int(stands[j]), k > count, _FREE
        what = LEAVES
    else:
        at = np.full(field.m, _FREE)
        at[j] = k
        below, above = field.pull_on(rows, pattern, at)
        if stands[j] == _FREE and above[j] < 0.0 < below[j]:
            stands[j] = k
            what = STOPS
        else:
            active[j, k] = not active[j, k]
            what = PASSES
    after = active[j, 0], active[j, -1]
    names = [
        ACTIVITIES[int(classify(*(np.float64(1.0 if on else -1.0) for on in side)))]
        for side in (before, after)
    ]
    if what != STOPS and names[0] != names[1]:
        what = f"{names[0]} -> {names[1]}"
    place = float(field.places[k])
    wall = {task.lo: "lo", task.hi: "hi"}.get(place, "input")
    return Pattern(active, stands), Crossing(t, j, what, wall, place)
