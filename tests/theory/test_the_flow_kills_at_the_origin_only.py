"""A hunt for deaths under the flow; where the hypotheses fail there are some."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from gradflow.descent import GD, train_arrays
from gradflow.field import gradient
from gradflow.flow.ensemble import EVENTS, integrate_ensemble
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from gradflow.theory.solve import terminal
from gradflow.theory.survival import survives_until

PROBLEMS = {
    "default": Problem(),
    "to the left": Problem(teacher=Neuron(-1.3, 0.4, 0.7, -0.2)),
    "downwards": Problem(teacher=Neuron(0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "constant": Problem(teacher=Neuron(0.0, -1.0, 0.0, 0.5)),
}


def starts(n: int, seed: int) -> np.ndarray:
    return np.asarray(
        np.random.default_rng(seed).normal(size=(4, n)) * np.array([[1.0], [1.0], [1.0], [1.5]])
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_no_flow_dies(name: str) -> None:
    problem, theta = PROBLEMS[name], starts(25_000, 0)
    run = integrate_ensemble(theta, problem, 20.0, rtol=1e-9)
    alive = activity(theta, problem) != DEAD
    bound = survives_until(theta, problem)
    assert np.mean(np.isinf(bound)) > 0.3
    assert np.all(bound[~alive] == 0.0)
    kills = run.first_event == EVENTS.index("balanced -> dead")
    # (w1, b1) may shrink to nothing if Q < 0; until the bound it has not.
    gone = np.hypot(run.final[0], run.final[1]) < 1e-8
    suspects = alive & (kills | gone | ((run.activity == DEAD) & (run.t > 0.0)))
    assert np.all(run.t[suspects] >= bound[suspects])
    assert np.mean(suspects) < 1e-3


def test_a_constant_teacher_kills_at_the_predicted_time() -> None:
    d, first, b2, y = 0.8, 0.7, 2.0, 0.5
    start = np.array([0.0, d * np.sinh(first), d * np.cosh(first), b2])
    problem = Problem(teacher=Neuron(0.0, -1.0, 0.0, y))

    def rho(tau: float) -> float:
        return float(0.5 * d * d * np.sinh(2.0 * tau) + b2 + tau - first - y)

    time = quad(lambda tau: 0.5 / rho(tau), 0.0, first, epsabs=1e-13)[0]

    @terminal
    def dies(t: float, theta: np.ndarray) -> float:
        return float(theta[1])

    run = solve_ivp(
        lambda t, y: -gradient(y, problem), (0.0, 10.0), start, events=dies, rtol=1e-11, atol=1e-13
    )
    assert run.t_events[0][0] == pytest.approx(time, abs=1e-9)
    bound = float(survives_until(start, problem))
    assert 0.1 * time < bound <= time


def test_a_sample_kills_at_the_predicted_time() -> None:
    at, y, d, first, b2 = 0.75, 0.25, 0.8, 0.6, 1.5
    n = np.hypot(1.0, at)
    along, across = d * np.sinh(first), 2.0
    start = np.array([(along * at + across) / n, (along - across * at) / n, d * np.cosh(first), b2])
    assert start[0] ** 2 + start[1] ** 2 > start[2] ** 2, "Q > 0: on the population it could not die"

    def rho(tau: float) -> float:
        return float(0.5 * n * d * d * np.sinh(2.0 * tau) + b2 + (tau - first) / n - y)

    time = quad(lambda tau: 0.5 / (n * rho(tau)), 0.0, first, epsabs=1e-13)[0]
    problem = Problem(inputs=Sample(np.array([at]), targets=np.array([y])))
    steps = 20_000
    run = train_arrays(start, problem, GD(2.0 * time / steps), steps, first_change=True, events=False)
    assert activity(run.final, problem) == DEAD
    assert run.first_change is not None
    assert float(run.first_change) * 2.0 * time / steps == pytest.approx(time, rel=1e-3)
    with pytest.raises(ValueError, match="inputs: the flow on a sample can kill"):
        survives_until(start, problem)


def test_one_step_kills_from_the_stated_rate_on() -> None:
    rates = np.array([0.1, 0.6, 0.6666, 0.6667, 1.0, 2.0])
    run = train_arrays(Neuron(1.0, 0.0, 1.0, 1.0), Problem(), GD(rates), 1)
    assert (activity(run.final) == DEAD).tolist() == [False, False, False, True, True, True]
    assert survives_until(Neuron(1.0, 0.0, 1.0, 1.0)) == np.inf


def test_finite_steps_kill_what_the_flow_cannot() -> None:
    theta = starts(20_000, 1)
    immortal = np.isinf(survives_until(theta))
    run = train_arrays(theta, Problem(), GD(0.4), 50, events=False)
    assert np.sum(immortal & (activity(run.final) == DEAD)) > 100


def test_arrays_of_any_shape() -> None:
    assert survives_until(Neuron(b1=np.zeros((2, 0)))).shape == (2, 0)
    assert survives_until(Neuron(0.0, 0.0, 1.0, 0.0)) == 0.0
    assert survives_until(Neuron(0.1, 0.1, 0.1, 0.25)) == np.inf
    assert survives_until(starts(6, 0).astype("float32")).dtype == np.float32
