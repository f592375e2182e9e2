"""Trajectories on a GPU, one per thread, all steps of a table in one launch."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled.cuda_source import cuda_source
from gradflow.compiled.recorded import Recorded

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


class CupyRunner:
    """Trajectories on the current GPU; the interface is that of `gradflow.compiled.numba_runner.NumbaRunner`.

    Parameters
    ----------
    step : Recorded
        The step, and the trajectories' numbers at the start, on the host.
    """

    def __init__(self, step: Recorded) -> None:
        program, slots = step.program, step.slots
        cupy, dtype = library(), np.dtype(program.dtype)
        self._cupy = cupy
        self.n = slots[0].shape[0]
        self._kernel = cupy.RawModule(code=cuda_source(program), options=OPTIONS).get_function(
            "gradflow_advance"
        )
        self._slots = cupy.asarray(np.stack(slots))
        # A kernel's pointer must point somewhere, also where there is nothing to read.
        self._fixed = cupy.asarray(np.asarray([*step.fixed, 0.0], dtype=dtype))
        self._inputs, self._sums = (
            cupy.asarray(np.append(v.ravel(), v.dtype.type(0))) for v in (step.inputs, step.sums)
        )
        self._count = np.int64(step.inputs.shape[0])

    def advance(self, table: Array) -> None:
        """Take every trajectory through the steps whose numbers are the rows of `table`."""
        if self.n == 0 or table.shape[0] == 0:
            return
        rows = self._cupy.asarray(table)
        blocks = min(-(-self.n // THREADS), MOST_BLOCKS)
        self._kernel(
            (blocks,),
            (THREADS,),
            (
                self._slots, np.int64(self.n), self._fixed, rows, np.int64(table.shape[0]),
                self._inputs, self._count, self._sums,
            ),
        )  # fmt: skip

    def read(self, index: int) -> Array:
        """Return the trajectories' numbers in one slot, shape (n,), on the host."""
        return np.asarray(self._slots[index].get())
