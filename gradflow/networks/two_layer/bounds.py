"""The bounds on early alignment: those of the paper, with its constants, and those of derivations 22 to 25.

All are for the sum of the losses, with the exponential or the logistic loss (whose pull at f = 0 is y), and
balanced neurons. The flow of the mean is n times slower: multiply times by n, divide rates by n. Scales that
floats do not hold are returned as logarithms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expi

from gradflow.networks.two_layer.geometry import Angles, Setting

GAIN = {"exponential": 1.0, "logistic": 0.5 / math.log(2.0)}
"""ρ such that the pull is at least ρ times the loss while y f ≥ 0."""


class LogEpsilon(NamedTuple):
    """ln of the two numbers whose minimum bounds ε in the paper's Theorem 1."""

    first: float
    second: float

    @property
    def least(self) -> float:
        """ln of the largest ε allowed."""
        return min(self.first, self.second)


class Alignment(NamedTuple):
    """Our theorem at finite ε: alignment by `time` for every ε up to exp(log_epsilon).

    Attributes
    ----------
    log_epsilon : float
        ln of the largest ε allowed; −inf if there is none.
    time : float
        By when every neuron is in S_σ or S_dead.
    delta : float
        Bounds X_max Σ v_j² and max|f(x_i)| until then.
    rate : float
        The least λ of a neuron.
    """

    log_epsilon: float
    time: float
    delta: float
    rate: float


# The paper.


def ratio_or_inf(numerator: float, denominator: float) -> float:
    """Return numerator/denominator, inf unless the denominator is positive."""
    return numerator / denominator if denominator > 0.0 else math.inf


def paper_rate(s: Setting) -> float:
    """Return min{ζ, ξ} √μ X_min, the rate of alignment in the paper's bounds."""
    return min(s.zeta, s.xi) * math.sqrt(max(s.mu, 0.0)) * s.x_min


def paper_time(s: Setting) -> float:
    """Return the paper's t1 = 16 log n/(min{ζ, ξ} √μ X_min), which is none for n = 1 (derivation 24, part 6).

    inf for n = 1, or if the denominator is 0.
    """
    return ratio_or_inf(16.0 * math.log(s.n), paper_rate(s)) if s.n > 1 else math.inf


def paper_log_epsilon(s: Setting, first: float = 8.0) -> LogEpsilon:
    """Return ln of the paper's two upper bounds on ε.

    Parameters
    ----------
    s : Setting
    first : float
        The constant in the first bound: 8 as the proof needs it, 4 as printed (derivation 24).
    """
    numerator = min(s.mu, s.zeta, s.xi) * math.sqrt(max(s.mu, 0.0)) * s.x_min
    log_first = math.log(numerator) if numerator > 0.0 else -math.inf
    log_first -= math.log(first * math.sqrt(s.h) * s.n * s.x_max**2 * s.w_max**2)
    second = -0.5 * math.log(s.h) - ratio_or_inf(64.0 * s.n * s.x_max * math.log(s.n), paper_rate(s))
    return LogEpsilon(log_first, second)


def lemma3_log_epsilon(s: Setting) -> float:
    """Return ln of the largest ε of Lemma 3, 1/(4 √h X_max W_max²)."""
    return -math.log(4.0 * math.sqrt(s.h) * s.x_max * s.w_max**2)


def lemma3_time(s: Setting, log_epsilon: float) -> float:
    """Return T = log(1/(√h ε))/(4 n X_max), until which Lemma 3 holds."""
    return -(0.5 * math.log(s.h) + log_epsilon) / (4.0 * s.n * s.x_max)


def lemma3_logs(s: Setting, log_epsilon: float) -> tuple[float, float]:
    """Return ln of Lemma 3's bounds on max‖w_j‖², 2 ε W_max²/√h, and max|f(x_i)|, 2 ε √h X_max W_max²."""
    log_square = math.log(2.0) + log_epsilon + 2.0 * math.log(s.w_max)
    half = 0.5 * math.log(s.h)
    return log_square - half, log_square + half + math.log(s.x_max)


def lemma4(s: Setting, output: float) -> float:
    """Return Lemma 4's bound 2 n X_max max|f| on the distance of a direction's velocity from its limit.

    Parameters
    ----------
    s : Setting
    output : float
        max|f(x_i)|, at most 1.
    """
    if not 0.0 <= output <= 1.0:
        raise ValueError(f"output: Lemma 4 needs max|f| in [0, 1], got {output}")
    return 2.0 * s.n * s.x_max * output


def paper_dwell(s: Setting, active: int) -> float:
    """Return the paper's bound on the time in one pattern, 4/(min{ζ, ξ} √μ X_min n_a)."""
    return ratio_or_inf(4.0, paper_rate(s) * active)


def paper_fit_time(s: Setting, log_epsilon: float, label: int) -> float:
    """Return the paper's bound on t2₊ (label 1) or t2₋ (label −1)."""
    root = math.sqrt(max(s.mu, 0.0)) * s.x_min
    count = s.positives if label == 1 else s.negatives
    first = paper_time(s)
    if root == 0.0 or count == 0 or math.isinf(first):
        return math.inf
    log_ratio = math.log(2.0) - 2.0 * log_epsilon - math.log(root * s.w_min**2)
    return first + (6.0 + 4.0 * (log_ratio + 4.0 * s.n * s.x_max * first)) / (root * count)


def paper_alpha(s: Setting) -> float:
    """Return α = (μ X_min)²/(32 X_max): from t2 on the paper has L(t) ≤ L(t2)/(L(t2) α (t − t2) + 1)."""
    return (max(s.mu, 0.0) * s.x_min) ** 2 / (32.0 * s.x_max)


def paper_log_rank_excess(s: Setting, log_epsilon: float) -> float:
    """Return ln of 4 √h ε W_max², the paper's bound on ‖W‖_F² − 2‖W‖_2²."""
    return math.log(4.0) + 0.5 * math.log(s.h) + log_epsilon + 2.0 * math.log(s.w_max)


# Ours: alignment.


def start_sine(at: Angles, mu: float, *, ratio: np.ndarray | float = 1.0, delta: float = 0.0) -> np.ndarray:
    """Return a lower bound s of min|v|/|v(0)| for every neuron, shape (h,) (derivation 23).

    Parameters
    ----------
    at : Angles
        Of the start.
    mu : float
        Positive.
    ratio : number or array, shape (h,)
        ‖w(0)‖/|v(0)|, at most 1; 1 for balanced neurons.
    delta : float
        A bound on max|f|: the force of a pattern may turn by asin((e^δ − 1)/√μ). 0 in the limit.
    """
    turn = math.asin(min(1.0, math.expm1(delta) / math.sqrt(mu)))
    # Where the angle is at least 90° the cap at 1 has lost it; subtracting from 90° is on the safe side.
    force = np.sin(np.maximum(np.arcsin(np.minimum(at.force, 1.0)) - turn, 0.0))
    # Outside S₋σ the distance is at least μ, whatever rounding does to it.
    whole = np.where(at.opposite, at.cone, np.maximum(at.cone, mu))
    kept = 1.0 - np.square(ratio)

    def with_excess(sine: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(kept + np.square(ratio) * sine * sine))

    return np.where(at.opposite, np.maximum(with_excess(whole), mu * with_excess(force)), with_excess(whole))


def limit_rate(s: Setting, active: np.ndarray | int = 1) -> np.ndarray:
    """Return a lower bound of |G| with at least m = `active` data on, X_min √(m (1 + (m − 1) μ))."""
    return np.asarray(s.x_min * np.sqrt(active * (1.0 + (np.asarray(active) - 1) * s.mu)))


def alignment_time(sine: np.ndarray | float, mu: float, rate: np.ndarray | float) -> np.ndarray:
    """Return [acosh(1/s) + acosh(1/μ)]/rate, by when a neuron is in S_σ or S_dead (derivation 23).

    Parameters
    ----------
    sine : number or array
        s of `start_sine`; inf is returned for 0.
    mu : float
        Positive. It is taken 2⁻⁵⁰ smaller: near 1 the time depends on the root of its rounding.
    rate : number or array
        X_min (or `limit_rate`) in the limit ε → 0; λ of `finite_rate` at finite ε.
    """
    sine = np.asarray(sine, dtype=np.float64)
    zero = sine <= 0.0
    fall = np.arccosh(1.0 / np.where(zero, 1.0, np.minimum(sine, 1.0)))
    rise = math.acosh(1.0 / (min(mu, 1.0) * (1.0 - 2.0**-50)))
    return np.where(zero, math.inf, (fall + rise) / rate)


def alignment_times(s: Setting, at: Angles) -> np.ndarray:
    """Return our bound on the alignment time of each neuron in the limit ε → 0, shape (h,)."""
    if s.mu <= 0.0:
        return np.full(at.cone.shape, math.inf)
    return alignment_time(start_sine(at, s.mu), s.mu, limit_rate(s, np.maximum(at.own, 1)))


def finite_rate(s: Setting, delta: float, active: np.ndarray | int = 1) -> np.ndarray:
    """Return λ, λ² = G_m² e^(−2δ) − 2 n² X_max² e^(2δ) δ, G_m of `limit_rate`; 0 where that is negative."""
    lost = 2.0 * (s.n * s.x_max) ** 2 * math.exp(2.0 * delta) * delta
    return np.asarray(np.sqrt(np.maximum(limit_rate(s, active) ** 2 * math.exp(-2.0 * delta) - lost, 0.0)))


def alignment(s: Setting, at: Angles, delta: float | None = None) -> Alignment:
    """Return up to which ε our theorem holds, and the time (derivation 23).

    ε² Σ‖w0_j‖² X_max exp(2 n X_max e^δ T) ≤ δ, T being the largest [acosh(1/s) + acosh(1/μ)]/λ of a neuron.

    Parameters
    ----------
    s : Setting
    at : Angles
        Of the start, all neurons balanced.
    delta : float, optional
        By default the one that allows the largest ε, to a relative accuracy of about 1e-4.
    """
    if s.mu <= 0.0:
        return Alignment(-math.inf, math.inf, math.nan, 0.0)
    if delta is not None:
        return _alignment(s, at, delta)
    # λ is 0 above δ = G_m²/(2 n² X_max²).
    least = float(np.min(limit_rate(s, np.maximum(at.own, 1))))
    top = math.log(0.5 * (least / (s.n * s.x_max)) ** 2)

    def lost(log_delta: float) -> float:
        value = _alignment(s, at, math.exp(log_delta)).log_epsilon
        return -value if math.isfinite(value) else 1e300

    # A grid first: the time jumps to inf where the force may turn as far as the start's angle.
    grid = np.linspace(top - 60.0, top, 241)
    best = int(np.argmin([lost(value) for value in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(lost, bounds=ends, method="bounded", options={"xatol": 1e-4}).x
    return _alignment(s, at, math.exp(min((found, grid[best]), key=lost)))


def _alignment(s: Setting, at: Angles, delta: float) -> Alignment:
    rates = finite_rate(s, delta, np.maximum(at.own, 1))
    rate = float(np.min(rates))
    if rate == 0.0:
        return Alignment(-math.inf, math.inf, delta, rate)
    time = float(np.max(alignment_time(start_sine(at, s.mu, delta=delta), s.mu, rates)))
    growth = s.n * s.x_max * math.exp(delta) * time
    return Alignment(0.5 * math.log(delta / (s.x_max * s.w_square)) - growth, time, delta, rate)


def dwell(s: Setting, active: int) -> float:
    """Return 2 acosh(1/√min{ζ, ξ})/(√μ X_min n_a): how long a pattern lasts in the limit at most.

    As the paper's, for the neurons whose angles to ± their force keep the sine √min{ζ, ξ} (derivation 24).
    """
    least = min(s.zeta, s.xi)
    if least <= 0.0 or s.mu <= 0.0:
        return math.inf
    return 2.0 * math.acosh(1.0 / math.sqrt(least)) / (math.sqrt(s.mu) * s.x_min * active)


# Ours: after alignment.


def fit_time(s: Setting, log_square: float, target: float, label: int) -> float:
    """Return how long after alignment Σ_{S₊} v_j² (or S₋) takes at most to grow to `target`.

    acosh(√(target/V)) e^δ/|x₊| with δ = X_max target, |x₊| ≥ X_min √(n₊ (1 + (n₊ − 1) μ)) (derivation 25).

    Parameters
    ----------
    s : Setting
    log_square : float
        ln of V = Σ v_j² over S₊ (S₋) when all are aligned.
    target : float
    label : int
        1 or −1.
    """
    count = s.positives if label == 1 else s.negatives
    if count == 0:
        return math.inf
    log_ratio = 0.5 * (math.log(target) - log_square)
    # acosh(e^x) = x + ln(1 + √(1 − e^(−2x))).
    reach = log_ratio + math.log1p(math.sqrt(-math.expm1(-2.0 * log_ratio))) if log_ratio > 0.0 else 0.0
    return reach * math.exp(s.x_max * target) / float(limit_rate(s, count))


def decay_rate(s: Setting, plus: float, minus: float | None = None, gain: float = 1.0) -> float:
    """Return a with L(t) ≤ L(t2)/(1 + a L(t2) (t − t2)): ρ² μ X_min² V, V = Σ v_j² at t2.

    Parameters
    ----------
    s : Setting
    plus, minus : float
        Σ v_j² over S₊ and over S₋ at t2; with both, V = V₊ V₋/(V₊ + V₋), and L is the whole loss. With one, L
        is that label's part of it.
    gain : float
        ρ of `GAIN`.
    """
    size = plus if minus is None else (plus * minus / (plus + minus) if plus + minus > 0.0 else 0.0)
    return gain**2 * max(s.mu, 0.0) * s.x_min**2 * size


def loss_bound(loss: float, rate: float, elapsed: np.ndarray | float) -> np.ndarray:
    """Return L/(1 + a L t)."""
    return np.asarray(loss / (1.0 + rate * loss * np.asarray(elapsed)))


def log_rate(s: Setting, gain: float = 1.0) -> float:
    """Return ρ₀ μ X_min²/X_max, at which li(1/(ρ₀ L₊)) grows at least, from L₊ < 1/ρ₀ on."""
    return gain * max(s.mu, 0.0) * s.x_min**2 / s.x_max


def loss_bound_log(s: Setting, loss: float, elapsed: float, gain: float = 1.0) -> float:
    """Return a bound of order 1/(t log t) on L₊ (L₋), which does not know the network (derivation 25).

    With R = 1/(ρ₀ L₊), ρ₀ = 1 (exponential) or 1/(2 ln 2) (logistic), li R(t) ≥ li R(t2) + ρ₀ μ X_min²/X_max
    (t − t2).

    Parameters
    ----------
    s : Setting
    loss : float
        L₊ at t2, so small that R > 1.
    elapsed : float
        t − t2 ≥ 0.
    gain : float
        ρ₀ of `GAIN`.
    """
    start = -math.log(gain * loss)
    if not start > 0.0:
        raise ValueError(f"loss: expected less than {1.0 / gain:g}, got {loss}")
    wanted = log_rate(s, gain) * elapsed
    if wanted == 0.0:
        return loss

    high = start + 1.0
    while expi(high) - expi(start) < wanted:
        high *= 2.0
    root = brentq(lambda r: expi(r) - expi(start) - wanted, start, high, xtol=1e-13, rtol=1e-13)
    return math.exp(-root) / gain


def rank_bound(square: float, start: float, cosine: float = 0.0) -> float:
    """Return a bound on ‖W‖_F²/‖W‖_2² after alignment: 2/((1 + c)(1 − ‖W(t1)‖_F²/‖W‖_F²)).

    Parameters
    ----------
    square : float
        ‖W(t)‖_F².
    start : float
        ‖W(t1)‖_F², t1 a time when all neurons are aligned, t ≥ t1.
    cosine : float
        c = |cos(W₊v₊, W₋v₋)| at t; 0 is always allowed, and 1 if S₊ or S₋ is empty.
    """
    share = 1.0 - start / square
    return 2.0 / ((1.0 + cosine) * share) if share > 0.0 else math.inf


def conserved(weights: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return WᵀW − vvᵀ of neurons that are all active on the same data, for rows w_j: constant, shape (h, h).

    Its diagonal is 0 for balanced neurons.
    """
    return np.asarray(weights @ weights.T - np.outer(outputs, outputs))
