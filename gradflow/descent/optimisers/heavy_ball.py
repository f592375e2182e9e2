"""Heavy ball: gradient descent with Polyak's momentum."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE, rounded, with_decay

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


def update(
    config: HeavyBall, gradient: Array, state: HeavyBallState, theta: Array, lr: ArrayLike
) -> tuple[Array, HeavyBallState]:
    """Return the parameters after one step of rate `lr`, and the state."""
    g = with_decay(gradient, theta, config.weight_decay)
    buffer = rounded(config.momentum, theta) * state.buffer + g
    return theta - rounded(lr, theta) * buffer, HeavyBallState(buffer)
