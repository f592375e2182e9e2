"""A hunt for neurons that are called dead for ever and come back: by any optimiser's left-over momentum."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, HeavyBall, Nesterov, RMSProp, Sign, train_arrays
from gradflow.descent.optimisers.registry import init, remembered, update
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.after_death import dead_for_ever, knows, steers

PROBLEMS = {
    "default": Problem(),
    "far from 0": Problem(Neuron(0.8, 0.3, -1.5, 0.1), Uniform(0.4, 2.3)),
    "sample": Problem(inputs=grid(50)),
}
REMEMBERING = [
    HeavyBall(0.2, 0.9), Nesterov(0.2, 0.8), RMSProp(0.1, momentum=0.9), Adam(0.2), Adam(0.3, eps=1e-2),
    Adam(0.2, 0.5, 0.9), Adam(0.2, 0.9, 0.5, eps=0.1), Adam(0.1, amsgrad=True), Adam(0.1, eps_hat=True),
    AdamW(0.2, weight_decay=0.0), AdamW(0.1, weight_decay=0.0, amsgrad=True, eps_hat=True),
]  # fmt: skip


def states(config: Any, n: int, seed: int) -> tuple[np.ndarray, Any]:
    """Return dead neurons on the input [−1, 1], most of them near a wall, and states of every size."""
    draw = np.random.default_rng(seed)
    theta = draw.normal(size=(4, n))
    reach = np.abs(theta[0]) * 2.5
    theta[1] = -reach - 10.0 ** draw.uniform(-6.0, 1.0, n)
    first = init(config, theta)
    memory = [draw.normal(size=theta.shape) * 10.0 ** draw.uniform(-6.0, 1.0, n) for _ in remembered(first)]
    # Second moments are not negative, and the largest one so far is the largest.
    for i, name in enumerate(name for name in first._fields if name != "step"):
        if name in ("second", "square", "largest"):
            memory[i] = memory[i] ** 2
    if "largest" in first._fields:
        memory[2] = np.maximum(memory[1], memory[2])
    steps = (np.asarray(float(draw.integers(1, 50))),) if hasattr(first, "step") else ()
    return theta, type(first)(*steps, *memory)


def comes_back(theta: np.ndarray, problem: Problem, config: Any, state: Any, steps: int) -> np.ndarray:
    back = np.zeros(theta.shape[1], dtype=bool)
    for _ in range(steps):
        theta, state = update(config, np.zeros_like(theta), state, theta)
        back |= activity(theta, problem) != DEAD
    return back


def hunt(config: Any, name: str, n: int) -> tuple[int, int, int]:
    """Return how many are called dead for ever; of these, and of all, how many come back."""
    theta, state = states(config, n, 1)
    claimed = np.asarray(dead_for_ever(theta, PROBLEMS[name], config, state))
    back = comes_back(theta, PROBLEMS[name], config, state, 250)
    return int(np.sum(claimed)), int(np.sum(claimed & back)), int(np.sum(back))


@pytest.mark.parametrize(
    ("config", "name"), [(config, list(PROBLEMS)[k % 3]) for k, config in enumerate(REMEMBERING)]
)
def test_none_comes_back(config: Any, name: str) -> None:
    claimed, wrong, back = hunt(config, name, 2000)
    assert wrong == 0
    assert claimed > 500
    assert back > 20


@pytest.mark.slow
@pytest.mark.parametrize("config", REMEMBERING)
def test_none_of_sixty_thousand_comes_back(config: Any) -> None:
    for name in PROBLEMS:
        claimed, wrong, back = hunt(config, name, 20_000)
        assert wrong == 0
        # Little is left open: of those that stay dead most are known to.
        assert claimed > 0.6 * (20_000 - back)


@pytest.mark.parametrize("config", [HeavyBall(0.2, 0.9), Nesterov(0.2, 0.8), RMSProp(0.1, momentum=0.9)])
def test_by_a_buffer_the_bound_is_what_happens(config: Any) -> None:
    theta, state = states(config, 20_000, 2)
    claimed = np.asarray(dead_for_ever(theta, Problem(), config, state))
    back = comes_back(theta, Problem(), config, state, 400)
    assert np.mean(claimed == ~back) > 0.999


def test_where_a_hypothesis_fails_neurons_do_come_back() -> None:
    # Decay on the bias alone, which the claim is refused for, and momentum that is not looked at.
    theta, state = states(HeavyBall(0.2, 0.9), 5000, 3)
    decaying = HeavyBall(0.2, 0.9, weight_decay=np.array([0.0, 0.5, 0.0, 0.0])[:, None])
    assert not np.any(dead_for_ever(theta, Problem(), decaying, state))
    still = dead_for_ever(theta, Problem(), HeavyBall(0.2, 0.9), state)
    assert np.sum(np.asarray(still) & comes_back(theta, Problem(), decaying, state, 100)) > 100
    unmoved = dead_for_ever(theta, Problem(), GD(0.2), None)
    assert np.sum(np.asarray(unmoved) & comes_back(theta, Problem(), HeavyBall(0.2, 0.9), state, 100)) > 100
    # With β1 above the root of β2 Adam's steps after death grow until ε holds them.
    growing = Adam(0.001, 0.9, 0.5, eps=1e-12)
    theta, state = states(growing, 5000, 4)
    same = Adam(0.001, 0.9, 0.999, eps=1e-12)
    tame = np.asarray(dead_for_ever(theta, Problem(), same, state))
    assert np.sum(tame & comes_back(theta, Problem(), growing, state, 100)) > 100
    claimed = np.asarray(dead_for_ever(theta, Problem(), growing, state))
    assert not np.any(claimed & comes_back(theta, Problem(), growing, state, 400))


@pytest.mark.parametrize(
    "config", [HeavyBall(0.3), Adam(0.1), RMSProp(0.1, momentum=0.5), Sign(0.1), GD(0.5)]
)
def test_in_training_none_of_them_comes_back(config: Any) -> None:
    theta = np.random.default_rng(6).normal(size=(4, 4000))
    run = train_arrays(theta, Problem(), config, 60, events=False, state=True)
    claimed = np.asarray(dead_for_ever(run.final, Problem(), config, run.state))
    assert np.sum(claimed) > 200
    for extra in (1, 7, 40, 500):
        later = train_arrays(theta, Problem(), config, 60 + extra, events=False).final
        assert np.all(activity(later[:, claimed]) == DEAD)


def test_b2_of_the_dead_goes_to_the_best_constant_up_to_these_rates() -> None:
    dead = Neuron(1.0, -3.0, 1.0, 0.0)
    for config, limit in ((GD, 1.0), (HeavyBall, 1.9), (Nesterov, 1.9 / 2.8)):
        assert bool(steers(config(0.99 * limit)))
        assert not bool(steers(config(limit)))
        assert not bool(steers(config(0.0)))
        below, above = (
            train_arrays(dead, Problem(), config(factor * limit), 4000, events=False).final[3]
            for factor in (0.99, 1.01)
        )
        assert abs(below - 0.25) < 1e-6
        assert not abs(above - 0.25) < 1.0
    assert not bool(steers(Adam(0.01)))
    assert steers(GD(np.array([0.5, 1.5]))).tolist() == [True, False]


def test_of_what_is_not_known_nothing_is_claimed() -> None:
    dead = Neuron(1.0, -3.0, 1.0, 0.0)
    assert knows(AdamW(0.1, weight_decay=0.0))
    for config in (AdamW(0.1), GD(0.1, weight_decay=1e-3), Adam(0.1, weight_decay=np.array([0.0, 0.1]))):
        assert not knows(config)
        assert not np.any(dead_for_ever(dead, Problem(), config, init(config, np.zeros((4, 1)))))
    leaky, smooth = Problem(activation="slopes=0.1,1"), Problem(activation="gelu")
    for problem in (leaky, smooth):
        assert not dead_for_ever(dead, problem, GD(0.1), None)
    assert not dead_for_ever(Neuron(), Problem(), GD(0.1), None)
    # Moments whose v has underflowed may carry w1 any distance where nothing else holds it.
    gone = init(Adam(0.1), np.zeros((4, 1)))._replace(first=np.full((4, 1), -1e-200), step=np.asarray(5.0))
    theta = np.array(dead)[:, None]
    assert not np.any(dead_for_ever(theta, Problem(), Adam(0.1, eps=0.0), gone))
    assert np.all(dead_for_ever(theta, Problem(), Adam(0.1), gone))


def test_a_way_that_underflows_is_not_none() -> None:
    # On the wall any way into the input, however short, brings the neuron back.
    wall = np.array([1.0, -1.0, 1.0, 0.0])
    buffer = np.array([-1e-320, 0.0, 0.0, 0.0])
    heavy = HeavyBall(1e-5, 0.5)
    assert not dead_for_ever(wall, Problem(), heavy, init(heavy, wall)._replace(buffer=buffer))
    assert dead_for_ever(wall, Problem(), heavy, init(heavy, wall))
    assert dead_for_ever(wall, Problem(), HeavyBall(1e-5, 0.0), init(heavy, wall)._replace(buffer=buffer))
    # Its way is 1e-325 over the root of 1e-300.
    adam = Adam(1e-5, eps=0.0)
    state = init(adam, wall)._replace(first=buffer, second=1e-300 + 0.0 * wall)
    assert not dead_for_ever(wall, Problem(), adam, state)
    assert dead_for_ever(wall, Problem(), adam, init(adam, wall))


def extreme(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers of very different sizes, some 0 and some subnormal."""
    size = 10.0 ** draw.choice([0, 0, 0, 1, -1, -20, 20, -100, 100, -160, 150, -290, -307, -320], shape)
    return np.asarray(draw.choice([-1.0, 1.0], shape) * draw.uniform(1.0, 2.0, shape) * size)


def test_no_rational_number_is_positive_in_the_end() -> None:
    # From walls, and beside them, in exact arithmetic: z at an end, and where the buffer carries it.
    draw, claims = np.random.default_rng(0), 0
    for _ in range(60):
        lo, hi = np.sort(np.clip(extreme(draw, (2,)), -1e90, 1e90))
        theta, buffer = (extreme(draw, (4, 100)) * draw.choice([0.0, 1.0, 1.0], (4, 100)) for _ in range(2))
        with np.errstate(over="ignore"):
            at_wall = -np.maximum(theta[0] * lo, theta[0] * hi)
        theta[1] = np.where(np.isfinite(at_wall) & (draw.random(100) < 0.7), at_wall, theta[1])
        lr, mu = 10.0 ** draw.choice([-200.0, -3.0, 0.0]), float(draw.choice([0.5, 0.9, 1e-200]))
        for config, power in ((HeavyBall(lr, mu), 1), (Nesterov(lr, mu), 2)):
            state = init(config, theta)._replace(buffer=buffer)
            claimed = np.asarray(dead_for_ever(theta, Problem(inputs=Uniform(lo, hi)), config, state))
            way = -Fraction(lr) * Fraction(mu) ** power / (1 - Fraction(mu))
            for (w1, b1, *_), (of_w1, of_b1, *_) in zip(theta.T[claimed], buffer.T[claimed], strict=True):
                claims += 1
                for end in (Fraction(lo), Fraction(hi)):
                    z = Fraction(w1) * end + Fraction(b1)
                    assert z <= 0
                    assert z + way * (Fraction(of_w1) * end + Fraction(of_b1)) <= 0
    assert claims > 500


def test_without_memory_of_gradients_adam_leaves_the_dead_where_they_are() -> None:
    config, wall = Adam(0.1, beta1=0.0, eps=0.0), np.array([1.0, -1.0, 1.0, 0.0])
    state = init(config, wall)._replace(first=-np.ones(4), second=np.ones(4), step=np.asarray(3.0))
    assert dead_for_ever(wall, Problem(), config, state)
    assert np.all(update(config, np.zeros(4), state, wall)[0] == wall)


@pytest.mark.parametrize(("kind", "twice"), [(HeavyBall, 0.0), (Nesterov, 2.0)])
def test_limits_of_rates_in_single_precision_are_those_of_the_numbers_given(kind: Any, twice: float) -> None:
    one = np.float32(1.0)
    for mu in np.linspace(0.01, 0.99, 200, dtype=np.float32):
        limit = (1.0 + float(mu)) / (1.0 + twice * float(mu))
        rate = np.float32(limit)
        for lr in (rate, np.nextafter(rate, 2.0 * one), np.nextafter(rate, 0.0 * one)):
            claimed = steers(kind(np.array([lr]), np.array([mu])))
            assert not (claimed[0] and float(lr) >= limit)
