"""Loss, gradient and Hessian of arrays of neurons, for the population and for samples.

One interface for both: the problem's inputs decide. Neurons, teacher and interval broadcast against
each other; the result has the dtype and the namespace of the arrays given (NumPy float64 for plain
numbers). The gradient's and the Hessian's parameter axes come first, in the order (w1, b1, w2, b2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import NamedTuple

from gradflow.base.arrays import Array, as_floating, beyond_range
from gradflow.base.checks import batch_shape
from gradflow.field import population, quadrature, sample, sorted_sample
from gradflow.field.sorted_sample import SORTED_FROM
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.problem import Neuron, Problem, Sample, as_neuron, as_problem

__all__ = ["SORTED_FROM", "Evaluator", "evaluator", "gradient", "hessian", "loss", "loss_and_gradient"]


class Evaluator(NamedTuple):
    """A problem's field for neurons of one namespace, dtype and device, given as arrays of shape (4, …)."""

    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    loss_and_gradient: Callable[[Array], tuple[Array, Array]]
    hessian: Callable[[Array], Array]


def evaluator(problem: Problem, like: Array, *, sorted_from: int = SORTED_FROM) -> Evaluator:
    """Return the field with the teacher's side computed once, for many calls on neurons like `like`.

    The functions return the same bits as those of the module, and check nothing. A sample of at least
    `sorted_from` inputs is sorted and added up here, once; the price of a call then does not grow with
    the number of inputs. Both ways agree to rounding.
    """
    inputs = problem.inputs
    field: ModuleType = population if problem.is_linear else quadrature
    if isinstance(inputs, Sample):
        # Only between breakpoints are the sums over inputs polynomials in the parameters.
        is_sorted = isinstance(problem.activation, PiecewiseLinear) and inputs.x.shape[0] >= sorted_from
        field = sorted_sample if is_sorted else sample
    bound = field.bind(problem, like)
    return Evaluator(
        partial(field.loss, bound),
        partial(field.gradient, bound),
        partial(field.loss_and_gradient, bound),
        partial(field.hessian, bound),
    )


def _evaluator(neuron: Neuron | Array, problem: Problem) -> tuple[Evaluator, Neuron]:
    """Return the evaluator for a neuron of any form, and the neuron's arrays in the common dtype."""
    problem = as_problem(problem)
    teacher, inputs = problem.teacher, problem.inputs
    given = (*as_neuron(neuron), *teacher)
    plain = all(type(value) in (int, float) for value in given)
    # A sample takes on the neurons' library and dtype; where there are plain numbers only, it decides.
    others = (inputs.lo, inputs.hi) if not isinstance(inputs, Sample) else (inputs.x,) if plain else ()
    _, arrays = as_floating((*given, *others))
    batched = arrays[:8] if isinstance(inputs, Sample) else arrays
    batch_shape("neurons, teacher and interval", [a.shape for a in batched])
    return evaluator(problem, arrays[0]), Neuron(*arrays[:4])


def loss(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return the loss E[(f − f*)²] (no factor ½).

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The students.
    problem : Problem
        Teacher, inputs and activations.

    Returns
    -------
    array
        The broadcast shape of students, teacher and interval; never negative. For the population each
        linear piece of the residual contributes (width/3)(r_a² + r_a r_b + r_b²), proved in
        ``derivations/01_population_loss.py`` and, for this very code, ``derivations/06_numeric_field.py``.
    """
    field, theta = _evaluator(neuron, problem)
    with beyond_range():
        return field.loss(theta)


def gradient(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return ∂L/∂(w1, b1, w2, b2), shape (4, …).

    Its error is at most 1e-13 of the integral of the absolute values of the integrand's terms
    (float64), however narrow the active part of the input. φ′(0) = s₋, so a neuron whose
    pre-activation is nowhere positive has the gradient of a dead one.

    See Also
    --------
    loss : parameters and shapes.
    """
    field, theta = _evaluator(neuron, problem)
    with beyond_range():
        return field.gradient(theta)


def loss_and_gradient(neuron: Neuron | Array, problem: Problem = Problem()) -> tuple[Array, Array]:
    """Return `loss` and `gradient` for less than the price of both."""
    field, theta = _evaluator(neuron, problem)
    with beyond_range():
        return field.loss_and_gradient(theta)


def hessian(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return ∂²L/∂θ², shape (4, 4, …), symmetric.

    The population's Hessian jumps where the breakpoint crosses an end of the input
    (``derivations/04_continuity.py``); there the value is that of the dead or hyperactive side. For a
    sample it is the Hessian between the hypersurfaces where an input meets the breakpoint.

    See Also
    --------
    loss : parameters and shapes.
    """
    field, theta = _evaluator(neuron, problem)
    with beyond_range():
        return field.hessian(theta)
