"""Shares of dead units: against time, rate or layer, with error bars; and rows that compare fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from gradflow.figures.panels import Panel, letters
from gradflow.figures.style import (
    BLACK,
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SMALL,
    VERMILLION,
    Look,
    line_options,
    styled,
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


class Curve(NamedTuple):
    """Points, joined or not, marked or not, with errors (one row, or one below and one above) or without.

    The errors are bars, or a band where nothing is marked. `look` is the place of the look to take.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    error: Any = None
    joined: bool = True
    marked: bool = True
    look: int | None = None


class Curves(NamedTuple):
    """One set of axes with up to six curves, which take the looks in turn; shares go up its side.

    `log` names the logarithmic axes: "", "x", "y" or "xy"; `grey` is a range of shares to shade.
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


class Row(NamedTuple):
    """A name, and for each series a mean with its standard error, or None."""

    name: str
    values: Sequence[tuple[float, float] | None]


class Rows(NamedTuple):
    """One set of axes with named rows, from the top down; each series has a marker."""

    rows: Sequence[Row]
    series: Sequence[str]
    xlabel: str
    title: str = ""
    legend: Any = "best"


@styled
def dying(
    panels: Sequence[Curves | Rows], *, columns: int = 3, width: float = DOUBLE, height: float = 4.4
) -> Figure:
    """Draw shares of dead units, panel by panel, row by row.

    Parameters
    ----------
    panels : sequence of Curves or Rows
        Each has its own axes.
    columns : int
        The panels beside each other.
    width, height : float
        Size in inches.

    Raises
    ------
    ValueError
        If there is no panel, or one has too many curves or series, or arrays that do not fit.
    """
    if not panels:
        raise ValueError("panels: expected at least one")
    for panel in panels:
        count = len(panel.curves) if isinstance(panel, Curves) else len(panel.series)
        if not 1 <= count <= len(LOOKS):
            raise ValueError(f"panels: expected 1 to {len(LOOKS)} series in each, got {count}")
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(-(-len(panels) // columns), min(columns, len(panels)), squeeze=False)
    axes = list(grid.ravel())
    for spare in axes[len(panels) :]:
        spare.remove()
    for plot, panel in zip(axes, panels, strict=False):
        if isinstance(panel, Curves):
            _draw_curves(plot, panel)
        else:
            _draw_rows(plot, panel)
        plot.set_title(panel.title)
    letters(axes, [Panel([]) for _ in panels])
    return figure


def _draw_curves(plot: Axes, panel: Curves) -> None:
    if "x" in panel.log:
        plot.set_xscale("log")
    if "y" in panel.log:
        plot.set_yscale("log")
    if panel.grey is not None:
        plot.axhspan(*panel.grey, facecolor=PALE, edgecolor="none", zorder=0)
    for look, curve in zip(LOOKS, panel.curves, strict=False):
        look = look if curve.look is None else LOOKS[curve.look]
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
        band = not curve.marked and curve.error is not None
        if band:
            below, above = np.broadcast_to(np.asarray(curve.error, dtype=float), (2, y.size))
            plot.fill_between(x, y - below, y + above, color=look.color, alpha=0.18, linewidth=0.0)
        plot.errorbar(
            x,
            y,
            None if band else curve.error,
            label=curve.label,
            elinewidth=0.6,
            capsize=1.2,
            capthick=0.6,
            **options,
        )
    plot.set_xlabel(panel.xlabel)
    plot.set_ylabel(panel.ylabel)
    if "y" not in panel.log:
        plot.set_ylim(panel.bottom or 0.0, panel.top)
        plot.yaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        plot.set_ylim(panel.bottom, panel.top)
    if panel.ticks is not None:
        plot.set_xticks(panel.ticks, [f"{tick:g}" for tick in panel.ticks])
        plot.minorticks_off()
    if panel.legend and any(curve.label for curve in panel.curves):
        plot.legend(
            *_entries(plot),
            loc=panel.legend,
            ncols=panel.legend_columns,
            columnspacing=0.8,
            handlelength=2.2 if panel.legend_columns == 1 else 1.7,
        )


def _entries(plot: Axes) -> tuple[list[Any], list[str]]:
    """Return the entries of a legend, without their error bars."""
    handles, labels = plot.get_legend_handles_labels()
    bars: list[Any] = list(handles)
    return [bar[0] for bar in bars], labels


def _draw_rows(plot: Axes, panel: Rows) -> None:
    places = -np.arange(len(panel.rows), dtype=float)
    count = len(panel.series)
    for j, (look, label) in enumerate(zip(LOOKS, panel.series, strict=False)):
        shown = [(place, row.values[j]) for place, row in zip(places, panel.rows, strict=True)]
        given = [(place, value) for place, value in shown if value is not None]
        offset = 0.32 * ((count - 1) / 2.0 - j) / max(1, count - 1)
        options = line_options(look._replace(line="", size=3.0))
        plot.errorbar(
            [value[0] for _, value in given],
            [place + offset for place, _ in given],
            xerr=[value[1] for _, value in given],
            label=label,
            elinewidth=0.6,
            capsize=1.2,
            capthick=0.6,
            **options,
        )
    # Names stand inside, at the right, where means below a half leave room; the legend above the rows.
    plot.hlines(places, 0.0, 0.62, color=PALE, linewidth=0.6, zorder=0)
    for place, row in zip(places, panel.rows, strict=True):
        plot.text(1.0, place, row.name, ha="right", va="center", fontsize=SMALL)
    plot.set_yticks([])
    plot.spines["left"].set_visible(False)
    plot.axvline(0.0, color=GREY, linewidth=0.5, zorder=1)
    plot.set_ylim(places[-1] - 0.6, 0.5 + 1.6 * count)
    plot.set_xlim(-0.02, 1.0)
    plot.xaxis.set_major_formatter(PercentFormatter(1.0))
    plot.set_xlabel(panel.xlabel)
    if panel.legend:
        plot.legend(*_entries(plot), loc=panel.legend)
