"""A crossing is recorded on the wall to a few units of rounding, at the time another root finder gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from gradflow.field import gradient
from gradflow.flow import integrate
from gradflow.flow.reference import Crossing
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.runs.records import crossings
from tests.flow.reference import Case, cases, plain

MEET = (0, 5, 6, 8, 12, 14, 15, 16, 19, 26, 31, 32, 35, 36, 37, 38, 41, 43, 46, 49, 50, 51, 54)
"""Those of many that meet a wall, which need not be found again whenever the tests are collected."""

CASES = [case for i, case in enumerate(cases(60, seed=31, near_walls=True)) if i in MEET]
STEEP = 1e-2


def wall_position(wall: str, problem: Problem) -> float:
    teacher = problem.teacher
    return float({"lo": problem.lo, "hi": problem.hi, "teacher": -teacher.b1 / teacher.w1}[wall])


def scale(theta: np.ndarray, at: float) -> float:
    return float(np.hypot(1.0, at) * np.hypot(*theta))


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_recorded_state_lies_on_the_wall(case: Case) -> None:
    data = gradient_flow(case.start, case.problem, t_end=case.t_end)
    theta = np.array([data[name].values for name in ("w1", "b1")])
    found = crossings(data)
    assert found["time"].size > 0
    for t, wall in zip(found["time"].values, found["wall"].values, strict=True):
        at = wall_position(str(wall), case.problem)
        (index,) = np.flatnonzero(data["time"].values == t)
        z = theta[0, index] * at + theta[1, index]
        assert abs(z) <= 16 * np.finfo(float).eps * scale(theta[:, index], at)


@pytest.mark.some(5)
@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_time_is_that_of_a_root_finder_on_a_plain_integration(case: Case) -> None:
    run = integrate(case.start, case.problem, case.t_end, rtol=1e-12)
    solution = plain(case, max_step=0.02, dense=True).sol
    for crossing in run.crossings:
        at = wall_position(crossing.wall, case.problem)

        def height(t: float, at: float = at) -> float:
            w1, b1, _, _ = solution(t)
            return float(w1 * at + b1)

        width = 1e-4
        before, after = max(crossing.t - width, 0.0), min(crossing.t + width, case.t_end)
        speed = abs(height(after) - height(before)) / (after - before)
        if speed < STEEP:
            continue
        assert height(before) * height(after) < 0
        assert brentq(height, before, after, xtol=1e-14) == pytest.approx(crossing.t, abs=1e-9)


def test_few_crossings_are_too_shallow_to_compare() -> None:
    shallow = total = 0
    for case in CASES:
        run = integrate(case.start, case.problem, case.t_end)
        states = {point.t: np.array(point.theta) for point in run.points}
        for crossing in run.crossings:
            at = wall_position(crossing.wall, case.problem)
            of_w1, of_b1, _, _ = gradient(states[crossing.t], case.problem)
            shallow += bool(abs(of_w1 * at + of_b1) < STEEP)
            total += 1
    assert shallow <= total / 10


def crossing_of(case: Case, event: str) -> Crossing:
    run = integrate(*case, rtol=1e-12)
    (crossing,) = (c for c in run.crossings if c.event == event)
    return crossing


def test_the_mirrored_problem_crosses_the_mirrored_wall() -> None:
    start, problem = Neuron(0.5, 0.75, 1.5, 0.5), Problem()
    mirrored = Neuron(-0.5, 0.75, 1.5, 0.5)
    a = crossing_of(Case(start, problem, 1.0), "hyperactive -> balanced")
    b = crossing_of(Case(mirrored, Problem(Neuron(-1.0, 0.0, 1.0, 0.0)), 1.0), "hyperactive -> balanced")
    assert (a.wall, b.wall) == ("lo", "hi")
    assert a.t == pytest.approx(b.t, rel=1e-14)


def test_the_walls_are_those_of_the_interval() -> None:
    case = Case(Neuron(1.0, 0.45, 1.0, -1.0), Problem(inputs=Uniform(-0.5, 1.0)), 40.0)
    run = integrate(*case)
    points = {point.t: point for point in run.points}
    assert run.crossings
    for crossing in run.crossings:
        w1, b1, _, _ = points[crossing.t].theta
        assert -b1 / w1 == pytest.approx(wall_position(crossing.wall, case.problem), abs=1e-14)
