"""Trajectories in blocks, taken through the steps by compiled code, the blocks shared among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled.cores import cores
from gradflow.descent.compiled.block import W
from gradflow.descent.compiled.kernel import Kernel, functions, table
from gradflow.descent.compiled.trajectories import Trajectories
from gradflow.descent.optimisers.hyper import Config

# Vectors are at most this many numbers wide: blocks are filled up to a multiple of it.
WIDEST = 16


class Blocks(Trajectories):
    """Trajectories on the processor's cores.

    Parameters
    ----------
    step : Kernel
        The step, and the trajectories' numbers at the start.
    optimizer : one of the config classes
        Gives the coefficients of the steps.
    threads : int, optional
        At most so many; by default one for each core this process may use.
    chunk : int, optional
        The number of trajectories that lie side by side, at most `W`. No result depends on either.
    """

    def __init__(
        self, step: Kernel, optimizer: Config, threads: int | None = None, chunk: int | None = None
    ) -> None:
        super().__init__(step, optimizer)
        self.threads = threads or cores()
        if chunk is None:
            share = -(-self.n // self.threads)
            chunk = max(WIDEST, -(-share // WIDEST) * WIDEST)
        self.chunk = min(chunk, W)
        self.width = min(-(-self.chunk // WIDEST) * WIDEST, W)
        self.count = -(-self.n // self.chunk)
        dtype = self.theta.dtype
        self._advance, self._observe = functions(step, dtype.name)
        self._given = step.numbers, step.nodes, step.sums
        self._span = step.span
        self._data = np.zeros((self.count, step.height, W), dtype=dtype)
        for row, values in step.rows.items():
            self._data[:, row, : self.chunk] = self._padded(values)

    def _padded(self, values: Array) -> Array:
        padded = np.zeros(self.count * self.chunk, dtype=self.theta.dtype)
        padded[: self.n] = values
        return padded.reshape(self.count, self.chunk)

    def advance(self, factors: list[float]) -> None:
        """Take every trajectory through steps with these factors of the learning rate."""
        for few in self.portions(factors):
            numbers, own, which = table(self.optimizer, few, self.done, self.theta)
            lanes = np.zeros((len(own), self.count, W), dtype=self.theta.dtype)
            for k, values in enumerate(own):
                lanes[k, :, : self.chunk] = self._padded(values)
            steps = self.width, self.done, self._span, numbers, lanes, which, *self._given
            self._in_pieces(self._advance, steps)
            self.done += len(few)

    def observe(self) -> None:
        """Note the activity after the last step, which no step after it does."""
        if self.done and self.count:
            self._in_pieces(self._observe, (self.width, self.done, self._span))

    def _in_pieces(self, work: Callable[..., Any], rest: tuple[Any, ...]) -> None:
        data = self._data.reshape(self.count, -1)
        # More pieces than threads, so that none is left waiting for another's last one.
        pieces = min(self.count, 4 * self.threads) if self.threads > 1 else 1
        edges = [self.count * i // pieces for i in range(pieces + 1)]
        if pieces == 1:
            work(data, 0, self.count, *rest)
            return
        with ThreadPoolExecutor(min(self.threads, pieces)) as pool:
            list(pool.map(lambda i: work(data, edges[i], edges[i + 1], *rest), range(pieces)))

    def read(self, row: int) -> Array:
        """Return the trajectories' numbers in one row, shape (n,)."""
        return self._data[:, row, : self.chunk].reshape(-1)[: self.n].copy()
