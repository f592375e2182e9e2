"""Figures of results as they come from the package: one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.base.checks import integer, is_mapping, number, numbers, one_of, require_finite, shown
from gradflow.ends.outcome import OUTCOMES
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import PARAMETERS, Problem, Sample, as_problem
from gradflow.study.figures.along import outcomes_along
from gradflow.study.figures.figure import Places
from gradflow.study.figures.frames import Frame, sheet
from gradflow.study.figures.losses import loss_curves
from gradflow.study.figures.one_run import moments
from gradflow.study.figures.panels import Level, Panel, Series, key_above, span
from gradflow.study.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.study.figures.phase_plane import Trajectory, phase_plane
from gradflow.study.figures.runs import (
    MOST_LINES,
    Runs,
    along_axis,
    axis_of,
    diverged,
    each,
    members,
    name_of,
    named,
    records_until_diverged,
    require_one_of_batch,
)
from gradflow.study.figures.snapshots import columns_for, snapshots
from gradflow.study.figures.style import BLACK, BLUE, CYCLE, DOUBLE, LOOKS, SINGLE, SKY, VERMILLION, Look
from gradflow.study.figures.targets import reach_of, with_breakpoints
from gradflow.study.figures.told import problem_of

MOST_INSIDE = 3
"""Names that a key within a panel has, at most."""

ABOVE = 3
"""Decades, at most, in which a run that diverges is seen to leave, above its first loss and the others."""


def loss(
    runs: Runs,
    *,
    against: str = "",
    levels: Mapping[str, float] | None = None,
    width: float = SINGLE,
    height: float = 2.4,
    ax: Places | None = None,
) -> Figure:
    """Draw the losses of runs on one axis, each with its name.

    Parameters
    ----------
    runs : Dataset, mapping or sequence of Datasets
        What `gradflow.gradient_flow` or `gradflow.train` returned, under names if it is a mapping, one or
        several under each. Every member of a batch is a line, named by what varies over it; that of a run
        that diverged says so, ends where it did, and leaves the panel above the other runs' losses.
    against : {'', 'step', 'time'}
        The horizontal axis: updates, or time, which for training is η·k, rate times updates. By default the
        runs' own, and time where they differ.
    levels : mapping of str to float, optional
        Reference losses to mark, such as ``{"best line": 1 / 48}``.
    width, height : float
        Size in inches.
    ax : Axes, optional
        Axes to draw into in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If they are no runs, more than `MOST_LINES`, or cannot share the axis.

    Examples
    --------
    >>> flow, start = gf.gradient_flow(gf.Neuron(b2=-1.0), t_end=20.0), gf.Neuron(b2=-1.0)
    >>> descent = gf.train(start, gf.Problem(), gf.GD(lr=[0.1, 0.5]), steps=100)
    >>> figure = gf.figures.loss({"flow": flow, "GD": descent}, against="time")
    """
    some = each(runs)
    if levels is not None and not is_mapping(levels):
        raise TypeError(f"levels: expected a mapping of names to losses, got {shown(levels)}")
    for value in (levels or {}).values():
        number("levels", value)
    one_of("against", against, ("", "step", "time"))
    own = {axis_of(one.run) for one in some}
    axis = against or (own.pop() if len(own) == 1 else "time")
    series: list[Series] = []
    gone = [diverged(one.run) for one in some]
    seen: list[Any] = [[*(levels or {}).values()]]
    for one, out in zip(some, gone, strict=True):
        losses = np.asarray(one.run["loss"].values, dtype=np.float64)
        many = records_until_diverged(losses) if out else losses.size
        name = ", ".join(part for part in (one.name, "diverged") if part) if out else one.name
        series.append(Series(name, along_axis(one.run, axis)[:many], losses[:many]))
        seen.append(losses[losses > 0.0][:1] if out else losses)
    # One line has no key: its name stands above it. A key of many would hide what it names.
    title = series[0].label if len(series) == 1 else ""
    outside = ax is None and len(series) > MOST_INSIDE
    marks = [Level(name, value) for name, value in (levels or {}).items()]
    panel = Panel(series, title, marks, legend=None if outside else "best")
    stepped = any("step" in one.run.dims for one in some)
    label = "step" if axis == "step" else r"time $t$, $\eta k$" if stepped else "time $t$"
    ceiling = None
    # The losses of those that diverged take the axis for themselves only where there are no others.
    if any(gone) and not all(gone) and (range_ := span(seen, positive=True)):
        ceiling = float(10.0 ** (np.floor(np.log10(range_[1])) + ABOVE))
    figure = loss_curves([panel], xlabel=label, ceiling=ceiling, width=width, height=height, ax=ax)
    if outside:
        key_above(figure, width)
    return figure


def students(
    run: xr.Dataset,
    problem: Problem | None = None,
    *,
    count: int = 5,
    columns: int | None = None,
    width: float = DOUBLE,
    ax: Places | None = None,
) -> Figure:
    """Draw the student of a run at some moments: the first, the last, and between at equal parts of the way.

    Parameters
    ----------
    run : Dataset
        What `gradflow.gradient_flow` or `gradflow.train` returned for one neuron or network.
    problem : Problem, optional
        What it was trained on, where the run does not say so itself (it keeps no sample).
    count : int
        Moments, 2 or more; fewer are drawn where the run has fewer.
    columns : int, optional
        Panels in a row, of a neuron, by default as many as have room for their words; the moments of a
        network share one panel.
    width : float
        In inches.
    ax : Axes or sequence of Axes, optional
        One for each moment (of a network: one) in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If it is no run, or one of several.
    """
    axis, problem = axis_of(run, "run"), problem_of(run, problem)
    count = integer("count", count, 2)
    require_one_of_batch(run["loss"], axis, "one neuron or network")
    states = np.concatenate(
        [np.reshape(run[name].values, (run.sizes[axis], -1)) for name in PARAMETERS], axis=1
    ).T
    kept = np.flatnonzero(np.all(np.isfinite(states), axis=0))
    chosen = kept[moments(np.asarray(states[:, kept], dtype=np.float64), count)]
    word = {"time": "$t$ =", "step": "step"}[axis]
    numbers = [n if axis == "step" else float(f"{n:.3g}") for n in run[axis].values[chosen].tolist()]
    if "neuron" not in run.dims:
        columns = columns_for(width) if columns is None else columns
        return snapshots(states[:, chosen], numbers, problem, label=word, columns=columns, width=width, ax=ax)
    networks = {
        f"{word} {n:g}": Network(*(run[name].values[k] for name in PARAMETERS))
        for n, k in zip(numbers, chosen, strict=True)
    }
    return functions(networks, problem, width=min(width, SINGLE), ax=ax)


def functions(
    students: Any,
    problem: Problem = Problem(),
    *,
    width: float = SINGLE,
    height: float = 2.4,
    ax: Places | None = None,
) -> Figure:
    """Draw neurons and networks as functions of the input, over the target.

    Parameters
    ----------
    students : Neuron, Network, or mapping of str to these
        One each, not arrays of them.
    problem : Problem
        Its activation is theirs; the inputs say which part of the line is drawn.
    width, height, ax
        As `loss` takes them.

    Raises
    ------
    ValueError, TypeError
        If they are none, or more than `MOST_LINES`.

    Examples
    --------
    >>> figure = gf.figures.functions({"start": gf.Neuron(b2=-1.0), "end": gf.Neuron()})
    """
    problem = as_problem(problem, general=True)
    given = students if is_mapping(students) else {"student": students}
    some = {str(name): as_network(student, "students") for name, student in given.items()}
    if not 1 <= len(some) <= MOST_LINES:
        raise ValueError(f"students: expected 1 to {MOST_LINES}, got {len(some)}")
    lo, hi = reach_of(task_of(problem))
    x = np.linspace(lo, hi, 401)
    broad = Look(SKY, width=2.4, order=2.0)
    if isinstance(problem.inputs, Sample) and problem.inputs.targets is not None:
        dots = Look(SKY, line="", marker="o", size=2.8, order=2.0)
        series = [Series("target", problem.inputs.x, problem.inputs.targets, dots)]
    else:
        series = [Series("target", x, problem.target_at(x), broad)]
    for name, network in some.items():
        at = with_breakpoints(network, x)
        series.append(Series(name, at, network(at, problem.activation)))
    frame = Frame(Panel(series), r"input $x$", "output", xlim=(lo, hi))
    return sheet([frame], columns=1, width=width, height=height, ax=ax)


def parameters(
    run: xr.Dataset,
    names: Sequence[str] = (*PARAMETERS, "breakpoint"),
    *,
    width: float = SINGLE,
    height: float = 2.4,
    ax: Places | None = None,
) -> Figure:
    """Draw variables of one neuron's run along its steps or time, on one axis.

    Parameters
    ----------
    run : Dataset
        What `gradflow.gradient_flow` or `gradflow.train` returned for one neuron.
    names : sequence of str
        Variables of the run along its axis.
    width, height, ax
        As `loss` takes them.

    Raises
    ------
    ValueError, TypeError
        If it is no run of one neuron, or has no such variable.
    """
    axis = axis_of(run, "run")
    for name in names:
        one_of("names", name, tuple(str(v) for v in run.data_vars if run[v].dims[:1] == (axis,)))
        require_one_of_batch(run[name], axis, "one neuron")
    label = {name: f"${name[0]}_{name[1]}$" for name in PARAMETERS}
    series = [Series(label.get(name, name.replace("_", " ")), run[axis], run[name]) for name in names]
    word = {"time": "time $t$", "step": "step"}[axis]
    return sheet([Frame(Panel(series), word, "")], columns=1, width=width, height=height, ax=ax)


def outcomes(
    found: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    over: Mapping[str, xr.Dataset] | None = None,
    outcome: str = "global",
    walls: Sequence[float] = (),
    columns: int = 3,
    width: float | None = None,
    ax: Places | None = None,
) -> Figure:
    """Draw where starts end: over a plane as a phase diagram, along a line as a strip above the losses.

    Parameters
    ----------
    found : Dataset or mapping of str to Datasets
        What `gradflow.basins` or a sweep returned, over one or two axes; a mapping has a panel each.
    over : mapping of str to Dataset, optional
        Others over the same axes: the boundary of their starts that end in `outcome` is drawn over each,
        black, blue and red in turn.
    outcome : str
        See `over`.
    walls : sequence of float
        Horizontal values at which to draw a line, such as the walls b1 = ±w1 of the start's cells.
    columns : int
        Panels in a row.
    width : float, optional
        In inches; by default of one column for one panel, else of two.
    ax : Axes or sequence of Axes, optional
        One for each panel (two for a line) in the place of a new figure.

    Raises
    ------
    ValueError, TypeError
        If they have no outcomes, or neither one nor two axes.

    Examples
    --------
    >>> found = gf.basins(b1=(-2, 2, 5), b2=(-2, 2, 5), method="gd", steps=50)
    >>> figure = gf.figures.outcomes(found, walls=(-1.0, 1.0))
    """
    some: Any = found
    given: dict[str, Any] = {"": some} if isinstance(some, xr.Dataset) or not is_mapping(some) else {**some}
    if not given:
        raise ValueError("found: expected at least one, got {}")
    others: Any = over
    if over is not None and (isinstance(others, xr.Dataset) or not is_mapping(over)):
        raise TypeError(f"over: expected a mapping of names to results, got {shown(over)}")
    for argument, several in (("found", given), ("over", over or {})):
        for name, some in several.items():
            if not _has_outcomes(some):
                raise TypeError(
                    f"{argument}: expected outcomes over one or two axes"
                    f"{name and f' as {name}'}, got {shown(some)}"
                )
            _require_last(argument, some)
    one_of("outcome", outcome, OUTCOMES)
    if numbers("walls", walls).ndim != 1:
        raise ValueError(f"walls: expected numbers in a sequence, got {shown(walls)}")
    require_finite("walls", walls)
    first = next(iter(given.values()))
    if first["outcome"].ndim == 1 and len(given) == 1:
        axis = str(first["outcome"].dims[0])
        panel = Panel([Series("", first[axis], first["loss"], "dots")])
        size = width or DOUBLE
        named = str(first["loss"].attrs.get("long_name", ""))
        named = named if named.endswith("when decided") else "final loss"
        return outcomes_along(
            first["outcome"], panel, xlabel=name_of(axis), loss_ylabel=named, width=size, ax=ax
        )
    colors = (BLACK, BLUE, VERMILLION)
    layers = [
        Layer(f"{outcome} under {name}", some["outcome_name"] == outcome, outline=colors[k % len(colors)])
        for k, (name, some) in enumerate((over or {}).items())
    ]
    diagrams = [Diagram(name, some["outcome"], walls, layers) for name, some in given.items()]
    x, y = (name_of(str(name)) for name in first["outcome"].dims)
    size = width or (SINGLE if len(diagrams) == 1 else DOUBLE)
    return phase_diagram(diagrams, xlabel=x, ylabel=y, columns=columns, width=size, ax=ax)


def _require_last(argument: str, some: xr.Dataset) -> None:
    """Raise a one-line ValueError if these are runs: their losses have steps or times as well."""
    further = [str(d) for d in some["loss"].dims if d in ("step", "time")] if "loss" in some else []
    if further:
        raise ValueError(
            f"{argument}: expected what basins or a sweep returned, got runs along {further[0]}; their ends "
            f"are .isel({further[0]}=-1)"
        )


def _has_outcomes(some: Any) -> bool:
    """Whether this is a dataset of outcomes over one or two axes."""
    return isinstance(some, xr.Dataset) and "outcome" in some and some["outcome"].ndim in (1, 2)


def trajectories(
    runs: Runs,
    problem: Problem | None = None,
    *,
    window: tuple[float, float] = (-np.inf, np.inf),
    width: float = SINGLE,
    height: float = 3.2,
    ax: Places | None = None,
) -> Figure:
    """Draw runs of neurons in the plane of the breakpoint and the output bias.

    Parameters
    ----------
    runs : Dataset, sequence of Datasets or mapping
        As `loss` takes them; what stands under one name has one look.
    problem : Problem, optional
        What they were trained on; by default what the first of them says.
    window, width, height, ax
        As `gradflow.study.figures.phase_plane`.

    Raises
    ------
    ValueError, TypeError
        If they are no runs of neurons.
    """
    given = named(runs)
    problem = problem_of(next(iter(given.values()))[0], problem)
    looks = dict(zip(given, (_look(name, k) for k, name in enumerate(given)), strict=True))
    drawn = []
    for name, several in given.items():
        for one in members(name, *several):
            if "neuron" in one.run.dims:
                raise ValueError("runs: expected runs of neurons, got one of a network")
            theta = np.array([one.run[parameter].values for parameter in PARAMETERS])
            drawn.append(Trajectory(theta, looks[name], str(one.run["outcome_name"].values)))
    labels = {look: name or "run" for name, look in looks.items()}
    return phase_plane(drawn, problem, window=window, labels=labels, width=width, height=height, ax=ax)


def _look(name: str, place: int) -> Look:
    """Return the look of a dynamics that has one, else one in turn."""
    known = {"flow": "flow", "gradient flow": "flow", "adam": "adam", "gd": "gd", "gradient descent": "gd"}
    folded = known.get(name.lower())
    return LOOKS[folded] if folded else CYCLE[place % len(CYCLE)]
