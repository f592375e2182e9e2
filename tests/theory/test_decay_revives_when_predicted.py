"""A hunt for dead neurons that decay brings back at another step than predicted, or that it should not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, HeavyBall, RMSProp, Sign, init, train_arrays, update
from gradflow.descent.optimisers.heavy_ball import HeavyBallState
from gradflow.field import gradient
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.decay import coupled_revival, decay_revival
from gradflow.theory.steps import NEVER

PROBLEMS = {
    "default": Problem(),
    "downwards": Problem(teacher=Neuron(0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "0 outside the input": Problem(inputs=Uniform(3.0, 5.0)),
    "0 at an end": Problem(inputs=Uniform(-2.0, 0.0)),
    "sample": Problem(inputs=grid(50)),
}


def dead(problem: Problem, n: int, seed: int) -> np.ndarray:
    """Return dead neurons, of any size, some of them on a wall or at w1 = 0."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(4, 8 * n)) * np.exp(rng.normal(0.0, 1.5, (4, 8 * n)))
    theta[:2, : n // 50] = np.round(theta[:2, : n // 50])
    theta = theta[:, activity(theta, problem) == DEAD]
    assert theta.shape[1] >= n
    return theta[:, :n]


def first_return(
    theta: np.ndarray, problem: Problem, decay: tuple[Any, Any], longest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the step of a plain loop at which z > 0 at an end, and which neurons no rounding decides."""
    w1, b1 = theta[0], theta[1]
    found, clear = np.full(w1.shape, NEVER), np.ones(w1.shape, dtype=bool)
    for k in range(1, longest):
        w1, b1 = w1 - decay[0] * w1, b1 - decay[1] * b1
        # A power of two changes no sign and rounds nothing, and nothing underflows.
        power = -np.frexp(np.maximum(np.abs(w1), np.abs(b1)))[1]
        w1, b1 = np.ldexp(w1, power), np.ldexp(b1, power)
        back = np.zeros_like(clear)
        for end in (float(problem.lo), float(problem.hi)):
            z, size = w1 * end + b1, np.abs(w1 * end) + np.abs(b1)
            clear &= (found != NEVER) | (np.abs(z) > 1e-12 * size) | (size == 0.0)
            back |= z > 0.0
        found = np.where((found == NEVER) & back, k, found)
    return found, clear


def hunt(name: str, n: int, seed: int, largest: float) -> None:
    problem, theta = PROBLEMS[name], dead(PROBLEMS[name], n, seed)
    rng = np.random.default_rng(seed + 1)
    decay = largest * np.where(
        rng.random((2, n)) < 0.8, rng.random((2, n)) ** 3, rng.integers(0, 3, (2, n)) / 2
    )
    predicted = decay_revival(theta, problem, decay[0], decay[1])
    found, clear = first_return(theta, problem, (decay[0], decay[1]), 300)
    late = (predicted >= 300) & (found == NEVER)
    # Rounding decides of a neuron on a wall with the same decay for both.
    assert np.mean(clear) > 0.97
    wrong = clear & (predicted != found) & ~late
    assert not np.any(wrong), (theta[:2, wrong], decay[:, wrong], predicted[wrong], found[wrong])
    counts = [np.sum(found == NEVER), np.sum(found == 1), np.sum(found == 2), np.sum(found > 2)]
    assert min(counts) > n // 500
    if np.prod([float(problem.lo), float(problem.hi)]) <= 0.0:
        # Where 0 is in the input: only a neuron with the smaller decay on w1, if no factor is ≤ 0.
        assert not np.any((predicted > 0) & (decay[0] >= decay[1]) & np.all(decay < 1.0, axis=0))


@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize("largest", [0.5, 1.0, 2.5])
def test_decay_alone_revives_at_the_predicted_step(name: str, largest: float) -> None:
    hunt(name, 8_000, 0, largest)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize("largest", [0.5, 1.0, 2.5])
def test_decay_alone_revives_at_the_predicted_step_in_many(name: str, largest: float) -> None:
    hunt(name, 60_000, 10, largest)


@pytest.mark.some(4)
@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize(
    "rows", [(0.0, 1.0, 0.0, 0.0), (1.0, 0.0, 1.0, 0.0), (0.5, 1.0, 0.5, 1.0), (1.0, 1.0, 1.0, 1.0)]
)
def test_decoupled_decay_of_some_parameters_in_training(name: str, rows: tuple[float, ...]) -> None:
    problem, theta = PROBLEMS[name], dead(PROBLEMS[name], 1000, 2)
    config = AdamW(0.1, weight_decay=np.array(rows)[:, None])
    predicted = decay_revival(theta, problem, 0.1 * rows[0], 0.1 * rows[1])
    state, found = init(config, theta), np.full(1000, NEVER)
    start = theta
    for k in range(1, 200):
        theta, state = update(config, gradient(theta, problem), state, theta)
        found = np.where((found == NEVER) & (activity(theta, problem) != DEAD), k, found)
    _, clear = first_return(start, problem, (0.1 * rows[0], 0.1 * rows[1]), 200)
    assert np.mean(clear) > 0.97
    assert np.array_equal(found[clear], np.where(predicted >= 200, NEVER, predicted)[clear])
    if rows[0] < rows[1]:
        assert np.sum(found > 0) > 100
    elif float(problem.lo) * float(problem.hi) <= 0.0 or rows[0] == rows[1]:
        assert np.all(found[clear] == NEVER)


COUPLED = [
    Adam(0.02, weight_decay=0.01),
    Adam(0.05, 0.5, 0.9, eps=1e-3, weight_decay=1.0),
    RMSProp(0.02, weight_decay=0.1),
    RMSProp(0.01, momentum=0.9, centered=True, weight_decay=0.1),
    AdamW(0.05, weight_decay=0.5),
]


@pytest.mark.some(4)
@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize("config", COUPLED)
def test_coupled_decay_revives_in_training_when_iterated(name: str, config: Any) -> None:
    problem, theta = PROBLEMS[name], dead(PROBLEMS[name], 400, 3)
    predicted = coupled_revival(theta, problem, config, init(config, theta), 400)
    run = train_arrays(theta, problem, config, 400, events=False)
    assert run.first_change is not None
    changed = ~run.diverged
    assert np.mean(changed) > 0.99
    assert np.array_equal(predicted[changed], run.first_change[changed])
    if not isinstance(config, AdamW):
        assert np.sum(predicted > 0) > 30


@pytest.mark.some(2)
@pytest.mark.parametrize("config", [*COUPLED[:4], HeavyBall(0.2), AdamW(0.2, weight_decay=0.1)])
def test_momentum_left_over_and_decay_together(config: Any) -> None:
    problem = Problem()
    theta = np.random.default_rng(4).normal(size=(4, 5000))
    state = init(config, theta)
    for _ in range(20):
        theta, state = update(config, gradient(theta, problem), state, theta)
    gone = activity(theta, problem) == DEAD
    assert np.sum(gone) > 50
    theta = theta[:, gone]
    state = type(state)(*(part[:, gone] if np.ndim(part) else part for part in state))
    predicted = coupled_revival(theta, problem, config, state, 300)
    alone = decay_revival(theta, problem, *(2 * [config.lr * getattr(config, "weight_decay", 0.0)]))
    found = np.full(predicted.shape, NEVER)
    for k in range(1, 301):
        theta, state = update(config, gradient(theta, problem), state, theta)
        found = np.where((found == NEVER) & (activity(theta, problem) != DEAD), k, found)
    assert np.array_equal(predicted, found)
    # The closed form asks for a state at rest.
    assert np.any(alone != predicted)


def heavy_ball_return(z: np.ndarray, moved: np.ndarray, mu: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Return the first k with z(k) > 0 for real roots, by derivation 12, from z(0) and z(1); ∞ if none."""
    middle = 0.5 * (1.0 + mu - pull)
    half = np.sqrt(middle**2 - mu)
    # The larger root has no cancellation, and their product is μ.
    large = middle + half
    small = mu / large
    part = (moved - small * z) / (large - small)
    back = part > 0.0
    ratio = np.where(back, (part - z) / np.where(back, part, 1.0), 1.0)
    return np.where(back, np.maximum(np.floor(np.log(ratio) / np.log(large / small)) + 1.0, 1.0), np.inf)


@pytest.mark.slow
def test_heavy_ball_with_decay_has_its_closed_form() -> None:
    n, rng = 100_000, np.random.default_rng(5)
    theta = dead(Problem(), n, 6)
    mu = rng.uniform(0.05, 0.95, n)
    pull = rng.uniform(0.02, 0.98, n) * (1.0 - np.sqrt(mu)) ** 2
    size = np.hypot(theta[0], theta[1])
    buffer = np.zeros_like(theta)
    buffer[:2] = 10.0 * rng.normal(size=(2, n)) * size
    config = HeavyBall(0.1, mu)
    found = coupled_revival(theta, Problem(), config, HeavyBallState(buffer), 400, penalty=pull / 0.1)
    steps = np.full(n, np.inf)
    for end in (-1.0, 1.0):
        z, drift = theta[0] * end + theta[1], buffer[0] * end + buffer[1]
        moved = (1.0 - pull) * z - 0.1 * mu * drift
        steps = np.minimum(steps, heavy_ball_return(z, moved, mu, pull))
    predicted = np.where(steps <= 400, steps, NEVER).astype(int)
    # Rounding where z nearly vanishes at a step.
    assert np.mean(predicted != found) < 1e-4
    assert min(np.sum(found == NEVER), np.sum(found > 3)) > 1000


def test_heavy_ball_at_rest_returns_iff_its_roots_are_complex() -> None:
    n, rng = 100_000, np.random.default_rng(7)
    theta = dead(Problem(), n, 8)
    theta = theta[:, np.max(theta[0] * np.array([[-1.0], [1.0]]) + theta[1], axis=0) < 0.0]
    n = theta.shape[1]
    mu = rng.uniform(0.05, 0.95, n)
    config, rest = HeavyBall(0.1, mu), HeavyBallState(np.zeros_like(theta))
    edge = (1.0 - np.sqrt(mu)) ** 2
    below = coupled_revival(
        theta, Problem(), config, rest, 300, penalty=rng.uniform(0.0, 0.999, n) * edge / 0.1
    )
    assert np.all(below == NEVER)
    pull = edge + rng.uniform(0.01, 0.99, n) * (4.0 * np.sqrt(mu))
    angle = np.arccos((1.0 + mu - pull) / (2.0 * np.sqrt(mu)))
    above = coupled_revival(theta, Problem(), config, rest, 300, penalty=pull / 0.1)
    assert np.all((above > 0) & (above <= np.floor(np.pi / angle) + 1))


def test_heavy_ball_at_rest_compares_decays_as_plain_decay_does() -> None:
    n, rng = 20_000, np.random.default_rng(9)
    theta = dead(Problem(), n, 10)
    mu = rng.uniform(0.05, 0.8, n)
    pulls = rng.uniform(0.05, 0.95, (2, n)) * (1.0 - np.sqrt(mu)) ** 2
    rest = HeavyBallState(np.zeros_like(theta))
    penalty = np.stack([pulls[0], pulls[1], 0.0 * mu, 0.0 * mu]) / 0.1
    found = coupled_revival(theta, Problem(), HeavyBall(0.1, mu), rest, 1000, penalty=penalty)
    plain = decay_revival(theta, Problem(), pulls[0], pulls[1])
    assert not np.any((found > 0) & (plain == NEVER))
    # Those that come back but slowly are not waited for.
    soon = (plain > 0) & (plain < 20) & (pulls[1] > 2.0 * pulls[0])
    assert np.sum(soon) > 300
    assert np.all(found[soon] > 0)
    # Beyond the edge the roots are complex, and w1 with the larger decay swings through 0 all the same.
    beyond = np.stack([3.9 * np.sqrt(mu), 0.0 * mu, 0.0 * mu, 0.0 * mu]) + 0.0 * theta
    swung = coupled_revival(theta, Problem(), HeavyBall(0.1, mu), rest, 50, penalty=beyond / 0.1)
    assert np.sum((swung > 0) & (decay_revival(theta, Problem(), 0.5, 0.0) == NEVER)) > 100


@pytest.mark.parametrize("config", [Adam(2**-5, eps=0.0), RMSProp(2**-5, eps=0.0), Sign(2**-5)])
def test_without_eps_the_size_of_the_decay_does_not_matter(config: Any) -> None:
    theta = dead(Problem(), 1000, 11)
    steps = [
        coupled_revival(theta, Problem(), config, init(config, theta), 300, penalty=size)
        for size in (2.0**-20, 1.0, 2.0**20)
    ]
    assert np.array_equal(steps[0], steps[1])
    assert np.array_equal(steps[1], steps[2])
    assert np.sum(steps[0] > 0) > 100
    doubled = config._replace(lr=2.0 * config.lr)
    scaled = coupled_revival(2.0 * theta, Problem(), doubled, init(doubled, theta), 300, penalty=1.0)
    assert np.array_equal(scaled, steps[0])
    if not isinstance(config, Sign):
        # With ε it does.
        ordinary = config._replace(eps=1e-3)
        few = coupled_revival(theta, Problem(), ordinary, init(ordinary, theta), 300, penalty=1e-6)
        assert np.sum(few != steps[0]) > 100


def test_the_way_of_decaying_decides() -> None:
    theta = dead(Problem(), 300, 12)
    theta = theta / np.max(np.abs(theta), axis=0)
    for config, all_return in (
        (Adam(0.01, weight_decay=0.01), True),
        (AdamW(0.01, weight_decay=0.01), False),
    ):
        steps = coupled_revival(theta, Problem(), config, init(config, theta), 3000)
        inside = np.max(theta[0] * np.array([[-1.0], [1.0]]) + theta[1], axis=0) < -1e-12
        assert np.all((steps > 0)[inside] == all_return)


def test_arrays_of_any_shape_and_precision() -> None:
    three = Neuron(1.0, -3.0, 1.0, 1.0)
    # 0.9^10 = 0.349, 0.9^11 = 0.314.
    assert decay_revival(three, Problem(), 0.0, 0.1) == 11
    assert decay_revival(three, Problem(), 0.1, 0.1) == decay_revival(three, Problem(), 0.1, 0.0) == NEVER
    assert decay_revival(three, Problem(), 0.0, 1e-30) == NEVER
    assert decay_revival(Neuron(0.0, 0.0), Problem(), 0.1, 0.2) == NEVER
    assert decay_revival(Neuron(0.0, -1.0), Problem(), 0.1, 0.2) == NEVER
    assert decay_revival(Neuron(), Problem(), 0.1, 0.2) == 0
    # On a wall the first step is enough.
    assert decay_revival(Neuron(-2.0, -2.0), Problem(), 0.0, 1e-9) == 1
    assert decay_revival(Neuron(b1=np.zeros((2, 0))), Problem(), 0.1, 0.2).shape == (2, 0)
    assert decay_revival(three, Problem(), np.zeros((3, 1)), np.zeros(5)).shape == (3, 5)
    single = decay_revival(np.array([1.0, -3.0, 1.0, 1.0], dtype=np.float32), Problem(), 0.0, 0.1)
    assert (int(single), single.dtype) == (11, np.int64)
    state = init(GD(), np.zeros((4, 2, 0)))
    assert coupled_revival(Neuron(b1=np.zeros((2, 0))), Problem(), GD(), state).shape == (2, 0)
    assert coupled_revival(three, Problem(), GD(0.1), state, 20, penalty=np.array([0.0, 1.0, 0.0, 0.0])) == 11


def test_what_is_not_proved_is_refused() -> None:
    leaky = Problem(activation=(0.1, 1.0))
    with pytest.raises(ValueError, match="slopes: expected"):
        decay_revival(Neuron(), leaky, 0.1, 0.1)
    with pytest.raises(ValueError, match=r"decay_b1: expected a finite number >= 0, got -0\.5"):
        decay_revival(Neuron(), Problem(), 0.1, -0.5)
    config = Adam()
    state = init(config, np.zeros(4))
    with pytest.raises(ValueError, match="slopes: expected"):
        coupled_revival(Neuron(), leaky, config, state)
    with pytest.raises(ValueError, match="longest: expected an integer >= 0, got -1"):
        coupled_revival(Neuron(), Problem(), config, state, -1)
    with pytest.raises(ValueError, match="weight_decay: expected"):
        coupled_revival(Neuron(), Problem(), Adam(weight_decay=-1.0), state)
    # A leaky neuron has a gradient while dead, and comes back without any decay.
    theta = dead(Problem(), 200, 13)
    run = train_arrays(theta, leaky, GD(0.3), 300, events=False)
    assert run.first_change is not None
    assert np.sum(run.first_change > 0) > 20
