"""Flows of smooth neurons: the energy identity, plain integration, located crossings, and many at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gradflow as gf
from gradflow.ends import flow_run
from gradflow.ends.decision import SIMULATION, decide
from gradflow.ends.outcome import GLOBAL, UNDECIDED, outcome
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import ACTIVITIES, BALANCED, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform

PAIRS = [
    ("silu", "silu"),
    ("gelu", "relu"),
    ("relu", "silu"),
    ("tanh", "tanh"),
    ("leaky-relu=0.1", "softplus"),
]
START = Neuron(0.8, 0.3, 1.1, -0.9)


def problem(pair: tuple[str, str]) -> Problem:
    return Problem(Neuron(1.1, 0.2, 0.9, -0.1), Uniform(-1.0, 1.5), *pair)


@pytest.mark.parametrize("pair", PAIRS)
def test_energy_falls_by_the_squared_gradient(pair: tuple[str, str]) -> None:
    run = gf.gradient_flow(START, problem(pair), t_end=30.0)
    assert np.max(np.abs(run.energy_residual)) < 1e-8
    assert np.all(np.diff(run.loss) <= 1e-12)
    theta = np.stack([run[name] for name in ("w1", "b1", "w2", "b2")])
    np.testing.assert_allclose(run.loss, gf.loss(theta, problem(pair)), rtol=1e-9, atol=1e-15)


@pytest.mark.some(2)
@pytest.mark.parametrize("pair", PAIRS)
def test_plain_integration_finds_the_same(pair: tuple[str, str]) -> None:
    task = problem(pair)
    plain = solve_ivp(
        lambda t, theta: -gf.gradient(theta, task), (0.0, 8.0), np.array(START), "RK45", rtol=1e-9, atol=1e-11
    )
    run = gf.gradient_flow(START, task, t_end=8.0)
    end = [float(run[name][-1]) for name in ("w1", "b1", "w2", "b2")]
    np.testing.assert_allclose(end, plain.y[:, -1], atol=1e-6)


@pytest.mark.some(2)
@pytest.mark.parametrize("pair", PAIRS)
def test_many_are_as_each(pair: tuple[str, str]) -> None:
    task, rng = problem(pair), np.random.default_rng(2)
    starts = rng.normal(size=(4, 6))
    many = integrate_ensemble(starts, task, 6.0, rtol=1e-10)
    few = integrate_ensemble(starts[:, 2:5], task, 6.0, rtol=1e-10, chunk=1)
    np.testing.assert_array_equal(many.final[:, 2:5], few.final)
    for i in range(6):
        run = gf.gradient_flow(starts[:, i], task, t_end=6.0)
        end = [float(run[name][-1]) for name in ("w1", "b1", "w2", "b2")]
        np.testing.assert_allclose(many.final[:, i], end, atol=1e-7)
        assert int(many.crossings[i]) == gf.crossings(run).sizes["crossing"]


def test_crossings_are_where_the_breakpoint_meets_an_end() -> None:
    run = gf.gradient_flow(Neuron(b2=-2.0), Problem(activation="silu"), t_end=150.0)
    found = gf.crossings(run)
    assert found.event.values.tolist() == ["balanced -> hyperactive", "hyperactive -> balanced"]
    for time in found.time.values:
        at = run.sel(time=time)
        assert abs(float(at.breakpoint) + 1.0) < 1e-9
    assert ACTIVITIES[int(run.activity[-1])] == "balanced"


def test_arrays_of_teachers_each_have_their_flow() -> None:
    aims = Neuron(np.array([0.8, 1.2]), 0.0, 1.0, np.array([0.0, 0.3]))
    many = integrate_ensemble(START, Problem(aims, Uniform(), "silu"), 5.0)
    for i in range(2):
        one = integrate_ensemble(
            START, Problem(Neuron(*(np.ravel(v)[i % np.size(v)] for v in aims)), Uniform(), "silu"), 5.0
        )
        np.testing.assert_allclose(many.final[:, i], one.final, atol=1e-9)


def test_no_theorem_speaks_of_smooth_neurons() -> None:
    task = Problem(activation="gelu")
    states = np.random.default_rng(1).normal(size=(4, 200)) * 3.0
    found = decide(states, task)
    assert np.all(found.outcome == UNDECIDED)
    assert np.all(found.theorem == SIMULATION)


def test_a_plateau_is_no_end() -> None:
    """SiLU lingers near the best line's loss; it is not called linear for that."""
    task = Problem(activation="silu")
    run = gf.gradient_flow(Neuron(b2=-2.0), task, t_end=60.0)
    theta = np.array([float(run[name][-1]) for name in ("w1", "b1", "w2", "b2")])
    assert int(outcome(theta, task)) == UNDECIDED
    ends = flow_run(Neuron(b2=np.array([-2.0, 0.5])), task)
    assert ends.outcome.tolist() == [GLOBAL, GLOBAL]


def test_a_dead_relu_neuron_stays_dead_whatever_the_teacher() -> None:
    task = Problem(activation="relu", teacher_activation="silu")
    start = Neuron(1.0, -1.5, 1.0, 2.0)
    run = gf.gradient_flow(start, task, t_end=30.0)
    assert int(activity(start, task)) != BALANCED
    assert float(run.w1[-1]) == 1.0
    assert float(run.b2[-1]) == pytest.approx(float(gf.field.baselines.best_constant(task).intercept))
