"""Trajectories in blocks that fit the cache, taken through the steps by NumPy."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled.numpy_source import numpy_source
from gradflow.compiled.program import Program
from gradflow.compiled.recorded import Recorded
from gradflow.compiled.traced import UnsupportedError

# Scratch and slots of a block stay in the second-level cache, and calls are few for each number.
CHUNK = 8192


class NumpyRunner:
    """Trajectories on one core; the interface is that of `gradflow.compiled.numba_runner.NumbaRunner`.

    Parameters
    ----------
    step : Recorded
        The step, and the trajectories' numbers at the start.
    chunk : int, optional
        The number of trajectories computed at once. No result depends on it.
    """

    def __init__(self, step: Recorded, chunk: int | None = None) -> None:
        program, slots, fixed = step.program, step.slots, step.fixed
        if program.search is not None:
            raise UnsupportedError("inputs: printed for NumPy there is no step on a sample")
        if program.summed is not None:
            raise UnsupportedError("inputs: printed for NumPy there is no sum over nodes")
        self.n, self.chunk = slots[0].shape[0], chunk or CHUNK
        dtype = np.dtype(program.dtype)
        self._data = np.stack(slots).astype(dtype, copy=False)
        self._fixed = tuple(np.asarray(fixed, dtype=dtype))
        self._advance, numbers, truths = compiled(program)
        width = min(self.n, self.chunk)
        self._numbers = np.empty((numbers, width), dtype=dtype)
        self._truths = np.empty((truths, width), dtype=bool)

    def advance(self, table: Array) -> None:
        """Take every trajectory through the steps whose numbers are the rows of `table`."""
        rows = [tuple(row) for row in table] if table.shape[1] else range(table.shape[0])
        for i in range(0, self.n, self.chunk):
            block = self._data[:, i : i + self.chunk]
            width = block.shape[1]
            # Contiguous while it is worked on: its rows lie side by side in the cache.
            slots = block.copy()
            with np.errstate(all="ignore"):
                self._advance(slots, self._fixed, rows, self._numbers[:, :width], self._truths[:, :width])
            block[...] = slots

    def read(self, index: int) -> Array:
        """Return the trajectories' numbers in one slot, shape (n,)."""
        return self._data[index].copy()


@cache
def compiled(program: Program) -> tuple[Any, int, int]:
    """Return the function ``advance`` of a program, and how many rows of numbers and truths it needs."""
    source, numbers, truths = numpy_source(program)
    module: dict[str, Any] = {}
    exec(compile(source, "<printed by gradflow.compiled>", "exec"), module)
    return module["advance"], numbers, truths
