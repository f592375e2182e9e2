"""A loose tolerance neither kills nor invents crossings: compared with a run at a tight one, case by case."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gradflow.flow import Trajectory, integrate
from gradflow.flow.ensemble import Ensemble, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.flow.test_no_flow_dies_away_from_the_origin import hard_starts

CONSTANT = Problem(Neuron(0.0, -1.0, 0.0, 0.5), Uniform(-4.0, 4.0))

INVENTED = [
    (
        # A step through both ends, whose estimated error happened to be small: no crossing in truth.
        Neuron(-7.93680882522606e-05, 0.00036692458152460855, 14.90352484689096, 50.060970285066446),
        Problem(Neuron(-2.0, -0.1, -3.0, 1.0), Uniform(3.0, 5.0)),
        0,
    ),
    (
        # A step through a pole of the formulas beyond the wall: one crossing in truth.
        Neuron(0.0006247024871157636, 0.023820284691045007, 0.23200206106084853, -0.18183546521384467),
        Problem(Neuron(0.8, 0.3, -1.5, 0.1), Uniform(3.0, 5.0)),
        1,
    ),
    (
        # The teacher's breakpoint is so near the active end that all between is less than the tolerance.
        Neuron(-0.0002539883694604019, -9.965789083187178e-05, -0.24913435509057924, -0.12086975871015473),
        Problem(Neuron(1.0, 0.98, 1.0, 0.0), Uniform(-1.0, 1.0)),
        None,
    ),
    (
        # It comes back to life 3e-13 beside the origin, 1000 times faster than the time's spacing.
        Neuron(-0.010321210576870228, 0.008857059242155947, 9.826765619432248, 6.212921509450846),
        Problem(Neuron(1.0, 0.98, 1.0, 0.0), Uniform(-4.0, 4.0)),
        3,
    ),
    (
        # A step that passes the origin, with stages on both sides of it, looks accurate by chance.
        Neuron(-9.94649102645381e-05, 0.00018893612916219012, -0.10313899031327022, 0.11301211076307784),
        CONSTANT,
        1,
    ),
    (
        # A step to a hundredth of the size of (w1, b1): its error turns what is left.
        Neuron(-6.158829588494252e-05, 0.00018615034537508156, 2.394960170066764, 0.8787766619076384),
        Problem(Neuron(0.8, 0.3, -1.5, 0.1), Uniform(-4.0, 4.0)),
        1,
    ),
    (
        # A step whose polynomial goes to 1e3 between ends of 1e-2, through a pole beyond the wall.
        Neuron(0.007629380653790872, 0.018447739876587377, -1.0162205065344512, -0.4141781163103585),
        Problem(inputs=Uniform(-4.0, 4.0)),
        3,
    ),
    (
        # It converges to the teacher in long steps, between which the polynomial passes its breakpoint.
        Neuron(1.68072685e-04, 7.76650208e-05, -1.39347528, 1.47109780),
        Problem(Neuron(-2.0, -0.1, -3.0, 1.0)),
        2,
    ),
]
DEATHS = INVENTED[4:7]


@pytest.mark.parametrize(("start", "problem", "crossings"), INVENTED)
@pytest.mark.parametrize("rtol", [1e-3, 1e-10])
def test_what_error_once_changed_ends_as_it_should(
    start: Neuron, problem: Problem, crossings: int | None, rtol: float
) -> None:
    run = integrate(start, problem, 20.0, rtol=rtol)
    other = integrate_ensemble(start, problem, 20.0, rtol=rtol, backend="numba")
    assert (run.last.t, float(other.t)) == (20.0, 20.0)
    is_dead = (start, problem, crossings) in DEATHS
    assert bool(died(run)) == bool(died(other)) == is_dead
    if crossings is not None:
        assert (len(run.crossings), int(other.crossings)) == (crossings, crossings)


def died(run: Trajectory | Ensemble) -> np.ndarray:
    """Return which neurons are at w1 = b1 = 0."""
    theta = run.final if isinstance(run, Ensemble) else np.array(run.last.theta)
    return np.asarray(np.all(theta[:2] == 0.0, axis=0))


def problem_of(teacher: np.ndarray, ends: np.ndarray) -> Problem:
    return Problem(Neuron(*teacher), Uniform(*ends))


@cache
def tight(n: int, seed: int, backend: str) -> Ensemble:
    theta, teacher, ends = hard_starts(n, seed)
    return integrate_ensemble(
        theta, problem_of(teacher, ends), 20.0, rtol=1e-10, max_steps=1000, backend=backend
    )


def compare(n: int, seed: int, rtol: float, backend: str) -> None:
    """Assert that the same neurons die, and that none crosses more walls than in truth."""
    theta, teacher, ends = hard_starts(n, seed)
    run = integrate_ensemble(
        theta, problem_of(teacher, ends), 20.0, rtol=rtol, max_steps=1000, backend=backend
    )
    truth = tight(n, seed, backend)
    both = (run.t == 20.0) & (truth.t == 20.0)
    assert np.mean(both) > 0.8
    assert np.any(died(truth))
    for i in np.flatnonzero(both & ((died(run) != died(truth)) | (run.crossings > truth.crossings))):
        near = beside(theta[:, i], problem_of(teacher[:, i], ends[:, i]), rtol)
        assert np.any(died(near) == died(run)[i]), theta[:, i]
        assert np.any(near.crossings >= run.crossings[i]), theta[:, i]


def beside(start: np.ndarray, problem: Problem, rtol: float) -> Ensemble:
    """Return accurate flows from starts that a loose tolerance cannot tell from this one."""
    rng = np.random.default_rng(0)
    starts = start[:, None] * (1.0 + 30.0 * rtol * rng.uniform(-1.0, 1.0, (4, 400)))
    return integrate_ensemble(starts, problem, 20.0, rtol=1e-10, max_steps=1000)


@pytest.mark.parametrize("rtol", [1e-3, 1e-5])
def test_a_few_hundred_hard_starts_end_as_at_a_tight_tolerance(rtol: float) -> None:
    compare(400, 7, rtol, "numba")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "rtol"), [("numba", 1e-3), ("numba", 1e-4), ("numba", 1e-6), ("numpy", 1e-3)]
)
def test_thousands_of_hard_starts_end_as_at_a_tight_tolerance(backend: str, rtol: float) -> None:
    compare(16_000 if backend == "numba" else 500, 77, rtol, backend)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "rtol"), [("auto", 1e-3), ("RK45", 1e-3), ("Radau", 1e-4), ("BDF", 1e-3), ("auto", 1e-4)]
)
def test_one_trajectory_by_any_method_crosses_no_more(method: str, rtol: float) -> None:
    truth = tight(60, 9, "numpy")
    theta, teacher, ends = hard_starts(60, 9)
    for i in np.flatnonzero(truth.t == 20.0):
        problem = problem_of(teacher[:, i], ends[:, i])
        run = integrate(Neuron(*theta[:, i]), problem, 20.0, rtol=rtol, method=method, max_steps=2000)
        if run.last.t == 20.0:
            assert bool(died(run)) == bool(died(truth)[i]), theta[:, i]
            assert len(run.crossings) <= truth.crossings[i], theta[:, i]
