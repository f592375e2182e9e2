"""In the end −d ln(L − L∞)/dt is 2λ, λ the least positive eigenvalue at the minimum: hunts for exceptions."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.field import gradient, hessian, loss
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from gradflow.theory.hyperactive import excess, line
from gradflow.theory.rates import minimum_of_balance, rate_on_line, rate_to_teacher
from gradflow.theory.stability import global_minimum

DEFAULT = Problem()
ELSEWHERE = Problem(Neuron(-0.8, 0.3, 1.5, 0.4), Uniform(-1.5, 1.0), (0.1, 1.0))
COUNTS = (pytest.param(400, id="quick"), pytest.param(50_000, id="long", marks=pytest.mark.slow))


def balance(theta: np.ndarray) -> np.ndarray:
    return np.asarray(theta[0] ** 2 + theta[1] ** 2 - theta[2] ** 2)


def flow(theta: np.ndarray, problem: Problem, times: np.ndarray, steps: int) -> np.ndarray:
    """Follow the flow by Runge and Kutta's method, each neuron for its own time."""
    dt = times / steps
    for _ in range(steps):
        first = -gradient(theta, problem)
        second = -gradient(theta + 0.5 * dt * first, problem)
        third = -gradient(theta + 0.5 * dt * second, problem)
        fourth = -gradient(theta + dt * third, problem)
        theta = theta + dt / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
    return theta


def falling(theta: np.ndarray, problem: Problem, above: np.ndarray) -> np.ndarray:
    """Return −d ln(L − L∞)/dt = |∇L|²/(L − L∞)."""
    return np.asarray(np.sum(gradient(theta, problem) ** 2, axis=0) / above)


def eigenvalues(theta: np.ndarray, problem: Problem) -> np.ndarray:
    """Return all eigenvalues of the Hessian, shape (4, n), ascending."""
    H = np.moveaxis(np.asarray(hessian(theta, problem)), (0, 1), (-2, -1))
    return np.moveaxis(np.linalg.eigvalsh(H), -1, 0)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("problem", [DEFAULT, ELSEWHERE], ids=["default", "elsewhere"])
def test_flows_to_the_teacher_fall_at_the_rate_that_their_start_tells(problem: Problem, count: int) -> None:
    rng = np.random.default_rng(count)
    home = np.stack(np.broadcast_arrays(*global_minimum(np.exp(rng.uniform(-1.0, 1.0, count)), problem)))
    start = home + 10.0 ** rng.uniform(-5.0, -2.5, count) * rng.normal(size=(4, count))
    found = eigenvalues(home, problem)
    gap, rate = found[2] - found[1], np.asarray(rate_to_teacher(start, problem))
    assert np.all(gap > 0.05)
    end = flow(start, problem, 9.0 / gap, 160)
    seen = falling(end, problem, np.asarray(loss(end, problem)))
    # No flow is slower; few are faster, those that begin close to where the least eigenvalue plays no part.
    assert np.all(seen > 2.0 * rate * 0.99)
    assert np.mean(seen < 2.0 * rate * 1.01) > 0.98
    # Another start's Q tells another rate.
    assert np.mean(np.abs(seen / (2.0 * np.roll(rate, 1)) - 1.0) > 0.05) > 0.5


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("problem", [DEFAULT, ELSEWHERE], ids=["default", "elsewhere"])
def test_flows_on_the_line_fall_at_the_rate_of_their_end(problem: Problem, count: int) -> None:
    rng, of = np.random.default_rng(count + 1), line(problem)
    w1 = np.exp(rng.uniform(-1.0, 0.7, count)) * rng.choice([-1.0, 1.0], count)
    b1, w2 = np.abs(w1) * rng.uniform(2.0, 4.0, count), of.slope / w1
    there = np.stack([w1, b1, w2, of.mean - w2 * (w1 * of.mean_x + b1)])
    start = there + 10.0 ** rng.uniform(-5.0, -3.0, count) * rng.normal(size=(4, count))
    small, large = eigenvalues(there, problem)[2:]
    gap = large - small
    far = gap > 0.3 * large
    start, times = start[:, far], (9.0 / gap)[far]
    end = flow(start, problem, times, 160)
    rate = np.asarray(rate_on_line(end, problem))
    seen = falling(end, problem, np.asarray(excess(end, problem, 1.0)))
    assert np.all(seen > 2.0 * rate * 0.99)
    assert np.mean(seen < 2.0 * rate * 1.01) > 0.85


def test_the_rates_are_eigenvalues_of_the_hessian() -> None:
    rng = np.random.default_rng(2)
    sample = Problem(inputs=Sample(rng.uniform(-1.0, 2.0, 7)))
    steep = Problem(Neuron(1.0, 0.2, 1.0, 0.0), Uniform(-1.0, 2.0), (0.0, -1.7))
    for problem in (DEFAULT, ELSEWHERE, sample, steep):
        of, s = line(problem), problem.slopes[1]
        w1 = rng.normal(size=200)
        b1, w2 = np.abs(w1) * rng.uniform(2.5, 5.0, 200), of.slope / (s * w1)
        theta = np.stack([w1, b1, w2, of.mean - s * w2 * (w1 * of.mean_x + b1)])
        np.testing.assert_allclose(rate_on_line(theta, problem), eigenvalues(theta, problem)[2], rtol=1e-9)
    dead = np.array([1.0, -3.0, 0.7, 5 / 12])
    assert float(rate_on_line(dead)) == 2.0
    assert np.isnan(rate_on_line(Neuron(1.0, 0.0, 0.5, 0.25)))
    assert np.isnan(rate_on_line(Neuron(1.0, 1.0, 0.5, -0.25)))
    # |x| has a level best line; at w1 = w2 = 0 two of its families meet, and flows fall like powers of t.
    level = Problem(activation=(-1.0, 1.0))
    assert np.isnan(rate_on_line(Neuron(0.0, 1.0, 0.0, 0.5), level))
    assert float(rate_on_line(Neuron(0.0, 1.0, 0.3, 0.2), level)) > 0.0


def test_the_minimum_that_q_leads_to_has_that_q() -> None:
    for problem in (DEFAULT, ELSEWHERE):
        for Q in (-1e6, -3.0, 0.0, 0.5, 1e6):
            end = np.stack(minimum_of_balance(Q, problem))
            assert float(loss(end, problem)) == pytest.approx(0.0, abs=1e-9)
            assert balance(end) == pytest.approx(Q, rel=1e-9, abs=1e-12)
    none = Problem(Neuron(1.0, 5.0, 1.0, 0.0))
    assert np.all(np.isnan(np.stack(minimum_of_balance(0.0, none))))


@pytest.mark.slow
def test_one_run_falls_at_the_number_that_is_stated() -> None:
    run = gf.gradient_flow(Neuron(b2=-0.5), t_end=150.0, rtol=1e-12)
    logs, t = np.log(run["loss"].values), run["time"].values
    late = (t > 60.0) & (t < 120.0)
    slope = np.polyfit(t[late], logs[late], 1)[0]
    assert slope == pytest.approx(-2.0 * 0.101808, rel=1e-3)
    assert -0.5 * slope == pytest.approx(float(rate_to_teacher(Neuron(b2=-0.5))), rel=1e-3)


def test_under_long_steps_the_start_does_not_tell_the_rate() -> None:
    """The hypothesis that fails: Q is kept by the flow, not by steps."""
    rng = np.random.default_rng(4)
    w1, b1, w2, b2 = rng.uniform(0.3, 2.0, (4, 400))
    start = Neuron(w1, b1 - 0.9, w2, b2 - 0.9)
    run = gf.train_arrays(start, DEFAULT, gf.GD(0.6), 300, record_every=20, events=False)
    L, theta = np.asarray(run.loss), np.asarray(run.final)
    learned = (L[10] < 1e-8) & (L[-1] > 1e-28)
    assert np.sum(learned) > 50
    seen = ((1.0 - np.sqrt(L[11] / L[10]) ** (1.0 / 20.0)) / 0.6)[learned]
    by_start, by_end = (np.asarray(rate_to_teacher(at, DEFAULT))[learned] for at in (np.stack(start), theta))
    assert np.mean(np.abs(seen / by_end - 1.0) < 0.02) > 0.9
    assert np.mean(np.abs(seen / by_start - 1.0) > 0.02) > 0.3


def test_any_array_library() -> None:
    strict = pytest.importorskip("array_api_strict")
    start = np.random.default_rng(6).normal(size=(4, 20))
    for rate in (rate_to_teacher, rate_on_line):
        found = np.from_dlpack(rate(strict.asarray(start), ELSEWHERE))
        np.testing.assert_array_equal(found, rate(start, ELSEWHERE))
