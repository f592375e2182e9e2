"""The Hessian times a vector in O((m + k) log(m + k)), without the matrix."""

from __future__ import annotations

import numpy as np

from gradflow.base.arrays import Array
from gradflow.networks.line import cells
from gradflow.networks.line.cells import Integrals
from gradflow.networks.line.field import Cut, point_masses
from gradflow.networks.line.task import Task


def product_of(some: Cut, vector: Array, task: Task) -> Array:
    """Return ∂²L/∂θ² v, shape (3m + 1, *batch), of vectors of that shape.

    v·∇f is straight between neighbouring points as the residual is, but it jumps at breakpoints; its
    integrals against ∇f are then those of a gradient. The rest is of one neuron each.
    """
    m, points, own = some.w1.shape[-1], some.points, some.own
    by_w1, by_b1, by_w2 = (np.moveaxis(vector[i * m : (i + 1) * m], 0, -1) for i in range(3))
    place = points.place[..., :m]
    x = np.take_along_axis(points.x, place, -1)
    level, slope = some.w2 * (by_w1 * x + by_b1), some.w2 * by_w1 + by_w2 * some.w1
    parts = (
        own.right * (level + by_w2 * own.at_lo),
        own.right * slope,
        own.left * (level + by_w2 * own.at_hi),
        -own.left * slope,
    )
    none = np.zeros((*x.shape[:-1], points.x.shape[-1] - m))
    jump_right, right, jump_left, left = (
        np.take_along_axis(np.concatenate((part, none), axis=-1), points.order, -1) for part in parts
    )
    first, last = _begun(jump_right, right, points.width)
    end, begin = (v[..., ::-1] for v in _begun(*(v[..., ::-1] for v in (jump_left, left, points.width))))
    bias = vector[3 * m][..., None]
    first, last = first + begin + bias, last + end + bias
    found = cells.integrals(first, last, points.x, points.width, some.weights)
    whole = cells.derivatives(some.w1, some.w2, own, _at(found, place))
    residual = cells.integrals(some.first, some.last, points.x, points.width, some.weights)
    cross_w1, cross_b1, _ = cells.derivatives(some.w1, np.ones_like(some.w2), own, _at(residual, place))
    mass = 0.5 * point_masses(some, task) * (by_w1 * x + by_b1)
    halves = (
        whole[0] + cross_w1 * by_w2 + mass * x,
        whole[1] + cross_b1 * by_w2 + mass,
        whole[2] + cross_w1 * by_w1 + cross_b1 * by_b1,
    )
    return 2.0 * np.concatenate([*(np.moveaxis(half, -1, 0) for half in halves), found.right[None, ..., 0]])


def _begun(jump: Array, slope: Array, width: Array) -> tuple[Array, Array]:
    """Return, at the beginning and the end of every cell, what begins at points before it with a jump."""
    rise = np.cumsum(slope, axis=-1)[..., :-1] * width
    value = np.cumsum(np.concatenate((jump[..., :1], jump[..., 1:] + rise), axis=-1), axis=-1)[..., :-1]
    return value, value + rise


def _at(found: Integrals, place: Array) -> Integrals:
    return Integrals(*(np.take_along_axis(value, place, -1) for value in found))
