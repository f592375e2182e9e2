"""Trajectories in the plane of the breakpoint and the output bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from gradflow.base.arrays import to_numpy
from gradflow.base.checks import interval, one_of, require_shape
from gradflow.neuron.activity import breakpoint_position
from gradflow.neuron.problem import Problem
from gradflow.study.figures.figure import Places
from gradflow.study.figures.panels import Floats, legend_outside, name_above, new_figure, require, span
from gradflow.study.figures.style import BLACK, GREY, MARKERS, PALE, SINGLE, Look, line_options, look, styled

NAMES = {"flow": "gradient flow", "adam": "Adam", "gd": "gradient descent"}
"""Words by which the key calls the looks of the dynamics unless told otherwise."""


class Trajectory(NamedTuple):
    """States of shape (4, K) in order, a look or its name, and the outcome, which the end's marker shows."""

    theta: ArrayLike
    look: str | Look = "flow"
    outcome: str = "undecided"


@styled
def phase_plane(
    trajectories: Sequence[Trajectory],
    problem: Problem = Problem(),
    *,
    window: tuple[float, float] = (-np.inf, np.inf),
    labels: Mapping[Any, str] | None = None,
    width: float = SINGLE,
    height: float = 3.2,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw trajectories in the (−b1/w1, b2) plane with the walls of the cells.

    The horizontal axis is linear between the walls at lo and hi; beyond them, s half-widths from the
    centre are drawn at ±(2 − 1/s), with the same slope at the wall, so that the whole line fits and
    w1 → 0 is a point of it. A line is interrupted where w1 changes sign, which takes the breakpoint through
    infinity.

    Parameters
    ----------
    trajectories : sequence of Trajectory
        States that are not finite are left out.
    problem : Problem
        One teacher and one interval. A dotted line is the teacher's breakpoint, unless a sample's targets
        take its place.
    window : (float, float)
        The range of breakpoints to show, infinite ends included.
    labels : mapping, optional
        What the key calls each look; the dynamics have names already, any other look is called by its own.
    width, height : float
        Size in inches.
    ax : Axes, optional
        Axes to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If a trajectory has another shape, its outcome is unknown, or the window is empty.

    Notes
    -----
    The regions are named for w1 > 0, and the other way round if all states have w1 < 0; trajectories of
    both signs leave the outer regions unnamed.
    """
    lo, hi = float(problem.lo), float(problem.hi)
    window = interval("window", window)
    require("trajectories", trajectories, Trajectory)
    if not lo < hi:
        raise ValueError(f"problem: the plane needs inputs at two places at least, got {lo:g} only")
    states = [_states(trajectory) for trajectory in trajectories]
    height_range = span(state[3] for state in states) or (-1.0, 1.0)
    margin = 0.07 * (height_range[1] - height_range[0] or 1.0)

    figure, (axes,) = new_figure(1, (1, 1), (width, height), ax)
    axes.set_xlim(*(float(v) for v in compress(np.array(window), lo, hi)))
    axes.set_ylim(height_range[0] - margin, height_range[1] + margin)
    _walls(axes, problem, _names(states))
    for trajectory, state in zip(trajectories, states, strict=True):
        _draw(axes, trajectory, state, lo, hi)
    _ticks(axes, window, lo, hi)
    axes.set_xlabel(r"breakpoint $-b_1/w_1$")
    axes.set_ylabel(r"$b_2$")
    if trajectories:
        handles = _key(trajectories, {**NAMES, **(labels or {})})
        if ax is None:
            legend_outside(figure, handles, width, "lower", 3, columnspacing=1.2)
        else:
            axes.legend(handles=handles, loc="best", frameon=True, framealpha=0.9)
    return figure


def compress(x: Floats, lo: float, hi: float) -> Floats:
    """Return the position on the axis: (x − centre)/half-width = s where |s| ≤ 1, ±(2 − 1/|s|) beyond."""
    s = (np.asarray(x, dtype=np.float64) - 0.5 * (lo + hi)) / (0.5 * (hi - lo))
    size = np.maximum(np.abs(s), 1.0)
    return np.where(np.abs(s) <= 1.0, s, np.copysign(2.0 - 1.0 / size, s))


def _states(trajectory: Trajectory) -> Floats:
    state = np.asarray(trajectory.theta, dtype=np.float64)
    require_shape("theta", state, 4, "K")
    one_of("outcome", trajectory.outcome, tuple(MARKERS))
    return state[:, np.all(np.isfinite(state), axis=0)]


def _names(states: Sequence[Floats]) -> tuple[str, str, str]:
    signs = {int(s) for state in states for s in np.unique(np.sign(state[0]))} - {0}
    if signs == {1, -1}:
        return "", "balanced", ""
    return ("dead", "balanced", "hyperactive") if signs == {-1} else ("hyperactive", "balanced", "dead")


def _draw(axes: Axes, trajectory: Trajectory, state: Floats, lo: float, hi: float) -> None:
    if state.shape[1] == 0:
        return
    options = line_options(look(trajectory.look))
    x = compress(to_numpy(breakpoint_position(state)), lo, hi)
    turned = np.flatnonzero(np.sign(state[0, 1:]) * np.sign(state[0, :-1]) < 0) + 1
    axes.plot(np.insert(x, turned, np.nan), np.insert(state[3], turned, np.nan), **options)
    ends: dict[str, Any] = {"linestyle": "none", "clip_on": False, "zorder": 5}
    axes.plot(x[0], state[3, 0], marker="o", mfc="white", mec=BLACK, ms=3.4, mew=0.7, **ends)
    mark = MARKERS[trajectory.outcome]
    axes.plot(x[-1], state[3, -1], marker=mark, mfc=options["color"], mec=BLACK, ms=4.2, mew=0.5, **ends)


def _walls(axes: Axes, problem: Problem, names: tuple[str, str, str]) -> None:
    lo, hi = float(problem.lo), float(problem.hi)
    left, right = axes.get_xlim()
    for wall in compress(np.array([lo, hi]), lo, hi):
        axes.axvline(wall, color=BLACK, linewidth=0.9, zorder=1.5)
    teacher = compress(to_numpy(breakpoint_position(problem.teacher)), lo, hi)
    if problem.has_teacher and np.isfinite(teacher):
        axes.axvline(float(teacher), color=GREY, linewidth=0.6, linestyle=":", zorder=1.4)
    edges = [-2.0, -1.0, 1.0, 2.0]
    for name, a, b in zip(names, edges, edges[1:], strict=False):
        a, b = max(a, left), min(b, right)
        if not a < b:
            continue
        if (a, b) != (max(-1.0, left), min(1.0, right)):
            axes.axvspan(a, b, facecolor=PALE, edgecolor="none", zorder=0)
        name_above(axes, name, 0.5 * (a + b), axes.get_xaxis_transform())


def _ticks(axes: Axes, window: tuple[float, float], lo: float, hi: float) -> None:
    """Put ticks at the walls, between them, and at s = 2, 4, ∞ half-widths beyond, as there is room."""
    centre, half = 0.5 * (lo + hi), 0.5 * (hi - lo)
    beyond = [2.0, 4.0, np.inf] if axes.figure.bbox.width / axes.figure.figure.dpi > 5.0 else [2.0, np.inf]
    s = np.array([*(-v for v in reversed(beyond)), -1.0, -0.5, 0.0, 0.5, 1.0, *beyond])
    values = [v for v in centre + half * s if window[0] <= v <= window[1]]
    places = [float(v) for v in compress(np.array(values), lo, hi)]
    names = dict(zip(places, map(_number, values), strict=True))
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: names.get(float(place), "")))


def _number(value: float) -> str:
    text = r"\infty" if np.isinf(value) else f"{abs(value):g}"
    return f"${'-' if value < 0 else ''}{text}$"


def _key(trajectories: Sequence[Trajectory], labels: dict[Any, str]) -> list[Line2D]:
    looks = dict.fromkeys(t.look for t in trajectories)
    handles = [
        Line2D([], [], label=labels.get(name, str(name)), **line_options(look(name))) for name in looks
    ]
    handles.append(_marker("start", "o", "white"))
    ends = {t.outcome for t in trajectories}
    handles += [_marker(f"end: {name}", mark, GREY) for name, mark in MARKERS.items() if name in ends]
    return handles


def _marker(label: str, marker: str, face: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker=marker, mfc=face, mec=BLACK, ms=4.2, mew=0.6, label=label)
