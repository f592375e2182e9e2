"""Adam becomes unstable when its memory has decayed, and spikes as often as predicted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest

from gradflow.descent import Adam, train_arrays
from gradflow.descent.optimisers.adam import Moments
from gradflow.descent.optimisers.registry import init, update
from gradflow.field import gradient, hessian
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.theory.spikes import (
    amplification,
    growth,
    quadratic_run,
    scaled_sharpness,
    second_moments,
    spikes,
    steps_to_limit,
    visible_after,
)
from gradflow.theory.stability import adam_limit, preconditioned_sharpness

SAMPLE = Problem(inputs=grid(100), activation="silu")
TEACHER = np.array([1.0, 0.0, 1.0, 0.0])
LIMIT = float(adam_limit(0.9, 0.01))


def test_the_replayed_memory_is_the_optimisers() -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(4, 50)) * 10.0 ** rng.uniform(-6, 3, size=(4, 1))
    replayed = second_moments(gradients, 0.97)
    config = Adam(0.01, 0.9, 0.97)
    theta = np.zeros(4)
    state = init(config, theta)
    for k in range(50):
        np.testing.assert_allclose(replayed[:, k], state.second, rtol=1e-12)
        theta, state = update(config, gradients[:, k], state, theta, 0.01)
    assert second_moments(np.zeros((4, 0))).shape == (4, 0)


def test_the_scaled_sharpness_is_the_preconditioned_one() -> None:
    rng = np.random.default_rng(1)
    second, steps = 10.0 ** rng.uniform(-12, 0, size=(4, 30)), np.arange(1, 31)
    H = np.asarray(hessian(Neuron(), SAMPLE))
    states = np.broadcast_to(TEACHER[:, None], (4, 30))
    theirs = preconditioned_sharpness(states, SAMPLE, second, steps)
    np.testing.assert_allclose(scaled_sharpness(H, second, steps), theirs, rtol=1e-11)


def random_cases(many: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """Return symmetric matrices with a positive eigenvalue, second moments and numbers of updates."""
    rng = np.random.default_rng(2)
    half = rng.normal(size=(many, 4, 4))
    H = half + np.swapaxes(half, 1, 2)
    H = np.where((np.linalg.eigvalsh(H)[:, -1] > 0.0)[:, None, None], H, np.eye(4))
    return rng, H, 10.0 ** rng.uniform(-8, 1, size=(many, 4)), rng.integers(1, 5000, many).astype(float)


def largest(H: np.ndarray, second: np.ndarray, k: np.ndarray, beta2: float, eps: float) -> np.ndarray:
    D = np.sqrt(second / (1.0 - beta2**k)[:, None]) + eps
    # Not symmetric: the eigenvalues of P⁻¹ H as they are.
    return np.asarray(np.max(np.linalg.eigvals(H / D[:, :, None]).real, axis=1))


def test_no_gradient_makes_the_sharpness_grow_faster() -> None:
    many, beta2 = 100_000, 0.99
    rng, H, second, k = random_cases(many)
    eps = 1e-3
    before = largest(H, second, k, beta2, eps)
    n = 10
    after, later = second, k
    for _ in range(n):
        drive = (
            10.0 ** rng.uniform(-6, 1, size=(many, 1))
            * rng.normal(size=(many, 4))
            * rng.integers(0, 2, (many, 1))
        )
        after, later = beta2 * after + (1.0 - beta2) * drive**2, later + 1.0
    bound = beta2 ** (-0.5 * n) * np.sqrt((1.0 - beta2**later) / (1.0 - beta2**k))
    assert np.all(largest(H, after, later, beta2, eps) <= before * bound * (1.0 + 1e-9))
    # Without gradients and without ε it is attained.
    quiet = largest(H, second, k, beta2, 0.0)
    np.testing.assert_allclose(largest(H, second * beta2**n, later, beta2, 0.0), quiet * bound, rtol=1e-9)
    # If H changes it does not hold.
    assert np.any(largest(3.0 * H, second * beta2**n, later, beta2, eps) > before * bound * 1.01)


def test_the_limit_is_reached_when_predicted() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        S, beta2 = 10.0 ** rng.uniform(0, 3.5), 1.0 - 10.0 ** rng.uniform(-3.5, -1)
        step = int(rng.integers(1, 20_000))
        n = steps_to_limit(S, LIMIT, beta2, step)
        growth_ = beta2 ** (-0.5 * n) * np.sqrt((1.0 - beta2 ** (step + n)) / (1.0 - beta2**step))
        assert S * growth_ == pytest.approx(LIMIT, rel=1e-8)
        assert steps_to_limit(S, LIMIT, beta2) == pytest.approx(
            2.0 * np.log(LIMIT / S) / -np.log(beta2), rel=1e-9
        )
        assert n <= steps_to_limit(S, LIMIT, beta2) + 1e-9, "the bias correction only makes it earlier"
    assert steps_to_limit(4000.0, LIMIT) == 0.0


def test_the_limit_is_not_reached_before() -> None:
    """A lower bound is rounded down, by no more than a few roundings: exact arithmetic decides."""
    rng = np.random.default_rng(1)
    cases = [(1e-300, 1e300, 0.999, None), (1e200, 1e-200, 0.999, 5), (1.0, 1.0 + 2.0**-52, 0.999, 1)]
    for i in range(400):
        S = 10.0 ** rng.uniform(-300.0, 300.0)
        far = S * (1.0 + 10.0 ** rng.uniform(-15.5, 3.0)) if i % 2 else 10.0 ** rng.uniform(-300.0, 300.0)
        beta2 = 1.0 - 10.0 ** rng.uniform(-14.0, -0.05)
        cases.append((S, far, beta2, None if i % 5 == 0 else int(10.0 ** rng.uniform(0.0, 8.0))))
    with mpmath.workdps(50):
        for S, limit, beta2, step in cases:
            B = mpmath.mpf(beta2)

            def reached(n: mpmath.mpf, S: float = S, B: mpmath.mpf = B, k: int | None = step) -> mpmath.mpf:
                correction = 1 if k is None else mpmath.sqrt((1 - B ** (k + n)) / (1 - B**k))
                return S * B ** (-n / 2) * correction

            n = mpmath.mpf(steps_to_limit(S, limit, beta2, step))
            assert n == 0 if limit <= S else reached(n) <= limit <= reached(n * (1 + mpmath.mpf(10) ** -12))


def test_the_growth_is_the_largest_root() -> None:
    rng = np.random.default_rng(4)
    many = 100_000
    beta, lr = rng.uniform(0.0, 0.99, many), 10.0 ** rng.uniform(-3, 0, many)
    S = adam_limit(beta, lr) * rng.uniform(0.0, 3.0, many)
    pull = (1.0 - beta) * S
    # The step (y, m) → (y − η m′, m′) with m′ = β m + (1 − β) S y.
    block = np.stack([np.stack([1.0 - lr * pull, -lr * beta], -1), np.stack([pull, beta], -1)], -2)
    roots = np.max(np.abs(np.linalg.eigvals(block)), axis=1)
    found = np.asarray(growth(S, lr, beta))
    # Where the roots coincide they are only known to the root of the rounding.
    np.testing.assert_allclose(found, roots, rtol=1e-6)
    clear = np.abs(S / adam_limit(beta, lr) - 1.0) > 1e-6
    assert np.array_equal((found > 1.0)[clear & (S > 0)], (adam_limit(beta, lr) < S)[clear & (S > 0)])
    beyond = found > 1.0 + 1e-6
    rho, b = found[beyond], beta[beyond]
    excess = (rho - 1.0) * (rho - b) / (2.0 * (1.0 + b) * rho)
    np.testing.assert_allclose(adam_limit(b, lr[beyond]) * (1.0 + excess), S[beyond], rtol=1e-6)


def test_what_grows_is_seen_after_as_many_steps_as_it_takes() -> None:
    for gain in (0.5, 5.0, 30.0):
        n, total = 0, 0.0
        while total < gain:
            n += 1
            total += float(np.log(growth(LIMIT * 0.999 ** (-0.5 * n))))
        assert visible_after(gain, LIMIT) == n
    assert visible_after(1.0, 0.5 * LIMIT, beta2=1.0 - 1e-9) == np.inf


def test_frozen_factors_and_a_decaying_memory_agree_about_the_delay() -> None:
    """One parameter, v without gradients: the deviation itself against the product of frozen factors."""
    y, m, gain = 1.0, 0.0, 25.0
    top = 0.0
    k = 0
    # The sign alternates: without y = −y first, the start would not be along the growing direction.
    while top < gain:
        k += 1
        sharp = LIMIT * 0.999 ** (-0.5 * k)
        m = 0.9 * m + 0.1 * sharp * y
        y -= 0.01 * m
        top = np.log(abs(y))
    assert visible_after(gain, LIMIT) == pytest.approx(k, rel=0.1)


def test_spikes_are_found_where_they_are() -> None:
    steps = np.arange(1000)
    S = 3000.0 + 10.0 * (steps % 100)
    S[:100] = 3000.0
    loss = np.where(steps % 100 == 95, 1e-5, 1e-9)
    found = spikes(S, loss, 3800.0)
    assert [spike.crossing for spike in found] == list(range(181, 1000, 100))
    assert [spike.peak for spike in found] == list(range(195, 1000, 100))
    assert all(spike.peak_loss == 1e-5 and spike.floor == 1e-9 for spike in found)
    assert [spike.trough for spike in found[:-1]] == list(range(200, 1000, 100))
    assert spikes(S, np.full(1000, 1e-9), 3800.0) == []
    assert spikes(S, loss, 5000.0) == []


def test_rounding_decides_the_delay() -> None:
    H, second = np.asarray(hessian(Neuron(), SAMPLE)), np.full(4, 1e-7)
    double, single = (amplification(H, second, TEACHER, unit) for unit in (2.0**-53, 2.0**-24))
    assert double - single == pytest.approx(29.0 * np.log(2.0))
    assert visible_after(double, LIMIT) > 1.5 * visible_after(single, LIMIT)


def test_the_quadratic_alone_spikes() -> None:
    H = np.asarray(hessian(Neuron(), SAMPLE))
    start = np.full(4, 3e-7)
    S, loss = quadratic_run(H, TEACHER, start, 2600)
    found = spikes(S, loss, LIMIT)
    assert len(found) >= 2
    predicted = steps_to_limit(float(S[0]), LIMIT)
    assert 0.0 <= found[0].crossing - predicted < 3.0
    # The run itself, by an optimiser that has never heard of spikes.
    config, theta = Adam(lr=0.01), TEACHER + 1e-4 * np.linalg.eigh(H)[1][:, 0]
    state = Moments(np.asarray(1e9), np.zeros(4), start)
    losses = []
    for _ in range(500):
        away = theta - TEACHER
        losses.append(0.5 * float(away @ H @ away))
        theta, state = update(config, H @ away, state, theta, 0.01)
    np.testing.assert_allclose(loss[:500], losses, rtol=1e-6, atol=1e-20)


def test_a_quadratic_may_have_any_number_of_parameters() -> None:
    S, losses = quadratic_run(np.array([[2.0]]), np.array([0.5]), np.array([1e-7]), 300)
    x, m, v, expected = 1e-4, 0.0, 1e-7, []
    for _ in range(300):
        expected.append(x * x)
        assert S[len(expected) - 1] == pytest.approx(2.0 / (v**0.5 + 1e-8), rel=1e-12)
        m, v = 0.9 * m + 0.1 * 2.0 * x, 0.999 * v + 0.001 * (2.0 * x) ** 2
        x -= 0.01 * m / (v**0.5 + 1e-8)
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-22)
    # Beside a direction in which nothing moves the other one is the same.
    S2, both = quadratic_run(np.diag([2.0, 9.0]), np.array([0.5, 1.0]), np.array([1e-7, 1e4]), 300)
    np.testing.assert_array_equal(both, losses)
    np.testing.assert_allclose(S2, S, rtol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(2), np.zeros(3), np.ones(3), 5), "hessian, minimum, second: expected shapes"),
        ((2.0, 0.0, 1.0, 5), "hessian, minimum, second: expected shapes"),
        ((np.eye(1), np.zeros(1), -np.ones(1), 5), "second: expected numbers >= 0"),
        ((np.eye(1), np.zeros(1), np.ones(1), 0), "steps: expected an integer >= 1, got 0"),
        ((np.eye(1), np.zeros(1), np.ones(1), 5, Adam(amsgrad=True)), "amsgrad: expected False"),
        ((np.eye(1) * np.nan, np.zeros(1), np.ones(1), 5), "hessian: must be finite"),
    ],
)
def test_what_is_no_quadratic_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        quadratic_run(*arguments)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_silu_neuron_spikes_when_predicted(dtype: str) -> None:
    config, begin, end = Adam(lr=0.01), 9000, 16_000
    run = train_arrays(
        Neuron(b2=-2.0), SAMPLE, config, end, record_every=1, events=False, first_change=False, dtype=dtype
    )
    theta = np.ascontiguousarray(np.asarray(run.theta, dtype=np.float64).T)
    v = second_moments(np.asarray(gradient(theta, SAMPLE)))
    steps = np.arange(begin, end + 1)
    S = np.asarray(preconditioned_sharpness(theta[:, steps], SAMPLE, v[:, steps], steps))
    found = spikes(S, np.asarray(run.loss)[steps], LIMIT)
    H = np.asarray(hessian(Neuron(), SAMPLE))
    onset = steps_to_limit(float(scaled_sharpness(H, v[:, begin], begin)), LIMIT, step=begin)
    assert abs(onset - found[0].crossing) < 20
    gain = amplification(H, v[:, begin + found[0].crossing], TEACHER, 0.5 * float(np.finfo(dtype).eps))
    assert visible_after(gain, LIMIT) == pytest.approx(found[0].peak - found[0].crossing, rel=0.2)
    for spike, following in pairwise(found):
        again = spike.trough + steps_to_limit(spike.trough_sharpness, LIMIT)
        assert abs(again - following.crossing) < 20
    # With half of the memory the limit would be passed elsewhere.
    assert abs(steps_to_limit(float(S[0]), LIMIT, 0.998) - found[0].crossing) > 1000


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: steps_to_limit(-1.0, LIMIT), "sharpness, limit, beta2"),
        (lambda: steps_to_limit(1.0, LIMIT, step=0), "step"),
        (lambda: steps_to_limit(1.0, LIMIT, 1.5), "beta2"),
        (lambda: scaled_sharpness(np.eye(4), np.zeros(4), 5.0, eps=0.0), "second"),
        (lambda: second_moments(np.zeros(4), 2.0), "beta2"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], names: str) -> None:
    with pytest.raises(ValueError, match=rf"^{names}: "):
        call()


@pytest.mark.parametrize(
    ("sharpness", "limit", "beta2", "step", "message"),
    [
        (0.0, 2.0, 0.9, None, "sharpness, limit, beta2: expected positive numbers"),
        (1.0, 0.0, 0.9, None, "sharpness, limit, beta2: expected positive numbers"),
        (1.0, 2.0, 0.0, None, "sharpness, limit, beta2: expected positive numbers"),
        (1.0, 2.0, 0.9, 0.5, "step: expected a number of updates >= 1, got 0.5"),
    ],
)
def test_numbers_that_say_nothing_are_refused(
    sharpness: float, limit: float, beta2: float, step: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        steps_to_limit(sharpness, limit, beta2, step)
