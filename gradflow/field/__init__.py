"""Loss, gradient and Hessian of arrays of neurons, for the population and for samples.

One interface for both: the problem's inputs decide. Neurons, teacher and interval broadcast against
each other; the result has the dtype and the namespace of the arrays given (NumPy float64 for plain
numbers). The gradient's and the Hessian's parameter axes come first, in the order (w1, b1, w2, b2).
"""

from __future__ import annotations

from types import ModuleType

from gradflow.backend import Array
from gradflow.field import population, sample
from gradflow.problem import Neuron, Problem, Sample, as_neuron

__all__ = ["gradient", "hessian", "loss", "loss_and_gradient"]


def _field(problem: Problem) -> ModuleType:
    return sample if isinstance(problem.inputs, Sample) else population


def loss(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return the loss E[(f − f*)²] (no factor ½).

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The students.
    problem : Problem
        Teacher, inputs and slopes.

    Returns
    -------
    array
        The broadcast shape of students, teacher and interval; never negative. For the population each
        linear piece of the residual contributes (width/3)(r_a² + r_a r_b + r_b²), proved in
        ``derivations/01_population_loss.py`` and, for this very code, ``derivations/06_numeric_field.py``.
    """
    return _field(problem).loss(as_neuron(neuron), problem)


def gradient(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return ∂L/∂(w1, b1, w2, b2), shape (4, …).

    Its error is at most 1e-13 of the integral of the absolute values of the integrand's terms
    (float64), however narrow the active part of the input. φ′(0) = s₋, so a neuron whose
    pre-activation is nowhere positive has the gradient of a dead one.

    See Also
    --------
    loss : parameters and shapes.
    """
    return _field(problem).gradient(as_neuron(neuron), problem)


def loss_and_gradient(neuron: Neuron | Array, problem: Problem = Problem()) -> tuple[Array, Array]:
    """Return `loss` and `gradient` for less than the price of both."""
    value, slope = _field(problem).loss_and_gradient(as_neuron(neuron), problem)
    return value, slope


def hessian(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return ∂²L/∂θ², shape (4, 4, …), symmetric.

    The population's Hessian jumps where the breakpoint crosses an end of the input
    (``derivations/04_continuity.py``); there the value is that of the dead or hyperactive side. For a
    sample it is the Hessian between the hypersurfaces where an input meets the breakpoint.

    See Also
    --------
    loss : parameters and shapes.
    """
    return _field(problem).hessian(as_neuron(neuron), problem)
