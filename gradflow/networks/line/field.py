"""Population loss, gradient, Gram matrix and Hessian of networks on the line, in closed form.

Breakpoints, knots and the law's points are sorted; between neighbours the residual is straight. With k
points beside the m breakpoints a loss or a gradient costs O((m + k) log(m + k)). Its error is that of the
sums: a few roundings of the integral of the terms' absolute values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, device
from gradflow.base.error_free import determinant, splitter
from gradflow.networks.line import cells
from gradflow.networks.line.cells import Bends, Integrals, Points, Units, Weights, library
from gradflow.networks.line.network import SPLIT
from gradflow.networks.line.task import Task


class Cut(NamedTuple):
    """Networks with the line cut into cells, and the residual at the beginning and the end of each.

    Attributes
    ----------
    w1, b1, w2 : array, shape (*batch, m)
        The students' neurons.
    own : Units
        The same as half lines.
    points : Points
        Theirs come first among those given.
    weights : Weights
    first, last : array
        The residual.
    """

    w1: Array
    b1: Array
    w2: Array
    own: Units
    points: Points
    weights: Weights
    first: Array
    last: Array


def cut(rows: Array, task: Task) -> Cut:
    """Cut the line of every network of an array of shape (3m + 1, *batch)."""
    xp, m = library(rows), rows.shape[0] // 3

    def own_kind(values: Any) -> Array:
        return xp.asarray(values, dtype=rows.dtype, device=device(rows))

    w1, b1, w2 = (xp.moveaxis(rows[i * m : (i + 1) * m, ...], 0, -1) for i in range(3))
    batch = w1.shape[:-1]
    bias = rows[3 * m, ...]
    low, high = (own_kind(np.full(m, slope)) for slope in task.slopes)
    all_w1, all_b1, all_w2 = w1, b1, w2
    if task.teacher is not None:
        # The residual is a network too, with the teacher's neurons turned over.
        teacher, size = task.teacher, task.teacher.m
        given = zip((w1, b1, w2), (teacher.w1, teacher.b1, -np.asarray(teacher.w2)), strict=True)
        all_w1, all_b1, all_w2 = (
            xp.concat((mine, xp.broadcast_to(own_kind(theirs), (*batch, size))), axis=-1)
            for mine, theirs in given
        )
        low, high = (
            xp.concat((slopes, own_kind(np.full(size, slope))))
            for slopes, slope in zip((low, high), task.teacher_slopes, strict=True)
        )
        bias = bias - own_kind(teacher.b2)
    marks = task.marks
    if task.knots is not None:
        marks = np.concatenate((marks, np.clip(task.knots.x, task.lo, task.hi)))
    # Of the arrays' kind, as in compiled code: a splitter of one precision splits no number of another.
    lo, hi = own_kind(task.lo), own_kind(task.hi)
    each = cells.units(all_w1, all_b1, low, high, lo, hi)
    others = xp.zeros((*batch, marks.shape[0]), dtype=rows.dtype, device=device(rows))
    points = cells.ordered(
        xp.concat((each.w, others + 1.0), axis=-1),
        xp.concat((each.b, others - own_kind(marks)), axis=-1),
        lo,
        hi,
    )
    gained = cells.bends(all_w1, all_w2, each, others)
    right, left = (xp.take_along_axis(some, points.order, axis=-1) for some in gained[:2])
    value = cells.values(Bends(right, left, gained.at_lo, gained.at_hi), points.width) + bias[..., None]
    first, last = value[..., :-1], value[..., 1:]
    if task.knots is not None:
        begun = points.order >= points.order.shape[-1] - task.knots.x.shape[0]
        aim_first, aim_last = _target(task, points, begun)
        first, last = first - aim_first, last - aim_last
    own = Units(*(some[..., :m] for some in each))
    law = points.order - all_w1.shape[-1]
    return Cut(w1, b1, w2, own, points, _weights(task, points, law), first, last)


def _weights(task: Task, points: Points, mark: Array) -> Weights:
    """Return the law's weights; `mark` is the number of the law's mark that a point is, if it is one."""
    if task.density is None:
        return cells.normal_weights(points.x, points.width, *task.normal)
    if task.density.shape[0] == 1:
        return cells.even_weights(points.width * float(task.density[0]))
    is_mark = (mark >= 0) & (mark < task.marks.shape[0])
    step = _last(is_mark, task.density.shape[0])
    return cells.even_weights(points.width * _entries(task.density, step, points.x))


def _target(task: Task, points: Points, is_knot: Array) -> tuple[Array, Array]:
    """Return the value at the beginning and the end of every cell of a target given by knots."""
    assert task.knots is not None
    xp, x, y = library(points.x), np.asarray(task.knots.x), np.asarray(task.knots.y)
    piece = _last(is_knot, x.shape[0] - 1)
    begin, end, before, after = (_entries(v, piece, points.x) for v in (x[:-1], x[1:], y[:-1], y[1:]))
    whole = xp.where(end > begin, end - begin, xp.ones_like(end))

    def at(w: Array, b: Array) -> Array:
        return cells.on_line(w, b, begin, end, before, after, whole, splitter(w.dtype))

    return at(points.w[..., :-1], points.b[..., :-1]), at(points.w[..., 1:], points.b[..., 1:])


def _last(is_some: Array, count: int) -> Array:
    """Return for every cell which of some points was the last one, from 0 to `count` − 1."""
    xp = library(is_some)
    number = cells.from_lo(xp.where(is_some, *(xp.asarray(i, device=device(is_some)) for i in (1, 0))))
    return xp.clip(number[..., :-1] - 1, 0, count - 1)


def _entries(table: np.ndarray, index: Array, like: Array) -> Array:
    """Return the entries of a table at given places, as arrays of the kind of another."""
    if type(like) is np.ndarray:
        return np.asarray(table, dtype=like.dtype)[index]
    xp = library(like)
    values = xp.asarray(table, dtype=like.dtype, device=device(like))
    return xp.reshape(xp.take(values, xp.reshape(index, (-1,)), axis=0), index.shape)


def loss_of(some: Cut) -> Array:
    """Return E[(f − f*)²], shape (*batch)."""
    return cells.mean_square(some.first, some.last, some.weights)


def gradient_of(some: Cut) -> Array:
    """Return the gradient, shape (3m + 1, *batch)."""
    xp, m, points = library(some.w1), some.w1.shape[-1], some.points
    found = cells.integrals(some.first, some.last, points.x, points.width, some.weights)
    mine = points.place[..., :m]
    at = Integrals(*(xp.take_along_axis(value, mine, axis=-1) for value in found))
    parts = cells.derivatives(some.w1, some.w2, some.own, at)
    whole = found.right[..., 0][None, ...]
    return 2.0 * xp.concat([*(xp.moveaxis(part, -1, 0) for part in parts), whole])


def gram_of(some: Cut) -> Array:
    """Return E[∇f ∇fᵀ], shape (3m + 1, 3m + 1, *batch)."""
    begin, end = _features(some, 0), _features(some, 1)
    q = some.weights

    def product(a: Array, weight: Array, b: Array) -> Array:
        return (a * weight[..., None, :]) @ np.swapaxes(b, -1, -2)

    half = 0.5 * (product(begin, q.first2, begin) + product(end, q.last2, end)) + product(begin, q.both, end)
    return np.moveaxis(half + np.swapaxes(half, -1, -2), (-2, -1), (0, 1))


def _features(some: Cut, side: int) -> Array:
    """Return ∇f at the beginning or the end of every cell, shape (*batch, 3m + 1, cells)."""
    points, own = some.points, some.own
    m, count = some.w1.shape[-1], points.width.shape[-1]
    x, w, b = (value[..., side : side + count] for value in (points.x, points.w, points.b))
    w1, b1, w2 = some.w1[..., None], some.b1[..., None], some.w2[..., None]
    is_right = np.arange(count) >= points.place[..., :m, None]
    slope = np.where(is_right, own.right[..., None], own.left[..., None])
    # From the neuron's breakpoint, or from an end: z at the point is a determinant, too.
    z = determinant(w1, -b[..., None, :], -b1, w[..., None, :], SPLIT) / w[..., None, :]
    by_bias = w2 * slope
    one = np.ones_like(x)[..., None, :]
    return np.concatenate((by_bias * x[..., None, :], by_bias, slope * z, one), axis=-2)


def hessian_of(some: Cut, task: Task) -> Array:
    """Return ∂²L/∂θ², shape (3m + 1, 3m + 1, *batch); breakpoints on an end count as outside."""
    m, points, own = some.w1.shape[-1], some.points, some.own
    whole = 2.0 * gram_of(some)
    found = cells.integrals(some.first, some.last, points.x, points.width, some.weights)
    mine = points.place[..., :m]
    at = Integrals(*(np.take_along_axis(value, mine, -1) for value in found))
    by_w1, by_b1, _ = cells.derivatives(some.w1, np.ones_like(some.w2), own, at)
    mass = point_masses(some, task)
    x = np.take_along_axis(points.x, mine, -1)
    rows = np.arange(m)
    for i, j, value in (
        (rows, rows + 2 * m, 2.0 * by_w1),
        (rows + m, rows + 2 * m, 2.0 * by_b1),
        (rows, rows + m, mass * x),
    ):
        value = np.moveaxis(value, -1, 0)
        whole[i, j] += value
        whole[j, i] += value
    whole[rows, rows] += np.moveaxis(mass * x * x, -1, 0)
    whole[rows + m, rows + m] += np.moveaxis(mass, -1, 0)
    return whole


def point_masses(some: Cut, task: Task) -> Array:
    """Return 2 w2 r(p) ρ(p) (s₊ − s₋)/|w1|, in which r(p) ρ(p) is the mean of both sides."""
    m, points = some.w1.shape[-1], some.points
    width = points.width
    value = some.first, some.last
    if task.density is None:
        mean, std = task.normal
        z = (points.x - mean) / std
        density = np.exp(-0.5 * z * z) / (std * np.sqrt(2.0 * np.pi))
        before = after = density
    else:
        inner = some.weights.mass / np.where(width > 0, width, 1.0)
        before, after = _beside(inner, width)
    r_before, r_after = _beside(value[1], width)[0], _beside(value[0], width)[1]
    product = 0.5 * (before * r_before + after * r_after)
    there = np.take_along_axis(product, points.place[..., :m], -1)
    bend = np.abs(some.own.right - some.own.left)
    low, high = task.slopes
    size = np.where(some.own.inside, np.abs(some.w1), 1.0)
    return np.where(some.own.inside, 2.0 * some.w2 * there * bend * np.sign(high - low) / size, 0.0)


def _beside(value: Array, width: Array) -> tuple[Array, Array]:
    """Return what the nearest cell of some width has before and after every point; 0 beyond the ends."""
    count = width.shape[-1]
    number = np.arange(count)
    last = np.maximum.accumulate(np.where(width > 0, number, -1), axis=-1)
    following = np.where(width > 0, number, count)
    following = np.minimum.accumulate(following[..., ::-1], axis=-1)[..., ::-1]
    padded = np.concatenate((value, np.zeros_like(value[..., :1])), axis=-1)
    edge = np.full((*width.shape[:-1], 1), count)
    before = np.concatenate((edge, np.where(last < 0, count, last)), axis=-1)
    after = np.concatenate((following, edge), axis=-1)
    return np.take_along_axis(padded, before, -1), np.take_along_axis(padded, after, -1)
