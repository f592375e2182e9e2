"""A hunt for steps that kill at a safe rate, and for dead neurons that come back at another step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall, train_arrays
from gradflow.descent.optimisers.adam import Moments
from gradflow.descent.optimisers.heavy_ball import HeavyBallState
from gradflow.descent.optimisers.registry import init, update
from gradflow.field import gradient
from gradflow.neuron.activity import BALANCED, DEAD, HYPERACTIVE, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.steps import (
    NEVER,
    UNKNOWN,
    killing_rates,
    largest_safe_rate,
    revival,
    straightening_rates,
)
from tests.problems import VARIED

PROBLEMS = {
    "default": Problem(),
    "downwards": Problem(teacher=Neuron(0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "sample": Problem(inputs=grid(50)),
}


def starts(n: int, seed: int) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=(4, n)))


def killed_as_predicted(problem: Problem, n: int) -> int:
    """Check that one step kills exactly at the killing rates; return how many it has killed."""
    theta, rate = starts(n, 0), np.random.default_rng(1).exponential(1.0, n)
    least, largest = killing_rates(theta, problem)
    final = train_arrays(theta, problem, GD(rate), 1, events=False).final
    killed = activity(final, problem) == DEAD
    predicted = (least <= rate) & (rate <= largest)
    # Within rounding of a wall either is right.
    z = np.abs(np.stack(end_preactivations(final, problem)))
    clear = np.min(z, axis=0) > 1e-12 * (1.0 + np.max(np.abs(final), axis=0))
    assert np.mean(clear) > 0.99
    assert np.array_equal(killed[clear], predicted[clear])
    return int(np.sum(killed & (activity(theta, problem) != DEAD)))


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_a_step_kills_exactly_at_the_killing_rates(name: str) -> None:
    assert killed_as_predicted(PROBLEMS[name], 100_000) > 1000


def test_on_inputs_and_teachers_of_any_kind_too() -> None:
    flat = [problem for problem in VARIED.values() if problem.stays_dead]
    assert len(flat) > 5
    assert all(killed_as_predicted(problem, 20_000) > 200 for problem in flat)


@pytest.mark.parametrize("name", [*PROBLEMS, "leaky"])
def test_a_step_takes_the_kink_away_exactly_at_these_rates(name: str) -> None:
    problem = PROBLEMS.get(name, Problem(activation=(0.2, 1.0)))
    theta = starts(100_000, 5)
    rate = np.random.default_rng(6).exponential(1.0, 100_000)
    least, largest = straightening_rates(theta, problem)
    final = train_arrays(theta, problem, GD(rate), 1, events=False).final
    z = np.abs(np.stack(end_preactivations(final, problem)))
    clear = np.min(z, axis=0) > 1e-12 * (1.0 + np.max(np.abs(final), axis=0))
    straight = activity(final, problem) == HYPERACTIVE
    assert np.array_equal(straight[clear], ((least <= rate) & (rate <= largest))[clear])
    balanced = activity(theta, problem) == BALANCED
    assert np.sum(straight & balanced) > 1000
    # Below the largest safe rate no step takes a balanced neuron's kink away, and just above it one does.
    safe = largest_safe_rate(theta, problem)
    kept = activity(final, problem) == BALANCED
    assert np.all(kept[clear & balanced & (rate < safe)])
    some = balanced & (safe < 1e3)
    over = train_arrays(theta[:, some], problem, GD(safe[some] * (1.0 + 1e-9)), 1, events=False).final
    assert np.mean(activity(over, problem) != BALANCED) > 0.99
    assert np.all(safe[~balanced] == 0.0)


def test_with_momentum_the_rates_are_others() -> None:
    theta = starts(20_000, 2)
    least, largest = killing_rates(theta)
    run = train_arrays(theta, Problem(), HeavyBall(0.5, 0.9), 3, events=False, record_every=1)
    wrong = 0
    for before, after in zip(run.theta[1:-1], run.theta[2:], strict=True):
        least, largest = killing_rates(before)
        wrong += int(np.sum(((least <= 0.5) & (largest >= 0.5)) != (activity(after) == DEAD)))
    assert wrong > 100


def just_died(problem: Problem, config: Any, seed: int, n: int = 20_000) -> list[tuple[np.ndarray, Any]]:
    """Return, for a few steps, the neurons that died at that step and their optimiser's state."""
    theta = starts(n, seed)
    state, found = init(config, theta), []
    for _ in range(6):
        alive = activity(theta, problem) != DEAD
        theta, state = update(config, gradient(theta, problem), state, theta, config.lr)
        died = alive & (activity(theta, problem) == DEAD)
        parts = [part[:, died] if np.ndim(part) else part for part in state]
        if np.any(died):
            found.append((theta[:, died], type(state)(*parts)))
    return found


@pytest.mark.some(2)
@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize("config", [HeavyBall(0.2, 0.9), Adam(0.2), Adam(0.3, eps=1e-2), Adam(0.2, 0.5, 0.9)])
def test_the_dead_come_back_at_the_predicted_step(name: str, config: Any) -> None:
    problem = PROBLEMS[name]
    revived = stayed = 0
    for theta, state in just_died(problem, config, 3):
        predicted = revival(theta, problem, config, state)
        steps = np.full(theta.shape[1], NEVER)
        for k in range(1, 200):
            theta, state = update(config, gradient(theta, problem), state, theta, config.lr)
            first = (activity(theta, problem) != DEAD) & (steps == NEVER)
            steps = np.where(first, k, steps)
        assert np.mean(predicted != steps) < 1e-3, "but for rounding at a wall they agree"
        revived, stayed = revived + int(np.sum(steps > 0)), stayed + int(np.sum(steps == NEVER))
    assert revived > 20
    assert stayed > 20


def test_without_momentum_none_comes_back_at_any_rate() -> None:
    theta = starts(1000, 4)
    theta[1] = -np.abs(theta[0]) - 0.1
    for rate in (0.01, 1.0, 100.0):
        state = Moments(np.asarray(5.0), np.zeros_like(theta), np.zeros_like(theta))
        for eps in (1e-8, 0.0):
            assert np.all(revival(theta, Problem(), Adam(rate, eps=eps), state) == NEVER)
    buffer = np.zeros_like(theta)
    buffer[1] = -1.0
    # With momentum towards life a larger rate does revive: this is all there is to the claim.
    back = [np.sum(revival(theta, Problem(), HeavyBall(r), HeavyBallState(buffer)) > 0) for r in (0.01, 1.0)]
    assert back[0] < back[1] == 1000


def test_what_is_not_proved_is_refused() -> None:
    state = Moments(np.asarray(1.0), np.zeros((4,)), np.zeros((4,)))
    with pytest.raises(ValueError, match="slopes: expected"):
        killing_rates(Neuron(), Problem(activation=(0.1, 1.0)))
    with pytest.raises(ValueError, match="weight_decay: expected 0"):
        revival(Neuron(b1=-3.0), Problem(), Adam(weight_decay=0.1), state)
    with pytest.raises(ValueError, match="beta1: expected less"):
        revival(Neuron(b1=-3.0), Problem(), Adam(beta1=0.99, beta2=0.9), state)


def test_what_takes_too_long_is_not_said_to_stay() -> None:
    state = HeavyBallState(np.array([0.0, -6e-6, 0.0, 0.0]))
    neuron = np.array([0.0, -1.0, 1.0, 0.0])
    assert revival(neuron, Problem(), HeavyBall(1.0, 0.999999), state) == UNKNOWN
    # A hundred times the push, and it is back within the steps that are looked at.
    state = HeavyBallState(np.array([0.0, -6e-4, 0.0, 0.0]))
    assert 0 < revival(neuron, Problem(), HeavyBall(1.0, 0.999999), state) < 10_000


def test_on_a_wall_no_rate_is_safe() -> None:
    on_wall = Neuron(1.0, 1.0, 1.0, 2.0)
    assert activity(on_wall) == HYPERACTIVE
    assert largest_safe_rate(on_wall) == 0.0
    assert straightening_rates(on_wall).least == np.inf
    assert activity(train_arrays(on_wall, Problem(), GD(1e-3), 1, events=False).final) == BALANCED
    # Both walls at once: w1 = b1 = 0 is dead, but for rounding.
    start = Neuron(1.0, 2.0, 2.0, -2.75)
    end = train_arrays(start, Problem(), GD(straightening_rates(start).largest), 1, events=False).final
    np.testing.assert_allclose(end[:2], 0.0, atol=1e-15)


def test_what_is_no_number_has_no_rates() -> None:
    neuron = Neuron(b2=np.array([np.nan, 0.0]))
    for function in (killing_rates, straightening_rates):
        least, largest = function(neuron)
        assert np.isnan(least).tolist() == np.isnan(largest).tolist() == [True, False]


def test_arrays_of_any_shape() -> None:
    least, largest = killing_rates(Neuron(b1=np.zeros((2, 0))))
    assert least.shape == largest.shape == (2, 0)
    assert killing_rates(Neuron(b1=-3.0)).least == 0.0
    assert killing_rates(Neuron(1.0, 0.0, 1.0, 1.0)).least == pytest.approx(2 / 3)


@pytest.mark.parametrize("ends", [(-1.0, 30.0), (-200.0, 1.0), (2.0, 5.0), (1e-3, 1e3)])
@pytest.mark.parametrize("adaptive", [False, True])
def test_the_width_of_the_input_counts(ends: tuple[float, float], adaptive: bool) -> None:
    """Left-over momentum moves the pre-activation at an end by as much as that end is far away."""
    problem, rng, n = Problem(inputs=Uniform(*ends)), np.random.default_rng(0), 1000
    w1 = rng.normal(size=n)
    far = np.abs(rng.normal(size=n)) * 10.0 ** rng.uniform(-4.0, 1.0, n)
    b1 = -w1 * np.where(w1 > 0.0, ends[1], ends[0]) - far
    theta = np.stack([w1, b1, rng.normal(size=n), rng.normal(size=n)])
    push = rng.normal(size=(4, n)) * 10.0 ** rng.uniform(-2.0, 1.0, n)
    optimizer: Any = Adam(0.05) if adaptive else HeavyBall(0.05, 0.9)
    second = rng.uniform(0.1, 2.0, (4, n)) * push**2
    state: Any = Moments(np.asarray(7.0), push, second) if adaptive else HeavyBallState(push)
    predicted = revival(theta, problem, optimizer, state)
    found = np.where(activity(theta, problem) == DEAD, NEVER, 0)
    for k in range(1, 300):
        theta, state = update(optimizer, np.zeros_like(theta), state, theta)
        found = np.where((found == NEVER) & (activity(theta, problem) != DEAD), k, found)
    assert np.sum(found == NEVER) > 100
    assert np.sum(found > 3) > 5
    assert np.array_equal(predicted, found)
