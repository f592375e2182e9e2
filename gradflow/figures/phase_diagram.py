"""Outcomes over a grid of starts: which start ends where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from gradflow.figures.style import BLACK, DOUBLE, SKY, VERMILLION, styled
from gradflow.outcome import OUTCOMES

# Far apart in lightness, so that they read in grey: 100, 70, 25, 84, 0 and 52.
COLORS = {
    "global": "#FFFFFF",
    "linear": SKY,
    "constant": "#083D5E",
    "local": "#E8D21D",
    "diverged": BLACK,
    "undecided": VERMILLION,
}


class Layer(NamedTuple):
    """A part of the plane drawn over the outcomes: filled, hatched or outlined, or several of these.

    The mask has two dimensions, the horizontal axis first, with equally spaced coordinates; they need not be
    those of the outcomes. An empty `color`, `hatch` or `outline` (a colour) draws nothing.
    """

    label: str
    mask: xr.DataArray
    color: str = ""
    hatch: str = ""
    outline: str = ""


class Diagram(NamedTuple):
    """A panel: title, outcomes over two axes, lines across it (at these horizontal values), and layers."""

    title: str
    outcomes: xr.DataArray
    walls: Sequence[float] = ()
    layers: Sequence[Layer] = ()


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
        If there is no panel, or outcomes or masks do not have two dimensions.
    """
    check(diagrams)
    columns = min(columns, len(diagrams))
    rows = -(-len(diagrams) // columns)
    figure = Figure(figsize=(width, height or 0.35 + rows * (width / columns)), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, diagram in zip(grid.flat, diagrams, strict=False):
        draw_diagram(axes, diagram)
    for axes in grid.flat[len(diagrams) :]:
        axes.set_axis_off()
    figure.supxlabel(xlabel, fontsize=grid[0, 0].xaxis.label.get_size())
    figure.supylabel(ylabel, fontsize=grid[0, 0].yaxis.label.get_size())
    handles = key(diagrams)
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def check(diagrams: Sequence[Diagram]) -> None:
    """Raise ValueError unless there are diagrams, and all have two dimensions."""
    if not diagrams:
        raise ValueError("diagrams: expected at least one")
    if any(diagram.outcomes.ndim != 2 for diagram in diagrams):
        raise ValueError("diagrams: outcomes must have two dimensions")
    if any(layer.mask.ndim != 2 for diagram in diagrams for layer in diagram.layers):
        raise ValueError("diagrams: the masks of layers must have two dimensions")


def key(diagrams: Sequence[Diagram], colors: Mapping[str, str] = COLORS) -> list[Patch]:
    """Return a legend's patches: outcomes that are seen under the fillings, then layers, each once."""
    present = {
        int(code) for diagram in diagrams for code in np.unique(diagram.outcomes.values[_seen(diagram)])
    }
    handles = [
        Patch(facecolor=colors[name], edgecolor=BLACK, linewidth=0.6, label=name)
        for code, name in enumerate(OUTCOMES)
        if code in present
    ]
    layers = {
        layer.label: layer for diagram in diagrams for layer in diagram.layers if layer.mask.values.any()
    }
    return handles + [
        Patch(
            facecolor=layer.color or "none",
            edgecolor=layer.outline or BLACK,
            hatch=layer.hatch or None,
            linewidth=1.0 if layer.outline else 0.6,
            label=layer.label,
        )
        for layer in layers.values()
    ]


def draw_diagram(axes: Axes, diagram: Diagram, colors: Mapping[str, str] = COLORS) -> None:
    """Draw outcomes as an image, the layers over it in their order, then walls and title."""
    norm = BoundaryNorm(np.arange(len(OUTCOMES) + 1) - 0.5, len(OUTCOMES))
    axes.imshow(
        diagram.outcomes.values.T,
        cmap=ListedColormap([colors[name] for name in OUTCOMES]),
        norm=norm,
        extent=_extent(diagram.outcomes),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        rasterized=True,
    )
    left, right, bottom, top = _extent(diagram.outcomes)
    for layer in diagram.layers:
        _draw_layer(axes, layer)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    for wall in diagram.walls:
        axes.axvline(wall, color=BLACK, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.set_title(diagram.title)


def _draw_layer(axes: Axes, layer: Layer) -> None:
    mask = np.asarray(layer.mask.values, dtype=bool)
    if not mask.any():
        return
    if layer.color:
        pixels = np.zeros((*mask.T.shape, 4))
        pixels[mask.T] = to_rgba(layer.color)
        axes.imshow(
            pixels,
            extent=_extent(layer.mask),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            rasterized=True,
        )
    if min(mask.shape) < 2:
        return
    # With one more cell on each side the hatching reaches the edge, and no outline runs along it.
    x, y = (_continued(layer.mask[name].values) for name in layer.mask.dims)
    values = np.pad(mask, 1, mode="edge").T.astype(np.float64)
    if layer.hatch:
        axes.contourf(x, y, values, levels=[0.5, 1.5], colors="none", hatches=[layer.hatch])
    if layer.outline and not mask.all():
        axes.contour(x, y, values, levels=[0.5], colors=[layer.outline], linewidths=1.0)


def _seen(diagram: Diagram) -> np.ndarray:
    """Return where no filling of the same shape lies over the outcomes."""
    seen = np.ones(diagram.outcomes.shape, dtype=bool)
    for layer in diagram.layers:
        if layer.color and layer.mask.shape == seen.shape:
            seen &= ~np.asarray(layer.mask.values, dtype=bool)
    return seen


def _extent(array: xr.DataArray) -> tuple[float, float, float, float]:
    first, second = (_edges(array[name].values) for name in array.dims)
    return (*first, *second)


def _continued(values: np.ndarray) -> np.ndarray:
    step = (values[-1] - values[0]) / (len(values) - 1)
    return np.concatenate(([values[0] - step], values, [values[-1] + step]))


def _edges(values: np.ndarray) -> tuple[float, float]:
    """Return the outer edges of cells centred on equally spaced values."""
    half = 0.5 * (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 0.5
    return float(values[0] - half), float(values[-1] + half)
