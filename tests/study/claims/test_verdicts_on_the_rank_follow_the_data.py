"""What is said of the stable rank's limit follows the data and the flows."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.networks.two_layer.data import Dataset
from gradflow.study.claims.alignment import rank


def test_the_limit_is_approached_and_below_the_papers() -> None:
    found = rank.limit_of_rank(True)
    assert found.verdict == "reproduced"
    assert f"{found.values['sets'][0]['limit']:.4f}" in found.summary


@pytest.mark.slow
def test_another_limit_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "rank_limit", lambda data: 1.3)
    assert rank.limit_of_rank(True).verdict == "open"


def test_data_of_one_label_have_rank_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Dataset(np.array([[1.0, 0.0], [0.8, 0.6]]), np.ones(2))
    row = rank.measured(one, (1e2, 1e4))
    assert row["limit"] == row["bound_across"] == 1.0
    assert abs(row["stable_rank"][-1] - 1.0) < 0.01
