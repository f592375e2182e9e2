"""What is said of the last rate follows the runs: other eigenvalues leave it open."""

from __future__ import annotations

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
