"""A neuron whose active part shrinks for ever stays balanced; one that fades beyond all numbers comes back.

The oracle integrates the logarithm of the active end's pre-activation, which no neuron is too small for.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from gradflow.flow.chart import gradient as gradient_of
from gradflow.flow.chart import make_chart, setting
from gradflow.flow.ensemble import STATUSES, integrate_ensemble
from gradflow.flow.reference import integrate
from gradflow.neuron.activity import BALANCED
from gradflow.neuron.problem import Neuron, Problem, Uniform

LEAST = 1e-150


def in_logarithms(start: Neuron, t_end: float, problem: Problem = Problem()) -> np.ndarray:
    """Return (z_lo, z_hi, w2, b2) at t_end of a neuron active at lo only."""
    where = setting(problem)
    chart = make_chart((True, False, False), where)

    def velocity(_: float, y: np.ndarray) -> list[float]:
        # Below some size the rate of log z does not depend on z.
        z = math.exp(max(float(y[0]), math.log(LEAST)))
        g = gradient_of(chart, where, z, float(y[1]), float(y[2]), float(y[3]))
        v_lo, v_hi = chart.velocity(-g[0], -g[1])
        return [v_lo / z, v_hi, -g[2], -g[3]]

    w1, b1, w2, b2 = start
    y0 = [math.log(w1 * problem.lo + b1), w1 * problem.hi + b1, w2, b2]
    result = solve_ivp(velocity, (0.0, t_end), y0, method="Radau", rtol=1e-11, atol=1e-13)
    assert result.success
    return np.array([math.exp(result.y[0, -1]), *result.y[1:, -1]])


@pytest.mark.parametrize("b1", [-0.009, -0.0045])
def test_a_neuron_that_faded_comes_back_on_time(b1: float) -> None:
    # b2 < f*(lo) = 0 drives it towards death, until b2 has relaxed to E f* > 0: z_lo sinks to about 1e-216
    # and 1e-430, and is back at 1e-3 at t_end, shortly before the first crossing.
    start, t_end = Neuron(b1 - 0.001, b1, -2.0, -3.0), 6.5
    run = integrate_ensemble(start, Problem(), t_end)
    w1, b1_end, w2, b2 = run.final
    expected = in_logarithms(start, t_end)
    assert run.activity == BALANCED
    assert run.crossings == 0
    assert run.steps < 300
    assert expected[0] > 5e-4
    np.testing.assert_allclose([b1_end - w1, w1 + b1_end, w2, b2], expected, rtol=1e-5)


@pytest.mark.parametrize("ends", [(-3.0, 2.0), (-0.5, 6.0)])
def test_it_does_so_on_wide_and_shifted_intervals(ends: tuple[float, float]) -> None:
    # log z_lo falls and rises as the integral of b2 − f*(lo), which is 0 again at t_end.
    problem = Problem(inputs=Uniform(*ends))
    lo, hi = ends
    mean = (hi**2 - max(lo, 0.0) ** 2) / (2.0 * (hi - lo))
    pull, gap = mean - max(lo, 0.0), -3.0 - mean
    t_end = brentq(lambda t: pull * t - gap * math.expm1(-2.0 * t) / 2.0, 0.5, 50.0)
    w1 = -0.02 / (hi - lo)
    start = Neuron(w1, 0.001 - w1 * lo, -2.0, -3.0)
    run, expected = integrate_ensemble(start, problem, t_end), in_logarithms(start, t_end, problem)
    w1_end, b1_end, w2, b2 = run.final
    assert (run.crossings, int(run.activity)) == (0, BALANCED)
    assert expected[0] > 1e-5
    np.testing.assert_allclose([w1_end * lo + b1_end, w1_end * hi + b1_end, w2, b2], expected, rtol=1e-5)


# It is back after 6.5, of which step-by-step integration takes thousands of steps.
@pytest.mark.parametrize("t_end", [0.3, 3.0, pytest.param(8.0, marks=pytest.mark.slow)])
def test_the_closed_form_agrees_with_step_by_step_integration(t_end: float) -> None:
    start = Neuron(-0.010, -0.009, -2.0, -3.0)
    run, other = integrate_ensemble(start, Problem(), t_end), integrate(start, Problem(), t_end)
    assert np.max(np.abs(run.final - np.array(other.last.theta))) < 1e-8
    assert abs(run.descended - other.last.descended) < 1e-8
    assert run.activity == other.last.activity


def test_a_neuron_that_dies_away_is_never_dead() -> None:
    # w2 (b2 − f*(hi)) > 0 for ever: z_hi decays exponentially and never is 0.
    theta = np.stack(np.broadcast_arrays(0.5, np.linspace(-0.49, -0.4, 20), -2.0, 0.2))
    run = integrate_ensemble(theta, Problem(), 200.0)
    assert np.all(run.activity == BALANCED)
    assert np.all(run.crossings == 0)
    assert np.all(run.steps < 300)
    assert np.all(run.status == STATUSES.index("reached t_end"))
    np.testing.assert_allclose(run.final[3], 0.25, rtol=1e-12)
