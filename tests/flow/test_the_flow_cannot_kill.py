"""A dead ReLU neuron relaxes in closed form; no other dies: its active end shrinks and stays positive."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from gradflow.ends.outcome import CONSTANT, GLOBAL, outcome
from gradflow.flow import integrate
from gradflow.flow.reference import METHODS
from gradflow.neuron.activity import BALANCED, DEAD, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Uniform

DEAD_STARTS = [
    (Neuron(1.0, -1.5, 1.0, 2.0), Problem()),
    (Neuron(-0.5, -0.5, -3.0, -7.0), Problem()),
    (Neuron(0.0, 0.0, 2.0, 1e3), Problem()),
    (Neuron(1.0, -4.0, 1.0, 0.1), Problem(Neuron(0.7, 0.2, -1.3, 0.4), Uniform(-0.5, 2.5))),
    (Neuron(0.2, -1.0, 1.0, 0.0), Problem(Neuron(0.5, 4.0, 1.0, 0.1), Uniform(-1.0, 3.0))),
]


def mean_output(problem: Problem) -> mpmath.mpf:
    """Return E f* of a ReLU teacher from its antiderivative."""
    w1, b1, w2, b2 = (mpmath.mpf(float(v)) for v in problem.teacher)
    ends = [mpmath.mpf(float(end)) for end in (problem.lo, problem.hi)]
    low, high = (max(w1 * end + b1, 0) ** 2 / (2 * w1) for end in ends)
    return w2 * (high - low) / (ends[1] - ends[0]) + b2


@pytest.mark.parametrize(("start", "problem"), DEAD_STARTS)
def test_a_dead_neuron_relaxes_exponentially(start: Neuron, problem: Problem) -> None:
    times = np.array([0.0, 1e-9, 0.1, 1.0, 7.5, 20.0, 200.0])
    run = integrate(start, problem, 200.0, times=times)
    with mpmath.workdps(40):
        aim = mean_output(problem)
        gap = mpmath.mpf(start.b2) - aim
        expected = [aim + gap * mpmath.exp(-2 * mpmath.mpf(float(t))) for t in times]
        descended = [gap**2 * -mpmath.expm1(-4 * mpmath.mpf(float(t))) for t in times]
    assert [point.t for point in run.points] == times.tolist()
    for point, b2, fallen in zip(run.points, expected, descended, strict=True):
        assert point.theta[:3] == start[:3]
        assert point.activity == DEAD
        scale = abs(start.b2) + abs(float(aim))
        assert abs(point.theta[3] - b2) <= 4e-16 * scale
        assert point.descended == pytest.approx(float(fallen), rel=1e-13)
    assert run.last == run.points[-1]


DYING = [
    Neuron(1.0, -0.9, -1.0, 0.0),
    Neuron(1.0, -0.5, -2.0, 0.0),
    Neuron(-1.0, 0.0, 1.0, 0.0),
    Neuron(-2.0, -1.5, 1.0, 1.0),
    Neuron(0.5, -0.499, -3.0, -1.0),
]


def active_end(run_end: tuple[float, ...], start: Neuron) -> float:
    z_lo, z_hi = end_preactivations(Neuron(*run_end))
    return float(z_hi if start.w1 > 0 else z_lo)


@pytest.mark.parametrize("start", DYING)
def test_a_neuron_that_dies_away_stays_balanced(start: Neuron) -> None:
    run = integrate(start, Problem(), 200.0)
    assert {point.activity for point in run.points} == {BALANCED}
    assert all("dead" not in crossing.event for crossing in run.crossings)
    assert run.last.t == 200.0
    assert int(outcome(np.array(run.last.theta))) == CONSTANT
    assert active_end(run.last.theta, start) == pytest.approx(0.0, abs=1e-13)
    assert run.last.theta[3] == pytest.approx(0.25, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_no_method_or_tolerance_kills_it(method: str, rtol: float) -> None:
    run = integrate(DYING[0], Problem(), 50.0, rtol=rtol, method=method, max_steps=20_000)
    assert not run.crossings
    assert run.last.activity == BALANCED
    assert run.last.t == 50.0


def test_the_active_end_decays_at_its_own_rate() -> None:
    # With z ≪ 1 a share z/(2 w1) is active, so dz/dt = −2 w2 r z (1 + 1)/(2 w1), r = b2 − 1 at the end.
    run = integrate(DYING[0], Problem(), 6.0, rtol=1e-12, times=np.array([4.0, 4.01, 5.0, 5.01]))
    z = [point.theta[0] + point.theta[1] for point in run.points]
    for i in (0, 2):
        w1, _, w2, b2 = run.points[i].theta
        rate = math.log(z[i + 1] / z[i]) / 0.01
        assert 0.0 < z[i] < 0.01
        assert rate == pytest.approx(-2.0 * w2 * (b2 - 1.0) / w1, rel=0.02)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_barely_active_neuron_that_wants_to_rise_revives(distance: float) -> None:
    # The residual at the active end is b2 − 1 < 0 and w2 > 0, so the end's pre-activation grows.
    start = Neuron(1.0, -1.0 + distance, 1.0, 0.0)
    run = integrate(start, Problem(), 200.0)
    assert run.last.activity == BALANCED
    assert run.last.theta[0] + run.last.theta[1] > 0.5
    assert int(outcome(np.array(run.last.theta))) == GLOBAL


def test_exactly_dead_it_does_not_revive() -> None:
    run = integrate(Neuron(1.0, -1.0, 1.0, 0.0), Problem(), 200.0)
    assert int(outcome(np.array(run.last.theta))) == CONSTANT
    assert run.last.activity == DEAD
