"""No result depends on the chunk size or on what else is in the batch, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.flow.ensemble import STATUSES, Ensemble, States, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.flow.ensemble.cases import batch

N = 30
CASES = batch(N, 5)
RUN = integrate_ensemble(CASES.theta, CASES.problem, 10.0)


def assert_same(a: Ensemble, b: Ensemble) -> None:
    for name, x, y in zip(a._fields, a, b, strict=True):
        assert np.ascontiguousarray(x).tobytes() == np.ascontiguousarray(y).tobytes(), name


def some(run: Ensemble, which: np.ndarray) -> Ensemble:
    return Ensemble(*(values[..., which] for values in run))


@pytest.mark.some(2)
@pytest.mark.parametrize("chunk", [1, 7, 29, 30, 1000])
def test_the_chunk_size_does_not_matter(chunk: int) -> None:
    assert_same(integrate_ensemble(CASES.theta, CASES.problem, 10.0, chunk=chunk), RUN)


def test_a_start_alone_ends_as_in_the_batch() -> None:
    for i in range(0, N, 4):
        neuron, problem = CASES.single(i)
        assert_same(integrate_ensemble(neuron, problem, 10.0), some(RUN, np.array(i)))


def test_the_order_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(N)
    teacher = Neuron(*(np.asarray(v)[order] for v in CASES.problem.teacher))
    inputs = Uniform(np.asarray(CASES.problem.lo)[order], np.asarray(CASES.problem.hi)[order])
    run = integrate_ensemble(CASES.theta[:, order], Problem(teacher, inputs), 10.0, chunk=13)
    assert_same(run, some(RUN, order))


def test_a_stop_rule_sees_the_same_states_in_any_chunk() -> None:
    def low(states: States) -> np.ndarray:
        return np.asarray(states.loss < 0.05)

    runs = [integrate_ensemble(CASES.theta, CASES.problem, 10.0, stop=low, chunk=c) for c in (3, 30)]
    assert_same(*runs)
    stopped = runs[0].status == STATUSES.index("stopped")
    assert np.any(stopped)
    assert np.all(runs[0].loss[stopped] < 0.05)
    assert np.all(runs[0].t[stopped] < 10.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200, -1e305])
@pytest.mark.parametrize("parameter", range(4))
def test_a_start_out_of_range_is_labelled_and_disturbs_no_other(value: float, parameter: int) -> None:
    theta = CASES.theta[:, :3].copy()
    expected = integrate_ensemble(theta, Problem(), 2.0)
    theta = np.concatenate((theta, theta[:, :1]), axis=1)
    theta[parameter, 3] = value
    run = integrate_ensemble(theta, Problem(), 2.0, max_steps=500)
    assert_same(some(run, np.arange(3)), expected)
    assert STATUSES[run.status[3]] in ("diverged", "step too small", "too many steps", "reached t_end")
    if not np.isfinite(value):
        assert STATUSES[run.status[3]] == "diverged"
        assert np.array_equal(run.final[:, 3], theta[:, 3], equal_nan=True)
        assert run.t[3] == 0.0
