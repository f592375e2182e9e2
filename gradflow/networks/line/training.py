"""Training of networks on the line: every optimiser, on the population loss or on a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, is_array
from gradflow.base.checks import batch_shape, dtype_name, integer, numbers, require_finite
from gradflow.base.provenance import attributes, config_as_dict
from gradflow.descent.minibatches import Minibatches, asked, of_law, of_sample
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import OPTIMIZERS, check
from gradflow.descent.prepared import recorded, require_functions, spacing
from gradflow.descent.schedules import Schedule, constant
from gradflow.networks.line import machine
from gradflow.networks.line.evaluate import Evaluator, on_points
from gradflow.networks.line.fields import moving
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.records import crossings_of, described, described_problem, neurons, variables
from gradflow.networks.line.task import Task, in_dtype, task_of
from gradflow.networks.line.walls import Crossing, Watch
from gradflow.neuron.problem import Neuron, Problem
from gradflow.neuron.records import DIVERGED

MOST_RECORDED = 1_000


class Trained(NamedTuple):
    """The recorded steps, states and losses, the crossings, and which networks left their numbers' range."""

    steps: list[int]
    states: list[np.ndarray]
    losses: list[np.ndarray]
    crossings: list[Crossing]
    diverged: np.ndarray


def train(
    network: Network | Neuron | Array,
    problem: Problem = Problem(),
    optimizer: Config | None = None,
    steps: int = 5000,
    *,
    schedule: Schedule = constant,
    record_every: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    replacement: bool = False,
    frozen: Sequence[str] = (),
    dtype: Any = "float64",
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Train networks with finite steps.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1, *batch)
        The starts; hyper-parameters that are arrays broadcast with the batch. A neuron is a network of one
        here.
    problem : Problem
        One target, one law or sample, any activation and (on a sample) loss.
    optimizer : config, optional
        Such as ``Adam(lr=0.01)``, which is the default.
    steps : int
        Number of updates.
    schedule : function of the step, optional
        The learning rate's factor (`gradflow.descent.schedules`).
    record_every : int, optional
        By default every step, or as many apart as keeps the records at 1001 or fewer.
    batch : int, optional
        Every update takes the gradient on so many inputs only, the same for all networks: of the sample, or
        drawn afresh from the law. The losses recorded are of all inputs.
    seed : int
        Of the generator that draws them.
    replacement : bool
        Whether they are drawn from the sample by their weights; if not, every epoch is a permutation.
    frozen : sequence of {'w1', 'b1', 'w2', 'b2'}
        Parameters that stay as they are.
    dtype : {'float64', 'float32'} or dtype
        Everything is computed in it.
    progress : callable, optional
        Called with the number of updates done, about 100 times.

    Returns
    -------
    xarray.Dataset
        Along `step` (the state after so many updates), `neuron` and batch_0, …: w1, b1, w2, breakpoint,
        activity, invariant_drift; b2 and loss without `neuron`. Over the batch: outcome (no theorem settles
        it: `networks.line.ends`), outcome_name, diverged. Its crossings: `gradflow.runs.crossings`, with the
        neuron; they are looked for after every step.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Notes
    -----
    A network has diverged where a neuron would have (`gradflow.descent.train_arrays`), and stays at its last
    good state.
    """
    config: Any = check(OPTIMIZERS["adam"](lr=0.01) if optimizer is None else optimizer)
    dtype = dtype_name("dtype", dtype)
    student, task = as_network(network), in_dtype(task_of(problem), dtype)
    steps, how = integer("steps", steps, 0), asked(batch, seed, replacement)
    record_every = spacing(steps, record_every, MOST_RECORDED)
    steps, due = recorded(steps, record_every)
    require_functions(schedule, progress)
    hyper = {
        name: numbers(name, value).astype(np.float64)
        for name, value in config._asdict().items()
        if is_array(value) or isinstance(value, (list, tuple))
    }
    config = config._replace(**hyper)
    several = batch_shape(
        "networks and hyper-parameters", [student.batch, *(v.shape for v in hyper.values())]
    )
    shape = (3 * student.m + 1, *several)
    spread = student.rows.reshape(shape[0], *(1,) * (len(several) - len(student.batch)), *student.batch)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.broadcast_to(spread, shape).astype(dtype)
        require_finite(f"network in {dtype}", rows)
        moves = moving(frozen, student.m)
        drawn = None if how is None else minibatches(how, problem, task)
        run = descend(rows, task, config, due, schedule, moves, progress, drawn)
        settings = {
            **described_problem(problem),
            "network": described(student),
            "optimizer": config_as_dict(config),
            "schedule": repr(schedule),
            "steps": steps,
            "dtype": dtype,
            "record_every": record_every,
            "frozen": list(frozen),
            **({} if how is None else {"batch": how.size, "replacement": how.replacement}),
        }
        provenance = attributes(
            "Training of networks on the line", "train", settings, None if how is None else how.seed
        )
        return _dataset(run, task, moves, provenance)


def minibatches(how: Minibatches, problem: Problem, task: Task) -> Callable[[int], Evaluator]:
    """Return the field of the minibatch of an update."""
    if task.sample is not None:
        draw = of_sample(how, task.sample)
    else:
        law: Any = problem.law if problem.law is not None else problem.inputs
        draw = of_law(how, law.draw, task.aim)
    return lambda step: on_points(task, draw(step))


def descend(
    rows: np.ndarray,
    task: Task,
    config: Config,
    due: list[int],
    schedule: Schedule,
    moves: np.ndarray,
    progress: Callable[[int], object] | None = None,
    drawn: Callable[[int], Evaluator] | None = None,
) -> Trained:
    """Take the steps (arguments as `train`, which checks them); the last of `due` is the last step."""
    keeps = moves.reshape(-1, *(1,) * (rows.ndim - 1)) == 0.0
    watch = Watch(rows, task)
    path = machine.descend(
        rows,
        task,
        config,
        due,
        schedule,
        keeps=keeps if np.any(keeps) else None,
        drawn=drawn,
        watch=watch,
        progress=progress,
    )
    return Trained(due, path.states, path.losses, watch.crossings, np.asarray(path.diverged))


def _dataset(run: Trained, task: Task, moves: np.ndarray, provenance: dict[str, str]) -> xr.Dataset:
    rows = np.array(run.states)
    batch = tuple(f"batch_{i}" for i in range(rows.ndim - 2))
    return xr.Dataset(
        {
            **variables(rows, task, moves, "step", batch, run.diverged),
            "loss": (("step", *batch), np.array(run.losses), {"long_name": "loss", "units": "1"}),
            "diverged": (batch, run.diverged.astype(np.int8), {"long_name": DIVERGED}),
        },
        coords={
            "step": ("step", np.array(run.steps, dtype=np.int32), {"long_name": "updates done"}),
            **neurons(rows.shape[1] // 3),
        },
        attrs={**provenance, **crossings_of(run.crossings, "step", batch)},
    )
