"""Sample loss, gradient and Hessian: means over N given inputs, summed directly.

For many inputs `gradflow.field.sorted_sample` gives the same means for a price that does not grow with N.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.backend import Array, as_floating, device
from gradflow.field import kernel
from gradflow.field.kernel import Operations
from gradflow.field.population import operations, parameters
from gradflow.problem import Neuron, Problem, Sample


class Bound(NamedTuple):
    """A sample and the targets on it, for neurons of one namespace, dtype and device."""

    xp: Any
    ops: Operations
    x: Array
    weights: Array | float
    target: Array
    slopes: tuple[float, float]


class Evaluated(NamedTuple):
    """Every neuron at every input; the inputs are the last axis."""

    slope: Array
    activation: Array
    residual: Array
    w2: Array


def bind(problem: Problem, like: Array) -> Bound:
    """Prepare a problem for neurons like `like`, which evaluates the teacher once for many calls."""
    inputs = problem.inputs
    if not isinstance(inputs, Sample):
        raise TypeError(f"expected a sample of inputs, got {inputs!r}")
    xp, arrays = as_floating((like, *problem.teacher))
    ops, dtype, place = operations(xp, arrays[0]), arrays[0].dtype, device(arrays[0])
    x = xp.asarray(inputs.x, dtype=dtype, device=place)
    weights = 1.0 / x.shape[0]
    if inputs.weights is not None:
        weights = xp.asarray(inputs.weights, dtype=dtype, device=place)
    if inputs.targets is not None:
        target = xp.asarray(inputs.targets, dtype=dtype, device=place)
    else:
        w1, b1, w2, b2 = (parameter[..., None] for parameter in arrays[1:])
        y = w1 * x + b1
        target = w2 * (kernel.slope(ops, y > 0, problem.slopes) * y) + b2
    return Bound(xp, ops, x, weights, target, problem.slopes)


def evaluate(bound: Bound, theta: Neuron) -> Evaluated:
    """Evaluate the students on the sample."""
    w1, b1, w2, b2 = (parameter[..., None] for parameter in parameters(theta))
    z = w1 * bound.x + b1
    slope = kernel.slope(bound.ops, z > 0, bound.slopes)
    activation = slope * z
    return Evaluated(slope, activation, w2 * activation + b2 - bound.target, w2)


def loss(bound: Bound, theta: Neuron) -> Array:
    """Return the weighted mean of (f − f*)² for every neuron."""
    return _loss(bound, evaluate(bound, theta))


def gradient(bound: Bound, theta: Neuron) -> Array:
    """Return the gradient, shape (4, …), with φ′(0) = s₋."""
    return _gradient(bound, evaluate(bound, theta))


def loss_and_gradient(bound: Bound, theta: Neuron) -> tuple[Array, Array]:
    """Return both, evaluating the neurons once."""
    e = evaluate(bound, theta)
    return _loss(bound, e), _gradient(bound, e)


def _loss(bound: Bound, e: Evaluated) -> Array:
    return bound.xp.sum(bound.weights * (e.residual * e.residual), axis=-1)


def _gradient(bound: Bound, e: Evaluated) -> Array:
    xp = bound.xp
    weighted = 2.0 * (bound.weights * e.residual)
    through = weighted * (e.w2 * e.slope)
    parts = (through * bound.x, through, weighted * e.activation, weighted)
    return xp.stack(xp.broadcast_arrays(*(xp.sum(part, axis=-1) for part in parts)))


def hessian(bound: Bound, theta: Neuron) -> Array:
    """Return the Hessian, shape (4, 4, …), where it exists: no input lies exactly at the breakpoint."""
    xp, e = bound.xp, evaluate(bound, theta)
    one = xp.ones_like(e.residual)
    through = e.w2 * e.slope * one
    jacobian = (through * bound.x, through, e.activation * one, one)
    rows = [[xp.sum(2.0 * (bound.weights * (a * b)), axis=-1) for b in jacobian] for a in jacobian]
    bent = 2.0 * (bound.weights * e.residual) * e.slope
    for i, factor in ((0, bent * bound.x), (1, bent)):
        rows[i][2] = rows[i][2] + xp.sum(factor, axis=-1)
        rows[2][i] = rows[i][2]
    return xp.reshape(xp.stack([entry for row in rows for entry in row]), (4, 4, *rows[0][0].shape))
