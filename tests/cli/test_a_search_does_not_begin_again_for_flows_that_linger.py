"""Once a round of a search has met a flow that lingers, the next rounds follow theirs in compiled code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradflow.cli.entry import run
from gradflow.ends import follow
from gradflow.flow import ensemble


@pytest.mark.slow
def test_by_a_slow_saddle_numpy_follows_flows_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engines: list[str | None] = []
    asked = 0
    right = ensemble.integrate_ensemble

    def counting(*arguments: Any, **options: Any) -> Any:
        nonlocal asked
        engines.append(options["backend"])
        rule = options["stop"]

        def decide(states: Any) -> Any:
            nonlocal asked
            asked += 1
            return rule.decide(states)

        return right(*arguments, **{**options, "stop": rule._replace(decide=decide)})

    monkeypatch.setattr(follow, "integrate_ensemble", counting)
    assert run(["threshold", "--vary", "w2", "--between", "-2", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["value"] == pytest.approx(-0.6111003867533, abs=1e-9)
    assert (found["below"], found["above"], found["changes"]) == ("constant", "global", 1)
    # Each round used to begin with NumPy's, and 1 500 were asked.
    followed = engines.index("numba")
    assert None not in engines[followed:]
    assert asked < 600
