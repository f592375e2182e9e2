"""The first sign change of a step's polynomial is found, grazes and pairs of crossings included."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.flow import Trajectory, integrate
from gradflow.flow.crossing import NODES, Exit, first_exit
from gradflow.neuron.problem import Neuron, Problem


def polynomial(roots: Sequence[float], factor: float = 1.0) -> Callable[[float], float]:
    return lambda s: factor * math.prod(s - root for root in roots)


def exit_of(evaluate: Callable[[float], float], sign: float = 1.0) -> Exit | None:
    return first_exit(np.array([evaluate(s) for s in NODES]), evaluate, sign)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("root", [1e-12, 1e-3, 0.25, 0.5, 1.0 - 1e-9])
def test_a_single_root(root: float, sign: float) -> None:
    found = exit_of(polynomial([root], -sign), sign)
    assert found is not None
    assert found.s == pytest.approx(root, abs=1e-15)
    assert found.depth == pytest.approx(1.0 - root)


@pytest.mark.parametrize("gap", [0.3, 1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("at", [0.0123, 0.4, 0.69])
@pytest.mark.parametrize("others", [[], [-0.5], [2.0, -3.0], [1.5, 1.5, -0.2, 4.0, 7.0]])
def test_two_crossings_within_one_step(gap: float, at: float, others: list[float]) -> None:
    evaluate = polynomial([at, at + gap, *others])
    sign = math.copysign(1.0, evaluate(0.0))
    found = exit_of(evaluate, sign)
    assert found is not None
    assert found.s == pytest.approx(at, abs=1e-3 * gap)
    assert found.depth == pytest.approx(-sign * evaluate(at + 0.5 * gap), rel=0.1)


@pytest.mark.parametrize("at", [0.0123, 0.4, 0.69])
def test_a_graze_below_rounding_is_found_there_or_not_at_all(at: float) -> None:
    found = exit_of(polynomial([at, at + 1e-9]))
    assert found is None or (abs(found.s - at) < 1e-7 and 0.0 < found.depth < 1e-15)


@pytest.mark.parametrize("root", [0.0, 0.2, 0.5, 0.875, 1.0])
def test_touching_is_not_crossing(root: float) -> None:
    found = exit_of(lambda s: (s - root) ** 2)
    assert found is None or found.depth < 1e-15
    assert exit_of(lambda s: (s - root) ** 2 + 1e-12) is None
    below = exit_of(lambda s: (s - root) ** 2 - 1e-12)
    assert below is not None
    assert below.s == pytest.approx(max(root - 1e-6, 0.0), abs=1e-9)
    assert below.depth == pytest.approx(1e-12, rel=1e-3)


def test_the_first_of_several_roots() -> None:
    found = exit_of(polynomial([0.1, 0.3, 0.5, 0.55, 0.7, 0.8, 0.95], -1.0))
    assert found is not None
    assert found.s == pytest.approx(0.1, abs=1e-13)
    assert exit_of(polynomial([1.1, 1.3, -0.5, 2.0], -1.0)) is None


def test_a_start_on_the_wall_goes_either_way() -> None:
    inwards, outwards = polynomial([0.0]), polynomial([0.0], -1.0)
    assert exit_of(inwards) is None
    assert exit_of(outwards) == Exit(0.0, 1.0)
    assert exit_of(inwards, -1.0) == Exit(0.0, 1.0)
    returning = exit_of(polynomial([0.0, 0.75], -1.0))
    assert returning is not None
    assert returning.s == pytest.approx(0.75, abs=1e-15)
    there_and_back = exit_of(polynomial([0.0, 0.75]))
    assert there_and_back is not None
    assert there_and_back.s == 0.0
    assert there_and_back.depth == pytest.approx(0.375**2)


def test_a_start_that_rounding_puts_beyond_the_wall_and_that_returns_stays() -> None:
    assert exit_of(lambda s: s - 1e-17) is None
    beyond = exit_of(lambda s: -s - 1e-17)
    assert beyond is not None
    assert beyond.s == 0.0


@given(
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique_by=lambda v: round(v, 2)),
    st.lists(st.floats(1.2, 6.0), max_size=3),
    st.floats(-8.0, 3.0),
    st.sampled_from([1.0, -1.0]),
)
def test_any_polynomial(inside: list[float], outside: list[float], exponent: float, sign: float) -> None:
    inside = sorted(inside)
    if any(b - a < 1e-3 for a, b in pairwise(inside)):
        return
    unit = polynomial([*inside, *outside])
    evaluate = polynomial([*inside, *outside], sign * math.copysign(10.0**exponent, unit(0.0)))
    found = exit_of(evaluate, sign)
    assert found is not None
    assert found.s == pytest.approx(inside[0], abs=1e-8)


# Found by search: a wall is crossed twice within the given time.
TWICE = [
    ((0.775, 0.951, -4.059, 1.252), 0.0063),
    ((-1.745, 1.776, 1.731, -0.976), 0.047),
    ((-4.504, 4.533, 2.682, -2.68), 0.12),
    ((-0.353, -0.201, 1.327, -1.156), 0.15),
    ((-1.409, 1.589, 1.709, 0.001), 0.17),
    ((-0.457, 0.478, 0.246, 3.367), 0.17),
    ((3.607, 0.024, -0.355, -0.546), 0.17),
    ((1.503, 1.606, -1.176, 0.263), 0.18),
    ((1.346, -0.033, 1.453, -0.647), 0.18),
    ((-2.547, 2.637, -0.9, -1.296), 0.18),
    ((-0.051, -0.049, -0.762, 0.945), 0.2),
    ((-3.298, 0.076, 0.567, 1.286), 0.33),
    ((-1.06, -0.283, 1.784, -2.081), 0.42),
    ((0.114, 0.714, 0.953, 1.769), 0.53),
    ((2.478, 2.486, -1.449, 0.731), 0.58),
]


def shallowest(run: Trajectory) -> float:
    """Return how far the pre-activation at a wall gets between two crossings of it, the least of all."""
    depths = []
    for a, b in pairwise(run.crossings):
        if a.wall == b.wall:
            at = {"lo": -1.0, "teacher": 0.0, "hi": 1.0}[a.wall]
            between = [point.theta for point in run.points if a.t < point.t < b.t]
            depths.append(max(abs(w1 * at + b1) for w1, b1, _, _ in between))
    return min(depths)


@pytest.mark.parametrize(("start", "apart"), TWICE)
def test_brief_visits_are_seen_at_every_tolerance(start: tuple[float, ...], apart: float) -> None:
    neuron = Neuron(*start)
    run = integrate(neuron, Problem(), 2.0, rtol=1e-12)
    exact = run.crossings
    assert any(a.wall == b.wall and b.t - a.t < apart for a, b in pairwise(exact))
    depth = shallowest(run)
    for rtol in (1e-4, 1e-5, 1e-6, 1e-8, 1e-10):
        if depth < 100 * rtol:  # not distinguished from a graze
            assert rtol >= 1e-5
            continue
        crossings = integrate(neuron, Problem(), 2.0, rtol=rtol).crossings
        assert [c[1:] for c in crossings] == [c[1:] for c in exact]
        for a, b in zip(crossings, exact, strict=True):
            assert a.t == pytest.approx(b.t, abs=max(200 * rtol, 1e-11))


@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF"])
@pytest.mark.parametrize(("start", "apart"), TWICE[:6])
def test_brief_visits_are_seen_by_every_method(start: tuple[float, ...], apart: float, method: str) -> None:
    neuron = Neuron(*start)
    exact = integrate(neuron, Problem(), 2.0, rtol=1e-12).crossings
    crossings = integrate(neuron, Problem(), 2.0, rtol=1e-6, method=method).crossings
    assert [c[1:] for c in crossings] == [c[1:] for c in exact]


def test_some_visits_are_shorter_than_a_step() -> None:
    # Otherwise the tests above would pass with the steps' ends alone.
    missed = 0
    for start, _ in TWICE:
        run = integrate(Neuron(*start), Problem(), 2.0, rtol=1e-4)
        located = {crossing.t for crossing in run.crossings}
        ends = [point.t for point in run.points if point.t not in located]
        for a, b in pairwise(run.crossings):
            missed += a.wall == b.wall and not any(a.t < t < b.t for t in ends)
    assert missed >= 3
