"""A hunt for trajectories that cross an energy barrier, or miss the limit that Q predicts."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.descent import GD, train_arrays
from gradflow.field import gradient, loss
from gradflow.flow import integrate
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory.energy import barriers, limit, never_constant, reaches_teacher

PROBLEMS = {
    "default": Problem(),
    "to the left": Problem(teacher=Neuron(-1.3, 0.4, 0.7, -0.2)),
    "downwards": Problem(teacher=Neuron(0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "steep": Problem(activation=(0.0, 2.0)),
}


def below(problem: Problem, level: float, n: int, seed: int) -> np.ndarray:
    """Return neurons with a loss between 0.7 and 1 times a level: minima, disturbed."""
    rng = np.random.default_rng(seed)
    w1, b1, w2, b2 = (float(value) for value in problem.teacher)
    found: list[np.ndarray] = []
    while sum(part.shape[1] for part in found) < n:
        scale = np.exp(rng.normal(0.0, 0.3, 4 * n))
        minima = np.stack([w1 * scale, b1 * scale, w2 / scale, b2 + 0.0 * scale])
        theta = minima + rng.uniform(0.0, 1.0, 4 * n) * rng.normal(size=minima.shape)
        value = loss(theta, problem)
        found.append(theta[:, (value < level) & (value > 0.7 * level)])
    return np.concatenate(found, axis=1)[:, :n]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_below_the_line_the_limit_is_known(name: str) -> None:
    problem = PROBLEMS[name]
    # The other problems are stiffer.
    n = 30_000 if name == "default" else 1_000
    theta = below(problem, float(barriers(problem).line), n, 0)
    assert np.all(reaches_teacher(theta, problem))
    run = integrate_ensemble(theta, problem, 2000.0, rtol=1e-8, resting=1e-8)
    size = 1.0 + np.max(np.abs(theta), axis=0)
    missed = np.max(np.abs(run.final - limit(theta, problem)), axis=0) > 1e-4 * size
    # A trajectory that ran out of time is not at its end; there are few, with a small curvature.
    late = np.sqrt(np.sum(gradient(run.final, problem) ** 2, axis=0)) > 1e-7
    assert np.mean(late) < 0.1
    assert not np.any(missed & ~late)
    assert np.all(run.loss <= loss(theta, problem))


@pytest.mark.some(2)
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_a_few_reach_their_limit(name: str) -> None:
    problem = PROBLEMS[name]
    theta = below(problem, float(barriers(problem).line), 30, 1)
    run = integrate_ensemble(theta, problem, 100.0, rtol=1e-9, resting=1e-9)
    settled = np.sqrt(np.sum(gradient(run.final, problem) ** 2, axis=0)) < 1e-7
    assert np.sum(settled) > 10
    np.testing.assert_allclose(run.final[:, settled], limit(theta, problem)[:, settled], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(loss(limit(theta, problem), problem), 0.0, atol=1e-28)


def test_below_the_constant_no_flow_dies_away() -> None:
    theta = below(Problem(), float(barriers().constant), 300, 2)
    assert np.all(never_constant(theta))
    run = integrate_ensemble(theta, Problem(), 60.0, rtol=1e-7, resting=1e-6)
    assert not np.any(np.abs(run.loss - 5 / 48) < 1e-3)


def test_above_the_line_the_end_may_be_another() -> None:
    # b2 = −1.9 starts above 1/48 and ends on the best line.
    start = Neuron(b2=-1.9)
    assert not reaches_teacher(start)
    assert float(integrate(start, Problem(), 200.0).last.loss) == pytest.approx(1 / 48, abs=1e-3)


def test_the_levels_are_as_high_as_they_can_be() -> None:
    # On the best line, and a little above it: critical, and back to it. The dead neuron rests at 5/48.
    on_line, beside, dead = (
        Neuron(0.5, 0.9, 1.0, -0.65),
        Neuron(0.5, 0.9, 1.0, -0.6),
        Neuron(b1=-2.0, b2=0.25),
    )
    assert not reaches_teacher(on_line)
    assert not reaches_teacher(beside)
    assert float(integrate(beside, Problem(), 50.0).last.loss) == pytest.approx(1 / 48, abs=1e-6)
    assert never_constant(beside)
    assert not never_constant(dead)


def test_finite_steps_cross_the_barrier() -> None:
    theta = below(Problem(), 1 / 48, 5000, 3)
    run = train_arrays(theta, Problem(), GD(1.2), 500, events=False)
    assert np.sum(reaches_teacher(theta) & ((activity(run.final) == DEAD) | (run.loss[-1] > 1 / 48))) > 10


def test_nothing_is_claimed_without_the_hypotheses() -> None:
    near = Neuron(1.0, 0.001, 1.0, 0.0)
    assert reaches_teacher(near)
    for problem in (
        Problem(activation=(0.1, 1.0)),
        Problem(inputs=grid(100)),
        Problem(teacher=Neuron(0.3, 0.9, 1.0, 0.0)),
        Problem(teacher=Neuron(1.0, 1.0, 1.0, 0.0)),
        Problem(teacher=Neuron(1.0, 0.0, 0.0, 0.0)),
    ):
        assert not reaches_teacher(near, problem)
        assert not never_constant(near, problem)
        assert np.all(np.isnan(limit(near, problem)))


def test_teachers_may_be_arrays() -> None:
    shifts = np.linspace(-0.5, 0.5, 5)
    problem = Problem(teacher=Neuron(1.0, shifts, 1.0, 0.0))
    theta = Neuron(1.0, shifts + 0.01, 1.0, 0.02)
    ends = limit(theta, problem)
    assert ends.shape == (4, 5)
    np.testing.assert_allclose(loss(ends, problem), 0.0, atol=1e-30)
    q = np.square(theta.w1) + np.square(theta.b1) - np.square(theta.w2)
    np.testing.assert_allclose(ends[0] ** 2 + ends[1] ** 2 - ends[2] ** 2, q, atol=1e-14)
    assert reaches_teacher(Neuron(b1=np.zeros((2, 0)))).shape == (2, 0)
