"""The picture at print size, drawn by Matplotlib like every figure of the package."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gradflow.explore.frames import LOWEST, Picture, near, picture
from gradflow.explore.state import State
from gradflow.explore.tasks import label
from gradflow.study.figures.frames import Frame, sheet
from gradflow.study.figures.panels import Level, Panel, Series
from gradflow.study.figures.save import save

LOOKS = ("flow", "gd", "adam")
"""Looks of the three runs: the third is the chosen optimiser's, whichever it is."""

AXIS = r"$\eta\cdot$step"


def drawn(found: Picture) -> Figure:
    """Return a picture as a figure of two columns' width: the plane, the function, the loss, a parameter."""
    state = found.state
    across, up = state.axes
    place = [round(state.at * (run.t.size - 1)) for run in found.runs]
    named = list(zip(found.runs, LOOKS, strict=True))
    plane = [Series(label(r.name), r.parameter(across)[0], r.parameter(up)[0], look) for r, look in named]
    students = [
        Series(label(r.name), frame.x[k], frame.y[k], look)
        for (r, look), frame, k in zip(named, found.frames, place, strict=True)
    ]
    losses = [Series(label(r.name), r.t, np.maximum(r.loss, LOWEST), look) for r, look in named]
    shown = [
        Series(label(r.name) if j == 0 else "", r.t, values, look)
        for r, look in named
        for j, values in enumerate(near(state, r))
    ]
    levels = [Level(name, value, below=name == "best line") for name, value in found.levels.items()]
    target = Series("target", *found.target, "dots")
    frames = [
        Frame(Panel(plane, title="trajectories"), _tex(across), _tex(up)),
        Frame(Panel([target, *students], title="target and student"), "input $x$", "output"),
        Frame(Panel(losses, title="loss", levels=levels, legend=None), AXIS, "loss", yscale="log"),
        Frame(Panel(shown, title=state.shown, legend=None), AXIS, _tex(state.shown)),
    ]
    return sheet(frames)


def _tex(name: str) -> str:
    return "breakpoint $-b_1/w_1$" if name == "breakpoint" else f"${name[0]}_{name[1]}$"


def figure_bytes(state: State, kind: str) -> bytes:
    """Return a state's figure as the bytes of a file: "pdf", "svg" or "png"."""
    with tempfile.TemporaryDirectory() as folder:
        return save(drawn(picture(state)), Path(folder) / "figure", kind)[0].read_bytes()
