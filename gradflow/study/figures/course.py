"""The course of one network: its plane if the inputs have two coordinates, cosines, norms, loss and rank."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as AnyFigure

from gradflow.study.figures.curves import ABOVE, Curve, Curves, Strands
from gradflow.study.figures.figure import Places
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.plane import PlaneView, radii
from gradflow.study.figures.style import BLUE, VERMILLION, Look

_SIDES = (
    (1.0, "$v > 0$", Look(VERMILLION, "-", 1.6), VERMILLION),
    (-1.0, "$v < 0$", Look(BLUE, "--", 1.6), BLUE),
)


def course(run: xr.Dataset, inputs: np.ndarray, labels: np.ndarray, *, ax: Places | None = None) -> AnyFigure:
    """Draw one network's alignment, growth and fit.

    Parameters
    ----------
    run : xarray.Dataset
        Along step or time: what `gradflow.networks.two_layer.record.measure` returns, for one network; with
        `weights` (…, neuron, 2), planes are drawn at the start and at the end. Colours tell the signs of v at
        the end.
    inputs, labels : array, shapes (n, D) and (n,)
        The data.
    ax : sequence of Axes, optional
        Two for the planes, if they are drawn, and four, to draw into in the place of a new figure.

    Raises
    ------
    ValueError
        If the run has no step or time axis, or fewer than two records.
    """
    axis = next((name for name in ("step", "time") if name in run.dims), None)
    if axis is None or run.sizes[axis] < 2:
        raise ValueError("run: expected at least two records along step or time")
    along = run[axis].values.astype(float)
    logs = run["log_norm"].values
    signs = run["output_sign"].values[-1]
    norms = np.exp(np.maximum(logs, -690.0))
    cosines = np.where(signs > 0.0, run["cos_positive"].values, run["cos_negative"].values)
    panels = [
        _panel(axis, "cosine with $x_+$ or $x_-$", along, cosines, signs, ""),
        _panel(axis, r"$\ln\|w_j\|$", along, logs, signs, ""),
        *(
            Curves(
                [Curve("", along, run[name].values, marked=False)],
                axis,
                shown,
                log=_log(run[name].values),
                legend=None,
                shares=False,
            )
            for name, shown in (("loss", "loss"), ("stable_rank", "stable rank"))
        ),
    ]
    if inputs.shape[1] == 2 and "weights" in run:
        planes = _planes(run, inputs, labels, signs, norms, axis)
        return sheet([*planes, *panels], height=(3.2, 2.1, 2.1), ax=ax)
    return sheet(panels, height=2.1, ax=ax)


def _log(values: np.ndarray) -> str:
    """Return whether values are better on a logarithmic axis."""
    known = values[np.isfinite(values) & (values > 0.0)]
    return "y" if known.size and np.max(known) > 20.0 * np.min(known) else ""


def _panel(
    axis: str, name: str, along: np.ndarray, values: np.ndarray, signs: np.ndarray, log: str
) -> Curves:
    """Return medians and single neurons of either sign."""
    curves, strands = [], []
    for sign, label, look, color in _SIDES:
        own = values[:, signs * sign > 0.0]
        defined = own[:, np.all(np.isfinite(own), axis=0)]
        if defined.size:
            curves.append(Curve(label, along, np.median(defined, axis=1), marked=False, look=look))
            strands.append(Strands(along, defined, color))
    if not curves:
        curves.append(Curve("", along, np.full(along.size, math.nan), marked=False))
    # Cosines end at ±1 and norms anywhere: no corner of the axes is free in every run.
    return Curves(curves, axis, name, log=log, shares=False, strands=strands, legend=ABOVE, legend_columns=2)


def _planes(
    run: xr.Dataset, inputs: np.ndarray, labels: np.ndarray, signs: np.ndarray, norms: np.ndarray, axis: str
) -> list[PlaneView]:
    """Return the planes at the start and at the end."""
    weights = run["weights"].values
    size = np.linalg.norm(weights, axis=-1, keepdims=True)
    directions = weights / np.where(size > 0.0, size, 1.0)
    low, high = float(np.min(norms[norms > 0.0], initial=1.0)), float(np.max(norms))
    where = radii(np.log(np.maximum(norms, 1e-300)), min(low, 0.5 * high) / 10.0, high)
    views = []
    for k in (0, run.sizes[axis] - 1):
        title = f"{axis} {float(run[axis].values[k]):.4g}"
        views.append(PlaneView(inputs, labels, directions[: k + 1], where[: k + 1], signs, title))
    return views
