"""Gradient descent."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike
from gradflow.descent.optimisers.hyper import NON_NEGATIVE, rounded, with_decay

LIMITS = {"lr": NON_NEGATIVE, "weight_decay": NON_NEGATIVE}


class GD(NamedTuple):
    """Gradient descent [1]_, forward Euler with step η on the gradient flow; ``torch.optim.SGD``.

    g ← g + λ θ
    θ ← θ − η g

    Parameters
    ----------
    lr : number or array
        η ≥ 0.
    weight_decay : number or array
        λ ≥ 0: the flow is then that of L + (λ/2)‖θ‖².

    References
    ----------
    .. [1] A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", Comptes
       rendus 25 (1847) 536-538.
    """

    lr: ArrayLike = 1e-2
    weight_decay: ArrayLike = 0.0


class GDState(NamedTuple):
    """Nothing is remembered."""


def init(config: GD, theta: Array) -> GDState:
    """Return the state before the first update."""
    return GDState()


def update(config: GD, gradient: Array, state: GDState, theta: Array, lr: ArrayLike) -> tuple[Array, GDState]:
    """Return the parameters after one step of rate `lr`, and the state."""
    return theta - rounded(lr, theta) * with_decay(gradient, theta, config.weight_decay), state
