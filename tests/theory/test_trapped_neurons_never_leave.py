"""A hunt for counterexamples of the trap: neurons made to be barely inside it, followed to the best line.

The flow inside a linear cell is written down in `cell` from moments and integrated by RK4; nothing but
`trapped` and `remaining_path` comes from the package.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends.outcome import LINEAR, outcome
from gradflow.field import gradient
from gradflow.flow import integrate
from gradflow.neuron.problem import Neuron, Problem, Sample
from gradflow.theory.hyperactive import remaining_path, trapped
from tests.theory.cell import field, follow
from tests.theory.moments import PROBLEMS, moments


def barely(problem: Problem, s: float, n: int, ratio: float, seed: int) -> np.ndarray:
    """Return neurons on the side of slope s, nearer to one wall, at `ratio` times ℓ from it.

    ℓ and w2 are drawn; e follows from ℓ, and w1, b1, b2 from e, a direction and the distance.
    """
    rng = np.random.default_rng(seed)
    m = moments(problem)
    matrix = np.array(
        [[m.variance_x, m.mean_x * m.variance_x**0.5], [m.mean_x * m.variance_x**0.5, m.mean_x**2 + 1]]
    )
    c = abs(s) * np.sqrt(np.linalg.eigvalsh(matrix)[0])
    size = rng.uniform(0.2, 2.0, n)
    w2 = rng.choice([-1.0, 1.0], n) * size
    path = size * rng.uniform(0.01, 1.0, n)
    root_e = 0.5 * c * (size**2 - (size - path) ** 2)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    rho1, rho0 = root_e * np.cos(angle) / m.variance_x**0.5, root_e * np.sin(angle)
    w1 = (m.covariance / m.variance_x + rho1) / (s * w2)
    side = 1.0 if s == problem.slopes[1] else -1.0
    distance = ratio * path
    lo, hi = float(problem.lo), float(problem.hi)
    b1 = side * np.maximum(
        distance * np.hypot(1.0, lo) - side * w1 * lo, distance * np.hypot(1.0, hi) - side * w1 * hi
    )
    b2 = m.mean + rho0 - s * w2 * (m.mean_x * w1 + b1)
    return np.stack([w1, b1, w2, b2])


FAR = PROBLEMS["interval away from 0"]
SIDES = [
    pytest.param(problem, s, id=f"{name}, slope {s}")
    for name, problem in PROBLEMS.items()
    for s in problem.slopes
    if s != 0.0
]


@pytest.mark.some(2)
@pytest.mark.parametrize(("problem", "s"), SIDES)
def test_no_counterexample_just_inside(problem: Problem, s: float) -> None:
    theta = barely(problem, s, 1000, ratio=1.0001, seed=17)
    assert np.all(trapped(theta, problem))
    end = follow(theta, problem, s)
    assert not np.any(end.left)
    assert np.all(end.path <= remaining_path(theta, problem, s) * (1.0 + 1e-9))
    assert np.all(end.after < end.before)
    if problem is not FAR:
        assert np.mean(end.after < 0.1 * end.before) > 0.7


@pytest.mark.parametrize(("problem", "s"), SIDES)
def test_nothing_is_claimed_just_outside(problem: Problem, s: float) -> None:
    assert not np.any(trapped(barely(problem, s, 1000, ratio=0.9999, seed=17), problem))


@pytest.mark.some(2)
@pytest.mark.parametrize(("problem", "s"), SIDES)
def test_the_hunt_finds_counterexamples_of_a_bound_three_times_shorter(problem: Problem, s: float) -> None:
    # Far from 0 inputs make slope and level nearly the same direction, and the bound is a rough one.
    theta = barely(problem, s, 1000, ratio=1.0001 / (100.0 if problem is FAR else 3.0), seed=17)
    assert np.sum(follow(theta, problem, s, steps=300).left) >= 10


def test_the_bound_is_not_wasteful() -> None:
    theta = barely(Problem(), 1.0, 400, ratio=1.0001, seed=5)
    used = follow(theta, Problem(), 1.0).path / remaining_path(theta, Problem(), 1.0)
    assert np.max(used) > 0.8


def test_what_is_trapped_stays_trapped_and_ends_at_the_best_line() -> None:
    theta = barely(Problem(), 1.0, 24, ratio=1.05, seed=8)
    for k in range(theta.shape[1]):
        run = integrate(Neuron(*theta[:, k].tolist()), Problem(), 20.0)
        states = np.array([point.theta for point in run.points]).T
        assert not run.crossings
        assert np.all(trapped(states))
        excess = np.array([point.loss for point in run.points]) - 1.0 / 48.0
        slack = abs(theta[2, k]) - float(remaining_path(theta[:, k], Problem(), 1.0))
        t = np.array([point.t for point in run.points])
        assert np.all(excess <= excess[0] * np.exp(-4.0 / 3.0 * slack**2 * t) * (1.0 + 1e-6) + 1e-12)
        if excess[-1] < 1e-6:
            assert int(outcome(states[:, -1])) == LINEAR


@pytest.mark.parametrize("problem", [p for p in PROBLEMS.values() if isinstance(p.inputs, Sample)])
def test_a_samples_own_flow_is_trapped_too(problem: Problem) -> None:
    theta = barely(problem, 1.0, 300, ratio=1.0001, seed=29)
    _, expected = field(theta, problem, 1.0)
    np.testing.assert_allclose(gradient(theta, problem), expected, rtol=0, atol=1e-12)
