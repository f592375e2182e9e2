"""A hunt for minima that gradient descent or Adam leaves below the predicted rate, or stays at above it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall, init, train_arrays, update
from gradflow.field import gradient, hessian, loss
from gradflow.neuron.activity import BALANCED, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.energy import limit, reaches_teacher
from gradflow.theory.stability import (
    adam_limit,
    flattest_minimum,
    global_minimum,
    largest_stable_rate,
    preconditioned_sharpness,
    sharpness,
    stable_minima,
)

PROBLEMS = {
    "default": Problem(),
    "to the left": Problem(teacher=Neuron(-1.3, 0.4, 0.7, -0.2)),
    "downwards": Problem(teacher=Neuron(0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "0 outside the input": Problem(Neuron(1.0, -4.0, 0.5, 0.0), Uniform(3.0, 5.0)),
    "leaky": Problem(teacher=Neuron(1.0, 0.2, -1.2, 0.3), activation=(0.2, 1.1)),
}


def minima(w1: np.ndarray, problem: Problem) -> np.ndarray:
    return np.stack(np.broadcast_arrays(*global_minimum(w1, problem)))


def random_problems(n: int, seed: int, slopes: tuple[float, float] = (0.0, 1.0)) -> Problem:
    """Return n teachers and intervals as arrays, each breakpoint inside its interval."""
    rng = np.random.default_rng(seed)
    lo = rng.normal(size=n)
    hi = lo + np.exp(rng.normal(size=n))
    kink = lo + rng.uniform(0.1, 0.9, n) * (hi - lo)
    w1, w2 = np.exp(rng.normal(0.0, 0.7, (2, n))) * rng.choice([-1.0, 1.0], (2, n))
    return Problem(Neuron(w1, -kink * w1, w2, rng.normal(size=n)), Uniform(lo, hi), slopes)


def gram_sharpness(w1: float, problem: Problem) -> float:
    """Return the largest eigenvalue of 2 E[∂f ∂fᵀ] by quadrature, on the side of the input space."""
    wt, bt, vt, _ = (float(value) for value in problem.teacher)
    a = np.sign(wt) * w1
    q, v = -bt / wt, wt * vt / a
    node, weight = np.polynomial.legendre.leggauss(6)
    total = np.zeros((4, 4))
    ends = (float(problem.lo), q, float(problem.hi))
    for left, right in ((ends[0], q), (q, ends[2])):
        x = 0.5 * (left + right) + 0.5 * (right - left) * node
        z = a * (x - q)
        s = np.where(z > 0.0, problem.slopes[1], problem.slopes[0])
        rows = np.stack([v * s * x, v * s, s * z, np.ones_like(x)])
        total += (rows * (0.5 * (right - left) * weight)) @ rows.T
    return float(np.linalg.eigvalsh(2.0 * total / (ends[2] - ends[0]))[-1])


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_the_sharpness_is_that_of_the_gram_matrix(name: str) -> None:
    problem = PROBLEMS[name]
    w1 = np.geomspace(0.05, 20.0, 60)
    np.testing.assert_allclose(loss(minima(w1, problem), problem), 0.0, atol=1e-28)
    expected = [gram_sharpness(float(w), problem) for w in w1]
    np.testing.assert_allclose(sharpness(minima(w1, problem), problem), expected, rtol=1e-11)
    np.testing.assert_allclose(largest_stable_rate(minima(w1, problem), problem), 2.0 / np.array(expected))
    best = flattest_minimum(problem)
    assert float(best.sharpness) <= min(expected)
    fine = float(best.w1) * np.linspace(0.99, 1.01, 201)
    values = [gram_sharpness(float(w), problem) for w in fine]
    assert float(best.sharpness) == pytest.approx(min(values), rel=1e-13)


@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.3, 1.5), (-0.5, 0.8), (0.7, 0.0)])
def test_the_sharpness_is_convex_in_the_square(slopes: tuple[float, float]) -> None:
    n = 30_000
    problem, rng = random_problems(n, 0, slopes), np.random.default_rng(1)
    square = np.exp(rng.normal(0.0, 1.5, (2, n)))
    part = rng.uniform(size=n)
    values = [sharpness(global_minimum(np.sqrt(a), problem), problem) for a in square]
    middle = sharpness(global_minimum(np.sqrt(part * square[0] + (1 - part) * square[1]), problem), problem)
    mixed = part * values[0] + (1 - part) * values[1]
    assert np.all(middle <= mixed * (1.0 + 1e-12))
    # In |w1| itself or in 1/w1² it is not: the claim has a content.
    swapped = sharpness(global_minimum((part / square[0] + (1 - part) / square[1]) ** -0.5, problem), problem)
    root = sharpness(
        global_minimum((part * square[0] ** 2 + (1 - part) * square[1] ** 2) ** 0.25, problem), problem
    )
    assert np.sum((swapped > mixed * (1 + 1e-6)) | (root > mixed * (1 + 1e-6))) > 0


def interval_holds(n: int, slopes: tuple[float, float]) -> None:
    problem, rng = random_problems(n, 2, slopes), np.random.default_rng(3)
    best = flattest_minimum(problem)
    rate = 2.0 / best.sharpness * rng.uniform(0.02, 1.1, n)
    found = stable_minima(problem, rate)
    none = np.isnan(found.least)
    assert np.array_equal(none, rate > 2.0 / best.sharpness)
    assert 0.03 < np.mean(none) < 0.2
    w1 = best.w1 * np.exp(rng.normal(0.0, 1.0, n))
    value = sharpness(global_minimum(w1, problem), problem)
    assert np.all(value >= best.sharpness * (1.0 - 1e-12))
    stable = value <= 2.0 / rate
    inside = ~none & (found.least <= w1) & (w1 <= found.largest)
    clear = np.abs(value * rate / 2.0 - 1.0) > 1e-10
    assert np.array_equal(stable[clear], inside[clear])
    assert min(np.sum(inside), np.sum(~inside)) > n // 10
    for end in found:
        at_end = sharpness(global_minimum(end[~none], _some(problem, ~none)), _some(problem, ~none))
        np.testing.assert_allclose(at_end * rate[~none], 2.0, rtol=1e-10)


@pytest.mark.some(1)
@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.3, 1.5), (-0.5, 0.8)])
def test_the_stable_minima_are_the_interval(slopes: tuple[float, float]) -> None:
    interval_holds(3000, slopes)


@pytest.mark.slow
@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.3, 1.5), (-0.5, 0.8)])
def test_the_stable_minima_of_many_are_the_interval(slopes: tuple[float, float]) -> None:
    interval_holds(12_000, slopes)


def _some(problem: Problem, where: np.ndarray) -> Problem:
    teacher = Neuron(*(np.asarray(value)[where] for value in problem.teacher))
    return Problem(teacher, Uniform(problem.lo[where], problem.hi[where]), problem.slopes)


@pytest.mark.some(2)
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_gradient_descent_stays_below_the_rate_and_leaves_above(name: str) -> None:
    problem = PROBLEMS[name]
    middle = float(flattest_minimum(problem).w1)
    start = minima(middle * np.geomspace(0.3, 3.0, 41), problem)
    rate = largest_stable_rate(start, problem)
    moved = start + 1e-6 * np.random.default_rng(4).normal(size=start.shape)
    run = train_arrays(moved, problem, GD(0.99 * rate), 4000, events=False)
    assert np.max(np.abs(run.final - start)) < 1e-4
    assert np.all(run.loss[-1] < 1e-18 * (1.0 + rate**-2))
    run = train_arrays(moved, problem, GD(1.01 * rate), 4000, events=False, record_every=20)
    away = np.max(np.abs(run.theta - start), axis=(0, 1))
    assert np.all(away > 1e-3)
    # Those that come to rest again do so at a flatter minimum.
    rested = ~run.diverged & (run.loss[-1] < 1e-20) & (activity(run.final, problem) == BALANCED)
    ends = sharpness(run.final, problem)[rested]
    assert np.all(1.01 * rate[rested] * ends <= 2.0 * (1.0 + 1e-6))
    # Where the input is far from 0 the Hessian's condition number asks for more steps.
    assert np.sum(rested) > 5 or name == "0 outside the input"


def leaves(theta: np.ndarray, rate: float, stretches: int) -> np.ndarray:
    """Return which neurons' losses have grown a hundredfold after some stretches of 4000 steps."""
    first, gone = loss(theta), np.zeros(theta.shape[1], dtype=bool)
    for _ in range(stretches):
        if np.all(gone):
            break
        run = train_arrays(theta, Problem(), GD(rate), 4000, events=False, record_every=400)
        theta, gone = run.final, gone | (np.max(run.loss, axis=0) > 100.0 * first)
    return gone


def ends_at_minima(n: int, rates: tuple[float, ...], steps: int) -> None:
    theta = np.random.default_rng(5).normal(size=(4, n))
    for rate in rates:
        run = train_arrays(theta, Problem(), GD(rate), steps, events=False)
        ended = ~run.diverged & (run.loss[-1] < 1e-20)
        value = sharpness(run.final)
        assert np.sum(ended) > n // 10
        too_sharp = ended & (rate * value > 2.0 * (1.0 + 1e-6))
        ended &= ~too_sharp
        interval = stable_minima(Problem(), rate)
        w1 = run.final[0, ended]
        assert np.all((w1 > interval.least * (1 - 1e-6)) & (w1 < interval.largest * (1 + 1e-6)))
        # Near the bound rounding can hold a run where its gradient is 0; displaced by 1e-9 it leaves.
        assert np.sum(too_sharp) < 1e-3 * np.sum(ended)
        calm = ended & (rate * value < 1.99) & (np.cumsum(ended) < 200)
        assert np.all(leaves(run.final[:, too_sharp] + 1e-9, rate, 10))
        assert not np.any(leaves(run.final[:, calm] + 1e-9, rate, 1))
        # The bound is attained: some end just below it.
        assert np.max(rate * value[ended]) > 1.95


@pytest.mark.slow
def test_no_run_ends_at_a_minimum_that_is_too_sharp() -> None:
    ends_at_minima(10_000, (0.3, 0.5), 2500)


@pytest.mark.slow
def test_no_run_of_many_ends_at_a_minimum_that_is_too_sharp() -> None:
    ends_at_minima(100_000, (0.2, 0.3, 0.5, 0.65), 4000)


def test_the_flow_ends_at_sharper_minima() -> None:
    rng = np.random.default_rng(10)
    theta = minima(np.exp(rng.uniform(-1.5, 2.0, 20_000)), Problem())
    theta = theta + 0.1 * rng.normal(size=theta.shape)
    theta = theta[:, reaches_teacher(theta)]
    # Q decides where the flow ends.
    flow_ends, rate = sharpness(limit(theta)), 0.3
    run = train_arrays(theta, Problem(), GD(rate), 3000, events=False)
    ended = ~run.diverged & (run.loss[-1] < 1e-20)
    ends = sharpness(run.final)
    assert np.all(rate * ends[ended] <= 2.0 * (1.0 + 1e-6))
    too_sharp = ended & (rate * flow_ends > 2.0)
    assert np.sum(too_sharp) > 300
    assert np.all(ends[too_sharp] < flow_ends[too_sharp])


def test_above_the_flattest_no_run_ends_at_a_global_minimum() -> None:
    theta = np.random.default_rng(6).normal(size=(4, 5000))
    rate = 1.01 * 2.0 / float(flattest_minimum().sharpness)
    run = train_arrays(theta, Problem(), GD(rate), 3000, events=False)
    assert not np.any(~run.diverged & (run.loss[-1] < 1e-20))
    below = train_arrays(theta, Problem(), GD(0.97 / 1.01 * rate), 3000, events=False)
    assert np.sum(~below.diverged & (below.loss[-1] < 1e-20)) > 500


def test_the_roots_of_momentum_are_inside_up_to_the_limit() -> None:
    n, rng = 100_000, np.random.default_rng(7)
    beta, rate = rng.uniform(0.0, 0.999, n), np.exp(rng.normal(size=n))
    bound = adam_limit(beta, rate)
    share = np.exp(rng.normal(0.0, 1.0, n))
    middle = 1.0 + beta - (1.0 - beta) * rate * share * bound
    companion = np.stack([np.stack([middle, -beta], -1), np.stack([1.0 + 0.0 * beta, 0.0 * beta], -1)], -2)
    radius = np.max(np.abs(np.linalg.eigvals(companion)), axis=-1)
    clear = np.abs(share - 1.0) > 1e-6
    assert np.array_equal((radius < 1.0)[clear], (share < 1.0)[clear])
    assert float(adam_limit(0.9, 0.01)) == pytest.approx(3800.0)
    assert adam_limit(0.9, 0.0) == np.inf


@pytest.mark.some(1)
@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_a_frozen_preconditioner_has_its_limit(beta1: float) -> None:
    rng = np.random.default_rng(8)
    start = minima(np.geomspace(0.3, 4.0, 40), Problem())
    second, eps = np.exp(rng.normal(0.0, 2.0, start.shape)), 1e-3
    value = preconditioned_sharpness(start, Problem(), second, 3.0, 0.99, eps)
    D = np.sqrt(second / (1.0 - 0.99**3)) + eps
    product = np.moveaxis(hessian(start) / D[:, None], (0, 1), (-2, -1))
    np.testing.assert_allclose(value, np.max(np.linalg.eigvals(product).real, axis=-1), rtol=1e-10)
    for factor, stays in ((0.99, True), (1.01, False)):
        # The rate at which this eigenvalue is that part of the limit.
        rate = factor * adam_limit(beta1, 1.0) / value
        theta = start + 1e-6 * rng.normal(size=start.shape)
        m, away = np.zeros_like(theta), np.zeros(start.shape[1])
        for _ in range(1200):
            m = beta1 * m + (1.0 - beta1) * gradient(theta)
            # Once it has left, what it does is nothing to us.
            theta = np.where(away > 1e-3, start, theta - rate * m / D)
            away = np.maximum(away, np.max(np.abs(theta - start), axis=0))
        assert np.all((away < 1e-3) == stays)
        if stays:
            assert np.all(away < 1e-4)


def onsets(w1: np.ndarray, config: Any, steps: int, seed: int) -> np.ndarray:
    """Return η λ_max(P⁻¹ H) over the limit when Adam's oscillation grows out of a noise of size 1e-10."""
    rng = np.random.default_rng(seed)
    theta = minima(w1, Problem())
    theta = theta + 1e-2 * rng.normal(size=theta.shape)
    state, before = init(config, theta), (theta, theta)
    share, amplitude = np.zeros((steps, w1.size)), np.zeros((steps, w1.size))
    for k in range(steps):
        theta, state = update(config, gradient(theta), state, theta)
        theta = theta + 1e-10 * rng.normal(size=theta.shape)
        amplitude[k] = np.max(np.abs(theta - 2.0 * before[1] + before[0]), axis=0)
        before = (before[1], theta)
        value = preconditioned_sharpness(theta, Problem(), state.second, state.step, config.beta2, config.eps)
        share[k] = value / adam_limit(config.beta1, config.lr)
    found = np.full(w1.shape, np.nan)
    for j in range(w1.size):
        quiet = int(np.argmax(amplitude[:, j] < 1e-8))
        loud = quiet + int(np.argmax(amplitude[quiet:, j] > 1e-6))
        floor = np.median(amplitude[max(quiet, loud - 300) : loud, j])
        if loud > quiet:
            found[j] = share[quiet + np.flatnonzero(amplitude[quiet:loud, j] < 3.0 * floor)[-1], j]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "steps", "late"),
    [
        pytest.param(Adam(0.01), 2200, 1.04, id="default"),
        pytest.param(Adam(0.01, beta2=0.9999), 4500, 1.01, id="slower", marks=pytest.mark.slow),
    ],
)
def test_adam_leaves_a_minimum_at_its_limit(config: Any, steps: int, late: float) -> None:
    # While v forgets the past, the preconditioned sharpness rises by (1 − β2)/2 a step: the growth is
    # seen some steps after it begins.
    found = onsets(np.array([0.5, 1.0, 1.45, 2.0, 3.0]), config, steps, 9)
    assert np.all((found > 0.99) & (found < late)), found
    # Gradient descent's limit, or the heavy ball's without the mean, would be far off.
    assert abs(2.0 / 38.0 - 1.0) > 0.9
    assert abs((2.0 + 2.0 * 0.9) / 38.0 - 1.0) > 0.8


def test_momentum_stays_where_gradient_descent_leaves() -> None:
    start = minima(np.linspace(0.5, 3.0, 11), Problem())
    rate = largest_stable_rate(start)
    moved = start + 1e-6
    for factor, stays in ((1.5, True), (1.89, True), (1.92, False)):
        # torch's form: (2 + 2 μ)/η.
        run = train_arrays(
            moved, Problem(), HeavyBall(factor * rate, 0.9), 4000, events=False, record_every=20
        )
        assert np.all((np.max(np.abs(run.theta - start), axis=(0, 1)) < 1e-3) == stays)


def test_nothing_is_claimed_without_a_family() -> None:
    for problem in (
        Problem(teacher=Neuron(0.3, 0.9, 1.0, 0.0)),
        Problem(teacher=Neuron(1.0, 1.0, 1.0, 0.0)),
        Problem(teacher=Neuron(1.0, 0.0, 0.0, 0.0)),
        Problem(teacher=Neuron(0.0, 1.0, 1.0, 0.0)),
        Problem(activation=(1.0, 1.0)),
    ):
        assert np.isnan(flattest_minimum(problem).w1)
        assert np.isnan(stable_minima(problem, 0.1).least)
    with pytest.raises(ValueError, match="inputs: the sharpness along"):
        stable_minima(Problem(inputs=grid(10)), 0.1)
    with pytest.raises(ValueError, match="lr: expected numbers > 0"):
        stable_minima(Problem(), 0.0)
    with pytest.raises(ValueError, match="beta1: expected a number in"):
        adam_limit(1.0, 0.1)
    with pytest.raises(ValueError, match="step: expected a number of updates >= 1"):
        preconditioned_sharpness(Neuron(), Problem(), np.ones(4), 0.0)
    with pytest.raises(ValueError, match="second: expected a finite number >= 0"):
        preconditioned_sharpness(Neuron(), Problem(), -np.ones(4), 1.0)


def test_arrays_of_any_shape_and_precision() -> None:
    assert sharpness(Neuron(b1=np.zeros((2, 0)))).shape == (2, 0)
    assert sharpness(Neuron()).shape == ()
    # Dead: the only curvature is that of b2.
    assert sharpness(Neuron(b1=-3.0)) == pytest.approx(2.0)
    assert np.isfinite(sharpness(Neuron(0.0, 0.0)))
    single = np.array([1.0, 0.0, 1.0, 0.0], dtype=np.float32)
    assert sharpness(single).dtype == np.float32
    assert sharpness(single) == pytest.approx(float(sharpness(Neuron())), rel=1e-5)
    second = np.ones((4,), dtype=np.float32)
    state = preconditioned_sharpness(single, Problem(), second, np.asarray(2.0))
    assert state.dtype == np.float32
    rows = preconditioned_sharpness(Neuron(), Problem(), np.ones((4, 4)), 1e9, 0.5, 0.0)
    np.testing.assert_allclose(rows, np.full(4, sharpness(Neuron())))
    columns = preconditioned_sharpness(Neuron(b1=np.zeros((3, 1))), Problem(), np.ones((4, 2)), 1e9, 0.5, 0.0)
    assert columns.shape == (3, 2)
    # A parameter that Adam cannot move does not count.
    frozen = np.array([0.0, 0.0, 0.0, 1.0])
    assert preconditioned_sharpness(Neuron(), Problem(), frozen, 1e9, 0.5, 0.0) == pytest.approx(2.0)
    rates = np.array([[0.1], [0.9]])
    shifted = Problem(teacher=Neuron(1.0, np.array([-0.3, 0.0, 2.0]), 1.0, 0.0))
    found = stable_minima(shifted, rates)
    assert found.least.shape == found.largest.shape == (2, 3)
    assert np.array_equal(np.isnan(found.least), [[False, False, True], [True, True, True]])
    assert flattest_minimum(Problem(inputs=Uniform(-np.ones((2, 0)), 1.0))).w1.shape == (2, 0)


def test_a_neuron_on_the_other_side_is_no_minimum() -> None:
    for w1 in (-2.0, np.array([1.0, -1e-3])):
        with pytest.raises(ValueError, match="w1: expected a finite number >= 0"):
            global_minimum(w1)
    for teacher in (Neuron(), Neuron(-0.7, 0.2, -1.3, 0.4)):
        problem = Problem(teacher)
        w1 = np.array([1e-3, 0.5, 2.0, 1e3])
        np.testing.assert_allclose(loss(global_minimum(w1, problem), problem), 0.0, atol=1e-28)


def test_second_moments_and_steps_broadcast_with_the_neurons() -> None:
    neurons, second, steps = Neuron(b1=np.linspace(0.0, 0.5, 3)), np.full(4, 0.3), np.array([[1], [7]])
    found = preconditioned_sharpness(neurons, Problem(), second, steps)
    assert found.shape == (2, 3)
    one = preconditioned_sharpness(Neuron(b1=0.25), Problem(), second, 7)
    assert found[1, 1] == pytest.approx(float(one), rel=1e-14)
    assert preconditioned_sharpness(Neuron(), Problem(), second, []).shape == (0,)
    with pytest.raises(ValueError, match=r"^batch: neuron, second and step do not broadcast"):
        preconditioned_sharpness(neurons, Problem(), np.ones((4, 2)), 7)
    with pytest.raises(ValueError, match=r"^batch: beta1 and lr do not broadcast"):
        adam_limit(np.full(3, 0.9), np.full(2, 0.1))


def test_numbers_beyond_single_precision_are_refused_beside_it() -> None:
    with pytest.raises(ValueError, match=r"^arrays: in float32 numbers are at most 3.403e"):
        sharpness(np.ones(4, np.float32), Problem(inputs=Uniform(-1e100, 1.0)))
