"""Runs of networks on the line as labelled datasets, and what their attributes say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.tables import named
from gradflow.ends.labels import outcome_codes
from gradflow.networks.line.ends import REST, outcomes
from gradflow.networks.line.network import Network
from gradflow.networks.line.task import Task
from gradflow.networks.line.walls import Crossing, activities, preactivations
from gradflow.neuron.laws import Normal, Steps
from gradflow.neuron.losses import SQUARED
from gradflow.neuron.problem import Problem, Sample
from gradflow.neuron.records import activity_codes
from gradflow.runs.records import crossings_attribute

NAMES = {"w1": "input weight", "b1": "input bias", "w2": "output weight", "b2": "output bias"}


def described(network: Network) -> dict[str, Any]:
    """Return a network's parameters as plain data."""
    return {name: np.asarray(getattr(network, name)) for name in NAMES}


def described_problem(problem: Problem) -> dict[str, Any]:
    """Return target, law, activations and loss as plain data."""
    target, law = problem.target, problem.law
    if not problem.has_teacher and target is None:
        aim: Any = {"target": "the sample's"}
    elif target is None:
        aim = {"teacher": problem.teacher._asdict()}
    elif isinstance(target, Network):
        aim = {"teacher": described(target)}
    else:
        aim = {"target": {part.name: getattr(target, part.name) for part in fields(target)}}
    if isinstance(law, Steps):
        inputs: Any = {"law": {"x": law.x, "density": law.density}}
    elif isinstance(law, Normal):
        inputs = {"law": {"mean": law.mean, "std": law.std}}
    elif isinstance(problem.inputs, Sample):
        inputs = {"sample": {name: getattr(problem.inputs, name) for name in ("x", "weights", "targets")}}
    else:
        inputs = {"interval": [problem.lo, problem.hi]}
    activations = {name: str(getattr(problem, name)) for name in ("activation", "teacher_activation")}
    loss = {} if problem.loss == SQUARED else {"loss": str(problem.loss)}
    return {**aim, **inputs, **activations, **loss}


def variables(
    rows: np.ndarray,
    task: Task,
    moves: np.ndarray,
    axis: str,
    batch: Sequence[str] = (),
    diverged: np.ndarray | bool = False,
    last: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return parameters, breakpoints, activity and drift of records, and the outcome of the last one.

    Parameters
    ----------
    rows : array, shape (records, 3m + 1, *batch)
    task, moves
        What was learned, and which parameters move.
    axis : str
        The records' dimension.
    batch : sequence of str
        The batch's dimensions.
    diverged : array of bool, shape (*batch), optional
    last : array, shape (3m + 1, *batch), optional
        The last state, if it is not recorded.
    """
    m = rows.shape[1] // 3
    activity = activities(preactivations(np.moveaxis(rows, 1, 0), np.array([task.lo, task.hi])))
    end = np.asarray(rows[-1] if last is None else last, dtype=np.float64)
    # States in single precision rest as far as their rounding allows.
    rest = max(REST, 100.0 * float(np.finfo(rows.dtype).eps))
    ended = outcome_codes(outcomes(end, task, diverged, moves, rest), batch)
    parts = {name: rows[:, i * m : (i + 1) * m] for i, name in enumerate(("w1", "b1", "w2"))}
    dims = (axis, "neuron", *batch)
    found = {name: (dims, value, {"long_name": NAMES[name], "units": "1"}) for name, value in parts.items()}
    # In double precision, or a run in float32 would show the rounding of its own check.
    w1, b1, w2 = (part.astype(np.float64, copy=False) for part in parts.values())
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        where = np.where(w1 == 0.0, np.nan, -b1 / w1 + 0.0).astype(rows.dtype)
        q = w1 * w1 + b1 * b1 - w2 * w2
        drift = q - q[:1]
    return {
        **found,
        "b2": ((axis, *batch), rows[:, 3 * m], {"long_name": NAMES["b2"], "units": "1"}),
        "breakpoint": (dims, where, {"long_name": "breakpoint -b1/w1 (NaN where w1 = 0)", "units": "1"}),
        "activity": activity_codes(np.moveaxis(activity, 0, 1), dims),
        "invariant_drift": (
            dims,
            drift,
            {"long_name": "change of Q = w1^2 + b1^2 - w2^2 of every neuron", "units": "1"},
        ),
        "outcome": ended,
        "outcome_name": named(ended),
    }


def crossings_of(events: Sequence[Crossing], axis: str, batch: Sequence[str]) -> dict[str, str]:
    """Return the attribute that keeps a run's crossings."""
    columns: dict[str, list[object]] = {
        axis: [e.when for e in events],
        "neuron": [e.neuron for e in events],
        "event": [e.event for e in events],
        "wall": [e.wall for e in events],
        "x": [e.x for e in events],
    }
    for i, dim in enumerate(batch):
        columns[f"{dim}_index"] = [e.network[i] for e in events]
    return crossings_attribute(columns)


def neurons(m: int) -> dict[str, xr.Variable]:
    """Return the coordinate of the neurons."""
    return {"neuron": xr.Variable(("neuron",), np.arange(m, dtype=np.int32), {"long_name": "neuron"})}
