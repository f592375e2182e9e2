"""A gated neuron: f(x) = φ(w1 x + b1) (v x + c) + b2.

With v = 0 it is the plain neuron of output weight c. For homogeneous φ the flow conserves
w1² + b1² − v² − c² (``derivations/21_other_parametrisations.py``). On the population its integrals are those
of `gradflow.field.quadrature`, exact between breakpoints if φ is piecewise linear.
"""

from __future__ import annotations

from typing import Any

from gradflow.base.arrays import Array, namespace
from gradflow.field import means, quadrature, sample
from gradflow.field.kinds.kind import Evaluator, Kind, first_two, of_values
from gradflow.neuron.activations import derivatives
from gradflow.neuron.problem import Problem, Sample


def _start(theta: Array, problem: Problem) -> Array:
    xp = namespace(theta)
    w1, b1, w2, b2 = (theta[i, ...] for i in range(4))
    return xp.stack((w1, b1, xp.zeros_like(w2), w2, b2))


def _gradient(xp: Any, e: means.Evaluated) -> tuple[Array, ...]:
    w1, b1, c, b2 = means.gradient(xp, e)
    v = xp.sum(2.0 * (e.inputs.weights * e.residual) * e.phi[0] * e.inputs.x, axis=-1)
    return w1, b1, v, c, b2


def _evaluator(problem: Problem, like: Array) -> Evaluator:
    xp = namespace(like)

    def both(xp: Any, e: means.Evaluated) -> tuple[Array, ...]:
        return (means.loss(xp, e), *_gradient(xp, e))

    if isinstance(problem.inputs, Sample):
        bound = sample.bind(problem, like)

        def values(psi: Array) -> Array:
            w1, b1, v, c, b2 = (psi[i, ..., None] for i in range(5))
            inputs = bound.inputs
            phi = derivatives(problem.activation, w1 * inputs.x + b1, 1)
            evaluated = means.evaluate(inputs, c + v * inputs.x, b2, phi)
            return xp.stack(xp.broadcast_arrays(*both(xp, evaluated)))

    else:
        population = quadrature.bind(problem, like)

        def values(psi: Array) -> Array:
            if psi[0, ...].size == 0:
                # No neurons have no nodes to share out among panels.
                return xp.zeros_like(xp.concat((psi[:1, ...], psi)))
            w1, b1, v, c, b2 = (psi[i, ...] for i in range(5))
            return quadrature.each(population, xp.stack((w1, b1, c, b2, v)), both)

    return of_values(values)


GATED = Kind("gated", ("w1", "b1", "v", "c", "b2"), _start, _evaluator, first_two)
"""f(x) = φ(w1 x + b1) (v x + c) + b2; starts with v = 0, c = w2."""
