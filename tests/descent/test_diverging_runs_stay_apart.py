"""A trajectory that diverges is flagged, keeps its last good state, and disturbs nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.descent import GD, OPTIMIZERS, Adam, Constant, StepDecay, optimizer, train_arrays
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.problems import problems

WILD = (3.0, 50.0, 1e30, 1e160, 1e300)


def bound(dtype: str) -> float:
    return float(float(np.finfo(dtype).max) ** (1 / 7))


@pytest.mark.some(10)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs", [Uniform(), grid(20)])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_neighbours_are_unaffected_to_the_bit(name: str, inputs: Any, dtype: str) -> None:
    problem, start = Problem(inputs=inputs), Neuron(1.1, 0.2, 0.9, -0.6)
    swept = train_arrays(start, problem, optimizer(name, lr=np.asarray([0.01, *WILD, 0.02])), 80, dtype=dtype)
    for i, lr in ((0, 0.01), (-1, 0.02)):
        alone = train_arrays(start, problem, optimizer(name, lr=lr), 80, dtype=dtype)
        assert not alone.diverged
        assert not swept.diverged[i]
        np.testing.assert_array_equal(swept.final[:, i], alone.final)
    assert np.all(swept.diverged[4:6])
    assert np.all(np.isfinite(swept.theta))
    assert np.all(np.abs(swept.theta) <= bound(dtype))
    assert np.all(np.isfinite(swept.loss))


@pytest.mark.parametrize("inputs", [Uniform(), grid(20)])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_whoever_has_diverged_does_not_go_on_when_the_rate_falls(name: str, inputs: Any) -> None:
    problem, start = Problem(inputs=inputs), Neuron(1.1, 0.2, 0.9, -0.6)
    wild = optimizer(name, lr=np.asarray([1e160, 0.01]))
    falls = StepDecay(every=30, factor=0.0)
    before = train_arrays(start, problem, wild, 30)
    after = train_arrays(start, problem, wild, 60, schedule=falls)
    np.testing.assert_array_equal(before.diverged, [True, False])
    np.testing.assert_array_equal(after.diverged, before.diverged)
    np.testing.assert_array_equal(after.final[:, 0], before.final[:, 0])


def test_gradient_descent_above_its_stability_limit_diverges() -> None:
    # For a dead neuron b2 − 1/4 is multiplied by 1 − 2η.
    run = train_arrays(Neuron(0.0, -1.0, 1.0, 1.0), Problem(), GD(np.asarray([0.9, 1.1])), 2000)
    np.testing.assert_array_equal(run.diverged, [False, True])
    assert run.final[3, 0] == pytest.approx(0.25)
    assert bound("float64") / 1.3 < abs(run.final[3, 1]) <= bound("float64")


def test_the_last_good_state_is_that_of_a_shorter_run() -> None:
    start, config = Neuron(0.0, -1.0, 1.0, 1.0), GD(3.0)
    run = train_arrays(start, Problem(), config, 200, record_every=1)
    assert run.diverged
    last = int(np.argmax(np.all(run.theta == run.final, axis=1)))
    assert 0 < last < 200
    shorter = train_arrays(start, Problem(), config, last)
    assert not shorter.diverged
    np.testing.assert_array_equal(shorter.final, run.final)
    np.testing.assert_array_equal(run.theta[last:], np.broadcast_to(run.final, (201 - last, 4)))
    np.testing.assert_array_equal(run.loss[last:], np.full(201 - last, shorter.loss[-1]))


def test_a_batch_that_has_diverged_still_has_every_record() -> None:
    seen: list[int] = []
    run = train_arrays(
        Neuron(), Problem(), GD(np.asarray([1e200, 1e300])), 50, record_every=20, progress=seen.append
    )
    np.testing.assert_array_equal(run.steps, [0, 20, 40, 50])
    assert run.theta.shape == (4, 4, 2)
    # The start is the teacher: the gradient is 0, and no rate makes it move.
    assert not np.any(run.diverged)
    run = train_arrays(
        Neuron(b2=1.0), Problem(), GD(np.asarray([1e200, 1e300])), 50, record_every=20, progress=seen.append
    )
    assert np.all(run.diverged)
    assert run.theta.shape == (4, 4, 2)
    assert run.loss.shape == (4, 2)
    np.testing.assert_array_equal(run.theta[-1], run.theta[0])
    assert run.events == []
    assert seen[-1] == 50


def test_a_start_beyond_the_bound_is_flagged_at_once() -> None:
    start = Neuron(w1=np.asarray([1.0, 1e45, -1e200]))
    run = train_arrays(start, Problem(), Adam(), 3)
    np.testing.assert_array_equal(run.diverged, [False, True, True])
    np.testing.assert_array_equal(run.final[0, 1:], [1e45, -1e200])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_gradient_whose_square_overflows_is_flagged(backend: str) -> None:
    # Adam would stand still unnoticed: m/√∞ = 0.
    problem = Problem(inputs=Uniform(-1e60, 1e60))
    start = Neuron(b2=np.asarray([1.0, 2.0]), w2=np.asarray([1e20, 0.0]))
    run = train_arrays(start, problem, Adam(), 3, events=False, backend=backend)
    np.testing.assert_array_equal(run.diverged, [True, False])
    # Every parameter is small enough here, and every loss is finite.
    steep = Neuron(np.asarray([1.0, 1e43]), np.asarray([0.1, 0.0]), np.asarray([1.0, 1e43]), 0.0)
    run = train_arrays(steep, Problem(inputs=Uniform(-1e20, 1e20)), Adam(), 3, events=False, backend=backend)
    np.testing.assert_array_equal(run.diverged, [False, True])


def test_a_schedule_may_save_or_break_a_run() -> None:
    start = Neuron(0.0, -1.0, 1.0, 1.0)
    assert train_arrays(start, Problem(), GD(3.0), 200).diverged
    assert not train_arrays(start, Problem(), GD(3.0), 200, schedule=Constant(0.1)).diverged
    assert train_arrays(start, Problem(), GD(0.1), 200, schedule=Constant(1e308)).diverged


@settings(max_examples=30, deadline=None)
@given(
    lr=st.floats(0.0, 1.7e308),
    name=st.sampled_from(list(OPTIMIZERS)),
    theta=st.tuples(*[st.floats(-1e30, 1e30)] * 4),
    problem=problems(),
)
def test_no_rate_and_no_start_raises_a_warning(
    lr: float, name: str, theta: tuple[float, ...], problem: Problem
) -> None:
    run = train_arrays(Neuron(*theta), problem, optimizer(name, lr=lr), 5)
    assert np.all(np.isfinite(run.final))
    assert np.all(np.isfinite(run.loss))
