"""Where products over- or underflow, and in single precision, nothing false is called proved."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gradflow.ends.decision import decide
from gradflow.ends.outcome import CONSTANT, GLOBAL, UNDECIDED
from gradflow.field.baselines import lines
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from gradflow.theory.energy import limit, never_constant, reaches_teacher
from gradflow.theory.fading import fades, fading_rate, rate_at_the_end
from gradflow.theory.hyperactive import remaining_path, trapped
from gradflow.theory.limits import line_limit
from gradflow.theory.tube import surround

ONE = np.float32


@pytest.mark.parametrize(
    ("state", "teacher"),
    [
        (
            (0.043356154, 0.045945294, -0.3898475, 0.03197563),
            (-0.03749799355864525, -0.0008758791955187917, 0.9357594847679138, 0.00610751286149025),
        ),
        (
            (116.90797, 116.905876, 1.6788866e-10, 6.0432434e-16),
            (1.0, 0.9999821782112122, 1.96275227182241e-08, 0.0),
        ),
    ],
)
def test_single_numbers_in_single_precision_are_decided_in_double(
    state: tuple[float, ...], teacher: tuple[float, ...]
) -> None:
    problem = Problem(Neuron(*teacher))
    single = Neuron(*(ONE(value) for value in state))
    double = Neuron(*(float(ONE(value)) for value in state))
    assert int(decide(single, problem).outcome) == int(decide(double, problem).outcome) == UNDECIDED


def test_a_square_that_overflows_bounds_no_path() -> None:
    neuron = Neuron(0.5e-155, 0.6e-155, 1e155, 10.0)
    with np.errstate(over="ignore"):
        assert not bool(trapped(neuron))
        assert float(remaining_path(neuron, Problem(), 1.0)) == np.inf


@pytest.mark.parametrize("size", [1.0, 3e-83])
def test_a_square_that_underflows_surrounds_nothing(size: float) -> None:
    neuron = Neuron(0.5 * size, 0.6 * size, size, 10.0 * size * size)
    assert not np.any(surround(neuron, Problem(Neuron(size, 0.0, size, 0.0))).trapped)


@pytest.mark.parametrize("w1", [1e301, 1e-310])
def test_a_teacher_of_extreme_weights_is_not_taken_for_a_constant(w1: float) -> None:
    # f*(x) = ReLU(x) in exact arithmetic, or nearly; a dead neuron goes to its mean.
    teacher = Neuron(w1, 0.0, 1e-301 if w1 > 1.0 else 1e300, 0.0)
    found = int(decide(Neuron(1.0, -3.0, 1.0, 0.25), Problem(teacher)).outcome)
    assert found != GLOBAL
    assert found in (CONSTANT, UNDECIDED)


@pytest.mark.parametrize("taught", ["relu", "silu"])
@pytest.mark.parametrize("ends", [(0.0, 5e-324), (-5e-324, 0.0), (5e-324, 1e-323), (-1.0, 1.0), (0.0, 1e-3)])
def test_the_middle_of_the_smallest_intervals_is_not_sure(ends: tuple[float, float], taught: str) -> None:
    exact = (Fraction(ends[0]) + Fraction(ends[1])) / 2
    for inputs in (Uniform(*ends), Sample(list(ends)), Sample(list(ends), weights=[1.0, 1.0])):
        middle = lines(Problem(inputs=inputs, teacher_activation=taught)).mean_x
        assert abs(Fraction(float(middle.value)) - exact) <= Fraction(float(middle.error))
        assert (float(middle.value) == float(middle.error) == 0.0) == (exact == 0)


OF_STATES: list[Callable[..., Any]] = [
    decide, fades, fading_rate, limit, line_limit, never_constant, rate_at_the_end, reaches_teacher, trapped,
]  # fmt: skip


@pytest.mark.parametrize("of", OF_STATES, ids=lambda of: of.__name__)
def test_numbers_of_any_size_raise_no_warning(of: Callable[..., Any]) -> None:
    rng, n = np.random.default_rng(0), 2000
    states = rng.normal(size=(4, n)) * 10.0 ** rng.uniform(-300.0, 300.0, (4, n)) * (rng.random((4, n)) > 0.1)
    wide = Uniform(-(10.0 ** rng.uniform(-100.0, 40.0, n)), 10.0 ** rng.uniform(-100.0, 40.0, n))
    for inputs in (Uniform(), wide):
        found = of(states, Problem(inputs=inputs))
        assert all(np.shape(part)[-1] == n for part in (found if isinstance(found, tuple) else (found,)))
