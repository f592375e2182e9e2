"""Adam after it has come to a best line: how long it is quiet, and where its bursts carry the neuron.

``derivations/28_adam_after_the_end.py`` proves that no minimum holds Adam while ε is small, and derives the
drift. That training follows the drift is a conjecture there; what is computed here is a prediction.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from gradflow.base.arrays import Array, ArrayLike, as_floating, to_numpy
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE
from gradflow.neuron.activity import HYPERACTIVE, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem, require_one
from gradflow.theory.hyperactive import line
from gradflow.theory.stability import adam_limit

SIGNS = np.array([(*signs, 1.0) for signs in product((1.0, -1.0), repeat=3)]).T
"""The ways in which four parameters may swing to and fro together, shape (4, 8)."""

LONGEST = 1e6
"""Drift times to which a neuron is followed; the scale of a neuron of size 1 is 1."""


class Swing(NamedTuple):
    """The oscillation that bursts keep up on average on a best line, and the drift that goes with it.

    Attributes
    ----------
    signs : array, shape (4, …)
        σ: all parameters swing by ± η/a, a = (2 + 2 β1)/(1 − β1), with these signs.
    pulls : array, shape (4, …)
        c = σ (H σ) > 0: the root of Adam's second moment is η c/a on average.
    level : array, shape (…)
        C = σ·H σ, the sum of the pulls, which the drift lowers.
    velocity : array, shape (4, …)
        F: the drift of the parameters in a step is η²/(2 a) F.
    """

    signs: np.ndarray
    pulls: np.ndarray
    level: np.ndarray
    velocity: np.ndarray


def held_from(sharpness: ArrayLike, lr: ArrayLike, beta1: ArrayLike = 0.9) -> Array:
    """Return the ε above which Adam is linearly stable at a minimum, and below which it is not.

    η λ/a, with λ the largest eigenvalue of the loss's Hessian there (`gradflow.theory.stability.sharpness`),
    a = (2 + 2 β1)/(1 − β1): once the second moments have decayed the steps are divided by ε alone.

    Raises
    ------
    ValueError
        If an argument is not allowed.
    """
    NON_NEGATIVE.check("sharpness", sharpness)
    _, (sharpness, limit) = as_floating((sharpness, adam_limit(beta1, lr)))
    return sharpness / limit


def quiet_steps(
    preconditioned: ArrayLike, lr: ArrayLike, beta1: ArrayLike = 0.9, beta2: ArrayLike = 0.999
) -> Array:
    """Return after how many steps without a gradient the preconditioned sharpness reaches Adam's limit.

    It grows by the factor β2^(−1/2) a step (ε = 0, bias corrections passed): 2 ln(a/(η S))/ln(1/β2) steps, 0
    where S is there already.

    Parameters
    ----------
    preconditioned : number or array
        S > 0 now (`gradflow.theory.stability.preconditioned_sharpness`).
    lr, beta1, beta2 : number or array
        Adam's.
    """
    NON_NEGATIVE.check("preconditioned", preconditioned)
    FRACTION.check("beta2", beta2)
    xp, (now, limit, beta2) = as_floating((preconditioned, adam_limit(beta1, lr), beta2))
    with np.errstate(divide="ignore"):
        steps = 2.0 * xp.log(limit / now) / -xp.log(beta2)
    return xp.where(steps > 0.0, steps, xp.zeros_like(steps))


def swing(neuron: Neuron | Array, problem: Problem = Problem()) -> Swing:
    """Return the oscillation and the drift of a hyperactive neuron on a best line.

    With H = 2 (V g₁ g₁ᵀ + g₀ g₀ᵀ), g₁ and g₀ the gradients of slope and level, σ is the choice of signs for
    which C = σ·H σ is largest. F is −∇C/c, projected on the best lines, orthogonally with c as weights.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        On a best line, or as good as.
    problem : Problem
        One problem: the population or a sample.

    Returns
    -------
    Swing
        NaN for neurons that are not hyperactive, or have w2 = 0 and nothing to swing.
    """
    problem = as_problem(problem)
    require_one(problem, "swing")
    theta = np.stack(np.broadcast_arrays(*(to_numpy(part) for part in as_floating(as_neuron(neuron))[1])))
    return _swing(np.where(_swings(theta, problem), theta, np.nan), problem)


def _swings(theta: np.ndarray, problem: Problem) -> np.ndarray:
    return np.asarray((to_numpy(activity(theta, problem)) == HYPERACTIVE) & (theta[2] != 0.0))


def _swing(theta: np.ndarray, problem: Problem) -> Swing:
    s, of = problem.slopes[1], line(problem)
    mean_x, variance = float(of.mean_x), float(of.variance)
    w1, b1, w2, _ = theta
    nothing, one = 0.0 * w1, 1.0 + 0.0 * w1
    g1 = np.stack([s * w2, nothing, s * w1, nothing])
    g0 = np.stack([s * mean_x * w2, s * w2, s * (mean_x * w1 + b1), one])
    ways = [np.einsum("ik,i...->k...", SIGNS, g) for g in (g1, g0)]
    levels = 2.0 * (variance * ways[0] ** 2 + ways[1] ** 2)
    best = np.argmax(np.where(np.isnan(levels), -1.0, levels), axis=0)
    signs = SIGNS[:, best]
    tilt, lift = (np.sum(signs * g, axis=0) for g in (g1, g0))
    pulls = 2.0 * signs * (variance * tilt * g1 + lift * g0)
    of_tilt = s * np.stack([signs[2], nothing, signs[0], nothing])
    of_lift = s * np.stack([mean_x * signs[2], signs[2], mean_x * signs[0] + signs[1], nothing])
    push = -4.0 * (variance * tilt * of_tilt + lift * of_lift) / pulls
    return Swing(signs + nothing, pulls, np.sum(pulls, axis=0), _along(push, pulls, g1, g0))


def _along(push: np.ndarray, pulls: np.ndarray, g1: np.ndarray, g0: np.ndarray) -> np.ndarray:
    """Return the part of a push that changes neither slope nor level."""
    gram = [np.sum(g * other / pulls, axis=0) for g, other in ((g1, g1), (g1, g0), (g0, g0))]
    first, second = (np.sum(g * push, axis=0) for g in (g1, g0))
    det = gram[0] * gram[2] - gram[1] ** 2
    x, y = (gram[2] * first - gram[1] * second) / det, (gram[0] * second - gram[1] * first) / det
    return np.asarray(push - (x * g1 + y * g0) / pulls)


def drift(
    neuron: Neuron | Array, problem: Problem = Problem(), lr: ArrayLike = 0.01, beta1: ArrayLike = 0.9
) -> np.ndarray:
    """Return how far Adam carries the parameters along the best lines in a step, on average, shape (4, …).

    η² (1 − β1)/(4 (1 + β1)) F (`swing`), whatever β2 and ε are; RMSProp without momentum has β1 = 0.
    """
    return np.asarray(_scale(lr, beta1) * swing(neuron, problem).velocity)


def _scale(lr: ArrayLike, beta1: ArrayLike) -> np.ndarray:
    """Return the drift time of a step."""
    NON_NEGATIVE.check("lr", lr)
    FRACTION.check("beta1", beta1)
    rate, memory = (
        np.asarray(to_numpy(value) if hasattr(value, "shape") else value) for value in (lr, beta1)
    )
    return np.asarray(rate**2 * (1.0 - memory) / (4.0 * (1.0 + memory)))


def escape_steps(
    neuron: Neuron | Array, problem: Problem = Problem(), lr: ArrayLike = 0.01, beta1: ArrayLike = 0.9
) -> np.ndarray:
    """Return after how many steps the drift brings the breakpoint to the input, from the first burst on.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        Hyperactive neurons on a best line, with w2 not 0; for others NaN.
    problem : Problem
        One problem.
    lr, beta1 : number or array
        Adam's, which broadcast with the neurons.

    Returns
    -------
    array
        Steps; ∞ where the drift comes to rest before it reaches a wall (or does not within `LONGEST`).
    """
    problem = as_problem(problem)
    require_one(problem, "escape_steps")
    theta = np.stack(np.broadcast_arrays(*(to_numpy(part) for part in as_floating(as_neuron(neuron))[1])))
    flat = theta.reshape(4, -1)
    inside = _swings(flat, problem)
    times = np.array(
        [_time(state, problem) if is_in else np.nan for state, is_in in zip(flat.T, inside, strict=True)]
    )
    return np.asarray(times.reshape(theta.shape[1:]) / _scale(lr, beta1))


def _time(start: np.ndarray, problem: Problem) -> float:
    """Return when the drift F carries a neuron to a wall."""

    def velocity(_: float, theta: np.ndarray) -> np.ndarray:
        return _swing(theta, problem).velocity

    def wall(_: float, theta: np.ndarray) -> float:
        return float(np.min(np.stack([to_numpy(z) for z in end_preactivations(theta, problem)])))

    def rest(_: float, theta: np.ndarray) -> float:
        return float(np.sum(velocity(0.0, theta) ** 2)) - 1e-20

    events = [wall, rest]
    for event in events:
        event.terminal = True  # type: ignore[attr-defined]
    run = solve_ivp(velocity, (0.0, LONGEST), start, rtol=1e-8, atol=1e-10, events=events)
    return float(run.t_events[0][0]) if run.t_events[0].size else np.inf
