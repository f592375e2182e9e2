"""Newton's method finds minima and saddles to rounding, and saddles hold as long as derived."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.field import gradient, hessian
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.theory.saddle import escape_times, negative_directions, search
from gradflow.theory.solve import terminal
from gradflow.theory.waiting import best_outer

SILU = Problem(activation="silu")
SAMPLE = Problem(inputs=grid(100), activation="silu")


def test_the_teacher_is_found_from_nearby() -> None:
    rng = np.random.default_rng(0)
    starts = np.array([1.0, 0.0, 1.0, 0.0])[:, None] + 1e-3 * rng.normal(size=(4, 20))
    for problem in (SILU, SAMPLE):
        found = search(starts, problem)
        assert np.all(found.found)
        assert np.all(np.asarray(found.residual) <= 1e-14)
        np.testing.assert_allclose(
            found.theta, np.array([1.0, 0.0, 1.0, 0.0])[:, None] + 0 * starts, atol=1e-9
        )
        assert not np.any(negative_directions(found))


@pytest.mark.parametrize(
    ("start", "end"), [(1e-200, 1e200), (5e-324, 1.7e308), (1.0, 1.0 + 2.0**-52), (3e-84, 7e-84), (1e-9, 1.0)]
)
def test_escape_times_are_those_of_exact_arithmetic(start: float, end: float) -> None:
    with mpmath.workdps(40):
        gain = mpmath.log(mpmath.mpf(end) / mpmath.mpf(start))
        shortest, longest = float(gain / (1 + mpmath.mpf(0.1))), float(gain / (1 - mpmath.mpf(0.1)))
    found = escape_times(1.0, 0.1, np.array([start, 1.0]), np.array([end, 1.0]))
    np.testing.assert_allclose(found.shortest, [shortest, 0.0], rtol=1e-14)
    np.testing.assert_allclose(found.longest, [longest, 0.0], rtol=1e-14)


def exact_gradient(*theta: mpmath.mpf) -> list[mpmath.mpf]:
    w1, b1, w2, b2 = theta

    def parts(x: mpmath.mpf) -> tuple[mpmath.mpf, ...]:
        z = w1 * x + b1
        s = 1 / (1 + mpmath.exp(-z))
        r = w2 * z * s + b2 - x / (1 + mpmath.exp(-x))
        bent = w2 * s * (1 + z * (1 - s))
        return r * bent * x, r * bent, r * z * s, r

    return [mpmath.quad(lambda x, i=i: parts(x)[i], [-1, 0, 1]) for i in range(4)]


def test_the_other_minimum_is_one() -> None:
    found = search(Neuron(1.9, -3.9, -4.8, -0.3), SILU)
    assert bool(found.found)
    assert int(negative_directions(found)) == 0
    start = [mpmath.mpf(float(value)) for value in np.asarray(found.theta)]
    with mpmath.workdps(20):
        root = mpmath.findroot(exact_gradient, start, tol=1e-30, verify=False)
        assert max(abs(v) for v in exact_gradient(*root)) < 1e-16
    np.testing.assert_allclose(np.asarray(found.theta), [float(v) for v in root], rtol=1e-9)
    assert 1e-6 < float(found.loss) < 1e-4


def test_saddles_with_a_constant_output_are_found() -> None:
    found = search(Neuron(0.1, -1.2, -1.4, -0.3), SILU)
    assert bool(found.found)
    assert int(negative_directions(found)) == 1
    assert float(found.loss) == pytest.approx(0.0881823, rel=1e-5)


def test_what_is_critical_has_the_best_outer_weights() -> None:
    w1, b1 = np.meshgrid(np.linspace(-4, 4, 12), np.linspace(-5, 5, 12))
    found = search(best_outer(w1, b1, SAMPLE), SAMPLE, steps=100)
    assert found.theta.shape == (4, 12, 12)
    assert np.any(found.found)
    assert not np.all(found.found), "some run away"
    theta = np.asarray(found.theta)[:, np.asarray(found.found) & (np.abs(found.theta[0]) > 0.1)]
    np.testing.assert_allclose(best_outer(theta[0], theta[1], SAMPLE), theta, atol=1e-8)


def test_the_search_does_not_climb() -> None:
    rng = np.random.default_rng(1)
    starts = 2.0 * rng.normal(size=(4, 200))
    before = np.linalg.norm(np.asarray(gradient(starts, SAMPLE)), axis=0)
    found = search(starts, SAMPLE, steps=15)
    assert np.all(np.asarray(found.residual) <= before)
    assert np.array_equal(search(starts, SAMPLE, steps=0).theta, starts)
    with pytest.raises(ValueError, match=r"^start: "):
        search(Neuron(np.nan), SAMPLE)


def test_a_saddle_is_left_between_the_bounds() -> None:
    rng = np.random.default_rng(2)
    many, steps = 100_000, 40
    rate, error = rng.exponential(1.0, many), rng.exponential(0.3, many)
    start = 10.0 ** rng.uniform(-8, 0, many)
    # u′ = (μ + κ c) u with c in [−1, 1], constant on each of some intervals.
    spans, signs = rng.exponential(0.2, (steps, many)), rng.uniform(-1, 1, (steps, many))
    time = np.sum(spans, axis=0)
    log_gain = np.sum((rate + error * signs) * spans, axis=0)
    grew = log_gain > 0.0
    bounds = escape_times(rate[grew], error[grew], start[grew], start[grew] * np.exp(log_gain[grew]))
    assert np.all(bounds.shortest <= time[grew] * (1 + 1e-9))
    assert np.all(time[grew] <= bounds.longest * (1 + 1e-9))
    # Errors larger than stated break it.
    smaller = escape_times(rate[grew], 0.3 * error[grew], start[grew], start[grew] * np.exp(log_gain[grew]))
    assert np.any((time[grew] < smaller.shortest) | (time[grew] > smaller.longest))
    assert float(escape_times(1.0, 1.0, 1.0, 2.0).longest) == np.inf
    with pytest.raises(ValueError, match=r"^rate, error, start, end: "):
        escape_times(1.0, 0.0, 2.0, 1.0)


def test_a_saddle_of_the_loss_is_left_between_the_bounds() -> None:
    saddle = np.asarray(search(Neuron(0.1, -1.2, -1.4, -0.3), SILU).theta)
    values, vectors = np.linalg.eigh(np.asarray(hessian(saddle, SILU)))
    e, rate = vectors[:, 0], -values[0]
    small = 1e-6

    @terminal
    def reaches(_: float, y: np.ndarray) -> float:
        return float(e @ (y - saddle)) - 100.0 * small

    run = solve_ivp(
        lambda _, y: -np.asarray(gradient(y, SILU)),
        (0.0, 200.0),
        saddle + small * e,
        rtol=1e-11,
        atol=1e-14,
        events=reaches,
    )
    # |θ − θ*| stays below 2 u and 2e-4. The Lipschitz constant is twice the largest quotient of many.
    away = run.y - saddle[:, None]
    radius = 2e-4
    assert np.all(np.linalg.norm(away, axis=0) <= np.minimum(2.0 * (e @ away), radius))
    near = saddle[:, None, None] + radius * np.random.default_rng(3).uniform(-0.5, 0.5, (4, 2, 300))
    H = np.asarray(hessian(near, SILU))
    sizes = np.linalg.norm(H[:, :, 0] - H[:, :, 1], ord=2, axis=(0, 1))
    lipschitz = 2.0 * float(np.max(sizes / np.linalg.norm(near[:, 0] - near[:, 1], axis=0)))
    bounds = escape_times(rate, lipschitz * 2.0 * radius / 2.0, small, 100.0 * small)
    assert bounds.shortest <= run.t[-1] <= bounds.longest
    assert float(bounds.longest / bounds.shortest) < 1.3


def test_starts_whose_gradient_overflows_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^start: expected numbers between -1e\+30 and 1e\+30, got a larger one"
    ):
        search([1e200, 1.0, 1.0, 1.0])
    assert not search([1e30, 1.0, 1.0, 1.0]).found
