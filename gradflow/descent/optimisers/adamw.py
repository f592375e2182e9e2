"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import ArrayLike
from gradflow.descent.optimisers import adam
from gradflow.descent.optimisers.hyper import double

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


def coefficients(config: AdamW, k: int) -> adam.Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    keep = 1.0 - double(config.lr) * double(config.weight_decay)
    return adam.adaptive(config, k)._replace(keep=keep)


init, rule, rule_of = adam.init, adam.rule, adam.rule_of
