"""What must hold of any activation's field, whatever the quadrature: derivatives, symmetries, limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradflow.field import evaluator, gradient, hessian, loss, loss_and_gradient
from gradflow.field.baselines import best_constant, best_line
from gradflow.neuron.activations import (
    GELU,
    SILU,
    SMOOTH,
    SOFTPLUS,
    TANH,
    PiecewiseLinear,
    as_activation,
    derivatives,
)
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

moderate = st.floats(-3.0, 3.0)
pairs = [(s, s) for s in SMOOTH] + [
    ("silu", "relu"),
    ("relu", "silu"),
    ("leaky-relu=0.2", "tanh"),
    ("gelu", "tanh"),
]


@pytest.mark.parametrize("activation", [SILU, GELU, SOFTPLUS, TANH])
def test_derivatives_of_activations_are_derivatives(activation: PiecewiseLinear) -> None:
    z, h = np.linspace(-45.0, 45.0, 901), 1e-4
    _, first, second = derivatives(activation, z, 2)
    up, down = derivatives(activation, z + h, 1), derivatives(activation, z - h, 1)
    np.testing.assert_allclose((up[0] - down[0]) / (2 * h), first, atol=1e-8, rtol=1e-8)
    np.testing.assert_allclose((up[1] - down[1]) / (2 * h), second, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize(("student", "teacher"), pairs)
@settings(max_examples=10, deadline=None)
@given(theta=st.tuples(moderate, moderate, moderate, moderate))
def test_the_gradient_is_the_losses_derivative(student: str, teacher: str, theta: tuple[float, ...]) -> None:
    problem, point, h = Problem(activation=student, teacher_activation=teacher), np.array(theta), 1e-5
    # Where a kink leaves the input the loss is not smooth enough for differences, at w1 = b1 = 0 not at all.
    assume(student in SMOOTH or abs(abs(theta[0]) - abs(theta[1])) > 1e-3)
    steps = h * np.eye(4)
    ends = (point[:, None] + steps, point[:, None] - steps)
    numeric = (loss(ends[0], problem) - loss(ends[1], problem)) / (2 * h)
    scale = 1.0 + float(np.sum(point**2)) ** 2
    np.testing.assert_allclose(gradient(point, problem), numeric, atol=1e-6 * scale)
    value, g = loss_and_gradient(point, problem)
    assert value == loss(point, problem) >= 0.0
    np.testing.assert_array_equal(g, gradient(point, problem))


@pytest.mark.parametrize(("student", "teacher"), pairs)
def test_the_hessian_is_the_gradients_derivative(student: str, teacher: str) -> None:
    problem, h = Problem(Neuron(1.2, 0.3, -0.8, 0.1), Uniform(-1.0, 1.5), student, teacher), 1e-5
    points = np.random.default_rng(1).normal(size=(4, 40))
    numeric = np.stack([
        (gradient(points + h * e[:, None], problem) - gradient(points - h * e[:, None], problem)) / (2 * h)
        for e in np.eye(4)
    ])  # fmt: skip
    exact = hessian(points, problem)
    np.testing.assert_array_equal(exact, np.swapaxes(exact, 0, 1))
    # Not across a wall of a kinked student.
    z = np.abs(np.stack([points[0] * e + points[1] for e in (problem.lo, problem.hi)]))
    away = np.min(z, axis=0) > 1e-3
    np.testing.assert_allclose(exact[..., away], numeric[..., away], atol=2e-5)


@pytest.mark.parametrize("student", SMOOTH)
def test_a_neuron_equal_to_its_teacher_has_no_loss(student: str) -> None:
    aim = Neuron(2.0, -0.5, 1.5, 0.25)
    problem = Problem(aim, Uniform(-2.0, 1.0), student)
    assert loss(aim, problem) == 0.0
    assert np.max(np.abs(gradient(aim, problem))) == 0.0


@pytest.mark.parametrize("student", SMOOTH)
def test_many_inputs_approach_the_population(student: str) -> None:
    theta, n = Neuron(1.5, 0.2, -0.7, 0.4), 2001
    weights = np.full(n, 2.0)
    weights[1:-1:2], weights[[0, -1]] = 4.0, 1.0
    simpson = Sample(np.linspace(-1.0, 1.0, n), weights=weights)
    np.testing.assert_allclose(
        gradient(theta, Problem(inputs=simpson, activation=student)),
        gradient(theta, Problem(activation=student)),
        rtol=1e-12,
        atol=1e-14,
    )


@pytest.mark.parametrize(("student", "teacher"), pairs)
def test_neurons_do_not_see_each_other(student: str, teacher: str) -> None:
    problem = Problem(activation=student, teacher_activation=teacher)
    theta = np.random.default_rng(3).normal(size=(4, 3000)) * 10.0 ** np.linspace(-2, 3, 3000)
    together = gradient(theta, problem)
    some = [0, 17, 1500, 2200, 2999]
    for i in some:
        np.testing.assert_array_equal(gradient(theta[:, i], problem), together[:, i])
    np.testing.assert_array_equal(evaluator(problem, theta).gradient(theta[:, some]), together[:, some])


def test_arrays_of_teachers_and_intervals_are_so_many_problems() -> None:
    rng = np.random.default_rng(4)
    theta, aim, lo = rng.normal(size=(4, 3, 1)), rng.normal(size=(4, 5)), rng.uniform(-2.0, -1.0, 5)
    many = gradient(theta, Problem(Neuron(*aim), Uniform(lo, 1.0), "gelu", "silu"))
    assert many.shape == (4, 3, 5)
    for i in range(3):
        for j in range(5):
            one = Problem(Neuron(*aim[:, j]), Uniform(lo[j], 1.0), "gelu", "silu")
            np.testing.assert_allclose(many[:, i, j], gradient(theta[:, i, 0], one), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("inputs", [Uniform(), grid(7), Sample([0.5])])
@pytest.mark.parametrize("student", SMOOTH)
def test_empty_zero_dimensional_float32_and_flat_neurons(student: str, inputs: Uniform | Sample) -> None:
    problem = Problem(inputs=inputs, activation=student)
    assert gradient(np.zeros((4, 0)), problem).shape == (4, 0)
    assert hessian(np.zeros((4, 2, 0)), problem).shape == (4, 4, 2, 0)
    assert np.shape(loss(Neuron(0.0, 0.0, 1.0, 0.0), problem)) == ()
    single = np.array([0.5, -0.2, 0.3, 0.1], dtype=np.float32)
    assert gradient(single, problem).dtype == np.float32
    np.testing.assert_allclose(
        gradient(single, problem), gradient(single.astype(np.float64), problem), rtol=1e-4, atol=1e-6
    )
    flat = gradient(Neuron(0.0, 0.3, 1.0, 0.0), problem)
    near = gradient(Neuron(1e-9, 0.3, 1.0, 0.0), problem)
    np.testing.assert_allclose(flat, near, atol=1e-8)


@pytest.mark.parametrize("teacher", SMOOTH)
def test_the_best_line_of_a_smooth_teacher_leaves_no_gradient(teacher: str) -> None:
    problem = Problem(Neuron(3.0, 0.4, -1.2, 0.5), Uniform(-0.5, 2.0), (1.0, 1.0), teacher)
    line, constant = best_line(problem), best_constant(problem)
    as_neuron = Neuron(1.0, 0.0, float(line.slope), float(line.intercept))
    np.testing.assert_allclose(gradient(as_neuron, problem), 0.0, atol=1e-13)
    assert float(loss(as_neuron, problem)) == pytest.approx(float(line.loss), rel=1e-11)
    flat = Neuron(0.0, 0.0, 0.0, float(constant.intercept))
    assert float(loss(flat, problem)) == pytest.approx(float(constant.loss), rel=1e-12)


def test_activations_have_names() -> None:
    for name in (*SMOOTH, "relu", "leaky-relu=0.05", "slopes=-0.5,2.0"):
        assert str(as_activation(name)) == name
    assert as_activation((0.0, 1.0)) == as_activation("relu")
    for bad in (
        "sigmoid",
        "leaky-relu",
        "leaky-relu=x",
        "slopes=1",
        (1.0,),
        (0.0, float("nan")),
        ("a", 1.0),
        3.0,
    ):
        with pytest.raises((ValueError, TypeError), match=r"^activation: "):
            as_activation(bad)


def test_a_neuron_that_is_no_number_keeps_it_to_itself() -> None:
    problem, theta = Problem(activation="silu"), np.ones((4, 3))
    theta[0, 1] = np.nan
    found = loss(theta, problem)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False])
    assert np.isnan(loss(theta[:, 1], problem))
    np.testing.assert_array_equal(found[[0, 2]], loss(theta[:, [0, 2]], problem))
