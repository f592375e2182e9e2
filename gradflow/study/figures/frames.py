"""A sheet of frames: panels of any kind in rows, each with its own axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure

from gradflow.study.figures.convergence import Orders
from gradflow.study.figures.curves import Curves, entries
from gradflow.study.figures.figure import Places
from gradflow.study.figures.panels import (
    Panel,
    decorate,
    in_rows,
    in_turn,
    key_for,
    legend,
    letters,
    new_figure,
    plot,
    points,
    require,
    span,
)
from gradflow.study.figures.plane import PlaneView, key
from gradflow.study.figures.rows import Rows
from gradflow.study.figures.style import DOUBLE, styled


class Frame(NamedTuple):
    """A panel with its axes: labels, scales ("linear" or "log") and, where given, limits.

    Values that a logarithmic axis cannot show are left out.
    """

    panel: Panel
    xlabel: str
    ylabel: str
    xscale: str = "linear"
    yscale: str = "linear"
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None

    def draw(self, axes: Axes) -> None:
        """Draw the panel."""
        every = in_turn(self.panel.series)
        curves = [points(series) for series in every]
        axes.set_xscale(self.xscale)
        axes.set_yscale(self.yscale)
        reach = span((x for x, _ in curves), positive=self.xscale == "log")
        if (ends := self.xlim or reach) is not None and ends[0] < ends[1]:
            axes.set_xlim(*ends)
        if self.ylim is not None:
            axes.set_ylim(*self.ylim)
        for series, (x, y) in zip(every, curves, strict=True):
            plot(axes, series, x, y)
        axes.set_xlabel(self.xlabel)
        axes.set_ylabel(self.ylabel)
        decorate(axes, self.panel)
        legend(axes, self.panel)


class Below(NamedTuple):
    """The frame, counted from 0, whose legend stands below the figure, and in how many columns."""

    frame: int
    columns: int


@styled
def sheet(
    frames: Sequence[Frame | Curves | Rows | Orders | PlaneView],
    *,
    columns: int = 2,
    width: float = DOUBLE,
    height: float | Sequence[float] = 2.3,
    below: Below | None = None,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw frames in rows of `columns`.

    Parameters
    ----------
    frames : sequence of Frame, Curves, Rows, Orders or PlaneView
        In reading order. The marks of planes are explained above the figure.
    columns : int
        So many in a row.
    width : float
        Of the figure, in inches.
    height : float or sequence of float
        Of every row or of each, in inches.
    below : Below, optional
        A legend to put below the figure.
    ax : Axes or sequence of Axes, optional
        One for each frame, to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If there is no frame, heights or `below` do not fit, or a frame, series or curve is not as described.
    """
    require("frames", frames, Frame, Curves, Rows, Orders, PlaneView, least=1)
    rows, columns = in_rows(len(frames), columns)
    heights = [height] * rows if isinstance(height, (int, float)) else list(height)
    if len(heights) != rows:
        raise ValueError(f"height: expected one number, or one for each of {rows} rows, got {len(heights)}")
    if below is not None and not 0 <= below.frame < len(frames):
        raise ValueError(f"below: expected a frame from 0 to {len(frames) - 1}, got {below.frame}")
    figure, every = new_figure(len(frames), (rows, columns), (width, sum(heights)), ax, height_ratios=heights)
    planes = [frame for frame in frames if isinstance(frame, PlaneView)]
    labels = np.concatenate([np.empty(0), *(np.ravel(plane.labels) for plane in planes)])
    for axes, frame in zip(every, frames, strict=True):
        (frame._replace(beside=labels) if isinstance(frame, PlaneView) else frame).draw(axes)
    if ax is None:
        letters(every, [frame.panel if isinstance(frame, Frame) else Panel([]) for frame in frames])
    marks = key(planes)
    if marks:
        key_for(figure, every, marks, width, ax, handlelength=1.0)
    if below is not None and ax is None:
        figure.legend(*entries(every[below.frame]), loc="outside lower center", ncols=below.columns)
    return figure
