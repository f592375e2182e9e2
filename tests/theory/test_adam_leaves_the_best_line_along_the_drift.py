"""No minimum holds Adam while ε is small, and bursts carry a neuron along the best lines as derived."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import Adam, RMSProp, train_arrays
from gradflow.descent.optimisers.registry import init, update
from gradflow.field import gradient, hessian, loss
from gradflow.neuron.activity import HYPERACTIVE, activity, breakpoint_position
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.after_the_end import drift, escape_steps, held_from, quiet_steps, swing
from gradflow.theory.stability import global_minimum, preconditioned_sharpness, sharpness

PROBLEMS = {
    "default": Problem(),
    "off centre": Problem(Neuron(0.8, 0.3, -1.5, 0.1), Uniform(-0.7, 2.3)),
    "sample": Problem(inputs=grid(50)),
    "slope 2": Problem(activation="slopes=0,2"),
}
LINE = 1.0 / 48.0
START = Neuron(1.0, 0.0, 1.0, -1.18)


def on_best_lines(problem: Problem, n: int, seed: int, sign: float | None = None) -> np.ndarray:
    """Return hyperactive neurons on the best line."""
    from gradflow.theory.hyperactive import line

    draw, of, s = np.random.default_rng(seed), line(problem), problem.slopes[1]
    side = np.sign(draw.normal(size=n)) if sign is None else sign * np.ones(n)
    w1 = side * np.exp(draw.normal(0.0, 0.7, n))
    w2 = float(of.slope) / (s * w1)
    reach = -np.minimum(w1 * float(problem.lo), w1 * float(problem.hi))
    b1 = reach + np.exp(draw.normal(-1.0, 1.0, n))
    b2 = float(of.mean) - s * w2 * (w1 * float(of.mean_x) + b1)
    return np.stack([w1, b1, w2, b2])


def shaken(theta: np.ndarray, config: Any, steps: int, noise: float = 1e-14) -> tuple[np.ndarray, np.ndarray]:
    """Train with a little noise in the gradient; return when each first moves, and first has a kink (−1)."""
    draw, state, begin = np.random.default_rng(0), init(config, theta), theta
    moved, bent = (np.full(theta.shape[1], -1) for _ in range(2))
    for k in range(steps):
        if np.all(bent >= 0):
            break
        pull = gradient(theta) + noise * draw.standard_normal(theta.shape)
        theta, state = update(config, pull, state, theta)
        for found, now in (
            (moved, np.max(np.abs(theta - begin), axis=0) > 1e-4),
            (bent, np.abs(breakpoint_position(theta)) < 1.0),
        ):
            found[(found < 0) & now] = k
    return moved, bent


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_swing_is_an_eigenvector_of_the_true_hessian(name: str) -> None:
    problem = PROBLEMS[name]
    theta = on_best_lines(problem, 2000, 0)
    assert np.all(activity(theta, problem) == HYPERACTIVE)
    found, H = swing(theta, problem), np.moveaxis(np.asarray(hessian(theta, problem)), (0, 1), (-2, -1))
    turned = np.einsum("nij,jn->in", H, found.signs)
    np.testing.assert_allclose(found.signs * turned, found.pulls, rtol=1e-9, atol=1e-9)
    assert np.all(found.pulls > 0.0)
    # No other signs give a higher level.
    draw = np.sign(np.random.default_rng(1).normal(size=(4, 50, 2000)))
    others = np.einsum("ikn,nij,jkn->kn", draw, H, draw)
    assert np.all(others <= found.level * (1.0 + 1e-12) + 1e-12)
    if name == "default":
        # Then P⁻¹ H has no larger eigenvalue than that of the swing.
        root = 1.0 / np.sqrt(found.pulls)
        values = np.linalg.eigvalsh(root.T[:, :, None] * H * root.T[:, None, :])
        np.testing.assert_allclose(values[:, -1], 1.0, rtol=1e-9)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_drift_keeps_the_line_and_lowers_the_level(name: str) -> None:
    problem = PROBLEMS[name]
    theta = on_best_lines(problem, 100_000 if name == "default" else 5000, 2)
    found = swing(theta, problem)
    speed = np.sqrt(np.sum(found.velocity**2, axis=0))
    h = 1e-5 / speed
    after = theta + h * found.velocity
    assert np.all(np.asarray(loss(after, problem) - loss(theta, problem)) <= 1e-8 * found.level)
    slope = (swing(after, problem).level - swing(theta - h * found.velocity, problem).level) / (2.0 * h)
    np.testing.assert_allclose(slope, -np.sum(found.pulls * found.velocity**2, axis=0), rtol=1e-3, atol=1e-3)


def test_the_mean_of_the_loss_over_the_swing_is_that_of_the_level() -> None:
    theta = on_best_lines(Problem(), 500, 3)
    found, size = swing(theta), 1e-3
    here = theta[1] - np.abs(theta[0]) > 0.01
    mean = 0.5 * (loss(theta + size * found.signs) + loss(theta - size * found.signs)) - LINE
    np.testing.assert_allclose(mean[here], 0.5 * size**2 * found.level[here], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_adam_is_held_by_no_minimum_below_this_epsilon(beta1: float) -> None:
    ends = {
        "line": np.array([0.6, 0.9, 0.5 / 0.6, 0.25 - 0.9 * 0.5 / 0.6]),
        "teacher": np.array(global_minimum(1.3)),
        "dead": np.array([1.0, -3.0, 1.0, 0.25]),
    }
    for theta in ends.values():
        least = float(held_from(sharpness(theta), 0.02, beta1))
        for factor, leaves in ((0.7, True), (1.25, False)):
            config = Adam(0.02, beta1, 0.999, eps=factor * least)
            away = theta + 1e-9 * np.array([1.0, 0.7, 1.3, 0.9])
            # From rest: later, with moments that are 0 and bias corrections that are 1.
            state = init(config, away)._replace(step=np.asarray(1e6))
            farthest = 0.0
            for _ in range(1000):
                away, state = update(config, gradient(away), state, away)
                farthest = max(farthest, float(np.max(np.abs(away - theta))))
            assert (farthest > 1e-5) == leaves


def test_the_quiet_time_is_when_the_sharpness_reaches_the_limit() -> None:
    theta, v = np.array([0.6, 0.9, 0.8, -0.5]), np.array([1e-5, 3e-5, 2e-5, 4e-5])
    now = preconditioned_sharpness(theta, Problem(), v, 1e6, eps=0.0)
    steps = float(quiet_steps(now, 0.01))
    assert steps > 100.0
    later = preconditioned_sharpness(theta, Problem(), v * 0.999**steps, 1e6, eps=0.0)
    assert float(later) == pytest.approx(3800.0, rel=1e-9)
    assert quiet_steps(1e5, 0.01) == 0.0


def test_a_run_has_the_predicted_second_moment_and_speed() -> None:
    # From the post's start, after the first burst (step 10 272) and before the breakpoint comes to the input.
    config = Adam(0.01)
    run = train_arrays(START, Problem(), config, 15_000, events=False, state=True)
    np.testing.assert_allclose(run.final[0] * run.final[2], 0.5, atol=1e-2)
    ratio = np.sqrt(run.state.second) * 38.0 / 0.01 / swing(run.final).pulls
    # Between two bursts, some 540 steps apart, all roots fall by the factor 0.999^270 together.
    np.testing.assert_allclose(ratio, np.mean(ratio), rtol=0.02)
    assert 0.999**135 < np.mean(ratio) < 0.999**-135
    # The mean speed over ten bursts, and the steps from the first one to the input.
    run = train_arrays(START, Problem(), config, 17_000, record_every=10, events=False)
    steps, theta = np.asarray(run.steps), np.asarray(run.theta)
    while_bursting = (steps >= 10_500) & (steps <= 15_800)
    some = theta[while_bursting]
    speed = np.polyfit(steps[while_bursting], some, 1)[0]
    np.testing.assert_allclose(speed, drift(np.mean(some, axis=0)), rtol=0.1)
    inside = steps[np.abs(breakpoint_position(theta.T)) < 1.0]
    arrived = float(inside[inside > 5000][0])
    assert arrived - 10_272 == pytest.approx(float(escape_steps(theta[steps == 5000][0])), rel=0.15)


def late_enough(rate: float, beta1: float) -> tuple[np.ndarray, np.ndarray]:
    """Return twenty neurons that come to the input after some thousand steps, and after how many."""
    theta = on_best_lines(Problem(), 400, 5, sign=1.0)
    expected = escape_steps(theta, Problem(), rate, beta1)
    some = (expected > 2000.0) & (expected < 7000.0)
    return theta[:, some][:, :20], expected[some][:20]


ADAMS = (Adam(0.05), Adam(0.05, beta2=0.99), Adam(0.05, eps=1e-4), Adam(0.04, beta1=0.5))


@pytest.mark.slow
def test_neurons_come_to_the_input_when_predicted() -> None:
    # Adams of all kinds take their steps together.
    groups = [late_enough(config.lr, config.beta1) for config in ADAMS]
    lr, beta1, beta2, eps = (
        np.repeat([getattr(config, name) for config in ADAMS], 20) for name in ("lr", "beta1", "beta2", "eps")
    )
    theta = np.concatenate([group[0] for group in groups], axis=1)
    moved, bent = shaken(theta, Adam(lr, beta1, beta2, eps), 20_000)
    expected = np.concatenate([group[1] for group in groups])
    assert np.all(bent > 0)
    ratio = ((bent - moved) / expected).reshape(len(ADAMS), 20)
    assert np.all((np.median(ratio, axis=1) > 0.8) & (np.median(ratio, axis=1) < 1.35))


@pytest.mark.slow
def test_with_rmsprop_they_come_when_predicted() -> None:
    theta, expected = late_enough(0.02, 0.0)
    moved, bent = shaken(theta, RMSProp(0.02), 20_000)
    assert np.all(bent > 0)
    assert 0.8 < np.median((bent - moved) / expected) < 1.35


@pytest.mark.slow
def test_on_the_other_side_none_comes_to_the_input_for_long() -> None:
    theta = on_best_lines(Problem(), 200, 6, sign=-1.0)
    expected = escape_steps(theta, Problem(), 0.05)
    theta = theta[:, expected < 2000.0]
    assert theta.shape[1] > 20
    draw, state, config = np.random.default_rng(0), init(Adam(0.05), theta), Adam(0.05)
    for _ in range(10_000):
        theta, state = update(
            config, gradient(theta) + 1e-14 * draw.standard_normal(theta.shape), state, theta
        )
    # They have come to the wall, and none went on to the teacher.
    assert np.all(loss(theta) > 0.5 * LINE)


@pytest.mark.slow
def test_with_epsilon_large_enough_adam_stays() -> None:
    theta = on_best_lines(Problem(), 50, 7, sign=1.0)
    least = np.max(np.asarray(held_from(sharpness(theta), 0.05)))
    moved, bent = shaken(theta, Adam(0.05, eps=2.0 * float(least)), 4000)
    assert np.all(moved < 0)
    assert np.all(bent < 0)
    moved, _ = shaken(theta, Adam(0.05), 4000)
    assert np.mean(moved > 0) > 0.9


def test_what_is_no_best_line_has_no_drift() -> None:
    assert np.all(np.isnan(drift(Neuron())))
    assert np.isnan(escape_steps(Neuron()))
    assert escape_steps(np.array([0.6, 0.9, 0.8, -0.5])).shape == ()
    with pytest.raises(ValueError, match="lr"):
        drift(Neuron(), lr=-1.0)
    with pytest.raises(ValueError, match="beta1"):
        escape_steps(Neuron(), beta1=1.0)


def test_without_output_weight_there_is_no_swing() -> None:
    # A dead teacher: its best line is a constant, which neurons with w2 = 0 return.
    problem, theta = Problem(Neuron(1.0, -5.0, 1.0, 0.3)), np.array([1.0, 2.0, 0.0, 0.3])
    assert np.all(np.isnan(swing(theta, problem).pulls))
    assert np.all(np.isnan(drift(theta, problem)))
    assert np.isnan(escape_steps(theta, problem))


@pytest.mark.parametrize("name", PROBLEMS)
def test_pulls_are_at_least_the_hessians_diagonal(name: str) -> None:
    theta = on_best_lines(PROBLEMS[name], 2000, 8)
    H = np.asarray(hessian(theta, PROBLEMS[name]))
    diagonal = np.stack([H[i, i] for i in range(4)])
    assert np.all(swing(theta, PROBLEMS[name]).pulls >= diagonal * (1.0 - 1e-9))
