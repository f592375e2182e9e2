"""Thresholds: the bracket contains the change of outcome; those of the flow, checked on both sides."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from gradflow.ends import bracket, flow_outcomes
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, OUTCOMES, UNDECIDED
from gradflow.field import evaluator, loss
from gradflow.neuron.problem import Neuron, Problem

LOWER_B2 = -1.87278610


def step(at: float, below: int = LINEAR, above: int = GLOBAL) -> Callable[[np.ndarray], np.ndarray]:
    """Return the rule that gives `above` from `at` on."""
    return lambda values: np.where(values < at, below, above).astype(np.int8)


@given(
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 1e3),
    st.floats(0.0, 1.0),
    st.floats(-12.0, 0.0),
    st.integers(1, 20),
    st.booleans(),
)
def test_the_bracket_contains_the_truth(
    lo: float, width: float, part: float, exponent: float, sections: int, swapped: bool
) -> None:
    hi, tol = lo + width, 10.0**exponent
    truth = min(max(lo + part * width, math.nextafter(lo, math.inf)), hi)
    found = bracket(step(truth), (hi, lo) if swapped else (lo, hi), tol=tol, sections=sections)
    spacing = max(abs(np.spacing(lo)), abs(np.spacing(hi)))
    assert abs(found.value - truth) <= found.uncertainty + spacing
    assert found.uncertainty <= max(tol, spacing)
    assert (found.below, found.above) == ("linear", "global")


@given(st.floats(-1.0, 1.0), st.integers(2, 30))
def test_the_number_of_sections_does_not_matter(truth: float, sections: int) -> None:
    one, many = (bracket(step(truth), (-2.0, 3.0), tol=1e-9, sections=n) for n in (1, sections))
    assert abs(one.value - many.value) <= one.uncertainty + many.uncertainty


def test_more_sections_take_fewer_rounds() -> None:
    def rounds(sections: int) -> int:
        sizes: list[int] = []

        def decide(values: np.ndarray) -> np.ndarray:
            sizes.append(values.size)
            return step(0.3)(values)

        bracket(decide, (0.0, 1.0), tol=1e-8, sections=sections, scan=2)
        assert set(sizes[1:]) == {sections}
        return len(sizes)

    assert rounds(9) == math.ceil(math.log10(0.5e8))  # the ends' decision narrows tenfold, too
    assert rounds(1) > 2 * rounds(9)


@pytest.mark.parametrize("truth", [-0.6, -3e-7, 0.0, 2e5, 7e29])
@pytest.mark.parametrize("sections", [1, 8])
def test_a_cell_of_many_orders_of_magnitude_takes_few_rounds(truth: float, sections: int) -> None:
    """Halving 1e30 to 1e-10 takes 133 rounds; there are fewer than 2^64 floats."""
    sizes: list[int] = []

    def decide(values: np.ndarray) -> np.ndarray:
        sizes.append(values.size)
        return step(truth)(values)

    found = bracket(decide, (-1e30, 1e30), tol=1e-10, sections=sections)
    assert abs(found.value - truth) <= found.uncertainty
    assert found.uncertainty <= max(1e-10, np.spacing(truth))
    assert len(sizes) <= 70 / math.log2(sections + 1) + 4


@pytest.mark.parametrize(
    ("lo", "hi", "equal"),
    [(-0.5, 0.5, False), (-3e5, 2e5, False), (1.0, 3.0, False), (1.5, 2.5, True), (-1.5, -0.8, True)],
)
def test_cells_are_cut_equally_or_by_orders_of_magnitude(lo: float, hi: float, equal: bool) -> None:
    """Beside a small tolerance by sign(x) log(1 + |x|/tol), unless the ends are of one size."""
    asked: list[np.ndarray] = []

    def decide(values: np.ndarray) -> np.ndarray:
        asked.append(values)
        return step(hi)(values)

    bracket(decide, (2.0 * lo - hi, hi), tol=1e-30, scan=2, sections=lambda: 7 if asked else 1)
    np.testing.assert_allclose(asked[0][1:], [lo, hi], rtol=1e-12)
    values = np.array([lo, *asked[1], hi])
    places = values if equal else np.sign(values) * np.log1p(np.abs(values) / 1e-30)
    np.testing.assert_allclose(np.diff(places), (places[-1] - places[0]) / 8.0, rtol=1e-6)


def test_sections_may_change_from_round_to_round() -> None:
    sizes: list[int] = []

    def decide(values: np.ndarray) -> np.ndarray:
        sizes.append(values.size)
        return step(0.3)(values)

    bracket(decide, (0.0, 1.0), tol=1e-4, scan=4, sections=lambda: 1 + len(sizes) % 2)
    assert set(sizes[1:]) == {1, 2}
    with pytest.raises(ValueError, match=r"^sections: expected an integer from 1 to 10000000, got 0"):
        bracket(decide, (0.0, 1.0), sections=lambda: 0)


def test_it_stops_at_the_spacing_of_floats() -> None:
    truth = 1.0 + 12345 * np.spacing(1.0)
    for sections in (1, 4):
        found = bracket(step(truth), (0.5, 2.0), tol=1e-30, sections=sections)
        assert found.uncertainty <= np.spacing(1.0)
        assert abs(found.value - truth) <= 2 * np.spacing(1.0)


def test_a_wide_tolerance_takes_no_step() -> None:
    found = bracket(step(0.2), (0.0, 1.0), tol=1.0)
    assert found.uncertainty <= 0.5
    assert abs(found.value - 0.2) <= found.uncertainty


def test_of_several_changes_one_is_found() -> None:
    def bands(values: np.ndarray) -> np.ndarray:
        return np.select([values < 0.2, values < 0.5, values < 0.8], [CONSTANT, GLOBAL, CONSTANT], LINEAR)

    edges = [(0.2, "constant", "global"), (0.5, "global", "constant"), (0.8, "constant", "linear")]
    for sections in (1, 2, 5, 50, 100):
        for change in (1, 2, 3, -1, -2, -3):
            found = bracket(bands, (0.0, 1.0), tol=1e-9, sections=sections, change=change)
            edge, *outcomes = edges[change - 1 if change > 0 else change]
            assert abs(found.value - edge) <= 2e-9
            assert [found.below, found.above] == outcomes
            assert found.changes == 3
        for change in (4, -4):
            with pytest.raises(
                ValueError, match=r"^change: the scan of \d+ values.* sees 3 of them, got -?4"
            ):
                bracket(bands, (0.0, 1.0), sections=sections, change=change)
    # Also between ends of the same outcome.
    found = bracket(bands, (0.0, 0.7))
    assert found.value == pytest.approx(0.2)
    assert found.changes == 2


@given(
    st.lists(st.sampled_from([GLOBAL, LINEAR, CONSTANT, UNDECIDED]), min_size=2, max_size=30), st.booleans()
)
def test_changes_are_counted_between_decided_outcomes(codes: list[int], last: bool) -> None:
    """Against the definition: neighbours that differ once the undecided are left out."""
    table = np.array(codes)
    at = np.arange(table.size, dtype=np.float64)

    def nearest(values: np.ndarray) -> np.ndarray:
        return np.asarray(table[np.rint(values).astype(int)])

    known = [(x, code) for x, code in zip(at, codes, strict=True) if code != UNDECIDED]
    changes = [(a, b) for a, b in pairwise(known) if a[1] != b[1]]
    if not changes:
        with pytest.raises(ValueError, match=r"^between: (all of|the outcome is)"):
            bracket(nearest, (0.0, at[-1]), scan=table.size)
        return
    found = bracket(nearest, (0.0, at[-1]), tol=1e-6, scan=table.size, change=-1 if last else 1)
    (lo, below), (hi, above) = changes[-1 if last else 0]
    assert found.changes == len(changes)
    assert (found.below, found.above) == (OUTCOMES[below], OUTCOMES[above])
    # All that is undecided between them is in the bracket, and no more than half a step beside it.
    assert found.value == pytest.approx(0.5 * (lo + hi), abs=1e-5)
    assert found.uncertainty == pytest.approx(0.5 * (hi - lo) - 0.5, abs=1e-5)


def test_undecided_is_no_outcome() -> None:
    with pytest.raises(
        ValueError, match=r"^between: the outcome is constant at 32 of 65 values .* too short"
    ):
        bracket(step(0.5, CONSTANT, UNDECIDED), (0.0, 1.0))
    with pytest.raises(ValueError, match=r"^between: all of 65 values from 0 to 1 are undecided"):
        bracket(step(0.5, UNDECIDED, UNDECIDED), (0.0, 1.0))

    def slow(values: np.ndarray) -> np.ndarray:
        return np.select([values < 0.4, values < 0.6], [LINEAR, UNDECIDED], GLOBAL)

    for sections in (1, 64):
        found = bracket(slow, (0.0, 1.0), tol=1e-9, sections=sections)
        assert (found.below, found.above, found.changes) == ("linear", "global", 1)
        assert found.value == pytest.approx(0.5, abs=1e-8)
        assert found.uncertainty == pytest.approx(0.1, abs=1e-8)


@pytest.mark.parametrize(
    ("decide", "message"),
    [
        (lambda values: 1, r"decide: expected an outcome code for each of 65 values, got shape \(\)"),
        (lambda values: [0, 1], r"decide: expected an outcome code for each of 65 values, got shape \(2,\)"),
        (lambda values: values, r"decide: expected outcome codes, integers from 0 to 5, got float64"),
        (lambda values: values > 0.5, r"decide: expected outcome codes, integers from 0 to 5, got bool"),
        (lambda values: np.full(65, -1), r"decide: expected outcome codes, .* got int64 from -1 to -1"),
        (lambda values: np.full(65, 6), r"decide: expected outcome codes, .* got int64 from 6 to 6"),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(decide: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        bracket(decide, (0.0, 1.0))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("between", "options", "message"),
    [
        (
            (0.0, 0.1),
            {},
            r"between: the outcome is linear at all of 65 values from 0 to 0\.1; choose ends that differ",
        ),
        ((0.9, 2.0), {}, r"between: the outcome is global at all of 65"),
        ((1.0, 1.0), {}, r"between: expected two different finite numbers, got \(1\.0, 1\.0\)"),
        ((0.0, math.inf), {}, r"between: expected two different finite numbers"),
        ((math.nan, 1.0), {}, r"between: expected two different finite numbers"),
        ((0.0, 1.0), {"tol": 0.0}, r"tol: must be positive, got 0\.0"),
        ((0.0, 1.0), {"tol": -1e-3}, r"tol: must be positive"),
        ((0.0, 1.0), {"tol": math.nan}, r"tol: expected a finite number, got nan"),
        ((0.0, 1.0), {"sections": 0}, r"sections: expected an integer from 1 to 10000000, got 0"),
        ((0.0, 1.0), {"scan": 1}, r"scan: expected an integer from 2 to 10000000, got 1"),
        ((0.0, 1.0), {"change": 0}, r"change: expected 1, 2, … from the lower end"),
    ],
)
def test_bad_input_is_named(between: tuple[float, float], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        bracket(step(0.5), between, **options)


def along(name: str) -> Callable[[np.ndarray], np.ndarray]:
    start = Neuron(1.0, 0.0, 1.0, 0.0)
    return lambda values: flow_outcomes(start._replace(**{name: values}), Problem())


def independent_loss(start: Neuron, t_end: float) -> float:
    """Integrate the true field with SciPy and return the final loss."""
    theta = np.array(start, dtype=np.float64)
    gradient = evaluator(Problem(), theta).gradient
    solution = solve_ivp(
        lambda _, y: -gradient(y), (0.0, t_end), theta, method="DOP853", rtol=1e-12, atol=1e-13, max_step=0.5
    )
    return float(loss(solution.y[:, -1]))


@pytest.mark.slow
def test_the_flows_threshold_in_b2() -> None:
    found = bracket(along("b2"), (LOWER_B2 - 1e-4, LOWER_B2 + 1e-4), tol=1e-8, scan=3)
    assert found.value == pytest.approx(LOWER_B2, abs=2e-8)
    assert (found.below, found.above) == ("linear", "global")


@pytest.mark.slow
def test_flows_that_linger_by_a_slow_saddle_are_decided() -> None:
    """Some 1e5 units of time, in which b2 keeps the steps of an explicit method at 3."""
    pytest.importorskip("numba")
    at = -0.6111003867
    assert along("w2")(np.array([at - 5e-9, at + 5e-9])).tolist() == [CONSTANT, GLOBAL]


def test_an_independent_integration_agrees_on_either_side_of_it() -> None:
    above = independent_loss(Neuron(1.0, 0.0, 1.0, LOWER_B2 + 1e-6), 150.0)
    below = independent_loss(Neuron(1.0, 0.0, 1.0, LOWER_B2 - 1e-6), 150.0)
    assert above < 1e-8
    assert below == pytest.approx(1.0 / 48.0, rel=1e-6)


def test_the_flows_lower_threshold_in_b1_is_the_wall() -> None:
    found = bracket(along("b1"), (-1.5, -0.75), tol=1e-6, scan=9)
    assert abs(found.value + 1.0) <= 1e-6
    assert (found.below, found.above) == ("constant", "global")
    assert along("b1")(np.array([-1.0, math.nextafter(-1.0, 0.0)])).tolist() == [CONSTANT, GLOBAL]


def test_outcomes_have_the_shape_of_the_starts() -> None:
    b1, b2 = np.array([[-2.0], [0.0]]), np.array([-3.0, 0.0, 0.5])
    codes = flow_outcomes(Neuron(1.0, b1, 1.0, b2), Problem())
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(codes, [[CONSTANT] * 3, [LINEAR, GLOBAL, GLOBAL]])


@pytest.mark.parametrize(
    ("lo", "hi", "change"), [(-1e308, 1e308, 0.0), (1.0, 1.0 + 2**-52, 1.0 + 2**-53), (0.0, 5e-324, 1e-324)]
)
def test_the_change_lies_within_the_uncertainty_of_any_floats(lo: float, hi: float, change: float) -> None:
    def decide(values: np.ndarray) -> np.ndarray:
        return (values > change).astype(int)

    found = bracket(decide, (lo, hi))
    assert found.value - found.uncertainty <= lo if hi - lo < 1.0 else abs(found.value) <= found.uncertainty
    assert found.value + found.uncertainty >= change


def test_a_scan_that_is_widened_names_what_was_asked() -> None:
    def unknown(values: np.ndarray) -> np.ndarray:
        return np.full(values.shape, UNDECIDED)

    told = r"^between: all of 66 values \(asked for 5; so many cost no more\) from -2 to 1 are undecided"
    with pytest.raises(ValueError, match=told):
        bracket(unknown, (-2.0, 1.0), sections=64, scan=5)
    with pytest.raises(ValueError, match=r"^between: all of 65 values from -2 to 1 are undecided"):
        bracket(unknown, (-2.0, 1.0))
