"""What the ledger says of Observation 3 is computed: with other runs or predictions it says otherwise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gradflow.descent import Adam
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.study.claims import check
from gradflow.study.claims.single_neuron import observation3, silu, spiking, table
from gradflow.theory.saddle import Critical
from gradflow.theory.waiting import Plateau, predicted_wait

CLAIMS = {claim.id: claim for claim in table.CLAIMS if claim.id.startswith("obs3.")}


def verdict(name: str) -> tuple[str, str, dict[str, Any]]:
    """Return the verdict, the summary and the values of a quick check."""
    finding = check(CLAIMS[name], quick=True).finding
    return finding.verdict, finding.summary, finding.values


def everywhere(patch: pytest.MonkeyPatch, **names: Any) -> None:
    """Replace names wherever the claims have them."""
    for module in (observation3, spiking, silu):
        for name, value in names.items():
            if hasattr(module, name):
                patch.setattr(module, name, value)


def ends(value: Any) -> list[Any]:
    """Return everything at the ends of nested data."""
    if isinstance(value, dict):
        return [end for item in value.values() for end in ends(item)]
    return [end for item in value for end in ends(item)] if isinstance(value, list) else [value]


def test_as_it_is_and_as_it_can_be_published() -> None:
    found = {name: check(claim, quick=True) for name, claim in CLAIMS.items()}
    for record in (one.record() for one in found.values()):
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        assert None not in ends(record["evidence"])
        summary = record["evidence"]["summary"]
        assert summary.endswith(".")
        assert "None" not in summary
        assert "nan" not in summary
    assert {name: one.finding.verdict for name, one in found.items()} == {
        "obs3.recovers": "conditional",
        "obs3.saddle": "conditional",
        "obs3.waiting": "reproduced",
        "obs3.spikes": "open",
    }
    values = found["obs3.waiting"].finding.values
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
    # How long it waits does not depend on whether that is understood.
    assert found == "reproduced"
    assert "only within" in summary


def waited(entry: int | None, measured: int | None) -> dict[str, Any]:
    return {
        "entry": entry,
        "exit": None if measured is None or entry is None else entry + measured,
        "measured": measured,
        "predicted": 100.0,
        "predicted_with_v_unchanged": 100.0,
    }


@pytest.mark.parametrize(
    ("entry", "measured", "flow", "expected"),
    [
        (100, 1500, 1500.0, "reproduced"),
        (100, 1500, 500.0, "conditional"),
        (100, 500, 1500.0, "refuted"),
        (100, None, 1500.0, "open"),
        (None, None, 1500.0, "open"),
    ],
)
def test_a_very_long_wait(
    entry: int | None, measured: int | None, flow: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = np.zeros(4)
    everywhere(
        monkeypatch,
        plateau=lambda *_: Plateau(100.0, 100.0 + flow, start, start),
        adams_wait=lambda *_: waited(entry, measured),
        least_wait=lambda *_: 1.0,
        predicted_wait=lambda *_: 100.0,
        _memory=lambda *_: {"at_step": 10, "steps": 20},
        QUICK_STEPS=10,
    )
    assert verdict("obs3.waiting")[0] == expected


def spiked(spread: float | None = 0.1, **changed: Any) -> dict[str, Any]:
    values = {
        "spikes": 9,
        "limit": 3800.0,
        "crossing": 13_200,
        "predicted_crossing": 13_210.0,
        "delay": 50,
        "predicted_delay": 50.0,
        "errors_of_next_crossings": [1.0, -2.0],
        "median_distance": 300.0,
        "spread_of_distances": spread,
        "model_distance": 310.0,
        "median_peak": spiking.PUBLISHED_PEAK,
        "lowest_floor": spiking.PUBLISHED_FLOOR,
    }
    return {**values, **changed}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([spiked()] * 3, "reproduced"),
        ([spiked(), spiked(0.5), spiked()], "conditional"),
        ([spiked(0.5)] * 3, "refuted"),
        ([spiked(median_peak=1e-2)] * 3, "conditional"),
        ([spiked(lowest_floor=1e-3)] * 3, "conditional"),
        ([spiked(crossing=9_000, predicted_crossing=9_000.0)] * 3, "conditional"),
        ([spiked(), spiked(None), spiked()], "open"),
        ([spiked(predicted_crossing=14_000.0)] * 3, "open"),
        ([spiked(errors_of_next_crossings=[99.0])] * 3, "open"),
        ([spiked(), spiked(spikes=0), spiked()], "refuted"),
    ],
)
def test_spikes_are_periodic_or_not(
    rows: list[dict[str, Any]], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(rows)
    monkeypatch.setattr(spiking, "run", lambda *_: None)
    monkeypatch.setattr(spiking, "spike_values", lambda *_: next(left))
    finding = CLAIMS["obs3.spikes"].check(False)
    assert finding.verdict == expected, finding.summary
    assert "nan" not in finding.summary


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
