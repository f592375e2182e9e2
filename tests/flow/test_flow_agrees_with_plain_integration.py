"""The cell-by-cell flow equals SciPy on the true field, and 50-digit integration with its crossings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.field import gradient
from gradflow.flow import METHODS, integrate
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.flow.reference import Case, cases, exact, plain

CASES = cases(24, seed=11) + cases(16, seed=31, near_walls=True)


@pytest.mark.some(10)
@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_random_starts_teachers_intervals_and_slopes(case: Case) -> None:
    run = integrate(case.start, case.problem, case.t_end)
    tight = integrate(case.start, case.problem, case.t_end, rtol=1e-12)
    expected = plain(case).y[:, -1]
    assert np.max(np.abs(run.last.theta - expected)) < 1e-8
    assert np.max(np.abs(tight.last.theta - expected)) < 1e-10


def test_the_random_cases_cross_every_kind_of_wall() -> None:
    runs = [integrate(case.start, case.problem, case.t_end) for case in CASES]
    walls = {(crossing.event, crossing.wall) for run in runs for crossing in run.crossings}
    assert {wall for _, wall in walls} == {"lo", "teacher", "hi"}
    assert {event for event, _ in walls} >= {
        "passes teacher",
        "hyperactive -> balanced",
        "balanced -> hyperactive",
        "dead -> balanced",
    }
    assert any(not run.crossings for run in runs)


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        (Neuron(0.8, 0.1, 1.3, -0.2), Problem()),
        (Neuron(-0.7, 0.4, 1.1, 0.3), Problem(Neuron(0.5, 0.2, -1.5, 0.25), Uniform(-0.5, 2.0), (0.25, 1.0))),
    ],
)
def test_fifty_digits_inside_a_cell(start: Neuron, problem: Problem) -> None:
    case = Case(start, problem, 1.0)
    run = integrate(start, problem, case.t_end, rtol=1e-13)
    assert not run.crossings
    expected = [float(value) for value in exact(case, start, case.t_end)]
    np.testing.assert_allclose(run.last.theta, expected, rtol=0, atol=1e-14)


@pytest.mark.some(2)
@pytest.mark.parametrize(
    ("start", "problem", "event"),
    [
        (Neuron(0.5, 0.75, 1.5, 0.5), Problem(), "hyperactive -> balanced"),
        (Neuron(1.0, 0.5, 1.0, -2.0), Problem(), "balanced -> hyperactive"),
        (Neuron(1.346, -0.033, 1.453, -0.647), Problem(), "passes teacher"),
        (Neuron(1.0, -1.1, 1.0, -0.5), Problem(activation=(0.25, 1.0)), "dead -> balanced"),
    ],
)
def test_fifty_digits_to_a_crossing_and_beyond(start: Neuron, problem: Problem, event: str) -> None:
    case = Case(start, problem, 1.0)
    run = integrate(start, problem, case.t_end, rtol=1e-13)
    crossing = run.crossings[0]
    assert crossing.event == event
    at = {"lo": -1.0, "teacher": 0.0, "hi": 1.0}[crossing.wall]
    wall = exact(case, start, crossing.t)
    velocity = gradient(np.array([float(value) for value in wall]), problem)
    z = float(wall[0] * at + wall[1])
    assert abs(z) < 1e-14
    assert abs(z) < 1e-13 * abs(velocity[0] * at + velocity[1])  # so the time is accurate to 1e-13
    until = run.crossings[1].t if len(run.crossings) > 1 else case.t_end
    after = [float(value) for value in exact(case, wall, until - crossing.t, step=0.1)]
    reached = integrate(start, problem, until, rtol=1e-13).last.theta
    np.testing.assert_allclose(reached, after, rtol=0, atol=5e-14)


@pytest.mark.parametrize("case", cases(6, seed=23))
def test_with_one_slope_the_walls_have_no_effect(case: Case) -> None:
    # φ(z) = z: the field is one polynomial, though the flow still cuts it at the walls.
    case = case._replace(problem=Problem(case.problem.teacher, case.problem.inputs, (1.0, 1.0)))
    run = integrate(case.start, case.problem, case.t_end, rtol=1e-12)
    np.testing.assert_allclose(run.last.theta, plain(case).y[:, -1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "DOP853"])
@pytest.mark.parametrize("case", cases(6, seed=5))
def test_every_method_gives_the_same_flow(method: str, case: Case) -> None:
    expected = integrate(case.start, case.problem, case.t_end, rtol=1e-12)
    rtol = 1e-8 if method == "RK45" else 1e-7
    run = integrate(case.start, case.problem, case.t_end, rtol=rtol, method=method)
    np.testing.assert_allclose(run.last.theta, expected.last.theta, rtol=0, atol=1e3 * rtol)
    assert [c[1:] for c in run.crossings] == [c[1:] for c in expected.crossings]
    for a, b in zip(run.crossings, expected.crossings, strict=True):
        assert a.t == pytest.approx(b.t, abs=1e3 * rtol)


def test_a_larger_tolerance_gives_a_larger_error() -> None:
    def error(rtol: float) -> Any:
        worst = [
            np.max(np.abs(np.subtract(integrate(*case, rtol=rtol).last.theta, integrate(*case).last.theta)))
            for case in CASES[:8]
        ]
        return max(worst)

    assert 1e-8 < error(1e-4) < 1e-2
    assert error(1e-7) < 1e-5
