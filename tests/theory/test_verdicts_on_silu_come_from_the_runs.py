"""What the ledger says of Observation 3 is computed: with other runs or predictions it says otherwise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gradflow.claims import check
from gradflow.claims.single_neuron import observation3, silu
from gradflow.descent import Adam
from gradflow.problem import Neuron, Problem, grid
from gradflow.theory.saddle import Critical
from gradflow.theory.waiting import predicted_wait

CLAIMS = {claim.id: claim for claim in observation3.CLAIMS}


def verdict(name: str) -> tuple[str, str, dict[str, Any]]:
    """Return the verdict, the summary and the values of a quick check."""
    finding = check(CLAIMS[name], quick=True).finding
    return finding.verdict, finding.summary, finding.values


def everywhere(patch: pytest.MonkeyPatch, **names: Any) -> None:
    """Replace names wherever the claims have them."""
    for module in (observation3, silu):
        for name, value in names.items():
            if hasattr(module, name):
                patch.setattr(module, name, value)


def ends(value: Any) -> list[Any]:
    """Return everything at the ends of nested data."""
    if isinstance(value, dict):
        return [end for item in value.values() for end in ends(item)]
    return [end for item in value for end in ends(item)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_finding_can_be_published(name: str) -> None:
    record = check(CLAIMS[name], quick=True).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert None not in ends(record["evidence"])
    summary = record["evidence"]["summary"]
    assert summary.endswith(".")
    assert "None" not in summary
    assert "nan" not in summary


def test_as_it_is() -> None:
    assert {name: verdict(name)[0] for name in CLAIMS} == {
        "obs3.recovers": "conditional",
        "obs3.saddle": "conditional",
        "obs3.waiting": "reproduced",
        "obs3.spikes": "reproduced",
    }
    values = verdict("obs3.waiting")[2]
    assert values["adam"]["100 inputs"]["exit"] == pytest.approx(6216, abs=5)
    assert values["largest_relative_error"] < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", ["obs3.recovers", "obs3.saddle", "obs3.waiting", "obs3.spikes"])
def test_an_optimiser_that_stands_still(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, ADAM=Adam(lr=1e-9))
    found, summary, _ = verdict(name)
    assert found in ("refuted", "open"), summary
    assert "nan" not in summary


def test_a_start_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, START=Neuron(b2=-0.2), QUICK_STEPS=1000)
    assert verdict("obs3.saddle")[0] == "refuted"


def test_predictions_that_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, predicted_wait=lambda *arguments: 1.5 * predicted_wait(*arguments))
    found, summary, _ = verdict("obs3.waiting")
    assert found == "open"
    assert "only within" in summary


def test_a_limit_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, adam_limit=lambda *arguments: 8000.0)
    assert verdict("obs3.spikes")[0] == "refuted"
    everywhere(monkeypatch, adam_limit=lambda *arguments: 3000.0)
    assert verdict("obs3.spikes")[0] in ("open", "refuted")


def test_a_search_that_finds_a_saddle(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(states: Any, *_: Any, **__: Any) -> Any:
        theta = np.array(states)
        many = theta.shape[1:]
        values = np.broadcast_to(np.array([-1.0, 1.0, 1.0, 1.0]).reshape(4, *(1,) * len(many)), theta.shape)
        nothing = np.zeros(many)
        return Critical(theta, nothing, nothing, values, np.ones(many, bool))

    monkeypatch.setattr(observation3, "search", search)
    found, summary, _ = verdict("obs3.saddle")
    assert found == "reproduced"
    assert "finds a saddle" in summary


def test_a_path_to_infinity_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation3, "line_at_infinity", lambda b1, w1, problem: Neuron(w1, b1, 1.0, 0.0))
    assert verdict("obs3.saddle")[0] == "open"


@pytest.mark.slow
def test_a_student_that_cannot_be_the_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Problem(inputs=grid(100), activation="tanh", teacher_activation="silu")
    everywhere(monkeypatch, SILU_SAMPLE=sample)
    found, summary, _ = verdict("obs3.recovers")
    assert found == "refuted", summary
    assert "does not come" in summary
