"""Neurons whose output parameters are solved for at every step: variable projection.

L is quadratic in (w2, b2), so its least value over b2, or over both, is known; by the envelope theorem its
gradient in the other parameters is that of L, taken there (``derivations/21_other_parametrisations.py``).

References
----------
.. [1] G. H. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems
   whose variables separate", SIAM Journal on Numerical Analysis 10 (1973) 413-432.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gradflow.base.arrays import Array, as_floating, namespace
from gradflow.field import means, quadrature, sample
from gradflow.field.kinds.kind import PLAIN, Evaluator, Kind, of_values
from gradflow.field.kinds.reparametrised import BOUNDED
from gradflow.neuron.activations import PiecewiseLinear, derivatives
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Sample

Solve = Callable[[Evaluator, Evaluator, Array], Array]


def _with_bias(base: Evaluator, psi: Array) -> Array:
    """Append the b2 of least loss: ∂L/∂b2 = 2 (b2 − b2*)."""
    xp = namespace(psi)
    at_zero = base.gradient(xp.concat((psi, xp.zeros_like(psi[:1, ...]))))
    return _joined(psi, -0.5 * at_zero[-1:, ...])


def _joined(psi: Array, last: Array) -> Array:
    """Append a row, which has the broadcast shape of neurons and teacher."""
    xp = namespace(psi)
    return xp.concat((xp.stack([xp.broadcast_to(row, last.shape[1:]) for row in _rows(psi)]), last))


def _rows(psi: Array) -> list[Array]:
    return [psi[i, ...] for i in range(psi.shape[0])]


def _bias(base: Evaluator, blank: Evaluator, psi: Array) -> Array:
    return _with_bias(base, psi)


def _output(base: Evaluator, blank: Evaluator, psi: Array) -> Array:
    """Append w2 = Cov(φ, f*)/Var φ, 0 if φ is constant, and the best b2.

    Over b2 solved for, ∂L/∂w2 = 2 (w2 Var φ − Cov(φ, f*)): at w2 = 0 it gives the covariance, and with the
    target 0 in place of f*, of `blank`, at w2 = 1 the variance.
    """
    xp = namespace(psi)
    none = xp.zeros_like(psi[:1, ...])
    pull = base.gradient(_with_bias(base, xp.concat((psi, none))))[-2:-1, ...]
    twice_variance = blank.gradient(_with_bias(blank, xp.concat((psi, xp.ones_like(none)))))[-2:-1, ...]
    varies = twice_variance > 0
    w2 = -pull / xp.where(varies, twice_variance, xp.ones_like(twice_variance))
    return _with_bias(base, _joined(psi, xp.where(varies, w2, xp.zeros_like(w2))))


def _blank(problem: Problem) -> Problem:
    """Return the problem with the target 0."""
    inputs = problem.inputs
    if isinstance(inputs, Sample) and inputs.targets is not None:
        inputs = replace(inputs, targets=namespace(inputs.targets).zeros_like(inputs.targets))
    return replace(problem, teacher=Neuron(0.0, 0.0, 0.0, 0.0), inputs=inputs)


def _at_hand(psi: Array, problem: Problem) -> tuple[Array, Array]:
    """Return parameters of the same function, up to a constant, whose φ is of size 1, with the factor.

    With b2 solved for a constant in φ does not matter, and φ(c z) = c φ(z): then the differences that make
    variance and residual lose no digits where φ is far from its breakpoint, or tiny. Powers of two keep all
    signs of z.
    """
    z_lo, z_hi = end_preactivations(Neuron(psi[0, ...], psi[1, ...]), problem)
    xp, (z_lo, z_hi, w1, b1, lo, hi) = as_floating(
        (z_lo, z_hi, psi[0, ...], psi[1, ...], problem.lo, problem.hi)
    )
    span = xp.abs(w1) * (hi - lo)
    # A sixteenth of the width is far enough from the breakpoint to be on the same side of it.
    place = xp.where(span > 0, 0.0625 * span, xp.ones_like(span))
    far = ((z_lo > 0) == (z_hi > 0)) & (xp.minimum(xp.abs(z_lo), xp.abs(z_hi)) > place)
    # By signs, as both may be the same number.
    end = xp.where((z_lo > 0) == (w1 > 0), lo, hi)
    b1 = xp.where(far, xp.where(z_lo > 0, place, -place) - w1 * end, b1 + xp.zeros_like(span))
    ends = end_preactivations(Neuron(w1, b1), problem)
    low, high = problem.slopes
    reach = xp.maximum(*(xp.abs(xp.where(z > 0, high * z, low * z)) for z in ends))
    there = (reach > 0) & (reach < xp.inf)
    most = float(round(0.4 * float(xp.log2(xp.asarray(float(xp.finfo(b1.dtype).max))))))
    power = xp.round(xp.log2(xp.where(there, reach, xp.ones_like(reach))))
    size = xp.pow(2.0 + xp.zeros_like(reach), xp.minimum(xp.maximum(power, -most), most))
    rest = [row * size for row in _rows(psi)[2:]]
    return xp.stack(xp.broadcast_arrays(w1 / size, b1 / size, *rest)), size


def _kind(name: str, base: Kind, solved: int, solve: Solve) -> Kind:
    """Return a kind without the last parameters of `base`, which are solved for."""
    n = len(base.parameters) - solved

    def start(theta: Array, problem: Problem) -> Array:
        return base.start(theta, problem)[:n, ...]

    def evaluator(problem: Problem, like: Array) -> Evaluator:
        straight = isinstance(problem.activation, PiecewiseLinear)
        if solved == 2 and not straight:
            return _smooth(problem, like)
        whole = base.evaluator(problem, like)
        blank = base.evaluator(_blank(problem), like) if solved == 2 else whole

        def best(psi: Array) -> tuple[Array, Array | None]:
            # A bounded neuron is balanced, and its parameters are others.
            ready, size = _at_hand(psi, problem) if straight and base is PLAIN else (psi, None)
            return solve(whole, blank, ready), size

        def pulled(g: Array, size: Array | None) -> Array:
            rows = _rows(g)[:n]
            if size is not None:
                rows = [rows[0] / size, rows[1] / size, *(row * size for row in rows[2:])]
            return namespace(g).stack(rows)

        def loss_and_gradient(psi: Array) -> tuple[Array, Array]:
            theta, size = best(psi)
            value, g = whole.loss_and_gradient(theta)
            return value, pulled(g, size)

        def gradient(psi: Array) -> Array:
            theta, size = best(psi)
            return pulled(whole.gradient(theta), size)

        return Evaluator(lambda psi: whole.loss(best(psi)[0]), gradient, loss_and_gradient)

    return Kind(name, base.parameters[:n], start, evaluator, base.line)


def _smooth(problem: Problem, like: Array) -> Evaluator:
    """Return the field of a smooth neuron with w2 and b2 solved for, all of it from φ less its mean."""
    xp = namespace(like)

    def both(xp: Any, e: means.Evaluated) -> tuple[Array, ...]:
        x, weights, target = e.inputs

        def mean(values: Array) -> Array:
            return xp.sum(weights * values, axis=-1, keepdims=True)

        def centred(values: Array) -> Array:
            away = values - mean(values)
            return away - mean(away)

        phi, wanted = centred(e.phi[0]), centred(target)
        variance = mean(phi * phi)
        # Less is rounding.
        varies = variance > (8.0 * float(xp.finfo(phi.dtype).eps)) ** 2 * mean(e.phi[0] * e.phi[0])
        w2 = mean(phi * wanted) / xp.where(varies, variance, xp.ones_like(variance))
        w2 = xp.where(varies, w2, xp.zeros_like(w2))
        residual = w2 * phi - wanted
        through = 2.0 * w2 * residual * e.phi[1]
        parts = (mean(residual * residual), mean(through * x), mean(through))
        return tuple(part[..., 0] for part in parts)

    if isinstance(problem.inputs, Sample):
        points = sample.bind(problem, like)

        def values(psi: Array) -> Array:
            w1, b1 = (row[..., None] for row in _rows(psi))
            phi = derivatives(problem.activation, w1 * points.inputs.x + b1, 1)
            none = xp.zeros_like(w1)
            return xp.stack(xp.broadcast_arrays(*both(xp, means.evaluate(points.inputs, none, none, phi))))

    else:
        population = quadrature.bind(problem, like)

        def values(psi: Array) -> Array:
            if psi[0, ...].size == 0:
                return xp.zeros_like(xp.concat((psi[:1, ...], psi)))
            none = xp.zeros_like(psi)
            return quadrature.each(population, xp.concat((psi, none)), both)

    return of_values(values)


SOLVED_BIAS = _kind("solved-bias", PLAIN, 1, _bias)
"""f(x) = w2 φ(w1 x + b1) + b2 with the best b2 for the other three."""

SOLVED_OUTPUT = _kind("solved-output", PLAIN, 2, _output)
"""f(x) = w2 φ(w1 x + b1) + b2 with the best w2 and b2 for (w1, b1)."""

BOUNDED_SOLVED_BIAS = _kind("bounded-solved-bias", BOUNDED, 1, _bias)
"""`BOUNDED` with the best b2 for the other three."""
