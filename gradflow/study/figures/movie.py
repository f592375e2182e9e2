"""A run as a film: the student moving over the target, and its loss."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from gradflow.base.checks import integer
from gradflow.base.checks import shown as words
from gradflow.base.files import whole_file
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Sample
from gradflow.study.figures.loss_axis import loss_axis, shown
from gradflow.study.figures.one_run import moments
from gradflow.study.figures.panels import new_figure, span
from gradflow.study.figures.runs import axis_of, require_one_of_batch
from gradflow.study.figures.snapshots import STUDENT, TARGET, graph, target_graph
from gradflow.study.figures.style import BLACK, GREY, SINGLE, style, styled
from gradflow.study.figures.told import problem_of

SECOND = 20
"""Frames a second."""

DPI = 120
"""Dots an inch of a film."""


class Movie:
    """A film that a notebook shows, and that `save` writes as a GIF."""

    def __init__(self, figure: Figure, show: Callable[[int], tuple[Any, ...]], frames: int) -> None:
        self.figure, self.show, self.frames = figure, show, frames

    def save(self, path: Path | str) -> Path:
        """Write the film, whole or not at all, and return its path.

        Raises
        ------
        ValueError, TypeError
            Unless the path ends in .gif.
        OSError
            If it cannot be written.
        """
        if not isinstance(path, (str, Path)):
            raise TypeError(f"path: expected a path, got {words(path)}")
        path = Path(path)
        if path.suffix.lower() != ".gif":
            raise ValueError(f"path: expected a name that ends in .gif, got {path.name!r}")
        with whole_file(path) as temporary, style():
            # Made here: an animation that is never drawn complains when it goes.
            film = FuncAnimation(self.figure, self.show, frames=self.frames, blit=False)
            film.save(str(temporary), writer="pillow", fps=SECOND, dpi=DPI)
        return path

    def _repr_html_(self) -> str:
        """Return the film as a notebook shows it."""
        with tempfile.TemporaryDirectory() as folder:
            data = self.save(Path(folder) / "film.gif").read_bytes()
        text = base64.b64encode(data).decode("ascii")
        return f'<img alt="the student during training" src="data:image/gif;base64,{text}">'


@styled
def movie(
    run: xr.Dataset, problem: Problem | None = None, *, count: int = 60, width: float = SINGLE
) -> Movie:
    """Film a neuron's run: the student over the target, and its loss below.

    Parameters
    ----------
    run : Dataset
        What `gradflow.gradient_flow` or `gradflow.train` returned for one neuron.
    problem : Problem, optional
        What it was trained on, where the run does not say so itself (it keeps no sample).
    count : int
        Frames, 2 to 500: the first moment, the last, and between at equal parts of the way.
    width : float
        In inches.

    Returns
    -------
    Movie
        A notebook shows it; ``movie(run).save("run.gif")`` writes it.

    Raises
    ------
    ValueError, TypeError
        If it is no run of one neuron.
    """
    count = integer("count", count, 2, 500)
    axis, problem = axis_of(run, "run"), problem_of(run, problem)
    require_one_of_batch(run["loss"], axis, "one neuron")
    if "neuron" in run.dims:
        raise ValueError(f"run: expected one neuron, got one with dimensions {tuple(run.sizes)}")
    states = np.array([run[name].values for name in PARAMETERS], dtype=np.float64)
    kept = np.flatnonzero(np.all(np.isfinite(states), axis=0))
    chosen = kept[moments(states[:, kept], count)]
    graphs = [graph(Neuron(*states[:, k]), problem) for k in chosen]
    figure, (above, below) = new_figure(2, (2, 1), (width, 1.15 * width), height_ratios=(2.0, 1.0))
    aim = target_graph(problem)
    dots = isinstance(problem.inputs, Sample) and problem.inputs.targets is not None
    above.plot(*aim, **(TARGET | {"linestyle": "none", "marker": "o", "markersize": 2.8} if dots else TARGET))
    (line,) = above.plot(*graphs[0], **STUDENT)
    low, high = span([aim[1], *(y for _, y in graphs)]) or (0.0, 1.0)
    margin = 0.08 * (high - low or 1.0)
    above.set_ylim(low - margin, high + margin)
    above.set_xlabel(r"input $x$")
    above.set_ylabel("output")
    along, losses = run[axis].values, run["loss"].values
    floor = loss_axis(below, [losses])
    below.plot(along, shown(losses, floor), color=GREY, linewidth=0.8)
    (point,) = below.plot(along[:1], shown(losses[:1], floor), marker="o", color=BLACK, linestyle="none")
    below.set_xlabel({"time": "time $t$", "step": "step"}[axis])
    below.set_ylabel("loss")
    title = above.set_title("-")

    def show(frame: int) -> tuple[Any, ...]:
        k = chosen[frame]
        line.set_data(*graphs[frame])
        point.set_data(along[k : k + 1], shown(losses[k : k + 1], floor))
        title.set_text(f"{axis} {float(along[k]):.4g}")
        return line, point, title

    return Movie(figure, show, len(chosen))
