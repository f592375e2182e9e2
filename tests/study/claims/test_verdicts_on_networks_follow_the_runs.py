"""Verdicts on success, activity and the post's observations for networks follow what the runs come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradflow.study.claims.networks import landscape, observations, width

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize(
    ("losses", "expected"), [((0.0,), "reproduced"), ((1.0,), "refuted"), ((0.0, 1.0), "conditional")]
)
def test_of_success(losses: tuple[float, ...], expected: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(width, "TARGETS", dict(list(landscape.TARGETS.items())[: len(losses)]))
    values = iter(value for value in losses for _ in width.QUICK_WIDTHS)

    def ended(method: str, rows: np.ndarray, *_: Any) -> Any:
        return SimpleNamespace(loss=np.full(rows.shape[1], next(values)))

    monkeypatch.setattr(width, "ended", ended)
    assert width.success("gd", True).verdict == expected


@pytest.mark.parametrize(
    "check",
    [
        observations.hyperactive,
        observations.large_bias,
        observations.large_rate,
    ],
)
def test_of_observations(check: Any, monkeypatch: Patch) -> None:
    for share, expected in ((0.0, "reproduced"), (1.0, "refuted")):
        monkeypatch.setattr(
            observations, "learnt", lambda *_, share=share: {"learnt": share, "median": 1.0 - share}
        )
        assert check(True).verdict == expected
    # One width comes out otherwise.
    monkeypatch.setattr(observations, "learnt", lambda _, m, *__: {"learnt": float(m == 20), "median": 1.0})
    assert check(True).verdict == "conditional"


def test_of_remedies(monkeypatch: Patch) -> None:
    shares = iter([0.0, 1.0, 1.0, 1.0, 1.0] * 3)
    monkeypatch.setattr(observations, "learnt", lambda *_: {"learnt": next(shares)})
    assert observations.remedies(True).verdict == "reproduced"
    monkeypatch.setattr(observations, "learnt", lambda *_: {"learnt": 0.5})
    assert observations.remedies(True).verdict == "refuted"


def test_of_activity(monkeypatch: Patch) -> None:
    monkeypatch.setattr(width, "trained", lambda rows, *_: SimpleNamespace(rows=rows))
    assert width.activity(True).verdict == "reproduced"

    def dies(rows: np.ndarray, *_: Any) -> Any:
        m = rows.shape[0] // 3
        after = rows.copy()
        after[m : 2 * m] = -10.0
        return SimpleNamespace(rows=after)

    monkeypatch.setattr(width, "trained", dies)
    assert width.activity(True).verdict == "conditional"
