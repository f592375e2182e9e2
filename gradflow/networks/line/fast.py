"""The exact field in compiled code, where that pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled import jit
from gradflow.networks.line import kernel
from gradflow.networks.line.task import Task

WORTH = 2_000_000
"""So many neurons times evaluations, a second of NumPy's, pay for loading a compiler."""

_ARRAY, _VECTOR = "float64[:,::1]", "float64[::1]"
_SIGNATURE = (
    _ARRAY, _VECTOR, _ARRAY, _ARRAY, _VECTOR, _VECTOR, _VECTOR, _ARRAY, _ARRAY, _ARRAY, "int64[:,::1]",
)  # fmt: skip
_loaded: dict[str, Any] = {}


def pays(task: Task, work: int) -> bool:
    """Whether compiled code takes so many evaluations of a neuron: all is the same, to the bit."""
    return task.is_exact and task.density is not None and (bool(_loaded) or work >= WORTH)


def evaluated(task: Task) -> Callable[..., tuple[Array, Array]]:
    """Return ``f(rows, wants_gradient=True)``: losses and gradients of networks of shape (3m + 1, *batch).

    Its memory is used again from call to call, so that it belongs to one thread. Without gradients the second
    array is empty.
    """
    if not _loaded:
        _loaded["swept"] = jit.compiled(kernel.swept, _SIGNATURE)
    swept = _loaded["swept"]
    lines, bias, slopes = np.zeros((3, 0)), 0.0, (0.0, 0.0)
    knots = np.zeros((2, 0))
    if task.teacher is not None:
        lines = np.array([task.teacher.w1, task.teacher.b1, -np.asarray(task.teacher.w2)])
        bias, slopes = float(task.teacher.b2), task.teacher_slopes
    if task.knots is not None:
        knots = np.array([task.knots.x, task.knots.y])
    setting = np.array([*task.slopes, *slopes, task.lo, task.hi, bias])
    assert task.density is not None
    marks, density = (np.array(values, dtype=np.float64) for values in (task.marks, task.density))
    others = lines.shape[1] + marks.shape[0] + knots.shape[1]
    scratch: dict[int, tuple[np.ndarray, ...]] = {}

    def evaluate(rows: Array, wants_gradient: bool = True) -> tuple[Array, Array]:
        size, batch = rows.shape[0], rows.shape[1:]
        count = size // 3 + others
        if count not in scratch:
            arrays = (
                np.empty((count, 8)),
                np.empty((kernel.ROWS, count)),
                np.empty((2, count), dtype=np.int64),
            )
            scratch[count] = arrays
        flat = np.ascontiguousarray(rows.reshape(size, -1).T)
        losses = np.empty(flat.shape[0])
        gradient = np.empty(flat.shape if wants_gradient else (0, 0))
        swept(flat, losses, gradient, lines, setting, marks, density, knots, *scratch[count])
        if not wants_gradient:
            return losses.reshape(batch), gradient
        return losses.reshape(batch), np.ascontiguousarray(gradient.T).reshape(size, *batch)

    return evaluate
