"""Runs of networks on the line: the loss, the breakpoints over time, and the student over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure

from gradflow.base.checks import is_mapping, shown
from gradflow.networks.line.ends import references
from gradflow.networks.line.network import Network
from gradflow.networks.line.task import Task, task_of
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import PARAMETERS, Problem
from gradflow.study.figures.figure import Places
from gradflow.study.figures.loss_axis import LOWEST, loss_axis, make_room
from gradflow.study.figures.loss_axis import shown as on_axis
from gradflow.study.figures.panels import Level, Panel, decorate, new_figure, span
from gradflow.study.figures.runs import of_network
from gradflow.study.figures.snapshots import TARGET
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, GREY, VERMILLION, styled
from gradflow.study.figures.targets import SMOOTH_POINTS, graph, reach_of, with_breakpoints
from gradflow.study.figures.told import problem_of

LOOKS: dict[str, dict[str, Any]] = {
    "dead": {"color": GREY, "linestyle": ":", "linewidth": 0.9},
    "balanced": {"color": BLACK, "linestyle": "-", "linewidth": 0.7},
    "hyperactive": {"color": VERMILLION, "linestyle": "--", "linewidth": 0.9},
}
"""Lines of breakpoints, by activity."""

STUDENTS: tuple[dict[str, Any], ...] = (
    {"color": GREY, "linestyle": ":", "linewidth": 1.0},
    {"color": BLUE, "linestyle": "--", "linewidth": 1.0},
    {"color": BLACK, "linestyle": "-", "linewidth": 1.1},
)
"""Graphs of the student at the start, on the way and at the end."""

_LABEL = {"time": "time $t$", "step": "step"}
_WORD = {"time": "$t$ = ", "step": "step "}


@styled
def network_runs(
    runs: Mapping[str, xr.Dataset], problem: Problem | None = None, *, ax: Places | None = None
) -> AnyFigure:
    """Draw runs in rows: loss, breakpoints (a line a neuron, its look by activity), and target and student.

    Parameters
    ----------
    runs : mapping of str to Dataset
        What `gradient_flow` or `train` returned for one network or neuron each, under the names of their
        rows.
    problem : Problem, optional
        What they learn; by default what the first of them says.
    ax : sequence of Axes, optional
        Three for each run, to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If one is no such run.
    """
    some: Any = runs
    if isinstance(some, xr.Dataset) or not is_mapping(runs) or not runs:
        raise TypeError(f"runs: expected a mapping of names to runs, at least one, got {shown(runs)}")
    for name, run in runs.items():
        if not isinstance(run, xr.Dataset) or not {"w1", "loss"} <= set(run) or run["loss"].ndim != 1:
            raise ValueError(f"runs: expected a run of one network as {name}, got {shown(run)}")
    task = task_of(problem_of(next(iter(runs.values())), problem))
    size = (DOUBLE, 0.4 + 1.75 * len(runs))
    figure, every = new_figure(3 * len(runs), (len(runs), 3), size, ax)
    rows = [every[k : k + 3] for k in range(0, len(every), 3)]
    for axes, (name, given) in zip(rows, runs.items(), strict=True):
        run = of_network(given)
        axis = "time" if "time" in run.dims else "step"
        _loss(axes[0], run, axis, task, name)
        _breakpoints(axes[1], run, axis, reach_of(task))
        _students(axes[2], run, axis, task)
    return figure


def _loss(axes: Axes, run: xr.Dataset, axis: str, task: Task, name: str) -> None:
    known = references(task)
    levels = [Level("best constant", known.constant)] if known.constant > LOWEST else []
    if known.constant > 2.0 * known.line > 2.0 * LOWEST:
        levels.append(Level("best line", known.line, below=True))
    x, y = run[axis].values, run["loss"].values
    floor = loss_axis(axes, [y, [level.value for level in levels]])
    make_room(axes, levels)
    axes.plot(x, on_axis(y, floor), color=BLACK, linewidth=1.1)
    axes.set_xlim(0.0, x[-1] if x[-1] > 0 else 1.0)
    axes.set_xlabel(_LABEL[axis])
    axes.set_ylabel("loss")
    decorate(axes, Panel([], title=name, levels=levels))


def _breakpoints(axes: Axes, run: xr.Dataset, axis: str, reach: tuple[float, float]) -> None:
    x, places, codes = run[axis].values, run["breakpoint"].values, run["activity"].values
    for code, name in enumerate(ACTIVITIES):
        drawn = np.where(codes == code, places, np.nan)
        if np.any(np.isfinite(drawn)):
            axes.plot(x, drawn, **LOOKS[name])
            axes.plot([], [], label=name, **LOOKS[name])
    margin = 0.25 * (reach[1] - reach[0])
    for end in reach:
        axes.axhline(end, color=GREY, linewidth=0.6, zorder=1)
    axes.set_ylim(reach[0] - margin, reach[1] + margin)
    axes.set_xlim(0.0, x[-1] if x[-1] > 0 else 1.0)
    axes.set_xlabel(_LABEL[axis])
    axes.set_ylabel("breakpoints")
    if axes.get_legend_handles_labels()[0]:
        _legend_above(axes, 3)


def _legend_above(axes: Axes, columns: int) -> None:
    """Put the legend where it hides no curve."""
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=columns, handlelength=1.4, columnspacing=0.8
    )


def _students(axes: Axes, run: xr.Dataset, axis: str, task: Task) -> None:
    lo, hi = reach_of(task)
    aim = graph(task, lo, hi)
    if task.sample is not None and task.target is None:
        axes.plot(*aim, ".", color=GREY, label="target", zorder=2)
    else:
        axes.plot(*aim, label="target", **TARGET, zorder=2)
    last = run.sizes[axis] - 1
    # Half of the loss's fall, in logarithms, is done on the way.
    value = np.maximum(np.where(np.isfinite(run["loss"].values), run["loss"].values, np.inf), LOWEST)
    half = np.sqrt(value[0] * value[-1])
    way = int(np.argmax(value <= half))
    graphs = [aim[1]]
    looks = dict(zip((0, way, last), STUDENTS, strict=True))
    for place, look in looks.items():
        state = [run[name].values[place] for name in PARAMETERS]
        if not all(np.all(np.isfinite(part)) for part in state):
            continue
        network = Network(*state)
        number = run[axis].values[place]
        x = with_breakpoints(network, (lo, hi)) if task.is_bent else np.linspace(lo, hi, SMOOTH_POINTS)
        y = network(x, task.activation)
        graphs.append(y)
        axes.plot(x, y, label=f"{_WORD[axis]}{number:.3g}" if axis == "time" else f"step {number}", **look)
    bottom, top = span(graphs) or (0.0, 1.0)
    margin = 0.08 * (top - bottom or 1.0)
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_xlim(lo, hi)
    axes.set_xlabel("input $x$")
    axes.set_ylabel("output")
    _legend_above(axes, 2)
