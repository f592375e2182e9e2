"""Sample loss, gradient and Hessian: means over N given inputs, summed directly."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.backend import Array, as_floating
from gradflow.field.population import operations
from gradflow.problem import Neuron, Problem, Sample


class Evaluated(NamedTuple):
    """Every neuron at every input; the inputs are the last axis."""

    xp: Any
    x: Array
    weights: Array | float
    slope: Array
    activation: Array
    residual: Array
    w2: Array


def evaluate(neuron: Neuron, problem: Problem) -> Evaluated:
    """Evaluate student and teacher on the sample."""
    inputs = problem.inputs
    if not isinstance(inputs, Sample):
        raise TypeError(f"expected a sample of inputs, got {inputs!r}")
    count = inputs.x.shape[0]
    xp, arrays = as_floating((*neuron, *problem.teacher))
    ops = operations(xp, arrays[0])
    x = xp.asarray(inputs.x, dtype=arrays[0].dtype)
    weights = 1.0 / count if inputs.weights is None else xp.asarray(inputs.weights, dtype=arrays[0].dtype)
    w1, b1, w2, b2, wt1, bt1, wt2, bt2 = (a[..., None] for a in arrays)
    s_minus, s_plus = problem.slopes
    z = w1 * x + b1
    y = wt1 * x + bt1
    slope = ops.where(z > 0, s_plus, s_minus)
    activation = slope * z
    aim = wt2 * (ops.where(y > 0, s_plus, s_minus) * y) + bt2
    return Evaluated(xp, x, weights, slope, activation, w2 * activation + b2 - aim, w2)


def loss(neuron: Neuron, problem: Problem) -> Array:
    """Return the weighted mean of (f − f*)² for every neuron."""
    e = evaluate(neuron, problem)
    return e.xp.sum(e.weights * (e.residual * e.residual), axis=-1)


def gradient(neuron: Neuron, problem: Problem) -> Array:
    """Return the gradient, shape (4, …), with φ′(0) = s₋."""
    return _gradient(evaluate(neuron, problem))


def loss_and_gradient(neuron: Neuron, problem: Problem) -> tuple[Array, Array]:
    """Return both, evaluating the neurons once."""
    e = evaluate(neuron, problem)
    return e.xp.sum(e.weights * (e.residual * e.residual), axis=-1), _gradient(e)


def _gradient(e: Evaluated) -> Array:
    weighted = 2.0 * (e.weights * e.residual)
    through = weighted * (e.w2 * e.slope)
    parts = (through * e.x, through, weighted * e.activation, weighted)
    return e.xp.stack([e.xp.sum(part, axis=-1) for part in e.xp.broadcast_arrays(*parts)])


def hessian(neuron: Neuron, problem: Problem) -> Array:
    """Return the Hessian, shape (4, 4, …), where it exists: no input lies exactly at the breakpoint."""
    e = evaluate(neuron, problem)
    xp = e.xp
    one = xp.ones_like(e.residual)
    through = e.w2 * e.slope * one
    jacobian = (through * e.x, through, e.activation * one, one)
    rows = [[xp.sum(2.0 * (e.weights * (a * b)), axis=-1) for b in jacobian] for a in jacobian]
    bent = 2.0 * (e.weights * e.residual) * e.slope
    for i, factor in ((0, bent * e.x), (1, bent)):
        rows[i][2] = rows[i][2] + xp.sum(factor, axis=-1)
        rows[2][i] = rows[i][2]
    return xp.reshape(xp.stack([entry for row in rows for entry in row]), (4, 4, *rows[0][0].shape))
