"""What is said of the last rate follows the runs: other eigenvalues leave it open."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.study.claims.theory import last_rate


@pytest.mark.slow
def test_another_rate_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = last_rate.last_rate(True)
    assert found.verdict == "reproduced"
    for name, factor in (("rate_to_teacher", 1.05), ("rate_on_line", 0.95)):
        rate = getattr(last_rate, name)
        with monkeypatch.context() as patch:
            patch.setattr(last_rate, name, lambda *given, rate=rate, factor=factor: factor * rate(*given))
            assert last_rate.last_rate(True).verdict == "open"


def test_starts_fill_their_ranges() -> None:
    theta = last_rate.starts(4000)
    for values, low, high in zip(theta, (0.5, -1.0, 0.5, -2.5), (1.5, 2.0, 1.5, 1.0), strict=True):
        assert low <= np.min(values) < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < np.max(values) <= high
    assert not np.array_equal(theta[0], theta[2])
