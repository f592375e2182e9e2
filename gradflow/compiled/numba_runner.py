"""Trajectories in blocks, taken through the steps by compiled code, the blocks shared among threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import types

from gradflow.base.arrays import Array
from gradflow.compiled import store
from gradflow.compiled.program import Program
from gradflow.compiled.python_source import BLOCK, python_source
from gradflow.compiled.recorded import Recorded

# Vectors are at most this many numbers wide: blocks are filled up to a multiple of it.
WIDEST = 16


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compiled(program: Program) -> Any:
    """Return the function ``advance`` of a program."""
    number = getattr(types, program.dtype)
    rows = types.Array(number, 2, "C")
    index = types.int64
    line = types.Array(number, 1, "C")
    given = number if program.summed is None else getattr(types, program.summed.dtype)
    sample = types.Array(given, 1, "C"), types.Array(given, 2, "C")
    return store.compiled(python_source(program), (rows, index, index, index, line, rows, *sample))


class NumbaRunner:
    """Trajectories on the processor's cores.

    Parameters
    ----------
    step : Recorded
        The step, and the trajectories' numbers at the start.
    threads : int, optional
        At most so many; by default one for each core this process may use.
    chunk : int, optional
        The number of trajectories that lie side by side, at most `BLOCK`. No result depends on either.
    """

    def __init__(
        self,
        step: Recorded,
        threads: int | None = None,
        chunk: int | None = None,
    ) -> None:
        program, n = step.program, step.slots[0].shape[0]
        self.n, self.threads = n, threads or cores()
        if chunk is None:
            share = -(-n // self.threads)
            chunk = max(WIDEST, -(-share // WIDEST) * WIDEST)
        self.chunk = min(chunk, BLOCK)
        self.width = min(-(-self.chunk // WIDEST) * WIDEST, BLOCK)
        self.count = -(-n // self.chunk)
        self._kernel = compiled(program)
        dtype = np.dtype(program.dtype)
        self.fixed = np.asarray(step.fixed, dtype=dtype)
        self._sample = np.ascontiguousarray(step.inputs), np.ascontiguousarray(step.sums)
        self._data = np.zeros((self.count, program.slots, BLOCK), dtype=dtype)
        for index, values in enumerate(step.slots):
            padded = np.zeros(self.count * self.chunk, dtype=dtype)
            padded[:n] = values
            self._data[:, index, : self.chunk] = padded.reshape(self.count, self.chunk)

    def advance(self, table: Array) -> None:
        """Take every trajectory through the steps whose numbers are the rows of `table`."""
        if self.count == 0:
            return
        blocks = self._data.reshape(self.count, -1)
        # More pieces than threads, so that none is left waiting for another's last one.
        pieces = min(self.count, 4 * self.threads) if self.threads > 1 else 1
        edges = [self.count * i // pieces for i in range(pieces + 1)]

        def piece(i: int) -> None:
            self._kernel(blocks, edges[i], edges[i + 1], self.width, self.fixed, table, *self._sample)

        if pieces == 1:
            piece(0)
            return
        with ThreadPoolExecutor(min(self.threads, pieces)) as pool:
            list(pool.map(piece, range(pieces)))

    def read(self, index: int) -> Array:
        """Return the trajectories' numbers in one slot, shape (n,)."""
        return self._data[:, index, : self.chunk].reshape(-1)[: self.n].copy()
