"""Constants are made arrays once; those of rules, which may be new at every step, are not kept for ever."""

from __future__ import annotations

import tracemalloc

import numpy as np

from gradflow.base.arrays import namespace
from gradflow.field.population import operations


def test_a_number_of_every_step_takes_no_memory() -> None:
    theta = np.zeros(4)
    tracemalloc.start()
    try:
        for step in range(5000):
            where = operations(namespace(theta), theta).where
            assert where(theta > 0.0, 1.0, 0.25 * step)[0] == 0.25 * step
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All of them are more than a million bytes.
    assert kept < 200_000
