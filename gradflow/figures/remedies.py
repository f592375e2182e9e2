"""Remedies beside each other: where starts end under each, by method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from gradflow.figures.phase_diagram import COLORS
from gradflow.figures.style import BLACK, DOUBLE, GREY, SMALL, styled

ORDER = ("global", "undecided", "linear", "constant", "diverged")
"""From the left; so the good end starts at 0, and what may still become good is next to it."""

Shares = Mapping[str, float]


@styled
def remedies(
    names: Sequence[str],
    panels: Mapping[str, Sequence[Shares | None]],
    *,
    width: float = DOUBLE,
    row: float = 0.165,
) -> Figure:
    """Draw shares of outcomes as stacked bars, a remedy a row and a method a panel.

    Parameters
    ----------
    names : sequence of str
        The remedies, from the top down; the first is what the others are compared with.
    panels : mapping of str to sequence
        For each method, every remedy's share of each outcome (`gradflow.outcome.OUTCOMES`), or None.
    width : float
        In inches.
    row : float
        The height of a row, in inches.

    Raises
    ------
    ValueError
        If there is no panel, or one does not have a row for each remedy.
    """
    if not panels or not names:
        raise ValueError("panels: expected at least one method and one remedy")
    for method, shares in panels.items():
        if len(shares) != len(names):
            raise ValueError(f"panels: expected {len(names)} rows for {method}, got {len(shares)}")
    figure = Figure(figsize=(width, 0.75 + row * len(names)), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    places = -np.arange(len(names), dtype=float)
    for axes, (method, shares) in zip(grid, panels.items(), strict=True):
        for place, some in zip(places, shares, strict=True):
            if some is None:
                axes.text(
                    0.5, place, "as without", ha="center", va="center", color=GREY, fontsize=SMALL - 1.5
                )
                continue
            left = 0.0
            for outcome in ORDER:
                share = some.get(outcome, 0.0)
                axes.barh(place, share, 0.78, left, color=COLORS[outcome], edgecolor=BLACK, linewidth=0.35)
                left += share
        first = shares[0]
        if first is not None:
            axes.axvline(first.get("global", 0.0), color=BLACK, linewidth=0.7, linestyle=(0, (3, 2)))
        axes.set_title(method)
        axes.set_xlim(0.0, 1.0)
        axes.set_xticks([0.0, 0.5, 1.0])
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(places[-1] - 0.6, 0.6)
        axes.tick_params(axis="y", length=0.0)
    grid[len(grid) // 2].set_xlabel("share of the starts")
    grid[0].set_yticks(places, names, fontsize=SMALL)
    handles = [Patch(facecolor=COLORS[name], edgecolor=BLACK, linewidth=0.35, label=name) for name in ORDER]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(ORDER))
    return figure
