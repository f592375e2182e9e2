"""Whoever a row compares: where the answers of one side are altered, no goal is met against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import Contender, Measured
from benchmarks.rows import adam
from benchmarks.table import Line

ANSWER = np.zeros((4, 16))
OURS = ("gradflow fused", "gradflow NumPy")


def lines(monkeypatch: pytest.MonkeyPatch, altered: Sequence[str]) -> list[Line]:
    """Return the lines of a row whose peers take a hundred times as long; answers of some are altered."""

    def measured(contenders: Sequence[Contender], **options: Any) -> list[Measured]:
        found = []
        for one in contenders:
            answer = ANSWER + (1e-3 if one.peer in altered else 0.0)
            seconds = (1.0, 1.0) if one.peer == OURS[0] else (5.0, 5.0) if one.peer == OURS[1] else (1e3, 1e3)
            limit = "not measured" if one.peer == "limits" else ""
            found.append(Measured(one, answer, seconds, problem=limit))
        return found

    monkeypatch.setattr(adam, "measure", measured)
    return [line for line in adam.run(True, print).lines if "limit" not in line.against]


def peers() -> list[str]:
    return sorted({one.peer for one in adam.contenders(16, 1, (1,))} - set(OURS))


def test_where_all_agree_every_goal_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {line.met for line in lines(monkeypatch, ()) if not np.isnan(line.goal)} == {True}


def test_every_peer_stands_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    against = {line.against.split(":")[0] for line in lines(monkeypatch, ())}
    assert set(peers()) <= against


@pytest.mark.parametrize("peer", peers())
def test_a_peer_that_disagrees_meets_none(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = lines(monkeypatch, ()), lines(monkeypatch, (peer,))
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert changed
    assert all(a.against.startswith(peer) and b.met is False for a, b in changed if not np.isnan(a.goal))


def test_an_answer_of_ours_that_is_wrong_meets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {line.met for line in lines(monkeypatch, OURS) if not np.isnan(line.goal)} == {False}
