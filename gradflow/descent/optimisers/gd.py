"""Gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array, ArrayLike
from gradflow.descent.optimisers.hyper import NON_NEGATIVE, Operations, double

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


class Coefficients(NamedTuple):
    """λ and η."""

    decay: ArrayLike
    rate: ArrayLike


def coefficients(config: GD, k: int) -> Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    return Coefficients(double(config.weight_decay), double(config.lr))


def rule(ops: Operations, c: Coefficients, gradient: Array, memory: tuple[()], theta: Array) -> Any:
    """Return the parameters after one step, and what is remembered."""
    return theta - c.rate * (gradient + c.decay * theta), memory
