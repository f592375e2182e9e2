"""Cells of a grid in the plane: where they end on linear and logarithmic axes, and how they are painted."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from gradflow.study.figures.panels import Floats

LINEAR, LOG = "linear", "log"

ROUNDING = 1e-6
"""By how much steps may differ, relative to them, and count as equal."""

DECADES = 1.0
"""Between the ends of unequally spaced values for which a logarithmic axis is chosen."""


def along(array: xr.DataArray, axis: int) -> Floats:
    """Return the coordinates of an axis, 0, 1, … where it has none.

    Raises
    ------
    ValueError
        Unless they are finite numbers that increase, or decrease, strictly.
    """
    name = array.dims[axis]
    values = np.asarray(array[name].values)
    ordered = values.dtype.kind in "iuf" and values.size > 0
    if ordered:
        values = values.astype(np.float64)
        steps = np.diff(values)
        ordered = bool(np.all(np.isfinite(values)) and (np.all(steps > 0) or np.all(steps < 0)))
    if not ordered:
        raise ValueError(f"diagrams: the values of {name} must be numbers that increase or decrease strictly")
    return values


def scale(values: Floats) -> str:
    """Return the scale on which values are spaced more equally: "linear" or "log".

    "log" only where that is so to rounding, or the values are at least `DECADES` apart from end to end.
    """
    if values.size < 3 or _unequal(values) <= ROUNDING or np.any(values <= 0.0):
        return LINEAR
    logs = np.log10(values)
    wide = abs(logs[-1] - logs[0]) >= DECADES
    return LOG if _unequal(logs) <= (_unequal(values) if wide else ROUNDING) else LINEAR


def edges(values: Floats, on: str) -> Floats:
    """Return the n + 1 edges of the cells around n values: midway between them, as far beyond the ends.

    Midway and far are meant on the scale `on`.
    """
    places = np.log(values) if on == LOG else values
    if places.size == 1:
        found = places[0] + np.array([-0.5, 0.5])
    else:
        middles = 0.5 * (places[:-1] + places[1:])
        found = np.concatenate(
            ([places[0] - (middles[0] - places[0])], middles, [places[-1] + (places[-1] - middles[-1])])
        )
    return np.asarray(np.exp(found) if on == LOG else found)


def beyond(values: Floats, on: str) -> Floats:
    """Return values with one more at each end, as far from the last as that is from its neighbour."""
    places = np.log(values) if on == LOG else values
    found = np.concatenate(
        ([2.0 * places[0] - places[1]], places, [2.0 * places[-1] - places[-2]]),
    )
    return np.asarray(np.exp(found) if on == LOG else found)


def paint(axes: Axes, values: Any, x: Floats, y: Floats, **options: Any) -> None:
    """Fill the cells between edges; `values` has the horizontal axis first, then perhaps colours."""
    axes.pcolormesh(
        x, y, np.swapaxes(values, 0, 1), shading="flat", antialiased=False, linewidth=0.0, rasterized=True,
        **options,
    )  # fmt: skip


def _unequal(values: Floats) -> float:
    """Return by how much a step differs from the mean one, at most, relative to it."""
    steps = np.diff(values)
    return float(np.max(np.abs(steps - steps.mean())) / abs(steps.mean()))
