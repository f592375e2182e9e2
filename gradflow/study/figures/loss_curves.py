"""Loss against steps or time, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from gradflow.study.figures.panels import Panel, decorate, each_is, legend, letters, plot, points, span
from gradflow.study.figures.style import DOUBLE, styled


@styled
def loss_curves(
    panels: Sequence[Panel],
    *,
    xlabel: str = "step",
    ylabel: str = "loss",
    floor: float | None = None,
    width: float = DOUBLE,
    height: float = 2.4,
) -> Figure:
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
    width, height : float
        Size in inches.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError, TypeError
        If there is no panel, or a panel or series is not as described.
    """
    if not each_is("panels", panels, Panel):
        raise ValueError("panels: expected at least one")
    data = [[points(series) for series in panel.series] for panel in panels]
    levels = [level.value for panel in panels for level in panel.levels]
    found = span([*(y for panel in data for _, y in panel), levels], positive=True) or (1e-3, 1.0)
    lowest = floor or 10.0 ** np.floor(np.log10(found[0]) - 1e-9)
    highest = 10.0 ** np.ceil(np.log10(max(found[1], 10.0 * lowest)) + 1e-9)
    reach = span(x for panel in data for x, _ in panel) or (0.0, 1.0)

    figure = Figure(figsize=(width, height), layout="constrained")
    row = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    row[0].set_yscale("log")
    row[0].set_ylim(lowest, highest)
    row[0].set_xlim(reach[0], reach[1] if reach[1] > reach[0] else reach[0] + 1.0)
    row[0].yaxis.set_major_locator(LogLocator(numticks=9))
    row[0].yaxis.set_minor_locator(NullLocator())
    row[0].set_ylabel(ylabel)
    for axes, panel, curves in zip(row, panels, data, strict=True):
        for series, (x, y) in zip(panel.series, curves, strict=True):
            plot(axes, series, x, np.maximum(y, lowest))
        axes.set_xlabel(xlabel)
        decorate(axes, panel)
        legend(axes, panel)
    letters(list(row), panels)
    return figure
