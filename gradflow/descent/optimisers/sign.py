"""Sign descent."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array, ArrayLike
from gradflow.descent.optimisers.hyper import NON_NEGATIVE, Operations, double

LIMITS = {"lr": NON_NEGATIVE}


class Sign(NamedTuple):
    """Sign descent [1]_: steepest descent in the maximum norm, up to the step's length.

    θ ← θ − η sign(g), with sign(0) = 0

    Parameters
    ----------
    lr : number or array
        η ≥ 0.

    Warnings
    --------
    The step does not shrink with the gradient: near a minimum θ oscillates with amplitude about η. It
    is `Adam` and `RMSProp` with β1 = β2 = ε = 0 (α = ε = 0), up to rounding.

    References
    ----------
    .. [1] J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, "signSGD: compressed optimisation
       for non-convex problems", ICML 2018, arXiv:1802.04434.
    """

    lr: ArrayLike = 1e-3


class SignState(NamedTuple):
    """Nothing is remembered."""


def init(config: Sign, theta: Array) -> SignState:
    """Return the state before the first update."""
    return SignState()


class Coefficients(NamedTuple):
    """η."""

    rate: ArrayLike


def coefficients(config: Sign, k: int) -> Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    return Coefficients(double(config.lr))


def rule(ops: Operations, c: Coefficients, gradient: Array, memory: tuple[()], theta: Array) -> Any:
    """Return the parameters after one step, and what is remembered."""
    falling = ops.where(gradient < 0.0, -1.0, 0.0 * gradient)
    return theta - c.rate * ops.where(gradient > 0.0, 1.0, falling), memory
