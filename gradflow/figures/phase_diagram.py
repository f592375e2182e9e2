"""Outcomes over a grid of starts: which start ends where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from gradflow.figures.style import BLACK, DOUBLE, SKY, VERMILLION, styled
from gradflow.outcome import OUTCOMES

# Far apart in lightness, so that they read in grey: 100, 70, 25, 0 and 52.
COLORS = {
    "global": "#FFFFFF",
    "linear": SKY,
    "constant": "#083D5E",
    "diverged": BLACK,
    "undecided": VERMILLION,
}


class Diagram(NamedTuple):
    """A panel: its title, the outcomes over two axes, and lines across it (at these horizontal values)."""

    title: str
    outcomes: xr.DataArray
    walls: Sequence[float] = ()


@styled
def phase_diagram(
    diagrams: Sequence[Diagram],
    *,
    xlabel: str,
    ylabel: str,
    columns: int = 3,
    width: float = DOUBLE,
    height: float | None = None,
) -> Figure:
    """Draw outcomes as areas, one panel a dynamics, side by side.

    Parameters
    ----------
    diagrams : sequence of Diagram
        Their outcomes have two dimensions, the horizontal axis first, with coordinates, and hold codes of
        `gradflow.outcome.OUTCOMES`.
    xlabel, ylabel : str
        The axes' labels.
    columns : int
        Panels in a row.
    width, height : float
        Size in inches; by default the panels are about square.

    Returns
    -------
    Figure
        The areas are images, also in vector formats; their boundaries are those of the grid's cells.

    Raises
    ------
    ValueError
        If there is no panel, or outcomes do not have two dimensions.
    """
    if not diagrams:
        raise ValueError("diagrams: expected at least one")
    if any(diagram.outcomes.ndim != 2 for diagram in diagrams):
        raise ValueError("diagrams: outcomes must have two dimensions")
    columns = min(columns, len(diagrams))
    rows = -(-len(diagrams) // columns)
    figure = Figure(figsize=(width, height or 0.35 + rows * (width / columns)), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, diagram in zip(grid.flat, diagrams, strict=False):
        _draw(axes, diagram)
    for axes in grid.flat[len(diagrams) :]:
        axes.set_axis_off()
    figure.supxlabel(xlabel, fontsize=grid[0, 0].xaxis.label.get_size())
    figure.supylabel(ylabel, fontsize=grid[0, 0].yaxis.label.get_size())
    present = {int(code) for diagram in diagrams for code in np.unique(diagram.outcomes.values)}
    handles = [
        Patch(facecolor=COLORS[name], edgecolor=BLACK, linewidth=0.6, label=name)
        for code, name in enumerate(OUTCOMES)
        if code in present
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _draw(axes: Axes, diagram: Diagram) -> None:
    first, second = (diagram.outcomes[name].values for name in diagram.outcomes.dims)
    norm = BoundaryNorm(np.arange(len(OUTCOMES) + 1) - 0.5, len(OUTCOMES))
    axes.imshow(
        diagram.outcomes.values.T,
        cmap=ListedColormap([COLORS[name] for name in OUTCOMES]),
        norm=norm,
        extent=(*_edges(first), *_edges(second)),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        rasterized=True,
    )
    for wall in diagram.walls:
        axes.axvline(wall, color=BLACK, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.set_title(diagram.title)


def _edges(values: np.ndarray) -> tuple[float, float]:
    """Return the outer edges of cells centred on equally spaced values."""
    half = 0.5 * (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 0.5
    return float(values[0] - half), float(values[-1] + half)
