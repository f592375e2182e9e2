"""Starts that end at the door are a graph between two basins; hunts for doors where a hypothesis fails."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends import flow_run
from gradflow.ends.outcome import GLOBAL, LINEAR
from gradflow.field import hessian
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.theory.limits import door, door_margin

ELSEWHERE = Problem(Neuron(-0.8, 0.3, 1.5, 0.4), Uniform(-1.5, 1.0))


def problems(n: int, seed: int) -> tuple[np.ndarray, Problem]:
    """Return balances and problems of many kinds, the teacher's breakpoint inside the input."""
    draw = np.random.default_rng(seed)
    lo, hi = -(10.0 ** draw.uniform(-1.0, 1.0, n)), 10.0 ** draw.uniform(-1.0, 1.0, n)
    shift = draw.choice([0.0, 1.0], n) * draw.normal(size=n)
    lo, hi = lo + shift, hi + shift
    w1, w2 = draw.normal(size=(2, n))
    inside = lo + (hi - lo) * draw.uniform(0.02, 0.98, n)
    teacher = Neuron(w1, -inside * w1, w2, draw.normal(size=n))
    return draw.normal(size=n) * 10.0 ** draw.uniform(-2.0, 3.0, n), Problem(teacher, Uniform(lo, hi))


def sides(at: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an orthonormal basis of the level's tangent space at a door, and the Hessians on both sides."""
    tangent = np.linalg.svd(np.array([[at[0], at[1], -at[2], 0.0]]))[2][1:].T
    towards = np.array([0.0, 1e-9 * abs(at[0]), 0.0, 0.0])
    both = (np.asarray(hessian(at + sign * towards, problem)) for sign in (1.0, -1.0))
    above, below = (tangent.T @ H @ tangent for H in both)
    return tangent, above, below


def by_eigenvalues(Q: float, problem: Problem) -> float:
    """Return the margin from the Hessians beside the door."""
    _, above, below = sides(np.asarray(door(np.array(Q), problem)), problem)
    values, vectors = np.linalg.eigh(above)
    assert abs(values[0]) < 1e-6 * values[2]
    v, across = vectors[:, 0], vectors[:, 1:]
    return float(np.linalg.eigvalsh(across.T @ below @ across)[0] - v @ below @ v)


@pytest.mark.parametrize("problem", [Problem(), ELSEWHERE], ids=["default", "elsewhere"])
@pytest.mark.parametrize("Q", [-20.0, -1.0, 0.0, 0.7, 30.0])
def test_the_margin_is_that_of_the_hessians_on_both_sides(problem: Problem, Q: float) -> None:
    assert float(door_margin(np.array(Q), problem)) == pytest.approx(by_eigenvalues(Q, problem), rel=1e-5)


def test_it_is_positive_at_every_door_of_the_default_problem() -> None:
    Q = np.sinh(np.linspace(-12.0, 12.0, 100_001))
    assert np.min(door_margin(Q)) > 0.0
    # About 0.49 to 0.89.
    assert np.min(door_margin(Q[np.abs(Q) < 100.0])) > 0.48


def test_any_array_library() -> None:
    strict = pytest.importorskip("array_api_strict")
    Q = np.linspace(-3.0, 3.0, 7)
    found = np.from_dlpack(door_margin(strict.asarray(Q), ELSEWHERE))
    np.testing.assert_array_equal(found, door_margin(Q, ELSEWHERE))


def test_of_other_problems_some_have_doors_at_which_it_fails() -> None:
    balances, many = problems(120_000, 1)
    margin = np.asarray(door_margin(balances, many))
    assert np.all(np.isfinite(margin))
    assert 0.8 < np.mean(margin > 0.0) < 0.87
    assert isinstance(many.inputs, Uniform)
    for i in (*np.flatnonzero(margin < -0.1)[:5], *np.flatnonzero(margin > 0.1)[:5]):
        teacher = Neuron(*(float(np.asarray(part)[i]) for part in many.teacher))
        inputs = Uniform(float(np.asarray(many.inputs.lo)[i]), float(np.asarray(many.inputs.hi)[i]))
        assert margin[i] == pytest.approx(
            by_eigenvalues(float(balances[i]), Problem(teacher, inputs)), rel=1e-4
        )


def test_at_the_closed_edge_it_would_fail() -> None:
    """A mass of the other sign, as at the closed edge: v·H₋v is positive there, and no side is open."""
    at = np.asarray(door(np.array(0.0)))
    _, above, below = sides(at, Problem())
    v = np.linalg.eigh(above)[1][:, 0]
    assert v @ below @ v < 0.0 < v @ (2.0 * above - below) @ v


@pytest.mark.slow
@pytest.mark.parametrize("problem", [Problem(), ELSEWHERE], ids=["default", "elsewhere"])
def test_lines_across_the_surface_change_their_outcome_once(problem: Problem) -> None:
    draw, Q = np.random.default_rng(3), 0.3
    at = np.asarray(door(np.array(Q), problem))
    tangent, above, _ = sides(at, problem)
    values = np.linalg.eigh(above)[1]
    v, across = tangent @ values[:, 0], tangent @ values[:, 1:]
    # Positive into the hyperactive side.
    n = -at[1] / at[0]
    v = v * np.sign(n * v[0] + v[1])
    alphas, found = np.linspace(-0.1, 0.1, 41), []
    x = 0.03 * draw.normal(size=(2, 12))
    for point in x.T:
        starts = at[:, None] + v[:, None] * alphas + (across @ point)[:, None]
        # Back to the level, by w2.
        starts[2] = np.sign(at[2]) * np.sqrt(starts[0] ** 2 + starts[1] ** 2 - Q)
        ends = np.asarray(flow_run(Neuron(*starts), problem).outcome)
        assert set(ends.tolist()) <= {GLOBAL, LINEAR}
        assert ends[0] == GLOBAL
        assert ends[-1] == LINEAR
        assert np.sum(ends[1:] != ends[:-1]) == 1
        found.append(alphas[np.argmax(ends == LINEAR)])
    # A graph whose slope is at most 1, to the grid.
    rise = np.abs(np.subtract.outer(found, found))
    run = np.linalg.norm(x[:, :, None] - x[:, None, :], axis=0)
    assert np.all(rise <= 1.05 * run + 2.0 * (alphas[1] - alphas[0]))
