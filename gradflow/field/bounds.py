"""Bounds on what rounding does to a loss, to signs and to Q: what a proof needs to know of its numbers.

All is in double precision, whatever the neurons are given in, and takes the floats that are given as exact.

The loss. The formulas round each pre-activation about once, and from there on it is a sum of squares of
residuals at nodes, with positive weights. So √L is the norm of a residual that differs nowhere from the true
one by more than a few roundings of the terms it consists of: √L is off by that, and by a few roundings of
itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, as_floating, is_array
from gradflow.base.checks import batch_shape
from gradflow.base.error_free import distilled, splitter, two_product
from gradflow.field import loss
from gradflow.field.baselines import Bounded, adaptable
from gradflow.neuron.activations import Activation, PiecewiseLinear
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, as_neuron

EPS = 2.0**-52
"""Twice the unit roundoff."""

_BATCH = "neurons, teacher and interval"

TINY = 1e-290
"""Far above where products lose digits to underflow, far below what matters."""


def require_fit(neuron: Neuron | Array, problem: Problem) -> None:
    """Raise a ValueError unless neurons and problems can be broadcast together."""
    given = (*as_neuron(neuron), *problem.teacher, problem.lo, problem.hi)
    batch_shape(_BATCH, [np.shape(value) for value in given])


def in_double(neuron: Neuron | Array, problem: Problem) -> tuple[Neuron, Problem]:
    """Return the neuron and the problem with arrays of float64: the same numbers, none of them rounded.

    Raises
    ------
    ValueError
        If neurons and problems cannot be broadcast together.
    """
    theta = as_neuron(neuron)
    inputs = problem.inputs
    more = (inputs.x,) if isinstance(inputs, Sample) else ()
    xp, arrays = as_floating((*theta, *problem.teacher, inputs.lo, inputs.hi, *more))
    # As `require_fit` does, of arrays that are there.
    batch_shape(_BATCH, [array.shape for array in arrays[:10]])
    if arrays[0].dtype == xp.float64:
        return theta, problem
    inside: Uniform | Sample
    if isinstance(inputs, Sample):
        weights, targets = (
            None if part is None else _double(part) for part in (inputs.weights, inputs.targets)
        )
        inside = Sample(_double(inputs.x), weights=weights, targets=targets)
    else:
        inside = Uniform(_double(inputs.lo), _double(inputs.hi))
    teacher = Neuron(*map(_double, problem.teacher))
    return Neuron(*map(_double, theta)), replace(problem, teacher=teacher, inputs=inside)


def as_given(
    neuron: Neuron | Array, problem: Problem, value: Array, *, upwards: bool = False, downwards: bool = False
) -> Array:
    """Return an array in the dtype of what was given, no less than it was, or no more."""
    sample = problem.inputs.x if isinstance(problem.inputs, Sample) else 0.0
    xp, (one, *_) = as_floating((*as_neuron(neuron), *problem.teacher, problem.lo, problem.hi, sample))
    if value.dtype == one.dtype:
        return value
    eps = float(xp.finfo(one.dtype).eps)
    return xp.astype(value * (1.0 + eps * (upwards - downwards)), one.dtype)


def _double(value: Any) -> Any:
    if isinstance(value, np.generic):
        return float(value)
    if not is_array(value):
        return value
    xp, (array,) = as_floating((value,))
    return xp.astype(array, xp.float64, copy=False)


def root_loss(neuron: Neuron | Array, problem: Problem = Problem()) -> Bounded:
    """Return √L of the population, for piecewise linear student and teacher, and a bound on its error.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The students.
    problem : Problem
        With `is_linear`; of a sample or a smooth neuron the error is an estimate.
    """
    neuron, problem = in_double(neuron, problem)
    size, second = _sizes(neuron, problem)
    xp, (value, size, second) = as_floating((loss(neuron, problem), size, second))
    root = xp.sqrt(value)
    # In units of EPS/2, of the size: 5 of the residual at a part's end, 10 of its fall to the other end, 1 of
    # their difference; 4 EPS/2 of the second one. Widths and squares are off by 6 of themselves, and may
    # underflow. Twice that is allowed.
    error = 16.0 * EPS * (size + root) + 16.0 * EPS * EPS * second + 1e-145
    return Bounded(root, error)


def _sizes(neuron: Neuron, problem: Problem) -> tuple[Array, Array]:
    """Return bounds on the terms of the residual, and on those of w2 z at the teacher's breakpoint."""
    z = end_preactivations(neuron, problem)
    y = end_preactivations(problem.teacher, problem)
    given = (*neuron, *problem.teacher, *z, *adaptable(*y), problem.lo, problem.hi)
    xp, arrays = as_floating(given)
    w1, b1, w2, b2, _, _, v2, c2, z_lo, z_hi, y_lo, y_hi, lo, hi = arrays
    steep, taught = _steepest(problem.activation), _steepest(problem.teacher_activation)
    out = steep * abs(w2) * xp.maximum(abs(z_lo), abs(z_hi))
    target = taught * abs(v2) * xp.maximum(abs(y_lo), abs(y_hi))
    reach = xp.maximum(abs(lo), abs(hi))
    targets = problem.inputs.targets if isinstance(problem.inputs, Sample) else None
    offset = abs(b2 - c2)
    if targets is not None:
        _, (given_targets,) = as_floating((targets,))
        target, offset = xp.max(abs(given_targets)) + 0.0 * target, abs(b2)
    return out + target + offset, steep * abs(w2) * (abs(w1) * reach + abs(b1))


def _steepest(activation: Activation) -> float:
    """Return a bound on |φ'|."""
    if isinstance(activation, PiecewiseLinear):
        return max(abs(activation.low), abs(activation.high))
    return 1.2


def has_exact_signs(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the signs of the pre-activations at both ends are exact: no product underflows unseen."""
    w1, b1, _, _ = as_neuron(neuron)
    _, (w1, b1, lo, hi) = as_floating((w1, b1, problem.lo, problem.hi))
    far, flat = abs(b1) > TINY, w1 == 0.0
    holds = flat | far | ((abs(w1 * lo) > TINY) & (abs(w1 * hi) > TINY))
    zero = (lo == 0.0) & (abs(w1 * hi) > TINY) | (hi == 0.0) & (abs(w1 * lo) > TINY)
    return holds | zero


def balance(neuron: Neuron | Array) -> Bounded:
    """Return Q = w1² + b1² − w2², whose sign is known where |Q| exceeds the error; 0 and 0 where Q is 0."""
    neuron, _ = in_double(neuron, Problem())
    xp, (w1, b1, w2) = as_floating(neuron[:3])
    split = splitter(w1.dtype)
    terms: list[Array] = []
    underflow = xp.zeros_like(w1 + b1 + w2)
    for value, sign in ((w1, 1.0), (b1, 1.0), (w2, -1.0)):
        product, error = two_product(value, value, split)
        terms += [sign * product, sign * error]
        lost = (value != 0.0) & (abs(product) < TINY)
        underflow = underflow + xp.where(lost, TINY + 0.0 * product, 0.0 * product)
    *rest, value = distilled(terms)
    error = underflow
    for term in rest:
        error = error + abs(term)
    return Bounded(value, (1.0 + 8.0 * EPS) * error)
