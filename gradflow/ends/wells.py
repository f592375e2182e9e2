"""Wells: minima of a sample's loss whose breakpoint lies on an input, and from which states they are reached.

A piecewise linear student on a sample is f(x) = s(w2 w1 x + w2 b1) + b2, s being s₊ where the input is
active and s₋ elsewhere. So in u = (w2 w1, w2 b1, b2), as long as no input changes sides, the loss is a convex
quadratic, and where the breakpoint meets the input x_i, two of them meet: on the surface
q = w2 (w1 x_i + b1) = 0. They differ by the weighted square of one residual,

    L₊ − L₋ = p_i (s₊ − s₋) q [(s₊ + s₋) q + 2 (b2 − y_i)],

so the loss is their maximum, hence convex, where w2 (s₊ − s₋) [ … ] > 0. That half-space and the breakpoints
between x_{i−1} and x_{i+1} are a region R, bounded by three planes, in which the loss is convex. If its
minimum on the surface (a regression on two columns) lies in R, and the derivatives along b1 on both sides
point to the surface, it is the minimum of R, and no other point of R is critical.

From a state in R whose loss is lower than the loss anywhere on the boundary of R the loss cannot fall along a
path out of R: the flow, sliding along the surface where it meets it, ends at that minimum. Parameters that
are the same function are one minimum; which of them is reached is not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, is_array, to_numpy
from gradflow.field import ranges as columns
from gradflow.field import sample
from gradflow.field.bounds import EPS, in_double, root_loss
from gradflow.neuron.problem import Neuron, Problem, Sample, as_neuron

NOWHERE = -1

ON_SURFACE = 1e-11
"""Derivatives smaller than this, relative to what they are the sum of, point nowhere."""


class Wells(NamedTuple):
    """The wells of a sample, one for each distinct input and sign of w1: shape (T, K, 2), T teachers.

    Attributes
    ----------
    teachers : array of int
        The teachers' numbers, in their shape.
    x : array, shape (K,)
        The distinct inputs.
    target : array, shape (T, K)
        The mean target at each.
    side : array
        The sign of w2; 0 where there is no well.
    slope, level : array
        w1 w2 and b2 at the minimum.
    loss, barrier : array
        The minimum, and the root of the least loss on the boundary.
    """

    teachers: np.ndarray
    x: np.ndarray
    target: np.ndarray
    side: np.ndarray
    slope: np.ndarray
    level: np.ndarray
    loss: np.ndarray
    barrier: np.ndarray


class Found(NamedTuple):
    """The wells that states are in, arrays of their shape.

    Attributes
    ----------
    which : array of int
        A number of the well; `NOWHERE` if there is none.
    loss, breakpoint : array
        Those of the well's minimum; NaN if there is none.
    excess : array
        The state's loss above the minimum, relative to it; ∞ if there is none.
    place : Neuron
        The parameters of the minimum next to the state.
    """

    which: np.ndarray
    loss: np.ndarray
    breakpoint: np.ndarray
    excess: np.ndarray
    place: Neuron


def has_wells(problem: Problem) -> bool:
    """Whether there can be any: the inputs are a sample, and the student is bent."""
    return isinstance(problem.inputs, Sample) and problem.is_bent and problem.slopes[0] != problem.slopes[1]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def wells(problem: Problem) -> Wells:
    """Return the wells of a sample (`has_wells`), which need three distinct inputs, in NumPy."""
    bound = sample.bind(problem, np.zeros(()))
    x, y = bound.inputs.x, bound.inputs.target
    weights = np.broadcast_to(np.asarray(bound.inputs.weights), x.shape)
    teachers = np.arange(y[..., 0].size).reshape(y.shape[:-1])
    y = y.reshape(-1, x.shape[0])
    kept = np.flatnonzero(weights > 0.0)
    kept = kept[np.argsort(x[kept], kind="stable")]
    x, weights, y = x[kept], weights[kept], y[:, kept]
    found = columns.ranges(np, x, weights, y)
    x, starts = found.x, np.searchsorted(x, found.x)
    target = np.add.reduceat(weights * y, starts, axis=-1) / np.add.reduceat(weights, starts)
    table = found.table.reshape(len(y), x.size + 1, 2, columns.COLUMNS)
    made = [_one_direction(problem, x, target, table, rises) for rises in (False, True)]
    return Wells(teachers, x, target, *(np.stack(parts, axis=-1) for parts in zip(*made, strict=True)))


def _one_direction(
    problem: Problem, x: np.ndarray, target: np.ndarray, table: np.ndarray, rises: bool
) -> tuple[np.ndarray, ...]:
    """Return side, slope, level, loss and barrier of the wells where w1 has one sign, shape (T, K) each."""
    low, high = problem.slopes
    slopes = np.array([low, high] if rises else [high, low])
    here = np.arange(1, x.size - 1)
    # The split of the inputs and the next input that the breakpoint meets, where x_i is active and not.
    active, passive = (here, here + 1) if rises else (here + 1, here)
    ahead, behind = (here - 1, here + 1) if rises else (here + 1, here - 1)

    surface = _system(table[:, active], slopes, x[here])
    slope, level, loss = _least(surface)
    side = np.where(rises, 1.0, -1.0) * np.sign(slope)
    points = []
    for split, inner in ((active, high), (passive, low)):
        rows = table[:, split]
        distance, mean = _means(rows, x[here])
        turned, mass = slopes * slope[..., None] * distance, slopes * rows[..., columns.W]
        size = np.sum(abs(mass) * (abs(turned) + abs(level[..., None]) + abs(mean)), axis=-1)
        derivative = side * np.sum(mass * (turned + (level[..., None] - mean)), axis=-1)
        points.append(derivative > ON_SURFACE * size if inner == high else derivative < -ON_SURFACE * size)
    middle = 0.5 * (low + high)
    planes = (
        _system(table[:, active], slopes, x[ahead]),
        _system(table[:, passive], slopes, x[behind]),
        _system(table[:, active], slopes, x[here], (middle, target[:, here])),
    )
    # In all of R, w1 w2 has one sign.
    barrier = np.sqrt(np.min([_least(plane, np.sign(slope))[2] for plane in planes], axis=0))
    bracket = side * (high - low) * (level - target[:, here])
    holds = points[0] & points[1] & (bracket > 0.0) & np.isfinite(barrier) & np.isfinite(loss)

    def whole(values: np.ndarray, none: float) -> np.ndarray:
        array = np.full(target.shape, none)
        array[:, 1:-1] = np.where(holds, values, none)
        return array

    nan = np.nan
    return whole(side, 0.0), whole(slope, nan), whole(level, nan), whole(loss, nan), whole(barrier, -np.inf)


class _System(NamedTuple):
    """Residuals first·a + second·c − right, whose squares add up to the loss less `rest`."""

    first: np.ndarray
    second: np.ndarray
    right: np.ndarray
    rest: np.ndarray


def _system(
    rows: np.ndarray, slopes: np.ndarray, origin: np.ndarray, level: tuple[float, np.ndarray] | None = None
) -> _System:
    """Return the loss on a plane, as a function of a = w1 w2 and one more unknown.

    Parameters
    ----------
    rows : array, shape (T, K, 2, 14)
        Of `gradflow.field.ranges`: a split of the inputs for each origin.
    slopes : array, shape (2,)
        On the left and on the right.
    origin : array, shape (K,)
        Inputs. With q = w2 (w1 origin + b1), the planes are q = 0, with the unknowns a and b2; or
        b2 = y − m q with the unknowns a and q, where `level` is (m, y).
    """
    (distance, mean), mass = _means(rows, origin), np.sqrt(rows[..., columns.W])
    spread = np.sqrt(rows[..., columns.M2])
    nothing = np.zeros_like(spread * mean)
    if level is None:
        second, right = mass + nothing, mass * mean
    else:
        second, right = mass * (slopes - level[0]) + nothing, mass * (mean - level[1][..., None])
    return _System(
        np.concatenate((mass * slopes * distance + nothing, spread * slopes + nothing), axis=-1),
        np.concatenate((second, nothing), axis=-1),
        np.concatenate((right, spread * rows[..., columns.SLOPE]), axis=-1),
        np.sum(rows[..., columns.REST], axis=-1),
    )


def _means(rows: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean distances from the origins, and the mean targets, on both sides of splits."""
    inverse = rows[..., columns.INVERSE_W]
    distance = (rows[..., columns.ANCHOR] - origin[:, None]) + rows[..., columns.T1] * inverse
    return distance, rows[..., columns.SY] * inverse


def _least(system: _System, sign: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two unknowns at the least loss, and that loss; the first not of the other sign, if given."""
    first, second, right, rest = system
    # What the second column adds to the first; where that is rounding, it adds nothing.
    own = second - _share(second, first) * first
    own = own - _share(own, first) * first
    adds = _dot(own, own) > 64.0 * EPS * _dot(second, second)
    c = np.where(adds, _share(right, own), 0.0)
    a = _share(right - c * second, first)
    if sign is not None:
        # The loss is convex: it is least where the first is 0.
        wrong = a * sign[..., None] < 0.0
        a, c = np.where(wrong, 0.0, a), np.where(wrong, _share(right, second), c)
    residual = right - a * first - c * second
    return a[..., 0], c[..., 0], _dot(residual, residual)[..., 0] + rest


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.sum(a * b, axis=-1, keepdims=True))


def _share(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the coefficient of the projection of a on b, 0 where b is."""
    size = _dot(b, b)
    return np.where(size > 0.0, _dot(a, b) / np.where(size > 0.0, size, 1.0), 0.0)


def found(neuron: Neuron | Array, problem: Problem) -> Found:
    """Return the wells that states are in, for a problem that `has_wells`, in NumPy and double precision."""
    states, problem = in_numpy(neuron, problem)
    return _located(wells(problem), states, problem)


def stayed(neuron: Neuron | Array, before: Sequence[Array] | Array, problem: Problem) -> Found:
    """Return the wells that trajectories have stayed in, and their least excess there.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The last states.
    before : array, shape (K, 4, …)
        Earlier states, of which each must be in the same well as the last one.
    """
    states, problem = in_numpy(neuron, problem)
    table = wells(problem)
    last = _located(table, states, problem)
    same, excess = last.which != NOWHERE, last.excess
    for state in before:
        if not np.any(same):
            break
        earlier = _located(table, Neuron(*to_numpy(state)), problem)
        same = same & (earlier.which == last.which)
        excess = np.minimum(excess, earlier.excess)
    return _nowhere(last._replace(excess=excess), same)


def in_numpy(neuron: Neuron | Array, problem: Problem) -> tuple[Neuron, Problem]:
    """Return NumPy's arrays in double precision, of the whole batch's shape, and their problem."""

    def plain(value: Any) -> Any:
        return to_numpy(value) if is_array(value) else value

    inputs = problem.inputs
    if isinstance(inputs, Sample):
        weights, wanted = (
            None if part is None else to_numpy(part) for part in (inputs.weights, inputs.targets)
        )
        inputs = Sample(to_numpy(inputs.x), weights=weights, targets=wanted)
    problem = replace(problem, teacher=Neuron(*map(plain, problem.teacher)), inputs=inputs)
    theta, problem = in_double(Neuron(*map(plain, as_neuron(neuron))), problem)
    teacher = problem.teacher if problem.has_teacher else ()
    shape = np.broadcast_shapes(*(np.shape(value) for value in (*theta, *teacher)))
    return Neuron(*(np.broadcast_to(np.asarray(value, dtype=np.float64), shape) for value in theta)), problem


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _located(table: Wells, states: Neuron, problem: Problem) -> Found:
    shape, n = np.shape(states.w1), table.x.size
    value = root_loss(states, problem)
    root, error = (np.broadcast_to(part, shape).ravel() for part in value)
    w1, b1, w2, b2 = (np.broadcast_to(part, shape).ravel().astype(np.float64) for part in states)
    teacher = np.broadcast_to(table.teachers, shape).ravel()
    rises = (w1 > 0.0).astype(np.int64)
    at = -b1 / w1
    left = np.searchsorted(table.x, np.where(np.isfinite(at), at, -np.inf), side="right")
    low, high = problem.slopes
    which = np.full(root.shape, NOWHERE)
    for i in (left - 1, left):
        inside = (i > 0) & (i < n - 1)
        i = np.where(inside, i, 0)
        key = (teacher, i, rises)
        x, y = table.x[i], table.target[teacher, i]
        inside &= (table.x[i - 1] < at) & (at < table.x[np.where(inside, i + 1, 0)])
        q = w2 * (w1 * x + b1)
        bracket = table.side[key] * (high - low) * ((high + low) * q + 2.0 * (b2 - y))
        inside &= (np.sign(w2) == table.side[key]) & (bracket > 0.0)
        inside &= root + error < table.barrier[key] - error
        which = np.where(inside, (teacher * n + i) * 2 + rises, which)
    key = (np.maximum(which, 0) // (2 * n), np.maximum(which, 0) // 2 % n, np.maximum(which, 0) % 2)
    loss, x = table.loss[key], table.x[key[1]]
    scale = np.sqrt(table.slope[key] / (w1 * w2))
    place = Neuron(w1 * scale, -(w1 * scale) * x, w2 * scale, table.level[key])
    excess = (root * root - loss) / np.where(loss > 0.0, loss, 1.0)
    parts = (which, loss, x, excess, *place)
    which, loss, x, excess, *rest = (np.reshape(part, shape) for part in parts)
    return _nowhere(Found(which, loss, x, excess, Neuron(*rest)), which != NOWHERE)


def _nowhere(of: Found, mask: np.ndarray) -> Found:
    """Return what was found where the mask holds, and nothing elsewhere."""
    return Found(
        np.where(mask, of.which, NOWHERE),
        np.where(mask, of.loss, np.nan),
        np.where(mask, of.breakpoint, np.nan),
        np.where(mask, of.excess, np.inf),
        Neuron(*(np.where(mask, value, np.nan) for value in of.place)),
    )
