"""The claims on the post's questions: valid findings, whose verdicts follow what was computed."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.claims.ledger import VERDICTS, Claim, check
from gradflow.claims.single_neuron import practices, questions, shares
from gradflow.claims.single_neuron.questions import CLAIMS, UNTESTABLE
from gradflow.neurons import KINDS, PLAIN
from gradflow.problem import Neuron
from gradflow.results import to_json

BY_ID = {claim.id: claim for claim in CLAIMS}
VERDICT = {
    "q1.solved": "conditional",
    "q1.parametrisation": "conditional",
    "q2.silu-better": "conditional",
    "q2.something-better": "conditional",
    "practice.model-bias": "conditional",
    "practice.data-bias": "reproduced",
}


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=list(BY_ID))
def test_findings_are_valid(claim: Claim) -> None:
    found = check(claim, quick=True)
    assert found.finding.verdict in VERDICTS
    assert found.finding.verdict == VERDICT[claim.id]
    assert found.finding.summary.endswith(".")
    text = to_json(found.record())
    assert "NaN" not in text
    assert "Infinity" not in text


def test_ids_are_the_documents_and_reasons_are_given() -> None:
    assert list(BY_ID) == list(VERDICT)
    assert all(sentence.strip() and reason.endswith((".", ")")) for sentence, reason in UNTESTABLE)


def test_with_biases_after_all_the_verdict_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practices, "UNBIASED", PLAIN)
    assert check(BY_ID["practice.model-bias"], quick=True).finding.verdict == "refuted"


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
