"""Errors against the learning rate on logarithmic axes, with measured orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import ArrayLike

from gradflow.study.figures.panels import Floats, Mark, Panel, Series, decorate, each_is, letters, points
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, GREEN, VERMILLION, Look, line_options, styled

# Told apart in grey by marker, filling and dash; by colour too.
LOOKS = (
    Look(BLACK, "-", 0.8, "o", 3.2),
    Look(BLUE, "--", 0.8, "s", 3.0, filled=False),
    Look(VERMILLION, "-.", 0.8, "^", 3.4),
    Look(GREEN, ":", 1.0, "D", 2.8, filled=False),
)


class Errors(NamedTuple):
    """Errors at some rates; `fit` is how many of the smallest rates the measured order is taken from.

    0 measures none. The order is written after the label.
    """

    label: str
    rates: ArrayLike
    errors: ArrayLike
    fit: int = 0


class Orders(NamedTuple):
    """One set of axes with up to four series; a legend's place is Matplotlib's."""

    series: Sequence[Errors]
    title: str = ""
    marks: Sequence[Mark] = ()
    legend: Any = "best"


def measured_order(series: Errors) -> float:
    """Return the exponent of the power law through the errors at the smallest rates, by least squares.

    Raises
    ------
    ValueError
        If there are fewer than two positive errors to fit.
    """
    rates, errors = _sorted(series)
    rates, errors = rates[: series.fit], errors[: series.fit]
    if rates.size < 2 or not np.all(errors > 0.0):
        raise ValueError(f"series {series.label!r}: expected at least two positive errors to fit")
    return float(np.polyfit(np.log(rates), np.log(errors), 1)[0])


@styled
def convergence(
    panels: Sequence[Orders],
    *,
    xlabel: str = "learning rate",
    ylabel: str = "error",
    columns: int = 3,
    width: float = DOUBLE,
    height: float = 4.2,
) -> Figure:
    """Draw errors against rates, a panel for each optimiser.

    Lines join the points; measured orders stand in the legends. Errors that are not positive are left out.

    Parameters
    ----------
    panels : sequence of Orders
        Row by row. Each has its own axes.
    xlabel, ylabel : str
        The axes' labels.
    columns : int
        The panels beside each other.
    width, height : float
        Size in inches.

    Raises
    ------
    ValueError, TypeError
        If there is no panel, a panel has more than four series, or a series is not as described.
    """
    if not each_is("panels", panels, Orders):
        raise ValueError("panels: expected at least one")
    if any(len(panel.series) > len(LOOKS) for panel in panels):
        raise ValueError(f"panels: expected at most {len(LOOKS)} series in each")
    if columns < 1:
        raise ValueError(f"columns: must be positive, got {columns}")
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, min(columns, len(panels)), squeeze=False)
    axes = list(grid.ravel())
    for spare in axes[len(panels) :]:
        spare.remove()
    for i, (plot, panel) in enumerate(zip(axes, panels, strict=False)):
        plot.set_xscale("log")
        plot.set_yscale("log")
        for look, series in zip(LOOKS, panel.series, strict=False):
            rates, errors = _sorted(series)
            label = f"{series.label}: {measured_order(series):.2f}" if series.fit else series.label
            shown = np.where(errors > 0.0, errors, np.nan)
            plot.plot(rates, shown, label=label, **line_options(look))
        for axis in (plot.xaxis, plot.yaxis):
            axis.set_major_locator(LogLocator(numticks=7))
            axis.set_minor_locator(NullLocator())
        decorate(plot, Panel([], title=panel.title, marks=panel.marks))
        if panel.legend:
            plot.legend(loc=panel.legend)
        if i + columns >= len(panels):
            plot.set_xlabel(xlabel)
        if i % columns == 0:
            plot.set_ylabel(ylabel)
    letters(axes, [Panel([]) for _ in panels])
    return figure


def _sorted(series: Errors) -> tuple[Floats, Floats]:
    rates, errors = points(Series(series.label, series.rates, series.errors))
    order = np.argsort(rates)
    return rates[order], errors[order]
