"""The look that all figures share: widths, colours, and the style sheet as a context.

The colours are Okabe and Ito's, safe for colour-blind eyes. No two curves differ by colour alone: line
style, weight or marker differ too, so that a figure reads in grey.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Any, NamedTuple, ParamSpec, TypeVar

import matplotlib
import matplotlib.style

from gradflow.base.checks import number, one_of

SINGLE = 3.25
"""Width in inches of a figure in one column."""

DOUBLE = 6.75
"""Width in inches of a figure across two columns."""

LEAST, MOST = 0.5, 100.0
"""Inches that a figure is wide or high, at least and at most."""

# From dark to light.
BLACK = "#000000"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
ORANGE = "#E69F00"
PALETTE = (BLACK, BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)

GREY = "#808080"
"""Reference lines and walls."""

PALE = "#EDEDED"
"""Areas behind the data."""

SMALL = 7.0
"""Size in points of text inside the axes."""

P = ParamSpec("P")
T = TypeVar("T")


class Look(NamedTuple):
    """How a series is drawn; no `line` means markers only, no `marker` a line only."""

    color: str
    line: str = "-"
    width: float = 1.1
    marker: str = ""
    size: float = 2.4
    filled: bool = True
    order: float = 3.0


LOOKS = {
    "plain": Look(BLACK),
    "flow": Look(BLACK, width=1.2, order=3.0),
    "adam": Look(VERMILLION, line="--", order=3.2),
    "gd": Look(BLUE, line="-.", order=3.1),
    "float64": Look(ORANGE, width=2.2, order=2.9),
    "float32": Look(BLACK, width=0.8, order=3.1),
    "dots": Look(BLACK, line="", marker="o", size=2.0, order=3.2),
    "light dots": Look(VERMILLION, line="", marker="o", size=2.0, order=3.2),
    "squares": Look(VERMILLION, line="", marker="s", size=4.4, filled=False, order=3.3),
    "circles": Look(BLACK, line="", marker="o", size=3.4, filled=False, order=3.1),
}
"""Looks by name; the names of dynamics and dtypes are used for these throughout."""

CYCLE = (
    Look(BLACK, "-"),
    Look(BLUE, "--"),
    Look(VERMILLION, "-."),
    Look(GREEN, ":", 1.4),
    Look(PURPLE, "-", 1.6),
    Look(SKY, "--", 1.6),
    Look(ORANGE, "-.", 1.6),
)
"""Looks that series without one take in turn, told apart in grey by dash and weight."""

STYLE = "gradflow.study.figures.gradflow"
"""The style sheet's name for figures of one's own: ``plt.style.use(gf.figures.STYLE)``."""

MARKERS = {"global": "o", "linear": "s", "constant": "^", "local": "v", "diverged": "x", "undecided": "d"}
"""The marker of each outcome."""


def look(name: str | Look) -> Look:
    """Return a look by name, or itself.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if isinstance(name, Look):
        return name
    one_of("look", name, tuple(LOOKS))
    return LOOKS[name]


def line_options(given: Look) -> dict[str, Any]:
    """Return a look as keyword arguments of ``Axes.plot``."""
    return {
        "color": given.color,
        "linestyle": given.line or "none",
        "linewidth": given.width,
        "marker": given.marker or "none",
        "markersize": given.size,
        "markerfacecolor": given.color if given.filled else "none",
        "markeredgecolor": given.color,
        "markeredgewidth": 0.0 if given.filled and given.marker == "o" else 0.6,
        "zorder": given.order,
    }


@functools.cache
def style_sheet() -> dict[str, Any]:
    """Return the package's style sheet as Matplotlib parameters."""
    with as_file(files("gradflow.study.figures") / "gradflow.mplstyle") as path:
        parameters = matplotlib.rc_params_from_file(path, use_default_template=False)
    return {str(name): value for name, value in parameters.items()}


@contextmanager
def style() -> Iterator[None]:
    """Apply the style sheet on top of Matplotlib's defaults; the caller's settings return afterwards."""
    with matplotlib.style.context(["default", style_sheet()]):
        yield


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Make a function run under `style`, with its sizes checked."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        for name in ("width", "height"):
            # Of some figures each row has a height.
            if kwargs.get(name) is not None and not isinstance(kwargs[name], (list, tuple)):
                number(name, kwargs[name], LEAST, MOST)
        with style():
            return draw(*args, **kwargs)

    return wrapper
