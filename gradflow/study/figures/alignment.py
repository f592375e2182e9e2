"""Early alignment: planes with neurons, and what is watched, panel by panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradflow.study.figures.curves import LOOKS, Curves, draw_curves, entries
from gradflow.study.figures.panels import Panel, each_is, letters
from gradflow.study.figures.plane import PlaneView, draw_plane, key
from gradflow.study.figures.style import DOUBLE, styled


class Below(NamedTuple):
    """The panel, counted from 0, whose legend stands below the figure, and in how many columns."""

    panel: int
    columns: int


@styled
def alignment(
    rows: Sequence[Sequence[PlaneView | Curves]],
    heights: Sequence[float],
    *,
    below: Below | None = None,
    width: float = DOUBLE,
) -> Figure:
    """Draw panels in rows.

    Parameters
    ----------
    rows : sequence of sequences of PlaneView or Curves
        As many in each, but for the last. The marks of planes are explained above the figure.
    heights : sequence of float
        Of the rows, in inches.
    below : Below, optional
    width : float
        Of the figure, in inches.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError, TypeError
        If rows and heights do not fit, a panel has no or too many curves, or a curve is not as described.
    """
    if not rows or len(rows) != len(heights) or not all(rows):
        raise ValueError(
            f"rows: expected at least one, none empty, each with a height, got {len(rows)} and {len(heights)}"
        )
    columns = max(len(row) for row in rows)
    if any(len(row) != columns for row in rows[:-1]):
        raise ValueError(f"rows: expected {columns} panels in each, but for the last")
    panels = [panel for row in rows for panel in row]
    each_is("rows", panels, PlaneView, Curves)
    for panel in panels:
        if isinstance(panel, Curves) and not 1 <= len(panel.curves) <= len(LOOKS):
            raise ValueError(f"panels: expected 1 to {len(LOOKS)} curves in each, got {len(panel.curves)}")
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=list(heights))
    axes = list(grid.ravel())
    for spare in axes[len(panels) :]:
        spare.remove()
    axes = axes[: len(panels)]
    for plot, panel in zip(axes, panels, strict=True):
        if isinstance(panel, PlaneView):
            draw_plane(plot, panel)
        else:
            draw_curves(plot, panel)
            plot.set_title(panel.title)
    letters(axes, [Panel([]) for _ in panels])
    marks = key([panel for panel in panels if isinstance(panel, PlaneView)])
    if marks:
        figure.legend(handles=marks, loc="outside upper center", ncols=len(marks), handlelength=1.0)
    if below is not None:
        figure.legend(*entries(axes[below.panel]), loc="outside lower center", ncols=below.columns)
    return figure


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
