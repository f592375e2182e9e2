"""One run of a neuron: its loss, and the student at some moments."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as AnyFigure

from gradflow.field.baselines import best_constant, best_line
from gradflow.networks.line.ends import references
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import PARAMETERS, Problem
from gradflow.runs.records import crossings
from gradflow.study.figures.figure import Figure, Places, figure_of, given
from gradflow.study.figures.loss_axis import LOWEST, loss_axis, make_room, shown
from gradflow.study.figures.panels import Floats, Level, Mark, Panel, Series, decorate, plot, points
from gradflow.study.figures.runs import axis_of, diverged, records_until_diverged, require_one_of_batch
from gradflow.study.figures.snapshots import draw_snapshots
from gradflow.study.figures.style import DOUBLE, styled
from gradflow.study.figures.told import problem_of

MOMENTS = 5
"""At which the student is drawn: the start, the end, and between them at equal parts of the way."""

NAMED = 4
"""Crossings that are named, at most; others are lines without a name."""


@styled
def one_run(run: xr.Dataset, problem: Problem | None = None, *, ax: Places | None = None) -> AnyFigure:
    """Draw the loss of one run, with crossings and reference losses, above the student at some moments.

    Parameters
    ----------
    run : xarray.Dataset
        What `gradient_flow` or `train` returned for one neuron.
    problem : Problem, optional
        What it was trained on, where the run does not say so itself (it keeps no sample).
    ax : Axes, optional
        Axes to draw the loss into, and only the loss, in the place of a new figure.

    Returns
    -------
    Figure
        The moments are the start, the end, and between them those at which equal parts of the way through
        parameter space have been covered.

    Raises
    ------
    ValueError
        If the run is of several neurons.
    """
    axis, problem = axis_of(run, "run"), problem_of(run, problem)
    require_one_of_batch(run["loss"], axis, "one neuron")
    if ax is not None:
        (axes,) = given(ax, 1)
        _draw_loss(axes, run, axis, problem)
        return figure_of(axes)
    states = np.array([run[name].values for name in PARAMETERS], dtype=np.float64)
    whole = np.all(np.isfinite(states), axis=0)
    chosen = np.flatnonzero(whole)[moments(states[:, whole])]
    figure = Figure(figsize=(DOUBLE, 3.7), layout="constrained")
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(2.2, 1.5)))
    _draw_loss(above.subplots(), run, axis, problem)
    # Updates are whole numbers; of times three digits say enough.
    numbers = np.array([n if axis == "step" else float(f"{n:.3g}") for n in run[axis].values[chosen]])
    draw_snapshots(below, states[:, chosen], numbers, problem, _WORD[axis], (1, MOMENTS + 1))
    return figure


_WORD = {"time": "$t$ =", "step": "step"}
_LABEL = {"time": "time $t$", "step": "step"}


def moments(states: Floats, count: int = MOMENTS) -> np.ndarray:
    """Return the places of states, shape (4, K), at which equal parts of the way have been covered.

    The way is measured in parameter space. Each place is given once, the first and the last among them.
    """
    size = max(1.0, float(np.max(np.abs(states), initial=0.0)))
    way = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(states / size, axis=1), axis=0))))
    if not states.shape[1] or not way[-1] > 0.0:
        return np.arange(min(1, states.shape[1]))
    inner = np.searchsorted(way, way[-1] * np.linspace(0.0, 1.0, count)[1:-1])
    return np.unique([0, *inner.tolist(), states.shape[1] - 1])


def _draw_loss(axes: Axes, run: xr.Dataset, axis: str, problem: Problem) -> None:
    x, y = points(Series("", run[axis].values, run["loss"].values))
    references, end = _references(problem), x[-1]
    if diverged(run):
        x, y = x[: records_until_diverged(y)], y[: records_until_diverged(y)]
    floor = loss_axis(axes, [y, [level.value for level in references]])
    make_room(axes, references)
    axes.set_xlim(0.0, end if end > 0.0 else 1.0)
    axes.set_xlabel(_LABEL[axis])
    axes.set_ylabel("loss")
    plot(axes, Series("", x, y), x, shown(y, floor))
    title = f"outcome: {run['outcome_name'].values}"
    marks = _crossings(run, axis, axes.get_xlim())
    decorate(axes, Panel([], title=title, levels=references, marks=marks))


def _references(problem: Problem) -> list[Level]:
    """Return the losses of the best line and constant, where they are positive and far enough apart."""
    if problem.is_general:
        constant, line, _ = references(task_of(problem))
    else:
        line, constant = float(best_line(problem).loss), float(best_constant(problem).loss)
    levels = [Level("best line", line, below=True)] if line > LOWEST else []
    if constant > max(2.0 * line, LOWEST):
        levels.append(Level("best constant", constant))
    return levels


def _crossings(run: xr.Dataset, axis: str, reach: tuple[float, float]) -> list[Mark]:
    """Return marks where the neuron crosses, named while there is room."""
    found = crossings(run)
    marks: list[Mark] = []
    free = -np.inf
    for when, event in zip(found[axis].values.tolist(), found["event"].values.tolist(), strict=True):
        place = (when - reach[0]) / (reach[1] - reach[0])
        fits = place > free and sum(bool(mark.label) for mark in marks) < NAMED
        free = place + 0.02 if fits else free
        name = str(event).replace("->", r"$\to$") if fits else ""
        marks.append(Mark(name, when, at=0.42, left=place > 0.5))
    return marks
