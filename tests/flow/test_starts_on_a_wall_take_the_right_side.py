"""Starts on a wall, at w1 = 0 and at w1 = b1 = 0 follow the field of the side they move to."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field import gradient
from gradflow.flow import STATUSES, integrate
from gradflow.neuron.activity import BALANCED, DEAD, HYPERACTIVE
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.runs.records import crossings
from tests.flow.reference import Case, plain

LEAKY = Problem(activation=(0.1, 1.0))
ON_WALLS = [
    (Neuron(1.0, 1.0, 1.0, 0.0), Problem(), BALANCED, "lo"),
    (Neuron(1.0, 1.0, 1.0, -2.0), Problem(), HYPERACTIVE, "lo"),
    (Neuron(-1.0, 1.0, 1.0, 0.0), Problem(), BALANCED, "hi"),
    (Neuron(-1.0, 1.0, -1.0, 2.0), Problem(), HYPERACTIVE, "hi"),
    (Neuron(1.0, -1.0, 1.0, 0.0), LEAKY, BALANCED, "hi"),
    (Neuron(1.0, -1.0, -1.0, 0.0), LEAKY, DEAD, "hi"),
    (Neuron(-1.0, -1.0, 1.0, 0.0), LEAKY, BALANCED, "lo"),
    (Neuron(-1.0, -1.0, 1.0, 1.0), LEAKY, DEAD, "lo"),
]


@pytest.mark.parametrize(("start", "problem", "side", "wall"), ON_WALLS)
def test_a_start_on_a_wall_moves_to_one_side(start: Neuron, problem: Problem, side: int, wall: str) -> None:
    data = gradient_flow(start, problem, t_end=0.05, rtol=1e-12)
    at = -1.0 if wall == "lo" else 1.0
    velocity = -gradient(start, problem)
    inwards = at * velocity[0] + velocity[1]
    assert inwards > 0 if (problem == LEAKY and side == BALANCED) or side == HYPERACTIVE else inwards < 0
    assert int(data["activity"][-1]) == side
    # On its walls a leaky neuron that is nowhere positive is dead, so leaving them is a crossing.
    assert crossings(data).sizes["crossing"] == 0
    expected = plain(Case(start, problem, 0.05), max_step=0.001).y[:, -1]
    np.testing.assert_allclose([data[n][-1] for n in ("w1", "b1", "w2", "b2")], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("w1", [1.0, -1.0])
@pytest.mark.parametrize("w2", [1.0, -1.0])
def test_a_dead_relu_neuron_on_its_wall_stays(w1: float, w2: float) -> None:
    run = integrate(Neuron(w1, -1.0, w2, 3.0), Problem(), 20.0)
    assert not run.crossings
    assert run.last.theta[:3] == (w1, -1.0, w2)
    assert run.last.activity == DEAD


@pytest.mark.parametrize(("b2", "direction"), [(0.5, -1), (-1.0, 1)])
@pytest.mark.parametrize(
    "problem",
    [Problem(), Problem(Neuron(0.75, -0.25, 1.0, 0.0), Uniform(-1.0, 2.0)), Problem(activation=(0.2, 1.0))],
)
def test_a_start_with_the_teachers_breakpoint(b2: float, direction: int, problem: Problem) -> None:
    teacher = problem.teacher
    start = Neuron(teacher.w1, teacher.b1, teacher.w2, teacher.b2 + b2)
    run = integrate(start, problem, 0.1, rtol=1e-12)
    assert not run.crossings
    q = -teacher.b1 / teacher.w1
    after = next(point for point in run.points if point.t > 0)
    assert np.sign(after.theta[0] * q + after.theta[1]) == direction
    expected = plain(Case(start, problem, 0.1), max_step=0.001).y[:, -1]
    np.testing.assert_allclose(run.last.theta, expected, rtol=0, atol=1e-12)


def test_the_teacher_itself_rests() -> None:
    run = integrate(Neuron(), Problem(), 1e6)
    assert run.last.theta == (1.0, 0.0, 1.0, 0.0)
    assert not run.crossings


@pytest.mark.parametrize("problem", [Problem(), LEAKY])
@pytest.mark.parametrize(
    "start", [Neuron(0.0, 1.0, 1.0, 0.0), Neuron(0.0, 0.5, 1.0, -2.0), Neuron(0.0, 1.0, 0.0, 0.0)]
)
def test_a_flat_neuron_is_hyperactive_or_dead(start: Neuron, problem: Problem) -> None:
    for neuron in (start, start._replace(b1=-start.b1)):
        case = Case(neuron, problem, 3.0)
        run = integrate(*case, rtol=1e-12)
        assert run.points[0].activity == (HYPERACTIVE if neuron.b1 > 0 else DEAD)
        np.testing.assert_allclose(run.last.theta, plain(case).y[:, -1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("w2", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("b2", [-1.0, 0.0, 0.5, 1.0])
def test_the_origin_is_dead_for_relu(w2: float, b2: float) -> None:
    run = integrate(Neuron(0.0, 0.0, w2, b2), Problem(), 1.0)
    assert run.last.theta[:3] == (0.0, 0.0, w2)
    assert run.last.theta[3] == pytest.approx(0.25 + (b2 - 0.25) * np.exp(-2.0), abs=1e-15)


def attracts(w2: float, b2: float, problem: Problem) -> bool:
    """Whether the field next to the origin points towards it from every direction."""
    angle = np.linspace(0.0, 2.0 * np.pi, 3600, endpoint=False)
    u = np.stack([np.cos(angle), np.sin(angle)])
    near = np.stack([1e-12 * u[0], 1e-12 * u[1], 0.0 * angle + w2, 0.0 * angle + b2])
    velocity = -gradient(near, problem)[:2]
    return bool(np.all(np.sum(u * velocity, axis=0) < 0.0))


@pytest.mark.some(4)
@pytest.mark.parametrize("w2", [-1.0, 1.0])
@pytest.mark.parametrize("b2", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("problem", [LEAKY, Problem(inputs=Uniform(-1.0, 3.0), activation=(0.3, 0.8))])
def test_the_origin_is_left_along_a_solution(w2: float, b2: float, problem: Problem) -> None:
    start = Neuron(0.0, 0.0, w2, b2)
    data = gradient_flow(start, problem, t_end=2.0, rtol=1e-11, max_steps=5000)
    if attracts(w2, b2, problem):  # no solution leaves it
        assert STATUSES[int(data["status"])] != "reached t_end"
        return
    theta = np.array([data[name].values for name in ("w1", "b1", "w2", "b2")])
    assert STATUSES[int(data["status"])] == "reached t_end"
    assert theta[:, 0].tolist() == list(start)
    assert np.max(np.abs(data["invariant_drift"].values)) < 1e-10
    assert np.max(np.abs(data["energy_residual"].values)) < 1e-9
    # Once it has left the origin it is the solution of the true field.
    left = int(np.flatnonzero(np.hypot(theta[0], theta[1]) > 1e-3)[0])
    later = Case(Neuron(*theta[:, left].tolist()), problem, 2.0 - float(data["time"][left]))
    np.testing.assert_allclose(theta[:, -1], plain(later).y[:, -1], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("w1", "ratio", "problem"),
    [
        *((w1, ratio, Problem()) for w1 in (1e-300, 1e-100, 1e-10) for ratio in (-1.0, 0.0, 0.5, 1.0)),
        (1e-300, 0.0, LEAKY),
        (1e-10, -1.0, LEAKY),
    ],
)
def test_starts_next_to_the_origin(w1: float, ratio: float, problem: Problem) -> None:
    run = integrate(Neuron(w1, ratio * w1, 1.0, 0.0), problem, 1.0, max_steps=5000)
    assert STATUSES[run.status] == "reached t_end"
    w1_end, b1_end, w2_end, _ = run.last.theta
    assert w1_end**2 + b1_end**2 - w2_end**2 == pytest.approx(-1.0, abs=1e-9)
