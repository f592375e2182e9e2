"""Remedies beside each other: where starts end under each, by method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as AnyFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from gradflow.base.checks import shown
from gradflow.study.figures.figure import Places
from gradflow.study.figures.panels import in_rows, legend_columns, letters, new_figure
from gradflow.study.figures.phase_diagram import COLORS
from gradflow.study.figures.style import BLACK, DOUBLE, ORANGE, SMALL, styled

ORDER = ("global", "penalised", "undecided", "local", "linear", "constant", "diverged")
"""From the left; so the good end starts at 0, and what may still become good is next to it."""

LINE = 0.15
"""Height in inches of a line of the legend."""

_COLORS = {**COLORS, "penalised": ORANGE}
_HATCHES = {"penalised": "////"}
_NAMES = {"penalised": "at the penalised minimum"}

Shares = Mapping[str, float]


@styled
def remedies(
    names: Sequence[str],
    panels: Mapping[str, Sequence[Shares | None]],
    *,
    width: float = DOUBLE,
    row: float = 0.165,
    columns: int = 3,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw shares of ends as stacked bars, a remedy a row and a method a panel.

    Parameters
    ----------
    names : sequence of str
        The remedies, from the top down; the first is what the others are compared with.
    panels : mapping of str to sequence
        For each method, every remedy's share of each end (`gradflow.study.remedies.measure.ENDS`), or None.
    width : float
        In inches.
    row : float
        The height of a row, in inches.
    columns : int
        Panels beside each other.
    ax : Axes or sequence of Axes, optional
        One for each method, to draw into in the place of a new figure; the key is then in the last.

    Raises
    ------
    ValueError, TypeError
        If there is no panel, one does not have a row for each remedy, or an argument is of another kind.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TypeError(f"names: expected a sequence of names, got {shown(names)}")
    if not isinstance(panels, Mapping) or not all(isinstance(rows, Sequence) for rows in panels.values()):
        raise TypeError(f"panels: expected a mapping of names to sequences of shares, got {shown(panels)}")
    if not panels or not names:
        raise ValueError("panels: expected at least one method and one remedy")
    for method, shares in panels.items():
        if len(shares) != len(names):
            raise ValueError(f"panels: expected {len(names)} rows for {method}, got {len(shares)}")
    lines, columns = in_rows(len(panels), columns)
    size = width, 0.5 + lines * (0.35 + row * len(names))
    figure, every = new_figure(len(panels), (lines, columns), size, ax, sharex=True, sharey=True)
    places = -np.arange(len(names), dtype=float)
    for axes, (method, shares) in zip(every, panels.items(), strict=True):
        for place, some in zip(places, shares, strict=True):
            if some is None:
                axes.text(
                    0.5, place, "as without", ha="center", va="center", color=BLACK, fontsize=SMALL - 1.0
                )
                continue
            left = 0.0
            for end in ORDER:
                share = some.get(end, 0.0)
                axes.barh(
                    place, share, 0.78, left,
                    color=_COLORS[end], hatch=_HATCHES.get(end), edgecolor=BLACK, linewidth=0.35,
                )  # fmt: skip
                left += share
        first = shares[0]
        if first is not None:
            axes.axvline(first.get("global", 0.0), color=BLACK, linewidth=0.7, linestyle=_DASHED)
        axes.set_title(method)
        axes.set_xlim(0.0, 1.0)
        axes.set_xticks([0.0, 0.5, 1.0])
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(places[-1] - 0.6, 0.6)
        axes.tick_params(axis="y", length=0.0)
    if ax is None:
        letters(every)
    last = every[columns * (lines - 1) :]
    last[len(last) // 2].set_xlabel("share of the starts")
    for first_of_line in every[::columns]:
        first_of_line.set_yticks(places, names, fontsize=SMALL)
    handles: list[Patch | Line2D] = [
        Patch(
            facecolor=_COLORS[end], hatch=_HATCHES.get(end), edgecolor=BLACK, linewidth=0.35,
            label=_NAMES.get(end, end),
        )
        for end in ORDER
        if any(some and some.get(end, 0.0) > 0.0 for shares in panels.values() for some in shares)
    ]  # fmt: skip
    handles.append(Line2D([], [], color=BLACK, linewidth=0.7, linestyle=_DASHED, label=f"global, {names[0]}"))
    if ax is not None:
        every[-1].legend(handles=handles, loc="best", frameon=True, framealpha=0.9)
        return figure
    beside = legend_columns(handles, width)
    figure.legend(handles=handles, loc="outside lower center", ncols=beside)
    figure.set_figheight(figure.get_figheight() + LINE * (-(-len(handles) // beside) - 1))
    return figure


_DASHED = (0, (3, 2))
