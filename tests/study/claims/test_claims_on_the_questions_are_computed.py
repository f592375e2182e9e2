"""The claims on the post's questions: valid findings, whose verdicts follow what was computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradflow.ends import Threshold
from gradflow.field.kinds import KINDS, PLAIN, Kind
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.ledger import check
from gradflow.study.claims.single_neuron import practices, questions, shares, table
from gradflow.study.claims.single_neuron.table import UNTESTABLE
from tests.theory.moments import moments

CLAIMS = [claim for claim in table.CLAIMS if claim.id.startswith(("q", "practice."))]
BY_ID = {claim.id: claim for claim in CLAIMS}
IDS = [
    *("q1.solved", "q1.parametrisation", "q2.silu-better", "q2.something-better"),
    *("practice.model-bias", "practice.data-bias"),
]


def test_ids_are_the_documents_and_reasons_are_given() -> None:
    assert list(BY_ID) == IDS
    assert all(sentence.strip() and reason.endswith((".", ")")) for sentence, reason in UNTESTABLE)


def test_with_biases_after_all_the_verdict_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practices, "UNBIASED", PLAIN)
    assert check(BY_ID["practice.model-bias"], quick=True).finding.verdict == "refuted"


class Ended(NamedTuple):
    """What a practice reads of a run."""

    final: np.ndarray
    loss: np.ndarray


def ending(patch: pytest.MonkeyPatch, stays: Callable[[Problem, Kind], float]) -> None:
    """Let runs end at once: of the starts so large a share where they began, the others dead."""

    def train(start: Neuron, problem: Problem, *_: Any, kind: Kind = PLAIN, **__: Any) -> Ended:
        theta = np.stack(np.broadcast_arrays(*(np.asarray(value) for value in start)))
        gone = np.arange(theta.shape[1]) >= stays(problem, kind) * theta.shape[1]
        # w1 x + b1 < 0 everywhere; without b1 only w1 = 0 is not balanced.
        theta[1, gone] = -1e3
        if len(kind.parameters) == 2:
            theta[0, gone] = 0.0
            theta = theta[[0, 2]]
        return Ended(theta, np.ones((1, theta.shape[1])))

    patch.setattr(practices, "train_arrays", train)


@pytest.mark.parametrize(
    ("biased", "unbiased", "expected"),
    [(0.5, 1.0, "reproduced"), (1.0, 1.0, "refuted"), (0.5, 0.5, "refuted")],
)
def test_biases_that_drive_or_not(
    biased: float, unbiased: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, lambda problem, kind: biased if kind is PLAIN else unbiased)
    assert check(BY_ID["practice.model-bias"], quick=True).finding.verdict == expected


def test_starts_that_were_never_balanced_are_not_driven_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ending(monkeypatch, lambda problem, kind: 1.0)
    values = check(BY_ID["practice.model-bias"], quick=True).finding.values
    for name, entry in values.items():
        assert entry["of_them_balanced_at_the_end"] == entry["balanced_at_the_start"], name
        assert (entry["balanced_at_the_start"] < 100) is name.endswith("with biases")


@pytest.mark.parametrize(
    ("normalised", "moved", "few", "quick", "expected"),
    [
        (1.0, 0.2, 0.2, False, "reproduced"),
        (1.0, 0.2, 1.0, False, "conditional"),
        (1.0, 0.2, 1.0, True, "conditional"),
        (0.2, 1.0, 1.0, False, "refuted"),
    ],
)
def test_normalised_data_keep_more_or_not(
    normalised: float, moved: float, few: float, quick: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stays(problem: Problem, kind: Kind) -> float:
        if float(problem.inputs.hi) == np.sqrt(3.0):
            return normalised
        return few if float(problem.teacher.b2) == 4.0 else moved

    ending(monkeypatch, stays)
    finding = check(BY_ID["practice.data-bias"], quick=quick).finding
    assert finding.verdict == expected
    assert "at the teacher" in finding.summary.lower(), "told, but not judged by"


def test_normalised_the_problems_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Problem] = []

    def noted(start: Neuron, problem: Problem, *_: Any, **__: Any) -> Ended:
        seen.append(problem)
        return Ended(np.stack(start), np.ones((1, 1000)))

    monkeypatch.setattr(practices, "train_arrays", noted)
    check(BY_ID["practice.data-bias"], quick=True)
    of = [moments(problem) for problem in seen]
    (own,) = (m for m in of if abs(m.mean_x) + abs(m.mean) < 1e-12)
    assert own.variance_x == pytest.approx(1.0)
    assert own.variance == pytest.approx(1.0)
    others = [m for m in of if m is not own]
    assert len(others) == 7
    for m in others:
        assert m.variance_x == pytest.approx(1 / 3)
        assert m.variance == pytest.approx(5 / 48)
        correlation = m.covariance / np.sqrt(m.variance_x * m.variance)
        assert correlation == pytest.approx(own.covariance, rel=1e-12)


@pytest.mark.parametrize(("lost", "expected"), [(0.0, "conditional"), (0.25, "reproduced")])
def test_solving_keeps_the_dead_and_the_hyperactive_where_they_are_or_not(
    lost: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    b1 = np.linspace(*shares.B1, shares.size_of(True).starts)
    best = {
        "global": np.mean(np.abs(b1) < 1.0),
        "linear": np.mean(b1 >= 1.0),
        "constant": np.mean(b1 <= -1.0),
    }
    solved = {**best, "linear": best["linear"] - lost, "constant": best["constant"] + lost}
    row = {"plain": {**best, "global": 0.1}, "solved-bias": solved, "solved-output": solved}
    monkeypatch.setattr(questions, "table", lambda *_: dict.fromkeys(shares.DYNAMICS, row))
    monkeypatch.setattr(questions, "bracket", lambda *_, **__: Threshold(0.9, 1e-2, "global", "linear", 1))
    finding = check(BY_ID["q1.solved"], quick=True).finding
    assert finding.verdict == expected
    assert ("Dead starts stay dead" in finding.summary) == (lost == 0.0)


def test_starts_that_become_balanced_are_not_kept_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(start: Neuron, problem: Problem, *_: Any, **__: Any) -> Ended:
        theta = np.stack(start)
        # The breakpoint in the middle of the inputs.
        theta[1] = -theta[0] * (float(problem.inputs.lo) + float(problem.inputs.hi)) / 2
        return Ended(theta, np.ones((1, theta.shape[1])))

    monkeypatch.setattr(practices, "train_arrays", train)
    for entry in check(BY_ID["practice.data-bias"], quick=True).finding.values.values():
        assert entry["balanced_at_the_end"] == 1.0
        assert entry["of_them_balanced_at_the_end"] == entry["balanced_at_the_start"] < 1000


def test_a_kind_that_gains_nothing_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "KINDS", {"plain": PLAIN, "gated": PLAIN._replace(name="gated")})
    assert check(BY_ID["q2.something-better"], quick=True).finding.verdict == "refuted"


def test_shares_are_counted_by_the_losses() -> None:
    losses = np.array([0.0, 1e-9, 1 / 48, 1.0005 / 48, 1.01 / 48, 5 / 48, 0.05, np.nan])
    found = shares.shares(losses)
    assert [found[end] for end in shares.ENDS] == [0.25, 0.25, 0.125, 0.375]
    assert found["median_loss"] == pytest.approx(1.0005 / 48)


def test_where_the_bias_is_solved_its_start_does_not_matter() -> None:
    size = shares.QUICK
    one = shares.final_losses(KINDS["solved-bias"], "GD", size)
    each = shares.final_losses(KINDS["solved-bias"], "GD", size, start=shares.starts(size))
    assert one.shape == (7, 1)
    np.testing.assert_allclose(each, np.broadcast_to(one, (7, 7)), rtol=1e-9, atol=1e-15)


def test_the_edge_of_the_claim_on_solved_biases_is_bracketed() -> None:
    for value, lost in ((0.83, False), (0.85, True)):
        loss = shares.final_losses(
            KINDS["solved-bias"],
            "flow",
            shares.FULL._replace(rtol=1e-8),
            start=Neuron(b1=value),
        )
        assert bool(loss > 0.5 / 48) is lost
