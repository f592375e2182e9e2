"""Proved regions drawn over what is simulated, and how much of it is proved as time passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as AnyFigure

from gradflow.study.figures.figure import Places
from gradflow.study.figures.panels import (
    Panel,
    Series,
    decorate,
    key_for,
    letters,
    new_figure,
    points,
    require,
)
from gradflow.study.figures.phase_diagram import COLORS, Diagram, check, draw_diagram, key
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, GREEN, ORANGE, Look, line_options, styled

PALE_COLORS = COLORS | {"linear": "#D3E9F7", "constant": "#B8C4CC", "local": "#E6D37F"}
"""Basins as a ground: lightness 100, 91, 78 and 84, all lighter than what is drawn over them."""

# Told apart in grey by dash and weight.
LOOKS = (
    Look(BLACK, "-", 1.8),
    Look(GREEN, "-.", 1.2),
    Look(BLUE, "--", 1.2),
    Look(ORANGE, ":", 1.6),
)


@styled
def proved_regions(
    diagrams: Sequence[Diagram],
    shares: Panel,
    *,
    xlabel: str,
    ylabel: str,
    time: str = "time $t$",
    share: str = "share decided",
    width: float = DOUBLE,
    height: float = 3.0,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw diagrams beside each other, outcomes pale under layers, and shares against time at the right.

    Parameters
    ----------
    diagrams : sequence of Diagram
        Outcomes as for `gradflow.study.figures.phase_diagram.phase_diagram`; the layers are what is proved.
    shares : Panel
        Up to four series of shares between 0 and 1 against times > 0; their looks are this figure's.
    xlabel, ylabel : str
        The labels of the diagrams' axes.
    time, share : str
        The labels of the curves' axes.
    width, height : float
        Size in inches.
    ax : sequence of Axes, optional
        One for each diagram and one for the shares, to draw into in the place of a new figure.

    Raises
    ------
    ValueError
        If there is no diagram, one does not have two dimensions, or the series are too many or not as
        described.
    """
    diagrams = check(diagrams, xlabel, ylabel)
    require("shares", [shares], Panel)
    if len(shares.series) > len(LOOKS):
        raise ValueError(f"shares: expected at most {len(LOOKS)} series, got {len(shares.series)}")
    curves = [_checked(series) for series in shares.series]
    count = len(diagrams) + 1
    figure, (*planes, plot) = new_figure(count, (1, count), (width, height), ax)
    for axes, diagram in zip(planes, diagrams, strict=True):
        draw_diagram(axes, diagram, PALE_COLORS)
        axes.set_xlabel(xlabel)
        axes.tick_params(labelleft=axes is planes[0])
    planes[0].set_ylabel(ylabel)
    plot.set_xscale("log")
    plot.set_ylim(0.0, 1.02)
    for look, series, (x, y) in zip(LOOKS, shares.series, curves, strict=False):
        plot.plot(x, y, label=series.label, clip_on=False, **line_options(look))
    plot.set_xlabel(time)
    plot.set_ylabel(share)
    plot.margins(x=0.0)
    decorate(plot, shares)
    if shares.legend and any(series.label for series in shares.series):
        plot.legend(loc=shares.legend)
    if ax is None:
        letters([*planes, plot])
    key_for(figure, planes, key(diagrams, PALE_COLORS), width, ax)
    return figure


def _checked(series: Series) -> tuple[np.ndarray, np.ndarray]:
    x, y = points(series)
    if np.any(x <= 0.0):
        raise ValueError(f"series {series.label!r}: expected times > 0, got {np.min(x):g}")
    if np.any((y < 0.0) | (y > 1.0)):
        raise ValueError(f"series {series.label!r}: expected shares between 0 and 1")
    return x, y
