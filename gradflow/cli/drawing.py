"""Figures of the commands, drawn by Matplotlib where one is asked for and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from gradflow.ends import Threshold
from gradflow.neuron.problem import PARAMETERS, Problem
from gradflow.sweeps.sweep import Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CELLS = 4_000_000
"""Starts that a figure shows, at most: more than a printed page has dots."""

LABELS = {**{name: f"initial ${name[0]}_{name[1]}$" for name in PARAMETERS}, "lr": "learning rate"}
"""Labels of axes for what is varied; others are called by their names."""


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the file's ending names, whole or not at all."""
    from gradflow.study.figures.save import save

    save(figure, path)


def draw_run(run: xr.Dataset, problem: Problem, path: Path | None) -> None:
    """Draw one run, if it is to be drawn."""
    if path is None:
        return
    if "neuron" in run.dims:
        from gradflow.study.figures.network_runs import network_runs

        name = "gradient flow" if "time" in run.dims else "training"
        write_figure(network_runs({name: run}, problem), path)
        return
    from gradflow.study.figures.one_run import one_run

    write_figure(one_run(run, problem), path)


def require_drawable(sweep: Sweep, path: Path | None) -> None:
    """Refuse a figure of a grid that has too many axes, or starts, for one.

    Raises
    ------
    ValueError
        One line with what is allowed.
    """
    n = math.prod(sweep.shape)
    if path is not None and len(sweep.axes) > 2:
        raise ValueError(f"--figure: expected a grid of one or two axes, got {len(sweep.axes)}")
    if path is not None and n > MOST_CELLS:
        raise ValueError(f"--figure: expected a grid of at most {MOST_CELLS} starts, got {n}")


def draw_sweep(result: xr.Dataset, sweep: Sweep, path: Path) -> None:
    """Draw the outcomes of a sweep over its one or two axes."""
    from gradflow.study import figures

    outcomes = result["outcome"]
    names = [str(name) for name in outcomes.dims]
    labels = [LABELS.get(name, name) for name in names]
    if len(names) == 1:
        losses = figures.Panel([figures.Series("", outcomes[names[0]], result["loss"], "dots")])
        named = result["loss"].attrs["long_name"]
        figure = figures.outcomes_along(outcomes, losses, xlabel=labels[0], loss_ylabel=named)
    else:
        diagram = figures.Diagram("", outcomes, walls=_walls(sweep, names))
        figure = figures.phase_diagram([diagram], xlabel=labels[0], ylabel=labels[1], width=figures.SINGLE)
    write_figure(figure, path)


def _walls(sweep: Sweep, names: list[str]) -> tuple[float, ...]:
    """Return the initial biases between which a start is balanced, if these are what is horizontal."""
    w1 = sweep.neuron[0]
    return tuple(-w1 * end for end in sweep.interval) if names[0] == "b1" and names[1] != "w1" and w1 else ()


def draw_threshold(
    path: Path, vary: str, found: Threshold, codes: dict[float, int], sides: Sequence[xr.Dataset]
) -> None:
    """Draw the outcomes along the line that was searched, and the loss of the runs on either side.

    Parameters
    ----------
    path : Path
    vary : str
        What varies along the line.
    found : Threshold
    codes : dict
        Outcomes by value.
    sides : sequence of two Datasets
        The runs nearest to the threshold, below and above.
    """
    from gradflow.study import figures

    values = np.array(sorted(codes))
    outcomes = xr.DataArray([codes[value] for value in values], coords={vary: values}, dims=(vary,))
    axis = "time" if "time" in sides[0].dims else "step"
    series = [
        figures.Series(f"{where}: {outcome}", run[axis], run["loss"], look)
        for where, outcome, run, look in zip(
            ("below", "above"), (found.below, found.above), sides, ("plain", "adam"), strict=True
        )
    ]
    label = LABELS.get(vary, vary)
    figure = figures.outcomes_along(
        outcomes,
        figures.Panel(series),
        xlabel=label,
        loss_xlabel="time $t$" if axis == "time" else "step",
        mark=figures.Mark(
            f"{label.removeprefix('initial ')} = {found.value:.6g}".replace("-", "−"), found.value
        ),
    )
    write_figure(figure, path)
