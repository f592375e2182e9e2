"""RMSProp: rates divided by a running root mean square of the gradient."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import (
    FLAG,
    FRACTION,
    NON_NEGATIVE,
    Operations,
    divided,
    double,
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


class Coefficients(NamedTuple):
    """λ; α, what a square gains and what the mean does; ε inside and outside the root; μ and η."""

    decay: ArrayLike
    keep: ArrayLike
    gain: ArrayLike
    follow: ArrayLike
    inside: ArrayLike
    outside: ArrayLike
    momentum: ArrayLike
    rate: ArrayLike


def coefficients(config: RMSProp, k: int) -> Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    alpha, eps = double(config.alpha), double(config.eps)
    take = 1.0 - alpha
    # v − a² obeys a recurrence of its own; as a difference it would cancel, and could round below 0.
    gain, follow = (alpha * take, take) if config.centered else (take, 0.0)
    inside, outside = (eps, 0.0) if config.eps_inside else (0.0, eps)
    rest = double(config.momentum), double(config.lr)
    return Coefficients(double(config.weight_decay), alpha, gain, follow, inside, outside, *rest)


def rule(
    ops: Operations, c: Coefficients, gradient: Array, memory: tuple[Array, Array, Array], theta: Array
) -> tuple[Array, tuple[Array, Array, Array]]:
    """Return the parameters after one step, and mean square, mean and buffer."""
    g = gradient + c.decay * theta
    change = g - memory[1]
    square = c.keep * memory[0] + c.gain * (change * change)
    mean = memory[1] + c.follow * change
    buffer = c.momentum * memory[2] + divided(ops, g, ops.sqrt(square + c.inside) + c.outside)
    return theta - c.rate * buffer, (square, mean, buffer)
