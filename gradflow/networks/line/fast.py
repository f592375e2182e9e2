"""The exact field in compiled code, where that pays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled import jit
from gradflow.compiled.cores import cores
from gradflow.networks.line import kernel
from gradflow.networks.line.task import Task

WORTH = 2_000_000
"""So many neurons times evaluations, a second of NumPy's, pay for loading a compiler."""

SHARE = 50_000
"""So many points of networks, some milliseconds, are worth a thread."""

ARRAY, VECTOR = "float64[:,::1]", "float64[::1]"
FIELD = (ARRAY, VECTOR, VECTOR, VECTOR, ARRAY, ARRAY, ARRAY, "int64[:,::1]")
"""The types of a task's numbers and of the scratch."""

_SIGNATURE = (ARRAY, VECTOR, ARRAY, *FIELD)
_loaded: dict[str, Any] = {}


class Numbers(NamedTuple):
    """A task as compiled code takes it (`kernel.swept`)."""

    lines: np.ndarray
    setting: np.ndarray
    marks: np.ndarray
    density: np.ndarray
    knots: np.ndarray

    @property
    def points(self) -> int:
        """How many points there are beside the students' breakpoints."""
        return int(self.lines.shape[1] + self.marks.shape[0] + self.knots.shape[1])


def fits(task: Task) -> bool:
    """Whether there is compiled code for a task."""
    return task.is_exact and task.density is not None


def pays(task: Task, work: int, dtype: str = "float64") -> bool:
    """Whether compiled code takes so many evaluations of a neuron: all is the same, to the bit."""
    return fits(task) and not jit.is_plain() and (dtype in _loaded or work >= WORTH)


def in_dtype(signature: tuple[str, ...], dtype: str) -> tuple[str, ...]:
    """Return types of arguments with numbers of another precision."""
    return tuple(kind.replace("float64", dtype) for kind in signature)


def chosen_in(dtype: str) -> dict[str, float]:
    """Return what names of `kernel` stand for in a precision, where it is another."""
    single = kernel.SINGLE if dtype == "float32" else {}
    return {f"{kernel.__name__}.{name}": value for name, value in single.items()}


def numbers_of(task: Task, dtype: str = "float64") -> Numbers:
    """Return the numbers of a task that `fits`."""
    assert task.density is not None
    lines, bias, slopes = np.zeros((3, 0)), 0.0, (0.0, 0.0)
    knots = np.zeros((2, 0))
    if task.teacher is not None:
        lines = np.array([task.teacher.w1, task.teacher.b1, -np.asarray(task.teacher.w2)])
        bias, slopes = float(task.teacher.b2), task.teacher_slopes
    if task.knots is not None:
        knots = np.array([task.knots.x, task.knots.y])
    setting = np.array([*task.slopes, *slopes, task.lo, task.hi, bias])
    marks, density = (np.array(values, dtype=np.float64) for values in (task.marks, task.density))
    return Numbers(*(some.astype(dtype) for some in (lines, setting, marks, density, knots)))


def scratch_of(count: int, dtype: str = "float64") -> tuple[np.ndarray, ...]:
    """Return the scratch for so many points."""
    places = np.zeros((2, count), dtype=np.int64)
    places[0] = np.arange(count)
    return np.zeros((kernel.COLUMNS, count), dtype), np.empty((kernel.ROWS, count), dtype), places


def evaluated(task: Task, dtype: str = "float64") -> Callable[..., tuple[Array, Array]]:
    """Return ``f(rows, wants_gradient=True)``: losses and gradients of networks of shape (3m + 1, *batch).

    Its memory is used again from call to call, so that it belongs to one thread; many networks are shared out
    to all cores. Without gradients the second array is empty.
    """
    if dtype not in _loaded:
        _loaded[dtype] = jit.compiled(kernel.swept, in_dtype(_SIGNATURE, dtype), dtype, chosen_in(dtype))
    swept = _loaded[dtype]
    numbers = numbers_of(task, dtype)
    scratch: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}

    def evaluate(rows: Array, wants_gradient: bool = True) -> tuple[Array, Array]:
        size, batch = rows.shape[0], rows.shape[1:]
        count = size // 3 + numbers.points
        flat = np.ascontiguousarray(rows.reshape(size, -1).T)
        losses = np.empty(flat.shape[0], dtype)
        gradient = np.empty(flat.shape if wants_gradient else (0, 0), dtype)
        threads = max(1, min(cores(), flat.shape[0] * count // SHARE))
        edges = [flat.shape[0] * i // threads for i in range(threads + 1)]

        def some(thread: int) -> None:
            if (thread, count) not in scratch:
                scratch[thread, count] = scratch_of(count, dtype)
            part = slice(edges[thread], edges[thread + 1])
            swept(flat[part], losses[part], gradient[part], *numbers, *scratch[thread, count])

        if threads == 1:
            some(0)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(some, range(threads)))
        if not wants_gradient:
            return losses.reshape(batch), gradient
        return losses.reshape(batch), np.ascontiguousarray(gradient.T).reshape(size, *batch)

    return evaluate
