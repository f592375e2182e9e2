"""Losses on a logarithmic axis: against steps or time, and final ones against a start value or a rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure
from matplotlib.ticker import LogLocator, NullLocator

from gradflow.base.checks import one_of
from gradflow.study.figures.figure import Places
from gradflow.study.figures.loss_axis import tick_powers
from gradflow.study.figures.panels import (
    Floats,
    Panel,
    Series,
    decorate,
    in_turn,
    legend,
    letters,
    new_figure,
    plot,
    points,
    reach,
    require,
    span,
)
from gradflow.study.figures.style import DOUBLE, SINGLE, line_options, look, styled

Points = tuple[Floats, Floats]


@styled
def loss_curves(
    panels: Sequence[Panel],
    *,
    xlabel: str = "step",
    ylabel: str = "loss",
    floor: float | None = None,
    ceiling: float | None = None,
    width: float = DOUBLE,
    height: float = 2.4,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw losses in panels side by side that share the vertical axis.

    Parameters
    ----------
    panels : sequence of Panel
        Their series (losses ≥ 0 against step or time), levels and marks.
    xlabel, ylabel : str
        The axes' labels.
    floor : float, optional
        The lower end of the axis; smaller losses, 0 included, are drawn on it. Default: below the
        smallest positive loss, on a power of ten.
    ceiling : float, optional
        The upper end of the axis; curves leave the panel above it, and the horizontal axis shows where they
        are below it. Default: above the largest loss, on a power of ten.
    width, height : float
        Size in inches.
    ax : Axes or sequence of Axes, optional
        One for each panel, to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If there is no panel, the range is empty, or a panel or series is not as described.
    """
    require("panels", panels, Panel, least=1)
    panels = [panel._replace(series=in_turn(panel.series)) for panel in panels]
    data = [[points(series) for series in panel.series] for panel in panels]
    levels = [level.value for panel in panels for level in panel.levels]
    found = span([*(y for panel in data for _, y in panel), levels], positive=True) or (1e-3, 1.0)
    lowest = floor or 10.0 ** np.floor(np.log10(found[0]) - 1e-9)
    highest = ceiling or 10.0 ** np.ceil(np.log10(max(found[1], 10.0 * lowest)) + 1e-9)
    if not lowest < highest:
        raise ValueError(f"ceiling: must be above floor, got {highest:g} and {lowest:g}")
    figure, row = new_figure(len(panels), (1, len(panels)), (width, height), ax, sharex=True, sharey=True)
    # Axes of one figure share these; those that a caller gave need not.
    for axes in row if ax is not None else row[:1]:
        axes.set_yscale("log")
        axes.set_ylim(lowest, highest)
        axes.set_xlim(*reach(x if ceiling is None else x[y <= highest] for panel in data for x, y in panel))
        axes.yaxis.set_major_locator(LogLocator(numticks=9))
        axes.yaxis.set_minor_locator(NullLocator())
    row[0].set_ylabel(ylabel)
    for axes in row:
        axes.set_xlabel(xlabel)
    _fill(row, panels, data, lambda axes, series, x, y: plot(axes, series, x, np.maximum(y, lowest)))
    return figure


@styled
def loss_against(
    panels: Sequence[Panel],
    *,
    xlabel: str,
    ylabel: str = "final loss",
    xscale: str = "linear",
    floor: float = 1e-8,
    ceiling: float = 1.0,
    width: float = SINGLE,
    height: float = 2.4,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw final losses in panels on top of each other that share the horizontal axis.

    Losses are drawn on a logarithmic axis between `floor` and `ceiling`; those at or below the floor, 0
    included, stand on it, and its tick says "≤". Those above the ceiling, infinite ones included, stand on
    it as upward triangles. NaN is left out.

    Parameters
    ----------
    panels : sequence of Panel
        From the top; their series, levels, marks and bands.
    xlabel, ylabel : str
        The axes' labels.
    xscale : {'linear', 'log'}
        The horizontal axis.
    floor, ceiling : float
        The range of the losses, powers of ten.
    width, height : float
        Size in inches.
    ax : Axes or sequence of Axes, optional
        One for each panel, to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If there is no panel, the range is empty, or a panel or series is not as described.
    """
    require("panels", panels, Panel, least=1)
    panels = [panel._replace(series=in_turn(panel.series)) for panel in panels]
    data = [[points(series) for series in panel.series] for panel in panels]
    one_of("xscale", xscale, ("linear", "log"))
    if not 0.0 < floor < ceiling:
        raise ValueError(f"floor: must be positive and below ceiling, got {floor:g} and {ceiling:g}")
    xlim = reach((x for panel in data for x, _ in panel), positive=xscale == "log", empty=(0.1, 1.0))
    figure, column = new_figure(len(panels), (len(panels), 1), (width, height), ax, sharex=True, sharey=True)
    for axes in column if ax is not None else column[:1]:
        _axes(axes, xlim, xscale, floor, ceiling)
    _fill(column, panels, data, partial(_draw, floor=floor, ceiling=ceiling))
    if ax is not None:
        for axes in column:
            axes.set_ylabel(ylabel)
    elif len(panels) > 1:
        figure.supylabel(ylabel, fontsize=column[0].yaxis.label.get_fontsize())
    else:
        column[0].set_ylabel(ylabel)
    column[-1].set_xlabel(xlabel)
    return figure


def _fill(
    every: Sequence[Axes],
    panels: Sequence[Panel],
    data: Sequence[Sequence[Points]],
    draw: Callable[[Axes, Series, Floats, Floats], None],
) -> None:
    """Draw every series, then what is not data."""
    for axes, panel, curves in zip(every, panels, data, strict=True):
        for series, (x, y) in zip(panel.series, curves, strict=True):
            draw(axes, series, x, y)
        decorate(axes, panel)
        legend(axes, panel)
    letters(every, panels)


def _draw(axes: Axes, series: Series, x: Floats, y: Floats, floor: float, ceiling: float) -> None:
    plot(axes, series, x, np.where(y > ceiling, np.nan, np.maximum(y, floor)))
    above = y > ceiling
    if np.any(above):
        options = line_options(look(series.look)) | {"linestyle": "none", "marker": "^", "markersize": 3.0}
        axes.plot(x[above], np.full(int(np.sum(above)), ceiling), **options)


def _axes(axes: Axes, xlim: tuple[float, float], xscale: str, floor: float, ceiling: float) -> None:
    axes.set_xscale(xscale)
    lo, hi = xlim
    pad = (hi / lo) ** 0.02 if xscale == "log" else 0.02 * (hi - lo)
    axes.set_xlim(*((lo / pad, hi * pad) if xscale == "log" else (lo - pad, hi + pad)))
    axes.set_yscale("log")
    decades = np.log10(ceiling / floor)
    axes.set_ylim(floor * 10.0 ** (-0.04 * decades), ceiling * 10.0 ** (0.04 * decades))
    tick_powers(axes, float(np.log10(floor)), float(np.log10(ceiling)), floor)
