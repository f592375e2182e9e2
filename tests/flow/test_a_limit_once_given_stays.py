"""A trajectory that has come to rest has its limit at every later time, and at one place."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from gradflow.ends.approach import approached
from gradflow.ends.labels import outcome_name
from gradflow.ends.rest import at_one_place, at_rest
from gradflow.flow import STATUSES, integrate
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.runs.records import limit
from tests.flow.reference import cases

ABS = Problem(teacher_activation="slopes=-1,1")
PROBLEMS = {
    "relu": (Neuron(b1=2.0), Problem()),
    "abs": (Neuron(b1=0.3, b2=0.1), ABS),
    "leaky": (Neuron(1.0, 0.4, 0.8, -0.5), Problem(activation="slopes=0.1,1", teacher_activation="relu")),
    "wide": (Neuron(0.5, 3.0, 1.0, 2.0), Problem(Neuron(1.0, 0.3, 1.0, 0.2), Uniform(-50.0, 100.0))),
    "far": (Neuron(1.0, -2.6, 1.0, 0.0), Problem(Neuron(2.0, -5.0, 0.5, 0.2), Uniform(2.0, 3.0))),
}


def test_the_limit_does_not_come_and_go() -> None:
    runs = [gradient_flow(Neuron(b1=2.0), t_end=t) for t in (200.0, 400.0, 800.0, 1600.0)]
    places = np.array([limit(run) for run in runs]).T
    assert np.all(np.isfinite(places))
    assert np.all(at_one_place(places, places[:, :1], Problem(), 1e-10))
    assert {outcome_name(run) for run in runs} == {"linear"}


@cache
def states(name: str, rtol: float) -> np.ndarray:
    """Return the states of a long flow."""
    start, problem = PROBLEMS[name]
    run = integrate(start, problem, 3000.0, rtol=rtol)
    return np.array([point.theta for point in run.points]).T


@pytest.mark.some(3)
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("rtol", [1e-10, 1e-5])
def test_what_has_rested_stays_where_it_is(name: str, rtol: float) -> None:
    problem, theta = PROBLEMS[name][1], states(name, rtol)
    rests = at_rest(theta, problem, rtol)
    first = int(np.argmax(rests))
    assert first > 0
    assert rests[-1]
    assert np.all(at_one_place(theta[:, first:], theta[:, first : first + 1], problem, rtol))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_at_every_later_time_it_is_given_with_the_same_outcome(seed: int) -> None:
    given = 0
    for case in cases(4, seed):
        known: tuple[np.ndarray, str, int] | None = None
        for t_end in (20.0, 133.0, 400.0, 1234.5):
            run = gradient_flow(case.start, case.problem, t_end=t_end, rtol=1e-8)
            place, end = limit(run), (outcome_name(run), int(run["activity"][-1]))
            if known is not None:
                assert np.all(np.isfinite(place)), (case, t_end)
                assert at_one_place(place, known[0], case.problem, 1e-8), (case, t_end)
                assert end == known[1:], (case, t_end)
            if np.all(np.isfinite(place)):
                known = (place, *end)
        given += known is not None
    assert given >= 3


# An explicit method at the limit of its stability drifts about this point by more than its tolerance.
STIFF = Problem(
    Neuron(0.3532618811225514, -0.0003063064499478127, 1243.6342262640005, 0.27279133916445375),
    Uniform(-1e-3, 1e-3),
    (0.0, 2.0),
)
DRIFTING = Neuron(-491.09406247048884, 0.6591841990846345, 0.39916906569416166, -0.46674961687980204)


@pytest.mark.parametrize("t_end", [250.0, 1000.0])
def test_what_drifts_about_a_point_as_high_has_its_limit(t_end: float) -> None:
    run = gradient_flow(DRIFTING, STIFF, t_end=t_end)
    assert outcome_name(run) == "linear"
    known = (-491.093394, 0.965364274, -0.0113287852, 0.298545094)
    assert limit(run) == pytest.approx(known, rel=1e-7)


@pytest.mark.some(1)
@pytest.mark.parametrize("t_end", [100.0, 1000.0])
def test_very_unequal_weights_end_at_the_critical_point(t_end: float) -> None:
    # The first state at rest, judged by its loss, has b2 1e-5 away from it.
    run = gradient_flow(Neuron(w1=1e4, b1=2e4), t_end=t_end)
    w1, b1, w2, b2 = limit(run)
    assert (w1 * w2, b1 * w2 + b2) == (pytest.approx(0.5, rel=1e-9), pytest.approx(0.25, rel=1e-9))
    # Nor is it another of the family: Q is conserved, and so is the direction of (w1, b1) orthogonal to it.
    last = gradient_flow(Neuron(w1=1e4, b1=2e4), t_end=2000.0)
    known = [float(last[name][-1]) for name in ("w1", "b1", "w2", "b2")]
    assert [w1, b1, w2, b2] == pytest.approx(known, rel=1e-9)


@pytest.mark.some(2)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_critical_point_beside_a_resting_state_is_where_it_goes(name: str) -> None:
    problem, theta = PROBLEMS[name][1], states(name, 1e-10)
    # Of a tolerance of 1e-5 it may be the first to rest; it knows to 1e-8 where the others go.
    first = theta[:, int(np.argmax(at_rest(theta, problem, 1e-5)))]
    assert at_one_place(approached(first, problem, 1e-5), theta[:, -1], problem, 1e-8)


def test_no_critical_point_is_taken_for_that_beside_a_weight_as_small_as_the_residual() -> None:
    # The teacher is dead: at the end w2 = 0, and all (w1, b1) are as good.
    problem = Problem(Neuron(0.7165876558738361, -1.9978166924497212, 0.272128869412488, -1.1017166275810448))
    state = np.array((-227.437589, 37.7254185, -3.23401203e-10, -1.10171657))
    assert np.array_equal(approached(state, problem, 1e-8)[:2], state[:2])


def test_drift_along_a_family_of_critical_points_does_not_move_it() -> None:
    teacher = Neuron(-0.6066608632747601, -2.105322574068118, 0.8527737322826466, -1.551386609743335)
    problem = Problem(teacher, Uniform(-0.15004213914642617, 1.4473681005990473))
    start = Neuron(0.8930849365575132, -0.9760166605653646, 2.386539907245276, -0.029918393499873713)
    runs = [gradient_flow(start, problem, t_end=t, rtol=1e-8) for t in (40.0, 400.0)]
    assert np.all(np.isfinite(limit(runs[0])))
    assert at_one_place(limit(runs[0]), limit(runs[1]), problem, 1e-8)


def test_another_minimum_is_local_and_has_a_place() -> None:
    assert outcome_name(gradient_flow(Neuron(b1=0.3, b2=0.1), ABS, t_end=20.0)) == "undecided"
    run = gradient_flow(Neuron(b1=0.3, b2=0.1), ABS, t_end=2000.0)
    assert outcome_name(run) == "local"
    w1, b1, w2, b2 = limit(run)
    # By symmetry it is that with a breakpoint at ±(√2 − 1), and as much left where it is flat.
    known = math.sqrt(2.0) - 1.0
    assert (w1 * w2, -b1 / w1, b2) == (pytest.approx(1.0), pytest.approx(known), pytest.approx(known))


@pytest.mark.parametrize("start", [Neuron(b2=-0.1), Neuron(1.0, -1.5, 2.0, 7.0)])
def test_what_is_decided_at_the_start_is_stopped_there(start: Neuron) -> None:
    run = gradient_flow(start, until_decided=True)
    assert (float(run["time"][-1]), STATUSES[int(run["status"])]) == (0.0, "stopped")
    assert STATUSES[int(gradient_flow(start, t_end=1.0)["status"])] == "reached t_end"


@pytest.mark.parametrize(("activation", "says"), [("relu", "conserved"), ("silu", "not conserved")])
def test_q_is_called_conserved_where_it_is(activation: str, says: str) -> None:
    run = gradient_flow(Neuron(b1=0.3), Problem(activation=activation), t_end=5.0)
    assert f", {says}" in run["invariant_drift"].attrs["long_name"]
    assert (np.max(np.abs(run["invariant_drift"].values)) < 1e-9) == (says == "conserved")
    assert np.max(np.abs(run["energy_residual"].values)) < 1e-9
