"""Outcomes along a line of starts or rates, as a strip, above what else there is to see of them."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure

from gradflow.base.checks import require_kind
from gradflow.study.figures.cells import along, edges, scale
from gradflow.study.figures.figure import Figure, Places, figure_of, given
from gradflow.study.figures.loss_axis import loss_axis, shown
from gradflow.study.figures.panels import Mark, Panel, decorate, in_turn, key_for, legend, plot, points, reach
from gradflow.study.figures.phase_diagram import Diagram, check, draw_diagram, key
from gradflow.study.figures.style import BLACK, DOUBLE, SMALL, styled


@styled
def outcomes_along(
    outcomes: xr.DataArray,
    losses: Panel,
    *,
    xlabel: str,
    loss_xlabel: str = "",
    loss_ylabel: str = "loss",
    mark: Mark | None = None,
    width: float = DOUBLE,
    height: float = 3.2,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw outcomes along a line as a strip of cells, and losses under it.

    Parameters
    ----------
    outcomes : xarray.DataArray, shape (n,)
        Codes of `gradflow.ends.outcome.OUTCOMES`, over a coordinate that increases or decreases.
    losses : Panel
        The losses' series, levels and title.
    xlabel : str
        The label of the strip's axis.
    loss_xlabel : str
        That of the losses' axis; by default they share the strip's.
    loss_ylabel : str
    mark : Mark, optional
        A value to mark, such as a threshold.
    width, height : float
        Size in inches.
    ax : two Axes, optional
        The strip's and the losses', to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If the outcomes, or a series, are not as described.
    """
    require_kind("outcomes", outcomes, xr.DataArray)
    require_kind("losses", losses, Panel)
    if mark is not None:
        require_kind("mark", mark, Mark)
    if outcomes.ndim != 1:
        raise ValueError(f"outcomes: expected one dimension, got {outcomes.ndim}")
    diagram = check([Diagram("", outcomes.expand_dims("strip", axis=1))])[0]
    figure: AnyFigure
    if ax is not None:
        strip, plane = given(ax, 2)
        figure = figure_of(strip)
    else:
        figure = Figure(figsize=(width, height), layout="constrained")
        strip, plane = figure.subplots(2, 1, height_ratios=(1.0, 5.0))
    values = along(outcomes, 0)
    on = scale(values)
    draw_diagram(strip, diagram, scales=(on, "linear"))
    strip.yaxis.set_visible(False)
    # Or a white cell at an end would have no edge.
    for side in ("top", "right"):
        strip.spines[side].set_visible(True)
    losses = losses._replace(series=in_turn(losses.series))
    curves = [points(series) for series in losses.series]
    floor = loss_axis(plane, [*(y for _, y in curves), [level.value for level in losses.levels]])
    if loss_xlabel:
        plane.set_xlim(*reach(x for x, _ in curves))
        strip.set_xlabel(xlabel)
    else:
        plane.set_xscale(on)
        cells = edges(values, on)
        plane.set_xlim(float(cells.min()), float(cells.max()))
        strip.tick_params(labelbottom=False)
    plane.set_xlabel(loss_xlabel or xlabel)
    plane.set_ylabel(loss_ylabel)
    for series, (x, y) in zip(losses.series, curves, strict=True):
        plot(plane, series, x, shown(y, floor))
    decorate(plane, losses)
    legend(plane, losses)
    if mark is not None:
        _mark(strip, mark)
    key_for(figure, [strip], key([diagram]), width, ax)
    return figure


def _mark(strip: Axes, mark: Mark) -> None:
    """Point to a value from above, and name it beside the pointer where there is room."""
    on = strip.get_xaxis_transform()
    strip.plot(
        mark.value, 1.0, marker="v", color=BLACK, markersize=4.0, clip_on=False, transform=on, zorder=5
    )
    left, right = strip.get_xlim()
    place = (mark.value - left) / (right - left)
    side = 1 if place < 0.2 else -1 if place > 0.8 else 0
    strip.annotate(
        mark.label, (mark.value, 1.0), (-4 * side, 4), xycoords=on, textcoords="offset points",
        ha=("center", "left", "right")[side], va="bottom", fontsize=SMALL,
    )  # fmt: skip
