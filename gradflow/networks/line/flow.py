"""The gradient flow of one network on the line, with located crossings.

What is asked for is checked here, and `integration.follow` integrates. The field is that of `continuous_flow`
or, where it jumps as a breakpoint meets an input, of `sampled_flow`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array
from gradflow.base.checks import function, integer, moments, number, shown
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named
from gradflow.flow.status import STATUSES
from gradflow.networks.line.continuous_flow import Continuous
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.integration import Integration, PiecewiseField, Run, follow
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.records import crossings_of, described, described_problem, neurons, variables
from gradflow.networks.line.sampled_flow import Filippov
from gradflow.networks.line.task import Task, task_of
from gradflow.neuron.problem import Neuron, Problem

PARTS = ("w1", "b1", "w2", "b2")


def moving(frozen: Sequence[str], m: int) -> np.ndarray:
    """Return 1 for each of 3m + 1 parameters that moves and 0 for the frozen ones.

    Raises
    ------
    ValueError, TypeError
        If `frozen` is no sequence of some of w1, b1, w2 and b2, each once.
    """
    if isinstance(frozen, str) or not isinstance(frozen, Sequence):
        raise TypeError(f"frozen: expected some of w1, b1, w2, b2 in a tuple, got {shown(frozen)}")
    for name in frozen:
        if name not in PARTS:
            raise ValueError(f"frozen: expected some of w1, b1, w2, b2, got {shown(name)}")
    if len(set(frozen)) < len(frozen):
        raise ValueError(f"frozen: expected some of w1, b1, w2, b2, each once, got {shown(frozen)}")
    return np.concatenate(
        [np.full(1 if name == "b2" else m, 0.0 if name in frozen else 1.0) for name in PARTS]
    )


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
    """Integrate dθ/dt = −∇L of one network, on the population or on a sample.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1)
        The start.
    problem : Problem
        One target, one law or sample; any loss but the absolute one.
    t_end : float
        Final time ≥ 0, in units in which one GD step of rate η takes η.
    rtol : float
        Relative tolerance of a step, between 1e-13 and 1e-2.
    times : array, shape (n,), optional
        Record at these increasing times in [0, t_end]; default: at every step and crossing.
    frozen : sequence of {'w1', 'b1', 'w2', 'b2'}
        Parameters that stay as they are.
    max_steps : int
        Give up after so many steps (`status` says so).
    progress : callable, optional
        Called with the time reached after every step.

    Returns
    -------
    xarray.Dataset
        Along `time` and `neuron`: w1, b1, w2, breakpoint, activity, invariant_drift (of every neuron's
        Q = w1² + b1² − w2², which the flow conserves unless something is frozen); along `time`: b2, loss,
        energy_residual (L(t) − L(0) + ∫|∇L|² dt, exactly 0). Scalars: outcome (`networks.line.ends`; no
        theorem settles it), outcome_name, status, status_name. Its crossings: `gradflow.runs.crossings`,
        with the neuron.

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
    """A flow that has been integrated: of whom, on which task, what moved, and with which settings."""

    run: Run
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
    if student.batch:
        raise ValueError(
            f"network: the flow follows one network (networks.line.integrate_ensemble many), got {student}"
        )
    task = task_of(problem)
    if task.loss.has_corners:
        raise ValueError(f"loss: the flow takes one whose slope does not jump, got {task.loss}")
    t_end, rtol = number("t_end", t_end, 0.0), number("rtol", rtol, 1e-13, 1e-2)
    max_steps = integer("max_steps", max_steps, 1)
    if progress is not None:
        function("progress", progress, "the time reached")
    asked = moments(times, t_end)
    moves = moving(frozen, student.m)
    flow = Integration(student.rows, t_end, rtol, asked, progress)
    run = follow(field_of(student.rows, task, moves), flow, max_steps)
    settings = {
        **described_problem(problem),
        "network": described(student),
        "t_end": t_end,
        "rtol": rtol,
        "times": asked,
        "frozen": list(frozen),
        "max_steps": max_steps,
    }
    return Flown(run, student, task, moves, settings)


def field_of(rows: np.ndarray, task: Task, moves: np.ndarray) -> PiecewiseField:
    """Return what one network follows: a field that is continuous, or the jumping one of a sample."""
    jumps = task.sample is not None and task.is_bent
    return Filippov(rows, task, moves) if jumps else Continuous(rows, task, moves)


def dataset(flow: Flown) -> xr.Dataset:
    """Return a flow as `gradient_flow` does."""
    run, student, task, moves, settings = flow
    provenance = attributes("Gradient flow of a network on the line", "flow", settings)
    states = np.array(run.states)
    rows, descended = states[:, :-1], states[:, -1]
    columns = np.ascontiguousarray(rows.T)
    field = evaluator(task)
    value = np.asarray(field.loss(columns))
    initial = float(field.loss(student.rows))
    status = codes(run.status, STATUSES, (), "how the integration ended")
    found = variables(rows, task, moves, "time")
    q = student.w1 * student.w1 + student.b1 * student.b1 - student.w2 * student.w2
    w1, b1, w2 = (found[name][1] for name in PARTS[:3])
    drift = found["invariant_drift"]
    found["invariant_drift"] = (drift[0], w1 * w1 + b1 * b1 - w2 * w2 - q, drift[2])
    return xr.Dataset(
        {
            **found,
            "loss": (("time",), value, {"long_name": "population loss", "units": "1"}),
            "energy_residual": (
                ("time",),
                value - initial + descended,
                {"long_name": "L(t) - L(0) + integral of |grad L|^2", "units": "1"},
            ),
            "status": status,
            "status_name": named(status, STATUSES),
        },
        coords={
            "time": ("time", np.array(run.times), {"long_name": "time", "units": "1"}),
            **neurons(student.m),
        },
        attrs={**provenance, **crossings_of(run.crossings, "time", ())},
    )
