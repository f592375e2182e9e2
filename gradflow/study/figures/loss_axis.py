"""A logarithmic axis for losses, whose lower end says that it stands for what is below it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from gradflow.study.figures.panels import Floats, Level, span

UNDER = 0.12
"""The part of an axis's height that words below a line take."""

LOWEST = 1e-16
"""The lower end of the axis, at least: below it a loss is the rounding of its terms."""


def loss_axis(axes: Axes, losses: Iterable[ArrayLike]) -> float:
    """Make the vertical axis show positive losses, from `LOWEST` on; return its lower end, the floor."""
    found = span(losses, positive=True) or (1e-3, 1.0)
    low = max(np.floor(np.log10(found[0]) - 1e-9), np.log10(LOWEST))
    high = max(np.ceil(np.log10(found[1]) + 1e-9), low + 1.0)
    floor = float(10.0**low)
    axes.set_yscale("log")
    axes.set_ylim(10.0 ** (low - 0.03 * (high - low)), 10.0**high)
    tick_powers(axes, low, high, floor if found[0] < LOWEST else 0.0)
    return floor


def make_room(axes: Axes, levels: Iterable[Level]) -> None:
    """Move the axis's lower end down, if need be, so that words below a level stand above it."""
    lo, hi = np.log10(axes.get_ylim())
    heights = [float(np.log10(level.value)) for level in levels if level.below]
    if heights and min(heights) < lo + UNDER * (hi - lo):
        axes.set_ylim(bottom=10.0 ** ((min(heights) - UNDER * hi) / (1.0 - UNDER)))


def tick_powers(axes: Axes, low: float, high: float, floor: float) -> None:
    """Put at most seven ticks from 10^low to 10^high on a logarithmic vertical axis; "≤" at the floor."""
    powers = np.arange(low, high + 1e-9, max(1, int(np.ceil((high - low) / 6.0))))
    axes.yaxis.set_major_locator(FixedLocator([float(value) for value in 10.0**powers]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(partial(_tick, floor=floor)))


def shown(losses: ArrayLike, floor: float) -> Floats:
    """Return losses as they are drawn: those below the floor on it, those that are not finite nowhere."""
    values = np.asarray(losses, dtype=np.float64)
    return np.where(np.isfinite(values), np.maximum(values, floor), np.nan)


def _tick(value: float, position: int | None = None, *, floor: float) -> str:
    power = f"10^{{{round(np.log10(value))}}}"
    return rf"$\leq {power}$" if value <= floor else f"${power}$"
