"""Every trajectory of an ensemble ends where the one-trajectory path ends, with the same crossings.

Both have an error of about the tolerance times the trajectory's sensitivity, which is measured by moving
the start by 1e-7. Starts whose change grows more than a thousandfold (next to a separatrix) are left out,
and crossing times that change more than thirtyfold (nearly tangent crossings).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gradflow.flow.ensemble import STATUSES, integrate_ensemble
from gradflow.flow.reference import Trajectory
from gradflow.flow.status import REACHED, STEP_TOO_SMALL, TOO_MANY_STEPS
from gradflow.neuron.problem import Problem
from tests.flow.ensemble.cases import Batch, batch, events, one_by_one, sensitivity

RTOL = 1e-12
BOUND = 1e-8
NOISE = 1e-16


@dataclass(frozen=True)
class Comparison:
    """How far apart both paths are, for every start; NaN where the criterion leaves a quantity out."""

    state: np.ndarray
    loss: np.ndarray
    descended: np.ndarray
    time: np.ndarray
    same_crossings: np.ndarray
    left_out: float


def crossed(run: Trajectory) -> int:
    """Count the crossings before the student equals the teacher: it may sit on the wall then, and rattle."""
    losses = {point.t: point.loss for point in run.points}
    return sum(losses[crossing.t] > NOISE for crossing in run.crossings)


def compare(cases: Batch, t_end: float) -> Comparison:
    n = cases.theta.shape[1]
    run = integrate_ensemble(cases.theta, cases.problem, t_end, rtol=RTOL)
    others = one_by_one(cases, t_end, RTOL)
    ends = [(STATUSES[code], other.status) for code, other in zip(run.status, others, strict=True)]
    # A trajectory that runs into w1 = b1 = 0, where the field is not continuous, ends there on both paths.
    # Its activity and its last crossings are rounding.
    for i, (mine, theirs) in enumerate(ends):
        if mine == "step too small":
            assert theirs in (STEP_TOO_SMALL, TOO_MANY_STEPS)
            assert np.max(np.abs((*run.final[:2, i], *others[i].last.theta[:2]))) < 1e-100
            assert run.t[i] == pytest.approx(others[i].last.t, rel=1e-12)
        else:
            assert mine in ("reached t_end", "converged")
            assert theirs != STEP_TOO_SMALL
    columns = [(*(getattr(run, name)[i] for name in run._fields[1:]), run.final[:, i]) for i in range(n)]
    for i, other in enumerate(others):
        if other.status != REACHED:
            # The other path gave up early: compare at the time that it reached.
            neuron, problem = cases.single(i)
            again = integrate_ensemble(neuron, problem, other.last.t, rtol=RTOL)
            columns[i] = (*again[1:], again.final)
    _, _, loss, activity, _, crossings, first, _, descended, final = zip(*columns, strict=True)
    last = [other.last for other in others]
    state = np.max(np.abs(np.array(final) - np.array([p.theta for p in last])), axis=1)
    grows = sensitivity(cases, t_end)
    gentle = grows.state <= 1e3
    times = np.array([other.crossings[0].t if other.crossings else np.nan for other in others])
    sharp = gentle & (grows.crossing <= 30.0)
    names = [other.crossings[0].event if other.crossings else "none" for other in others]
    same = np.array([
        mine == "step too small" or (crossed(other), other.last.activity) == (count, code)
        for (mine, _), other, count, code in zip(ends, others, crossings, activity, strict=True)
    ]) & (np.array(names) == np.array(events(run)))  # fmt: skip
    return Comparison(
        np.where(gentle, state, np.nan),
        np.where(gentle, np.abs(np.array(loss) - [p.loss for p in last]), np.nan),
        np.where(gentle, np.abs(np.array(descended) - [p.descended for p in last]), np.nan),
        np.where(sharp, np.abs(np.array(first) - times), np.nan),
        same | ~gentle,
        1.0 - float(np.mean(gentle)),
    )


def assert_agreement(found: Comparison) -> None:
    assert found.left_out <= 0.01
    assert np.nanmax(found.state) <= BOUND
    assert np.nanmax(found.loss) <= BOUND
    assert np.nanmax(found.descended) <= BOUND
    assert np.nanmax(found.time) <= BOUND
    assert np.all(found.same_crossings)


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("seed", "slopes", "default"),
    [(1, (0.0, 1.0), True), (2, (0.0, 1.0), False), (3, (0.1, 1.0), False)],
    ids=["default problem", "other teachers and intervals", "leaky"],
)
def test_twenty_random_starts_end_where_single_trajectories_end(
    seed: int, slopes: tuple[float, float], default: bool
) -> None:
    assert_agreement(compare(batch(20, seed, slopes, default=default), 20.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "seed", "slopes", "default", "t_end"),
    [
        (150, 13, (0.1, 1.0), False, 20.0),
        (100, 17, (0.3, 1.0), False, 200.0),
    ],
)
def test_250_random_starts_end_where_single_trajectories_end(
    n: int, seed: int, slopes: tuple[float, float], default: bool, t_end: float
) -> None:
    # Compiled code, which takes the same steps to the bit, is compared with many more.
    assert_agreement(compare(batch(n, seed, slopes, default=default), t_end))


def test_a_second_crossing_within_one_step_of_a_restart_is_found() -> None:
    # In and out again: the breakpoint is back at the teacher's after 0.02 of a step of 0.35.
    theta = np.array([[-1.54056619951], [-0.00404211512879], [0.46730277338], [-1.56249323641]])
    found = compare(Batch(theta, Problem()), 5.0)
    assert_agreement(found)
    assert integrate_ensemble(theta, Problem(), 5.0).crossings[0] == 3


@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.2, 1.0)])
def test_starts_on_walls_enter_the_same_cell(slopes: tuple[float, float]) -> None:
    # The breakpoint at lo, at the teacher's and at hi (all exact), and w1 = b1 = 0.
    rng = np.random.default_rng(6)
    theta = np.stack([np.repeat([0.5, -1.5, 0.0], 16), np.zeros(48), *rng.normal(0.0, 1.0, (2, 48))])
    theta[1] = theta[0] * np.tile([-1.0, 0.0, 1.0], 16)
    cases = Batch(theta, Problem(activation=slopes))
    run = integrate_ensemble(theta, cases.problem, 3.0, rtol=RTOL)
    for i, other in enumerate(one_by_one(cases, 3.0, RTOL)):
        assert np.max(np.abs(run.final[:, i] - other.last.theta)) <= BOUND
        assert (run.crossings[i], run.activity[i]) == (len(other.crossings), other.last.activity)
