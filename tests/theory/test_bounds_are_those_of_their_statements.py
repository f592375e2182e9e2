"""Bounds that hunts do not pin, as slack hides a wrong one, are a second copy of each, from its statement.

Moments are those of `tests.theory.moments`; limits are pinned from both sides. Second copies of the others,
in exact numbers, are in `tests.theory.exact` and `tests.theory.exact_origin`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import Adam, AdamW, HeavyBall, Nesterov, RMSProp
from gradflow.descent.optimisers.registry import init
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.activity import wall_distances
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.theory import origin, tube
from gradflow.theory.after_death import dead_for_ever
from gradflow.theory.b2_of_the_dead import farthest, farthest_in_the_end
from gradflow.theory.hyperactive import RADII, remaining_path
from gradflow.theory.limits import line_limit
from gradflow.theory.signs import path_by_signs, rises_by_signs, trapped_by_signs
from tests.theory.moments import PROBLEMS, moments
from tests.theory.test_gradient_descent_never_leaves_its_trap import largest_rates
from tests.theory.test_trapped_neurons_never_leave import barely

SIDES = [(problem, s) for problem in PROBLEMS.values() for s in problem.slopes if s != 0.0]
EVERY_SIDE = pytest.mark.parametrize(("problem", "s"), SIDES)


def cell_of(problem: Problem, s: float) -> tube.Cell:
    return tube.cell_of(problem, s, 1.0 if s == problem.slopes[1] else -1.0)


def norms(problem: Problem, s: float) -> tuple[float, float]:
    """Return |P₁| and |P₀|."""
    return abs(s), abs(s) * np.sqrt(1.0 + moments(problem).mean_x ** 2)


@EVERY_SIDE
def test_a_tubes_rate(problem: Problem, s: float) -> None:
    # Derivation 14: −λ_min(A) and, within d, Σ 2 v (|P| d (|g| + |P| d/2) + κ |P| d (2 |g| + |P| d)).
    m, kappa, draw = moments(problem), tube.KEPT, np.random.default_rng(1)
    for w1, b1, w2, b2 in draw.normal(0.0, 2.0, (8, 4)):
        slope = m.covariance / m.variance_x
        rho = s * w1 * w2 - slope, s * w2 * (m.mean_x * w1 + b1) + b2 - m.mean
        g = (
            s * np.array([w2, 0.0, w1, 0.0]),
            np.array([s * m.mean_x * w2, s * w2, s * (m.mean_x * w1 + b1), 1.0]),
        )
        bent = np.zeros((2, 4, 4))
        bent[0, 0, 2], bent[1, 0, 2], bent[1, 1, 2] = s, s * m.mean_x, s
        bent += np.swapaxes(bent, 1, 2)
        A, change, d = np.zeros((4, 4)), 0.0, 10.0 ** draw.uniform(-3.0, 0.0)
        for v, r, gradient, P, norm in zip((m.variance_x, 1.0), rho, g, bent, norms(problem, s), strict=True):
            A += 2.0 * v * (r * P + kappa * np.outer(gradient, gradient))
            size = np.linalg.norm(gradient)
            change += 2.0 * v * norm * d * (size + norm * d / 2.0)
            change += 2.0 * v * kappa * norm * d * (2.0 * size + norm * d)
        theta = np.array([w1, b1, w2, b2])[:, None]
        found = tube.divergence(cell_of(problem, s), theta, np.array([d]))[0]
        expected = change - np.linalg.eigvalsh(A)[0]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * np.abs(A).sum())


@EVERY_SIDE
def test_a_tubes_square(problem: Problem, s: float) -> None:
    # k = 2 (1/16 + (9/16) κ/(1 − κ)) (V |P₁|² + |P₀|²).
    first, second = norms(problem, s)
    kappa, variance = tube.KEPT, moments(problem).variance_x
    expected = 2.0 * (1.0 / 16.0 + 9.0 / 16.0 * kappa / (1.0 - kappa)) * (variance * first**2 + second**2)
    assert tube.quadratic(cell_of(problem, s)) == pytest.approx(expected, rel=1e-12)


@EVERY_SIDE
def test_a_tubes_defect_is_that_of_its_curve(problem: Problem, s: float) -> None:
    cell, h = cell_of(problem, s), np.array([0.05])
    control = np.random.default_rng(2).normal(0.0, 1.0, (4, 4, 1))
    at = np.linspace(0.0, 1.0, 501)
    u = 1.0 - at
    curve = np.einsum("kp,kn->np", np.stack([u**3, 3.0 * at * u**2, 3.0 * at**2 * u, at**3]), control[..., 0])
    bends = np.stack([u**2, 2.0 * at * u, at**2])
    speed = np.einsum("kp,kn->np", bends, 3.0 * np.diff(control[..., 0], axis=0)) / h
    most = np.max(np.linalg.norm(speed - tube.descent(cell, curve), axis=0))
    assert most * (1.0 - 1e-9) <= tube.defect(cell, control, h)[0] <= 1.5 * most


@pytest.mark.slow
@EVERY_SIDE
def test_the_largest_rate_of_gradient_descents_trap(problem: Problem, s: float) -> None:
    # Derivation 26: γ = 1 − η Λ(r)/2 and ℓ < r, solved for η at each radius that is tried.
    m = moments(problem)
    theta = np.concatenate(
        [barely(problem, s, 15, ratio=ratio, seed=4) for ratio in (1.05, 1.5, 4.0)], axis=1
    )
    w1, b1, w2, b2 = theta
    matrix = np.array([[m.variance_x, m.mean_x * np.sqrt(m.variance_x)], [0.0, m.mean_x**2 + 1.0]])
    kappa, K = np.linalg.eigvalsh(matrix, "U")
    c = abs(s) * np.sqrt(kappa)
    height = m.mean_x * w1 + b1
    rho1, rho0 = s * w1 * w2 - m.covariance / m.variance_x, s * w2 * height + b2 - m.mean
    root_e = np.sqrt(m.variance_x * rho1**2 + rho0**2)
    most = np.min(np.abs(wall_distances(theta, problem)), axis=0)
    N, out, twice = np.sqrt(m.variance_x * w1**2 + height**2), np.abs(w2), 2.0 * root_e / c
    room = out**2 - twice
    least = np.where(room >= 0.0, out - np.sqrt(np.maximum(room, 0.0)), np.inf)
    best = np.zeros(theta.shape[1])
    for part in RADII:
        r = part * most + (1.0 - part) * np.where(least < most, least, 0.0)
        wide = 2.0 * s**2 * K * (out + r) ** 2 + 2.0 * s**2 * (N + np.sqrt(K) * r) ** 2 + 2.0
        wide += 2.0 * abs(s) * np.sqrt(K) * root_e
        gamma = twice / np.where(r < out, 2.0 * out * r - r**2, out**2)
        best = np.maximum(best, 2.0 * (1.0 - gamma) / wide)
    np.testing.assert_allclose(largest_rates(theta, problem), np.minimum(best, 10.0), rtol=1e-8, atol=1e-12)


RMS = RMSProp(0.02, alpha=0.9, momentum=0.6)
ADAMS = [Adam(0.05, beta1=0.5, beta2=0.9), AdamW(0.1, 0.9, 0.99, weight_decay=0.0), Adam(0.03, amsgrad=True)]


def state_of(config: Any, updates: int, m: np.ndarray, v: float) -> Any:
    """Return a state with these first moments (or buffers) of w1, b1, w2, b2, and one second moment."""
    state = init(config, np.zeros((4, 1)))
    whole, square = np.asarray(m, dtype=float)[:, None], np.full((4, 1), v)
    names = {"first": whole, "buffer": whole, "second": square, "largest": square, "square": square}
    if hasattr(state, "step"):
        state = state._replace(step=np.asarray(float(updates)))
    return state._replace(**{name: value for name, value in names.items() if name in state._fields})


@pytest.mark.parametrize("updates", [1, 4, 500])
@pytest.mark.parametrize("config", [RMS, *ADAMS], ids=str)
def test_how_far_b2_of_the_dead_goes(config: Any, updates: int) -> None:
    # Derivation 34 (1) and (2).
    q, v = 0.3, 0.04
    for y, sign in ((0.02, 1.0), (0.02, -1.0), (40.0, -1.0)):
        if config is RMS:
            end = config.lr / ((1.0 - config.momentum) ** 2 * np.sqrt(1.0 - config.alpha))
            drift, later = config.lr * config.momentum * q / (1.0 - config.momentum), 1.0
        else:
            rho = config.beta1 / np.sqrt(config.beta2)
            later = 1.0 - config.beta1 ** (updates + 1)
            step = config.lr * (1.0 - config.beta1)
            step /= np.sqrt((1.0 - config.beta2) * (1.0 - rho * config.beta1 / np.sqrt(config.beta2)))
            end, drift = step / (1.0 - rho), config.lr * q * rho / ((1.0 - rho) * later * np.sqrt(v))
        assert float(farthest_in_the_end(config)) == pytest.approx(end, rel=1e-12)
        expected = max(y + (drift if sign < 0.0 else 0.0), end / later)
        state = state_of(config, updates, np.array([0.0, 0.0, 0.0, sign * q]), v)
        theta = np.array([[1.0], [-50.0], [1.0], [0.25 + y]])
        assert float(farthest(theta, Problem(), config, state)[0]) == pytest.approx(expected, rel=1e-9)


def ways(config: Any, updates: int, m: float, v: float) -> float:
    """Return D of derivation 12 (8)."""
    if isinstance(config, Adam | AdamW):
        rho, later = config.beta1 / np.sqrt(config.beta2), 1.0 - config.beta1 ** (updates + 1)
        whole, under = config.lr * abs(m) / later, config.eps + (np.sqrt(v) if config.amsgrad else 0.0)
        by_eps = whole * config.beta1 / ((1.0 - config.beta1) * under)
        return float(min(whole * rho / ((1.0 - rho) * np.sqrt(v)), by_eps) if rho < 1.0 else by_eps)
    power = 2 if isinstance(config, Nesterov) else 1
    return float(config.lr * config.momentum**power / (1.0 - config.momentum) * abs(m))


@pytest.mark.parametrize(
    "config",
    [HeavyBall(0.1), Nesterov(0.1, 0.7), RMS, *ADAMS, Adam(0.1, beta1=0.9, beta2=0.5, eps=0.05)],
    ids=str,
)
def test_how_far_the_dead_come_back(config: Any) -> None:
    # At the ends e the way left, −e sgn(m₁) D₁ − sgn(m₂) D₂, just reaches the wall or just does not.
    problem, updates, v = Problem(inputs=Uniform(-1.0, 2.0)), 3, 0.04
    for m1, m2 in ((-0.2, -0.5), (0.4, -0.3), (0.3, 0.2), (-0.6, 0.1)):
        of_w1, of_b1 = (-np.sign(m) * ways(config, updates, m, v) for m in (m1, m2))
        reach = [(end * of_w1, of_b1) for end in (-1.0, 2.0)]
        if isinstance(config, Adam | AdamW):
            most = max(max(a, 0.0) + max(b, 0.0) for a, b in reach)
        else:
            most = max(a + b for a, b in reach)
        state = state_of(config, updates, np.array([m1, m2, 0.0, 0.0]), v)
        for share, expected in ((1.0 + 1e-9, True), (1.0 - 1e-9, False)):
            if most > 0.0:
                theta = np.array([[0.0], [-share * most], [1.0], [0.3]])
                assert bool(dead_for_ever(theta, problem, config, state)[0]) is expected


@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.3, 1.2), (-0.9, 1.0), (1.0, -0.5)])
def test_the_highest_output_of_a_teacher_on_a_sector(slopes: tuple[float, float]) -> None:
    draw, at = np.random.default_rng(3), np.linspace(0.0, 1.0, 2001)
    for wt, bt, vt, ct in draw.normal(0.0, 1.0, (20, 4)):
        teacher = Neuron(wt, bt, vt, ct)
        problem = Problem(teacher, Uniform(-4.0, 3.0), teacher_activation=PiecewiseLinear(*slopes))
        # Seen as it is: w1 > 0 and s w2 > 0.
        view = origin._view(Neuron(np.array([0.5]), 0.1, 2.0, 1.0), problem)
        p1, p2 = np.sort(draw.uniform(-4.0, 3.0, 2))
        x = np.append(p1 + (p2 - p1) * at, np.clip(-bt / wt, p1, p2))
        known = np.max(teacher(x, PiecewiseLinear(*slopes)))
        found = float(origin._highest(np, view, np.array([p1]), np.array([p2]), problem)[0])
        assert known <= found <= known + 1e-12


@EVERY_SIDE
def test_the_box_of_a_best_lines_limit(problem: Problem, s: float) -> None:
    # Derivation 15: the path ℓ bounds |w1|, |b1| and |w2|, each of which bounds |w1| on the curve.
    m, theta = moments(problem), barely(problem, s, 400, ratio=1.5, seed=6)
    box = line_limit(theta, problem)
    if not problem.lo <= 0.0 <= problem.hi:
        assert np.all(np.isnan(box))
        return
    w1, b1, w2, _ = theta
    by_signs = trapped_by_signs(theta, problem)
    path = np.minimum(remaining_path(theta, problem, s), path_by_signs(theta, problem))
    slope, square = m.covariance / m.variance_x, w1**2 + b1**2 - w2**2
    k, side = abs(slope / s), np.sign(s * slope * w2)
    size, shift, out = side * w1, np.abs(b1), np.abs(w2)

    def on_curve(bias: np.ndarray) -> np.ndarray:
        rest = square - bias**2
        return np.asarray(np.sqrt(0.5 * (rest + np.sqrt(rest**2 + 4.0 * k**2))))

    least_shift = np.where(rises_by_signs(theta, problem), shift, np.maximum(shift - path, 0.0))
    no_more = by_signs & (abs(m.mean_x) < 1e-15)
    with np.errstate(divide="ignore"):
        most = [np.where(no_more, size, size + path), on_curve(least_shift), k / np.maximum(out - path, 0.0)]
    least = [size - path, on_curve(shift + path), k / (out + path)]
    ends = []
    for found in (np.min(most, axis=0), np.max(least, axis=0)):
        bias = np.sign(b1) * np.sqrt(np.maximum(square + (k / found) ** 2 - found**2, 0.0))
        weights = side * found, bias, np.sign(w2) * k / found
        ends.append(np.stack([*weights, m.mean - s * weights[2] * (m.mean_x * weights[0] + bias)]))
    known = np.isfinite(box.lower[0])
    assert np.sum(known) > 100
    np.testing.assert_allclose(box.lower[:, known], np.min(ends, axis=0)[:, known], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(box.upper[:, known], np.max(ends, axis=0)[:, known], rtol=1e-7, atol=1e-7)
