"""Symmetries, Euler's identity and finite differences: properties no oracle is needed for.

Each tolerance is a small multiple of the rounding unit times the sum of absolute values that
`oracle.integrate` returns beside the exact values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradflow.field import gradient, hessian, loss
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from tests.field.oracle import Exact, integrate, mpf

UNIT = float(np.finfo(np.float64).eps)
number = st.floats(-4, 4).map(lambda v: 0.0 if abs(v) < 1e-100 else v)
neurons = st.tuples(number, number, number, number)
intervals = st.tuples(st.floats(-3, 3), st.floats(1e-3, 3)).map(lambda t: (t[0], t[0] + t[1]))
slope_pairs = st.sampled_from([(0.0, 1.0), (0.01, 1.0), (-0.5, 2.0), (1.0, 0.0), (0.5, 0.5)])
powers = st.integers(-20, 20).map(lambda k: 2.0**k)


def scales(neuron: Any, teacher: Any, interval: Any, slopes: Any) -> Exact:
    return integrate(neuron, teacher, interval[0], interval[1], slopes)


def problems(teacher: Any, interval: Any, slopes: Any) -> tuple[Problem, Problem]:
    """Return the population and a small sample of the same interval."""
    lo, hi = interval
    aim = Neuron(*teacher)
    return (
        Problem(aim, Uniform(lo, hi), slopes),
        Problem(aim, Sample(np.linspace(lo, hi, 9), weights=np.arange(1.0, 10.0)), slopes),
    )


@given(neurons, neurons, intervals, slope_pairs)
def test_hessian_is_symmetric_to_the_bit(neuron: Any, teacher: Any, interval: Any, slopes: Any) -> None:
    for problem in problems(teacher, interval, slopes):
        h = hessian(neuron, problem)
        np.testing.assert_array_equal(h, np.swapaxes(h, 0, 1))
        assert h[3, 3] == 2.0 or abs(h[3, 3] - 2.0) < 8 * UNIT


@given(neurons, neurons, intervals, slope_pairs)
def test_euler_identity_of_a_homogeneous_activation(
    neuron: Any, teacher: Any, interval: Any, slopes: Any
) -> None:
    # w1 ∂L/∂w1 + b1 ∂L/∂b1 = w2 ∂L/∂w2, the reason why balancedness is conserved.
    w1, b1, w2, _ = neuron
    population, sample = problems(teacher, interval, slopes)
    size = scales(neuron, teacher, interval, slopes).gradient_scale
    g = gradient(neuron, population)
    tolerance = 64 * UNIT * (abs(w1) * size[0] + abs(b1) * size[1] + abs(w2) * size[2])
    assert abs(w1 * g[0] + b1 * g[1] - w2 * g[2]) <= tolerance + 1e-300
    g = gradient(neuron, sample)
    assert abs(w1 * g[0] + b1 * g[1] - w2 * g[2]) <= 1e-11


@given(neurons, neurons, intervals, slope_pairs)
def test_reflecting_the_inputs_reflects_the_input_weight(
    neuron: Any, teacher: Any, interval: Any, slopes: Any
) -> None:
    lo, hi = interval
    size = scales(neuron, teacher, interval, slopes)
    mirrored = Problem(Neuron(-teacher[0], *teacher[1:]), Uniform(-hi, -lo), slopes)
    problem, _ = problems(teacher, interval, slopes)
    turned, sign = (-neuron[0], *neuron[1:]), np.asarray([-1.0, 1.0, 1.0, 1.0])
    assert activity(turned, mirrored) == activity(neuron, problem)
    assert abs(loss(turned, mirrored) - loss(neuron, problem)) <= 32 * UNIT * size.loss_scale + 1e-300
    g = gradient(turned, mirrored) - sign * gradient(neuron, problem)
    assert np.all(np.abs(g) <= 32 * UNIT * np.asarray(size.gradient_scale) + 1e-300)
    assume(neuron[0] == 0 or abs(neuron[0]) > 1e-50)
    h = hessian(turned, mirrored) - np.outer(sign, sign) * hessian(neuron, problem)
    assert np.all(np.abs(h) <= 32 * UNIT * np.asarray(size.hessian_scale) + 1e-300)


@given(neurons, neurons, intervals, slope_pairs, powers)
def test_rescaling_by_a_power_of_two_changes_no_digit(
    neuron: Any, teacher: Any, interval: Any, slopes: Any, c: float
) -> None:
    # (c w1, c b1, w2/c) is the same function; a power of two commutes with every rounding.
    w1, b1, w2, b2 = (0.0 if abs(v) < 1e-50 else v for v in neuron)
    scaled, factor = (c * w1, c * b1, w2 / c, b2), np.asarray([1 / c, 1 / c, c, 1.0])
    for problem in problems(tuple(0.0 if abs(v) < 1e-50 else v for v in teacher), interval, slopes):
        assert loss(scaled, problem) == loss((w1, b1, w2, b2), problem)
        np.testing.assert_allclose(
            gradient(scaled, problem), factor * gradient((w1, b1, w2, b2), problem), rtol=0, atol=1e-290
        )
        np.testing.assert_allclose(
            hessian(scaled, problem),
            np.outer(factor, factor) * hessian((w1, b1, w2, b2), problem),
            rtol=1e-15,
            atol=1e-240,
        )


@given(neurons, neurons, intervals, slope_pairs, st.floats(1e-3, 1e3))
def test_rescaling_by_any_positive_factor(
    neuron: Any, teacher: Any, interval: Any, slopes: Any, c: float
) -> None:
    w1, b1, w2, b2 = neuron
    problem, _ = problems(teacher, interval, slopes)
    # c w1 and c b1 are rounded, which moves z by that share of |w1 x| + |b1|.
    reach = max(abs(v) for v in interval)
    z = abs(w1) * reach + abs(b1)
    size = (
        abs(w2) * z
        + abs(b2)
        + abs(teacher[2]) * (abs(teacher[0]) * reach + abs(teacher[1]))
        + abs(teacher[3])
    )
    size *= max(map(abs, slopes)) + 1
    scaled = (c * w1, c * b1, w2 / c, b2)
    assert abs(loss(scaled, problem) - loss(neuron, problem)) <= 64 * UNIT * size * size + 1e-300


@settings(max_examples=60)
@given(neurons, neurons, intervals, slope_pairs)
def test_gradient_is_the_derivative_of_the_exact_loss(
    neuron: Any, teacher: Any, interval: Any, slopes: Any
) -> None:
    # Central differences at 50 digits: no oracle for the gradient's own formula is involved.
    assume(min(abs(neuron[0]), abs(teacher[0])) > 1e-3)
    lo, hi = interval
    p, q = -neuron[1] / neuron[0], -teacher[1] / teacher[0]
    assume(min(abs(p - lo), abs(p - hi), abs(p - q)) > 1e-6)
    problem, _ = problems(teacher, interval, slopes)
    g, size = gradient(neuron, problem), scales(neuron, teacher, interval, slopes)
    step = mpf(10) ** -16
    for i in range(4):
        up, down = (
            integrate([mpf(v) + d * (j == i) for j, v in enumerate(neuron)], teacher, lo, hi, slopes)
            for d in (step, -step)
        )
        difference = float((up.loss - down.loss) / (2 * step))
        assert abs(g[i] - difference) <= 1e-13 * size.gradient_scale[i] + 1e-20


@given(number, number, st.floats(0.1, 4), number)
def test_gradient_vanishes_on_the_family_of_global_minima(w1: float, b1: float, c: float, b2: float) -> None:
    # Every (c w1, c b1, w2/c, b2) equals the teacher; with c a power of two exactly.
    teacher = Neuron(w1, b1, 1.0, b2)
    for factor in (0.25, 1.0, 8.0):
        student = (factor * w1, factor * b1, 1.0 / factor, b2)
        for inputs in (Uniform(), Uniform(-0.5, 2.0), Sample(np.linspace(-1, 1, 5))):
            problem = Problem(teacher, inputs)
            # The sample multiplies before it adds, so a last digit may differ.
            assert loss(student, problem) <= 1e-28 * (abs(w1) + abs(b1)) ** 2
            assert np.all(np.abs(gradient(student, problem)) <= 1e-13 * factor)
    student = (c, 0.0, 1.0 / c, 0.0)
    assert np.all(np.abs(gradient(student)) <= 4 * UNIT * max(c, 1.0 / c))
    assert loss(student) <= UNIT**2


def test_known_values() -> None:
    # The best line and the best constant, and the critical points' losses 1/48 and 5/48.
    np.testing.assert_allclose(loss((0.5, 5.0, 1.0, -4.75)), 1 / 48, rtol=1e-13)
    np.testing.assert_allclose(gradient((0.5, 5.0, 1.0, -4.75)), 0.0, atol=1e-14)
    np.testing.assert_allclose(loss((0.0, 0.0, 1.0, 0.25)), 5 / 48, rtol=1e-15)
    np.testing.assert_allclose(gradient((0.0, 0.0, 1.0, 0.25)), 0.0, atol=1e-16)
    np.testing.assert_allclose(loss((0.0, 0.0, 0.0, 0.0)), 1 / 6, rtol=1e-15)


@settings(max_examples=60)
@given(neurons, neurons, intervals)
def test_equal_slopes_make_the_field_a_quadratic_one(neuron: Any, teacher: Any, interval: Any) -> None:
    # With φ(z) = z the loss is E[(A x + C)²] = A² E[x²] + 2 A C E[x] + C², whatever the breakpoints.
    lo, hi = (mpf(v) for v in interval)
    w1, b1, w2, b2 = (mpf(v) for v in neuron)
    v1, c1, v2, c2 = (mpf(v) for v in teacher)
    a, c = w2 * w1 - v2 * v1, w2 * b1 + b2 - v2 * c1 - c2
    exact = a * a * (lo * lo + lo * hi + hi * hi) / 3 + a * c * (lo + hi) + c * c
    problem, _ = problems(teacher, interval, (1.0, 1.0))
    size = scales(neuron, teacher, interval, (1.0, 1.0)).loss_scale
    assert abs(float(loss(neuron, problem) - exact)) <= 1e-13 * size + 1e-300
