"""Training as a labelled result: what `train` computes, with axes and provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, to_numpy
from gradflow.base.checks import dtype_name, integer
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named
from gradflow.descent.axes import UnlabelledBatch, axes, by_position
from gradflow.descent.events import Crossing
from gradflow.descent.loop import train_arrays
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import OPTIMIZERS, check
from gradflow.descent.prepared import Descent, spacing
from gradflow.descent.schedules import Schedule, constant
from gradflow.ends.decision import THEOREMS
from gradflow.ends.follow import settled_outcomes
from gradflow.ends.labels import outcome_codes
from gradflow.ends.wells import has_wells
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, as_problem
from gradflow.neuron.records import DIVERGED, activity_codes, balancedness, describe_problem, state_variables
from gradflow.runs.records import crossings_attribute

MOST_RECORDED = 10_000

TAKEN = frozenset(
    {*PARAMETERS, "breakpoint", "loss", "activity", "invariant_drift", "outcome", "outcome_name", "diverged"}
    | {"decided_by", "decided_by_name", "step", "event"}
)
"""Names that an axis of a batch cannot have."""


def train(
    neuron: Neuron | Array = Neuron(),
    problem: Problem = Problem(),
    optimizer: Config | None = None,
    steps: int = 5000,
    *,
    schedule: Schedule = constant,
    record_every: int | None = None,
    dtype: Any = "float64",
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Train neurons with finite steps and return the recorded states as a dataset.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The starts; they broadcast with teacher, interval and hyper-parameters to the batch. DataArrays,
        here and as hyper-parameters, broadcast by the names of their dimensions.
    problem : Problem
        `Uniform` inputs take the population's gradient, a `Sample` its own.
    optimizer : config, optional
        Such as ``Adam(lr=0.01)``, which is the default.
    steps : int
        Number of updates.
    schedule : function of the step, optional
        The learning rate's factor (`gradflow.descent.schedules`).
    record_every : int, optional
        By default every step, or as many apart as keeps the records at 10 001 or fewer.
    dtype : {'float64', 'float32'} or dtype
        Everything is computed in it.
    progress : callable, optional
        Called with the number of updates done, about 100 times.

    Returns
    -------
    xarray.Dataset
        Along `step` (the state after so many updates) and the axes of the batch: w1, b1, w2, b2,
        breakpoint, loss, activity, invariant_drift (of Q = w1² + b1² − w2²; finite steps do not conserve
        it). Over the batch: outcome, outcome_name, diverged; decided_by, the theorem that says that the
        outcome lasts however long training goes on at this rate (by name in decided_by_name; "simulation":
        none does; under Adam and RMSProp "dead" says that the neuron stays dead, while b2 may for some steps
        be farther from the best constant than "constant" allows). Its crossings:
        `gradflow.runs.records.crossings`.

        What varies over the batch is a coordinate of the axes it varies along: the start's parameters as
        start_w1, …, the hyper-parameters under their names, and teacher_w1, …, interval_lo, interval_hi.
        An axis is named by what alone varies along it, or by the DataArrays' dimension (start_w1 for one
        called w1), and batch_0, … otherwise.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.
    """
    dtype = dtype_name("dtype", dtype)
    if optimizer is None:
        optimizer = OPTIMIZERS["adam"](lr=0.01)
    steps = integer("steps", steps, 0)
    record_every = spacing(steps, record_every, MOST_RECORDED)
    start = by_position(neuron, check(optimizer))
    run = train_arrays(
        start.neuron, problem, start.optimizer, steps,
        schedule=schedule, record_every=record_every, last=has_wells(as_problem(problem)), state=True,
        dtype=dtype, progress=progress,
    )  # fmt: skip
    configuration = {
        **describe_problem(problem),
        **described(run, start.optimizer),
        "schedule": repr(schedule),
        "steps": steps,
        "dtype": dtype,
        "record_every": record_every,
    }
    provenance = attributes("Training with finite steps", "train", configuration)
    # A trajectory that left the range of its numbers is a result; its loss may be infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        found = settled_outcomes(run, problem, start.optimizer if schedule == constant else None)
        return dataset(run, start, problem, provenance, found.outcome, to_numpy(found.theorem))


def described(run: Descent, optimizer: Config) -> dict[str, Any]:
    """Return who was trained, and how, as plain data."""
    name = next((name for name, config in OPTIMIZERS.items() if isinstance(optimizer, config)), "custom")
    return {
        "optimizer": {"name": name, **optimizer._asdict()},
        "neuron": {name: run.theta[0, i, ...] for i, name in enumerate(PARAMETERS)},
    }


def dataset(
    run: Descent,
    start: UnlabelledBatch,
    problem: Problem,
    provenance: dict[str, str],
    outcome: Array,
    decided_by: np.ndarray,
) -> xr.Dataset:
    """Return a run as `train` does.

    Parameters
    ----------
    run : Descent
    start : UnlabelledBatch
        The starts and the optimiser, with their labels.
    problem : Problem
    provenance : dict
        From `gradflow.base.provenance.attributes`.
    outcome : array
        Outcome codes, of the batch's shape.
    decided_by : array
        Which theorems decided them: codes of `gradflow.ends.decision.THEOREMS`.
    """
    theta = np.moveaxis(to_numpy(run.theta), 1, 0)
    # In double precision, or a float32 run would show the rounding of its own check.
    q = balancedness(theta.astype(np.float64))
    batch, coords = axes(theta.shape[2:], start, problem, TAKEN)
    dims = ("step", *batch)
    ended = outcome_codes(outcome, batch)
    theorem = codes(decided_by, THEOREMS, batch, "theorem that decided the outcome")
    return xr.Dataset(
        {
            **state_variables(theta, dims),
            "loss": (dims, to_numpy(run.loss), {"long_name": "loss", "units": "1"}),
            "activity": activity_codes(activity(theta, problem), dims),
            "invariant_drift": (
                dims,
                q - q[:1],
                {"long_name": "change of Q = w1^2 + b1^2 - w2^2", "units": "1"},
            ),
            "outcome": ended,
            "outcome_name": named(ended),
            "decided_by": theorem,
            "decided_by_name": named(theorem, THEOREMS),
            "diverged": (batch, to_numpy(run.diverged).astype(np.int8), {"long_name": DIVERGED}),
        },
        coords={
            "step": ("step", to_numpy(run.steps).astype(np.int32), {"long_name": "updates done"}),
            **coords,
        },
        attrs={
            **provenance,
            **crossings_attribute(_columns(run.events, batch, coords)),
        },
    )


def _columns(
    events: Sequence[Crossing], batch: Sequence[str], coords: Mapping[str, xr.Variable]
) -> dict[str, list[object]]:
    """Return what happened, when, and to which trajectory."""
    columns: dict[str, list[object]] = {"step": [e.step for e in events], "event": [e.event for e in events]}
    for axis, dim in enumerate(batch):
        columns[f"{dim}_index"] = [e.index[axis] for e in events]
        if dim in coords:
            labels = coords[dim].values.tolist()
            columns[dim] = [labels[e.index[axis]] for e in events]
    return columns
