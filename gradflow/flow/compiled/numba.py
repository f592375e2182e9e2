"""The flow's compiled code on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled import jit
from gradflow.compiled.integral_choices import choices
from gradflow.compiled.integral_numbers import Pair
from gradflow.flow.compiled import field, summed
from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled.driver import advance

PACKAGE = __package__
SIGNATURE = (
    "float64[::1]", "int64", "int64", "float64[::1]", "float64[::1]", "int64", "float64[::1]", "float64[::1]",
    "int64[::1]", "int64[::1]", "int64[::1]",
)  # fmt: skip
"""The types of the arguments of ``advance``."""


def choice(slopes: tuple[float, float], pair: Pair | None = None) -> dict[str, Any]:
    """Return what the names of the flow's functions stand for, for slopes or a pair of activations."""
    if pair is not None:
        chosen: dict[str, Any] = {"driver.velocity": summed.velocity, "driver.losses": summed.losses}
        return {f"{PACKAGE}.{k}": v for k, v in chosen.items()} | choices(pair, summed.SUM_COUNT)
    chosen = {}
    if slopes[0] == 0.0:
        chosen["field.gradient"] = field.one_sided
        if slopes[1] == 1.0:
            chosen["field.slopes"] = field.relu
    return {f"{PACKAGE}.{k}": v for k, v in chosen.items()}


def compiled(slopes: tuple[float, float], pair: Pair | None = None) -> Any:
    """Return the function ``advance`` for a pair of slopes, or of activations."""
    return jit.compiled(advance, SIGNATURE, "float64", choice(slopes, pair))


class NumbaFlow:
    """Follows trajectories on one core; any number of threads may share one.

    Parameters
    ----------
    slopes : (float, float)
        The activation's.
    fixed : array
        What all trajectories share (`gradflow.flow.compiled.layout.T_END` and so on).
    pair : Pair, optional
        What bends student and teacher, where the field is a sum over nodes.
    """

    def __init__(self, slopes: tuple[float, float], fixed: Array, pair: Pair | None = None) -> None:
        self._advance = compiled(slopes, pair)
        self._fixed, self._levels = fixed, at.levels_of(fixed)

    def until(self, t: float) -> None:
        """Follow trajectories to another time from now on."""
        self._fixed[at.T_END] = t

    def advance(self, records: Array, terms: Array) -> None:
        """Follow the running trajectories with these records until each has ended or is put aside."""
        # Behind the rows the scratch of sums, which begins with the lane for one that is alone.
        w, q = lined_up((at.ROWS + 1) * at.W + summed.SUM_SCRATCH), np.zeros(at.SCRATCH)
        own = slice(at.TERMS * at.W, (at.TERMS + at.TERM_COUNT) * at.W)
        w[own] = np.repeat(terms[: at.TERM_COUNT], at.W)
        pool, count = np.zeros(8 * at.POOL, dtype=np.int64), np.zeros(8, dtype=np.int64)
        ids = np.full(at.W, -1, dtype=np.int64)
        self._advance(
            records.reshape(-1), 0, len(records), terms, self._fixed, self._levels, w, q, pool, count, ids
        )


def lined_up(n: int) -> Array:
    """Return n zeros that begin with a line of the cache, so that no vector lies across two."""
    more = np.zeros(n + 7)
    first = -more.ctypes.data % 64 // 8
    return more[first : first + n]
