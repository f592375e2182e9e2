"""A flow that compiled code records at many moments is that which `integrate` records, or is left to it."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends.outcome import UNDECIDED
from gradflow.flow import integrate
from gradflow.flow.moments import through
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.runs.flow import end_of, settled
from tests.flow.reference import Case, cases
from tests.flow.test_no_flow_dies_away_from_the_origin import DOOMED, HARD, WIDE, hard_starts

T_END, COUNT = 8.0, 41
CASES = cases(60, seed=5) + cases(30, seed=6, near_walls=True)
NAMED = {
    "dead": (Neuron(1.0, -1.5, 1.0, 0.5), Problem()),
    "dies at the origin": (DOOMED, WIDE),
    "fades": (Neuron(1.0, 0.0, -1.0, 0.0), Problem()),
    "fades and comes back": (HARD, Problem()),
    "rests": (Neuron(1.0, 0.0, 1.0, 0.0), Problem()),
    "hyperactive": (Neuron(1.0, 1.1, 1.0, -1.2), Problem()),
}


def same(start: Neuron, problem: Problem, t_end: float = T_END) -> bool:
    """Assert that the records agree; return whether there were any."""
    times = np.linspace(0.0, t_end, COUNT)
    found = through(start, problem, times)
    if found is None:
        return False
    expected = integrate(start, problem, t_end, rtol=1e-12, times=times)
    assert [point.t for point in found.points] == times.tolist()
    one, other = (np.array([(*p.theta, p.loss) for p in run.points]) for run in (found, expected))
    # As far apart as two tolerances leave them, beside parameters that may be large.
    np.testing.assert_allclose(one, other, rtol=2e-7, atol=2e-8 * float(np.max(np.abs(other[0, :4]))))
    assert tuple(one[0, :4]) == tuple(start)
    return True


@pytest.mark.parametrize("name", NAMED)
def test_of_named_starts(name: str) -> None:
    assert same(*NAMED[name], 40.0 if name == "fades and comes back" else T_END) or "back" in name


@pytest.mark.some(6)
@pytest.mark.parametrize("case", [case for case in CASES if case.problem.slopes[0] == 0.0])
def test_of_any_start(case: Case) -> None:
    assert same(case.start, case.problem, case.t_end)


@pytest.mark.slow
def test_of_any_slopes() -> None:
    start = Neuron(0.0, 0.0, 1.0, 0.5)
    assert same(start, Problem(activation=(0.1, 1.0)))
    for case in CASES:
        assert case.problem.slopes[0] == 0.0 or same(case.start, case.problem, case.t_end)


@pytest.mark.slow
def test_of_starts_that_nearly_die() -> None:
    theta, teacher, ends = hard_starts(60, 1)
    done = [
        same(Neuron(*one), Problem(Neuron(*w), Uniform(*end)))
        for one, w, end in zip(theta.T.tolist(), teacher.T.tolist(), ends.T.tolist(), strict=True)
    ]
    # The others come to the origin, or go on in too many steps.
    assert np.mean(done) > 0.5


@pytest.mark.parametrize("name", NAMED)
def test_the_outcome_is_that_of_the_dataset(name: str) -> None:
    start, problem = NAMED[name]
    times = np.linspace(0.0, 30.0, COUNT)
    run = through(start, problem, times)
    if run is None:
        return
    ended = settled(run, end_of(run, [p.theta for p in run.points], problem, 1e-10), problem, 1e-10)
    expected = gradient_flow(start, problem, t_end=30.0)
    assert (ended.outcome, ended.theorem) == (int(expected.outcome), int(expected.decided_by))
    assert ended.outcome != UNDECIDED
