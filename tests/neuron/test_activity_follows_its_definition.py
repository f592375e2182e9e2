"""Dead, balanced and hyperactive as defined, at and next to every boundary; distances and breakpoints."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.neuron.activity import (
    ACTIVITIES,
    BALANCED,
    DEAD,
    HYPERACTIVE,
    activity,
    breakpoint_position,
    classify,
    end_preactivations,
    wall_distances,
)
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

number = st.floats(-1e6, 1e6).map(lambda v: 0.0 if abs(v) < 1e-100 else v)


def up(value: float) -> float:
    return math.nextafter(value, math.inf)


def down(value: float) -> float:
    return math.nextafter(value, -math.inf)


def defined(w1: float, b1: float, lo: float, hi: float) -> int:
    """Return the activity in exact arithmetic: an affine function is extreme at the ends."""
    z = [Fraction(w1) * Fraction(end) + Fraction(b1) for end in (lo, hi)]
    if max(z) <= 0:
        return DEAD
    return HYPERACTIVE if min(z) >= 0 else BALANCED


def test_the_codes_name_the_activities() -> None:
    assert ACTIVITIES == ("dead", "balanced", "hyperactive")
    assert [ACTIVITIES[k] for k in (DEAD, BALANCED, HYPERACTIVE)] == list(ACTIVITIES)


@pytest.mark.parametrize(
    ("w1", "b1", "expected"),
    [
        (0.0, 0.0, DEAD),
        (-0.0, -0.0, DEAD),
        (0.0, 1.0, HYPERACTIVE),
        (0.0, -1.0, DEAD),
        (0.0, 5e-324, HYPERACTIVE),
        (0.0, -5e-324, DEAD),
        (5e-324, 0.0, BALANCED),
        (1.0, 0.0, BALANCED),
        (-1.0, 0.0, BALANCED),
        (1.0, 1.0, HYPERACTIVE),
        (1.0, up(1.0), HYPERACTIVE),
        (1.0, down(1.0), BALANCED),
        (-1.0, 1.0, HYPERACTIVE),
        (-1.0, down(1.0), BALANCED),
        (1.0, -1.0, DEAD),
        (1.0, up(-1.0), BALANCED),
        (1.0, down(-1.0), DEAD),
        (-1.0, -1.0, DEAD),
        (-1.0, up(-1.0), BALANCED),
        (-1.0, down(-1.0), DEAD),
    ],
)
def test_boundary_cases(w1: float, b1: float, expected: int) -> None:
    for inputs in (Uniform(), grid(3), grid(2), Sample([0.5, -1.0, 1.0, 0.25])):
        assert activity(Neuron(w1, b1), Problem(inputs=inputs)) == expected
    assert defined(w1, b1, -1.0, 1.0) == expected


@given(number, number, st.floats(-100, 100), st.floats(1e-3, 100))
def test_any_neuron_on_any_interval(w1: float, b1: float, lo: float, length: float) -> None:
    hi = lo + length
    assert activity(Neuron(w1, b1), Problem(inputs=Uniform(lo, hi))) == defined(w1, b1, lo, hi)


@given(
    st.floats(0.01, 100), st.floats(-100, 100), st.floats(0.01, 100), st.sampled_from([-1, 1]), st.booleans()
)
def test_next_to_a_wall_the_sign_is_exact(
    w1: float, lo: float, length: float, sign: int, at_hi: bool
) -> None:
    hi = lo + length
    if abs(lo) < 1e-100:
        lo = 0.0
    b1 = -sign * w1 * (hi if at_hi else lo)
    for b in (b1, up(b1), down(b1)):
        assert activity(Neuron(sign * w1, b), Problem(inputs=Uniform(lo, hi))) == defined(
            sign * w1, b, lo, hi
        )


def test_the_activity_of_a_sample_is_that_of_its_range() -> None:
    problem = Problem(inputs=Sample(np.asarray([0.5, 0.1, 0.4])))
    assert (problem.lo, problem.hi) == (0.1, 0.5)
    assert activity(Neuron(1.0, -0.05), problem) == HYPERACTIVE
    assert activity(Neuron(1.0, -0.2), problem) == BALANCED
    assert activity(Neuron(1.0, -0.5), problem) == DEAD
    assert activity(Neuron(1.0, 0.0), Problem(inputs=Sample([0.0]))) == DEAD


def test_codes_are_small_integers_of_the_broadcast_shape() -> None:
    codes = activity(Neuron(np.ones((3, 1)), np.asarray([-2.0, 0.0, 2.0, 1.0])))
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(codes, [[0, 1, 2, 2]] * 3)
    assert activity(np.ones((4, 0))).shape == (0,)
    assert activity(Neuron()).shape == ()
    many = activity(
        Neuron(), Problem(inputs=Uniform(np.asarray([-1.0, 0.0, -2.0]), np.asarray([1.0, 1.0, 0.0])))
    )
    np.testing.assert_array_equal(many, [BALANCED, HYPERACTIVE, DEAD])


def test_classify_takes_the_preactivations_themselves() -> None:
    ends = [-1.0, 0.0, 1.0]
    table = [[int(classify(np.asarray(a), np.asarray(b))) for b in ends] for a in ends]
    assert table == [[0, 0, 1], [0, 0, 2], [1, 2, 2]]


@given(number, number, st.floats(-100, 100), st.floats(1e-3, 100))
def test_end_preactivations_are_rounded_about_once(w1: float, b1: float, lo: float, length: float) -> None:
    hi = lo + length
    z = end_preactivations(Neuron(w1, b1), Problem(inputs=Uniform(lo, hi)))
    for value, end in zip(z, (lo, hi), strict=True):
        exact = Fraction(w1) * Fraction(end) + Fraction(b1)
        assert abs(Fraction(float(value)) - exact) <= abs(exact) * Fraction(1, 2**51) + Fraction(1, 10**300)


@given(number, number, st.floats(-100, 100), st.floats(1e-3, 100))
def test_wall_distance_is_the_euclidean_distance_with_the_preactivations_sign(
    w1: float, b1: float, lo: float, length: float
) -> None:
    hi = lo + length
    problem = Problem(inputs=Uniform(lo, hi))
    distances = wall_distances(Neuron(w1, b1), problem)
    for distance, end in zip(distances, (lo, hi), strict=True):
        exact = Fraction(w1) * Fraction(end) + Fraction(b1)
        assert float(distance) == pytest.approx(
            float(exact) / math.sqrt(1.0 + end * end), rel=1e-14, abs=1e-300
        )
    code = activity(Neuron(w1, b1), problem)
    assert (code == DEAD) == all(d <= 0 for d in distances)
    assert (code == HYPERACTIVE) == (all(d >= 0 for d in distances) and any(d > 0 for d in distances))


def test_wall_distance_is_that_of_the_nearest_point_on_the_wall() -> None:
    w1, b1, end = 0.7, 0.4, 1.0
    t = np.linspace(-3, 3, 60_001)
    nearest = np.min(np.hypot(t - w1, -t * end - b1))  # the wall at hi is (t, −t hi)
    np.testing.assert_allclose(wall_distances(Neuron(w1, b1))[1], nearest, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_keep_the_neurons_dtype(dtype: Any) -> None:
    theta = np.ones((4, 3), dtype)
    for problem in (Problem(), Problem(inputs=grid(5)), Problem(inputs=Uniform(-2, 2))):
        for result in (
            *wall_distances(theta, problem),
            *end_preactivations(theta, problem),
            breakpoint_position(theta),
        ):
            assert result.dtype == dtype
            assert result.shape == (3,)


@pytest.mark.parametrize(
    ("w1", "b1", "expected"),
    [
        (2.0, 1.0, -0.5),
        (-2.0, 1.0, 0.5),
        (0.0, 1.0, -math.inf),
        (0.0, -1.0, math.inf),
        (0.0, 0.0, math.nan),
        (-0.0, 2.0, -math.inf),
        (2.0**-1000, 1.0, -(2.0**1000)),
    ],
)
def test_breakpoint_position(w1: float, b1: float, expected: float) -> None:
    # w1 = 0 < b1: active everywhere, as with a breakpoint at −∞ (for w1 → 0 from above).
    np.testing.assert_array_equal(breakpoint_position(Neuron(w1, b1)), expected)


def test_breakpoint_position_of_arrays() -> None:
    where = breakpoint_position(Neuron(np.asarray([1.0, 0.0, 0.0]), np.asarray([[1.0], [0.0]])))
    np.testing.assert_array_equal(where, [[-1.0, -np.inf, -np.inf], [0.0, np.nan, np.nan]])
