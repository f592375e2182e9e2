"""Neurons of networks on the line: what each adds over time, and two in the plane of their breakpoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as AnyFigure
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from gradflow.base.checks import numbers, require_finite, require_shape, shown
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import task_of
from gradflow.neuron.activations import derivatives
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import PARAMETERS, Problem
from gradflow.study.figures.figure import Places
from gradflow.study.figures.loss_axis import LOWEST
from gradflow.study.figures.network_runs import LOOKS
from gradflow.study.figures.panels import Floats, new_figure, span
from gradflow.study.figures.runs import of_network
from gradflow.study.figures.snapshots import TARGET
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, GREY, SINGLE, styled
from gradflow.study.figures.targets import SMOOTH_POINTS, graph, reach_of, with_breakpoints
from gradflow.study.figures.told import problem_of

MOST = 8
"""Panels at most."""

_WORD = {"time": "$t$ = ", "step": "step "}


@styled
def units(
    run: xr.Dataset,
    problem: Problem | None = None,
    at: Sequence[float] | None = None,
    *,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw a network at some moments: target, student, and w2_j φ(w1_j x + b1_j) of every neuron.

    Parameters
    ----------
    run : Dataset
        What `gradient_flow` or `train` returned for one network or neuron.
    problem : Problem, optional
        What it learns, where the run does not say so itself.
    at : sequence of float, optional
        Times or steps, 8 at most; the records nearest to them are drawn. By default the start, where a
        quarter, a half and three quarters of the loss's fall (in logarithms) are done, and the end.
    ax : sequence of Axes, optional
        One for each moment, to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If it is no such run, or a moment is none of it.
    """
    if not isinstance(run, xr.Dataset) or not {"w1", "loss"} <= set(run) or run["loss"].ndim != 1:
        raise ValueError(f"run: expected a run of one network, got {shown(run)}")
    run = of_network(run)
    axis, task = "time" if "time" in run.dims else "step", task_of(problem_of(run, problem))
    records = _records(run, axis, at)
    columns = min(len(records), 4) if len(records) != 5 else 5
    rows = -(-len(records) // columns)
    figure, every = new_figure(
        len(records), (rows, columns), (DOUBLE, 0.5 + 1.5 * rows), ax, sharex=True, sharey=True
    )
    lo, hi = reach_of(task)
    x, aim = np.linspace(lo, hi, SMOOTH_POINTS), graph(task, lo, hi)
    drawn: list[Floats] = [np.asarray(aim[1])]
    for axes, record in zip(every, records, strict=True):
        state = {name: run[name].values[record] for name in PARAMETERS}
        points = with_breakpoints(Network(**state), x)
        z = state["w1"][:, None] * points + state["b1"][:, None]
        added = state["w2"][:, None] * derivatives(task.activation, z, 0)[0]
        is_sample = task.sample is not None and task.target is None
        look = {"linestyle": "none", "marker": ".", "color": GREY} if is_sample else TARGET
        axes.plot(*aim, **look, zorder=2, label="target")
        for unit, code in zip(added, run["activity"].values[record].tolist(), strict=True):
            name = ACTIVITIES[code]
            axes.plot(points, unit, **{**LOOKS[name], "linewidth": 0.6}, label=f"neuron, {name}")
        whole = np.sum(added, axis=0) + state["b2"]
        axes.plot(points, whole, color=BLUE, linewidth=1.3, zorder=4, label="student")
        axes.set_title(f"{_WORD[axis]}{run[axis].values[record]:.3g}", loc="left")
        axes.set_xlim(lo, hi)
        drawn += [added.ravel(), whole]
    bottom, top = span(drawn) or (-1.0, 1.0)
    margin = 0.06 * (top - bottom or 1.0)
    for k, axes in enumerate(every):
        axes.set_ylim(bottom - margin, top + margin)
        if ax is not None or k >= len(records) - columns:
            axes.set_xlabel("input $x$")
        if ax is not None or k % columns == 0:
            axes.set_ylabel("output")
    if ax is None:
        pairs = [pair for axes in every for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
        key = {str(label): handle for handle, label in pairs}
        figure.legend(key.values(), key.keys(), loc="outside lower center", ncol=len(key))
    return figure


def _records(run: xr.Dataset, axis: str, at: Sequence[float] | None) -> list[int]:
    """Return which records are drawn."""
    moments, last = run[axis].values, run.sizes[axis] - 1
    if at is None:
        value = np.maximum(np.where(np.isfinite(run["loss"].values), run["loss"].values, np.inf), LOWEST)
        levels = [value[0] * (value[-1] / value[0]) ** share for share in (0.25, 0.5, 0.75)]
        return sorted({0, *(int(np.argmax(value <= level)) for level in levels), last})
    wanted = numbers("at", at).astype(np.float64)
    require_finite("at", wanted)
    if wanted.ndim != 1 or not 1 <= wanted.size <= MOST:
        raise ValueError(f"at: expected 1 to {MOST} moments, got {shown(at)}")
    if np.any((wanted < moments[0]) | (wanted > moments[-1])):
        raise ValueError(f"at: expected moments from {moments[0]:g} to {moments[-1]:g}, got {shown(at)}")
    return [int(np.argmin(np.abs(moments - moment))) for moment in wanted]


@styled
def two_neurons(
    network: Network,
    paths: Sequence[ArrayLike],
    problem: Problem = Problem(),
    *,
    window: tuple[float, float] = (-1.5, 1.5),
    points: int = 161,
    ax: Places | None = None,
) -> AnyFigure:
    """Draw the phase portrait of two neurons: the loss over their breakpoints, and trajectories on it.

    Parameters
    ----------
    network : Network
        Two neurons with w1 ≠ 0: all but the input biases is theirs for the loss that is drawn.
    paths : sequence of array, shape (7, K)
        States in order, of flows or of training with frozen w1, w2 and b2, or without.
    problem : Problem
        What they learn.
    window : (float, float)
        The breakpoints that are shown, on both axes.
    points : int
        Of the grid on which the loss is computed, along either axis.
    ax : Axes, optional
        Axes to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    student, task = as_network(network), task_of(problem)
    w1 = np.asarray(student.w1)
    if student.batch or student.m != 2 or np.any(w1 == 0.0):
        raise ValueError(f"network: expected one of two neurons with w1 != 0, got {student}")
    if not window[0] < window[1]:
        raise ValueError(f"window: its first end must be below its second, got {window}")
    figure, (axes,) = new_figure(1, (1, 1), (SINGLE, 3.0), ax)
    side = np.linspace(*window, points)
    rows = np.repeat(student.rows[:, None], points * points, axis=1)
    first, second = np.meshgrid(side, side, indexing="xy")
    rows[2], rows[3] = -w1[0] * first.ravel(), -w1[1] * second.ravel()
    loss = evaluator(task, rows.size // 3).loss(rows).reshape(points, points)
    least = max(float(np.min(loss)), 1e-5 * float(np.max(loss)), LOWEST)
    norm = LogNorm(least, max(float(np.max(loss)), 1.001 * least))
    filled = axes.contourf(
        side,
        side,
        np.maximum(loss, least),
        locator=LogLocator(subs=(1.0, 2.0, 5.0)),
        norm=norm,
        cmap="Greys_r",
    )
    for end in (task.lo, task.hi):
        axes.axvline(end, color=GREY, linewidth=0.7)
        axes.axhline(end, color=GREY, linewidth=0.7)
    for path in paths:
        state = np.asarray(path, dtype=np.float64)
        require_shape("path", state, 7, "K")
        x, y = (-state[2 + j] / np.where(state[j] == 0.0, np.nan, state[j]) for j in range(2))
        axes.plot(x, y, color=BLUE, linewidth=0.9)
        axes.plot(x[:1], y[:1], "o", mfc="white", mec=BLACK, ms=2.8, mew=0.6)
        axes.plot(x[-1:], y[-1:], "o", color=BLACK, ms=2.8)
    axes.set(xlim=window, ylim=window, xlabel="first breakpoint", ylabel="second breakpoint", aspect="equal")
    bar = figure.colorbar(filled, ax=axes, shrink=0.85)
    bar.set_label("loss")
    return figure
