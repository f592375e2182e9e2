"""Figures that show themselves in a notebook, and axes that a caller gives in their place."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes

from gradflow.base.checks import shown

SHOWN_DPI = 200
"""Dots an inch of the picture that a notebook shows."""

SCREEN = 110
"""CSS pixels an inch, at which it is shown."""

Places = Axes | Sequence[Axes] | np.ndarray


class Figure(matplotlib.figure.Figure):
    """A Matplotlib figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the figure as a notebook shows it, and the size at which it does."""
        with io.BytesIO() as file:
            self.savefig(file, format="png", dpi=SHOWN_DPI)
            data = file.getvalue()
        return data, {"width": round(SCREEN * float(self.get_figwidth()))}


def given(ax: Any, count: int) -> list[Axes]:
    """Return the axes that a caller gave, in order.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If they are not `count`, or not of one figure.
    """
    every: list[Any] = list(np.ravel(np.asarray(ax, dtype=object)))
    if not every or not all(isinstance(axes, Axes) for axes in every):
        raise TypeError(f"ax: expected Matplotlib axes or a sequence of them, got {shown(ax)}")
    if len(every) != count:
        raise ValueError(f"ax: expected {count} axes, one for each panel, got {len(every)}")
    if len({id(axes.figure.figure) for axes in every}) > 1:
        raise ValueError("ax: expected axes of one figure")
    return every


def figure_of(axes: Axes) -> matplotlib.figure.Figure:
    """Return the figure that axes are in, not a part of it."""
    figure: matplotlib.figure.Figure = axes.figure.figure
    return figure
