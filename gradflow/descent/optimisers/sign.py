"""Sign descent."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import NON_NEGATIVE, rounded

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


def update(
    config: Sign, gradient: Array, state: SignState, theta: Array, lr: ArrayLike
) -> tuple[Array, SignState]:
    """Return the parameters after one step of rate `lr`, and the state."""
    return theta - rounded(lr, theta) * namespace(theta).sign(gradient), state
