"""How long a smooth neuron waits while it is close to a line, under the flow and under Adam.

Close to a line, slope and intercept of the output relax fast and the rest moves slowly: what is left is the
flow on the neurons whose regression line is the teacher's. ``derivations/20_waiting_and_spikes.py`` says what
of this is proved. Everything is an average over nodes: the inputs of a sample, or Gauss-Legendre points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.signal import lfilter

from gradflow.base.arrays import to_numpy
from gradflow.base.checks import require_finite
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE
from gradflow.neuron.activations import Activation, Smooth, derivatives
from gradflow.neuron.problem import Neuron, Problem, Sample, as_neuron
from gradflow.theory.solve import terminal

NODES = 64
"""The number of Gauss-Legendre points; enough while the pre-activation spans less than about ten."""

_RTOL, _ATOL = 1e-9, 1e-12
_PROJECTIONS = 100
_MOST_STEPS = 10_000_000


class Nodes(NamedTuple):
    """Inputs, their weights (sum 1), the wanted outputs, and the student's activation."""

    x: np.ndarray
    weights: np.ndarray
    target: np.ndarray
    activation: Activation


class Plateau(NamedTuple):
    """Where a trajectory passes below the best line's loss and where below `level`; NaN where it does not.

    Attributes
    ----------
    entry, exit : float
        The times.
    start, end : array, shape (4,)
        The states then.
    """

    entry: float
    exit: float
    start: np.ndarray
    end: np.ndarray


def nodes(problem: Problem, count: int = NODES) -> Nodes:
    """Return the points whose weighted mean is the problem's expectation.

    Parameters
    ----------
    problem : Problem
        One teacher and one input; a smooth student.
    count : int
        How many points stand for the population.

    Raises
    ------
    ValueError
        If the student, or the teacher of a population, is piecewise linear, or there are several problems.
    """
    if not isinstance(problem.activation, Smooth):
        raise ValueError(f"activation: expected a smooth student, got {problem.activation}")
    if any(np.ndim(value) for value in (*problem.teacher, problem.lo, problem.hi)):
        raise ValueError("problem: expected one teacher and one interval, got arrays of them")
    inputs = problem.inputs
    if isinstance(inputs, Sample):
        x = to_numpy(inputs.x).astype(np.float64)
        given = inputs.weights
        weights = np.full(x.size, 1.0 / x.size) if given is None else to_numpy(given).astype(np.float64)
        if inputs.targets is not None:
            return Nodes(x, weights, to_numpy(inputs.targets).astype(np.float64), problem.activation)
    else:
        if not isinstance(problem.teacher_activation, Smooth):
            raise ValueError(f"teacher_activation: expected a smooth one, got {problem.teacher_activation}")
        at, doubled = np.polynomial.legendre.leggauss(count)
        lo, hi = float(inputs.lo), float(inputs.hi)
        x, weights = 0.5 * (lo + hi) + 0.5 * (hi - lo) * at, 0.5 * doubled
    w1, b1, w2, b2 = (float(value) for value in problem.teacher)
    (out,) = derivatives(problem.teacher_activation, w1 * x + b1, 0)
    return Nodes(x, weights, w2 * out + b2, problem.activation)


def residual(theta: np.ndarray, at: Nodes) -> tuple[np.ndarray, np.ndarray]:
    """Return f − f* at the nodes, shape (n,), and ∂f/∂θ there, shape (4, n), for θ of shape (4,)."""
    w1, b1, w2, b2 = theta
    phi, slope = derivatives(at.activation, w1 * at.x + b1)
    bent = w2 * slope
    return w2 * phi + b2 - at.target, np.stack([bent * at.x, bent, phi, np.ones_like(phi)])


def defect(theta: np.ndarray, problem: Problem | Nodes) -> np.ndarray:
    """Return E r and E[r (x − E x)], r = f − f*: both are 0 iff f and f* have the same regression line.

    Returns
    -------
    array, shape (2,)
    """
    return _constraints(np.asarray(theta, dtype=np.float64), _as_nodes(problem))[0]


def onto_lines(theta: Neuron | np.ndarray, problem: Problem | Nodes, scale: Any = 1.0) -> np.ndarray:
    """Return a neuron near θ without `defect`, by Newton steps along the fast directions.

    Parameters
    ----------
    theta : Neuron or array, shape (4,)
        Where to start.
    problem : Problem or Nodes
        Of a smooth student.
    scale : number or array, shape (4,)
        The diagonal of D, positive: the metric of the preconditioned flow θ′ = −D⁻¹ ∇L.

    Raises
    ------
    ValueError
        If θ or D is not as described, or there is no such neuron near.
    """
    at = _as_nodes(problem)
    here, inverse = _checked(theta, scale)
    for _ in range(_PROJECTIONS):
        wrong, N, _, _ = _constraints(here, at)
        pulled = inverse[:, None] * N
        gram = N.T @ pulled
        if not np.all(np.isfinite(gram)) or np.linalg.cond(gram) > 1e14:
            break
        step = pulled @ np.linalg.solve(gram, wrong)
        here = here - step
        if np.max(np.abs(step)) <= 1e-13 * (1.0 + np.max(np.abs(here))):
            return np.asarray(here)
    raise ValueError("theta: no neuron with the teacher's regression line was found near it")


def slow_velocity(theta: np.ndarray, problem: Problem | Nodes, scale: Any = 1.0) -> np.ndarray:
    """Return the velocity of the flow θ′ = −D⁻¹ ∇L with slope and intercept held.

    θ′ = −(D⁻¹ − D⁻¹ N (Nᵀ D⁻¹ N)⁻¹ Nᵀ D⁻¹) ∇L, where the columns of N are the gradients of E f and E[x f]
    (derivation 20, part 3).

    See Also
    --------
    onto_lines : parameters.
    """
    at = _as_nodes(problem)
    here, inverse = _checked(theta, scale)
    return _held(here, at, inverse)


def predicted_wait(
    theta: Neuron | np.ndarray,
    problem: Problem | Nodes,
    level: float,
    scale: Any = 1.0,
    *,
    longest: float = 1e7,
) -> float:
    """Return the time that the slow flow takes from θ until the loss is `level`.

    Parameters
    ----------
    theta : Neuron or array, shape (4,)
        The state at the plateau's entry; it is first taken `onto_lines`.
    problem : Problem or Nodes
        Of a smooth student.
    level : float
        The loss at which the plateau is over, > 0.
    scale : number or array, shape (4,)
        D; ones for the flow.
    longest : float
        Give up after so long.

    Returns
    -------
    float
        0 if the loss is there already; NaN if it is not reached.

    Raises
    ------
    ValueError
        As `onto_lines`.
    """
    at = _as_nodes(problem)
    _, inverse = _checked(theta, scale)
    start = onto_lines(theta, at, scale)

    @terminal
    def left(_: float, y: np.ndarray) -> float:
        return _loss(y, at) - level

    if left(0.0, start) <= 0.0:
        return 0.0
    run = solve_ivp(
        lambda _, y: _held(y, at, inverse),
        (0.0, longest),
        start,
        method="DOP853",
        rtol=_RTOL,
        atol=_ATOL,
        events=left,
    )
    return float(run.t[-1]) if run.status == 1 else float("nan")


def plateau(neuron: Neuron, problem: Problem | Nodes, level: float, line: float, t_end: float) -> Plateau:
    """Follow the whole flow θ′ = −∇L and note when the loss passes `line` and `level`.

    Parameters
    ----------
    neuron : Neuron
        The start.
    problem : Problem or Nodes
        Of a smooth student.
    level, line : float
        The loss at the plateau's end, and the best line's.
    t_end : float
        How long to look.
    """
    at = _as_nodes(problem)
    start, _ = _checked(neuron, 1.0)

    def above_line(_: float, y: np.ndarray) -> float:
        return _loss(y, at) - line

    @terminal
    def above_level(_: float, y: np.ndarray) -> float:
        return _loss(y, at) - level

    run = solve_ivp(
        lambda _, y: -_gradient(y, at),
        (0.0, t_end),
        start,
        method="LSODA",
        rtol=_RTOL,
        atol=_ATOL,
        events=(above_line, above_level),
    )
    moments = [float(found[0]) if len(found) else float("nan") for found in run.t_events]
    states = [np.asarray(found[0]) if len(found) else np.full(4, np.nan) for found in run.y_events]
    return Plateau(moments[0], moments[1], states[0], states[1])


def least_wait(before: np.ndarray, after: np.ndarray, loss_before: float, loss_after: float) -> float:
    """Return |θ₁ − θ₀|²/(L₀ − L₁), which no gradient flow from θ₀ to θ₁ undercuts (derivation 20, part 2).

    Raises
    ------
    ValueError
        If the loss does not fall.
    """
    if not loss_after < loss_before:
        raise ValueError(f"loss_after: expected less than {loss_before!r}, got {loss_after!r}")
    return float(np.sum((np.asarray(after) - np.asarray(before)) ** 2)) / (loss_before - loss_after)


def updates_of(time: float, lr: float = 0.01, beta2: float = 0.999, step: int | None = None) -> float:
    """Return how many updates of Adam cover a time of the flow θ′ = −V^(−1/2) ∇L while v only decays.

    The smallest n with η Σ √(1 − β2^(k+j)) β2^(−j/2) ≥ time over j = 1, …, n (derivation 20, part 4).

    Parameters
    ----------
    time : float
        Of the flow with the scale √v at update k; not negative.
    lr, beta2 : float
        η > 0 and β2 in (0, 1).
    step : int, optional
        k ≥ 0, for Adam's bias correction; without it the correction is over.

    Returns
    -------
    float
        An integer, or NaN for a NaN and ∞ where it exceeds ten million.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    FRACTION.check("beta2", beta2)
    NON_NEGATIVE.check("lr", lr)
    if not (lr > 0.0 and beta2 > 0.0):
        raise ValueError(f"lr, beta2: expected positive numbers, got {lr!r} and {beta2!r}")
    if step is not None and not step >= 0:
        raise ValueError(f"step: expected an integer >= 0, got {step!r}")
    if np.isnan(time):
        return float("nan")
    if time < 0.0:
        raise ValueError(f"time: expected a number >= 0, got {time!r}")
    if time == 0.0:
        return 0.0
    wanted = np.log(time) - np.log(lr)
    many = 1000
    while many <= _MOST_STEPS:
        j = np.arange(1, many + 1)
        old = np.exp(np.log(beta2) * (j + step)) if step is not None else 0.0 * j
        exponents = -0.5 * j * np.log(beta2)
        # In logarithms, as the sum may overflow: over its last factor it obeys s = β2^(1/2) s + √(1 − …).
        scaled = lfilter([1.0], [1.0, -(beta2**0.5)], np.sqrt(1.0 - old))
        covered = np.log(np.where(scaled > 0.0, scaled, 1e-300)) + exponents
        if covered[-1] >= wanted:
            return float(np.searchsorted(covered, wanted) + 1)
        many *= 10
    return float("inf")


def line_at_infinity(b1: float, w1: float, problem: Problem | Nodes) -> Neuron:
    """Return the neuron (w1, b1, w2, b2) with E[r φ′] = E[r x φ′] = 0, so that ∂L/∂w1 = ∂L/∂b1 = 0.

    As w1 → 0 its loss tends to the best line's and its gradient to 0, where φ′(b1) ≠ 0 (derivation 20, part
    1), while w2 grows like 1/w1: a critical point at infinity for every such b1.

    Raises
    ------
    ValueError
        If w1 is 0 or there is no such neuron.
    """
    at = _as_nodes(problem)
    require_finite("b1, w1", b1, w1)
    if w1 == 0.0:
        raise ValueError("w1: expected a number other than 0, got 0.0")
    phi, slope = derivatives(at.activation, w1 * at.x + b1)
    (centre,) = derivatives(at.activation, np.asarray(b1, dtype=np.float64), 0)
    rise = (phi - centre) / w1
    tests = at.weights * slope * np.stack([np.ones_like(at.x), at.x])
    matrix = tests @ np.stack([rise, np.ones_like(rise)], axis=1)
    if not np.linalg.cond(matrix) < 1e12:
        raise ValueError(f"b1: no such neuron with b1 = {b1!r}: the activation is flat there")
    s, c = np.linalg.solve(matrix, tests @ at.target)
    return Neuron(w1, b1, s / w1, c - s * centre / w1)


def best_outer(w1: np.ndarray, b1: np.ndarray, problem: Problem | Nodes) -> np.ndarray:
    """Return the neurons with the best w2 and b2 for given w1 and b1: there ∂L/∂w2 = ∂L/∂b2 = 0.

    All critical points are among them, but those whose φ(w1 x + b1) is constant on the input.

    Returns
    -------
    array, shape (4, …)
        w2 = 0 where φ(w1 x + b1) is constant.
    """
    at = _as_nodes(problem)
    w1, b1 = np.broadcast_arrays(np.asarray(w1, dtype=np.float64), np.asarray(b1, dtype=np.float64))
    (phi,) = derivatives(at.activation, w1[..., None] * at.x + b1[..., None], 0)
    mean, wanted = phi @ at.weights, float(at.target @ at.weights)
    away = phi - mean[..., None]
    spread = (away * away) @ at.weights
    varies = spread > 1e-28 * (1.0 + mean * mean)
    w2 = np.where(varies, (away * at.target) @ at.weights / np.where(varies, spread, 1.0), 0.0)
    return np.stack([w1, b1, w2, wanted - w2 * mean])


def _as_nodes(problem: Problem | Nodes) -> Nodes:
    return problem if isinstance(problem, Nodes) else nodes(problem)


def _checked(theta: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return θ and the diagonal of D⁻¹."""
    here = np.array([float(value) for value in as_neuron(theta)])
    require_finite("theta", here)
    D = np.broadcast_to(np.asarray(scale, dtype=np.float64), (4,))
    if not np.all(np.isfinite(D) & (D > 0.0)):
        raise ValueError(f"scale: expected positive numbers, got {scale!r}")
    return here, 1.0 / D


def _loss(theta: np.ndarray, at: Nodes) -> float:
    r = residual(theta, at)[0]
    return float(at.weights @ (r * r))


def _gradient(theta: np.ndarray, at: Nodes) -> np.ndarray:
    r, df = residual(theta, at)
    return np.asarray(2.0 * (df @ (at.weights * r)))


def _constraints(theta: np.ndarray, at: Nodes) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the defect, its gradient N of shape (4, 2), and `residual`."""
    r, df = residual(theta, at)
    mean = at.weights @ at.x
    tests = np.stack([at.weights, at.weights * (at.x - mean)], axis=1)
    return r @ tests, df @ tests, r, df


def _held(theta: np.ndarray, at: Nodes, inverse: np.ndarray) -> np.ndarray:
    _, N, r, df = _constraints(theta, at)
    downhill = inverse * (-2.0 * (df @ (at.weights * r)))
    pulled = inverse[:, None] * N
    return np.asarray(downhill - pulled @ np.linalg.solve(N.T @ pulled, N.T @ downhill))
