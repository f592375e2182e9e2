"""Adam, and the moments that it shares with AdamW."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import (
    FLAG,
    FRACTION,
    NON_NEGATIVE,
    Operations,
    corrected,
    divided,
    double,
    root_of,
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

    Examples
    --------
    >>> run = gf.train(gf.Neuron(b2=-1.2), gf.Problem(), gf.Adam(lr=0.01), steps=5000)
    >>> run.outcome_name.item()
    'linear'
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


class Moments(NamedTuple):
    """The number of updates (float64, shape (), on the host), and the two moments, of the shape of θ."""

    step: Array
    first: Array
    second: Array


class LargestMoments(NamedTuple):
    """The `Moments`, and the largest second one so far: the state of AMSGrad."""

    step: Array
    first: Array
    second: Array
    largest: Array


class Coefficients(NamedTuple):
    """λ and 1 − η λ; 1 − β1; β2 and 1 − β2; the rate, the root's scale and ε, bias corrections in them."""

    decay: ArrayLike
    keep: ArrayLike
    first: ArrayLike
    second: ArrayLike
    square: ArrayLike
    rate: ArrayLike
    scale: ArrayLike
    eps: ArrayLike


def init(config: Any, theta: Array) -> Moments | LargestMoments:
    """Return the moments before the first update."""
    zeros = namespace(theta).zeros_like
    # The count stays on the host, whatever the arrays are.
    moments = Moments(np.zeros(()), zeros(theta), zeros(theta))
    return LargestMoments(*moments, zeros(theta)) if config.amsgrad else moments


def coefficients(config: Adam, k: int) -> Coefficients:
    """Return the numbers of update k = 0, 1, …"""
    return adaptive(config, k)._replace(decay=double(config.weight_decay))


def adaptive(config: Any, k: int) -> Coefficients:
    """Return the numbers of update k without any decay."""
    beta1, beta2 = double(config.beta1), double(config.beta2)
    rate, root = double(config.lr) / corrected(beta1, k + 1), root_of(corrected(beta2, k + 1))
    rate, scale = (rate * root, 1.0) if config.eps_hat else (rate, 1.0 / root)
    return Coefficients(0.0, 1.0, 1.0 - beta1, beta2, 1.0 - beta2, rate, scale, double(config.eps))


def rule(
    ops: Operations, c: Coefficients, gradient: Array, memory: tuple[Array, Array], theta: Array
) -> tuple[Array, tuple[Array, Array]]:
    """Return the parameters after one step, and the moments."""
    g = gradient + c.decay * theta
    first = memory[0] + c.first * (g - memory[0])
    second = c.second * memory[1] + c.square * (g * g)
    step = divided(ops, first, ops.sqrt(second) * c.scale + c.eps)
    return c.keep * theta - c.rate * step, (first, second)


def largest_rule(
    ops: Operations, c: Coefficients, gradient: Array, memory: tuple[Array, Array, Array], theta: Array
) -> tuple[Array, tuple[Array, Array, Array]]:
    """Return the parameters after one step of AMSGrad, the moments, and the largest second one."""
    g = gradient + c.decay * theta
    first = memory[0] + c.first * (g - memory[0])
    second = c.second * memory[1] + c.square * (g * g)
    # So written, a NaN is kept.
    largest = ops.where(second <= memory[2], memory[2], second)
    step = divided(ops, first, ops.sqrt(largest) * c.scale + c.eps)
    return c.keep * theta - c.rate * step, (first, second, largest)


def rule_of(config: Any) -> Any:
    """Return the rule of a config."""
    return largest_rule if config.amsgrad else rule
