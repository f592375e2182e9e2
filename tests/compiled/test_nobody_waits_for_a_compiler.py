"""Where code is asked for that is there, nothing is compiled: what is not there is an error at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.compiled import jit

TYPES = ("float64[::1]", "float64")


def scaled(out: Any, by: Any) -> None:
    """Scale an array."""
    for i in range(out.shape[0]):
        out[i] *= by


def test_only_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jit.kept_only(), pytest.raises(jit.NotKeptError):
        jit.compiled(scaled, TYPES)
    assert not list((tmp_path / "gradflow" / "compiled").glob("*.nbc"))
    out = np.ones(3)
    jit.compiled(scaled, TYPES)(out, 2.0)
    with jit.kept_only():
        jit.compiled(scaled, TYPES)(out, 2.0)
    jit._entry.cache_clear()
    with jit.kept_only():
        jit.compiled(scaled, TYPES)(out, 2.0)
    assert out.tolist() == [8.0, 8.0, 8.0]
