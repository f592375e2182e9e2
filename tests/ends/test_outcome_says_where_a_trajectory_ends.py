"""Outcome labels: all five, for any teacher and inputs, and never a label that the flow belies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.ends.decision import decide
from gradflow.ends.outcome import (
    CONSTANT,
    DIVERGED,
    GLOBAL,
    LINEAR,
    LOCAL,
    OUTCOMES,
    UNDECIDED,
    outcome,
    references,
)
from gradflow.ends.rest import at_rest
from gradflow.field import loss
from gradflow.flow import integrate
from gradflow.neuron.activity import BALANCED, HYPERACTIVE, activity
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from gradflow.theory.hyperactive import trapped
from tests.theory.moments import PROBLEMS, moments

NAN, INF = float("nan"), float("inf")


def best_line(problem: Problem, w2: float = 1.0) -> Neuron:
    """Return a hyperactive neuron, far from both walls, that is the best line."""
    m, s = moments(problem), problem.slopes[1]
    slope = m.covariance / m.variance_x
    w1 = slope / (s * w2)
    b1 = 1.0 + 2.0 * abs(w1) * max(abs(float(problem.lo)), abs(float(problem.hi)))
    return Neuron(w1, b1, w2, m.mean - slope * m.mean_x - s * w2 * b1)


def test_the_codes_name_the_outcomes() -> None:
    assert OUTCOMES == ("global", "linear", "constant", "local", "diverged", "undecided")
    assert [OUTCOMES[k] for k in (GLOBAL, LINEAR, CONSTANT, LOCAL, DIVERGED, UNDECIDED)] == list(OUTCOMES)


@pytest.mark.parametrize(
    ("neuron", "expected"),
    [
        (Neuron(), GLOBAL),
        (Neuron(2.0, 0.0, 0.5, 0.0), GLOBAL),
        (Neuron(0.5, 1.0, 1.0, -0.75), LINEAR),
        (Neuron(-0.5, 1.0, -1.0, 1.25), LINEAR),
        (Neuron(1.0, -2.0, 1.0, 0.25), CONSTANT),
        (Neuron(0.0, 0.0, 1.0, 0.25), CONSTANT),
        (Neuron(NAN, 0.0, 1.0, 0.0), DIVERGED),
        (Neuron(1.0, INF, 1.0, 0.0), DIVERGED),
        (Neuron(1.0, -INF, 1.0, 0.25), DIVERGED),
        (Neuron(0.0, -1.0, INF, 0.25), DIVERGED),
        (Neuron(1.0, -5.0, 1.0, -INF), DIVERGED),
        (Neuron(1e200, 0.0, 1e200, 0.0), DIVERGED),
        (Neuron(1.0, 0.0, 1.0, 0.5), UNDECIDED),
        (Neuron(1.0, -2.0, 1.0, 0.5), UNDECIDED),
        (Neuron(1.0, 2.0, 1.0, 0.0), UNDECIDED),
        (Neuron(0.5, 0.0, 0.0, 0.25), UNDECIDED),
    ],
)
def test_each_label(neuron: Neuron, expected: int) -> None:
    assert int(outcome(neuron)) == expected


def test_labels_flip_at_the_stated_tolerance() -> None:
    flat = np.sqrt(1e-3 * 5.0 / 48.0)  # dead: L − 5/48 = (b2 − 1/4)²
    assert [int(outcome(Neuron(1.0, -2.0, 1.0, 0.25 + d * flat))) for d in (0.999, 1.001)] == [
        CONSTANT,
        UNDECIDED,
    ]
    line = np.sqrt(1e-3 / 48.0)
    for far in (Neuron(0.5, 9.0, 1.0, -8.75), Neuron(0.25, 9.0, 2.0, -17.75)):
        codes = [int(outcome(far._replace(b2=far.b2 + d * line))) for d in (0.999, 1.001)]
        assert codes == [LINEAR, UNDECIDED]
    assert [int(outcome(Neuron(b2=d * line))) for d in (0.999, 1.001)] == [GLOBAL, UNDECIDED]


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_any_problem(problem: Problem) -> None:
    m = moments(problem)
    spread, line = m.variance, m.variance - m.covariance**2 / m.variance_x
    levels = references(problem)
    assert float(levels.constant) == pytest.approx(spread, rel=1e-12)
    assert float(levels.line) == pytest.approx(line, rel=1e-9, abs=1e-14)
    assert int(outcome(problem.teacher, problem)) == GLOBAL
    straight = best_line(problem)
    assert loss(straight, problem) == pytest.approx(max(line, 0.0), rel=1e-9, abs=1e-14)
    assert int(outcome(straight, problem)) == (LINEAR if line > 1e-12 * spread else GLOBAL)
    reach = max(abs(float(problem.lo)), abs(float(problem.hi)))
    w2 = 0.0 if problem.slopes[0] != 0.0 else 1.0
    dead = Neuron(0.5, -1.0 - reach, w2, m.mean)
    # A dead neuron stays if s₋ = 0. If not, w2 = 0 makes it constant, but it moves on.
    assert int(outcome(dead, problem)) == (CONSTANT if problem.slopes[0] == 0.0 else UNDECIDED)


@pytest.mark.parametrize(
    "problem",
    [
        Problem(Neuron(1.0, -5.0, 1.0, 0.3)),
        Problem(Neuron(0.0, 1.3, 0.7, 0.1)),
        Problem(Neuron(0.0, 1.3, 0.7, 0.1), inputs=grid(101)),
        Problem(
            Neuron(0.0, 1.3, 0.7, 0.1), inputs=Sample(np.linspace(-1, 1, 37), weights=np.linspace(0.1, 1, 37))
        ),
        Problem(Neuron(0.0, 0.0, 3.0, 0.0)),
    ],
)
def test_a_constant_teacher_is_learnt_by_a_constant(problem: Problem) -> None:
    mean = moments(problem).mean
    assert int(outcome(Neuron(1.0, -2.0, 1.0, mean), problem)) == GLOBAL
    assert int(outcome(Neuron(1.0, -2.0, 1.0, mean + 0.01), problem)) == GLOBAL
    assert int(outcome(Neuron(1.0, -2.0, 1.0, mean + 0.1), problem)) == UNDECIDED


@pytest.mark.parametrize("kink", [0.9, 0.99, 0.999])
def test_a_teacher_that_is_nearly_a_line_tells_line_from_teacher(kink: float) -> None:
    problem = Problem(Neuron(1.0, kink, 1.0, 0.0))
    line = (2.0 * (1.0 - kink) / 2.0) ** 3  # only to order: u³ with u = (1 − kink)/2
    straight = best_line(problem)
    assert 0.0 < float(loss(straight, problem)) < line
    assert int(outcome(straight, problem)) == LINEAR
    assert int(outcome(problem.teacher, problem)) == GLOBAL
    steady = straight._replace(b2=straight.b2 + 2.0 * float(loss(straight, problem)) ** 0.5)
    assert int(outcome(steady, problem)) == UNDECIDED


def test_shapes_dtypes_and_libraries() -> None:
    theta = np.array(
        [Neuron(), Neuron(0.5, 1.0, 1.0, -0.75), Neuron(1.0, -2.0, 1.0, 0.25), Neuron(NAN), Neuron(b2=1.0)]
    ).T
    expected = [GLOBAL, LINEAR, CONSTANT, DIVERGED, UNDECIDED]
    for array in (theta, theta.astype(np.float32)):
        codes = outcome(array)
        assert codes.dtype == np.int8
        np.testing.assert_array_equal(codes, expected)
    np.testing.assert_array_equal(outcome(theta[:, :, None]), np.array(expected)[:, None])
    assert outcome(Neuron()).shape == ()
    assert outcome(np.ones((4, 0))).shape == (0,)
    strict = pytest.importorskip("array_api_strict")
    np.testing.assert_array_equal(np.from_dlpack(outcome(strict.asarray(theta))), expected)


def test_arrays_of_problems() -> None:
    problem = Problem(
        Neuron(1.0, np.array([0.0, -0.5, -2.0]), 1.0, 0.0), Uniform(-1.0, np.array([1.0, 1.0, 1.0]))
    )
    np.testing.assert_array_equal(outcome(Neuron(), problem), [GLOBAL, UNDECIDED, UNDECIDED])
    np.testing.assert_array_equal(outcome(problem.teacher, problem), [GLOBAL] * 3)


def test_stopped_trajectories_are_diverged_whatever_their_state() -> None:
    theta = np.stack([np.asarray(Neuron())] * 3, axis=-1)
    codes = outcome(theta, Problem(), np.array([True, False, True]))
    np.testing.assert_array_equal(codes, [DIVERGED, GLOBAL, DIVERGED])
    assert int(outcome(Neuron(), Problem(), True)) == DIVERGED
    assert int(outcome(Neuron(b2=1.0), Problem(), False)) == UNDECIDED


@pytest.mark.parametrize("w2", [0.7, 1.0, 2.0])
def test_a_hyperactive_neuron_next_to_the_wall_is_not_linear_yet(w2: float) -> None:
    # Its loss is that of the best line to 8e-4 of it, and it leaves the cell.
    above, beyond = 0.004, 1e-4
    w1 = 0.5 / w2
    start = Neuron(w1, w1 + beyond, w2, 0.25 + above - w2 * (w1 + beyond))
    assert int(activity(start)) == HYPERACTIVE
    assert abs(float(loss(start)) - 1.0 / 48.0) < 1e-3 / 48.0
    assert int(outcome(start)) == UNDECIDED
    run = integrate(start, Problem(), 1.0)
    assert run.crossings[0].event == "hyperactive -> balanced"
    before = np.array([point.theta for point in run.points if point.t < run.crossings[0].t]).T
    assert np.all(outcome(before) == UNDECIDED)


def test_lingering_next_to_the_separatrix_is_undecided() -> None:
    run = integrate(Neuron(1.0, 0.0, 1.0, -1.872786), Problem(), 400.0)
    near = np.array([point.theta for point in run.points if abs(point.loss * 48.0 - 1.0) < 1e-3]).T
    assert near.shape[1] > 10
    assert np.all(outcome(near) == UNDECIDED)
    assert int(outcome(np.array(run.last.theta))) == GLOBAL


@pytest.mark.some(2)
@pytest.mark.parametrize("seed", range(4))
def test_no_decided_outcome_changes_later(seed: int) -> None:
    rng: Any = np.random.default_rng(seed)
    for _ in range(6):
        run = integrate(Neuron(*rng.normal(0.0, 1.5, 4).tolist()), Problem(), 300.0)
        codes = outcome(np.array([point.theta for point in run.points]).T)
        decided = codes[codes != UNDECIDED]
        assert np.unique(decided).size <= 1
        if decided.size:
            first = int(np.argmax(codes != UNDECIDED))
            assert np.all(codes[first:] == decided[0])


def test_at_rest_next_to_a_wall_a_line_is_linear() -> None:
    on_wall = Neuron(0.5, 0.5, 1.0, -0.25)
    assert not trapped(on_wall)
    assert int(outcome(on_wall)) == LINEAR
    inside = Neuron(0.5, 0.5 - 1e-3, 1.0, -0.25 + 1e-3)
    assert int(activity(inside)) == BALANCED
    assert int(outcome(inside)) in (UNDECIDED, LINEAR)


def test_a_dying_neuron_at_the_best_constant_is_undecided_until_it_rests() -> None:
    active = Neuron(1.0, -0.999, -1.0, 0.25)
    assert int(activity(active)) == BALANCED
    assert int(outcome(active)) == UNDECIDED
    assert int(outcome(active._replace(b1=-1.0 + 1e-9))) == CONSTANT


@pytest.mark.parametrize("w1", [1.0, -1.0])
@pytest.mark.parametrize("width", [1e-8, 1e-12])
def test_a_barely_active_neuron_is_constant_only_if_it_is_dying(w1: float, width: float) -> None:
    # At lo the teacher is 0, at hi it is 1: with b2 = 1/4 the residual there is 1/4 or −3/4.
    dying, reviving = (-1.0, 1.0) if w1 > 0 else (1.0, -1.0)
    for w2, expected in ((dying, CONSTANT), (reviving, UNDECIDED)):
        assert int(outcome(Neuron(w1, -1.0 + width, w2, 0.25))) == expected


@pytest.mark.parametrize("beside", [1e-3, 1e-4, 1e-5])
def test_a_teacher_that_is_nearly_a_line_is_none(beside: float) -> None:
    """The best line's loss is 0 where it is exact, not where it is small: `decide` says so too."""
    problem = Problem(Neuron(1.0, 1.0 - beside, 1.0, 0.0))
    level = references(problem)
    assert 0.0 < level.line < 1e-5
    assert level.near_line == pytest.approx(1e-3 * level.line, rel=1e-12)
    neuron = best_line(problem)
    assert decide(neuron, problem).outcome == LINEAR
    assert outcome(neuron, problem) == LINEAR
    exact = references(Problem(Neuron(1.0, 1.0, 1.0, 0.0)))
    assert exact.line == 0.0
    assert exact.near_line == pytest.approx(1e-3 * exact.constant)


def test_single_precision_rests_where_double_does() -> None:
    theta = np.random.default_rng(5).normal(size=(4, 200))
    theta[:, :20] = np.array([1.0, 0.0, 1.0, 0.0])[:, None]
    theta[:, 20:40] = np.array([0.0, -1.0, 1.0, 0.25])[:, None]
    expected = at_rest(theta)
    assert np.array_equal(at_rest(theta.astype(np.float32)), expected)
    assert np.all(expected[:40])
    large = np.array([1e30, 1.0, 1e-3, 1.0], np.float32)
    assert at_rest(large).dtype == bool
