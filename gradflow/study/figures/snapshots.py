"""Small multiples of the student's function during training, with the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import ArrayLike

from gradflow.base.arrays import to_numpy
from gradflow.base.checks import number, shown
from gradflow.networks.line.task import task_of
from gradflow.neuron.activations import Activation, PiecewiseLinear, derivatives
from gradflow.neuron.activity import ACTIVITIES, activity, breakpoint_position
from gradflow.neuron.problem import Neuron, Problem, Sample, as_neuron
from gradflow.study.figures.figure import Figure, Places, figure_of, given
from gradflow.study.figures.panels import Floats, in_rows, span
from gradflow.study.figures.style import BLACK, DOUBLE, GREY, LEAST, MOST, SKY, SMALL, VERMILLION, styled
from gradflow.study.figures.targets import graph as target_of
from gradflow.study.figures.targets import reach_of

TARGET: dict[str, Any] = {"color": SKY, "linewidth": 2.4, "solid_capstyle": "butt"}
# Whole also where they lie on the ends of the input.
POINTS: dict[str, Any] = {
    "color": SKY,
    "linestyle": "none",
    "marker": "o",
    "markersize": 2.8,
    "clip_on": False,
}
STUDENT: dict[str, Any] = {"color": BLACK, "linewidth": 1.1}
BREAKPOINT: dict[str, Any] = {
    "color": VERMILLION,
    "linestyle": "none",
    "markersize": 3.6,
    "markeredgecolor": BLACK,
    "markeredgewidth": 0.5,
}

IN_A_ROW = 6
"""Panels across two columns of a journal: in more the words would be cut."""

SMOOTH_POINTS = 201
"""Of the graph of a smooth neuron."""


@styled
def snapshots(
    theta: ArrayLike,
    steps: ArrayLike,
    problem: Problem = Problem(),
    *,
    label: str = "step",
    columns: int = 6,
    width: float = DOUBLE,
    height: float | None = None,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw student and target at several steps, one panel each.

    The breakpoint is marked where it lies inside the inputs' interval; where it has left, an arrowhead at
    the end that it left through points to it. Each panel names the neuron's activity.

    Parameters
    ----------
    theta : array, shape (4, K)
        The student's parameters at K steps.
    steps : array, shape (K,)
        What the panels are numbered with.
    problem : Problem
        One teacher and one interval; a sample's targets, if it has some, are drawn as points.
    label : str
        The word before the number.
    columns : int
        Panels in a row, ≥ 1; the key takes the place after the last panel.
    width, height : float
        Size in inches; by default the height suits the number of rows.
    ax : Axes or sequence of Axes, optional
        One for each step, to draw into in the place of a new figure; the key is then in the last.

    Raises
    ------
    ValueError, TypeError
        If the shapes are not as described, or `theta` is a run's dataset, of which parts must be chosen.
    """
    if isinstance(theta, xr.Dataset):
        axis = next((str(name) for name in ("time", "step") if name in theta.dims), "step")
        raise TypeError(
            f"theta: expected an array of shape (4, K), got a Dataset; write part = run.isel({axis}=[0, -1]) "
            f"and snapshots([part[p] for p in ('w1', 'b1', 'w2', 'b2')], part.{axis}, problem)"
        )
    try:
        states = np.asarray(theta, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"theta: expected an array of shape (4, K), got {shown(theta)}") from None
    numbers = np.asarray(steps)
    if states.ndim != 2 or states.shape[0] != 4 or numbers.shape != states.shape[1:]:
        raise ValueError(f"theta: expected shape (4, K) with K steps, got {states.shape} and {numbers.shape}")
    if ax is not None:
        panels = given(ax, states.shape[1])
        looks, markers = _panels(panels, states, numbers, problem, label)
        for axes in panels:
            axes.set_xlabel(r"input $x$")
            axes.set_ylabel("output")
        _key(panels[-1], looks, markers, loc="best", frameon=True, framealpha=0.9)
        return figure_of(panels[0])
    rows, _ = in_rows(states.shape[1] + 1, columns)
    figure = Figure(figsize=(width, height or 0.35 + 1.15 * rows), layout="constrained")
    draw_snapshots(figure, states, numbers, problem, label, (rows, columns))
    return figure


def columns_for(width: float) -> int:
    """Return how many panels in a row have room for their words in a width in inches."""
    return max(1, round(IN_A_ROW * number("width", width, LEAST, MOST) / DOUBLE))


def draw_snapshots(
    figure: AnyFigure | SubFigure,
    states: Floats,
    numbers: np.ndarray,
    problem: Problem,
    label: str,
    shape: tuple[int, int],
) -> None:
    """Draw panels in rows and columns, of which `shape` says how many; the key takes the place after them."""
    rows, columns = shape
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels: list[Axes] = list(grid.flat)
    count = states.shape[1]
    looks, markers = _panels(panels, states, numbers, problem, label)
    for axes in panels[count:]:
        axes.set_axis_off()
    _key(panels[count], looks, markers)
    # Neither the key nor an empty place has tick labels for the panel above it.
    for axes in panels[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
    labels = figure.supxlabel(r"input $x$", fontsize=8.5), figure.supylabel("output", fontsize=8.5)
    if count:
        _centre(figure, panels[:count], *labels)


def _panels(
    panels: Sequence[Axes], states: Floats, numbers: np.ndarray, problem: Problem, label: str
) -> tuple[dict[str, Any], list[str]]:
    """Draw target and students on common limits; return the target's look, and the breakpoints' markers."""
    lo, hi = reach(problem)
    students = [graph(Neuron(*state), problem) for state in states.T]
    target = target_graph(problem)
    bottom, top = span([target[1], *(y for _, y in students)]) or (0.0, 1.0)
    margin = 0.08 * (top - bottom or 1.0)
    looks = TARGET if problem.has_teacher or problem.target is not None else POINTS
    for axes in panels:
        axes.set_xlim(*((lo, hi) if lo < hi else (lo - 0.5, hi + 0.5)))
        axes.set_ylim(bottom - margin, top + margin)
    markers: list[str] = []
    for axes, state, at, student in zip(panels, states.T, numbers, students, strict=False):
        axes.plot(*target, **looks, zorder=2)
        axes.plot(*student, **STUDENT, zorder=3)
        axes.set_title(f"{label} {at:g}", pad=2)
        markers.append(_mark_breakpoint(axes, Neuron(*state), problem))
    return looks, markers


def _centre(figure: AnyFigure | SubFigure, panels: list[Axes], below: Text, beside: Text) -> None:
    """Put the labels at the middle of the panels, which need not be that of the figure."""
    # The whole figure's layout is what places panels, also those of a part of it.
    figure.figure.draw_without_rendering()
    places = [axes.get_position() for axes in panels]
    below.set_x(0.5 * (min(p.x0 for p in places) + max(p.x1 for p in places)))
    beside.set_y(0.5 * (min(p.y0 for p in places) + max(p.y1 for p in places)))


def graph(neuron: Neuron, problem: Problem, activation: Activation | None = None) -> tuple[Floats, Floats]:
    """Return a neuron's graph on the inputs' interval: its vertices, or many points if φ is smooth.

    `activation` is the student's if none is given.
    """
    w1, b1, w2, b2 = (float(value) for value in as_neuron(neuron))
    lo, hi = reach(problem)
    phi = problem.activation if activation is None else activation
    if isinstance(phi, PiecewiseLinear):
        at = float(to_numpy(breakpoint_position(Neuron(w1, b1, w2, b2))))
        x = np.array([lo, at, hi] if lo < at < hi else [lo, hi])
    else:
        x = np.linspace(lo, hi, SMOOTH_POINTS)
    return x, w2 * derivatives(phi, w1 * x + b1, 0)[0] + b2


def target_graph(problem: Problem) -> tuple[Floats, Floats]:
    """Return what the student should be: the teacher's graph, or a sample's inputs and targets."""
    inputs = problem.inputs
    if isinstance(inputs, Sample) and inputs.targets is not None:
        return to_numpy(inputs.x), to_numpy(inputs.targets)
    if problem.target is not None:
        return target_of(task_of(problem), *reach(problem))
    return graph(problem.teacher, problem, problem.teacher_activation)


def reach(problem: Problem) -> tuple[float, float]:
    """Return the part of the line that is drawn: of normal inputs not all."""
    return reach_of(task_of(problem)) if problem.is_general else (float(problem.lo), float(problem.hi))


def _mark_breakpoint(axes: Axes, neuron: Neuron, problem: Problem) -> str:
    """Mark the breakpoint and name the activity; return the marker, "" where there is none."""
    x, y = graph(neuron, problem)
    at = float(to_numpy(breakpoint_position(neuron)))
    name = ACTIVITIES[int(to_numpy(activity(neuron, problem)))]
    marker = ""
    if x[0] < at < x[-1]:
        marker = "o"
        axes.plot(at, np.interp(at, x, y), marker=marker, zorder=4, **BREAKPOINT)
    elif not np.isnan(at):
        end, marker = (0, "<") if at <= x[0] else (-1, ">")
        axes.plot(x[end], y[end], marker=marker, zorder=4, clip_on=False, **BREAKPOINT)
    axes.annotate(
        name,
        (0.05, 0.94),
        xycoords="axes fraction",
        ha="left",
        va="top",
        fontsize=SMALL,
        fontstyle="italic",
        color=BLACK if name != "balanced" else GREY,
    )
    return marker


def _key(axes: Axes, target: dict[str, Any], markers: list[str], **options: Any) -> None:
    """Draw the key of what is there: of breakpoints as they are marked in the panels."""
    handles = [Line2D([], [], label="target", **target), Line2D([], [], label="student", **STUDENT)]
    if not markers:
        handles = []
    if "o" in markers:
        handles.append(Line2D([], [], label="breakpoint", marker="o", **BREAKPOINT))
    outside = next((marker for marker in markers if marker in ("<", ">")), "")
    if outside:
        handles.append(Line2D([], [], label="outside", marker=outside, **BREAKPOINT))
    if handles:
        look: dict[str, Any] = {"loc": "center left", "borderaxespad": 0.0, "handlelength": 1.6}
        key = axes.legend(handles=handles, **look | options)
        key.set_in_layout(False)
