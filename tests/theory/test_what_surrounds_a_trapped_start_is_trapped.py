"""Tubes: balls of starts that are proved trapped contain no start that is not; without slack some do.

The flow is `tests.theory.cell.follow`, written down from moments; the inequality is tested by itself.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field.baselines import best_line
from gradflow.neuron.activity import HYPERACTIVE, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.theory import tube
from gradflow.theory.hyperactive import line, trapped
from gradflow.theory.tube import Cell, cell_of, surround
from tests.theory.adversaries import Lines, at_the_trap
from tests.theory.cell import field, follow
from tests.theory.exact import Case
from tests.theory.moments import PROBLEMS

CASES = {
    f"{name}, slope {s}": (problem, s)
    for name, problem in PROBLEMS.items()
    for s in problem.slopes
    if s != 0.0
}
SIDES = [pytest.param(*case, id=name) for name, case in CASES.items()]


def cell(problem: Problem, s: float) -> Cell:
    return cell_of(problem, s, 1.0 if s == problem.slopes[1] else -1.0)


def starts(problem: Problem, s: float, n: int, seed: int) -> np.ndarray:
    """Return neurons on the side of slope s, some of them near its walls and near the best line."""
    rng = np.random.default_rng(seed)
    sign = 1.0 if s == problem.slopes[1] else -1.0
    w2 = rng.choice([-1.0, 1.0], n) * np.exp(rng.normal(0.0, 0.4, n))
    slope, level = float(best_line(problem).slope), float(line(problem).mean)
    w1 = slope / (s * w2) + rng.normal(0.0, 0.5, n) * rng.choice([0.1, 1.0], n)
    reach = np.maximum(-sign * w1 * float(problem.lo), -sign * w1 * float(problem.hi))
    b1 = sign * (reach + rng.uniform(0.01, 2.0, n))
    rho0 = rng.normal(0.0, 1.0, n) * rng.choice([0.1, 1.0], n)
    return np.stack([w1, b1, w2, level + rho0 - s * w2 * (line(problem).mean_x * w1 + b1)])


def around(theta: np.ndarray, radius: np.ndarray, copies: int, seed: int) -> np.ndarray:
    """Return points on the spheres around starts, shape (4, copies · n)."""
    direction = np.random.default_rng(seed).normal(size=(4, copies, theta.shape[1]))
    direction /= np.sqrt(np.sum(direction**2, axis=0))
    return (theta[:, None] + radius * direction).reshape(4, -1)


@pytest.mark.parametrize(("problem", "s"), SIDES)
def test_the_inequality(problem: Problem, s: float) -> None:
    rng = np.random.default_rng(5)
    of = cell(problem, s)
    theta = rng.normal(0.0, 2.0, (4, 10_000))
    move = rng.normal(0.0, 1.0, theta.shape) * 10.0 ** rng.uniform(-3.0, 1.0, theta.shape[1])
    _, here = field(theta, problem, s)
    _, there = field(theta + move, problem, s)
    size = np.sum(move**2, axis=0)
    product = np.sum(move * (there - here), axis=0)
    rate = tube.divergence(of, theta, np.zeros(theta.shape[1]))
    slack = 1e-9 * np.sqrt(np.sum(here**2, axis=0) * size) + 1e-12
    bound = -(rate + tube.quadratic(of) * size) * size
    assert np.all(product >= bound - slack)
    # Without the quadratic term it is wrong, and with all of the Gauss–Newton term too.
    assert np.any(product < -rate * size - slack)
    kept, tube.KEPT = tube.KEPT, 1.0
    try:
        whole = tube.divergence(of, theta, np.zeros(theta.shape[1]))
    finally:
        tube.KEPT = kept
    assert np.any(product < -(whole + tube.quadratic(of) * size / 20.0) * size - slack)


@pytest.mark.some(2)
@pytest.mark.parametrize(("problem", "s"), SIDES)
def test_no_counterexample_in_the_balls(problem: Problem, s: float) -> None:
    theta = starts(problem, s, 300, seed=8)
    radius = 10.0 ** np.random.default_rng(2).uniform(-3.5, -0.5, theta.shape[1])
    found = surround(theta, problem, radius, steps=400)
    inside = found.trapped
    assert np.sum(inside) > 10
    many = around(theta[:, inside], radius[inside], 50, seed=1)
    end = follow(many, problem, s, steps=300)
    assert not np.any(end.left)
    assert np.all(end.after <= end.before)


@pytest.mark.slow
def test_no_counterexample_among_many() -> None:
    checked = 0
    for k, (problem, s) in enumerate(CASES.values()):
        theta = starts(problem, s, 1500, seed=100 + k)
        radius = 10.0 ** np.random.default_rng(k).uniform(-3.0, -0.3, theta.shape[1])
        inside = surround(theta, problem, radius, steps=600).trapped
        many = around(theta[:, inside], radius[inside], 40, seed=k)
        assert not np.any(follow(many, problem, s, steps=300).left)
        checked += many.shape[1]
    assert checked >= 100_000


@pytest.mark.slow
def test_the_hunt_finds_starts_that_leave_balls_too_large() -> None:
    theta = starts(Problem(), 1.0, 700, seed=21)
    sure = surround(theta, Problem(), 1e-4).trapped
    theta = theta[:, sure]
    wide = np.full(theta.shape[1], 0.3)
    refused = ~surround(theta, Problem(), wide).trapped
    many = around(theta[:, refused], wide[refused], 50, seed=6)
    many = many[:, activity(many) == HYPERACTIVE]
    assert np.sum(follow(many, Problem(), 1.0, steps=300).left) >= 30


@pytest.mark.slow
def test_a_wrong_curve_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # The curve of another field has a defect: the radius grows, and the proof does not go through.
    theta = starts(Problem(), 1.0, 300, seed=3)
    # Those that a trap holds from the start on need no curve.
    theta = theta[:, ~trapped(theta)]
    right = surround(theta, Problem(), 1e-3)
    descent, calls = tube.descent, 0

    def wrong(of: Cell, at: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        # The Runge–Kutta stages are wrong; the slopes from which the defect is computed are not.
        return descent(of, at) * (0.5 if calls % 15 in (2, 3, 4) else 1.0)

    monkeypatch.setattr(tube, "descent", wrong)
    assert np.sum(surround(theta, Problem(), 1e-3).trapped) < 0.5 * np.sum(right.trapped)


@pytest.mark.slow
def test_most_of_what_is_trapped_is_proved() -> None:
    theta = starts(Problem(), 1.0, 500, seed=31)
    end = follow(theta, Problem(), 1.0, steps=3000)
    stays = ~end.left & (end.after < 1e-9)
    proved = surround(theta, Problem(), 0.0).trapped
    assert not np.any(proved & end.left)
    assert np.sum(proved) > 0.95 * np.sum(stays)


def test_a_step_too_long_for_its_growth_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # Errors of a curve without a radius grow by more than e: the cap must hold for all of it.
    theta = np.array([0.00355, 0.18135, 0.10635, -10.30])[:, None]
    monkeypatch.setattr(tube, "STEP", 2.0)
    h, _, grown, _ = tube._step(cell(Problem(), 1.0), theta, np.zeros(1), np.full(1, 100.0))
    assert h > 0.0
    assert grown == np.inf


def test_special_values() -> None:
    huge = np.array([1e160, 2e160, 1e160, 0.0])
    with np.errstate(all="ignore"):
        assert not surround(huge).trapped
    assert surround(Neuron(1.0, 2.0, 1.0, -2.0)).trapped.shape == ()
    assert surround(Neuron(1.0, 2.0, 1.0, -2.0), Problem(), 0.01).trapped
    assert not surround(Neuron(1.0, 0.5, 1.0, -2.0)).trapped  # balanced
    assert not surround(Neuron(1.0, 1.0, 1.0, -2.0)).trapped  # on the wall
    assert not surround(Neuron(1.0, -2.0, 1.0, 0.25)).trapped  # dead, s₋ = 0
    assert not surround(Neuron(0.0, 0.0, 0.0, 0.0)).trapped
    assert surround(np.ones((4, 0))).trapped.shape == (0,)
    assert surround(np.ones((4, 3, 2), np.float32), Problem(), np.zeros((3, 1))).radius.shape == (3, 2)
    assert surround(Neuron(0.5, 1.0, 1.0, -0.75)).trapped  # at the best line
    with pytest.raises(ValueError, match=r"^radius: "):
        surround(Neuron(), Problem(), -1.0)
    with pytest.raises(ValueError, match=r"^problem: "):
        surround(Neuron(), Problem(inputs=Uniform(np.array([-1.0, 0.0]), 1.0)))


@pytest.mark.parametrize(
    "teacher", [Neuron(), Neuron(1.0, 1.0 - 1e-6, 1.0, 0.3), Neuron(-3e4, 2e4, 1e-4, 1e9)]
)
def test_the_trap_at_once_is_the_exact_one(teacher: Neuron) -> None:
    # Neurons at the distance ℓ from a wall, to rounding.
    n, rng = 2_000, np.random.default_rng(1)
    taught = np.broadcast_to(np.array(teacher)[:, None], (4, n))
    theta = at_the_trap(rng, Lines(taught, -np.ones(n), np.ones(n), (0.0, 1.0)))
    theta *= 1.0 + 2.0**-52 * rng.integers(-2, 3, (4, n))
    b2 = theta[2] * theta[1] + theta[3]
    theta[1] *= 1.0 + 10.0 ** rng.uniform(-17.0, -1.0, n)
    theta[3] = b2 - theta[2] * theta[1]
    found = surround(theta, Problem(teacher), steps=1)
    at_once = np.flatnonzero(found.trapped & (found.time == 0.0))
    assert at_once.size > 100 or teacher.b2 == 1e9
    assert all(Case.of(theta[:, i], teacher, -1.0, 1.0, (0.0, 1.0)).trapped() for i in at_once)
