"""Whoever a row compares: where the answer of one side is altered, nothing is met and no time compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import Contender, Measured
from benchmarks.rows import adam, alignment, gpu, networks, samples, smooth
from benchmarks.table import Line
from gradflow.compiled import gpu as installed
from gradflow.compiled import kernels

ROWS = (adam, gpu, samples, smooth, networks, alignment)
"""Those whose answers are arrays; the others judge by accuracy (`test_rows_judge_by_accuracy.py`)."""
ANSWER = np.ones((4, 16))
SECONDS = {"gradflow fused": 1.0, "gradflow": 1.0, "gradflow NumPy": 5.0}
"""Of ours; a peer takes a thousand."""


def lines(row: ModuleType, patch: pytest.MonkeyPatch, altered: str = "") -> dict[tuple[str, str], Line]:
    """Return the lines of a row, by work and peer; the answers of one program are altered."""

    def measured(contenders: Sequence[Contender], **options: Any) -> list[Measured]:
        found = []
        for one in contenders:
            seconds = SECONDS.get(one.peer, 1e3)
            answer = ANSWER + (1e-3 if one.peer == altered else 0.0)
            problem = "not measured" if one.peer == "limits" else ""
            found.append(Measured(one, answer, (seconds, seconds), problem=problem))
        return found

    patch.setattr(row, "measure", measured)
    patch.setattr(installed, "available", lambda: True)
    patch.setattr(kernels, "available", lambda: True)
    found = [line for line in row.run(True, print).lines if "limit" not in line.against]
    return {(line.work, line.against.split(":")[0]): line for line in found}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ROW)
def test_where_all_agree_every_goal_is_met(row: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(row, monkeypatch)
    assert len(found) >= 2
    assert all(line.met is True for line in found.values() if not math.isnan(line.goal))
    assert all(line.error == 0.0 and line.value > 0.0 for line in found.values() if line.against)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ROW)
def test_an_altered_answer_of_a_peer_is_seen(row: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lines(row, monkeypatch)
    peers = {peer for _, peer in before} - set(SECONDS)
    assert peers
    for peer in peers:
        after = lines(row, monkeypatch, peer)
        assert {key for key, line in before.items() if not same(after[key], line)} == {
            key for key in before if key[1] == peer
        }
        assert not any(fair(line) for key, line in after.items() if key[1] == peer)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ROW)
def test_an_altered_answer_of_ours_is_seen(row: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for ours in SECONDS:
        found = lines(row, monkeypatch, ours)
        seen |= {key for key, line in found.items() if not fair(line)}
    assert seen == set(lines(row, monkeypatch))


def fair(line: Line) -> bool:
    """Return whether a line compares times, or says that its goal is met."""
    return line.met is True or not math.isnan(line.value)


def same(one: Line, other: Line) -> bool:
    """Return whether lines say the same; NaN is what it is."""
    return repr(one) == repr(other)
