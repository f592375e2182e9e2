"""The sample loss, gradient and Hessian are the weighted means over the inputs, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.field import gradient, hessian, loss, loss_and_gradient
from gradflow.neuron.problem import Neuron, Problem, Sample, grid

RELU = (0.0, 1.0)
number = st.floats(-4, 4).map(lambda v: round(v, 6))
four = st.tuples(number, number, number, number)
pairs = st.lists(st.tuples(number, st.floats(0, 3)), min_size=1, max_size=12).filter(
    lambda rows: sum(w for _, w in rows) > 1e-3
)


def exact(
    neuron: Any, teacher: Any, x: Any, weights: Any, slopes: Any
) -> tuple[Any, list[Any], list[list[Any]]]:
    """Return the three means by a loop over the inputs, in rational arithmetic."""
    w1, b1, w2, b2 = (Fraction(float(v)) for v in neuron)
    v1, c1, v2, c2 = (Fraction(float(v)) for v in teacher)
    minus, plus = (Fraction(s) for s in slopes)
    mass = [Fraction(float(w)) for w in weights]
    value, slope, bend = Fraction(0), [Fraction(0)] * 4, [[Fraction(0)] * 4 for _ in range(4)]
    for point, weight in zip(x, mass, strict=True):
        share = weight / sum(mass)
        point = Fraction(float(point))
        z, y = w1 * point + b1, v1 * point + c1
        s, t = plus if z > 0 else minus, plus if y > 0 else minus
        r = w2 * s * z + b2 - v2 * t * y - c2
        df = (w2 * s * point, w2 * s, s * z, Fraction(1))
        value += share * r * r
        for i in range(4):
            slope[i] += 2 * share * r * df[i]
            for j in range(4):
                mixed = {(0, 2): s * point, (1, 2): s}.get((min(i, j), max(i, j)), Fraction(0))
                bend[i][j] += 2 * share * (df[i] * df[j] + r * mixed)
    return value, slope, bend


def compare(neuron: Any, problem: Problem, teacher: Any, x: Any, weights: Any, tolerance: float) -> None:
    value, slope, bend = exact(neuron, teacher, x, weights, problem.slopes)
    reach = 1 + max(abs(float(v)) for v in x)
    size = 1 + max(abs(float(v)) for v in (*neuron, *teacher))
    scale = (size * size * reach * (1 + max(map(abs, problem.slopes)))) ** 2 * 8
    assert abs(float(loss(neuron, problem) - float(value))) <= tolerance * scale
    np.testing.assert_allclose(
        gradient(neuron, problem), np.asarray(slope, float), rtol=0, atol=tolerance * scale
    )
    np.testing.assert_allclose(
        hessian(neuron, problem), np.asarray(bend, float), rtol=0, atol=tolerance * scale
    )


def clear_of_inputs(neuron: Any, x: Any) -> bool:
    """Whether every pre-activation is exactly 0 or well away from it, so its sign survives rounding."""
    z = [Fraction(float(neuron[0])) * Fraction(float(v)) + Fraction(float(neuron[1])) for v in x]
    return all(v == 0 or abs(v) > Fraction(1, 10**12) for v in z)


@given(four, four, pairs, st.sampled_from([RELU, (0.01, 1.0), (-0.5, 2.0)]))
def test_against_a_loop_in_rational_arithmetic(neuron: Any, teacher: Any, rows: Any, slopes: Any) -> None:
    x, weights = np.asarray(rows).T
    if not (clear_of_inputs(neuron, x) and clear_of_inputs(teacher, x)):
        return
    weighted = Problem(Neuron(*teacher), Sample(x, weights=weights), slopes)
    compare(neuron, weighted, teacher, x, weights, 1e-14)
    plain = Problem(Neuron(*teacher), Sample(x), slopes)
    compare(neuron, plain, teacher, x, np.ones_like(x), 1e-14)
    value, slope = loss_and_gradient(neuron, weighted)
    assert value == loss(neuron, weighted)
    np.testing.assert_array_equal(slope, gradient(neuron, weighted))


def test_two_hundred_random_inputs() -> None:
    rng = np.random.default_rng(1)
    x, weights, neuron, teacher = (
        rng.normal(size=200),
        rng.uniform(size=200),
        rng.normal(size=4),
        rng.normal(size=4),
    )
    compare(neuron, Problem(Neuron(*teacher), Sample(x, weights=weights)), teacher, x, weights, 1e-15)


def test_one_input() -> None:
    problem = Problem(inputs=Sample([0.5]))
    assert loss((2.0, 0.0, 1.0, 0.25), problem) == 0.75**2
    np.testing.assert_array_equal(gradient((2.0, 0.0, 1.0, 0.25), problem), [0.75, 1.5, 1.5, 1.5])


def test_repeated_inputs_count_as_often_as_they_occur() -> None:
    x, counts = np.asarray([-1.0, 0.25, 0.5]), np.asarray([1.0, 3.0, 4.0])
    repeated = Problem(inputs=Sample(np.repeat(x, counts.astype(int))))
    weighted = Problem(inputs=Sample(x, weights=counts))
    neuron = (1.5, 0.25, 0.5, 0.125)
    for field in (loss, gradient, hessian):
        np.testing.assert_allclose(field(neuron, repeated), field(neuron, weighted), rtol=1e-14)


def test_the_weights_sum_does_not_matter_and_zero_weight_means_absent() -> None:
    x, neuron = np.linspace(-1, 1, 8), (1.5, 0.25, 0.5, 0.125)
    equal, absent = np.full(8, 0.25), np.r_[np.ones(4), np.zeros(4)]
    for field in (loss, gradient, hessian):
        whole = field(neuron, Problem(inputs=Sample(x)))
        np.testing.assert_array_equal(field(neuron, Problem(inputs=Sample(x, weights=equal))), whole)
        part = field(neuron, Problem(inputs=Sample(x[:4])))
        np.testing.assert_allclose(field(neuron, Problem(inputs=Sample(x, weights=absent))), part, rtol=1e-15)


def test_the_order_of_the_inputs_matters_to_rounding_only() -> None:
    rng = np.random.default_rng(2)
    x, weights, theta = rng.normal(size=301), rng.uniform(size=301), rng.normal(size=(4, 20))
    order = rng.permutation(301)
    for field in (loss, gradient, hessian):
        one = field(theta, Problem(inputs=Sample(x, weights=weights)))
        other = field(theta, Problem(inputs=Sample(x[order], weights=weights[order])))
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)


def test_float32_stays_float32_and_close() -> None:
    rng = np.random.default_rng(3)
    theta = rng.normal(size=(4, 50)).astype(np.float32)
    x = rng.uniform(-1, 1, 100).astype(np.float32)
    for inputs in (Sample(x), Sample(x, weights=np.ones(100, np.float32)), grid(64)):
        problem = Problem(inputs=inputs)
        for field in (loss, gradient, hessian):
            single, double = field(theta, problem), field(theta.astype(np.float64), problem)
            assert single.dtype == np.float32
            np.testing.assert_allclose(single, double, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("slopes", [RELU, (0.25, 1.0), (2.0, -1.0)])
@pytest.mark.parametrize("w1", [1.0, -2.0])
def test_an_input_exactly_at_the_breakpoint_has_the_lower_slope(
    w1: float, slopes: tuple[float, float]
) -> None:
    # φ′(0) = s₋: at the breakpoint b1 feels s₋ w2 r, although φ(0) = 0 itself does not tell.
    x, w2, b2 = 0.5, 0.75, 2.0
    problem = Problem(inputs=Sample([x]), activation=slopes)
    r = b2 - slopes[1] * x
    expected = [2 * r * w2 * slopes[0] * x, 2 * r * w2 * slopes[0], 0.0, 2 * r]
    np.testing.assert_allclose(gradient((w1, -w1 * x, w2, b2), problem), expected, rtol=1e-15)


@pytest.mark.parametrize("neuron", [(1.3, 0.41, -0.7, 0.2), (-0.5, 0.21, 2.0, -1.0), (1.0, 2.0, 0.5, 0.0)])
def test_midpoint_grids_converge_to_the_population_quadratically(neuron: tuple[float, ...]) -> None:
    errors = []
    for n in (1000, 2000, 4000, 8000, 16000):
        x = (np.arange(n) + 0.5) * (2.0 / n) - 1.0
        errors.append(abs(float(loss(neuron, Problem(inputs=Sample(x))) - loss(neuron))))
    order = np.log2(errors[0] / errors[-1]) / 4
    assert 1.8 < order < 2.2
    assert errors[-1] < 1e-7


@pytest.mark.parametrize("quantity", [loss, gradient, hessian])
def test_the_end_inclusive_grid_converges_at_first_order(quantity: Any) -> None:
    # The ends count fully in an equally weighted mean, so its error is O(1/N); the point mass of the
    # population's Hessian is no mean over inputs, so that entry is left out.
    neuron = np.asarray([1.3, 0.41, -0.7, 0.2])
    errors = []
    for n in (2001, 4001, 8001, 16001):
        difference = np.abs(quantity(neuron, Problem(inputs=grid(n))) - quantity(neuron))
        if quantity is hessian:
            difference[:2, :2] = 0.0
        errors.append(np.max(difference))
    assert 0.8 < np.log2(errors[0] / errors[-1]) / 3 < 1.2


def test_the_sample_hessian_is_the_derivative_of_its_gradient() -> None:
    # Away from the inputs the sample field is smooth; the loss is a quartic, the gradient a cubic.
    neuron, problem = np.asarray([1.3, 0.41, -0.7, 0.2]), Problem(inputs=Sample([-0.9, -0.1, 0.3, 0.8]))
    step = 1e-5
    for i in range(4):
        shift = step * np.eye(4)[i]
        difference = (gradient(neuron + shift, problem) - gradient(neuron - shift, problem)) / (2 * step)
        np.testing.assert_allclose(hessian(neuron, problem)[i], difference, atol=1e-9)
