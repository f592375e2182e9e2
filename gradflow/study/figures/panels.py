"""Parts that the kinds of figure share: series, reference levels, marks, and the panels that hold them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure
from matplotlib.font_manager import FontProperties
from numpy.typing import ArrayLike, NDArray

from gradflow.base.checks import integer, numbers, shown
from gradflow.study.figures.figure import Figure, Places, figure_of, given
from gradflow.study.figures.style import CYCLE, GREY, PALE, SMALL, Look, line_options, look, style

Floats = NDArray[np.float64]


class Series(NamedTuple):
    """Points (x, y) to draw with one look (a `Look`, or a name in `gradflow.study.figures.style.LOOKS`).

    Without one, the series of a panel take the looks of `gradflow.study.figures.style.CYCLE` in turn. A line
    is interrupted at NaN and at the values of x in `breaks`, where y jumps.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    look: str | Look = ""
    breaks: Sequence[float] = ()


class Level(NamedTuple):
    """A horizontal reference line; its label stands on it, `at` a fraction of the width, or `below` it."""

    label: str
    value: float
    at: float = 1.0
    below: bool = False


class Mark(NamedTuple):
    """A vertical line at a threshold; its label runs along it, from `at`, a fraction of the height."""

    label: str
    value: float
    at: float = 0.05
    left: bool = True


class Band(NamedTuple):
    """A range of x with a grey ground and a label at the top."""

    label: str
    lo: float
    hi: float
    shaded: bool = True


class Panel(NamedTuple):
    """One set of axes."""

    series: Sequence[Series]
    title: str = ""
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    bands: Sequence[Band] = ()
    legend: Any = "best"


def fraction(value: float, largest: int = 1000) -> str:
    """Return a number as the fraction it is to rounding, denominators up to `largest`, else as a decimal.

    >>> gf.figures.fraction(0.020833333333333332)
    '1/48'

    Raises
    ------
    TypeError, ValueError
        If the value is not one real number, or `largest` no integer above 0.
    """
    array, largest = numbers("value", value), integer("largest", largest, 1)
    if array.ndim:
        raise TypeError(f"value: expected one number, got {shown(value)}")
    value = float(array)
    if not np.isfinite(value):
        return str(value)
    near = Fraction(value).limit_denominator(largest)
    exact = abs(float(near) - value) <= 8.0 * np.finfo(np.float64).eps * abs(value)
    return str(near) if exact else f"{value:.4g}"


def require(name: str, values: Any, *kinds: type, least: int = 0) -> None:
    """Check that values are a sequence of these kinds, with so many in it at least, 0 or 1.

    Raises
    ------
    TypeError
        If one is of another kind, or they are no sequence; one line that says what to write.
    ValueError
        If there are too few.
    """
    what = " or ".join(f"{kind.__name__}(…)" for kind in kinds)
    # A panel is a tuple itself.
    if isinstance(values, kinds) or not isinstance(values, Sequence):
        raise TypeError(f"{name}: expected a sequence of {what}, got one {type(values).__name__}")
    for value in values:
        if not isinstance(value, kinds):
            raise TypeError(f"{name}: expected a sequence of {what}, got a {type(value).__name__} in it")
    if len(values) < least:
        raise ValueError(f"{name}: expected at least one")


def in_rows(count: int, columns: int) -> tuple[int, int]:
    """Return the numbers of rows and of columns in which so many panels stand, one place at least.

    Raises
    ------
    ValueError
        Unless there is at least one column.
    """
    if columns < 1:
        raise ValueError(f"columns: must be at least 1, got {columns}")
    columns = max(1, min(columns, count))
    return max(1, -(-count // columns)), columns


def new_figure(
    count: int, shape: tuple[int, int], size: tuple[float, float], ax: Places | None = None, **options: Any
) -> tuple[AnyFigure, list[Axes]]:
    """Return a figure of a size in inches with so many axes in rows, and these; or the ones given and theirs.

    Further options are those of Matplotlib's `subplots`.
    """
    if ax is not None:
        chosen = given(ax, count)
        return figure_of(chosen[0]), chosen
    figure = Figure(figsize=size, layout="constrained")
    every: list[Axes] = list(figure.subplots(*shape, squeeze=False, **options).flat)
    for spare in every[count:]:
        spare.remove()
    if options.get("sharex"):
        # A panel above an empty place has no neighbour to carry its tick labels.
        for axes in every[max(0, count - shape[1]) : count]:
            axes.tick_params(labelbottom=True)
    return figure, every[:count]


def points(series: Series) -> tuple[Floats, Floats]:
    """Return a series as two arrays, with NaN where its line is interrupted.

    Raises
    ------
    ValueError, TypeError
        If it is no series, or x and y are not one-dimensional of equal length.
    """
    require("series", [series], Series)
    x, y = (np.asarray(values, dtype=np.float64) for values in (series.x, series.y))
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"series {series.label!r}: x and y must be one-dimensional and equally long, "
            f"got shapes {x.shape} and {y.shape}"
        )
    for at in series.breaks:
        between = np.flatnonzero((x[:-1] < at) & (x[1:] >= at)) + 1
        x, y = np.insert(x, between, np.nan), np.insert(y, between, np.nan)
    return x, y


def span(values: Iterable[ArrayLike], positive: bool = False) -> tuple[float, float] | None:
    """Return the smallest and the largest finite number among arrays, None if there is none."""
    flat = [np.ravel(np.asarray(v, dtype=np.float64)) for v in values]
    numbers = np.concatenate([np.empty(0), *flat])
    numbers = numbers[np.isfinite(numbers)]
    if positive:
        numbers = numbers[numbers > 0]
    return (float(np.min(numbers)), float(np.max(numbers))) if numbers.size else None


def reach(
    values: Iterable[ArrayLike], positive: bool = False, empty: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Return limits of an axis on which arrays are seen whole: `empty` for none, one wide for one number."""
    low, high = span(values, positive) or empty
    return low, high if high > low else low + 1.0


def in_turn(series: Sequence[Series]) -> list[Series]:
    """Return series all of which have a look: the only one without is plain, several take turns."""
    require("series", series, Series)
    free = sum(not some.look for some in series)
    looks = iter(CYCLE[k % len(CYCLE)] for k in range(free)) if free > 1 else iter([look("plain")])
    return [some if some.look else some._replace(look=next(looks)) for some in series]


def plot(axes: Axes, series: Series, x: Floats, y: Floats) -> None:
    """Draw points with the look of a series."""
    axes.plot(x, y, label=series.label, **line_options(look(series.look or "plain")))


def note(
    axes: Axes, text: str, place: tuple[float, float], shift: tuple[float, float], on: Any, **options: Any
) -> None:
    """Write small text at a place in the coordinates `on`, shifted by so many points."""
    axes.annotate(
        text, place, shift, xycoords=on, textcoords="offset points", **{"fontsize": SMALL} | options
    )


def decorate(axes: Axes, panel: Panel) -> None:
    """Draw what is not data: title, bands, levels and marks. The axes' limits must be final."""
    if panel.title:
        axes.set_title(panel.title, pad=_title_pad(panel))
    for band in panel.bands:
        _draw_band(axes, band)
    for level in panel.levels:
        _draw_level(axes, level)
    for mark in panel.marks:
        _draw_mark(axes, mark)


def letters(all_axes: Sequence[Axes], panels: Sequence[Panel] = ()) -> None:
    """Write (a), (b), … at the upper left of several panels, on the titles' line; plain ones if not given."""
    if len(all_axes) > 1:
        panels = panels or [Panel([])] * len(all_axes)
        for letter, axes, panel in zip("abcdefghijklmnopqrstuvwxyz", all_axes, panels, strict=False):
            axes.set_title(f"({letter})", loc="left", fontweight="bold", pad=_title_pad(panel))


def _title_pad(panel: Panel) -> float:
    """Return the distance in points of the title from the axes: the bands' labels go between."""
    return 4.0 + (SMALL + 2.0 if any(band.label for band in panel.bands) else 0.0)


def legend(axes: Axes, panel: Panel) -> None:
    """Draw a legend where the panel wants it, if there is more than one labelled series."""
    if panel.legend and sum(bool(s.label) for s in panel.series) > 1:
        axes.legend(loc=panel.legend)


def legend_columns(handles: Sequence[Artist], width: float) -> int:
    """Return in how many columns a legend of these handles fits into a width in inches.

    A character is taken for 0.55 of the font's size, which few words exceed.
    """
    size = float(FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points())
    beside = rcParams["legend.handlelength"] + rcParams["legend.handletextpad"]
    between, edge = rcParams["legend.columnspacing"], 2.0 * rcParams["legend.borderaxespad"] + 1.0
    lengths = np.array([len(str(handle.get_label()).replace("$", "")) for handle in handles])
    for count in range(len(handles), 1, -1):
        columns = np.array_split(lengths, count)
        needed = sum(beside + 0.55 * float(np.max(column)) for column in columns)
        if size * (needed + (count - 1) * between + edge) <= 72.0 * width:
            return count
    return 1


def legend_outside(
    figure: AnyFigure,
    handles: Sequence[Artist],
    width: float,
    side: str = "upper",
    most: int = 99,
    **options: Any,
) -> None:
    """Draw a legend above or below everything, in as many columns as fit into a width in inches.

    A label that is wider than the figure is broken into lines.
    """
    size = float(FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points())
    beside = rcParams["legend.handlelength"] + rcParams["legend.handletextpad"] + 2.0
    room = max(8, int((72.0 * width / size - beside) / 0.5))
    for handle in handles:
        label = str(handle.get_label())
        if len(label) > room and "$" not in label:
            handle.set_label(textwrap.fill(label, room))
    columns = min(most, legend_columns(handles, width))
    place: Any = f"outside {side} center"
    figure.legend(handles=handles, loc=place, ncols=columns, **options)


def key_above(figure: AnyFigure, width: float) -> None:
    """Draw the key of a figure's only panel above it."""
    with style():
        legend_outside(figure, figure.axes[0].get_legend_handles_labels()[0], width)


def key_for(
    figure: AnyFigure,
    every: Sequence[Axes],
    handles: Sequence[Artist],
    width: float,
    ax: Places | None,
    **options: Any,
) -> None:
    """Draw the key of panels above their figure, or in the last of the axes that a caller gave."""
    if ax is None:
        legend_outside(figure, handles, width, **options)
    elif handles:
        every[-1].legend(handles=handles, loc="best", frameon=True, framealpha=0.9, **options)


def labelled(figure: AnyFigure, every: Sequence[Axes], xlabel: str, ylabel: str, ax: Places | None) -> None:
    """Write the labels that panels share beside all of them, or on each of those that a caller gave."""
    if ax is None:
        size = every[0].xaxis.label.get_fontsize()
        figure.supxlabel(xlabel, fontsize=size)
        figure.supylabel(ylabel, fontsize=size)
        return
    for axes in every:
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)


def name_above(axes: Axes, name: str, x: float, on: Any) -> None:
    """Write the name of a part of the horizontal axis above the axes."""
    note(axes, name, (x, 1.0), (0, 2), on, ha="center", va="bottom", fontstyle="italic")


def _draw_level(axes: Axes, level: Level) -> None:
    axes.axhline(level.value, color=GREY, linestyle="--", linewidth=0.7, zorder=2)
    if level.label:
        side = 1 if level.at > 0.66 else -1 if level.at < 0.33 else 0
        note(
            axes, level.label, (level.at, level.value), (-2 * side, -2 if level.below else 1.5),
            axes.get_yaxis_transform(), ha=("left", "center", "right")[side + 1],
            va="top" if level.below else "bottom", zorder=4,
        )  # fmt: skip


def _draw_mark(axes: Axes, mark: Mark) -> None:
    axes.axvline(mark.value, color=GREY, linestyle=":", linewidth=0.8, zorder=2)
    if mark.label:
        note(
            axes, mark.label, (mark.value, mark.at), (-1.5 if mark.left else 1.5, 0),
            axes.get_xaxis_transform(), ha="right" if mark.left else "left", va="bottom", rotation=90,
            zorder=4,
        )  # fmt: skip


def _draw_band(axes: Axes, band: Band) -> None:
    left, right = sorted(axes.get_xlim())
    lo, hi = max(band.lo, left), min(band.hi, right)
    if not lo < hi:
        return
    if band.shaded:
        axes.axvspan(lo, hi, facecolor=PALE, edgecolor="none", zorder=0)
    ends = axes.transAxes.inverted().transform(axes.transData.transform([(lo, 1.0), (hi, 1.0)]))
    name_above(axes, band.label, float(np.mean(ends[:, 0])), "axes fraction")
