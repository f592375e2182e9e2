"""What is solved for is what SciPy's minimisers and least squares find, also where φ does not vary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, minimize_scalar

from gradflow.field import loss
from gradflow.field.baselines import best_constant, best_line
from gradflow.field.kinds import SOLVED_BIAS, SOLVED_OUTPUT
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

NUMBER = st.floats(-3.0, 3.0, allow_subnormal=False)


@settings(max_examples=30, deadline=None)
@given(NUMBER, NUMBER, NUMBER)
def test_the_bias_is_the_best_one(w1: float, b1: float, w2: float) -> None:
    for problem in (Problem(), Problem(Neuron(0.5, 0.2, -1.0, 3.0), Uniform(-0.5, 2.0))):
        psi = np.array([w1, b1, w2])
        best = minimize_scalar(lambda b2, p=problem: float(loss(Neuron(w1, b1, w2, b2), p)))
        found = float(SOLVED_BIAS.evaluator(problem, psi).loss(psi))
        assert found == pytest.approx(best.fun, rel=1e-7, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(NUMBER, NUMBER, st.integers(2, 30))
def test_the_output_weights_are_those_of_least_squares(w1: float, b1: float, n: int) -> None:
    problem = Problem(Neuron(0.9, -0.1, 1.3, 0.4), grid(n))
    x = np.linspace(-1.0, 1.0, n)
    target = 1.3 * np.maximum(0.9 * x - 0.1, 0.0) + 0.4
    active = np.maximum(w1 * x + b1, 0.0)
    # Far from its breakpoint φ is a line, which rounding need not show.
    columns = np.stack((x if w1 != 0.0 and b1 > abs(w1) else active, np.ones(n)), axis=1)
    spread = float(np.ptp(columns[:, 0]))
    if 0.0 < spread < 1e-4:
        return  # Too flat for least squares to tell from a constant.
    best = lsq_linear(columns, target).cost * 2.0 / n
    psi = np.array([w1, b1])
    assert float(SOLVED_OUTPUT.evaluator(problem, psi).loss(psi)) == pytest.approx(best, rel=1e-7, abs=1e-12)


def test_what_does_not_vary_leaves_the_best_constant() -> None:
    for problem in (Problem(), Problem(inputs=grid(9)), Problem(inputs=Sample(np.array([0.5])))):
        dead, flat = np.array([[1.0, -3.0], [0.0, 2.0]]).T, np.array([[0.0, 0.0], [1.0, -1.0]])
        for psi in (dead, flat):
            found = SOLVED_OUTPUT.evaluator(problem, psi)
            np.testing.assert_allclose(found.loss(psi), best_constant(problem).loss, rtol=1e-12, atol=1e-15)
            assert np.all(np.isfinite(found.gradient(psi)))


def test_the_hyperactive_are_the_best_line_with_both_solved() -> None:
    psi = np.stack((np.linspace(0.2, 1.0, 9), np.linspace(1.0, 3.0, 9)))
    found = SOLVED_OUTPUT.evaluator(Problem(), psi)
    np.testing.assert_allclose(found.loss(psi), best_line(Problem()).loss, rtol=1e-12)
    np.testing.assert_allclose(found.gradient(psi), 0.0, atol=1e-15)


def test_the_dead_and_the_bias_of_the_hyperactive_have_no_gradient() -> None:
    dead = np.array([[0.5, -1.0, 0.0], [-2.0, -1.5, -1.0], [1.0, -2.0, 3.0]])
    assert np.all(SOLVED_BIAS.evaluator(Problem(), dead).gradient(dead) == 0.0)
    line = np.array([[0.5, -1.0, 0.7], [2.0, 1.5, 1.0], [1.0, -2.0, 3.0]])
    slope = SOLVED_BIAS.evaluator(Problem(), line).gradient(line)
    # Rounding of terms of the size of w2 z.
    np.testing.assert_allclose(slope[1], 0.0, atol=2e-14)
    # Of the loss V (w1 w2 − ½)² + 1/48, V = 1/3 (derivation 21, part 6).
    error = line[0] * line[2] - 0.5
    np.testing.assert_allclose(slope[[0, 2]], 2.0 / 3.0 * error * line[[2, 0]], rtol=1e-12, atol=2e-14)
