"""Every kind starts as the function of the plain neuron it is given, where it can be it."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field import loss
from gradflow.field.kinds import BOUNDED, KINDS, SHIFTED, Kind
from gradflow.field.kinds.reparametrised import INNERMOST
from gradflow.neuron.activity import activity, classify
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.field.kinds.reference import INTERVALS, hidden, random_neurons

FREE = [kind for name, kind in KINDS.items() if "solved" not in name]
SOLVED = [kind for name, kind in KINDS.items() if "solved" in name]


def output(kind: Kind, psi: np.ndarray, x: np.ndarray, problem: Problem) -> np.ndarray:
    """Return f(x), shape (n, inputs), for kinds without solved parameters and ReLU."""
    rows = []
    for column in psi.T:
        w1, b1 = hidden(kind.name, column, float(problem.lo), float(problem.hi))
        weight = column[2] * x + column[3] if kind.name == "gated" else column[2]
        rows.append(weight * np.maximum(w1 * x + b1, 0.0) + column[-1])
    return np.array(rows)


@pytest.mark.parametrize("kind", FREE, ids=[kind.name for kind in FREE])
@pytest.mark.parametrize("interval", INTERVALS)
def test_the_output_is_the_plain_neurons(kind: Kind, interval: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    problem = Problem(inputs=Uniform(*interval))
    theta = random_neurons(rng, 50, problem)
    x = np.linspace(*interval, 41)
    plain = theta[2][:, None] * np.maximum(theta[0][:, None] * x + theta[1][:, None], 0.0) + theta[3][:, None]
    np.testing.assert_allclose(
        output(kind, kind.start(theta, problem), x, problem), plain, rtol=0, atol=1e-13
    )


def test_a_shifted_neuron_is_any_that_has_a_weight() -> None:
    rng = np.random.default_rng(1)
    theta = rng.standard_normal((4, 500)) * 3.0
    psi = SHIFTED.start(theta, Problem())
    np.testing.assert_allclose(psi[0] * psi[1], theta[1], rtol=1e-14)
    none = SHIFTED.start(np.array([0.0, 2.0, 1.0, 0.5]), Problem())
    assert none[1] == 0.0, "without a weight it bends nowhere, and starts unshifted"


def test_a_bounded_neuron_is_put_inside() -> None:
    theta = np.array([[1.0, 1.0, -2.0], [5.0, -5.0, 9.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    for lo, hi in INTERVALS:
        problem = Problem(inputs=Uniform(lo, hi))
        w1, b1 = BOUNDED.line(BOUNDED.start(theta, problem), problem)
        p = -b1 / w1
        assert np.all((lo < p) & (p < hi))
        outside = (-theta[1] / theta[0] < lo) | (-theta[1] / theta[0] > hi)
        np.testing.assert_allclose(
            np.abs(p - 0.5 * (lo + hi))[outside], INNERMOST * 0.5 * (hi - lo), rtol=1e-12
        )


@pytest.mark.parametrize("kind", SOLVED, ids=[kind.name for kind in SOLVED])
def test_solving_starts_no_higher(kind: Kind) -> None:
    rng = np.random.default_rng(2)
    for problem in (Problem(), Problem(inputs=grid(20)), Problem(activation="silu")):
        theta = random_neurons(rng, 200, problem)
        solved = kind.evaluator(problem, theta[:3]).loss(kind.start(theta, problem))
        assert np.all(solved <= loss(theta, problem) * (1 + 1e-12) + 1e-15)
        assert np.any(solved < 0.9 * loss(theta, problem))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_line_has_the_neurons_activity(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    problem = Problem()
    theta = rng.standard_normal((4, 400))
    if "bounded" in kind.name:
        theta = random_neurons(rng, 400, problem)
    w1, b1 = kind.line(kind.start(theta, problem), problem)
    assert np.array_equal(classify(b1 - w1, b1 + w1), activity(theta, problem))
    assert np.array_equal(activity(Neuron(w1, b1), problem), activity(theta, problem))
