"""Outcome local: at rest at a critical point that is neither teacher, line nor constant."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from gradflow.descent import GD, HeavyBall, train_arrays
from gradflow.ends import descent_run, flow_decisions, flow_run
from gradflow.ends.decision import decide
from gradflow.ends.labels import outcome_name
from gradflow.ends.outcome import CONSTANT, LINEAR, LOCAL, outcome
from gradflow.ends.rest import at_rest
from gradflow.flow import integrate
from gradflow.neuron.problem import Neuron, Problem, Sample, grid
from gradflow.runs.training import train

ABS = Problem(teacher_activation="slopes=-1,1")
LEAKY = Problem(activation="slopes=0.1,1", teacher_activation="relu")
B1, B2 = (axis.ravel() for axis in np.meshgrid(np.linspace(-1.0, 1.5, 4), np.linspace(-1.0, 1.0, 3)))
STARTS = Neuron(np.ones(12), B1, np.ones(12), B2)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)


def plain_loss(theta: np.ndarray, problem: Problem) -> float:
    """Return the loss by quadrature between the breakpoints."""
    w1, b1, w2, b2 = theta
    cuts = np.unique(np.clip([-1.0, 0.0, -b1 / w1, 1.0], -1.0, 1.0))
    half = 0.5 * np.diff(cuts)[:, None]
    x = 0.5 * (cuts[1:] + cuts[:-1])[:, None] + half * NODES
    (low, high), (below, above) = problem.slopes, problem.teacher_slopes
    z = w1 * x + b1
    residual = w2 * np.where(z > 0, high, low) * z + b2 - np.where(x > 0, above, below) * x
    return float(np.sum(half * WEIGHTS * residual**2)) / 2.0


@pytest.mark.parametrize("problem", [pytest.param(ABS, marks=pytest.mark.slow), LEAKY], ids=["abs", "leaky"])
def test_no_direction_leads_down_from_where_a_flow_ends(problem: Problem) -> None:
    ends = flow_run(STARTS, problem)
    local = ends.outcome == LOCAL
    assert np.sum(local) >= 3
    assert np.all((ends.outcome == LOCAL) | (ends.outcome == LINEAR) | (ends.outcome == CONSTANT))
    start = Neuron(*(float(value[local][0]) for value in STARTS))
    place = np.array(integrate(start, problem, 1e4).last.theta)
    level = plain_loss(place, problem)
    assert level == pytest.approx(float(ends.loss[local][0]), rel=1e-12)
    rng = np.random.default_rng(0)
    for size in (1e-2, 1e-3):
        around = [
            plain_loss(place + size * v / np.linalg.norm(v), problem) for v in rng.normal(size=(300, 4))
        ]
        assert min(around) > level - 1e-13
    lowest = minimize(plain_loss, place + 1e-3, (problem,), method="Nelder-Mead", options={"xatol": 1e-9})
    assert lowest.fun == pytest.approx(level, rel=1e-6)


@pytest.mark.slow
def test_every_engine_says_so() -> None:
    few = Neuron(*(value[4:7] for value in STARTS))
    codes = flow_run(few, ABS).outcome
    assert LOCAL in codes
    assert flow_decisions(few, ABS, rtol=1e-10).outcome.tolist() == codes.tolist()
    assert flow_run(few, ABS, theory=False).outcome.tolist() == codes.tolist()


def test_an_optimiser_that_has_come_to_rest_is_there_too() -> None:
    place = np.array(integrate(Neuron(1.0, 0.3, 1.0, 0.1), ABS, 1e3).last.theta)
    for config in (GD(0.1), HeavyBall(0.01, 0.9)):
        assert int(descent_run(Neuron(*(place + 1e-3)), ABS, config, 9000).outcome) == LOCAL
    assert outcome_name(train(place + 1e-1, ABS, GD(0.1), steps=30)) == "undecided"


def test_a_samples_minimum_that_is_not_the_teachers() -> None:
    # Targets that rise and fall, which no neuron meets.
    x, targets = np.array([-1.0, -0.6, 0.2, 1.0]), np.array([0.0, 2.0, 1.0, 3.0])
    problem = Problem(inputs=Sample(x, targets=targets))
    run = train_arrays(Neuron(1.0, 0.3, 1.0, 0.5), problem, GD(0.2), 5000, events=False, record_every=5000)
    theta = run.final
    assert int(outcome(theta, problem)) == LOCAL
    assert at_rest(theta, problem)
    residual = theta[2] * np.maximum(theta[0] * x + theta[1], 0.0) + theta[3]
    assert float(run.loss[-1]) == pytest.approx(np.mean((residual - targets) ** 2))


def test_a_gradient_that_jumps_is_no_rest() -> None:
    # Gradient descent chatters about an input that its breakpoint has met.
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-1.0, 1.0, 30))
    problem = Problem(inputs=Sample(x, targets=rng.normal(size=30)))
    theta = train_arrays(Neuron(1.0, -0.25, 1.0, 0.0), problem, GD(0.1), 4000, record_every=4000).final
    assert np.min(np.abs(-theta[1] / theta[0] - x)) < 1e-2
    assert not at_rest(theta, problem)


@pytest.mark.parametrize("activation", ["silu", "tanh", "softplus"])
def test_what_creeps_is_not_at_rest(activation: str) -> None:
    # Far out the gradient is below 1e-9, and so is every curvature.
    problem = Problem(activation=activation, teacher_activation="relu", inputs=grid(5))
    theta = np.array([-1.0, -25.0, 0.3, 0.5])
    assert int(outcome(theta, problem)) != LOCAL


@pytest.mark.parametrize("size", [1e4, 1e12, 1e20])
def test_a_loss_that_falls_away_is_no_rest(size: float) -> None:
    """Beside a weight as large as this, all that the output weight has to go is a rounding error."""
    theta = np.array([size, 0.0, -1e12 / size**1.5, -1e-8])
    assert plain_loss(theta, Problem()) > 10.0 * plain_loss(theta * [1.0, 1.0, 0.0, 1.0], Problem())
    assert not bool(at_rest(theta, Problem(), 1e-10))
    assert outcome(theta, Problem()) != LOCAL


HEAVY = (
    (-15.602961965903845, 6725.590069021841, -3.372655149881711e-05, 0.4768309598227981),
    (-10.0, 7000.0, 1e-6, 0.25 - 7e-3),
    (1.8728110692890239, 6566.516437118012, 0.27733353315592385, -1820.865204032387),
    (480.4565659590756, 480.4839595000159, 0.001063107663798781, -0.26080617967684994),
    (1.0001668958421948, 99999.99999499843, 2.506783858593999e-06, -0.0006767189103944499),
    (0.5560616069948283, -0.5560615919948284, 1e8, 0.24999998988421457),
)


@pytest.mark.parametrize("theta", HEAVY)
@pytest.mark.parametrize("problem", [Problem(), LEAKY], ids=["relu", "leaky"])
def test_a_mode_that_seems_flat_beside_a_steep_one_may_have_far_to_fall(
    theta: tuple[float, ...], problem: Problem
) -> None:
    assert int(outcome(np.array(theta), problem, accuracy=1e-10)) not in (CONSTANT, LINEAR, LOCAL)


def test_nothing_at_rest_contradicts_what_is_proved() -> None:
    rng = np.random.default_rng(3)
    b1 = 10.0 ** rng.uniform(0, 6, 3000)
    states = np.stack([b1 * rng.uniform(-1, 1, 3000), b1, 10.0 ** rng.uniform(-6, 2, 3000), -b1])
    states[3] *= states[2] * (1.0 + 1e-3 * rng.normal(size=3000))
    proved, seen = decide(states).outcome, outcome(states)
    assert np.sum(proved == LINEAR) > 100
    assert not np.any((proved == LINEAR) & ((seen == CONSTANT) | (seen == LOCAL)))
    assert not np.any(seen == LOCAL)
