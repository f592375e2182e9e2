"""A teacher whose breakpoint is an end of the input is linear on it: the student's passes that end freely."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.flow.ensemble import EVENTS, STATUSES, integrate_ensemble
from gradflow.flow.reference import integrate
from gradflow.neuron.problem import Neuron, Problem, Uniform

START = Neuron(0.85242, 0.12, -0.08662, -0.22272)


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        (START, Problem(inputs=Uniform(0.0, 1.0))),
        (Neuron(-START.w1, START.b1, START.w2, START.b2), Problem(Neuron(-1.0), Uniform(-1.0, 0.0))),
    ],
)
def test_the_students_breakpoint_enters_where_the_teachers_lies(start: Neuron, problem: Problem) -> None:
    run = integrate(start, problem, 40.0)
    assert [crossing.event for crossing in run.crossings] == ["hyperactive -> balanced"]
    assert run.last.t == 40.0
    assert abs(run.last.loss + run.last.descended - run.points[0].loss) < 1e-8
    for each in (problem, Problem(Neuron(*(np.array([v]) for v in problem.teacher)), problem.inputs)):
        other = integrate_ensemble(start, each, 40.0)
        assert STATUSES[other.status.item()] == "reached t_end"
        assert EVENTS[other.first_event.item()] == "hyperactive -> balanced"
        np.testing.assert_allclose(other.final.ravel(), run.last.theta, atol=1e-8)
