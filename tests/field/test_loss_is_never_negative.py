"""The population loss is never negative, and keeps its digits next to the global minimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.field import gradient, loss, loss_and_gradient
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from tests.field.measure import SETTINGS, computed, drawn
from tests.field.neurons import DOUBLE, SINGLE, Range
from tests.field.oracle import integrate

parameter = st.floats(-1e8, 1e8)


@pytest.mark.parametrize("range_", [DOUBLE, SINGLE], ids=["float64", "float32"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_on_random_and_adversarial_neurons(setting: str, range_: Range) -> None:
    assert np.all(computed(drawn(range_)[setting], "loss") >= 0)


@given(st.tuples(*[parameter] * 4), st.tuples(*[parameter] * 4), st.floats(-50, 50), st.floats(1e-3, 50))
def test_on_any_neuron(
    neuron: tuple[float, ...], teacher: tuple[float, ...], lo: float, length: float
) -> None:
    population = Problem(Neuron(*teacher), Uniform(lo, lo + length))
    sample = Problem(Neuron(*teacher), Sample(np.linspace(lo, lo + length, 7)))
    for problem in (population, sample):
        value, _ = loss_and_gradient(neuron, problem)
        assert value >= 0
        assert value == loss(neuron, problem)


@given(st.tuples(*[parameter] * 4), st.floats(-50, 50), st.floats(1e-3, 50))
def test_a_student_equal_to_its_teacher_has_no_loss_and_no_gradient(
    neuron: tuple[float, ...], lo: float, length: float
) -> None:
    for inputs in (Uniform(lo, lo + length), Sample(np.linspace(lo, lo + length, 7))):
        problem = Problem(Neuron(*neuron), inputs)
        scale = max(abs(v) for v in neuron) ** 2 * (1 + abs(lo) + length)
        assert loss(neuron, problem) <= (1e-15 * scale) ** 2
        assert np.all(
            np.abs(gradient(neuron, problem)) <= 1e-15 * scale * (1 + scale) * (1 + abs(lo) + length)
        )


@pytest.mark.parametrize("delta", [1e-12, -1e-12, 1e-10, 1e-6, 1e-3])
def test_next_to_the_global_minimum(delta: float) -> None:
    neuron = (1.0 + delta, delta, 1.0 - delta, delta)
    exact = float(integrate(neuron, (1.0, 0.0, 1.0, 0.0), -1.0, 1.0, (0.0, 1.0)).loss)
    assert exact > 0
    assert float(loss(neuron)) == pytest.approx(exact, rel=0.01 if abs(delta) == 1e-12 else 1e-4)


def test_the_expanded_polynomial_would_fail_both() -> None:
    # Expanding the square cancels the leading terms, so it can be negative and has no digit left.
    delta = 1e-12
    w1, b1, w2, b2 = 1.0 + delta, delta, 1.0 - delta, delta
    exact = float(integrate((w1, b1, w2, b2), (1.0, 0.0, 1.0, 0.0), -1.0, 1.0, (0.0, 1.0)).loss)
    a, c = w2 * w1, w2 * b1 + b2  # the residual on [0, 1] is (a − 1) x + c
    expanded = (a * a / 3 + a * c + c * c - 2 * a / 3 - c + 1 / 3) / 2
    assert abs(expanded - exact) > 0.5 * exact
    assert abs(float(loss((w1, b1, w2, b2))) - exact) < 0.01 * exact
