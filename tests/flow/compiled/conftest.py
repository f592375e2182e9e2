"""A compiler on the host that takes what CUDA would get."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradflow.compiled import cupy_runner
from tests.compiled.shim import COMPILER
from tests.flow.compiled.shim import Cupy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the kernels of one module."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture
def cupy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cupy:
    """CuPy pretended: quicker to compile than Numba's code, and the same bits."""
    if COMPILER is None:
        pytest.skip("no C++ compiler")
    pretended = Cupy(folder)
    monkeypatch.setattr(cupy_runner, "library", lambda: pretended)
    return pretended
