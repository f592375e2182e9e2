"""Gradient descent with Nesterov's momentum."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE, Operations, double

LIMITS = {"lr": NON_NEGATIVE, "momentum": FRACTION, "weight_decay": NON_NEGATIVE}


class Nesterov(NamedTuple):
    """Nesterov's accelerated gradient [1]_, in the form of ``torch.optim.SGD(nesterov=True)`` [2]_.

    g ← g + λ θ
    m ← μ m + g
    θ ← θ − η (g + μ m)

    Parameters
    ----------
    lr : number or array
        η ≥ 0.
    momentum : number or array
        μ in [0, 1), the same at every step.
    weight_decay : number or array
        λ ≥ 0, coupled (it passes through the buffer).

    Warnings
    --------
    θ is the look-ahead point, where the gradient is taken: Nesterov's y, not his x. His momentum grows
    with the step, here it is constant. The buffer holds gradients, so a schedule rescales the whole
    step at once.

    References
    ----------
    .. [1] Y. Nesterov, "A method for solving the convex programming problem with convergence rate
       O(1/k²)", Soviet Mathematics Doklady 27 (1983) 372-376.
    .. [2] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
       in deep learning", ICML 2013.
    """

    lr: ArrayLike = 1e-2
    momentum: ArrayLike = 0.9
    weight_decay: ArrayLike = 0.0


class NesterovState(NamedTuple):
    """The momentum buffer, of the shape of θ."""

    buffer: Array


def init(config: Nesterov, theta: Array) -> NesterovState:
    """Return the state before the first update."""
    return NesterovState(namespace(theta).zeros_like(theta))


class Coefficients(NamedTuple):
    """λ, μ and η."""

    decay: ArrayLike
    momentum: ArrayLike
    rate: ArrayLike


def coefficients(config: Nesterov, k: int) -> Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    return Coefficients(double(config.weight_decay), double(config.momentum), double(config.lr))


def rule(
    ops: Operations, c: Coefficients, gradient: Array, memory: tuple[Array], theta: Array
) -> tuple[Array, tuple[Array]]:
    """Return the parameters after one step, and the buffer."""
    g = gradient + c.decay * theta
    buffer = c.momentum * memory[0] + g
    return theta - c.rate * (g + c.momentum * buffer), (buffer,)
