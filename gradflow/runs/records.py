"""Crossings and end points, as they stand in a run's dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from gradflow.base.checks import shown
from gradflow.base.files import plain
from gradflow.neuron.problem import PARAMETERS, Neuron

CROSSINGS = "crossings"
"""The attribute that keeps a run's crossings."""


_EMPTY = {"event": np.str_, "wall": np.str_, "step": np.int64}


def require_single(neuron: Neuron) -> None:
    """Raise a one-line ValueError that says what to do for an array of neurons."""
    if any(np.ndim(value) for value in neuron):
        raise ValueError(
            "neuron: gradient_flow follows one neuron, got an array of them: "
            "gradflow.flow.ensemble.integrate_ensemble follows many to their ends, "
            "and as networks of one neuron (w1 of shape (1, n)) they are recorded"
        )


def limit_variables(point: np.ndarray) -> dict[str, xr.Variable]:
    """Return where a trajectory ends as four scalars, which do not multiply the rows of a table."""
    return {
        f"limit_{name}": xr.Variable(
            (), float(value), {"long_name": f"{name} at the end point", "units": "1"}
        )
        for name, value in zip(PARAMETERS, point, strict=True)
    }


def limit(run: xr.Dataset) -> np.ndarray:
    """Return the point that a flow's trajectory has converged to, shape (4,); NaN if it has not."""
    return np.array([float(run[f"limit_{name}"]) for name in PARAMETERS])


def crossings_attribute(columns: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """Return the attribute that keeps a run's crossings, a column a list.

    Crossings are no function of a run's axes: as variables with an axis of their own they would multiply
    the rows of its table, and without a crossing leave none.
    """
    return {CROSSINGS: json.dumps({name: list(column) for name, column in columns.items()}, default=plain)}


def crossings(run: xr.Dataset) -> xr.Dataset:
    """Return the crossings of a run: what happened to which trajectory, and when.

    Parameters
    ----------
    run : Dataset
        What `gradient_flow` or `train` returned, or its file. A part of it gives the whole run's crossings.

    Returns
    -------
    Dataset
        Along `crossing`, in order: `event` ("balanced -> dead", "passes teacher", …). For a flow `time` and
        `wall` (lo, teacher or hi). For a descent `step`, the number of updates after which it had happened,
        and for a batch the place of the trajectory: `<dimension>_index`, and the dimension's coordinate if
        it has one.

    Raises
    ------
    ValueError
        If `run` is no such dataset.

    Examples
    --------
    >>> gf.crossings(gf.gradient_flow(gf.Neuron(b2=-2.0), t_end=20.0)).event.values.tolist()
    ['balanced -> hyperactive']
    """
    if not isinstance(run, xr.Dataset):
        raise TypeError(f"run: expected what gradient_flow or train returned, got {shown(run)}")
    if CROSSINGS not in run.attrs:
        raise ValueError("run: expected what gradient_flow or train returned, got one without crossings")
    columns = {
        name: np.array(column, dtype=None if column else _EMPTY.get(name, np.float64))
        for name, column in json.loads(run.attrs[CROSSINGS]).items()
    }
    return xr.Dataset({name: ("crossing", column) for name, column in columns.items()})
