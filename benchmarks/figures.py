"""The work-precision figure and the scaling figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradflow.study.figures.style import (
    BLACK,
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SINGLE,
    SKY,
    VERMILLION,
    Look,
    line_options,
    styled,
)

LOOKS = {
    "gradflow fused": Look(BLACK, marker="o", width=1.4, size=3.0, order=3.5),
    "gradflow NumPy": Look(BLACK, line="--", marker="o", size=3.0, filled=False, order=3.4),
    "heyoka batch": Look(VERMILLION, marker="s", size=3.0),
    "heyoka scalar": Look(VERMILLION, line="--", marker="s", size=3.0, filled=False),
    "diffrax Tsit5": Look(BLUE, marker="^", size=3.4),
    "diffrax Dopri8": Look(SKY, line="-.", marker="v", size=3.4),
    "SciPy DOP853": Look(GREEN, line=":", marker="D", size=3.0),
    "SciPy LSODA": Look(PURPLE, line=":", marker="x", size=3.4),
}
LEAST = 1e-15


@styled
def work_precision(points: Sequence[dict[str, Any]]) -> Figure:
    """Draw the time of a trajectory against its error, one curve a program, one point a tolerance.

    Parameters
    ----------
    points : sequence of dict
        ``peer``, ``seconds a trajectory``, ``median error`` and ``largest error``.

    Returns
    -------
    Figure
        Left the median over trajectories, right the largest error.
    """
    figure = Figure(figsize=(DOUBLE, 2.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, key in zip(panels, ("median error", "largest error"), strict=True):
        for peer in dict.fromkeys(point["peer"] for point in points):
            chosen = [p for p in points if p["peer"] == peer]
            error = np.maximum([p[key] for p in chosen], LEAST)
            time = [1e6 * p["seconds a trajectory"] for p in chosen]
            axes.plot(error, time, label=peer, **line_options(LOOKS.get(peer, Look(ORANGE, marker="P"))))
        _logarithmic(axes, f"{key} over trajectories")
        axes.invert_xaxis()
    panels[1].axvline(1e-7, color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1.0)
    panels[0].set_ylabel("time a trajectory [µs], one core")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


@styled
def scaling(points: Sequence[dict[str, Any]]) -> Figure:
    """Draw the time against the number of trajectories; the lines have slope 1.

    Parameters
    ----------
    points : sequence of dict
        ``work``, ``n`` and ``seconds``.
    """
    figure = Figure(figsize=(SINGLE, 2.6), layout="constrained")
    axes = figure.subplots()
    looks = (Look(BLACK, line="", marker="o", size=3.4), Look(VERMILLION, line="", marker="s", size=3.4))
    for work, look in zip(dict.fromkeys(p["work"] for p in points), looks, strict=False):
        n = np.array([p["n"] for p in points if p["work"] == work], dtype=float)
        seconds = np.array([p["seconds"] for p in points if p["work"] == work])
        axes.plot(n, seconds, label=work, **line_options(look))
        axes.plot(n, seconds[-1] * n / n[-1], color=GREY, linewidth=0.6, zorder=1.0)
    _logarithmic(axes, "trajectories")
    axes.set_ylabel("time [s]")
    axes.legend()
    return figure


def _logarithmic(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(label)
