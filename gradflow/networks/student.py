"""The student of a run: a neuron or a network, as it was at one of the records."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.checks import integer, shown
from gradflow.networks.line.network import Network
from gradflow.neuron.problem import PARAMETERS, Neuron


def student(run: xr.Dataset, at: int = -1) -> Neuron | Network:
    """Return the student of a run at a record: a function of x, with the activation as second argument.

    Parameters
    ----------
    run : Dataset
        What `gradient_flow` or `train` returned; of a batch all students come in one, with its axes.
    at : int
        Which record: 0 is the start, -1 the end.

    Raises
    ------
    ValueError, TypeError
        If it is no run, or has no such record.

    Examples
    --------
    >>> import gradflow as gf
    >>> run = gf.train(gf.Neuron(b2=-1.2), gf.Problem(), gf.GD(0.1), 1000)
    >>> float(gf.student(run)(0.3).round(3))
    0.3
    """
    axis = next((name for name in ("time", "step") if name in getattr(run, "dims", ())), "")
    if not isinstance(run, xr.Dataset) or not axis or not set(PARAMETERS) <= set(run.data_vars):
        raise TypeError(f"run: expected what gradient_flow or train returned, got {shown(run)}")
    size = run.sizes[axis]
    place = integer("at", at, -size)
    if place >= size:
        raise ValueError(f"at: expected one of {size} records, got {at}")
    last = run.isel({axis: place})
    parts: list[Any] = []
    for name in PARAMETERS:
        dims = [dim for dim in last[name].dims if dim == "neuron"]
        values = last[name].transpose(*dims, ...).values
        parts.append(float(values) if np.ndim(values) == 0 else values)
    return Network(*parts) if "neuron" in run.dims else Neuron(*parts)
