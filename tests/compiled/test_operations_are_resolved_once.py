"""Compiling, Numba asks once what an operation is; functions that others compile it resolves as ever."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numba import njit

from gradflow.compiled import jit, on_numba


def polynomial(out: Any, x: Any) -> None:
    """Put a polynomial of each number into an array."""
    for i in range(x.shape[0]):
        y = x[i]
        out[i] = y * y * y * y * y + y * y * y + y * y + y


@pytest.fixture(name="asked")
def resolutions(monkeypatch: pytest.MonkeyPatch) -> Counter[Any]:
    asked: Counter[Any] = Counter()
    right = on_numba._resolve

    def counting(function: Any, context: Any, arguments: Any, keywords: Any) -> Any:
        asked[function.key, arguments] += 1
        return right(function, context, arguments, keywords)

    monkeypatch.setattr(on_numba, "_resolve", counting)
    return asked


def test_an_operation_is_asked_for_once(
    asked: Counter[Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = np.linspace(-1.0, 1.0, 5)
    out, other = np.empty(5), np.empty(5)
    jit.compiled(polynomial, ("float64[::1]", "float64[::1]"))(out, x)
    assert max(asked.values()) == 1
    assert len(asked) > 3
    asked.clear()
    njit(polynomial)(other, x)
    assert max(asked.values()) > 3
    np.testing.assert_array_equal(out, other)


def test_what_fails_is_not_remembered() -> None:
    with on_numba.resolved_once():
        for _ in range(2):
            with pytest.raises(on_numba.NumbaError):
                njit(lambda a: a + None)(1.0)
