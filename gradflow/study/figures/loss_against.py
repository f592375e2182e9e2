"""The final loss against a start value or a learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from gradflow.study.figures.panels import (
    Floats,
    Panel,
    Series,
    decorate,
    each_is,
    legend,
    letters,
    plot,
    points,
    span,
)
from gradflow.study.figures.style import SINGLE, line_options, look, styled


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
) -> Figure:
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

    Returns
    -------
    Figure

    Raises
    ------
    ValueError, TypeError
        If there is no panel, the range is empty, or a panel or series is not as described.
    """
    if not each_is("panels", panels, Panel):
        raise ValueError("panels: expected at least one")
    if xscale not in ("linear", "log"):
        raise ValueError(f"xscale: must be linear or log, got {xscale!r}")
    if not 0.0 < floor < ceiling:
        raise ValueError(f"floor: must be positive and below ceiling, got {floor:g} and {ceiling:g}")
    data = [[points(series) for series in panel.series] for panel in panels]
    reach = span((x for panel in data for x, _ in panel), positive=xscale == "log") or (0.1, 1.0)
    figure = Figure(figsize=(width, height), layout="constrained")
    column = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    _axes(column[0], reach, xscale, floor, ceiling)
    for axes, panel, curves in zip(column, panels, data, strict=True):
        for series, (x, y) in zip(panel.series, curves, strict=True):
            _draw(axes, series, x, y, floor, ceiling)
        decorate(axes, panel)
        legend(axes, panel)
    if len(panels) > 1:
        figure.supylabel(ylabel, fontsize=column[0].yaxis.label.get_size())
    else:
        column[0].set_ylabel(ylabel)
    column[-1].set_xlabel(xlabel)
    letters(list(column), panels)
    return figure


def _draw(axes: Axes, series: Series, x: Floats, y: Floats, floor: float, ceiling: float) -> None:
    plot(axes, series, x, np.where(y > ceiling, np.nan, np.maximum(y, floor)))
    above = y > ceiling
    if np.any(above):
        options: dict[str, Any] = line_options(look(series.look)) | {"linestyle": "none", "marker": "^"}
        axes.plot(x[above], np.full(int(np.sum(above)), ceiling), **(options | {"markersize": 3.0}))


def _axes(axes: Axes, reach: tuple[float, float], xscale: str, floor: float, ceiling: float) -> None:
    axes.set_xscale(xscale)
    lo, hi = reach if reach[1] > reach[0] else (reach[0], reach[0] + 1.0)
    pad = (hi / lo) ** 0.02 if xscale == "log" else 0.02 * (hi - lo)
    axes.set_xlim(*((lo / pad, hi * pad) if xscale == "log" else (lo - pad, hi + pad)))
    axes.set_yscale("log")
    decades = np.log10(ceiling / floor)
    axes.set_ylim(floor * 10.0 ** (-0.04 * decades), ceiling * 10.0 ** (0.04 * decades))
    step = max(1, int(np.ceil(decades / 6.0)))
    exponents = np.arange(np.log10(floor), np.log10(ceiling) + 1e-9, step)
    axes.yaxis.set_major_locator(FixedLocator([float(v) for v in 10.0**exponents]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(partial(_tick, floor=floor)))


def _tick(value: float, position: int | None = None, *, floor: float) -> str:
    power = f"10^{{{round(np.log10(value))}}}"
    return rf"$\leq {power}$" if value <= floor else f"${power}$"
