"""Adam, and the moments that it shares with AdamW."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.backend import Array, ArrayLike, device, namespace
from gradflow.descent.hyper import (
    FRACTION,
    NON_NEGATIVE,
    bias_correction,
    double,
    quotient,
    rounded,
    with_decay,
)

LIMITS = {
    "lr": NON_NEGATIVE,
    "beta1": FRACTION,
    "beta2": FRACTION,
    "eps": NON_NEGATIVE,
    "weight_decay": NON_NEGATIVE,
}


class Adam(NamedTuple):
    """Adam [1]_, as in ``torch.optim.Adam``.

    g ← g + λ θ
    m ← β1 m + (1 − β1) g
    v ← β2 v + (1 − β2) g²
    θ ← θ − η/(1 − β1^k) · m/(√(v/(1 − β2^k)) + ε)        at the k-th update, k = 1, 2, …

    Parameters
    ----------
    lr : number or array
        η ≥ 0.
    beta1, beta2 : number or array
        In [0, 1): the decay of the mean and of the mean square.
    eps : number or array
        ε ≥ 0, outside the root.
    weight_decay : number or array
        λ ≥ 0, coupled: it passes through both moments. `AdamW` decouples it.

    Warnings
    --------
    ε is added after the bias correction, as in the paper's Algorithm 1, torch and optax. The shortened form
    at the end of the paper's section 2, which TensorFlow follows, adds it before: there the
    effective ε is ε/√(1 − β2^k). Where ε = 0 and v = 0 the step is 0 (torch: NaN).

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       arXiv:1412.6980.
    """

    lr: ArrayLike = 1e-3
    beta1: ArrayLike = 0.9
    beta2: ArrayLike = 0.999
    eps: ArrayLike = 1e-8
    weight_decay: ArrayLike = 0.0


class Moments(NamedTuple):
    """The number of updates (float64, shape ()), and the two moments, of the shape of θ."""

    step: Array
    first: Array
    second: Array


def no_moments(theta: Array) -> Moments:
    """Return the moments before the first update."""
    xp = namespace(theta)
    step = xp.zeros((), dtype=xp.float64, device=device(theta))
    return Moments(step, xp.zeros_like(theta), xp.zeros_like(theta))


def direction(
    gradient: Array,
    state: Moments,
    theta: Array,
    lr: ArrayLike,
    beta1: ArrayLike,
    beta2: ArrayLike,
    eps: ArrayLike,
) -> tuple[Array, Moments]:
    """Return what the adaptive step subtracts from θ, and the moments after it."""
    xp = namespace(theta)
    beta1, beta2 = double(beta1), double(beta2)
    step = state.step + 1.0
    first = state.first + rounded(1.0 - beta1, theta) * (gradient - state.first)
    second = rounded(beta2, theta) * state.second + rounded(1.0 - beta2, theta) * (gradient * gradient)
    rate = rounded(double(lr) / bias_correction(beta1, step), theta)
    scale = rounded(1.0 / xp.sqrt(bias_correction(beta2, step)), theta)
    scaled = quotient(first, xp.sqrt(second) * scale, rounded(eps, theta))
    return rate * scaled, Moments(step, first, second)


def init(config: Adam, theta: Array) -> Moments:
    """Return the state before the first update."""
    return no_moments(theta)


def update(
    config: Adam, gradient: Array, state: Moments, theta: Array, lr: ArrayLike
) -> tuple[Array, Moments]:
    """Return the parameters after one step of rate `lr`, and the state."""
    decayed = with_decay(gradient, theta, config.weight_decay)
    change, state = direction(decayed, state, theta, lr, config.beta1, config.beta2, config.eps)
    return theta - change, state
