"""The gradient over a sorted sample, recorded from `gradflow.field.sorted_sample`.

A lane's row of the table is found by a search (`Program.search`) before its statements, which gather what
they need from it.
"""

from __future__ import annotations

from typing import Any

from gradflow.compiled.traced import Traced, UnsupportedError, record, where
from gradflow.field import ranges, sorted_sample


def require_sorted(dtype: Any, teachers: int) -> None:
    """Raise a one-line UnsupportedError for a large sample that has no compiled version."""
    if dtype != "float64":
        raise UnsupportedError(
            f"inputs: the compiled path trains on large samples in float64, not in {dtype}"
        )
    if teachers:
        raise UnsupportedError("teacher: the compiled path trains on one sample, not on one for each teacher")


def sample_gradient(
    theta: list[Traced], row: Traced, slopes: tuple[Traced, Traced]
) -> tuple[Traced, Traced, Traced, Traced]:
    """Return the gradient that `sorted_sample.gradient` computes.

    Parameters
    ----------
    theta : list of four lane values
    row : lane value
        The number of distinct inputs on the left of the breakpoint.
    slopes : (Traced, Traced)
        (s₋, s₊).
    """
    w1, b1, w2, b2 = theta
    rising = w1 >= 0.0
    sides = []
    for side in (0, 1):

        def column(i: int, first: int = side * ranges.COLUMNS) -> Traced:
            return record("gather", row, first + i)

        anchor = column(ranges.ANCHOR)
        product = w1 * anchor
        z = sorted_sample.corrected(w1, anchor, b1, product, product + b1)
        active, other = (slopes[1], slopes[0]) if side else slopes
        slope = where(rising, active, other)
        through = slope * w2
        first = tuple(z * column(i) + w1 * column(i + ranges.T1) for i in range(ranges.T1 + 1))
        _, (r, rx, rz) = sorted_sample.side_sums(column, first, z, w1, b2, through)
        sides.append((through * rx, through * r, slope * rz, r))
    g = [left + right for left, right in zip(*sides, strict=True)]
    return g[0] + g[0], g[1] + g[1], g[2] + g[2], g[3] + g[3]
