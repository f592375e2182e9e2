"""Panels in rows whose axes are their own: for one story told in several quantities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from gradflow.study.figures.panels import Panel, decorate, each_is, legend, letters, plot, points, span
from gradflow.study.figures.style import DOUBLE, styled


class Frame(NamedTuple):
    """A panel with its axes: labels, scales ("linear" or "log") and, where given, limits."""

    panel: Panel
    xlabel: str
    ylabel: str
    xscale: str = "linear"
    yscale: str = "linear"
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None


@styled
def mixed(frames: Sequence[Frame], *, columns: int = 2, width: float = DOUBLE, height: float = 2.3) -> Figure:
    """Draw frames in rows of `columns`.

    Parameters
    ----------
    frames : sequence of Frame
        In reading order. Values that a logarithmic axis cannot show are left out.
    columns : int
        So many in a row.
    width, height : float
        Of the figure and of each row, in inches.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError, TypeError
        If there is no frame, or a frame or series is not as described.
    """
    if not each_is("frames", frames, Frame):
        raise ValueError("frames: expected at least one")
    if columns < 1:
        raise ValueError(f"columns: expected at least 1, got {columns!r}")
    rows = -(-len(frames) // columns)
    figure = Figure(figsize=(width, rows * height), layout="constrained")
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in every[len(frames) :]:
        axes.remove()
    for axes, frame in zip(every, frames, strict=False):
        curves = [points(series) for series in frame.panel.series]
        axes.set_xscale(frame.xscale)
        axes.set_yscale(frame.yscale)
        reach = span((x for x, _ in curves), positive=frame.xscale == "log")
        if (ends := frame.xlim or reach) is not None and ends[0] < ends[1]:
            axes.set_xlim(*ends)
        if frame.ylim is not None:
            axes.set_ylim(*frame.ylim)
        for series, (x, y) in zip(frame.panel.series, curves, strict=True):
            plot(axes, series, x, y)
        axes.set_xlabel(frame.xlabel)
        axes.set_ylabel(frame.ylabel)
        decorate(axes, frame.panel)
        legend(axes, frame.panel)
    letters(list(every[: len(frames)]), [frame.panel for frame in frames])
    return figure
