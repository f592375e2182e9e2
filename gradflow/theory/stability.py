"""At which rates a minimum is linearly stable, and which global minima a rate can stay at.

``derivations/16_linear_stability.py`` proves it. At a minimum with Hessian H gradient descent is linearly
stable for η < 2/λ_max(H), and Adam with its preconditioner frozen for η < (2 + 2 β1)/((1 − β1) λ_max(P⁻¹ H)).
Eigenvalues and what follows from them are computed to rounding: at the very ends of an interval that decides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.base.checks import batch_shape, number
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE, bias_correction
from gradflow.field import formulas, hessian
from gradflow.field.population import operations
from gradflow.neuron.activations import RELU
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_problem

# Golden sections that leave 1e-9 of a bracket, and bisections that leave the last bit.
_SECTIONS, _BISECTIONS = 50, 70
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


class Flattest(NamedTuple):
    """The flattest global minimum: |w1| there, and its sharpness; NaN where there is no family of minima."""

    w1: Array
    sharpness: Array


class Interval(NamedTuple):
    """An interval of |w1|, ends included; both ends NaN where it is empty."""

    least: Array
    largest: Array


def sharpness(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return the largest eigenvalue of the loss's Hessian.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The neurons, anywhere; stability is about minima.
    problem : Problem
        Teacher, inputs and activations.

    Returns
    -------
    array
        λ_max; at least 2, the second derivative for b2.
    """
    return eigenvalue(hessian(neuron, problem))


def largest_stable_rate(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return 2/λ_max, the rate above which gradient descent leaves a minimum; at most 1."""
    return 2.0 / sharpness(neuron, problem)


@np.errstate(over="ignore", invalid="ignore")
def adam_limit(beta1: ArrayLike, lr: ArrayLike) -> Array:
    """Return (2 + 2 β1)/((1 − β1) η), the largest stable eigenvalue of P⁻¹ H under Adam's momentum.

    For momentum that averages, m ← β1 m + (1 − β1) g, and a constant P; 38/η at β1 = 0.9. For the heavy ball
    in torch's form, m ← μ m + g, the limit is (2 + 2 μ)/η.

    Parameters
    ----------
    beta1 : number or array
        In [0, 1).
    lr : number or array
        η ≥ 0; the limit is ∞ at 0.

    Raises
    ------
    ValueError
        If β1 or η is not allowed, or their shapes do not fit.
    """
    FRACTION.check("beta1", beta1)
    NON_NEGATIVE.check("lr", lr)
    xp, (beta1, lr) = as_floating((beta1, lr))
    batch_shape("beta1 and lr", [beta1.shape, lr.shape])
    moves = lr > 0.0
    limit = (2.0 + 2.0 * beta1) / ((1.0 - beta1) * xp.where(moves, lr, xp.ones_like(lr)))
    return xp.where(moves, limit, xp.inf * xp.ones_like(limit))


def preconditioned_sharpness(
    neuron: Neuron | Array,
    problem: Problem,
    second: Array,
    step: ArrayLike,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Array:
    """Return the largest eigenvalue of D^(−1/2) H D^(−1/2), D = diag(√(v/(1 − β2^k)) + ε): that of P⁻¹ H.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The neurons.
    problem : Problem
        Teacher, inputs and activations.
    second : array, shape (4, …)
        v ≥ 0, Adam's second moment (`Moments.second`).
    step : number or array, shape (…)
        k ≥ 1, the number of updates (`Moments.step`).
    beta2, eps : number
        Adam's.

    Returns
    -------
    array
        The eigenvalue. A parameter with v = ε = 0 does not move, and counts as frozen.

    Raises
    ------
    ValueError
        If v is negative, k < 1, β2 or ε is not allowed, or shapes do not fit.
    """
    FRACTION.check("beta2", beta2)
    decay, small = number("beta2", beta2, 0.0), number("eps", eps, 0.0)
    NON_NEGATIVE.check("second", second)
    NON_NEGATIVE.check("step", step)
    H = hessian(neuron, problem)
    xp, (H, second) = as_floating((H, second))
    if second.ndim == 0 or second.shape[0] != 4:
        raise ValueError(f"second: expected shape (4, …), got {tuple(second.shape)}")
    _, (step,) = as_floating((step,))
    batch = batch_shape("neuron, second and step", [H.shape[2:], second.shape[1:], step.shape])
    H, second = (_aligned(xp, value, n, len(batch)) for value, n in ((H, 2), (second, 1)))
    if bool(xp.any(step < 1.0)):
        raise ValueError(f"step: expected a number of updates >= 1, got {float(xp.min(step))}")
    # In double precision, as the optimiser computes it.
    correction = xp.astype(bias_correction(decay, xp.astype(step, xp.float64)), second.dtype)
    D = xp.sqrt(second / correction) + small
    root = xp.where(D > 0.0, 1.0 / xp.sqrt(xp.where(D > 0.0, D, xp.ones_like(D))), xp.zeros_like(D))
    return eigenvalue(_scaled(xp, H, root))


def _aligned(xp: Any, value: Array, first: int, ndim: int) -> Array:
    """Return an array whose batch, behind the first axes, has as many axes as the whole batch."""
    batch = value.shape[first:]
    return xp.reshape(value, (*value.shape[:first], *(1,) * (ndim - len(batch)), *batch))


@np.errstate(over="ignore", invalid="ignore")
def global_minimum(w1: ArrayLike, problem: Problem = Problem()) -> Neuron:
    """Return the global minimum (σ w1, −q σ w1, w1ᵀ w2ᵀ/(σ w1), b2ᵀ) with the given |w1| > 0, σ = sign w1ᵀ.

    It is one for a teacher with w1ᵀ ≠ 0, whose breakpoint is q; NaN for others, and where |w1| is 0.

    Raises
    ------
    ValueError
        If |w1| is negative: active on the other side of its breakpoint the neuron is no minimum.
    """
    problem = as_problem(problem)
    NON_NEGATIVE.check("w1", w1)
    xp, (w1, wt, bt, vt, ct) = as_floating((w1, *problem.teacher))
    batch_shape("w1 and problem", [value.shape for value in (w1, wt, bt, vt, ct)])
    wt = xp.where(wt == 0.0, xp.nan * wt, wt)
    w1 = xp.where(w1 == 0.0, xp.nan * xp.ones_like(w1), w1)
    scale = w1 / xp.abs(wt)
    return Neuron(wt * scale, bt * scale, vt / scale, ct + 0.0 * scale)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def flattest_minimum(problem: Problem = Problem()) -> Flattest:
    """Return the global minimum of the smallest sharpness, which is unique.

    Parameters
    ----------
    problem : Problem
        The population.

    Returns
    -------
    Flattest
        |w1| (to about 1e-8) and λ_max; NaN unless the teacher has its breakpoint inside the input and w2ᵀ ≠
        0, and s₊ ≠ s₋.

    Raises
    ------
    ValueError
        If the inputs are a sample.
    """
    problem = as_problem(problem)
    xp, known, H = _family(problem)
    # λ_max is at least as large as the second derivatives for w2 and b1, H₂₂ w1² and H₁₁/w1².
    ceiling = _along(xp, H, 0.25 * xp.log(H[1, 1, ...] / H[2, 2, ...]))
    left, right = 0.5 * xp.log(H[1, 1, ...] / ceiling), 0.5 * xp.log(ceiling / H[2, 2, ...])
    for _ in range(_SECTIONS):
        width = _GOLDEN * (right - left)
        inner = [_along(xp, H, at) for at in (right - width, left + width)]
        lower = inner[0] < inner[1]
        left, right = xp.where(lower, left, right - width), xp.where(lower, left + width, right)
    middle = 0.5 * (left + right)
    w1, value = xp.exp(middle), _along(xp, H, middle)
    nan = xp.nan * xp.ones_like(value)
    return Flattest(xp.where(known, w1, nan), xp.where(known, value, nan))


@np.errstate(over="ignore", invalid="ignore")
def stable_minima(problem: Problem, lr: ArrayLike) -> Interval:
    """Return the |w1| of the global minima at which gradient descent of rate η can stay: λ_max < 2/η.

    Inside the interval they are stable and outside not; of its ends, λ_max = 2/η, nothing is claimed.

    The sharpness is a convex function of w1² that grows to ∞ at both ends, so they are an interval.

    Parameters
    ----------
    problem : Problem
        The population; teacher and interval may be arrays that broadcast with η.
    lr : number or array
        η > 0.

    Returns
    -------
    Interval
        NaN where there is none: η exceeds 2/(the sharpness of `flattest_minimum`), or the problem has no such
        family of minima.

    Raises
    ------
    ValueError
        If the inputs are a sample, η is not positive, or its shape does not fit the problem's.
    """
    problem = as_problem(problem)
    NON_NEGATIVE.check("lr", lr)
    best = flattest_minimum(problem)
    xp, known, H = _family(problem)
    xp, (lr, middle, flattest) = as_floating((lr, best.w1, best.sharpness))
    batch_shape("problem and lr", [middle.shape, lr.shape])
    if bool(xp.any(lr == 0.0)):
        raise ValueError("lr: expected numbers > 0, got 0.0")
    level = 2.0 / lr
    exists = known & (flattest <= level)
    one = xp.ones_like(level + flattest)
    middle = xp.where(exists, middle, one)
    found = []
    for outer in (xp.sqrt(H[1, 1, ...] / level), xp.sqrt(level / H[2, 2, ...])):
        inside, outside = xp.log(middle), xp.log(xp.where(exists, outer, one))
        for _ in range(_BISECTIONS):
            at = 0.5 * (inside + outside)
            stable = _along(xp, H, at) <= level
            inside, outside = xp.where(stable, at, inside), xp.where(stable, outside, at)
        found.append(xp.where(exists, xp.exp(inside), xp.nan * one))
    return Interval(*found)


def _family(problem: Problem) -> tuple[Any, Array, Array]:
    """Return where there is a family of minima, and the Hessian at the one with |w1| = 1.

    Elsewhere it is the Hessian of another problem, which keeps the arithmetic quiet.
    """
    inputs = problem.inputs
    if not isinstance(inputs, Uniform):
        raise ValueError("inputs: the sharpness along the minima is known for the population, got a sample")
    xp, (w1, b1, w2, b2, lo, hi) = as_floating((*problem.teacher, inputs.lo, inputs.hi))
    one = xp.ones_like(w1 + b1 + w2 + b2 + lo + hi)
    slopes = problem.shared_slopes
    aim = formulas.target(operations(xp, one), (w1, b1, w2, b2), lo, hi, slopes)
    inside = aim.has_breakpoint & (aim.widths[0] > 0.0) & (aim.widths[1] > 0.0)
    bent = slopes[0] != slopes[1]
    known = inside & (w2 * one != 0.0) & bent
    other = (one, -0.5 * (lo + hi), one, 0.0 * one)
    teacher = (xp.where(known, a * one, b) for a, b in zip((w1, b1, w2, b2), other, strict=True))
    whole = Problem(Neuron(*teacher), Uniform(lo, hi), slopes if bent else RELU)
    return xp, known, hessian(global_minimum(one, whole), whole)


def _along(xp: Any, H: Array, log_w1: Array) -> Array:
    """Return the sharpness at the minimum with ln |w1|, from the Hessian at |w1| = 1."""
    w1 = xp.exp(log_w1)
    scale = xp.stack(xp.broadcast_arrays(1.0 / w1, 1.0 / w1, w1, xp.ones_like(w1)))
    return eigenvalue(_scaled(xp, H, scale))


def _scaled(xp: Any, H: Array, scale: Array) -> Array:
    """Return S H S for the diagonal matrices S, shape (4, …), and H, shape (4, 4, …), that broadcast."""
    more = (1,) * (scale.ndim + 1 - H.ndim)
    H = xp.reshape(H, (4, 4, *more, *H.shape[2:]))
    scale = xp.reshape(scale, (4, *(1,) * (H.ndim - 1 - scale.ndim), *scale.shape[1:]))
    return scale[:, None, ...] * H * scale[None, ...]


def eigenvalue(H: Array, which: int = -1) -> Array:
    """Return an eigenvalue of symmetric matrices, shape (4, 4, …), by its place in ascending order.

    By default the largest; NaN if an entry is not finite.
    """
    xp, (H,) = as_floating((H,))
    finite = xp.all(xp.isfinite(H), axis=(0, 1))
    axes = (*range(2, H.ndim), 0, 1)
    matrices = xp.permute_dims(xp.where(finite, H, xp.zeros_like(H)), axes)
    found = xp.linalg.eigvalsh(matrices)[..., which]
    return xp.where(finite, found, xp.nan * xp.ones_like(found))
