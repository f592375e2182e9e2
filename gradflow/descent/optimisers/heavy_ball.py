"""Heavy ball: gradient descent with Polyak's momentum."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE, Operations, double

LIMITS = {"lr": NON_NEGATIVE, "momentum": FRACTION, "weight_decay": NON_NEGATIVE}


class HeavyBall(NamedTuple):
    """Heavy ball [1]_, in the form of ``torch.optim.SGD(momentum=μ, dampening=0)``.

    g ← g + λ θ
    m ← μ m + g
    θ ← θ − η m

    Parameters
    ----------
    lr : number or array
        η ≥ 0.
    momentum : number or array
        μ in [0, 1).
    weight_decay : number or array
        λ ≥ 0, coupled (it passes through the buffer).

    Warnings
    --------
    The buffer holds gradients, not displacements: a schedule rescales the whole step at once. Polyak's
    form, θ ← θ − η g + μ (θ − θ_previous), is the same while the rate is constant and differs when it
    changes.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
       Computational Mathematics and Mathematical Physics 4 (1964) 1-17.
    """

    lr: ArrayLike = 1e-2
    momentum: ArrayLike = 0.9
    weight_decay: ArrayLike = 0.0


class HeavyBallState(NamedTuple):
    """The momentum buffer, of the shape of θ."""

    buffer: Array


def init(config: HeavyBall, theta: Array) -> HeavyBallState:
    """Return the state before the first update."""
    return HeavyBallState(namespace(theta).zeros_like(theta))


class Coefficients(NamedTuple):
    """λ, μ and η."""

    decay: ArrayLike
    momentum: ArrayLike
    rate: ArrayLike


def coefficients(config: HeavyBall, k: int) -> Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    return Coefficients(double(config.weight_decay), double(config.momentum), double(config.lr))


def rule(
    ops: Operations, c: Coefficients, gradient: Array, memory: tuple[Array], theta: Array
) -> tuple[Array, tuple[Array]]:
    """Return the parameters after one step, and the buffer."""
    g = gradient + c.decay * theta
    buffer = c.momentum * memory[0] + g
    return theta - c.rate * buffer, (buffer,)
