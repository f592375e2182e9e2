"""A remedy changes what its name says and nothing else; shares, rescues and losses add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradflow.basins import descent_outcomes
from gradflow.claims.remedies.table import QUICK, Effort, check, judge, rows, whole
from gradflow.descent import GD, Adam, train
from gradflow.descent.modifiers import Modifiers
from gradflow.field import loss
from gradflow.flow.any_kind import flow
from gradflow.neurons import KINDS, PLAIN
from gradflow.outcome import CONSTANT, DIVERGED, GLOBAL, LINEAR, UNDECIDED
from gradflow.problem import Neuron, Problem, Uniform
from gradflow.remedies import REMEDIES, Method, measure, starts
from gradflow.remedies.measure import by_id, ends, penalised
from gradflow.remedies.rows import NOTHING, _centred, _normalised
from gradflow.report_remedies import advice, remedies

GRID = starts(5, 5)
ADAM, GRADIENT = Method("adam", 0.01), Method("gd", 0.1)


def test_without_a_remedy_starts_end_where_training_takes_them() -> None:
    cell = measure(NOTHING, (ADAM,), GRID, 3000)[ADAM]
    assert cell is not None
    np.testing.assert_array_equal(cell.outcome, descent_outcomes(GRID, Problem(), Adam(0.01), 3000))
    assert {GLOBAL, LINEAR, CONSTANT} <= set(cell.outcome.ravel().tolist())


def test_the_time_to_a_low_loss_is_that_of_the_recorded_losses() -> None:
    cell = measure(NOTHING, (GRADIENT,), GRID, 2000)[GRADIENT]
    run = train(GRID, Problem(), GD(0.1), 2000, record_every=20)
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
            or remedy.problem != NOTHING.problem
            or remedy.modifiers.coupled is not None
            or remedy.modifiers.decoupled is not None
            or any(np.any(a != b) for a, b in zip(remedy.start(GRID), GRID, strict=True))
        )
        assert remedy.changes_flow == (acts or remedy is NOTHING), remedy.id
    assert measure(by_id("warm-up"), (Method("flow"),), GRID, 10) == {Method("flow"): None}
    assert measure(by_id("momentum"), (ADAM,), GRID, 10) == {ADAM: None}


def test_decay_of_the_flow_is_that_of_small_steps() -> None:
    start, strength = Neuron(0.7, 0.4, 1.2, -0.3), (0.1, 0.0, 0.2, 0.3)
    kind = penalised(PLAIN, strength)
    end = flow(kind, start, Problem(), 2.0, rtol=1e-11).final
    theta, rate = np.array(start), 2.0 / 4000
    run = train(theta, Problem(), GD(rate), 4000, modifiers=decays(strength)).final
    np.testing.assert_allclose(end, run, atol=2e-3)
    assert np.max(np.abs(end - flow(PLAIN, start, Problem(), 2.0).final)) > 0.05


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


def test_rescued_and_lost_are_what_shares_differ_by() -> None:
    effort = Effort(5, 5, 800, (GRADIENT, ADAM))
    table = rows((NOTHING, by_id("warm-up"), by_id("bounded"), by_id("solved-bias")), effort)
    base = {row.method: row.shares["global"] for row in table if row.remedy == "none"}
    assert len(table) == 8
    for row in table:
        assert sum(row.shares.values()) == pytest.approx(1.0)
        assert row.shares["global"] - base[row.method] == pytest.approx(row.rescued - row.lost)
        if row.remedy == "none":
            assert row.rescued == row.lost == 0.0
    assert any(row.rescued > 0.0 for row in table)


def test_the_verdict_follows_the_gains() -> None:
    assert judge([0.1, 0.3]) == "reproduced"
    assert judge([0.1, 0.0]) == "conditional"
    assert judge([0.01, -0.3]) == "refuted"
    assert judge([]) == "open"


def test_the_report_has_each_row_once_and_says_what_to_use() -> None:
    records = [
        {"id": f"remedies.{group}", "evidence": check(group, True).values}
        for group in ("steps", "parameters")
    ]
    table = whole([*records, {"id": "obs1.kink", "evidence": {}}])
    names = [row["remedy"] for row in table if row["method"] == "adam 0.01"]
    assert len(names) == len(set(names))
    assert names[0] == "none"
    page = "\n".join(remedies(records))
    assert page.count("<tr>") == 1 + len({row["remedy"] for row in table})
    assert remedies([]) == []
    best = max(
        {row["remedy"] for row in table} - {"none"},
        key=lambda name: np.mean([r["shares"]["global"] for r in table if r["remedy"] == name]),
    )
    assert best in advice(table).split("may be changed: ")[1].split(" (")[0]
    assert all(check(group, True).verdict == "open" for group in ("steps", "gate"))


def test_ids_and_names_are_unique_and_every_group_is_a_claim() -> None:
    from gradflow.claims.remedies import CLAIMS

    assert len({r.id for r in REMEDIES}) == len({r.name for r in REMEDIES}) == len(REMEDIES)
    assert {f"remedies.{r.group}" for r in REMEDIES[1:]} == {claim.id for claim in CLAIMS}
    assert QUICK.methods
    with pytest.raises(ValueError, match=r"^remedy: expected one of none, "):
        by_id("prayer")
    assert replace(NOTHING, id="other") != NOTHING
