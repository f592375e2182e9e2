"""Loss, gradient, Gram matrix and Hessian as sums over inputs: of a sample, or of nodes of quadrature."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.field.means import Inputs
from gradflow.neuron.activations import Activation, derivatives
from gradflow.neuron.losses import Loss


class Evaluated(NamedTuple):
    """Networks at inputs, which are the last axis: φ and its derivatives of every neuron, and outputs.

    Attributes
    ----------
    points : Inputs
    w2 : array, shape (m, *batch, 1)
    phi : tuple of arrays, shape (m, *batch, N)
    f : array, shape (*batch, N)
    """

    points: Inputs
    w2: Array
    phi: tuple[Array, ...]
    f: Array


def evaluate(rows: Array, points: Inputs, activation: Activation, order: int = 1) -> Evaluated:
    """Evaluate networks of shape (3m + 1, *batch), with φ's derivatives up to `order`."""
    m = rows.shape[0] // 3
    w1, b1, w2 = (rows[i * m : (i + 1) * m, ..., None] for i in range(3))
    phi = derivatives(activation, w1 * points.x + b1, order)
    return Evaluated(points, w2, phi, np.sum(w2 * phi[0], axis=0) + rows[3 * m, ..., None])


def loss_of(e: Evaluated, loss: Loss) -> Array:
    """Return E[ℓ(f, y)], shape (*batch)."""
    return np.sum(e.points.weights * loss.value(e.f, e.points.target), axis=-1)


def gradient_of(e: Evaluated, loss: Loss) -> Array:
    """Return the gradient, shape (3m + 1, *batch)."""
    pull = e.points.weights * loss.slope(e.f, e.points.target)
    through = pull * (e.w2 * e.phi[1])
    parts = (through * e.points.x, through, pull * e.phi[0], pull[None])
    return np.concatenate([np.sum(part, axis=-1) for part in parts])


def jacobian_of(e: Evaluated) -> Array:
    """Return ∇f at the inputs, shape (*batch, 3m + 1, N)."""
    by_bias = e.w2 * e.phi[1]
    rows = np.concatenate((by_bias * e.points.x, by_bias, e.phi[0], np.ones_like(e.f)[None]))
    return np.moveaxis(rows, 0, -2)


def gram_of(e: Evaluated) -> Array:
    """Return E[∇f ∇fᵀ], shape (3m + 1, 3m + 1, *batch)."""
    rows = jacobian_of(e)
    return _first(_symmetric((rows * e.points.weights[..., None, :]) @ np.swapaxes(rows, -1, -2)))


def hessian_of(e: Evaluated, loss: Loss) -> Array:
    """Return the Hessian but for what breakpoints add, with φ″ evaluated: (3m + 1, 3m + 1, *batch)."""
    m, rows = e.phi[0].shape[0], jacobian_of(e)
    bend = e.points.weights * loss.bend(e.f, e.points.target)
    whole = _first(_symmetric((rows * bend[..., None, :]) @ np.swapaxes(rows, -1, -2)))
    pull = e.points.weights * loss.slope(e.f, e.points.target)
    bent, turned = pull * e.phi[1], pull * (e.w2 * e.phi[2])
    j = np.arange(m)
    for row, column, part in (
        (j, j + 2 * m, bent * e.points.x),
        (j + m, j + 2 * m, bent),
        (j, j + m, turned * e.points.x),
    ):
        value = np.sum(part, axis=-1)
        whole[row, column] += value
        whole[column, row] += value
    whole[j, j] += np.sum(turned * e.points.x * e.points.x, axis=-1)
    whole[j + m, j + m] += np.sum(turned, axis=-1)
    return whole


def _symmetric(matrix: Array) -> Array:
    return 0.5 * (matrix + np.swapaxes(matrix, -1, -2))


def _first(matrix: Array) -> Array:
    return np.moveaxis(matrix, (-2, -1), (0, 1)).copy()
