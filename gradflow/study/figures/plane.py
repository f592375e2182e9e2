"""The plane of two-dimensional inputs: data on the unit circle, cones of activation, neurons, their paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge
from numpy.typing import ArrayLike

from gradflow.study.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
)

RADIUS = 1.0
"""Where the data are drawn; neurons are inside, at a radius that grows with their norm."""

_SOFT_RED = "#F6D5C3"
_SOFT_BLUE = "#D6EAF8"

_COLORS = {True: VERMILLION, False: BLUE}
_EDGE = {"linestyle": "none", "markeredgewidth": 0.5}
_DATUM: dict[str, Any] = {"markersize": 4.5, "markeredgecolor": "white", **_EDGE}
_PLUS: dict[str, Any] = {"marker": "P", "color": VERMILLION, **_DATUM}
_MINUS: dict[str, Any] = {"marker": "X", "color": BLUE, **_DATUM}
_OTHERS: tuple[dict[str, Any], ...] = (
    {"marker": "D", "color": GREEN, **_DATUM, "markersize": 3.8},
    {"marker": "^", "color": PURPLE, **_DATUM},
    {"marker": "v", "color": ORANGE, **_DATUM},
    {"marker": "p", "color": SKY, **_DATUM},
)
_MANY = "cividis"
"""The colours of labels of which there are too many for a mark each, from the least to the largest."""
_DEEP = 0.85
"""The share of these colours that stands out from white."""
_NEURONS: dict[float, dict[str, Any]] = {
    1.0: {"marker": "o", "color": VERMILLION, "markersize": 2.8, "markeredgecolor": BLACK, **_EDGE},
    -1.0: {"marker": "s", "color": "white", "markersize": 2.8, "markeredgecolor": BLUE, **_EDGE},
}


class PlaneView(NamedTuple):
    """The part of the plane to draw, and how.

    Attributes
    ----------
    inputs, labels : array, shapes (n, 2) and (n,)
        The data; only their directions are shown.
    directions : array, shape (T, h, 2)
        Unit vectors of the neurons up to the moment that is shown; the last is marked.
    radii : array, shape (T, h)
        From 0 (the smallest norm) to 1.
    signs : array, shape (h,)
        Signs of the output weights.
    title : str
    beside : array
        Labels of views beside this one: one label has one look in all of them.
    """

    inputs: ArrayLike
    labels: ArrayLike
    directions: ArrayLike
    radii: ArrayLike
    signs: ArrayLike
    title: str = ""
    beside: ArrayLike = ()

    def draw(self, plot: Axes) -> None:
        """Draw data, cones, paths and neurons."""
        x, y = np.asarray(self.inputs, dtype=float), np.asarray(self.labels, dtype=float)
        nothing = np.zeros(y.size, dtype=bool)
        for name, own, color in (
            ("$S_+$", y > 0.0, _SOFT_RED),
            ("$S_-$", y < 0.0, _SOFT_BLUE),
            (r"$S_\mathrm{dead}$", nothing, PALE),
        ):
            if own is nothing or np.any(own):
                for low, high in arcs(x, own):
                    plot.add_patch(
                        Wedge((0.0, 0.0), 1.12 * RADIUS, low, high, facecolor=color, linewidth=0.0, zorder=0)
                    )
                    middle = math.radians(0.5 * (low + high))
                    plot.text(1.3 * math.cos(middle), 1.27 * math.sin(middle), name, fontsize=SMALL + 0.5,
                              ha="center", va="center")  # fmt: skip
        plot.add_patch(
            Wedge((0.0, 0.0), RADIUS, 0.0, 360.0, width=0.0, edgecolor=GREY, linewidth=0.5, zorder=1)
        )
        plot.plot(0.0, 0.0, marker="+", color=GREY, markersize=3.0, markeredgewidth=0.4, zorder=1)
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        for label, look in data_looks([*y, *np.ravel(self.beside)]).items():
            if np.any(y == label):
                plot.plot(*unit[y == label].T, **look, zorder=4)
        paths = np.asarray(self.directions) * np.asarray(self.radii)[..., None]
        signs = np.asarray(self.signs)
        for j, sign in enumerate(signs):
            plot.plot(*paths[:, j].T, color=_COLORS[sign > 0.0], linewidth=0.5, alpha=0.7, zorder=2)
        for sign, look in _NEURONS.items():
            plot.plot(*paths[-1, signs == sign].T, **look, zorder=5)
        plot.set_aspect("equal")
        plot.set_xlim(-1.42, 1.42)
        plot.set_ylim(-1.38, 1.38)
        plot.set_xticks([])
        plot.set_yticks([])
        for spine in plot.spines.values():
            spine.set_visible(False)
        plot.set_title(self.title, fontsize=SMALL + 1.5)


def arcs(inputs: Any, own: Any) -> list[tuple[float, float]]:
    """Return the directions w with w·x > 0 for the inputs marked in `own` and w·x <= 0 for the others.

    Returns
    -------
    list of (float, float)
        Arcs from one angle to a larger one, in degrees; empty if there is no such direction.
    """
    x, own = np.asarray(inputs, dtype=float), np.asarray(own, dtype=bool)
    walls = np.arctan2(x[:, 1], x[:, 0])[:, None] + np.array([-0.5, 0.5]) * math.pi
    edges = np.unique(np.mod(walls.ravel(), 2.0 * math.pi))
    edges = np.append(edges, edges[0] + 2.0 * math.pi)
    found: list[tuple[float, float]] = []
    for low, high in pairwise(edges):
        middle = 0.5 * (low + high)
        active = x @ np.array([math.cos(middle), math.sin(middle)]) > 0.0
        if high - low > 1e-12 and np.array_equal(active, own):
            found.append((math.degrees(low), math.degrees(high)))
    return found


def data_looks(labels: ArrayLike) -> dict[float, dict[str, Any]]:
    """Return how data with each of some labels are drawn, from the largest label to the least.

    A few labels have a mark and a colour each: the least positive and the largest negative one those of 1
    and -1. Of many, the mark tells the sign and the colour the value.
    """
    values = [float(value) for value in np.unique(np.asarray(labels, dtype=float))[::-1]]
    plus = min((value for value in values if value > 0.0), default=None)
    minus = max((value for value in values if value < 0.0), default=None)
    others = [value for value in values if value not in (plus, minus)]
    if len(others) <= len(_OTHERS):
        looks = {plus: _PLUS, minus: _MINUS} | dict(zip(others, _OTHERS, strict=False))
        return {value: looks[value] for value in values}
    shade = Normalize(values[-1], values[0])
    marks = {1.0: _PLUS, -1.0: _MINUS, 0.0: _OTHERS[0]}
    return {
        value: marks[float(np.sign(value))] | {"color": colormaps[_MANY](_DEEP * float(shade(value)))}
        for value in values
    }


def key(views: Sequence[PlaneView]) -> list[Line2D]:
    """Return the entries of a legend of planes, of what is in any of them.

    Of many labels there are three: the largest, the one nearest to the middle of the range, and the least.
    """
    looks = data_looks(np.concatenate([np.empty(0), *(np.ravel(view.labels) for view in views)]))
    values = list(looks)
    if len(values) > len(_OTHERS) + 2:
        middle = 0.5 * (values[0] + values[-1])
        values = [values[0], min(values[1:-1], key=lambda value: abs(value - middle)), values[-1]]
    # As many digits as tell them apart.
    digits = next((n for n in range(4, 17) if len({f"{value:.{n}g}" for value in values}) == len(values)), 17)
    entries = [Line2D([], [], label=f"data, $y={value:.{digits}g}$", **looks[value]) for value in values]
    for sign, name in ((1.0, "neurons, $v>0$"), (-1.0, "neurons, $v<0$")):
        if any(np.any(np.sign(np.asarray(view.signs)) == sign) for view in views):
            entries.append(Line2D([], [], label=name, **_NEURONS[sign]))
    return entries


def radii(log_norms: ArrayLike, low: float, high: float) -> np.ndarray:
    """Return log ‖w‖ on a scale from 0 at ‖w‖ = `low` (and below) to 1 at `high` (and above).

    Raises
    ------
    ValueError
        Unless 0 < low < high.
    """
    if not 0.0 < low < high:
        raise ValueError(f"low, high: expected 0 < low < high, got {low} and {high}")
    share = (np.asarray(log_norms, dtype=float) - np.log(low)) / (np.log(high) - np.log(low))
    return np.asarray(np.clip(share, 0.0, 1.0))
