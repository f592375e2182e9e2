"""The gradient flow of networks on the line, with located crossings, as a dataset.

What is asked for is checked here. Of one network `integration.follow` integrates; the field is that of
`continuous_flow` or, where it jumps as a breakpoint meets an input, of `sampled_flow`. Of an array of them
`ensemble` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array
from gradflow.base.checks import function, integer, moments, number
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named
from gradflow.flow.status import DIVERGED, STATUSES
from gradflow.networks.line.ensemble import ensemble_run
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.fields import PARTS, field_of, moving
from gradflow.networks.line.integration import Integration, follow
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.records import crossings_of, described, described_problem, neurons, variables
from gradflow.networks.line.task import Task, task_of
from gradflow.networks.line.walls import Crossing
from gradflow.neuron.problem import Neuron, Problem

RECORDED = 101
"""So many states of an array of networks are recorded by default."""


def gradient_flow(
    network: Network | Neuron | Array,
    problem: Problem = Problem(),
    *,
    t_end: float = 200.0,
    rtol: float = 1e-10,
    times: Array | None = None,
    frozen: Sequence[str] = (),
    max_steps: int = 100_000,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Integrate dθ/dt = −∇L of networks, on the population or on a sample.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1, *batch)
        The starts. A neuron is a network of one here.
    problem : Problem
        One target, one law or sample; any loss but the absolute one.
    t_end : float
        Final time ≥ 0, in units in which one GD step of rate η takes η.
    rtol : float
        Relative tolerance of a step, between 1e-13 and 1e-2.
    times : array, shape (n,), optional
        Record at these increasing times in [0, t_end]; default: at every step and crossing, of an array of
        networks at 101 times equally far apart.
    frozen : sequence of {'w1', 'b1', 'w2', 'b2'}
        Parameters that stay as they are.
    max_steps : int
        Give up a network after so many steps (`status` says so).
    progress : callable, optional
        Called with the time reached after every step, of an array with its mean as networks end.

    Returns
    -------
    xarray.Dataset
        Along `time` and `neuron`: w1, b1, w2, breakpoint, activity, invariant_drift (of every neuron's
        Q = w1² + b1² − w2², which the flow conserves unless something is frozen); along `time`: b2, loss,
        energy_residual (L(t) − L(0) + ∫|∇L|² dt, exactly 0). Scalars: outcome of the last state
        (`networks.line.ends`; no theorem settles it), outcome_name, status, status_name. Its crossings:
        `gradflow.runs.crossings`, with the neuron.

        Of an array all have the dimensions batch_0, … besides, and `reached` is the time that each network
        has come to: there is nothing of it after that (NaN; activity −1), unless it "converged": then it
        does not move at all, and stays where it is. Crossings have batch_0_index, ….

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; one line that names it.

    Examples
    --------
    >>> import gradflow as gf
    >>> pair = gf.Network([1.0, -1.0], [0.1, 0.2], [0.5, 0.5])
    >>> str(gradient_flow(pair, gf.Problem(target="abs"), t_end=50.0).outcome_name.values)
    'global'

    Notes
    -----
    The solver is DOP853, and after 2000 steps the implicit Radau with the exact Hessian: where the loss falls
    slowly, explicit steps are kept short by what has long decayed.

    On a sample the field of a piecewise linear network jumps where a breakpoint meets an input. Either it
    passes ("passes input"), or the field on both sides drives it back: it "stops at input", and stays there
    as Filippov's solution does until it "leaves input" (`gradflow.networks.line.sampled_flow`).

    A ReLU neuron whose breakpoint approaches the end at which it is active fades: its pre-activation there
    decays exponentially. Below the rounding of w1 and b1 it is dead in its `activity`, without a crossing.
    """
    return dataset(
        flown(
            network,
            problem,
            t_end=t_end,
            rtol=rtol,
            times=times,
            frozen=frozen,
            max_steps=max_steps,
            progress=progress,
        )
    )


class Flown(NamedTuple):
    """A flow that has been integrated, of one network or of an array.

    Attributes
    ----------
    times : array, shape (K,)
    states : array, shape (K, 3m + 2, *batch)
        Parameters and ∫|∇L|² dt.
    last : array, shape (3m + 2, *batch)
        The last ones, which may not be recorded.
    reached, status : array, shape (*batch)
        The time of the last ones, and how the integration ended.
    crossings : list of Crossing
    student, task, moves, settings
        Who started, what it learned, which parameters moved, and the arguments as plain data.
    """

    times: np.ndarray
    states: np.ndarray
    last: np.ndarray
    reached: np.ndarray
    status: np.ndarray
    crossings: list[Crossing]
    student: Network
    task: Task
    moves: np.ndarray
    settings: dict[str, Any]


def flown(
    network: Network | Neuron | Array,
    problem: Problem,
    *,
    t_end: float = 200.0,
    rtol: float = 1e-10,
    times: Array | None = None,
    frozen: Sequence[str] = (),
    max_steps: int = 100_000,
    progress: Callable[[float], None] | None = None,
) -> Flown:
    """Check what is asked for and integrate it (arguments as `gradient_flow`)."""
    student = as_network(network)
    task = task_of(problem)
    if task.loss.has_corners:
        raise ValueError(f"loss: the flow takes one whose slope does not jump, got {task.loss}")
    t_end, rtol = number("t_end", t_end, 0.0), number("rtol", rtol, 1e-13, 1e-2)
    max_steps = integer("max_steps", max_steps, 1)
    if progress is not None:
        function("progress", progress, "the time reached")
    asked, moves = moments(times, t_end), moving(frozen, student.m)
    settings = {
        **described_problem(problem),
        "network": described(student),
        "t_end": t_end,
        "rtol": rtol,
        "times": asked,
        "frozen": list(frozen),
        "max_steps": max_steps,
    }
    about = (student, task, moves, settings)
    if not student.batch:
        flow = Integration(student.rows, t_end, rtol, asked, progress)
        run = follow(field_of(student.rows, task, moves), flow, max_steps)
        states, times, t = np.array(run.states), np.array(run.times), np.array(flow.t)
        return Flown(times, states, run.last, t, np.array(run.status), run.crossings, *about)
    if asked is None:
        asked = np.linspace(0.0, t_end, RECORDED) if t_end > 0.0 else np.zeros(1)
    n = max(1, math.prod(student.batch))

    def report(done: int) -> None:
        if progress is not None:
            progress(t_end * done / n)

    several = ensemble_run(
        student, problem, t_end, times=asked, rtol=rtol, frozen=frozen, max_steps=max_steps, progress=report
    )
    ends = several.ends
    last = np.concatenate((ends.final, ends.descended[None]))
    return Flown(asked, several.states, last, ends.t, ends.status, several.crossings, *about)


@np.errstate(over="ignore", invalid="ignore")
def dataset(flow: Flown) -> xr.Dataset:
    """Return a flow as `gradient_flow` does."""
    student, task, moves = flow.student, flow.task, flow.moves
    batch = tuple(f"batch_{i}" for i in range(len(student.batch)))
    rows, dims = flow.states[:, :-1], ("time", *batch)
    field, columns = evaluator(task, rows.size // 3), np.ascontiguousarray(np.moveaxis(rows, 1, 0))
    finite = np.all(np.isfinite(columns), axis=0)
    value = np.where(finite, field.loss(np.where(finite, columns, 0.0)), np.nan)
    status = codes(flow.status, STATUSES, batch, "how the integration ended")
    found = variables(rows, task, moves, "time", batch, flow.status == DIVERGED, flow.last[:-1])
    found["activity"] = found["activity"].copy(data=np.where(finite[:, None], found["activity"].values, -1))
    q = student.w1 * student.w1 + student.b1 * student.b1 - student.w2 * student.w2
    w1, b1, w2 = (found[name][1] for name in PARTS[:3])
    drift = found["invariant_drift"]
    found["invariant_drift"] = (drift[0], w1 * w1 + b1 * b1 - w2 * w2 - q, drift[2])
    whose = "networks" if batch else "a network"
    reached = {"reached": (batch, flow.reached, {"long_name": "time that it has come to", "units": "1"})}
    return xr.Dataset(
        {
            **found,
            "loss": (dims, value, {"long_name": "population loss", "units": "1"}),
            "energy_residual": (
                dims,
                value - field.loss(student.rows) + flow.states[:, -1],
                {"long_name": "L(t) - L(0) + integral of |grad L|^2", "units": "1"},
            ),
            "status": status,
            "status_name": named(status, STATUSES),
            **(reached if batch else {}),
        },
        coords={"time": ("time", flow.times, {"long_name": "time", "units": "1"}), **neurons(student.m)},
        attrs={
            **attributes(f"Gradient flow of {whose} on the line", "flow", flow.settings),
            **crossings_of(flow.crossings, "time", batch),
        },
    )
