"""Neurons with another parameter in the place of b1: where they bend.

Every neuron of these kinds is a plain neuron θ(ψ), with the gradient (∂θ/∂ψ)ᵀ ∇L(θ)
(``derivations/21_other_parametrisations.py``).
"""

from __future__ import annotations

from collections.abc import Callable

from gradflow import field
from gradflow.base.arrays import Array, as_floating, namespace
from gradflow.field.kinds.kind import Evaluator, Kind
from gradflow.neuron.problem import Problem

INNERMOST = 0.95
"""How far from the middle, in half-widths, a bounded neuron's breakpoint may start."""

Place = Callable[[Array, Problem], tuple[Array, Array]]


def _kind(name: str, parameter: str, inverse: Callable[[Array, Problem], Array], place: Place) -> Kind:
    """Return the kind w2 φ(w1 (x − p(s))) + b2, from s(p) and (p(s), p′(s))."""

    def start(theta: Array, problem: Problem) -> Array:
        xp = namespace(theta)
        w1, b1 = theta[0, ...], theta[1, ...]
        bends = w1 != 0
        p = xp.where(bends, -b1 / xp.where(bends, w1, xp.ones_like(w1)), xp.zeros_like(w1))
        return xp.stack(xp.broadcast_arrays(w1, inverse(p, problem), theta[2, ...], theta[3, ...]))

    def line(psi: Array, problem: Problem) -> tuple[Array, Array]:
        return psi[0, ...], -psi[0, ...] * place(psi[1, ...], problem)[0]

    def evaluator(problem: Problem, like: Array) -> Evaluator:
        plain, xp = field.evaluator(problem, like), namespace(like)

        def neuron(psi: Array) -> tuple[Array, Array, Array]:
            p, rate = place(psi[1, ...], problem)
            # The place has the interval's shape too.
            rows = xp.broadcast_arrays(psi[0, ...], -psi[0, ...] * p, psi[2, ...], psi[3, ...])
            return xp.stack(rows), p, rate

        def pulled(g: Array, psi: Array, p: Array, rate: Array) -> Array:
            # b1 = −w1 p.
            along = (g[0, ...] - p * g[1, ...], -psi[0, ...] * rate * g[1, ...], g[2, ...], g[3, ...])
            return xp.stack(along)

        def loss(psi: Array) -> Array:
            return plain.loss(neuron(psi)[0])

        def gradient(psi: Array) -> Array:
            theta, p, rate = neuron(psi)
            return pulled(plain.gradient(theta), psi, p, rate)

        def loss_and_gradient(psi: Array) -> tuple[Array, Array]:
            theta, p, rate = neuron(psi)
            value, g = plain.loss_and_gradient(theta)
            return value, pulled(g, psi, p, rate)

        return Evaluator(loss, gradient, loss_and_gradient)

    return Kind(name, ("w1", parameter, "w2", "b2"), start, evaluator, line)


def _shift(p: Array, problem: Problem) -> Array:
    return -p


def _shifted(shift: Array, problem: Problem) -> tuple[Array, Array]:
    return -shift, -namespace(shift).ones_like(shift)


def _middle(problem: Problem, like: Array) -> tuple[Array, Array]:
    """Return the middle and half the width of the input."""
    _, (lo, hi, _) = as_floating((problem.lo, problem.hi, like))
    return 0.5 * (lo + hi), 0.5 * (hi - lo)


def _inside(p: Array, problem: Problem) -> Array:
    xp = namespace(p)
    middle, half = _middle(problem, p)
    most = INNERMOST * xp.ones_like(p)
    # A single input leaves no width to be inside of.
    wide = half + xp.zeros_like(p) > 0
    u = xp.where(wide, (p - middle) / xp.where(wide, half, xp.ones_like(p)), xp.zeros_like(p))
    return xp.atanh(xp.minimum(xp.maximum(u, -most), most))


def _bounded(s: Array, problem: Problem) -> tuple[Array, Array]:
    xp = namespace(s)
    middle, half = _middle(problem, s)
    t = xp.tanh(s)
    return middle + half * t, half * (1.0 - t) * (1.0 + t)


SHIFTED = _kind("shifted", "shift", _shift, _shifted)
"""f(x) = w2 φ(w1 (x + b′)) + b2; for homogeneous φ the flow conserves w1² − w2².

A start with w1 = 0 has b′ = 0.
"""

BOUNDED = _kind("bounded", "place", _inside, _bounded)
"""As `SHIFTED`, with the breakpoint at m + h tanh(s), m the middle and h half the width of the input.

The neuron is balanced always, up to rounding: tanh s is ±1 from |s| = 19.0 on (18.99 with NumPy, 19.06 if it
is rounded correctly), the breakpoint then an end of the input, and its gradient 0; earlier if m is not 0. A
start that bends outside is put at 0.95 h from the middle.
"""
