"""A hunt for counterexamples of the trap by signs, in many problems; and it finds them where it should.

The flow in the linear cell is written down in `cell` from moments and integrated by RK4.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends.outcome import LINEAR, outcome
from gradflow.flow import integrate
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.theory.hyperactive import trapped
from gradflow.theory.limits import line_limit
from gradflow.theory.signs import least_output_weight, path_by_signs, rises_by_signs, trapped_by_signs
from tests.theory.cell import follow
from tests.theory.moments import PROBLEMS, moments

MORE = PROBLEMS | {
    "mean right of 0": Problem(Neuron(1.0, -0.3, 1.0, 0.2), Uniform(-0.7, 1.1)),
    "mean left of 0": Problem(Neuron(1.0, 0.1, 1.0, 0.2), Uniform(-1.2, 0.9)),
    "falling": Problem(Neuron(-1.3, 0.2, 0.7, 0.0)),
    "downward": Problem(Neuron(1.3, 0.2, -0.7, 0.4), activation=(-0.4, 1.3)),
}
NONE = ("wide interval",)
"""Inputs with 1 + n E x < 0: nothing is claimed."""


def candidates(problem: Problem, s: float, n: int, seed: int) -> np.ndarray:
    """Return neurons of slope s on the whole input, with errors of all signs, many of them near a wall."""
    rng = np.random.default_rng(seed)
    m = moments(problem)
    side = 1.0 if s == problem.slopes[1] else -1.0
    w2 = rng.choice([-1.0, 1.0], n) * np.exp(rng.normal(0.0, 0.7, n))
    w1 = (
        (m.covariance / m.variance_x / s)
        / w2
        * np.exp(rng.normal(0.3, 0.7, n))
        * rng.choice([1.0, 1, 1, -1], n)
    )
    reach = np.maximum(-side * w1 * float(problem.lo), -side * w1 * float(problem.hi))
    b1 = side * (reach + 10.0 ** rng.uniform(-4.0, 0.5, n))
    rho0 = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-3.0, 0.7, n)
    b2 = m.mean + rho0 - s * w2 * (m.mean_x * w1 + b1)
    return np.stack([w1, b1, w2, b2])


SIDES = [
    pytest.param(name, s, id=f"{name}, slope {s}")
    for name, problem in MORE.items()
    for s in problem.slopes
    if s != 0.0
]


@pytest.mark.some(4)
@pytest.mark.parametrize(("name", "s"), SIDES)
def test_no_counterexample(name: str, s: float) -> None:
    problem = MORE[name]
    theta = candidates(problem, s, 5_000, seed=3)
    inside = trapped_by_signs(theta, problem)
    if name in NONE:
        assert not np.any(inside)
        return
    assert np.sum(inside) > 200
    theta = theta[:, inside]
    end = follow(theta, problem, s, steps=300)
    assert not np.any(end.left)
    assert np.all(end.path <= path_by_signs(theta, problem) * (1.0 + 1e-9))
    assert np.all(np.abs(end.theta[2]) >= least_output_weight(theta, problem, s) * (1.0 - 1e-9))
    assert np.all(trapped_by_signs(end.theta, problem)[end.after > 1e-8])


@pytest.mark.parametrize("name", [name for name in MORE if name not in NONE])
def test_the_hunt_finds_counterexamples_outside(name: str) -> None:
    problem = MORE[name]
    s = problem.slopes[1]
    theta = candidates(problem, s, 10_000, seed=4)
    outside = theta[:, ~trapped_by_signs(theta, problem)]
    assert np.mean(follow(outside, problem, s, steps=100).left) > 0.02


@pytest.mark.some(3)
@pytest.mark.parametrize("wrong", ["slope", "level", "aim", "place", "wide", "far"])
def test_each_hypothesis_is_needed(wrong: str) -> None:
    # One hypothesis at a time is violated, all others hold; walls are reached.
    problem = {
        "place": Problem(Neuron(1.0, -0.5, 1.0, 0.0), Uniform(0.5, 2.0)),
        # g δ < −V n: only ρ0 ≤ 0 is a trap there, not all of the cone that moves the breakpoint away.
        "wide": Problem(inputs=Uniform(-4.0, 4.0)),
    }.get(wrong, Problem())
    rng = np.random.default_rng(7)
    n = 20_000
    m = moments(problem)
    aim = m.covariance / m.variance_x
    w2 = np.exp(rng.normal(0.0, 0.5, n))
    factor = np.exp(np.abs(rng.normal(0.0, 0.7, n)))
    w1 = aim / w2 * (1.0 / factor if wrong == "slope" else -factor if wrong == "aim" else factor)
    rho1, near = w1 * w2 - aim, float(problem.lo) if wrong != "aim" else float(problem.hi)
    rho0 = -np.abs(rng.normal(0.0, 1.0, n))
    if wrong in ("level", "wide"):
        edge = -m.variance_x * near / (1.0 + near * m.mean_x)
        rho0 = edge * rho1 * (rng.uniform(1.0, 3.0, n) if wrong == "level" else rng.uniform(0.9, 1.0, n))
    if wrong == "far":
        # Within the wider cone, but not far enough outside.
        rho0 = rng.uniform(0.5, 1.0, n) * rho1
    b1 = -near * w1 + 10.0 ** rng.uniform(-4.0, -1.0 if wrong in ("level", "wide") else 0.0, n)
    b2 = m.mean + rho0 - w2 * (m.mean_x * w1 + b1)
    theta = np.stack([w1, b1, w2, b2])
    claimed = np.asarray(trapped_by_signs(theta, problem))
    assert np.mean(claimed) < (0.6 if wrong in ("level", "far") else 1e-9)
    assert np.sum(follow(theta[:, ~claimed], problem, 1.0, steps=200).left) >= 20
    assert not np.any(follow(theta[:, claimed], problem, 1.0, steps=200).left)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MORE if name not in NONE])
def test_no_counterexample_among_many(name: str) -> None:
    problem, seen = MORE[name], 0
    for seed in range(4):
        theta = candidates(problem, problem.slopes[1], 25_000, seed)
        # Steep and above the best line, up to where it is too high: half of them near the edges.
        m = moments(problem)
        rho1 = problem.slopes[1] * theta[0] * theta[2] - m.covariance / m.variance_x
        rng = np.random.default_rng(100 + seed)
        rho0 = (
            np.abs(rho1)
            * rng.choice([0.3, 0.33, 0.6, 1.0, 1.9, 2.5], rho1.shape)
            * rng.uniform(-1.0, 1.05, rho1.shape)
        )
        theta[3] = m.mean + rho0 - problem.slopes[1] * theta[2] * (m.mean_x * theta[0] + theta[1])
        theta = theta[:, np.asarray(trapped_by_signs(theta, problem))]
        seen += theta.shape[1]
        assert not np.any(follow(theta, problem, problem.slopes[1], steps=120).left)
    assert seen > 500


def test_the_default_region() -> None:
    theta = np.random.default_rng(1).uniform(-3.0, 3.0, (4, 200_000))
    for side in (1.0, -1.0):
        w1, b1, w2, b2 = theta * np.array([[side], [1.0], [side], [1.0]])
        rho1, rho0 = w1 * w2 - 0.5, side * (theta[2] * b1 + b2 - 0.25)
        steep = (w1 > 0) & (w2 > 0) & (b1 > w1) & (rho1 >= 0.0)
        cone = steep & (3.0 * rho0 <= rho1)
        # Derivation 13 (5), as it stands there.
        with np.errstate(all="ignore"):
            most = [
                np.where(w2 < np.sqrt(k), w2 / (k + w2**2), 0.5 / np.sqrt(k)) for k in (np.ones_like(b1),)
            ]
            least = np.maximum(b1 - rho0 * most[0], 0.0)
            k = 1.0 + least**2
            fall = rho0 * np.where(w2 < np.sqrt(k), w2 / (k + w2**2), 0.5 / np.sqrt(k))
            rest = 1.0 + (2.0 / 3.0) * (0.5 / w1) ** 2 - w1**2 / 3.0
            at = np.where(rest >= 0.0, np.maximum(least, np.sqrt(rest)), least)
            half = (at + rest / at) / (2.0 * w1)
            edge = np.where(at**2 + rest >= 0.0, half + np.sqrt(half**2 + 1.0 / 3.0), 0.0)
        above = steep & (rho0 > 0.0) & (rho0 <= np.maximum(edge, 1.0) * rho1) & (b1 - w1 > fall)
        found = np.asarray(trapped_by_signs(theta)) & (theta[0] * side > 0.0)
        np.testing.assert_array_equal(found, cone | above)
        assert np.sum(cone) > 500
        assert np.sum(above & ~cone) > 500


def test_what_it_decides_is_what_the_flow_does() -> None:
    theta = candidates(Problem(), 1.0, 400, seed=9)
    theta = theta[:, trapped_by_signs(theta)][:, :8]
    for k in range(theta.shape[1]):
        run = integrate(Neuron(*theta[:, k].tolist()), Problem(), 60.0)
        states = np.array([point.theta for point in run.points]).T
        assert not run.crossings
        level = np.sign(states[2]) * (states[2] * states[1] + states[3] - 0.25)
        assert np.all(np.diff(np.abs(states[0])) <= 1e-9)
        assert np.all(np.diff(np.abs(states[1]))[level[1:] <= 0.0] >= -1e-9)
        assert np.all(states[2] ** 2 >= least_output_weight(theta[:, k], Problem(), 1.0) ** 2 * (1 - 1e-9))
        if run.last.loss - 1.0 / 48.0 < 1e-6:
            assert int(outcome(states[:, -1])) == LINEAR


def test_it_holds_far_more_than_the_bound_on_the_path() -> None:
    b1, b2 = np.meshgrid(np.linspace(-2.5, 2.5, 201), np.linspace(-3.0, 3.0, 201), indexing="ij")
    theta = np.stack([np.ones_like(b1), b1, np.ones_like(b1), b2])
    assert np.mean(trapped_by_signs(theta)) > 100 * np.mean(trapped(theta))


def test_special_values() -> None:
    assert trapped_by_signs(Neuron(1.0, 2.0, 1.0, -3.0))
    assert not trapped_by_signs(Neuron(0.0, 2.0, 1.0, -3.0))
    assert not trapped_by_signs(Neuron(1.0, 2.0, 0.0, -3.0))
    assert not trapped_by_signs(Neuron(0.0, 0.0, 0.0, 0.0))
    assert not trapped_by_signs(Neuron(1.0, 1.0, 1.0, -3.0))  # on the wall
    assert not trapped_by_signs(Neuron(1.0, -2.0, 1.0, -3.0))  # dead, s₋ = 0
    assert not trapped_by_signs(Neuron(1.0, 2.0, 1.0, -3.0), Problem(Neuron(0.0, 1.0, 1.0, 0.0)))
    assert path_by_signs(Neuron(1.0, 0.0, 1.0, -3.0)) == np.inf
    assert trapped_by_signs(np.ones((4, 0))).shape == (0,)
    assert path_by_signs(np.ones((4, 3, 2), np.float32)).dtype == np.float32
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        extreme = np.array([[1e-200, 1e100, 5.0], [1.0, 2e100, 6.0], [1.0, 1.0, 1e-200], [0.0, 0.0, 0.0]])
        assert path_by_signs(extreme).shape == (3,)


def test_any_array_library() -> None:
    strict = pytest.importorskip("array_api_strict")
    theta = candidates(Problem(), 1.0, 500, seed=2)
    for function in (trapped_by_signs, path_by_signs):
        expected = function(theta)
        np.testing.assert_array_equal(np.from_dlpack(function(strict.asarray(theta))), expected)


@pytest.mark.slow
def test_the_limit_of_one_that_is_too_high_is_enclosed() -> None:
    # |b1| falls at first where ρ0 > 0, so that it bounds nothing there.
    theta = candidates(Problem(), 1.0, 20_000, seed=12)
    high = np.asarray(trapped_by_signs(theta)) & ~np.asarray(rises_by_signs(theta))
    assert np.sum(high) > 100
    theta = theta[:, high][:, :400]
    end = follow(theta, Problem(), 1.0, steps=3_000)
    assert np.mean(np.abs(end.theta[1]) < np.abs(theta[1])) > 0.1
    box = line_limit(theta)
    rest = 2.0 * np.sqrt(end.after)
    known = np.isfinite(box.lower[0]) & (end.after < 1e-14)
    assert np.sum(known) > 100
    assert np.all(((box.lower - rest <= end.theta) & (end.theta <= box.upper + rest))[:, known])
