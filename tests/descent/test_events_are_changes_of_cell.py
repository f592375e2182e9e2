"""Events: activity, orientation and the order of the breakpoints, and the step at which they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.descent import GD, Adam, Crossing, Descent, HeavyBall, train_arrays
from gradflow.descent.events import Watch
from gradflow.neuron.activity import ACTIVITIES, activity, breakpoint_position
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.problems import problems


def watched(path: Sequence[tuple[float, float]], problem: Problem = Problem()) -> list[tuple[int, str]]:
    """Return the events along a list of (w1, b1)."""
    states = [np.asarray([w1, b1, 1.0, 0.0]) for w1, b1 in path]
    watch = Watch(states[0], problem)
    for step, theta in enumerate(states[1:], start=1):
        watch.observe(step, theta)
    return [(e.step, e.event) for e in watch.events]


@pytest.mark.parametrize("inputs", [grid(100), Uniform()])
def test_the_known_run_becomes_hyperactive(inputs: Any) -> None:
    run = train_arrays(Neuron(b2=-1.2), Problem(inputs=inputs), Adam(lr=0.01), 1000)
    (event,) = run.events
    assert event.event == "balanced -> hyperactive"
    assert 230 <= event.step <= 260
    assert event.index == ()
    assert run.first_change == event.step


def test_the_step_is_the_first_in_the_new_cell() -> None:
    problem = Problem(inputs=grid(100))
    run = train_arrays(Neuron(b2=-1.2), problem, Adam(lr=0.01), 260, record_every=1)
    codes = activity(run.theta.T, problem)
    step = run.events[0].step
    assert ACTIVITIES[codes[step - 1]] == "balanced"
    assert ACTIVITIES[codes[step]] == "hyperactive"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([(1, 0.5), (1, 1.5)], [(1, "balanced -> hyperactive")]),
        ([(1, 0.5), (1, 1.0)], [(1, "balanced -> hyperactive")]),
        ([(1, -0.5), (1, -1.0), (1, -0.9)], [(1, "balanced -> dead"), (2, "dead -> balanced")]),
        ([(0.1, 1), (0.1, -1), (0.1, 1)], [(1, "hyperactive -> dead"), (2, "dead -> hyperactive")]),
        ([(1, 0.5), (-1, 0.5)], [(1, "reverses")]),
        ([(1, 0.5), (-1, -0.5)], [(1, "reverses")]),
        ([(1, 0.5), (0.1, 1), (-1, 0.5)], [(1, "balanced -> hyperactive"), (2, "hyperactive -> balanced")]),
        ([(1, 0.5), (1, -0.5)], [(1, "passes teacher")]),
        ([(-1, 0.5), (-1, -0.5)], [(1, "passes teacher")]),
        ([(1, 0.5), (2, 0.1), (1, 0.9)], []),
        ([(1, 1.5), (1, 2.5)], []),
        ([(1, 0.0), (1, 0.5)], []),
        ([(1, 0.5), (1, 0.0), (1, 0.5)], []),
        ([(1, 0.5), (1, 0.0), (1, 0.0), (1, -0.5)], [(3, "passes teacher")]),
        ([(1, 0.5), (1, 0.0), (1, -0.5), (1, 0.5)], [(2, "passes teacher"), (3, "passes teacher")]),
        ([(1, 0.5), (1, 0.0), (-1, 0.0), (-1, 0.5)], [(2, "reverses")]),
        (
            [(1, 0.5), (1, 0.0), (1, 2), (1, -0.5)],
            [(2, "balanced -> hyperactive"), (3, "hyperactive -> balanced")],
        ),
        ([(0.0, 0.0), (1e-300, 0.0)], [(1, "dead -> balanced")]),
    ],
)
def test_a_path_has_its_events(path: Sequence[tuple[float, float]], expected: list[tuple[int, str]]) -> None:
    assert watched(path) == expected


def test_a_teacher_without_a_breakpoint_inside_is_not_passed() -> None:
    path = [(1.0, 0.5), (1.0, -0.5)]
    for b1 in (1.0, 2.0, -1.0, -3.0):
        assert watched(path, Problem(teacher=Neuron(b1=b1))) == []
    assert watched(path, Problem(teacher=Neuron(b1=0.999))) == []
    assert watched(path, Problem(teacher=Neuron(w1=-2.0, b1=0.1))) == [(1, "passes teacher")]
    assert watched(path, Problem(inputs=Uniform(0.0, 2.0))) == [(1, "hyperactive -> balanced")]


def test_teachers_of_a_batch_are_passed_one_by_one() -> None:
    problem = Problem(teacher=Neuron(b1=np.asarray([-0.2, 0.0, 0.2, 2.0])))
    states = [np.stack([np.full(4, v) for v in (1.0, b1, 1.0, 0.0)]) for b1 in (0.5, 0.1, -0.1, -0.5)]
    watch = Watch(states[0], problem)
    for step, theta in enumerate(states[1:], start=1):
        watch.observe(step, theta)
    assert [(e.step, e.index[0]) for e in watch.events] == [(1, 2), (2, 1), (3, 0)]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_breakpoints_that_differ_by_rounding_do_not_pass(scale: float) -> None:
    teacher, eps = Neuron(w1=3.0, b1=1.0), np.finfo(np.float64).eps
    problem = Problem(teacher=teacher)

    def path(*places: float) -> list[tuple[float, float]]:
        return [(3.0 * scale, scale * (1.0 + place)) for place in places]

    assert watched(path(0.3, eps, -eps, 4 * eps, -4 * eps, 0.0, 0.2), problem) == []
    assert watched(path(0.3, eps, -eps, -1e3 * eps, eps, 1e3 * eps), problem) == [
        (3, "passes teacher"),
        (5, "passes teacher"),
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_converged_optimiser_passes_the_teacher_no_more(dtype: str) -> None:
    run = train_arrays(
        Neuron(1.0, 0.2, 1.2, -0.1), Problem(), HeavyBall(0.05, 0.9), 3000, record_every=1, dtype=dtype
    )
    w1, b1 = np.asarray(run.theta, dtype=np.float64)[:, :2].T
    steps = np.array([event.step for event in run.events])
    assert {event.event for event in run.events} == {"passes teacher"}
    # Between two passages the breakpoint has been further away than rounding, on the other side.
    least = 16.0 * np.finfo(dtype).eps * (np.abs(w1) + np.abs(b1))
    beyond = np.where(np.abs(b1) > least, np.sign(b1), 0.0)
    assert np.all(beyond[steps] != 0.0)
    assert np.all(beyond[steps[1:]] == -beyond[steps[:-1]])
    sides = beyond[beyond != 0.0]
    assert len(steps) == np.sum(sides[1:] != sides[:-1])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), problem=problems())
def test_a_random_walk_has_the_events_of_its_activities(seed: int, problem: Problem) -> None:
    rng = np.random.default_rng(seed)
    bend = -float(problem.teacher.b1) / float(problem.teacher.w1)
    passes = float(problem.lo) < bend < float(problem.hi)
    path = np.cumsum(rng.normal(0.0, 0.4, (30, 4, 6)), axis=0)
    watch = Watch(path[0], problem)
    for step in range(1, 30):
        watch.observe(step, path[step])
    expected = []
    codes = activity(path.transpose(1, 0, 2), problem)
    positions = breakpoint_position(path.transpose(1, 0, 2))
    for step in range(1, 30):
        for i in range(6):
            before, after = codes[step - 1, i], codes[step, i]
            if before != after:
                expected.append(Crossing(step, (i,), f"{ACTIVITIES[before]} -> {ACTIVITIES[after]}"))
            elif before == 1 and path[step - 1, 0, i] * path[step, 0, i] < 0:
                expected.append(Crossing(step, (i,), "reverses"))
            elif passes and before == 1 and (positions[step - 1, i] < bend) != (positions[step, i] < bend):
                expected.append(Crossing(step, (i,), "passes teacher"))
    assert watch.events == expected
    moved = codes[1:] != codes[:-1]
    first = np.where(np.any(moved, axis=0), 1 + np.argmax(moved, axis=0), -1)
    np.testing.assert_array_equal(watch.first_change, first)


def test_indices_are_places_in_the_batch_in_order() -> None:
    run: Descent = train_arrays(
        Neuron(b2=np.asarray([[-1.2, 0.1], [-1.3, -1.25]])), Problem(), Adam(lr=0.01), 400
    )
    changes = [e for e in run.events if "->" in e.event]
    assert {e.index for e in changes} == {(0, 0), (1, 0), (1, 1)}
    assert [(e.step, e.index) for e in run.events] == sorted((e.step, e.index) for e in run.events)
    assert run.first_change is not None
    assert run.first_change[0, 1] == -1
    for event in changes:
        assert run.first_change[event.index] <= event.step


def test_a_diverged_trajectory_has_no_further_events() -> None:
    run = train_arrays(Neuron(b2=-1.2), Problem(), GD(10.0), 300, record_every=1)
    assert run.diverged
    last = int(np.argmax(np.all(run.theta == run.final, axis=1)))
    assert all(event.step <= last for event in run.events)
