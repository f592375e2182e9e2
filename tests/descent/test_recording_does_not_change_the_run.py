"""What is recorded, watched or reported changes no number, and only what is asked for is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow import field
from gradflow.descent import Adam, HeavyBall, train_arrays
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.problems import problems

START = Neuron(b2=np.asarray([-1.2, -0.4, 0.3]))


@pytest.mark.parametrize("inputs", [Uniform(), grid(25)])
@pytest.mark.parametrize(
    "how",
    [
        {"record_every": 1},
        {"record_every": 7},
        {"events": False},
        {"events": False, "first_change": False},
        {"progress": lambda step: None},
    ],
    ids=lambda how: "-".join(how),
)
def test_the_end_is_the_same_to_the_bit(how: dict[str, Any], inputs: Any) -> None:
    problem = Problem(inputs=inputs)
    plain = train_arrays(START, problem, HeavyBall(0.05), 60)
    run = train_arrays(START, problem, HeavyBall(0.05), 60, **how)
    np.testing.assert_array_equal(run.final, plain.final)
    np.testing.assert_array_equal(run.loss[[0, -1]], plain.loss)


@settings(max_examples=20, deadline=None)
@given(steps=st.integers(0, 25), every=st.integers(1, 30), problem=problems())
def test_the_recorded_steps(steps: int, every: int, problem: Problem) -> None:
    run = train_arrays(START, problem, Adam(0.05), steps, record_every=every)
    full = train_arrays(START, problem, Adam(0.05), steps, record_every=1)
    expected = sorted({*range(0, steps + 1, every), steps})
    np.testing.assert_array_equal(run.steps, expected)
    np.testing.assert_array_equal(run.theta, full.theta[expected])
    np.testing.assert_array_equal(run.loss, full.loss[expected])
    np.testing.assert_array_equal(run.theta[-1], run.final)


def test_by_default_only_both_ends_are_stored() -> None:
    run = train_arrays(START, Problem(), Adam(0.05), 30)
    np.testing.assert_array_equal(run.steps, [0, 30])
    assert run.theta.shape == (2, 4, 3)
    np.testing.assert_array_equal(run.loss, [field.loss(theta, Problem()) for theta in run.theta])


def test_no_steps_is_a_run() -> None:
    run = train_arrays(START, Problem(), Adam(0.05), 0)
    np.testing.assert_array_equal(run.steps, [0])
    np.testing.assert_array_equal(run.final[3], START.b2)
    assert run.events == []
    assert not np.any(run.diverged)


def test_the_start_is_not_changed() -> None:
    start = np.stack(np.broadcast_arrays(*START))
    kept = start.copy()
    run = train_arrays(start, Problem(), Adam(0.05), 10)
    np.testing.assert_array_equal(start, kept)
    assert not np.shares_memory(start, run.theta)


def test_what_is_not_asked_for_is_not_there() -> None:
    problem, config = Problem(), Adam(0.01)
    full = train_arrays(START, problem, config, 260)
    quiet = train_arrays(START, problem, config, 260, events=False)
    silent = train_arrays(START, problem, config, 260, events=False, first_change=False)
    assert full.events
    assert quiet.events == silent.events == []
    np.testing.assert_array_equal(quiet.first_change, full.first_change)
    assert silent.first_change is None
    assert train_arrays(START, problem, config, 2, first_change=False).first_change is None


@pytest.mark.parametrize("steps", [0, 1, 99, 100, 101, 1234])
def test_progress_is_reported_at_most_a_hundred_times(steps: int) -> None:
    seen: list[int] = []
    train_arrays(np.ones(4), Problem(inputs=grid(2)), Adam(), steps, progress=seen.append, events=False)
    assert len(seen) <= 101
    assert seen == sorted(set(seen))
    assert seen[-1] == steps
