"""A remedy changes what its name says and nothing else; shares, rescues and losses add up."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.descent import GD, Adam, train_arrays
from gradflow.descent.modifiers import Modifiers
from gradflow.ends import descent_outcomes
from gradflow.ends.outcome import CONSTANT, DIVERGED, GLOBAL, LINEAR, UNDECIDED, references
from gradflow.field import gradient, loss
from gradflow.field.kinds import KINDS, PLAIN, Kind
from gradflow.flow.of_kind import flow
from gradflow.flow.status import DIVERGED as FLOW_DIVERGED
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.study.claims.remedies.table import (
    Effort,
    rows,
)
from gradflow.study.remedies import REMEDIES, TEACHERS, Method, measure, starts
from gradflow.study.remedies.measure import (
    B1,
    B2,
    LOW,
    PENALISED,
    _ends,
    at_penalised_minimum,
    by_id,
    ends,
    penalised,
)
from gradflow.study.remedies.rows import NOTHING, _centred, _normalised

GRID = starts(5, 5)
ADAM, GRADIENT = Method("adam", 0.01), Method("gd", 0.1)


def test_without_a_remedy_starts_end_where_training_takes_them() -> None:
    for teacher, cells in zip(TEACHERS, measure(NOTHING, (ADAM,), GRID, 2000, TEACHERS), strict=True):
        cell = cells[ADAM]
        assert cell is not None
        np.testing.assert_array_equal(
            cell.outcome, descent_outcomes(GRID, Problem(teacher), Adam(0.01), 2000)
        )
        assert {GLOBAL, LINEAR, CONSTANT} <= set(cell.outcome.ravel().tolist())


def test_the_second_teacher_has_biases_inside_the_square() -> None:
    first, second = TEACHERS
    assert first == Problem().teacher
    assert -1.0 < -second.b1 / second.w1 < 1.0
    assert B1[0] < second.b1 < B1[1]
    assert B2[0] < second.b2 < B2[1]
    assert second.b1 != 0.0 != second.b2


@pytest.mark.parametrize("name", ["leaky", "silu", "centred", "gate", "bounded-solved", "decoupled-biases"])
def test_teachers_in_one_batch_do_not_see_each_other(name: str) -> None:
    methods = (GRADIENT, ADAM)
    both = measure(by_id(name), methods, GRID, 40, TEACHERS)
    for teacher, together in zip(TEACHERS, both, strict=True):
        (alone,) = measure(by_id(name), methods, GRID, 40, (teacher,))
        for method in methods:
            for one, other in zip(alone[method] or (), together[method] or (), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["leaky", "silu", "gelu"])
def test_the_teacher_has_the_students_activation(name: str) -> None:
    for teacher in TEACHERS:
        problem = by_id(name).task(Problem(teacher))
        assert problem.teacher == teacher
        assert problem.activation == problem.teacher_activation != Problem().activation
        assert loss(teacher, problem) < 1e-30


def test_the_time_to_a_low_loss_is_that_of_the_recorded_losses() -> None:
    cell = measure(NOTHING, (GRADIENT,), GRID, 2000)[0][GRADIENT]
    run = train_arrays(GRID, Problem(), GD(0.1), 2000, record_every=20)
    assert cell is not None
    for i in np.ndindex(5, 5):
        low = np.flatnonzero(run.loss[(slice(None), *i)] < 1e-6)
        expected = run.steps[low[0]] if low.size else np.nan
        np.testing.assert_equal(cell.time[i], float(expected))
    assert np.any(np.isfinite(cell.time))


@pytest.mark.parametrize("name", ["lower-rate", "warm-up", "cosine", "step-decay", "warm-up-cosine"])
def test_schedules_are_those_of_their_names(name: str) -> None:
    schedule = by_id(name).schedule(2000)
    factors = np.array([schedule(step) for step in range(2000)])
    assert np.all((factors >= 0.0) & (factors <= 1.0))
    first, middle, last = factors[0], factors[999], factors[-1]
    expected = {
        "lower-rate": first == middle == last == 0.1,
        "warm-up": first == 0.0 and middle == last == 1.0,
        "cosine": first == 1.0 and abs(middle - 0.5) < 1e-2 and last < 1e-4,
        "step-decay": first == 1.0 and middle == pytest.approx(0.1) and last == pytest.approx(1e-3),
        "warm-up-cosine": first == 0.0 and factors[500] == 1.0 and last < 1e-4,
    }
    assert expected[name]


def test_initialisations_draw_once_and_leave_no_bias() -> None:
    zero, kaiming, drawn = (by_id(name).start(GRID) for name in ("zero-bias", "kaiming", "drawn"))
    assert zero.b1 == zero.b2 == kaiming.b1 == kaiming.b2 == 0.0
    np.testing.assert_allclose(kaiming.w1, np.sqrt(2.0) * zero.w1)
    np.testing.assert_array_equal(drawn.w1, zero.w1)
    np.testing.assert_array_equal(drawn.b1, GRID.b1)
    again = by_id("zero-bias").start(GRID)
    np.testing.assert_array_equal(again.w2, zero.w2)
    assert abs(float(np.var(by_id("zero-bias").start(starts(60, 60)).w1)) - 1.0) < 0.1


@pytest.mark.parametrize("problem", [Problem(), Problem(Neuron(1.5, -0.2, -0.7, 0.3), Uniform(-1.0, 3.0))])
def test_normalised_and_centred_problems_are_the_same_task(problem: Problem) -> None:
    lo, hi = float(problem.lo), float(problem.hi)
    mean, deviation = 0.5 * (lo + hi), (hi - lo) / np.sqrt(12.0)
    theta = np.array([0.8, 0.3, -1.1, 0.2])
    moved = np.array([theta[0] * deviation, theta[1] + theta[0] * mean, theta[2], theta[3]])
    assert loss(moved, _normalised(problem)) == pytest.approx(float(loss(theta, problem)), rel=1e-13)
    shift = problem.teacher.b2 - _centred(problem).teacher.b2
    assert loss(theta - np.array([0, 0, 0, shift]), _centred(problem)) == pytest.approx(
        float(loss(theta, problem))
    )


def test_what_changes_no_flow_is_marked() -> None:
    for remedy in REMEDIES:
        acts = (
            remedy.kind is not PLAIN
            or remedy.task(Problem()) != Problem()
            or remedy.penalty is not None
            or any(np.any(a != b) for a, b in zip(remedy.start(GRID), GRID, strict=True))
        )
        assert remedy.changes_flow == (acts or remedy is NOTHING), remedy.id
    assert measure(by_id("warm-up"), (Method("flow"),), GRID, 10) == ({Method("flow"): None},)
    assert measure(by_id("momentum"), (ADAM,), GRID, 10) == ({ADAM: None},)


def test_decay_of_the_flow_is_that_of_small_steps() -> None:
    start, strength = Neuron(0.7, 0.4, 1.2, -0.3), (0.1, 0.0, 0.2, 0.3)
    kind = penalised(PLAIN, strength)
    end = flow(kind, start, Problem(), 2.0, rtol=1e-11).final
    theta, rate = np.array(start), 2.0 / 4000
    run = train_arrays(theta, Problem(), GD(rate), 4000, modifiers=decays(strength)).final
    np.testing.assert_allclose(end, run, atol=2e-3)
    assert np.max(np.abs(end - flow(PLAIN, start, Problem(), 2.0).final)) > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coupled-weights", "decoupled-weights"])
def test_the_measured_flow_decays_in_either_style(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is measured ends where SciPy's integration of −∇L − λθ does, the teacher's own run included.
    module = importlib.import_module("gradflow.study.remedies.measure")
    monkeypatch.setattr(module, "LONGEST", 3.0)
    seen = []

    def recorded(kind: Kind, begin: Neuron, *arguments: Any, **options: Any) -> Any:
        seen.append((np.stack(begin), flow(kind, begin, *arguments, **options)))
        return seen[-1][1]

    monkeypatch.setattr(module, "flow", recorded)
    strength = (0.1, 0.0, 0.2, 0.3)
    coupled = name.startswith("coupled")
    remedy = replace(by_id(name), modifiers=Modifiers(coupled=strength) if coupled else decays(strength))
    measure(remedy, (Method("flow"),), starts(2, 2), 1, TEACHERS)
    ((begin, run),) = seen
    assert begin.shape == (4, 2, 5)
    rates = np.array(strength)
    for k, teacher in enumerate(TEACHERS):
        np.testing.assert_array_equal(begin[:, k, -1], teacher)
        for i in range(5):
            field = solve_ivp(
                lambda _, y, teacher=teacher: -gradient(y, Problem(teacher)) - rates * y,
                (0.0, 3.0), begin[:, k, i], rtol=1e-9, atol=1e-11,
            )  # fmt: skip
            np.testing.assert_allclose(run.final[:, k, i], field.y[:, -1], rtol=1e-5, atol=1e-6)


def test_what_decay_keeps_from_the_teacher_is_told_apart() -> None:
    problem = Problem()
    line = float(references(problem).line)
    codes = np.array([[UNDECIDED, UNDECIDED, UNDECIDED, LINEAR, GLOBAL, UNDECIDED]], dtype=np.int8)
    value = np.array([[2e-3, 2.19e-3, 2.3e-3, 2e-3, 0.0, 2e-3]])
    found = at_penalised_minimum(codes, value, problem)
    assert found.tolist() == [[PENALISED, PENALISED, UNDECIDED, LINEAR, GLOBAL, PENALISED]]
    # From the teacher itself training ends at the teacher, or has learned no more than a line.
    codes[0, -1] = GLOBAL
    np.testing.assert_array_equal(at_penalised_minimum(codes, value, problem), codes)
    codes[0, -1] = UNDECIDED
    np.testing.assert_array_equal(at_penalised_minimum(codes, value + line, problem), codes)


def test_decay_pulls_to_the_first_teacher_and_away_from_the_second() -> None:
    remedy = replace(by_id("coupled-biases"), modifiers=Modifiers(coupled=(0.0, 0.1, 0.0, 0.1)))
    first, second = measure(remedy, (GRADIENT,), starts(4, 4), 3000, TEACHERS)
    told = [cell.shares() for cells in (first, second) if (cell := cells[GRADIENT]) is not None]
    assert told[0]["global"] > 0.2
    assert told[0]["penalised"] == 0.0 == told[1]["global"]
    assert told[1]["penalised"] + told[1]["linear"] + told[1]["undecided"] > 0.5


def test_coupled_and_decoupled_decay_are_equally_strong() -> None:
    for which in ("all", "weights", "biases"):
        coupled, decoupled = by_id(f"coupled-{which}"), by_id(f"decoupled-{which}")
        assert coupled.penalty == decoupled.penalty
        one, other = (measure(r, (GRADIENT,), GRID, 200)[0][GRADIENT] for r in (coupled, decoupled))
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.outcome, other.outcome)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["drawn", *(pytest.param(n, marks=pytest.mark.slow) for n in ("none", "shifted", "silu", "gate"))]
)
def test_what_need_not_be_followed_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("gradflow.study.remedies.measure")
    monkeypatch.setattr(module, "LONGEST", 60.0)
    remedy, counts = by_id(name), []
    for teacher, cells in zip(TEACHERS, measure(remedy, (Method("flow"),), GRID, 10, TEACHERS), strict=True):
        cell, problem = cells[Method("flow")], remedy.task(Problem(teacher))
        assert cell is not None
        run = flow(remedy.kind, remedy.start(GRID), problem, 60.0, below=LOW, max_steps=4000)
        good = cell.outcome == GLOBAL
        counts.append(int(np.sum(good)))
        np.testing.assert_array_equal(cell.time[good], np.broadcast_to(run.first_below, good.shape)[good])
        assert np.all(np.isnan(cell.time[~good]))
        codes = np.broadcast_to(_ends(remedy, run.final, problem, run.status == FLOW_DIVERGED), good.shape)
        # Of a plain neuron's end more may be known by then: what is proved, or how near it is to rest.
        known = codes != UNDECIDED if remedy.kind is PLAIN else np.ones_like(good)
        np.testing.assert_array_equal(cell.outcome[known], codes[known])
    assert 0 < sum(counts) < 2 * GRID.b1.size


def test_under_decay_rest_is_that_of_the_penalised_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("gradflow.study.remedies.measure")
    kinds: list[str] = []

    def recorded(kind: Kind, *arguments: Any) -> Any:
        kinds.append(kind.name)
        return ends(kind, *arguments)

    monkeypatch.setattr(module, "LONGEST", 1.0)
    monkeypatch.setattr(module, "ends", recorded)
    measure(by_id("coupled-biases"), (Method("flow"),), starts(2, 2), 5)
    assert kinds == ["plain, penalised"]


def test_the_flow_is_followed_once_for_both_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("gradflow.study.remedies.measure")
    monkeypatch.setattr(module, "LONGEST", 2.0)
    effort = Effort(2, 2, 5, (Method("flow"), ADAM))
    table = rows((by_id("coupled-all"), by_id("decoupled-all")), effort)
    coupled, decoupled = (
        [entry.shares for entry in table if (entry.remedy, entry.method) == (by_id(name).name, "flow")]
        for name in ("coupled-all", "decoupled-all")
    )
    assert len(coupled) == 2
    assert coupled == decoupled
    alone = measure(by_id("decoupled-all"), (Method("flow"),), starts(2, 2), 5, TEACHERS)
    assert [cell.shares() for cells in alone if (cell := cells[Method("flow")])] == decoupled


def decays(strength: tuple[float, ...]) -> Modifiers:
    return Modifiers(decoupled=strength)


@pytest.mark.parametrize("name", list(KINDS))
def test_ends_are_named_by_loss_speed_and_activity(name: str) -> None:
    kind, problem = KINDS[name], Problem()
    good = kind.start(np.array([1.0, 0.0, 1.0, 0.0]), problem)
    assert ends(kind, good, problem, np.asarray(False)) == GLOBAL
    assert ends(kind, good, problem, np.asarray(True)) == DIVERGED
    away = kind.start(np.array([1.0, 0.3, 0.4, 1.0]), problem)
    assert ends(kind, away, problem, np.asarray(False)) == UNDECIDED
    if name in ("plain", "shifted", "solved-bias", "solved-output"):
        line = kind.start(np.array([1.0, 1.5, 0.5, -0.5]), problem)
        assert ends(kind, line, problem, np.asarray(False)) == LINEAR
        dead = kind.start(np.array([1.0, -1.5, 0.5, 0.25]), problem)
        assert ends(kind, dead, problem, np.asarray(False)) == CONSTANT


@pytest.mark.slow
def test_rescued_and_lost_are_what_shares_differ_by() -> None:
    effort = Effort(4, 4, 400, (GRADIENT, ADAM))
    names = ("none", "warm-up", "bounded", "solved-bias", "drawn", "zero-bias")
    table = rows(tuple(map(by_id, names)), effort)
    share = {(row.remedy, row.teacher, row.method): row.shares["global"] for row in table}
    assert len(table) == len(share) == len(names) * 2 * 2
    for row in table:
        assert sum(row.shares.values()) == pytest.approx(1.0)
        beside = share[row.control, row.teacher, row.method]
        assert row.shares["global"] - beside == pytest.approx(row.gain)
        assert row.gain == row.rescued - row.lost
        if row.remedy == "none":
            assert row.rescued == row.lost == 0.0
    assert {row.control for row in table if row.remedy == "normal weights, zero biases"} == {"normal weights"}
    assert any(row.rescued > 0.0 for row in table)
