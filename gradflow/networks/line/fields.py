"""Fields that flows of networks follow, and the parameters that move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradflow.base.checks import shown
from gradflow.networks.line.continuous_flow import Continuous
from gradflow.networks.line.integration import PiecewiseField
from gradflow.networks.line.sampled_flow import Filippov
from gradflow.networks.line.task import Task

PARTS = ("w1", "b1", "w2", "b2")


def moving(frozen: Sequence[str], m: int) -> np.ndarray:
    """Return 1 for each of 3m + 1 parameters that moves and 0 for the frozen ones.

    Raises
    ------
    ValueError, TypeError
        If `frozen` is no sequence of some of w1, b1, w2 and b2, each once.
    """
    if isinstance(frozen, str) or not isinstance(frozen, Sequence):
        raise TypeError(f"frozen: expected some of w1, b1, w2, b2 in a tuple, got {shown(frozen)}")
    for name in frozen:
        if name not in PARTS:
            raise ValueError(f"frozen: expected some of w1, b1, w2, b2, got {shown(name)}")
    if len(set(frozen)) < len(frozen):
        raise ValueError(f"frozen: expected some of w1, b1, w2, b2, each once, got {shown(frozen)}")
    return np.concatenate(
        [np.full(1 if name == "b2" else m, 0.0 if name in frozen else 1.0) for name in PARTS]
    )


def field_of(rows: np.ndarray, task: Task, moves: np.ndarray) -> PiecewiseField:
    """Return what one network follows: a field that is continuous, or the jumping one of a sample."""
    jumps = task.sample is not None and task.is_bent
    return Filippov(rows, task, moves) if jumps else Continuous(rows, task, moves)
