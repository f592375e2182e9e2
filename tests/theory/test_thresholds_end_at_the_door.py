"""Between teacher and best line: thresholds are bisected, and their trajectories end at the door."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends import flow_run
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR
from gradflow.field import loss
from gradflow.field.baselines import best_constant, best_line
from gradflow.flow.ensemble import Level, StopRule, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.limits import door, line_limit
from tests.theory.cell import follow
from tests.theory.moments import PROBLEMS

DOORS = {
    "default": Problem(),
    "mirrored": Problem(Neuron(-1.0, 0.0, 1.0, 0.0)),
    "downward": Problem(Neuron(1.0, 0.2, -1.0, 0.5)),
    "shifted": Problem(Neuron(1.2, -0.3, 0.9, 0.1), Uniform(-0.5, 1.5)),
    "steep": Problem(Neuron(1.0, 0.1, 1.0, 0.0), activation=(0.0, 1.7)),
}


def edge(problem: Problem, balance: np.ndarray, end: float) -> np.ndarray:
    """Return the edge at an end of the input, by bisection of Q in w1² (no closed form)."""
    s, line = problem.slopes[1], best_line(problem)
    lower, upper = np.full_like(balance, 1e-9), np.full_like(balance, 1e3)
    for _ in range(200):
        middle = 0.5 * (lower + upper)
        level = (1.0 + end**2) * middle - (float(line.slope) / s) ** 2 / middle
        lower, upper = np.where(level < balance, middle, lower), np.where(level < balance, upper, middle)
    w1 = np.sqrt(lower) * (1.0 if end == float(problem.lo) else -1.0)
    b2 = np.full_like(w1, float(line.slope) * end + float(line.intercept))
    return np.stack([w1, -end * w1, float(line.slope) / (s * w1), b2])


def opening(problem: Problem, theta: np.ndarray, n: int) -> np.ndarray:
    """Return the lowest loss, less the best line's, among n states around each of several states."""
    rng = np.random.default_rng(11)
    size = 10.0 ** rng.uniform(-4.0, -1.7, (1, theta.shape[1], n))
    around = theta[:, :, None] + size * rng.normal(size=(4, theta.shape[1], n))
    # Some of them are the line itself, with the kink pushed in along (w1, b1).
    around[2:, :, ::2] = theta[2:, :, None]
    return np.asarray(np.min(loss(around, problem), axis=-1) - float(best_line(problem).loss))


@pytest.mark.parametrize("name", DOORS)
def test_one_edge_is_open_and_the_other_closed(name: str) -> None:
    problem = DOORS[name]
    balance = np.linspace(-3.0, 3.0, 25)
    at_door = door(balance, problem)
    for end in (float(problem.lo), float(problem.hi)):
        at_edge = edge(problem, balance, end)
        found = opening(problem, at_edge, 4000)
        if np.sign(at_edge[0, 0]) == np.sign(at_door[0, 0]):
            np.testing.assert_allclose(at_door, at_edge, rtol=1e-9, atol=1e-12)
            assert np.all(found < -1e-9)
        else:
            assert np.all(found > -1e-15)


def thresholds(problem: Problem, n: int, seed: int, halvings: int) -> np.ndarray:
    """Return starts on random lines between a global and a linear outcome, bisected `halvings` times."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-2.5, 2.5, (2, 4, 40 * n))
    codes = [flow_run(Neuron(*end), problem, backend="numba").outcome for end in ends]
    use = np.flatnonzero((codes[0] == GLOBAL) & (codes[1] == LINEAR))[:n]
    inside, outside = ends[0][:, use], ends[1][:, use]
    for _ in range(halvings):
        middle = 0.5 * (inside + outside)
        is_global = flow_run(Neuron(*middle), problem, rtol=1e-12, backend="numba").outcome == GLOBAL
        inside, outside = np.where(is_global, middle, inside), np.where(is_global, outside, middle)
    return np.asarray(outside)


def distances(problem: Problem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far from the door each trajectory comes to rest, and the neurons' lowest losses."""
    level = float(best_line(problem).loss)
    # A trajectory that lingers at the best constant's loss is one of a boundary that the theorem leaves out.
    levels = (Level(level, 1e-6, slow=1e-5), Level(float(best_constant(problem).loss), 1e-3, slow=1e-2))
    rule = StopRule(levels, lambda states: np.ones(states.index.shape, dtype=bool))
    run = integrate_ensemble(theta, problem, 1e4, rtol=1e-12, stop=rule, backend="numba")
    final = np.asarray(run.final)
    balance = theta[0] ** 2 + theta[1] ** 2 - theta[2] ** 2
    return np.sqrt(np.sum((final - door(balance, problem)) ** 2, axis=0)), np.asarray(run.loss)


def hunt(problem: Problem, n: int, seed: int) -> np.ndarray:
    """Return the distances of those thresholds to which the theorem applies."""
    theta = thresholds(problem, n, seed, halvings=40)
    distance, value = distances(problem, theta)
    return distance[np.abs(value - float(best_line(problem).loss)) < 1e-5]


@pytest.mark.slow
def test_thresholds_end_at_the_door() -> None:
    found = hunt(DOORS["default"], 3, seed=5)
    assert found.size >= 1
    assert np.max(found) < 1e-2
    assert np.median(found) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", DOORS)
def test_no_threshold_ends_elsewhere(name: str) -> None:
    found = hunt(DOORS[name], 8, seed=6)
    assert found.size >= 2
    assert np.max(found) < 1e-2
    assert np.median(found) < 1e-4


def test_the_hunt_finds_thresholds_that_end_elsewhere() -> None:
    # Without the hypothesis on the loss: a dead start is on the boundary of the teacher's basin, and stays.
    b1 = np.array([-1.0, -1.0 + 1e-9])
    one = np.ones(2)
    codes = flow_run(Neuron(one, b1, one, -one), Problem()).outcome
    assert codes.tolist() == [CONSTANT, GLOBAL]
    # Starts that do not lie on the boundary end away from the door.
    theta = np.array([[1.0, 1.0], [2.0, 1.5], [1.0, 1.0], [-2.0, -1.6]])
    assert np.min(distances(Problem(), theta)[0]) > 0.1


def test_the_published_line() -> None:
    theta = np.array([1.0, 0.0, 1.0, -1.87278610335507])[:, None]
    np.testing.assert_allclose(door(0.0), [8**-0.25, 8**-0.25, 0.5 * 8**0.25, -0.25], rtol=1e-15)
    assert distances(Problem(), theta)[0] < 1e-3


def check_limits(problem: Problem, n: int, steps: int) -> None:
    """Follow n neurons that are known to be trapped, and compare their ends with the enclosures."""
    theta = np.random.default_rng(4).uniform(-2.5, 2.5, (4, 250 * n))
    box = line_limit(theta, problem)
    known = np.flatnonzero(np.all(np.isfinite(box.lower), axis=0))[:n]
    theta, lower, upper = theta[:, known], box.lower[:, known], box.upper[:, known]
    assert theta.shape[1] > n // 8
    nearest = np.minimum(theta[0] * float(problem.lo), theta[0] * float(problem.hi))
    hyperactive = theta[1] + nearest > 0.0
    for s, some in ((problem.slopes[1], hyperactive), (problem.slopes[0], ~hyperactive)):
        if not np.any(some):
            continue
        end = follow(theta[:, some], problem, s, steps=steps)
        settled = end.after < 1e-14
        assert np.mean(settled) > 0.2
        assert np.all((end.theta >= lower[:, some] - 1e-6)[:, settled])
        assert np.all((end.theta <= upper[:, some] + 1e-6)[:, settled])
        # The enclosures say something: half of what they allow would not do.
        middle, half = 0.5 * (lower + upper)[:, some], 0.25 * (upper - lower)[:, some]
        assert np.sum(np.abs(end.theta - middle)[:, settled] > half[:, settled]) > 10


def test_limits_of_neurons_at_their_limit_are_rounded_outwards() -> None:
    # Neurons that are the best line x/2 + 1/4 exactly, all numbers being short: they stay where they are.
    rng = np.random.default_rng(3)
    w1 = 2.0 ** rng.integers(-3, 4, 2_000) * rng.choice([-1.0, 1.0], 2_000)
    b1 = np.abs(w1) + rng.integers(1, 2**20, 2_000) / 2.0**18
    theta = np.stack([w1, b1, 0.5 / w1, 0.25 - 0.5 * b1 / w1])
    box = line_limit(theta)
    known = np.all(np.isfinite(box.lower), axis=0)
    assert np.mean(known) > 0.9
    assert np.all((box.lower <= theta)[:, known])
    assert np.all((theta <= box.upper)[:, known])
    assert np.median((box.upper - box.lower)[:, known]) < 1e-12


LIMITS = ["default", "shifted interval", "leaky", "negative slope", "sample"]


@pytest.mark.some(2)
@pytest.mark.parametrize("name", LIMITS)
def test_line_limits_enclose_the_limit(name: str) -> None:
    check_limits(PROBLEMS[name], 300, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("name", LIMITS)
def test_no_limit_is_outside_its_enclosure(name: str) -> None:
    check_limits(PROBLEMS[name], 10_000, 700)


def test_special_values() -> None:
    assert door(np.zeros((0,))).shape == (4, 0)
    assert door(np.zeros((2, 3), np.float32)).dtype == np.float32
    assert np.all(np.isnan(door(0.0, Problem(inputs=grid(10)))))
    assert np.all(np.isnan(door(0.0, Problem(Neuron(0.0, 1.0, 1.0, 0.0)))))
    assert np.all(np.isnan(door(0.0, Problem(Neuron(1.0, 3.0, 1.0, 0.0)))))
    assert np.all(np.isfinite(door(np.array([-1e150, 1e150, 0.0]))))
    two = Problem(Neuron(np.array([1.0, -1.0]), 0.0, 1.0, 0.0))
    np.testing.assert_allclose(door(0.0, two)[0], [8**-0.25, -(8**-0.25)])
    assert np.all(np.isnan(line_limit(Neuron(1.0, 0.0, 1.0, 0.0)).lower))
    assert line_limit(np.ones((4, 0))).lower.shape == (4, 0)
    box = line_limit(Neuron(0.5, 1.0, 1.0, -0.75))
    np.testing.assert_allclose(box.lower, box.upper, atol=1e-7)
