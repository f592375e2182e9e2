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

from gradflow.backend import Array, namespace
from gradflow.neurons.kind import PLAIN, Evaluator, Kind
from gradflow.neurons.reparametrised import BOUNDED
from gradflow.problem import Problem

Solve = Callable[[Evaluator, Array], Array]


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


def _with_output(base: Evaluator, psi: Array) -> Array:
    """Append w2 = Cov(φ, f*)/Var φ, 0 if φ is constant, and the best b2.

    Over b2 solved for, ∂L/∂w2 = 2 (w2 Var φ − Cov(φ, f*)): its values at 0 and 1 give both.
    """
    xp = namespace(psi)
    none = xp.zeros_like(psi[:1, ...])
    at_zero, at_one = (
        base.gradient(_with_bias(base, xp.concat((psi, weight))))[-2:-1, ...]
        for weight in (none, xp.ones_like(none))
    )
    twice_variance = at_one - at_zero
    varies = twice_variance > 0
    one = xp.ones_like(twice_variance)
    w2 = xp.where(varies, -at_zero / xp.where(varies, twice_variance, one), xp.zeros_like(one))
    return _with_bias(base, _joined(psi, w2))


def _kind(name: str, base: Kind, solved: int, solve: Solve) -> Kind:
    """Return a kind without the last parameters of `base`, which are solved for."""
    n = len(base.parameters) - solved

    def start(theta: Array, problem: Problem) -> Array:
        return base.start(theta, problem)[:n, ...]

    def evaluator(problem: Problem, like: Array) -> Evaluator:
        whole = base.evaluator(problem, like)

        def loss_and_gradient(psi: Array) -> tuple[Array, Array]:
            value, g = whole.loss_and_gradient(solve(whole, psi))
            return value, g[:n, ...]

        return Evaluator(
            lambda psi: whole.loss(solve(whole, psi)),
            lambda psi: whole.gradient(solve(whole, psi))[:n, ...],
            loss_and_gradient,
        )

    return Kind(name, base.parameters[:n], start, evaluator, base.line)


SOLVED_BIAS = _kind("solved-bias", PLAIN, 1, _with_bias)
"""f(x) = w2 φ(w1 x + b1) + b2 with the best b2 for the other three."""

SOLVED_OUTPUT = _kind("solved-output", PLAIN, 2, _with_output)
"""f(x) = w2 φ(w1 x + b1) + b2 with the best w2 and b2 for (w1, b1)."""

BOUNDED_SOLVED_BIAS = _kind("bounded-solved-bias", BOUNDED, 1, _with_bias)
"""`BOUNDED` with the best b2 for the other three."""
