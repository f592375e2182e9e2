"""When Adam becomes unstable at a minimum, how fast it then leaves, and when again.

Between spikes the gradient is small, v decays by β2 a step and the preconditioned sharpness grows by
q = β2^(−1/2). ``derivations/20_waiting_and_spikes.py`` proves what is exact in this.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.signal import lfilter

from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.base.checks import dtype_name, integer, number, require_finite
from gradflow.descent.optimisers.adam import Adam, Moments, require_plain
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE
from gradflow.descent.optimisers.registry import update
from gradflow.theory.decay import log_ratio

_LONGEST = 100_000
_SLACK = 1e-14
# A crossing counts after the sharpness was below so much of the limit.
_REARMED = 0.98


_ADAM = Adam(lr=0.01)


class Spike(NamedTuple):
    """One spike of a recorded run; steps count from the run's first.

    Attributes
    ----------
    crossing : int
        The first step at which the preconditioned sharpness is above the limit.
    peak : int
        The step of the largest loss until the next crossing.
    peak_loss : float
        The loss then.
    floor : float
        The smallest loss between the spike before (the record's begin) and the crossing.
    trough : int
        The step of the smallest sharpness until the next crossing.
    trough_sharpness : float
        The sharpness then.
    """

    crossing: int
    peak: int
    peak_loss: float
    floor: float
    trough: int
    trough_sharpness: float


def second_moments(gradients: np.ndarray, beta2: float = 0.999) -> np.ndarray:
    """Return v before each update, from the gradients that the updates see, along the last axis.

    v₀ = 0, v_(k+1) = β2 v_k + (1 − β2) g_k²: what Adam had in a run that recorded every step.

    Parameters
    ----------
    gradients : array, shape (…, K)
        g_k at step k = 0, …, K − 1.

    Returns
    -------
    array, shape (…, K)
    """
    FRACTION.check("beta2", beta2)
    squares = np.asarray(gradients, dtype=np.float64) ** 2
    if squares.shape[-1] == 0:
        return squares
    after = lfilter([1.0 - beta2], [1.0, -beta2], squares, axis=-1)
    return np.concatenate([np.zeros_like(after[..., :1]), after[..., :-1]], axis=-1)


def scaled_sharpness(
    hessian: np.ndarray, second: np.ndarray, step: ArrayLike, beta2: float = 0.999, eps: float = 1e-8
) -> np.ndarray:
    """Return λ_max(P⁻¹ H) of a fixed Hessian, P = diag(√(v/(1 − β2^k)) + ε) at every step.

    Parameters
    ----------
    hessian : array, shape (4, 4)
        H, such as that of the minimum.
    second : array, shape (4, …)
        v, with v + ε > 0.
    step : number or array, shape (…)
        k ≥ 1.
    """
    k = np.asarray(step, dtype=np.float64)
    D = np.sqrt(np.asarray(second) / -np.expm1(k * np.log(beta2))) + eps
    if not np.all(D > 0.0):
        raise ValueError("second: expected v + eps > 0")
    root = np.moveaxis(D, 0, -1) ** -0.5
    scaled = root[..., :, None] * np.asarray(hessian) * root[..., None, :]
    return np.asarray(np.linalg.eigvalsh(scaled)[..., -1])


def steps_to_limit(sharpness: float, limit: float, beta2: float = 0.999, step: float | None = None) -> float:
    """Return a number of steps before which the preconditioned sharpness does not reach the limit.

    The largest n, rounded down, with S q^n √((1 − β2^(k+n))/(1 − β2^k)) ≤ limit, q = β2^(−1/2): without
    gradients and with ε = 0 the limit is reached there, with gradients not earlier (derivation 20, part 5).

    Parameters
    ----------
    sharpness, limit : float
        S at step k, and `gradflow.theory.stability.adam_limit`; positive.
    beta2 : float
        In (0, 1).
    step : float, optional
        k ≥ 1; without it Adam's bias correction is over.

    Returns
    -------
    float
        Not an integer, below the n of exact arithmetic by about 1e-14 of it; 0 if the limit has been passed.

    Raises
    ------
    ValueError
        If a number is not as described.
    """
    FRACTION.check("beta2", beta2)
    if not (sharpness > 0.0 and limit > 0.0 and beta2 > 0.0):
        raise ValueError("sharpness, limit, beta2: expected positive numbers")
    if step is not None and step < 1:
        raise ValueError(f"step: expected a number of updates >= 1, got {step!r}")
    log_beta = float(np.log(beta2))
    # Terms of one sign, each to a few roundings: what is found is rounded down.
    wanted = (1.0 - _SLACK) * float(log_ratio(np, limit, sharpness, np.asarray(limit - sharpness)))

    def grown(n: float) -> float:
        if step is None:
            return -0.5 * n * log_beta
        # (1 − β2^(k+n))/(1 − β2^k) − 1.
        more = np.exp(step * log_beta) * np.expm1(n * log_beta) / np.expm1(step * log_beta)
        return float(-0.5 * n * log_beta + 0.5 * np.log1p(more))

    if wanted <= 0.0:
        return 0.0
    # The correction only makes it earlier.
    low, high = 0.0, -2.0 * wanted / log_beta
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if grown(middle) <= wanted else (low, middle)
    return low


def growth(sharpness: ArrayLike, lr: ArrayLike = 0.01, beta1: ArrayLike = 0.9) -> Array:
    """Return the factor per step of Adam's deviation along the sharpest direction, P frozen.

    The larger modulus of the roots of z² − (1 + β1 − (1 − β1) η S) z + β1 (derivations 16 and 20, part 6).
    """
    FRACTION.check("beta1", beta1)
    NON_NEGATIVE.check("lr", lr)
    xp, (S, lr, beta1) = as_floating((sharpness, lr, beta1))
    trace = xp.abs(1.0 + beta1 - (1.0 - beta1) * lr * S)
    square = trace * trace - 4.0 * beta1
    real = square > 0.0
    largest = 0.5 * (trace + xp.sqrt(xp.where(real, square, xp.zeros_like(square))))
    return xp.where(real, largest, xp.sqrt(beta1) + xp.zeros_like(square))


def amplification(hessian: np.ndarray, second: np.ndarray, neuron: Any, unit: float) -> float:
    """Return ln of the range over which an instability grows: from rounding to g² = v.

    In the coordinates P^(1/2) θ, e is the sharpest direction. Rounding is taken as `unit` times the root of
    Σ P e² θ², and the top is where the mean of g²/v, weighted by e², is 1: there the sharpness stops growing.

    Parameters
    ----------
    hessian : array, shape (4, 4)
        At the minimum.
    second : array, shape (4,)
        v (corrected), positive.
    neuron : Neuron or array, shape (4,)
        The parameters that are rounded.
    unit : float
        The dtype's unit roundoff, such as 2⁻⁵³.
    """
    D = np.sqrt(np.asarray(second, dtype=np.float64))
    root = D**-0.5
    values, vectors = np.linalg.eigh(root[:, None] * np.asarray(hessian) * root[None, :])
    e, top = vectors[:, -1], values[-1]
    highest = 1.0 / (top * np.sqrt(np.sum(e**4 / D)))
    theta = np.array([float(value) for value in neuron])
    rounding = unit * np.sqrt(np.sum(D * e * e * theta * theta))
    return float(np.log(highest / rounding))


def visible_after(
    gain: float, limit: float, lr: float = 0.01, beta1: float = 0.9, beta2: float = 0.999
) -> float:
    """Return how many steps after the crossing a deviation has grown by e^gain, v decaying.

    The smallest n with Σ ln `growth`(limit q^j) ≥ gain, j = 1, …, n: a heuristic, which takes the product of
    frozen factors for the growth.

    Returns
    -------
    float
        An integer; ∞ if it takes more than 100 000 steps.
    """
    j = np.arange(1, _LONGEST + 1)
    grown = np.exp(np.minimum(-0.5 * j * np.log(beta2), 300.0))
    logs = np.cumsum(np.log(np.asarray(growth(limit * grown, lr, beta1))))
    return float(np.searchsorted(logs, gain) + 1) if logs[-1] >= gain else float("inf")


def spikes(sharpness: np.ndarray, loss: np.ndarray, limit: float, *, factor: float = 10.0) -> list[Spike]:
    """Return the crossings of the limit from below that a spike follows.

    Parameters
    ----------
    sharpness, loss : array, shape (K,)
        At every step of a run.
    limit : float
        Of the sharpness.
    factor : float
        A spike's peak is more than so many times its floor.
    """
    S, L = np.asarray(sharpness, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    ups: list[int] = []
    armed = True
    crossed, low = limit < S, _REARMED * limit > S
    for k in map(int, np.flatnonzero(crossed | low)):
        if crossed[k] and armed:
            ups.append(k)
        armed = bool(low[k])
    found: list[Spike] = []
    begin = 0
    for k, end in pairwise([*ups, S.size]):
        floor, peak = float(np.min(L[begin : k + 1])), int(k + np.argmax(L[k:end]))
        trough = int(k + np.argmin(S[k:end]))
        if L[peak] > factor * floor:
            found.append(Spike(k, peak, float(L[peak]), floor, trough, float(S[trough])))
            begin = trough
    return found


def quadratic_run(
    hessian: np.ndarray,
    minimum: np.ndarray,
    second: np.ndarray,
    steps: int,
    config: Adam = _ADAM,
    dtype: str = "float64",
    offset: float = 1e-4,
) -> tuple[np.ndarray, np.ndarray]:
    """Train on ½ (θ − θ*)ᵀ H (θ − θ*) in a dtype, and return sharpness and loss at every step.

    Adam after its bias correction, from v, displaced by `offset` along H's flattest direction. What it does
    is due to H, v and rounding alone.

    Parameters
    ----------
    hessian : array, shape (n, n)
        Symmetric, of any number n ≥ 1 of parameters.
    minimum, second : array, shape (n,)
        θ*, whose size decides the rounding, and v ≥ 0.
    steps : int
        ≥ 1.
    config : Adam
        Without AMSGrad and ε̂.
    dtype : {'float64', 'float32'} or dtype

    Returns
    -------
    sharpness, loss : array, shape (steps,)

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, a number is not finite, v < 0, or an option is on.
    """
    steps, dtype = integer("steps", steps, 1), dtype_name("dtype", dtype)
    offset = number("offset", offset)
    require_plain(config)
    for name, value in (("hessian", hessian), ("minimum", minimum), ("second", second)):
        require_finite(name, value)
    n = np.size(minimum)
    shapes = tuple(np.shape(value) for value in (hessian, minimum, second))
    if n == 0 or shapes != ((n, n), (n,), (n,)):
        raise ValueError(f"hessian, minimum, second: expected shapes (n, n), (n,), (n,), got {shapes}")
    if np.any(np.asarray(second) < 0.0):
        raise ValueError("second: expected numbers >= 0")
    H64 = np.asarray(hessian, dtype=np.float64)
    H, aim = H64.astype(dtype), np.asarray(minimum).astype(dtype)
    theta = aim + (offset * np.linalg.eigh(H64)[1][:, 0]).astype(dtype)
    # So many updates that the bias correction is 1.
    state: Any = Moments(np.asarray(1e9), np.zeros_like(aim), np.asarray(second).astype(dtype))
    moments, losses = np.empty((aim.size, steps)), np.empty(steps)
    for k in range(steps):
        away = theta - aim
        g = H @ away
        moments[:, k], losses[k] = state.second, 0.5 * float(away @ g)
        theta, state = update(config, g, state, theta, config.lr)
    return scaled_sharpness(H64, moments, 1e9, float(config.beta2), float(config.eps)), losses
