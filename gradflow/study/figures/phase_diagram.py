"""Outcomes over a grid of starts: which start ends where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgba
from matplotlib.figure import Figure as AnyFigure
from matplotlib.patches import Patch, Rectangle

from gradflow.ends.outcome import OUTCOMES
from gradflow.study.figures.cells import LINEAR, LOG, along, beyond, edges, paint, scale
from gradflow.study.figures.figure import Places
from gradflow.study.figures.panels import Floats, in_rows, key_for, labelled, new_figure, require
from gradflow.study.figures.style import BLACK, DOUBLE, GREY, PALE, SKY, VERMILLION, styled

# Far apart in lightness, so that they read in grey: 100, 70, 25, 84, 0 and 52.
COLORS = {
    "global": "#FFFFFF",
    "linear": SKY,
    "constant": "#083D5E",
    "local": "#E8D21D",
    "diverged": BLACK,
    "undecided": VERMILLION,
}

NOTHING = "not computed"
"""The ground under the cells: hatched, so that it is neither an outcome nor paper."""

_HATCHED: dict[str, Any] = {"facecolor": PALE, "edgecolor": GREY, "hatch": "xxxx", "linewidth": 0.0}


class Layer(NamedTuple):
    """A part of the plane drawn over the outcomes: filled, hatched or outlined, or several of these.

    The mask lies over the dimensions of the outcomes; its coordinates need not be theirs. An empty `color`,
    `hatch` or `outline` (a colour) draws nothing.
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
    xlabel: str | None = None,
    ylabel: str | None = None,
    columns: int = 3,
    width: float = DOUBLE,
    height: float | None = None,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw outcomes as areas, one panel a dynamics, side by side.

    Parameters
    ----------
    diagrams : sequence of Diagram
        Their outcomes have two dimensions with coordinates, which increase or decrease, and hold codes of
        `gradflow.ends.outcome.OUTCOMES`, or the names; -1 and NaN stand for what is not computed.
    xlabel, ylabel : str, optional
        The axes' labels; by default what the coordinates call themselves.
    columns : int
        Panels in a row.
    width, height : float
        Size in inches; by default the panels are about square.
    ax : Axes or sequence of Axes, optional
        One for each panel, to draw into in the place of a new figure; the key is then in the last.

    Returns
    -------
    Figure
        Cells end midway between their starts, on logarithmic axes where the coordinates are more equally
        spaced on these: 0.001, 0.003, 0.01 and 0.03 are. The cells are images, also in vector formats.

    Raises
    ------
    ValueError, TypeError
        If there is no panel, or outcomes or masks are not as described.

    Notes
    -----
    The first dimension of the first panel is horizontal, unless the labels have it the other way round: a
    word of each is the name of the other's dimension, as in "initial $b_1$" of b1. Other panels and masks
    over the same dimensions are turned to agree.
    """
    diagrams = check(diagrams, xlabel, ylabel)
    rows, columns = in_rows(len(diagrams), columns)
    size = width, height or 0.35 + rows * (width / columns)
    figure, every = new_figure(len(diagrams), (rows, columns), size, ax, sharex=True, sharey=True)
    scales = (_shared(diagrams, 0), _shared(diagrams, 1))
    for axes, diagram in zip(every, diagrams, strict=True):
        draw_diagram(axes, diagram, scales=scales)
    # Panels share their axes: all must be seen whole.
    ends = [[edges(along(d.outcomes, k), on) for d in diagrams] for k, on in enumerate(scales)]
    for axes in every if ax is not None else every[:1]:
        axes.set_xlim(*_reach(ends[0]))
        axes.set_ylim(*_reach(ends[1]))
    outcomes = diagrams[0].outcomes
    labelled(figure, every, xlabel or name_of(outcomes, 0), ylabel or name_of(outcomes, 1), ax)
    key_for(figure, every, key(diagrams), width, ax)
    return figure


def check(diagrams: Sequence[Diagram], xlabel: str | None = None, ylabel: str | None = None) -> list[Diagram]:
    """Return diagrams of codes whose first dimension is horizontal.

    Raises
    ------
    ValueError, TypeError
        As `phase_diagram`.
    """
    require("diagrams", diagrams, Diagram, least=1)
    for diagram in diagrams:
        require("diagrams: outcomes", [diagram.outcomes], xr.DataArray)
        require("diagrams: the masks of layers", [layer.mask for layer in diagram.layers], xr.DataArray)
        if diagram.outcomes.ndim != 2:
            raise ValueError("diagrams: outcomes must have two dimensions")
        if any(layer.mask.ndim != 2 for layer in diagram.layers):
            raise ValueError("diagrams: the masks of layers must have two dimensions")
    dims = diagrams[0].outcomes.dims
    if _names(xlabel, dims[1]) and _names(ylabel, dims[0]):
        dims = dims[::-1]
    return [_turned(diagram, dims) for diagram in diagrams]


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
    if -1 in present:
        handles.append(Patch(**_HATCHED, label=NOTHING))
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


def draw_diagram(
    axes: Axes,
    diagram: Diagram,
    colors: Mapping[str, str] = COLORS,
    scales: tuple[str, str] | None = None,
) -> None:
    """Draw checked outcomes as cells, the layers over them in their order, then walls and title.

    Scales are those of the axes, by default those on which the coordinates are more equally spaced.
    """
    horizontal, vertical = along(diagram.outcomes, 0), along(diagram.outcomes, 1)
    scales = scales or (scale(horizontal), scale(vertical))
    axes.set_xscale(scales[0])
    axes.set_yscale(scales[1])
    x, y = edges(horizontal, scales[0]), edges(vertical, scales[1])
    codes = np.ma.masked_less(diagram.outcomes.values, 0)
    axes.add_patch(Rectangle((0.0, 0.0), 1.0, 1.0, transform=axes.transAxes, zorder=0, **_HATCHED))
    paint(
        axes, codes, x, y,
        cmap=ListedColormap([colors[name] for name in OUTCOMES]),
        norm=BoundaryNorm(np.arange(len(OUTCOMES) + 1) - 0.5, len(OUTCOMES)),
    )  # fmt: skip
    for layer in diagram.layers:
        _draw_layer(axes, layer, scales)
    axes.set_xlim(*_reach([x]))
    axes.set_ylim(*_reach([y]))
    for wall in diagram.walls:
        axes.axvline(wall, color=BLACK, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.set_title(diagram.title)


def name_of(array: xr.DataArray, axis: int) -> str:
    """Return what a coordinate calls itself."""
    name = array.dims[axis]
    return str(array[name].attrs.get("long_name", name))


def _draw_layer(axes: Axes, layer: Layer, scales: tuple[str, str]) -> None:
    mask = np.asarray(layer.mask.values, dtype=bool)
    if not mask.any():
        return
    x, y = along(layer.mask, 0), along(layer.mask, 1)
    if layer.color:
        pixels = np.zeros((*mask.shape, 4))
        pixels[mask] = to_rgba(layer.color)
        paint(axes, pixels, edges(x, scales[0]), edges(y, scales[1]))
    if min(mask.shape) < 2:
        return
    # With one more cell on each side the hatching reaches the edge, and no outline runs along it.
    x, y = beyond(x, scales[0]), beyond(y, scales[1])
    values = np.pad(mask, 1, mode="edge").T.astype(np.float64)
    if layer.hatch:
        axes.contourf(x, y, values, levels=[0.5, 1.5], colors="none", hatches=[layer.hatch])
    if layer.outline and not mask.all():
        axes.contour(x, y, values, levels=[0.5], colors=[layer.outline], linewidths=1.0)


def _turned(diagram: Diagram, dims: tuple[object, ...]) -> Diagram:
    """Return a diagram of codes over these dimensions in this order, if it has them, else in its own."""
    own = dims if {*diagram.outcomes.dims} == {*dims} else diagram.outcomes.dims
    layers = []
    for layer in diagram.layers:
        if {*layer.mask.dims} != {*own}:
            raise ValueError(
                f"diagrams: the masks of layers must lie over the outcomes' dimensions "
                f"{', '.join(map(str, own))}, got {', '.join(map(str, layer.mask.dims))}"
            )
        layers.append(layer._replace(mask=layer.mask.transpose(*own)))
    return diagram._replace(outcomes=_coded(diagram.outcomes.transpose(*own)), layers=layers)


def _coded(outcomes: xr.DataArray) -> xr.DataArray:
    """Return outcomes as int8, -1 where nothing is computed."""
    values = np.asarray(outcomes.values)
    if values.dtype.kind in "OUS":
        places = {name: code for code, name in enumerate((*OUTCOMES, NOTHING))}
        found = np.array([places.get(str(name), len(places)) for name in values.flat]).reshape(values.shape)
        found = np.where(found == len(OUTCOMES), -1, found)
    else:
        found = np.where(np.isfinite(values), values, -1)
    if np.any((found < -1) | (found >= len(OUTCOMES)) | (found != np.floor(found))):
        raise ValueError(f"diagrams: expected outcomes, codes or names, of {', '.join(OUTCOMES)}")
    return outcomes.copy(data=found.astype(np.int8))


def _names(label: str | None, dimension: object) -> bool:
    """Whether a word of a label is a dimension's name, apart from what typesets it."""
    words = (label or "").translate(str.maketrans("", "", "${}_\\")).split()
    return str(dimension).replace("_", "") in words


def _seen(diagram: Diagram) -> np.ndarray:
    """Return where no filling over the same cells lies over the outcomes."""
    outcomes = diagram.outcomes
    seen = np.ones(outcomes.shape, dtype=bool)
    for layer in diagram.layers:
        same = layer.mask.shape == seen.shape and all(
            np.array_equal(along(layer.mask, k), along(outcomes, k)) for k in (0, 1)
        )
        if layer.color and same:
            seen &= ~np.asarray(layer.mask.values, dtype=bool)
    return seen


def _shared(diagrams: Sequence[Diagram], axis: int) -> str:
    """Return the scale of an axis that panels share."""
    found = {scale(along(diagram.outcomes, axis)) for diagram in diagrams}
    return LOG if found == {LOG} else LINEAR


def _reach(several: Sequence[Floats]) -> tuple[float, float]:
    return min(float(np.min(some)) for some in several), max(float(np.max(some)) for some in several)
