"""Shares of dead units: against time, rate or layer, with error bars; and rows that compare fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gradflow.study.figures.curves import LOOKS, Curve, Curves, draw_curves, entries
from gradflow.study.figures.panels import Panel, each_is, letters
from gradflow.study.figures.style import DOUBLE, GREY, PALE, SMALL, line_options, styled

__all__ = ["Curve", "Curves", "Row", "Rows", "dying"]


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
    panels: Sequence[Curves | Rows], *, columns: int = 2, width: float = DOUBLE, height: float = 6.6
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
    ValueError, TypeError
        If there is no panel, or one has too many curves or series, or arrays that do not fit.
    """
    if not each_is("panels", panels, Curves, Rows):
        raise ValueError("panels: expected at least one")
    if columns < 1:
        raise ValueError(f"columns: must be at least 1, got {columns}")
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
            draw_curves(plot, panel)
        else:
            _draw_rows(plot, panel)
        plot.set_title(panel.title)
    letters(axes, [Panel([]) for _ in panels])
    return figure


def _draw_rows(plot: Axes, panel: Rows) -> None:
    places = -np.arange(len(panel.rows), dtype=float)
    count = len(panel.series)
    for j, (look, label) in enumerate(zip(LOOKS, panel.series, strict=False)):
        shown = [(place, row.values[j]) for place, row in zip(places, panel.rows, strict=True)]
        given = [(place, value) for place, value in shown if value is not None]
        offset = 0.4 * ((count - 1) / 2.0 - j) / max(1, count - 1)
        # Open markers, wider than their errors are long, would hide these if filled.
        options = line_options(look._replace(line="", size=3.0, filled=False))
        plot.errorbar(
            [value[0] for _, value in given],
            [place + offset for place, _ in given],
            xerr=[value[1] for _, value in given],
            label=label,
            elinewidth=0.7,
            capsize=2.6,
            capthick=0.7,
            **options,
        )
    plot.hlines(places, 0.0, 1.0, color=PALE, linewidth=0.6, zorder=0)
    plot.set_yticks(places, [row.name for row in panel.rows], fontsize=SMALL)
    plot.tick_params(axis="y", length=0.0)
    plot.spines["left"].set_visible(False)
    plot.axvline(0.0, color=GREY, linewidth=0.5, zorder=1)
    # The legend stands below the rows.
    plot.set_ylim(places[-1] - 0.8 - 1.4 * count, 0.6)
    reach = max((value[0] + value[1] for row in panel.rows for value in row.values if value), default=1.0)
    plot.set_xlim(-0.02, min(1.02, 1.1 * reach))
    plot.xaxis.set_major_formatter(PercentFormatter(1.0))
    plot.set_xlabel(panel.xlabel)
    if panel.legend:
        plot.legend(*entries(plot), loc=panel.legend)
