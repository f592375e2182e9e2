"""RMSProp: rates divided by a running root mean square of the gradient."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import (
    FLAG,
    FRACTION,
    NON_NEGATIVE,
    double,
    quotient,
    rounded,
    with_decay,
)

LIMITS = {
    "lr": NON_NEGATIVE,
    "alpha": FRACTION,
    "eps": NON_NEGATIVE,
    "weight_decay": NON_NEGATIVE,
    "momentum": FRACTION,
    "centered": FLAG,
    "eps_inside": FLAG,
}


class RMSProp(NamedTuple):
    """RMSProp [1]_, as in ``torch.optim.RMSprop``.

    g ← g + λ θ
    v ← α v + (1 − α) g²
    a ← α a + (1 − α) g           (centred only; otherwise a = 0)
    m ← μ m + g/(√(v − a²) + ε)   or, with ε inside the root, μ m + g/√(v − a² + ε)
    θ ← θ − η m

    Parameters
    ----------
    lr : number or array
        η ≥ 0.
    alpha : number or array
        α in [0, 1), the decay of the mean square.
    eps : number or array
        ε ≥ 0, outside the root unless `eps_inside`.
    weight_decay : number or array
        λ ≥ 0, coupled (it passes through the mean square).
    momentum : number or array
        μ in [0, 1).
    centered : bool
        Whether the mean is subtracted, so that the root is of the variance.
    eps_inside : bool
        Whether ε is added inside the root, as in TensorFlow and Keras (whose defaults are α = 0.9 and
        ε = 1e-7).

    Warnings
    --------
    The buffer holds quotients, not displacements as Keras's does: under a schedule they differ. v starts at 0
    without a bias correction: the first step has the size η/√(1 − α). torch subtracts a² from v, which
    cancels where the gradient is nearly constant (NaN where it rounds below 0); here the variance keeps its
    digits. Where ε = 0 and the root is 0 the quotient is 0 (torch: NaN).

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: RMSProp", Coursera, Neural networks for machine learning
       (2012).
    """

    lr: ArrayLike = 1e-2
    alpha: ArrayLike = 0.99
    eps: ArrayLike = 1e-8
    weight_decay: ArrayLike = 0.0
    momentum: ArrayLike = 0.0
    centered: bool = False
    eps_inside: bool = False


class RMSPropState(NamedTuple):
    """Mean square (variance if centred), mean (0 unless centred), momentum buffer: of the shape of θ."""

    square: Array
    mean: Array
    buffer: Array


def init(config: RMSProp, theta: Array) -> RMSPropState:
    """Return the state before the first update."""
    zeros = namespace(theta).zeros_like
    return RMSPropState(zeros(theta), zeros(theta), zeros(theta))


def update(
    config: RMSProp, gradient: Array, state: RMSPropState, theta: Array, lr: ArrayLike
) -> tuple[Array, RMSPropState]:
    """Return the parameters after one step of rate `lr`, and the state."""
    xp = namespace(theta)
    alpha = double(config.alpha)
    keep, take = rounded(alpha, theta), rounded(1.0 - alpha, theta)
    g = with_decay(gradient, theta, config.weight_decay)
    mean = state.mean
    if config.centered:
        # v − a² obeys this recurrence; as a difference it would cancel, and could round below 0.
        change = g - mean
        square = keep * (state.square + take * (change * change))
        mean = mean + take * change
    else:
        square = keep * state.square + take * (g * g)
    eps = rounded(config.eps, theta)
    scaled = (
        quotient(g, xp.sqrt(square + eps), 0.0) if config.eps_inside else quotient(g, xp.sqrt(square), eps)
    )
    buffer = rounded(config.momentum, theta) * state.buffer + scaled
    return theta - rounded(lr, theta) * buffer, RMSPropState(square, mean, buffer)
