"""Errors against the learning rate on logarithmic axes, with measured orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import ArrayLike

from gradflow.study.figures.panels import Floats, Mark, Panel, Series, decorate, points
from gradflow.study.figures.style import BLACK, BLUE, GREEN, VERMILLION, Look, line_options

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
    """One set of axes with up to four series; a legend's place is Matplotlib's.

    Lines join the points; measured orders stand in the legend. Errors that are not positive are left out.
    """

    series: Sequence[Errors]
    title: str = ""
    marks: Sequence[Mark] = ()
    legend: Any = "best"
    xlabel: str = ""
    ylabel: str = ""

    def draw(self, plot: Axes) -> None:
        """Draw the errors.

        Raises
        ------
        ValueError
            If there are more than four series, or one is not as described.
        """
        if len(self.series) > len(LOOKS):
            raise ValueError(f"frames: expected at most {len(LOOKS)} series in each")
        plot.set_xscale("log")
        plot.set_yscale("log")
        for look, series in zip(LOOKS, self.series, strict=False):
            rates, errors = _sorted(series)
            label = f"{series.label}: {measured_order(series):.2f}" if series.fit else series.label
            shown = np.where(errors > 0.0, errors, np.nan)
            plot.plot(rates, shown, label=label, **line_options(look))
        for axis in (plot.xaxis, plot.yaxis):
            axis.set_major_locator(LogLocator(numticks=7))
            axis.set_minor_locator(NullLocator())
        decorate(plot, Panel([], title=self.title, marks=self.marks))
        if self.legend:
            plot.legend(loc=self.legend)
        plot.set_xlabel(self.xlabel)
        plot.set_ylabel(self.ylabel)


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


def _sorted(series: Errors) -> tuple[Floats, Floats]:
    rates, errors = points(Series(series.label, series.rates, series.errors))
    order = np.argsort(rates)
    return rates[order], errors[order]
