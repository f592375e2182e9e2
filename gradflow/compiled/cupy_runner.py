"""CuPy, if it is there, and how kernels are compiled and launched on a GPU."""

from __future__ import annotations

from typing import Any

THREADS = 128
MOST_BLOCKS = 65535
# No fused products and sums; division and square root are rounded correctly, as by default.
OPTIONS = ("--fmad=false", "--prec-div=true", "--prec-sqrt=true", "--ftz=false")


def library() -> Any:
    """Return CuPy."""
    import cupy

    return cupy


def available() -> bool:
    """Whether CuPy is installed and finds a GPU."""
    try:
        return bool(library().cuda.is_available())
    except ImportError:
        return False
