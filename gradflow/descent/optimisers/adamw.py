"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike
from gradflow.descent.optimisers import adam
from gradflow.descent.optimisers.hyper import double, rounded

LIMITS = adam.LIMITS


class AdamW(NamedTuple):
    """AdamW [1]_, as in ``torch.optim.AdamW``: `Adam` without λ in its moments, after θ ← (1 − η λ) θ.

    Parameters
    ----------
    lr : number or array
        η ≥ 0.
    beta1, beta2 : number or array
        In [0, 1): the decay of the mean and of the mean square.
    eps : number or array
        ε ≥ 0, outside the root.
    weight_decay : number or array
        λ ≥ 0. The default is torch's.
    amsgrad, eps_hat : bool
        As in `Adam`.

    Warnings
    --------
    The decay is multiplied by the rate, as in torch and optax: in the paper's Algorithm 2 only the schedule
    multiplies it, so the paper's λ is this η λ.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101.
    """

    lr: ArrayLike = 1e-3
    beta1: ArrayLike = 0.9
    beta2: ArrayLike = 0.999
    eps: ArrayLike = 1e-8
    weight_decay: ArrayLike = 1e-2
    amsgrad: bool = False
    eps_hat: bool = False


def init(config: AdamW, theta: Array) -> adam.Moments | adam.LargestMoments:
    """Return the state before the first update."""
    return adam.no_moments(config, theta)


def update(
    config: AdamW,
    gradient: Array,
    state: adam.Moments | adam.LargestMoments,
    theta: Array,
    lr: ArrayLike,
) -> tuple[Array, adam.Moments | adam.LargestMoments]:
    """Return the parameters after one step of rate `lr`, and the state."""
    keep = rounded(1.0 - double(lr) * double(config.weight_decay), theta)
    change, state = adam.direction(config, gradient, state, theta, lr)
    return keep * theta - change, state
