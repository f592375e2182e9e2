"""Runs as figures take them: one, several or named, with the members of their batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.checks import is_mapping, shown
from gradflow.flow.status import DIVERGED as FLOW_DIVERGED
from gradflow.neuron.problem import PARAMETERS
from gradflow.study.figures.panels import Floats

MOST_LINES = 12
"""Runs that one figure tells apart, at most."""

Some = xr.Dataset | Sequence[xr.Dataset]
Runs = Some | Mapping[str, Some]
"""A run, several, or either under names."""


class One(NamedTuple):
    """One trajectory of a dataset, and its name."""

    name: str
    run: xr.Dataset


def named(runs: Runs) -> dict[str, list[xr.Dataset]]:
    """Return datasets by name."""
    some: Any = runs
    if isinstance(some, xr.Dataset):
        some = {"": some}
    elif not is_mapping(some):
        if isinstance(some, str) or not isinstance(some, Sequence):
            raise TypeError(f"runs: expected runs, got {shown(some)}")
        some = {str(k + 1): run for k, run in enumerate(some)}
    given = {
        str(name): [run] if isinstance(run, xr.Dataset) or not isinstance(run, (list, tuple)) else [*run]
        for name, run in some.items()
    }
    if not given or not all(given.values()):
        raise ValueError("runs: expected at least one")
    for several in given.values():
        for run in several:
            axis_of(run)
    return given


def each(runs: Runs) -> list[One]:
    """Return all trajectories with their names.

    Raises
    ------
    ValueError
        If there are more than can be told apart.
    """
    found = [one for name, several in named(runs).items() for one in members(name, *several)]
    if len(found) > MOST_LINES:
        raise ValueError(
            f"runs: expected at most {MOST_LINES} trajectories, got {len(found)}; choose with .isel"
        )
    return found


def members(name: str, *runs: xr.Dataset) -> list[One]:
    """Return the members of batches, named by the coordinates of what varies."""
    found = []
    for run in runs:
        dims = [str(dim) for dim in run["loss"].dims if dim != axis_of(run)]
        for index in np.ndindex(*(run.sizes[dim] for dim in dims)):
            place = dict(zip(dims, index, strict=True))
            own = [f"{name_of(d)} {_value(run, d, i)}" for d, i in place.items()]
            found.append(One(", ".join(part for part in (name, *own) if part), run.isel(place)))
    return found


def _value(run: xr.Dataset, dim: str, index: int) -> str:
    return f"{float(run[dim].values[index]):g}".replace("-", "−") if dim in run.coords else str(index)


def of_network(run: xr.Dataset) -> xr.Dataset:
    """Return a network's run as it is, a neuron's as that of a network of one."""
    if "neuron" in run.dims:
        return run
    own = ("w1", "b1", "w2", "breakpoint", "activity", "invariant_drift")
    return run.assign({name: run[name].expand_dims("neuron", axis=1) for name in own})


def axis_of(run: Any, argument: str = "runs") -> str:
    """Return a run's axis; a TypeError that names the argument if it is no run."""
    if isinstance(run, xr.Dataset) and "loss" in run:
        for name in ("time", "step"):
            if name in run["loss"].dims:
                return name
    raise TypeError(f"{argument}: expected what gradient_flow or train returned, got {shown(run)}")


def require_one_of_batch(variable: xr.DataArray, axis: str, what: str) -> None:
    """Raise a one-line ValueError that says how to choose if a run's variable has more than its axis."""
    others = [str(dim) for dim in variable.dims if dim != axis]
    if others:
        choice = ", ".join(f"{dim}=0" for dim in others)
        raise ValueError(
            f"run: expected {what}, got dimensions {variable.dims}; choose one, say .isel({choice})"
        )


def along_axis(run: xr.Dataset, axis: str) -> Floats:
    """Return where a run's records are on an axis of steps, or of time."""
    own = axis_of(run)
    places = np.asarray(run[own].values, dtype=np.float64)
    if own == axis:
        return places
    if own == "time":
        raise ValueError("against: a flow has no steps; write 'time'")
    told = json.loads(run.attrs.get("configuration", "{}"))
    if told.get("schedule") != "Constant(factor=1.0)":
        raise ValueError("against: the time of training is known for a constant rate only; write 'step'")
    rate = run.coords["lr"].values if "lr" in run.coords else told["optimizer"]["lr"]
    if np.ndim(rate):
        raise ValueError("against: the rate of a run is not known; choose with .sel(lr=…)")
    return places * float(rate)


def diverged(run: xr.Dataset) -> bool:
    """Return whether one trajectory left the range of its numbers."""
    flag = bool(run["diverged"].values) if "diverged" in run else False
    return flag or ("status" in run and int(run["status"].values) == FLOW_DIVERGED)


def records_until_diverged(losses: Floats) -> int:
    """Return how many records a run that diverged has until its last state, which the later ones repeat."""
    last = losses[-1]
    others = np.flatnonzero((losses != last) & ~(np.isnan(losses) & np.isnan(last)))
    return int(others[-1]) + 2 if others.size else 1


def name_of(axis: str) -> str:
    """Return what an axis is called in a figure."""
    plain = axis.removeprefix("start_")
    if plain in PARAMETERS:
        return f"initial ${plain[0]}_{plain[1]}$"
    return {"lr": r"$\eta$"}.get(axis, axis)
