"""Whether compiled code can run here, and on how many cores."""

from __future__ import annotations

import importlib.util
import os

from gradflow.base.checks import not_installed
from gradflow.compiled import cupy_runner


def available() -> bool:
    """Whether Numba is installed (it is not imported)."""
    return importlib.util.find_spec("numba") is not None


def require() -> None:
    """Raise a one-line ValueError unless Numba is installed."""
    if not available():
        raise not_installed("backend", "numba", "fast")


def require_cupy() -> None:
    """Raise a one-line ValueError unless CuPy is installed and finds a GPU."""
    if not cupy_runner.available():
        raise ValueError(
            "backend: cupy is not installed or finds no GPU (docs.cupy.dev/en/stable/install.html)"
        )


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
