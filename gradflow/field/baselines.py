"""Losses of a neuron without a breakpoint on the input: the best constant and the best line.

Proved in ``derivations/07_reference_losses.py``. For the default problem the losses are 5/48 and 1/48.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, to_numpy
from gradflow.base.error_free import affine, splitter, two_product
from gradflow.field import formulas
from gradflow.field.population import operations
from gradflow.field.quadrature import teacher_nodes
from gradflow.neuron.activations import PiecewiseLinear, derivatives
from gradflow.neuron.problem import Problem, Sample, as_problem

QUADRATURE = 1e-12
"""By how much integrals over a smooth teacher may be wrong, relative to its size; taken, not proved."""


class Bounded(NamedTuple):
    """A number and how far the exact one may be from it, the floats it is computed from taken as exact."""

    value: Array
    error: Array


class Lines(NamedTuple):
    """The lines of a problem, each with the shape of teacher and interval.

    E x, Var x, E f*, the slope of the best line, its loss and Var f*; and whether the best line, or the best
    constant, is exact: then f* is a line on the input. For a population and a piecewise linear teacher that
    is known, otherwise it is so where the loss is not above its error.
    """

    mean_x: Bounded
    variance_x: Bounded
    mean: Bounded
    slope: Bounded
    line_loss: Bounded
    constant_loss: Bounded
    straight: Array
    flat: Array


class DataMoments(NamedTuple):
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


def moments(problem: Problem = Problem()) -> DataMoments:
    """Return E x, Var x, E f* and Cov(x, f*), each with the shape of teacher and interval."""
    of = lines(problem)
    covariance = of.slope.value * of.variance_x.value
    return DataMoments(of.mean_x.value, of.variance_x.value, of.mean.value, covariance)


def best_constant(problem: Problem = Problem()) -> Baseline:
    """Return the constant E f* and its loss Var f*."""
    of = lines(problem)
    return Baseline(0.0 * of.mean.value, of.mean.value, of.constant_loss.value)


def best_line(problem: Problem = Problem()) -> Baseline:
    """Return the regression line of f* on x and its loss; inputs that do not vary get the constant."""
    of = lines(problem)
    intercept = of.mean.value - of.slope.value * of.mean_x.value
    return Baseline(of.slope.value, intercept, of.line_loss.value)


def adaptable(*values: Array) -> tuple[Any, ...]:
    """Return single values as Python numbers, which adapt to any library and dtype; arrays as they are."""
    return tuple(float(value) if np.ndim(value) == 0 else value for value in values)


@np.errstate(over="ignore", invalid="ignore")
def lines(problem: Problem = Problem()) -> Lines:
    """Return moments, the best line and both losses, with bounds on their errors.

    For a population and a piecewise linear teacher by the closed forms of derivation 7: however close the
    teacher's breakpoint is to an end of the input, no loss is a difference of large numbers.
    """
    problem = as_problem(problem)
    if isinstance(problem.inputs, Sample) or not isinstance(problem.teacher_activation, PiecewiseLinear):
        return _summed(problem)
    return _closed(problem)


def _closed(problem: Problem) -> Lines:
    xp, arrays = as_floating((*problem.teacher, problem.lo, problem.hi))
    w1, b1, w2, b2, lo, hi = arrays
    ops, eps = operations(xp, w1), float(xp.finfo(w1.dtype).eps)
    aim = formulas.target(ops, (w1, b1, w2, b2), lo, hi, problem.teacher_slopes)
    left, right = aim.widths
    least = float(xp.finfo(w1.dtype).smallest_normal)
    none = xp.zeros_like(left + w2 + b2)
    rises = w1 > 0.0
    bent = aim.has_breakpoint
    low, high = problem.teacher_slopes
    # Slopes of f*/(w1 w2) on the left and on the right piece; without a breakpoint the right one is all.
    ends = (affine(w1, end, b1, ops.splitter) for end in (lo, hi))
    on_lo, on_hi = (end > 0.0 for end in ends)
    alone = xp.where(on_lo | on_hi, high + none, low + none)
    on_left = xp.where(bent, xp.where(rises, low + none, high + none), alone)
    on_right = xp.where(bent, xp.where(rises, high + none, low + none), alone)
    k, length = w1 * w2, hi - lo

    mean_x, variance = _middle(xp, lo, hi), length * length / 12.0 + none
    parts = 0.5 * left * (aim.y[0] + aim.y[1]), 0.5 * right * (aim.y[1] + aim.y[2])
    sizes = left * (abs(aim.y[0]) + abs(aim.y[1])), right * (abs(aim.y[1]) + abs(aim.y[2]))
    mean = parts[0] + parts[1] + b2
    first, second = (k * s * _weight(v) for s, v in ((on_left, left), (on_right, right)))
    slope = first + second
    steepest = abs(first) + abs(second)

    inside = bent & (left > 0.0) & (right > 0.0)
    jump = abs(on_right - on_left) * abs(k) * length * (left * right)
    line = xp.where(inside, jump * jump * (left * right) / 3.0, none)
    constant = line + slope * slope * variance
    tiny = least / eps
    # Next to underflow nothing is known of the loss.
    known = ~inside | ((left * right > least**0.25) & (line > tiny))
    line_error = xp.where(known, 32.0 * eps * line, line + tiny)
    # Products of more extreme numbers over- and underflow: then nothing is known.
    most = float(xp.finfo(w1.dtype).max) ** (1.0 / 3.0)
    moderate = length > 1.0 / most
    for value in (w1, w2):
        moderate = moderate & ((value == 0.0) | ((abs(value) < most) & (abs(value) > 1.0 / most)))
    moderate = moderate & (abs(b1) < most) & (abs(b2) < most) & (abs(lo) < most) & (abs(hi) < most)
    unknown = xp.where(moderate, none, xp.inf + none)
    steep = abs(k) * (abs(on_left) + abs(on_right))
    outputs = (w1 == 0.0) | (w2 == 0.0)
    straight = (~inside | outputs | (low == high)) & moderate
    flat = straight & (outputs | (xp.where(right > 0.0, on_right, on_left) == 0.0))
    return Lines(
        Bounded(mean_x.value + none, mean_x.error + none),
        Bounded(variance, 4.0 * eps * variance + tiny),
        Bounded(mean, 8.0 * eps * (sizes[0] + sizes[1]) + eps * (abs(b2) + abs(mean)) + tiny + unknown),
        Bounded(slope, 16.0 * eps * steepest + (1.0 + steep) * tiny + unknown),
        Bounded(line, line_error + unknown),
        Bounded(constant, unknown + line_error + 48.0 * eps * steepest * steepest * variance + tiny),
        straight,
        flat,
    )


def _middle(xp: Any, lo: Array, hi: Array) -> Bounded:
    """Return the middle of an interval; only where its ends cancel is it exactly 0."""
    both = lo + hi
    value, least = 0.5 * both, xp.finfo(both.dtype)
    # A sum of floats does not underflow, its half may.
    lost = (both != 0.0) & (abs(value) < float(least.smallest_normal))
    smallest = float(least.smallest_normal) * float(least.eps)
    return Bounded(value, xp.where(lost, smallest + 0.0 * value, float(least.eps) * abs(value)))


def _weight(share: Array) -> Array:
    """Return what a slope on a share v of the input, up to an end, gives to the best line's: 3 v² − 2 v³."""
    return share * share * (3.0 - 2.0 * share)


def _summed(problem: Problem) -> Lines:
    """Return the lines by sums over a sample's inputs, or over the nodes of a smooth teacher."""
    xp, weights, x, f, size, f_error = _nodes(problem)
    eps = float(xp.finfo(x.dtype).eps)
    rounding = (2.0 * x.shape[-1] + 16.0) * eps
    none = xp.sum(0.0 * f, axis=-1)
    if isinstance(problem.inputs, Sample):
        middle = _mean_of(problem.inputs)
        mean_x, of_mean_x = middle.value + none, middle.error + 4.0 * eps * abs(middle.value + none)
    else:
        _, (lo, hi) = as_floating((problem.lo, problem.hi))
        middle = _middle(xp, lo, hi)
        mean_x, of_mean_x = middle.value + none, middle.error + none
        rounding, f_error = rounding + QUADRATURE, f_error + QUADRATURE * size
    mean = xp.sum(weights * f, axis=-1)
    centred = x - mean_x[..., None]
    variance = xp.sum(weights * centred * centred, axis=-1) + none
    covariance = xp.sum(weights * centred * (f - mean[..., None]), axis=-1)
    varies, one = variance > 0.0, xp.ones_like(variance)
    slope = xp.where(varies, covariance / xp.where(varies, variance, one), 0.0 * covariance)
    intercept = mean - slope * mean_x

    def loss(a: Array, c: Array) -> Array:
        residual = f - (a[..., None] * x + c[..., None])
        return xp.sum(weights * residual * residual, axis=-1)

    line, constant = loss(slope, intercept), loss(0.0 * mean, mean)
    of_mean = rounding * size + f_error
    of_variance = rounding * variance + of_mean_x * of_mean_x
    of_covariance = (2.0 * rounding * size + f_error) * xp.sqrt(variance) + of_mean_x * of_mean
    rest = variance - of_variance
    sure = rest > 0.0
    of_slope = xp.where(
        sure, (of_covariance + abs(slope) * of_variance) / xp.where(sure, rest, one), xp.inf * one
    )
    of_slope = xp.where(varies, of_slope, 0.0 * one)
    reach = xp.max(abs(x), axis=-1)
    losses = []
    for value, of_line in ((line, abs(slope) * reach + abs(intercept)), (constant, size)):
        of_root = rounding * (size + of_line) + f_error
        losses.append(Bounded(value, rounding * value + 2.0 * xp.sqrt(value) * of_root + of_root * of_root))
    return Lines(
        Bounded(mean_x, of_mean_x),
        Bounded(variance, of_variance),
        Bounded(mean, of_mean),
        Bounded(slope, of_slope),
        *losses,
        *(loss.value <= loss.error for loss in losses),
    )


def _nodes(problem: Problem) -> tuple[Any, Array, Array, Array, Array, Array]:
    """Return the namespace, the nodes' weights, inputs and outputs f*, a bound on |f*|, and their error."""
    inputs = problem.inputs
    xp, arrays = as_floating((*problem.teacher, inputs.lo, inputs.hi))
    w1, b1, w2, b2, lo, hi = arrays
    # φ(z) of every activation is at most |z| times its steepest slope, plus 1.
    activation = problem.teacher_activation
    steepest = 1.2
    if isinstance(activation, PiecewiseLinear):
        steepest = max(abs(activation.low), abs(activation.high))
    reach = xp.where(abs(lo) > abs(hi), abs(lo), abs(hi))
    size = abs(w2) * (steepest * (abs(w1) * reach + abs(b1)) + 1.0) + abs(b2)
    error = 8.0 * float(xp.finfo(size.dtype).eps) * size
    if not isinstance(inputs, Sample):
        return xp, *teacher_nodes(problem, lo), size, error
    x = xp.asarray(inputs.x, dtype=lo.dtype)
    weights = xp.ones_like(x) / x.shape[0] if inputs.weights is None else inputs.weights
    if inputs.targets is None:
        f = w2[..., None] * derivatives(activation, w1[..., None] * x + b1[..., None], 0)[0] + b2[..., None]
        return xp, weights, x, f, size, error
    f = xp.asarray(inputs.targets, dtype=lo.dtype)
    return xp, weights, x, f, xp.max(abs(f)), 0.0 * size


def _mean_of(sample: Sample) -> Bounded:
    """Return the mean input rounded about once: its sign decides whether a theorem applies.

    The error is what underflow may take away; that of rounding is not in it.
    """
    x = to_numpy(sample.x).astype(np.float64)
    weights: Any = None
    smallest, faint = float(np.finfo(np.float64).smallest_subnormal), 0
    if sample.weights is None:
        terms, total = x, float(x.shape[0])
    else:
        weights = to_numpy(sample.weights).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            terms = np.concatenate(two_product(weights, x, splitter(x.dtype)))
        total = math.fsum(weights)
        # Next to underflow a product and what it leaves are off by the smallest number, or a few.
        faint = int(np.sum((weights != 0.0) & (x != 0.0) & (np.abs(terms[: x.shape[0]]) < 1e-290)))
    try:
        whole = math.fsum(terms)
    except (OverflowError, ValueError):
        return Bounded(float(np.mean(x)) if weights is None else float(np.sum(weights * x)), 0.0)
    value = whole / total
    lost = whole != 0.0 and abs(value) < np.finfo(np.float64).smallest_normal
    return Bounded(value, (4.0 * faint / total + lost) * smallest)
