"""Sample loss, gradient and Hessian: means over N given inputs, summed directly.

For many inputs and a piecewise linear student `gradflow.field.sorted_sample` gives the same means for a
price that does not grow with N.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array, as_floating, device
from gradflow.field import means
from gradflow.field.population import parameters
from gradflow.neuron.activations import Activation, derivatives
from gradflow.neuron.problem import Neuron, Problem, Sample


class Bound(NamedTuple):
    """A sample and the targets on it, for neurons of one namespace, dtype and device."""

    xp: Any
    inputs: means.Inputs
    activation: Activation


def sample_of(problem: Problem) -> Sample:
    """Return a problem's inputs, which are a sample."""
    if not isinstance(problem.inputs, Sample):
        raise TypeError(f"expected a sample of inputs, got {problem.inputs!r}")
    return problem.inputs


def bind(problem: Problem, like: Array) -> Bound:
    """Prepare a problem for neurons like `like`, which evaluates the teacher once for many calls."""
    inputs = sample_of(problem)
    xp, arrays = as_floating((like, *problem.teacher))
    dtype, place = arrays[0].dtype, device(arrays[0])
    x = xp.asarray(inputs.x, dtype=dtype, device=place)
    weights = 1.0 / x.shape[0]
    if inputs.weights is not None:
        weights = xp.asarray(inputs.weights, dtype=dtype, device=place)
    if inputs.targets is not None:
        target = xp.asarray(inputs.targets, dtype=dtype, device=place)
    else:
        w1, b1, w2, b2 = (parameter[..., None] for parameter in arrays[1:])
        target = w2 * derivatives(problem.teacher_activation, w1 * x + b1, 0)[0] + b2
    return Bound(xp, means.Inputs(x, weights, target), problem.activation)


def evaluate(bound: Bound, theta: Neuron | Array, order: int = 1) -> means.Evaluated:
    """Evaluate the students on the sample, with derivatives of φ up to `order`."""
    w1, b1, w2, b2 = (parameter[..., None] for parameter in parameters(theta))
    phi = derivatives(bound.activation, w1 * bound.inputs.x + b1, order)
    return means.evaluate(bound.inputs, w2, b2, phi)


def loss(bound: Bound, theta: Neuron) -> Array:
    """Return the weighted mean of (f − f*)² for every neuron."""
    return means.loss(bound.xp, evaluate(bound, theta))


def gradient(bound: Bound, theta: Neuron) -> Array:
    """Return the gradient, shape (4, …), with φ′(0) = s₋."""
    return _gradient(bound, evaluate(bound, theta))


def loss_and_gradient(bound: Bound, theta: Neuron) -> tuple[Array, Array]:
    """Return both, evaluating the neurons once."""
    e = evaluate(bound, theta)
    return means.loss(bound.xp, e), _gradient(bound, e)


def _gradient(bound: Bound, e: means.Evaluated) -> Array:
    return bound.xp.stack(bound.xp.broadcast_arrays(*means.gradient(bound.xp, e)))


def hessian(bound: Bound, theta: Neuron) -> Array:
    """Return the Hessian, shape (4, 4, …), where it exists: no input lies exactly at a breakpoint."""
    xp = bound.xp
    entries = xp.stack(xp.broadcast_arrays(*means.hessian(xp, evaluate(bound, theta, 2))))
    return xp.reshape(entries, (4, 4, *entries.shape[1:]))
