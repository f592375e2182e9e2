"""What a neuron without a kink on the input can do: the best constant and the best line.

Proved in ``derivations/07_reference_losses.py``. For the default problem the losses are 5/48 and 1/48.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from gradflow.activations import PiecewiseLinear, derivatives
from gradflow.backend import Array, as_floating
from gradflow.field import kernel
from gradflow.field.population import operations
from gradflow.field.quadrature import teacher_nodes
from gradflow.problem import Problem, Sample

Ends: TypeAlias = tuple[Array, Array]


class Moments(NamedTuple):
    """Moments of the input x and of the teacher's output f* (of the targets, if the sample has some)."""

    mean_x: Array
    variance_x: Array
    mean: Array
    covariance: Array


class Baseline(NamedTuple):
    """The line slope·x + intercept and its loss."""

    slope: Array
    intercept: Array
    loss: Array


def moments(problem: Problem = Problem()) -> Moments:
    """Return E x, Var x, E f* and Cov(x, f*), each with the shape of teacher and interval."""
    xp, widths, x, f = _pieces(problem)
    mean_x, mean = _integral(xp, widths, x), _integral(xp, widths, f)
    x = _centred(x, mean_x)
    variance_x = xp.sum(kernel.product(widths, x, x), axis=-1)
    covariance = xp.sum(kernel.product(widths, x, _centred(f, mean)), axis=-1)
    return Moments(mean_x, variance_x, mean, covariance)


def best_constant(problem: Problem = Problem()) -> Baseline:
    """Return the constant E f* and its loss Var f*."""
    mean = moments(problem).mean
    return Baseline(0.0 * mean, mean, _loss(problem, 0.0 * mean, mean))


def best_line(problem: Problem = Problem()) -> Baseline:
    """Return the regression line of f* on x and its loss; inputs that do not vary get the constant."""
    m = moments(problem)
    xp, (variance, covariance) = as_floating((m.variance_x, m.covariance))
    varies = variance > 0
    slope = xp.where(
        varies, covariance / xp.where(varies, variance, xp.ones_like(variance)), 0.0 * covariance
    )
    intercept = m.mean - slope * m.mean_x
    return Baseline(slope, intercept, _loss(problem, slope, intercept))


def adaptable(*values: Array) -> tuple[Any, ...]:
    """Return single values as Python numbers, which adapt to any library and dtype; arrays as they are."""
    return tuple(float(value) if np.ndim(value) == 0 else value for value in values)


def _loss(problem: Problem, slope: Array, intercept: Array) -> Array:
    xp, widths, x, f = _pieces(problem)
    line = [slope[..., None] * end + intercept[..., None] for end in x]
    residual = (f[0] - line[0], f[1] - line[1])
    return xp.sum(kernel.product(widths, residual, residual), axis=-1)


def _integral(xp: Any, widths: Array, f: Ends) -> Array:
    return xp.sum(widths * (f[0] + f[1]), axis=-1) / 2.0


def _centred(f: Ends, mean: Array) -> Ends:
    return f[0] - mean[..., None], f[1] - mean[..., None]


def _pieces(problem: Problem) -> tuple[Any, Array, Ends, Ends]:
    """Return the namespace, and the widths, inputs and outputs of the teacher's linear pieces.

    The pieces are the last axis. The points of a sample, and the nodes of a smooth teacher, are pieces
    whose two ends coincide.
    """
    inputs = problem.inputs
    xp, arrays = as_floating((*problem.teacher, inputs.lo, inputs.hi))
    ops = operations(xp, arrays[0])
    teacher, lo, hi = tuple(arrays[:4]), arrays[4], arrays[5]
    if isinstance(inputs, Sample):
        x = xp.asarray(inputs.x, dtype=lo.dtype)
        weights = xp.ones_like(x) / x.shape[0] if inputs.weights is None else inputs.weights
        if inputs.targets is not None:
            f = xp.asarray(inputs.targets, dtype=lo.dtype)
            return xp, weights, (x, x), (f, f)
        w1, b1, w2, b2 = (parameter[..., None] for parameter in teacher)
        f = w2 * derivatives(problem.teacher_activation, w1 * x + b1, 0)[0] + b2
        return xp, weights, (x, x), (f, f)
    if not isinstance(problem.teacher_activation, PiecewiseLinear):
        weights, x, f = teacher_nodes(problem, lo)
        return xp, weights, (x, x), (f, f)
    aim = kernel.target(ops, teacher, lo, hi, problem.teacher_slopes)
    nodes = xp.stack(xp.broadcast_arrays(*aim.x, *(y + teacher[3] for y in aim.y)), axis=-1)
    x, f = nodes[..., :3], nodes[..., 3:]
    widths = xp.stack(xp.broadcast_arrays(*aim.widths), axis=-1)
    return xp, widths, (x[..., :-1], x[..., 1:]), (f[..., :-1], f[..., 1:])
