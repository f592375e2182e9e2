"""The flow's compiled code on the processor."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import types

from gradflow.base.arrays import Array
from gradflow.compiled import store
from gradflow.compiled.installed import cores
from gradflow.compiled.integral_source import Pair
from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled.source import literal, numba_source
from gradflow.flow.compiled.summed import SUM_SCRATCH


def signature() -> tuple[Any, ...]:
    """Return the types of the arguments of ``advance``."""
    number, index = types.Array(types.float64, 1, "C"), types.Array(types.int64, 1, "C")
    whole = types.int64
    return (number, whole, whole, number, number, whole, number, number, index, index, index)


@cache
def compiled(slopes: tuple[float, float], pair: Pair | None = None) -> Any:
    """Return the function ``advance`` for a pair of slopes, or of activations."""
    return store.compiled(numba_source(slopes, pair), signature())


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
        self._advance = compiled(literal(slopes), pair)
        self.threads, self.share = cores(), 1
        self._fixed, self._levels = fixed, at.levels_of(fixed)

    def advance(self, records: Array, terms: Array) -> None:
        """Follow the running trajectories with these records until each has ended or is put aside."""
        # Behind the rows the scratch of sums, which begins with the lane for one that is alone.
        w, q = np.zeros((at.ROWS + 1) * at.BLOCK + SUM_SCRATCH), np.zeros(at.SCRATCH)
        own = slice(at.TERMS * at.BLOCK, (at.TERMS + at.TERM_COUNT) * at.BLOCK)
        w[own] = np.repeat(terms[: at.TERM_COUNT], at.BLOCK)
        pool, count = np.zeros(8 * at.POOL, dtype=np.int64), np.zeros(8, dtype=np.int64)
        ids = np.full(at.BLOCK, -1, dtype=np.int64)
        self._advance(
            records.reshape(-1), 0, len(records), terms, self._fixed, self._levels, w, q, pool, count, ids
        )
