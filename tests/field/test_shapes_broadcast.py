"""Neurons, teacher and interval broadcast; each result is the one its neuron has alone, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.field import gradient, hessian, loss, loss_and_gradient
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from tests.field.measure import drawn, problem_of
from tests.field.neurons import DOUBLE

SHAPES: list[tuple[int, ...]] = [(), (1,), (7,), (0,), (3, 0, 2), (3, 1), (2, 3, 4)]
PROBLEMS = [
    Problem(),
    Problem(inputs=grid(1001)),
    Problem(inputs=Sample([0.5])),
    Problem(activation=(0.01, 1.0)),
]


def random_neurons(shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
    return np.random.default_rng(7).normal(size=(4, *shape)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=["interval", "grid", "one input", "leaky"])
def test_shape_and_dtype_follow_the_neurons(problem: Problem, shape: tuple[int, ...], dtype: Any) -> None:
    theta = random_neurons(shape, dtype)
    for argument in (theta, Neuron(*theta), tuple(theta)):
        value, slope = loss_and_gradient(argument, problem)
        results = (
            loss(argument, problem),
            value,
            gradient(argument, problem),
            slope,
            hessian(argument, problem),
        )
        assert [r.shape for r in results] == [shape, shape, (4, *shape), (4, *shape), (4, 4, *shape)]
        assert {r.dtype for r in results} == {np.dtype(dtype)}


def test_fields_of_a_neuron_broadcast_against_each_other() -> None:
    w1, b1 = np.linspace(-2, 2, 4)[:, None, None], np.linspace(-1, 1, 3)[:, None]
    neuron = Neuron(w1, b1, 0.5, np.float64(0.25))
    full = np.stack(np.broadcast_arrays(w1, b1, 0.5, 0.25))
    for problem in PROBLEMS:
        for field in (loss, gradient, hessian):
            np.testing.assert_array_equal(field(neuron, problem), field(full, problem))


def test_a_field_given_as_a_number_is_broadcast_in_the_result() -> None:
    neuron = Neuron(1.0, 0.0, np.linspace(0, 1, 5), 0.0)
    for problem in PROBLEMS:
        assert loss(neuron, problem).shape == (5,)
        assert gradient(neuron, problem).shape == (4, 5)
        assert hessian(neuron, problem).shape == (4, 4, 5)


def test_neurons_broadcast_against_teacher_and_interval() -> None:
    theta = random_neurons((4, 3, 1))
    teacher = np.random.default_rng(8).normal(size=(4, 2))
    lo, hi = np.asarray([-1.0, -2.0, 0.0])[:, None], np.asarray(1.5)
    problem = Problem(Neuron(*teacher), Uniform(lo, hi))
    value, slope, bend = loss(theta, problem), gradient(theta, problem), hessian(theta, problem)
    assert [r.shape for r in (value, slope, bend)] == [(4, 3, 2), (4, 4, 3, 2), (4, 4, 4, 3, 2)]
    for i, j, k in np.ndindex(4, 3, 2):
        alone = Problem(Neuron(*teacher[:, k]), Uniform(lo[j, 0], hi))
        np.testing.assert_array_equal(value[i, j, k], loss(theta[:, i, j, 0], alone))
        np.testing.assert_array_equal(slope[:, i, j, k], gradient(theta[:, i, j, 0], alone))
        np.testing.assert_array_equal(bend[:, :, i, j, k], hessian(theta[:, i, j, 0], alone))


def test_one_neuron_against_an_array_of_teachers_and_of_intervals() -> None:
    teachers = Problem(Neuron(np.ones((2, 3)), 0.0, np.linspace(-1, 1, 3), 0.0))
    intervals = Problem(inputs=Uniform(-1.0, np.asarray([1.0, 2.0])))
    samples = Problem(Neuron(np.ones((2, 3)), 0.0, 1.0, 0.0), grid(5))
    for problem, shape in ((teachers, (2, 3)), (intervals, (2,)), (samples, (2, 3))):
        assert loss(Neuron(), problem).shape == shape
        assert gradient(Neuron(), problem).shape == (4, *shape)
        assert hessian(Neuron(), problem).shape == (4, 4, *shape)


def test_plain_numbers_give_float64_and_integers_count_as_numbers() -> None:
    assert loss((1, 0, 2, 0)).dtype == np.float64
    assert loss((1, 0, 2, 0)) == loss((1.0, 0.0, 2.0, 0.0))
    np.testing.assert_array_equal(gradient(np.asarray([1, 0, 2, 0])), gradient((1.0, 0.0, 2.0, 0.0)))


def test_the_result_does_not_depend_on_the_rest_of_the_batch() -> None:
    for setting in drawn(DOUBLE).values():
        batch, problem = setting.theta, problem_of(setting)
        together = loss(batch, problem), gradient(batch, problem), hessian(batch, problem)
        for i in range(0, setting.lo.size, 61):
            inputs = Uniform(setting.lo[i], setting.hi[i])
            alone = Problem(Neuron(*setting.teacher[:, i]), inputs, setting.slopes)
            for field, whole in zip((loss, gradient, hessian), together, strict=True):
                np.testing.assert_array_equal(field(batch[:, i], alone), whole[..., i])


@pytest.mark.parametrize(("student", "taught"), [("silu", "relu"), ("relu", "silu"), ("silu", "tanh")])
def test_by_quadrature_a_teacher_alone_is_one_of_many(student: str, taught: str) -> None:
    # Of these teachers some have a breakpoint on the input and others none.
    theta = random_neurons((4, 6)) * np.asarray([[1.0], [3.0], [9.0], [27.0]])
    teacher = Neuron(1.5, np.linspace(-3.0, 3.0, 6), 0.8, 0.1)
    problem = Problem(teacher, Uniform(-1.0, 2.0), student, teacher_activation=taught)
    for field in (loss, gradient, hessian):
        whole = field(theta, problem)
        for k, b1 in enumerate(teacher.b1):
            alone = Problem(teacher._replace(b1=b1), Uniform(-1.0, 2.0), student, teacher_activation=taught)
            np.testing.assert_array_equal(field(theta[..., k], alone), whole[..., k])


@pytest.mark.some(6)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 9, 100, 1000, 1001])
def test_a_sample_sums_the_same_way_in_every_layout(n: int, dtype: Any) -> None:
    # The sum over inputs must not change its order with the batch's shape or memory layout.
    theta = random_neurons((6, 5), dtype)
    rng = np.random.default_rng(9)
    x, weights = rng.normal(size=n).astype(dtype), rng.uniform(0.5, 1.0, n).astype(dtype)
    for problem in (Problem(inputs=Sample(x)), Problem(inputs=Sample(x, weights=weights))):
        for field in (loss, gradient, hessian):
            whole = field(theta, problem)
            np.testing.assert_array_equal(field(np.asfortranarray(theta), problem), whole)
            moved = np.ascontiguousarray(np.swapaxes(theta, 1, 2))
            np.testing.assert_array_equal(np.swapaxes(field(moved, problem), -1, -2), whole)
            np.testing.assert_array_equal(field(theta[:, ::2, 1:4], problem), whole[..., ::2, 1:4])
            np.testing.assert_array_equal(
                field(theta.reshape(4, 30), problem), whole.reshape(*whole.shape[:-2], 30)
            )
            for i, j in np.ndindex(6, 5):
                np.testing.assert_array_equal(field(theta[:, i, j], problem), whole[..., i, j])


def test_a_neuron_that_is_not_a_number_leaves_the_others_alone() -> None:
    theta = random_neurons((5,))
    spoilt = theta.copy()
    spoilt[:, 2] = np.nan
    for problem in PROBLEMS:
        for field in (loss, gradient, hessian):
            good, bad = field(theta, problem), field(spoilt, problem)
            assert np.all(np.isnan(loss(spoilt, problem)[2]))
            np.testing.assert_array_equal(np.delete(bad, 2, axis=-1), np.delete(good, 2, axis=-1))


def test_inputs_are_left_as_they_were() -> None:
    theta, x, weights = random_neurons((5,)), np.linspace(-1, 1, 9), np.full(9, 2.0)
    copies = theta.copy(), x.copy(), weights.copy()
    for problem in (Problem(), Problem(inputs=Sample(x, weights=weights))):
        loss_and_gradient(theta, problem)
        hessian(theta, problem)
    for now, before in zip((theta, x, weights), copies, strict=True):
        np.testing.assert_array_equal(now, before)
