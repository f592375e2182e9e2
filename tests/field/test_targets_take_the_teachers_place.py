"""A sample's targets replace the teacher: in the field, summed either way, and in the baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, train_arrays
from gradflow.field import evaluator, gradient, hessian, loss
from gradflow.field.baselines import best_constant, best_line, moments
from gradflow.neuron.problem import Neuron, Problem, Sample

RNG = np.random.default_rng(4)
X, WEIGHTS, Y = RNG.normal(size=300), RNG.uniform(size=300), RNG.normal(size=300)
THETA = RNG.normal(size=(4, 6))
TEACHER = Neuron(-0.7, 0.2, 1.5, -0.25)


@pytest.mark.parametrize("n", [1, 20, 300])
def test_targets_of_a_teacher_give_its_field(n: int) -> None:
    taught = Problem(TEACHER, Sample(X[:n], weights=WEIGHTS[:n]), (0.1, 1.0))
    z = TEACHER.w1 * X[:n] + TEACHER.b1
    y = TEACHER.w2 * np.where(z > 0, z, 0.1 * z) + TEACHER.b2
    given = Problem(Neuron(), Sample(X[:n], weights=WEIGHTS[:n], targets=y), (0.1, 1.0))
    for field in (loss, gradient, hessian):
        np.testing.assert_allclose(field(THETA, given), field(THETA, taught), rtol=0, atol=1e-13)
    for one, other in zip(moments(given), moments(taught), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("n", [20, 300])
def test_the_teacher_does_not_matter(n: int) -> None:
    sample = Sample(X[:n], weights=WEIGHTS[:n], targets=Y[:n])
    for field in (loss, gradient, hessian):
        np.testing.assert_array_equal(
            field(THETA, Problem(TEACHER, sample)), field(THETA, Problem(Neuron(), sample))
        )
    assert best_line(Problem(TEACHER, sample)) == best_line(Problem(Neuron(), sample))


def test_the_baselines_are_the_regressions_on_the_targets() -> None:
    problem = Problem(inputs=Sample(X, weights=WEIGHTS, targets=Y))
    slope, intercept = np.polyfit(X, Y, 1, w=np.sqrt(WEIGHTS))
    line, constant = best_line(problem), best_constant(problem)
    np.testing.assert_allclose([line.slope, line.intercept], [slope, intercept], rtol=1e-10)
    np.testing.assert_allclose(constant.intercept, np.average(Y, weights=WEIGHTS), rtol=1e-13)
    # A neuron that is linear on all inputs has the line's loss, one that is dead the constant's.
    np.testing.assert_allclose(loss((1.0, 100.0, slope, intercept - 100.0 * slope), problem), line.loss)
    np.testing.assert_allclose(loss((1.0, -100.0, 2.0, constant.intercept), problem), constant.loss)


def test_repeated_inputs_with_different_targets_leave_a_rest() -> None:
    problem = Problem(inputs=Sample([0.5, 0.5, 1.0, 1.0], targets=[0.0, 1.0, 2.0, 3.0]))
    theta = np.asarray([1.0, 0.0, 4.0, -1.5])  # through both means
    for start in (1, 10):
        field = evaluator(problem, theta, sorted_from=start)
        assert field.loss(theta) == 0.25
        np.testing.assert_array_equal(field.gradient(theta), np.zeros(4))


def test_training_goes_down_to_the_targets_and_records_the_fields_loss() -> None:
    problem = Problem(inputs=Sample(X, targets=2.0 * np.maximum(X - 0.25, 0.0) - 1.0))
    run = train_arrays(np.asarray([1.0, 0.0, 1.0, 0.0]), problem, GD(lr=0.05), 3000)
    assert run.loss[0] > 0.5
    assert run.loss[-1] < 1e-6
    assert run.loss[-1] == loss(run.final, problem)


@pytest.mark.parametrize(
    "bad", [[1.0], [[1.0, 2.0]], 3.0, [0.0, np.nan], [np.inf, 0.0], "ab", [None, None], [1j, 0]], ids=repr
)
def test_bad_targets_are_named(bad: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="targets") as caught:
        Sample([0.0, 1.0], targets=bad)
    assert "\n" not in str(caught.value)
