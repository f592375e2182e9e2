"""Runs of single neurons that their own code does not know.

They have a target or a law of their own, frozen parameters or minibatches, or a sample that a flow is on.
Their results are those of `gradflow.runs`: the same variables along the same axes. No theorem decides where
such a run ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, to_numpy
from gradflow.base.checks import dtype_name, require_finite
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named
from gradflow.descent.axes import by_position
from gradflow.descent.events import Crossing, Watch
from gradflow.descent.minibatches import Minibatches
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import OPTIMIZERS, check
from gradflow.descent.prepared import Descent, prepare, recorded, require_functions, spacing
from gradflow.descent.schedules import Schedule
from gradflow.descent.stepping import descend
from gradflow.ends.decision import SIMULATION, THEOREMS
from gradflow.ends.labels import outcome_codes
from gradflow.field.evaluate import evaluator
from gradflow.networks.limits import limit_of
from gradflow.networks.line import machine, walls
from gradflow.networks.line.ends import REST, outcomes
from gradflow.networks.line.evaluate import Evaluator
from gradflow.networks.line.fields import moving
from gradflow.networks.line.flow import dataset as dataset_of_flow
from gradflow.networks.line.flow import flown
from gradflow.networks.line.records import described_problem
from gradflow.networks.line.task import in_dtype, task_of
from gradflow.networks.line.training import minibatches
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Uniform, as_neuron, as_problem
from gradflow.neuron.records import describe_problem
from gradflow.runs.records import crossings, crossings_attribute, limit_variables, require_single
from gradflow.runs.training import MOST_RECORDED, dataset, described

ORDER = (
    *PARAMETERS, "breakpoint", "loss", "activity", "invariant_drift", "energy_residual", "outcome",
    "outcome_name",
)  # fmt: skip
"""Variables of a flow that are taken as they are, in the order of `gradflow.runs.gradient_flow`."""


def train(
    neuron: Neuron | Array,
    problem: Problem,
    optimizer: Config | None,
    steps: int,
    *,
    schedule: Schedule,
    record_every: int | None,
    dtype: Any,
    how: Minibatches | None,
    frozen: Sequence[str],
    progress: Callable[[int], object] | None,
) -> xr.Dataset:
    """Train neurons that `gradflow.runs.train` does not know (arguments as `networks.either.train`)."""
    dtype, moves = dtype_name("dtype", dtype), moving(frozen, 1)
    config = check(OPTIMIZERS["adam"](lr=0.01) if optimizer is None else optimizer)
    record_every = spacing(steps, record_every, MOST_RECORDED)
    steps, due = recorded(steps, record_every)
    require_functions(schedule, progress)
    start, problem = by_position(neuron, config), as_problem(problem, general=True)
    _require_one(problem)
    task = in_dtype(task_of(problem), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        plain = Problem() if problem.is_general else problem
        theta, plain, config = prepare(start.neuron, plain, start.optimizer, dtype)
        if not isinstance(theta, np.ndarray):
            raise TypeError(
                "start: frozen parameters, minibatches, targets, laws and losses take NumPy arrays"
            )
        keeps = (moves == 0.0).reshape(-1, *(1,) * (theta.ndim - 1))
        draw = None if how is None else minibatches(how, problem, task)

        def drawn(step: int) -> Evaluator:
            assert draw is not None
            some = draw(step)
            # In the precision of the parameters.
            return some._replace(gradient=lambda at: some.gradient(at).astype(at.dtype, copy=False))

        given: dict[str, Any] = {
            "keeps": keeps if np.any(keeps) else None,
            "drawn": None if draw is None else drawn,
            "progress": progress,
        }
        if problem.is_general:
            seen = walls.Watch(theta, task)
            path = machine.descend(theta, task, config, due, schedule, watch=seen, **given)
            events = [Crossing(int(c.when), c.network, c.event) for c in seen.crossings]
        else:
            watch = Watch(theta, plain)
            field = evaluator(plain, theta)
            path = descend(theta, field, config, due, schedule, observe=watch.observe, **given)
            events = watch.events
        run = Descent(
            path.final, np.asarray(due), np.stack(path.states), np.stack(path.losses), events, None,
            np.asarray(path.diverged),
        )  # fmt: skip
        configuration = {
            **(described_problem(problem) if problem.is_general else describe_problem(problem)),
            **described(run, start.optimizer),
            "schedule": repr(schedule),
            "steps": steps,
            "dtype": dtype,
            "record_every": record_every,
            "frozen": list(frozen),
            **({} if how is None else {"batch": how.size, "replacement": how.replacement}),
        }
        seed = None if how is None else how.seed
        provenance = attributes("Training with finite steps", "train", configuration, seed)
        rest = max(REST, 100.0 * float(np.finfo(theta.dtype).eps))
        ended = outcomes(to_numpy(path.final).astype(np.float64), task, run.diverged, moves, rest)
        return dataset(run, start, problem, provenance, ended, np.full(ended.shape, SIMULATION, np.int8))


def gradient_flow(
    neuron: Neuron | Array,
    problem: Problem,
    *,
    frozen: Sequence[str],
    **options: Any,
) -> xr.Dataset:
    """Follow one neuron that `gradflow.runs.gradient_flow` does not know (`networks.either`)."""
    start = Neuron(*map(np.asarray, as_neuron(neuron)))
    require_finite("neuron", *start)
    problem = as_problem(problem, general=True)
    require_single(start)
    _require_one(problem)
    flow = flown(start, problem, frozen=frozen, **options)
    run = dataset_of_flow(flow)
    limit = limit_of(flow, problem)
    found = crossings(run)
    given = json.loads(run.attrs["configuration"])
    del given["network"], given["command"]
    given["neuron"] = {name: float(value) for name, value in zip(PARAMETERS, start, strict=True)}
    theorem = codes(SIMULATION, THEOREMS, (), "theorem that decided the outcome")
    one = run.isel(neuron=0, drop=True)
    if np.all(np.isfinite(limit)):
        ended = outcome_codes(outcomes(limit, flow.task, False, flow.moves, np.inf), ())
        one = one.assign(outcome=ended, outcome_name=named(ended))
    kept = "conserved" if problem.is_bent and not frozen else "not conserved"
    one["invariant_drift"].attrs["long_name"] = f"Q(t) - Q(0), Q = w1^2 + b1^2 - w2^2, {kept}"
    return xr.Dataset(
        {
            **{name: one[name] for name in ORDER},
            "decided_by": theorem,
            "decided_by_name": named(theorem, THEOREMS),
            "decided_at": ((), np.nan, {"long_name": "time by which it did", "units": "1"}),
            "status": one["status"],
            "status_name": one["status_name"],
            **limit_variables(limit),
        },
        attrs={
            **attributes("Gradient flow of one neuron", "flow", given),
            **crossings_attribute({name: found[name].values.tolist() for name in ("time", "event", "wall")}),
        },
    )


def _require_one(problem: Problem) -> None:
    """Raise a one-line ValueError if there are several teachers or intervals."""
    ends = (problem.lo, problem.hi) if isinstance(problem.inputs, Uniform) else ()
    teacher = () if problem.target is not None else problem.teacher
    for name, values in (("teacher", teacher), ("interval", ends)):
        if any(np.ndim(value) for value in values):
            raise ValueError(
                f"{name}: expected one where parameters are frozen, inputs drawn, a flow is on a sample, or "
                "law or loss are another, got an array of them"
            )
