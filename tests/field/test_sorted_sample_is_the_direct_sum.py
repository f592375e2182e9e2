"""Sorted samples give the weighted means of the direct sum, to 1e-12 of their terms' absolute values.

The reference is exact (`exact_sums`); the samples and the neurons are adversarial (`samples`). The bound
asserted is 2e-15, about 18 units of rounding; 5e-16 is measured.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.field import SORTED_FROM, evaluator, gradient, hessian, loss, loss_and_gradient, sorted_sample
from gradflow.neuron.problem import Neuron, Problem, Sample, grid
from tests.field.exact_sums import Data, relative, sums
from tests.field.samples import GENERAL, INPUTS, LEAKY, RELU, case, neurons

BOUND = 2e-15
ROUNDING = 2.0**-53
KINDS = ("equal", "spread", "many zero")
TARGETS: tuple[tuple[int | None, tuple[float, float]], ...] = (
    (0, RELU),
    (1, GENERAL),
    (2, LEAKY),
    (3, RELU),
    (None, RELU),
    (None, LEAKY),
)
FEW = (("equal", TARGETS[0]), ("spread", TARGETS[1]), ("many zero", TARGETS[4]))


def check(problem: Problem, data: Data, theta: Any) -> None:
    """Compare loss, gradient and Hessian with the exact sums, and with the direct ones."""
    ours, direct = evaluator(problem, theta, sorted_from=1), evaluator(problem, theta, sorted_from=10**9)
    value, slope = ours.loss_and_gradient(theta)
    bend, plain, plain_value = ours.hessian(theta), direct.gradient(theta), direct.loss(theta)
    assert np.all(value >= 0)
    for i in range(theta.shape[1]):
        exact = sums(theta[:, i], data)
        assert relative(slope[:, i], exact.gradient, exact.gradient_scale) <= BOUND
        assert relative(bend[..., i], exact.hessian, exact.hessian_scale) <= BOUND
        # As exact as if every residual were rounded a few times: near zero too.
        error = float(abs(Fraction(float(value[i])) - exact.loss))
        spread = np.sqrt(float(exact.loss) * exact.loss_scale) + 16 * ROUNDING * exact.loss_scale
        assert error <= 16 * ROUNDING * spread
        assert np.all(np.abs(slope[:, i] - plain[:, i]) <= 1e-12 * exact.split_scale)
        assert abs(value[i] - plain_value[i]) <= 1e-12 * exact.split_loss_scale


@pytest.mark.some(8)
@pytest.mark.parametrize(("kind", "target"), FEW)
@pytest.mark.parametrize("name", INPUTS)
def test_on_adversarial_samples(name: str, kind: str, target: Any) -> None:
    problem, data = case(name, kind, *target)
    check(problem, data, neurons(data.x, data.teacher)[:, ::3])


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "target"), list(product(KINDS, TARGETS)))
@pytest.mark.parametrize("name", INPUTS)
def test_on_adversarial_samples_in_every_combination(name: str, kind: str, target: Any) -> None:
    problem, data = case(name, kind, *target)
    check(problem, data, neurons(data.x, data.teacher))


@pytest.mark.slow
def test_on_a_hundred_thousand_inputs() -> None:
    rng = np.random.default_rng(9)
    x, weights = rng.normal(size=100_000), 10.0 ** rng.uniform(-8, 8, 100_000)
    theta = np.asarray([[1.2, -0.4, 0.7, 0.1], [-0.7, 1.0, 0.6, -0.2]]).T
    theta = np.column_stack([theta, [1.0, -np.sort(x)[-1] * (1 - 1e-12), 2.0, 0.0]])
    sample = Sample(x, weights=weights)
    check(Problem(inputs=sample), Data(x, sample.weights, None, (1.0, 0.0, 1.0, 0.0), RELU), theta)


number = st.floats(-4, 4).map(lambda v: round(v, 3)) | st.floats(-1e3, 1e3).map(
    lambda v: v if abs(v) > 1e-9 else 0.0
)
rows = st.lists(st.tuples(number, st.sampled_from([1e-8, 0.5, 1.0, 1e8]), number), min_size=1, max_size=12)


@given(st.tuples(*[number] * 4), rows, st.sampled_from([RELU, LEAKY, GENERAL]), st.booleans())
def test_on_any_sample(neuron: Any, rows: Any, slopes: Any, is_taught: bool) -> None:
    x, weights, targets = np.asarray(rows).T
    sample = Sample(x, weights=weights, targets=None if is_taught else targets)
    teacher = (1.0, -0.5, -2.0, 0.25)
    data = Data(x, sample.weights, sample.targets, teacher, slopes)
    check(Problem(Neuron(*teacher), sample, slopes), data, np.asarray(neuron)[:, None])


@given(st.floats(-3, 3), st.floats(-3, 3), rows)
def test_on_neurons_with_an_input_at_their_breakpoint(w1: float, w2: float, rows: Any) -> None:
    x, weights, targets = np.asarray(rows).T
    w1, w2 = round(w1, 9), round(w2, 9)
    sample = Sample(x, weights=weights, targets=targets)
    data = Data(x, sample.weights, sample.targets, (1.0, 0.0, 1.0, 0.0), RELU)
    theta = np.stack([np.full(x.shape, w1), -w1 * x, np.full(x.shape, w2), x], axis=0)
    check(Problem(inputs=sample), data, theta)


@pytest.mark.parametrize("name", INPUTS)
def test_float32_decides_as_float32_and_sums_as_float64(name: str) -> None:
    x = INPUTS[name].astype(np.float32)
    theta = neurons(x, (1.0, 0.0, 1.0, 0.0)).astype(np.float32)
    theta = np.where(np.abs(theta) < 1e-20, np.float32(0.0), theta)[:, ::4]
    problem = Problem(inputs=Sample(x))
    ours = evaluator(problem, theta, sorted_from=1)
    data = Data(x, np.full(x.shape, 1.0 / x.shape[0]), None, (1.0, 0.0, 1.0, 0.0), RELU)
    value, slope = ours.loss_and_gradient(theta)
    assert value.dtype == slope.dtype == ours.hessian(theta).dtype == np.float32
    for i in range(theta.shape[1]):
        exact = sums(theta[:, i], data)
        # The result is rounded to float32 once; the rest of the error is float64's.
        for got, truth, scale in zip(slope[:, i], exact.gradient, exact.gradient_scale, strict=True):
            assert abs(float(got) - float(truth)) <= 2.0**-24 * abs(float(truth)) + 1e-14 * scale + 1e-40


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_active_inputs_are_those_of_the_direct_sum(dtype: Any) -> None:
    # The second sample's products w1 x underflow, so that a quotient's order says nothing.
    rng = np.random.default_rng(10)
    tiny = 1e-35 if dtype is np.float32 else 1e-300
    for x in (*INPUTS.values(), tiny * np.linspace(-1, 1, 40)):
        x = x.astype(dtype)
        theta = neurons(x, (1.0, 0.0, 1.0, 0.0)).astype(dtype)
        small = theta * np.asarray([[1e-3 / tiny**0.5 * tiny], [tiny], [1], [1]], dtype=dtype)
        small[1] *= rng.choice([0.0, 1.0], small.shape[1]).astype(dtype)
        theta = np.concatenate([theta, small], axis=1)
        # The derivative with respect to b1 of the mean of w2 φ(z) + b2 is w2 times the active share.
        theta[2], theta[3] = 1.0, 0.0
        counts = np.sum(theta[0][:, None] * x + theta[1][:, None] > 0, axis=-1)
        ours = evaluator(Problem(inputs=Sample(x)), theta, sorted_from=1)
        np.testing.assert_allclose(ours.hessian(theta)[1, 3] / 2 * x.shape[0], counts, rtol=1e-6)


def test_the_quotient_misses_by_at_most_one_input(monkeypatch: pytest.MonkeyPatch) -> None:
    # The bisection is for underflow only; ordinary neurons must not pay for it.
    def refuse(*_: Any) -> Any:
        raise AssertionError("the quotient was wrong by more than one input")

    monkeypatch.setattr(sorted_sample, "_bisect", refuse)
    for x in INPUTS.values():
        theta = neurons(x, (1.0, 0.0, 1.0, 0.0))
        ours = evaluator(Problem(inputs=Sample(x)), theta, sorted_from=1)
        assert np.all(np.isfinite(ours.gradient(theta)))


@pytest.mark.slow
def test_a_single_active_input_in_a_million_is_exact() -> None:
    x = np.concatenate([np.linspace(-1, 0.99, 999_999), [1.0]])
    neuron = np.asarray([3.0, -2.999999999999, 0.7, 0.0])
    exact = sums(neuron, Data(x[-1:], [1e-6], None, (1.0, 0.0, 1.0, 0.0), RELU))
    result = gradient(neuron, Problem(inputs=Sample(x)))
    np.testing.assert_allclose(result[:3], [float(v) for v in exact.gradient[:3]], rtol=1e-15)


@pytest.mark.parametrize("delta", [0.0, 1e-12, -1e-10, 1e-6, -1e-3])
def test_the_loss_keeps_its_digits_next_to_the_global_minimum(delta: float) -> None:
    theta = np.asarray([1.0 + delta, delta, 1.0 - delta, delta])
    x = np.random.default_rng(12).uniform(-1, 1, 1000)
    data = Data(x, np.full(1000, 1e-3), None, (1.0, 0.0, 1.0, 0.0), RELU)
    ours = evaluator(Problem(inputs=Sample(x)), theta, sorted_from=1)
    exact = float(sums(theta, data).loss)
    assert abs(float(ours.loss(theta)) - exact) <= 1e-15 * exact**0.5 + 1e-31


@pytest.mark.parametrize("several", [False, True])
def test_a_neurons_result_does_not_depend_on_the_batch(several: bool) -> None:
    rng = np.random.default_rng(13)
    x, weights = np.round(rng.normal(size=400), 2), rng.uniform(size=400)
    theta = neurons(x, (1.0, 0.0, 1.0, 0.0))[:, :60].reshape(4, 20, 3)
    teachers = rng.normal(size=(4, 20, 1)) if several else np.asarray([1.0, 0.25, 1.0, 0.0])
    problem = Problem(Neuron(*teachers), Sample(x, weights=weights))
    for field in (loss, gradient, hessian):
        whole = field(theta, problem)
        np.testing.assert_array_equal(field(theta[..., ::-1], problem), whole[..., ::-1])
        for i, j in np.ndindex(20, 3):
            alone = Problem(Neuron(*teachers[:, i, 0]), problem.inputs) if several else problem
            np.testing.assert_array_equal(field(theta[:, i, j], alone), whole[..., i, j])
            np.testing.assert_array_equal(field(tuple(map(float, theta[:, i, j])), alone), whole[..., i, j])
    value, slope = loss_and_gradient(theta, problem)
    np.testing.assert_array_equal(value, loss(theta, problem))
    np.testing.assert_array_equal(slope, gradient(theta, problem))


def test_a_neuron_that_is_not_a_number_leaves_the_others_alone() -> None:
    theta = np.random.default_rng(14).normal(size=(4, 9))
    problem = Problem(inputs=grid(1000))
    for bad in range(4):
        spoilt = theta.copy()
        spoilt[bad, 2] = np.nan
        for field in (loss, gradient, hessian):
            good, other = field(theta, problem), field(spoilt, problem)
            np.testing.assert_array_equal(np.delete(other, 2, axis=-1), np.delete(good, 2, axis=-1))
        assert np.isnan(loss(spoilt, problem)[2])


def test_the_number_of_inputs_decides_and_the_results_do_not_jump() -> None:
    theta = np.random.default_rng(15).normal(size=(4, 50))
    for n in (SORTED_FROM - 1, SORTED_FROM):
        problem = Problem(inputs=grid(n))
        sorted_, direct = (evaluator(problem, theta, sorted_from=k).gradient(theta) for k in (1, n + 1))
        chosen = evaluator(problem, theta).gradient(theta)
        np.testing.assert_array_equal(chosen, direct if n < SORTED_FROM else sorted_)
        np.testing.assert_array_equal(chosen, gradient(theta, problem))
        np.testing.assert_allclose(sorted_, direct, rtol=0, atol=1e-14)
