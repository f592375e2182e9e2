"""Trajectories on a GPU, one in each thread, which keeps it in its registers from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from gradflow.base.arrays import Array, to_numpy
from gradflow.compiled import gpu, kernels
from gradflow.descent.compiled import block
from gradflow.descent.compiled.block import ends, fill, prepare, update, watch
from gradflow.descent.compiled.kernel import Kernel, require_no_scratch, table
from gradflow.descent.compiled.trajectories import Trajectories
from gradflow.descent.optimisers.hyper import Config

# Chosen when they are compiled: the numbers of a trajectory, their kind, and what `block` calls so.
HEIGHT = 0
NUMBER: Any = np.float64
CHOSEN = "prepare", "fill"


def advance(
    data: Any, done: int, span: Any, table: Any, own: Any, which: Any, numbers: Any, nodes: Any, sums: Any
) -> None:
    """Take a trajectory, a column of `data`, through steps: `block.advance` for one lane."""
    i = cuda.grid(1)
    if i < data.shape[1]:
        w = cuda.local.array(HEIGHT, NUMBER)
        for row in range(HEIGHT):
            w[row] = data[row, i]
        for step in range(table.shape[0]):
            prepare(w, 1, numbers, nodes, sums, w)
            fill(w, 1, i, table[step], own, which[step])
            update(w, 1, done + step, span, numbers, table[step])
        for row in range(HEIGHT):
            data[row, i] = w[row]


def observe(data: Any, done: int, span: Any) -> None:
    """Note a trajectory's activity after the last step."""
    i = cuda.grid(1)
    if i < data.shape[1]:
        w = cuda.local.array(HEIGHT, NUMBER)
        for row in range(HEIGHT):
            w[row] = data[row, i]
        watch(w, 0, done, *ends(w, 0, span[0], span[1]))
        for row in range(HEIGHT):
            data[row, i] = w[row]


class Threads(Trajectories):
    """Trajectories on a GPU, in the threads of a kernel.

    Parameters
    ----------
    step : Kernel
        The step, in closed form or on a sorted sample, and the trajectories' numbers at the start.
    optimizer : one of the config classes
        Gives the coefficients of the steps.

    Raises
    ------
    UnsupportedError
        If the step is neither, or is not compiled.
    """

    MOST = 1 << 20

    def __init__(self, step: Kernel, optimizer: Config) -> None:
        require_no_scratch(step)
        super().__init__(step, optimizer)
        dtype = self.theta.dtype.name
        data = np.zeros((step.height, self.n), dtype=dtype)
        for row, values in step.rows.items():
            data[row] = values
        there = gpu.there
        self._data, self._span = there(data), there(step.span)
        self._given = there(step.numbers), there(step.nodes), there(step.sums)
        self._advance, self._observe = functions(step, dtype)

    def advance(self, factors: list[float]) -> None:
        """Take every trajectory through steps with these factors of the learning rate."""
        for few in self.portions(factors):
            numbers, own, which = table(self.optimizer, few, self.done, self.theta)
            lanes = np.zeros((len(own), self.n, 1), dtype=self.theta.dtype)
            for k, values in enumerate(own):
                lanes[k, :, 0] = values
            given = (*map(gpu.there, (numbers, lanes, which)), *self._given)
            self._advance(self.n, self._data, self.done, self._span, *given)
            self.done += len(few)

    def observe(self) -> None:
        """Note the activity after the last step, which no step after it does."""
        if self.done:
            self._observe(self.n, self._data, self.done, self._span)

    def read(self, row: int) -> Array:
        """Return the trajectories' numbers in one row, shape (n,)."""
        return to_numpy(self._data[row]).copy()


def functions(step: Kernel, dtype: str) -> tuple[Any, Any]:
    """Return `advance` and `observe` for a GPU."""
    chosen = choices(step, dtype)
    first, second = kinds(dtype)
    return kernels.kernel(advance, first, dtype, chosen), kernels.kernel(observe, second, dtype, chosen)


def choices(step: Kernel, dtype: str) -> dict[str, Any]:
    """Return what the names in the kernels stand for: those of a block of one lane."""
    own = {
        "HEIGHT": step.height,
        "NUMBER": np.dtype(dtype).type,
        **{name: step.chosen.get(f"{block.__name__}.{name}", getattr(block, name)) for name in CHOSEN},
    }
    here = {f"{__name__}.{name}": value for name, value in own.items()}
    return {**step.chosen, f"{block.__name__}.W": 1, **here}


def kinds(dtype: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types of what `advance` and `observe` take."""
    blocks = f"{dtype}[:,::1]", "int64", f"{dtype}[::1]"
    given = (f"{dtype}[::1]",) * 3
    return (*blocks, f"{dtype}[:,::1]", f"{dtype}[:,:,::1]", "int64[:,::1]", *given), blocks
