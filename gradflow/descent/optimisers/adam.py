"""Adam, and the moments that it shares with AdamW."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gradflow.base.arrays import Array, ArrayLike, device, namespace
from gradflow.descent.optimisers.hyper import (
    FLAG,
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
    "amsgrad": FLAG,
    "eps_hat": FLAG,
}


class Adam(NamedTuple):
    """Adam [1]_, as in ``torch.optim.Adam``.

    g ← g + λ θ
    m ← β1 m + (1 − β1) g
    v ← β2 v + (1 − β2) g²
    u ← v, or with AMSGrad [2]_ max(u, v)
    θ ← θ − η/(1 − β1^k) · m/(√(u/(1 − β2^k)) + ε)        at the k-th update, k = 1, 2, …

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
    amsgrad : bool
        Whether the largest v so far divides, as in torch and Keras; the paper's has no bias correction.
    eps_hat : bool
        Whether ε is the ε̂ of TensorFlow and Keras, added before the bias correction (see below).

    Warnings
    --------
    ε is added after the bias correction, as in the paper's Algorithm 1, torch and optax. The shortened form
    at the end of the paper's section 2, which TensorFlow and Keras follow, adds it before:
    θ ← θ − η √(1 − β2^k)/(1 − β1^k) · m/(√u + ε̂), so that the effective ε is ε̂/√(1 − β2^k);
    ``eps_hat=True`` takes it (their default is ε̂ = 1e-7). Where ε = 0 and u = 0 the step is 0 (torch: NaN).

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       arXiv:1412.6980.
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018,
       arXiv:1904.09237.
    """

    lr: ArrayLike = 1e-3
    beta1: ArrayLike = 0.9
    beta2: ArrayLike = 0.999
    eps: ArrayLike = 1e-8
    weight_decay: ArrayLike = 0.0
    amsgrad: bool = False
    eps_hat: bool = False


def require_plain(config: Adam) -> None:
    """Raise a one-line ValueError for options under which v is not what divides the steps."""
    for name in ("amsgrad", "eps_hat"):
        if getattr(config, name):
            raise ValueError(f"{name}: expected False, got True")


class Adaptive(Protocol):
    """The part of a config that `direction` reads."""

    @property
    def beta1(self) -> ArrayLike:
        """The decay of the mean."""

    @property
    def beta2(self) -> ArrayLike:
        """The decay of the mean square."""

    @property
    def eps(self) -> ArrayLike:
        """The number added to the root."""

    @property
    def amsgrad(self) -> bool:
        """Whether the largest mean square divides."""

    @property
    def eps_hat(self) -> bool:
        """Whether ε is added before the bias correction."""


class Moments(NamedTuple):
    """The number of updates (float64, shape ()), and the two moments, of the shape of θ."""

    step: Array
    first: Array
    second: Array


class LargestMoments(NamedTuple):
    """The `Moments`, and the largest second one so far: the state of AMSGrad."""

    step: Array
    first: Array
    second: Array
    largest: Array


def no_moments(config: Adaptive, theta: Array) -> Moments | LargestMoments:
    """Return the moments before the first update."""
    xp = namespace(theta)
    step = xp.zeros((), dtype=xp.float64, device=device(theta))
    moments = Moments(step, xp.zeros_like(theta), xp.zeros_like(theta))
    return LargestMoments(*moments, xp.zeros_like(theta)) if config.amsgrad else moments


def direction(
    config: Adaptive, gradient: Array, state: Moments | LargestMoments, theta: Array, lr: ArrayLike
) -> tuple[Array, Moments | LargestMoments]:
    """Return what the adaptive step subtracts from θ, and the moments after it."""
    xp = namespace(theta)
    beta1, beta2 = double(config.beta1), double(config.beta2)
    step = state.step + 1.0
    first = state.first + rounded(1.0 - beta1, theta) * (gradient - state.first)
    second = rounded(beta2, theta) * state.second + rounded(1.0 - beta2, theta) * (gradient * gradient)
    after: Moments | LargestMoments = Moments(step, first, second)
    divides = second
    if isinstance(state, LargestMoments):
        # So written, a NaN is kept.
        divides = xp.where(second <= state.largest, state.largest, second)
        after = LargestMoments(step, first, second, divides)
    rate, eps = double(lr) / bias_correction(beta1, step), rounded(config.eps, theta)
    root = xp.sqrt(bias_correction(beta2, step))
    if config.eps_hat:
        return rounded(rate * root, theta) * quotient(first, xp.sqrt(divides), eps), after
    scaled = quotient(first, xp.sqrt(divides) * rounded(1.0 / root, theta), eps)
    return rounded(rate, theta) * scaled, after


def init(config: Adam, theta: Array) -> Moments | LargestMoments:
    """Return the state before the first update."""
    return no_moments(config, theta)


def update(
    config: Adam, gradient: Array, state: Moments | LargestMoments, theta: Array, lr: ArrayLike
) -> tuple[Array, Moments | LargestMoments]:
    """Return the parameters after one step of rate `lr`, and the state."""
    decayed = with_decay(gradient, theta, config.weight_decay)
    change, state = direction(config, decayed, state, theta, lr)
    return theta - change, state
