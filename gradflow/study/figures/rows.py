"""Named rows of shares with error bars, which compare fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from gradflow.study.figures.curves import LOOKS, entries
from gradflow.study.figures.style import GREY, PALE, SMALL, line_options


class Row(NamedTuple):
    """A name, and for each series a mean with its standard error, or None."""

    name: str
    values: Sequence[tuple[float, float] | None]


class Rows(NamedTuple):
    """One set of axes with named rows, from the top down; each series has a marker."""

    rows: Sequence[Row]
    series: Sequence[str]
    xlabel: str
    title: str = ""
    legend: Any = "best"

    def draw(self, plot: Axes) -> None:
        """Draw the rows.

        Raises
        ------
        ValueError
            If there are no rows, no series, or too many.
        """
        if not 1 <= len(self.series) <= len(LOOKS):
            raise ValueError(f"frames: expected 1 to {len(LOOKS)} series in each, got {len(self.series)}")
        if not self.rows:
            raise ValueError("frames: expected at least one row in each")
        places = -np.arange(len(self.rows), dtype=float)
        count = len(self.series)
        for j, (look, label) in enumerate(zip(LOOKS, self.series, strict=False)):
            shown = [(place, row.values[j]) for place, row in zip(places, self.rows, strict=True)]
            given = [(place, value) for place, value in shown if value is not None]
            offset = 0.4 * ((count - 1) / 2.0 - j) / max(1, count - 1)
            # Open markers, wider than their errors are long, would hide these if filled.
            options = line_options(look._replace(line="", size=3.0, filled=False))
            plot.errorbar(
                [value[0] for _, value in given],
                [place + offset for place, _ in given],
                xerr=[value[1] for _, value in given],
                label=label,
                elinewidth=0.7,
                capsize=2.6,
                capthick=0.7,
                **options,
            )
        plot.hlines(places, 0.0, 1.0, color=PALE, linewidth=0.6, zorder=0)
        plot.set_yticks(places, [row.name for row in self.rows], fontsize=SMALL)
        plot.tick_params(axis="y", length=0.0)
        plot.spines["left"].set_visible(False)
        plot.axvline(0.0, color=GREY, linewidth=0.5, zorder=1)
        # The legend stands below the rows.
        plot.set_ylim(places[-1] - 0.8 - 1.4 * count, 0.6)
        reach = max((value[0] + value[1] for row in self.rows for value in row.values if value), default=1.0)
        plot.set_xlim(-0.02, min(1.02, 1.1 * reach))
        plot.xaxis.set_major_formatter(PercentFormatter(1.0))
        plot.set_xlabel(self.xlabel)
        if self.legend:
            plot.legend(*entries(plot), loc=self.legend)
        plot.set_title(self.title)
