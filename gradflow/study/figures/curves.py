"""Axes with a few curves: marked or not, with error bars or bands, before fine lines for many units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from gradflow.study.figures.panels import note
from gradflow.study.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    VERMILLION,
    Look,
    line_options,
)

# Told apart in grey by marker, filling and dash.
LOOKS = (
    Look(BLACK, "-", 1.0, "o", 2.6),
    Look(BLUE, "--", 1.0, "s", 2.6),
    Look(VERMILLION, "-.", 1.0, "^", 2.8),
    Look(GREEN, ":", 1.2, "D", 2.4, filled=False),
    Look(PURPLE, "-", 0.8, "v", 2.8, filled=False),
    Look(ORANGE, "--", 0.8, "o", 2.8, filled=False),
)

ABOVE = "above"
"""The place of a legend outside the axes, on the line of their title."""


class Curve(NamedTuple):
    """Points, joined or not, marked or not, with errors (one row, or one below and one above) or without.

    The errors are bars, or a band where nothing is marked. `look` is the look to take, or its place.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    error: Any = None
    joined: bool = True
    marked: bool = True
    look: int | Look | None = None


class Strands(NamedTuple):
    """Fine lines behind the curves, one for each column of y, shape (T, m)."""

    x: ArrayLike
    y: ArrayLike
    color: str = GREY
    width: float = 0.35


class At(NamedTuple):
    """A dotted vertical line from `low`, a share of the height; its name is at the top, to one side."""

    x: float
    name: str = ""
    left: bool = False
    low: float = 0.0


class Curves(NamedTuple):
    """One set of axes with up to six curves, which take the looks in turn.

    `legend` is a place as Matplotlib names it, ABOVE the axes, where it hides nothing, or None.
    `log` names the logarithmic axes: "", "x", "y" or "xy"; `grey` is a range of values to shade. Where they
    are `shares`, they go up in percent from 0.
    """

    curves: Sequence[Curve]
    xlabel: str
    ylabel: str = ""
    title: str = ""
    log: str = ""
    grey: tuple[float, float] | None = None
    legend: Any = "best"
    legend_columns: int = 1
    top: float | None = None
    bottom: float | None = None
    ticks: Sequence[float] | None = None
    shares: bool = True
    strands: Sequence[Strands] = ()
    at: Sequence[At] = ()

    def draw(self, plot: Axes) -> None:
        """Draw the curves.

        Raises
        ------
        ValueError
            If there are none or too many, or one does not have as many x as y.
        """
        if not 1 <= len(self.curves) <= len(LOOKS):
            raise ValueError(f"frames: expected 1 to {len(LOOKS)} curves in each, got {len(self.curves)}")
        if "x" in self.log:
            plot.set_xscale("log")
        if "y" in self.log:
            plot.set_yscale("log")
        if self.grey is not None:
            plot.axhspan(*self.grey, facecolor=PALE, edgecolor="none", zorder=0)
        for strands in self.strands:
            plot.plot(
                strands.x, strands.y, color=strands.color, linewidth=strands.width, alpha=0.5, zorder=1.5
            )
        for look, curve in zip(LOOKS, self.curves, strict=False):
            _draw_curve(plot, curve, look)
        plot.set_xlabel(self.xlabel)
        plot.set_ylabel(self.ylabel)
        if "y" in self.log or not self.shares:
            plot.set_ylim(self.bottom, self.top)
        else:
            plot.set_ylim(self.bottom or 0.0, self.top)
            plot.yaxis.set_major_formatter(PercentFormatter(1.0))
        if self.ticks is not None:
            plot.set_xticks(self.ticks, [f"{tick:g}" for tick in self.ticks])
            plot.minorticks_off()
        for at in self.at:
            _draw_at(plot, at)
        if self.legend and any(curve.label for curve in self.curves):
            above: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
            plot.legend(
                *entries(plot),
                **above if self.legend == ABOVE else {"loc": self.legend},
                ncols=self.legend_columns,
                columnspacing=0.8,
                handlelength=2.2 if self.legend_columns == 1 else 1.7,
            )
        plot.set_title(self.title)


def entries(plot: Axes) -> tuple[list[Any], list[str]]:
    """Return the entries of a legend, without their error bars."""
    handles, labels = plot.get_legend_handles_labels()
    bars: list[Any] = list(handles)
    return [bar[0] for bar in bars], labels


def _draw_curve(plot: Axes, curve: Curve, in_turn: Look) -> None:
    look = LOOKS[curve.look] if isinstance(curve.look, int) else curve.look or in_turn
    x, y = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"curve {curve.label!r}: expected two arrays of one length, got {x.shape}, {y.shape}"
        )
    options = line_options(look)
    if not curve.joined:
        options["linestyle"] = "none"
    if not curve.marked:
        options["marker"] = "none"
    error = curve.error
    if error is not None and not curve.marked:
        below, above = np.broadcast_to(np.asarray(error, dtype=float), (2, y.size))
        plot.fill_between(x, y - below, y + above, color=look.color, alpha=0.18, linewidth=0.0)
        error = None
    plot.errorbar(x, y, error, label=curve.label, elinewidth=0.6, capsize=1.2, capthick=0.6, **options)


def _draw_at(plot: Axes, at: At) -> None:
    plot.axvline(at.x, at.low, color=GREY, linestyle=":", linewidth=0.8, zorder=2)
    if at.name:
        note(
            plot, at.name, (at.x, 1.0), (-1.5 if at.left else 1.5, -1.0), plot.get_xaxis_transform(),
            ha="right" if at.left else "left", va="top",
        )  # fmt: skip
