"""The flow of many neurons at once: every trajectory with its own time, steps, crossings and end.

The method is that of one trajectory (`gradflow.flow.integrate`): DOP853 inside a cell, crossings located
on the step's polynomial, a restart behind each. Lanes that have ended leave the batch and others take
their place, so that the arrays stay as wide as a processor's cache likes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.activity import classify
from gradflow.backend import Array, as_floating, device
from gradflow.field import kernel
from gradflow.field.baselines import best_constant
from gradflow.field.population import operations
from gradflow.flow import lanes as batch
from gradflow.flow.batch_crossing import cross
from gradflow.flow.batch_step import advance, attempt, near_wall
from gradflow.flow.fade import fade
from gradflow.flow.lanes import EVENTS, RUNNING, STATUSES, STOPPED, Lanes, Setting, Terms
from gradflow.problem import Neuron, Problem, Uniform, as_neuron

__all__ = ["EVENTS", "STATUSES", "Ensemble", "States", "integrate_ensemble"]

CHUNK = 4096
_STOP_EVERY = 4
_FULL = 0.75


class Ensemble(NamedTuple):
    """Where trajectories ended; all arrays have the batch's shape, `final` with a first axis of length 4.

    Attributes
    ----------
    final : array
        The last parameters.
    t : array
        The time reached.
    status : array of int8
        How the trajectory ended: codes of `STATUSES`.
    loss : array
        The last loss.
    activity : array of int8
        The last activity (`gradflow.activity.ACTIVITIES`).
    steps, crossings : array of int32
        The accepted steps, and the walls crossed.
    first_crossing : array
        The time of the first wall crossing, NaN if there is none.
    first_event : array of int8
        What it was: codes of `EVENTS`.
    descended : array
        ∫|∇L|² dt, which equals the fall of the loss.
    """

    final: Array
    t: Array
    status: Array
    loss: Array
    activity: Array
    steps: Array
    crossings: Array
    first_crossing: Array
    first_event: Array
    descended: Array


class States(NamedTuple):
    """What a stop rule sees of m running trajectories; `index` is their place in the flattened batch."""

    index: Array
    t: Array
    theta: Array
    loss: Array
    activity: Array
    descended: Array


def integrate_ensemble(
    neuron: Neuron | Array,
    problem: Problem = Problem(),
    t_end: float = 200.0,
    *,
    rtol: float = 1e-10,
    resting: float = 0.0,
    stop: Callable[[States], Array] | None = None,
    max_steps: int = 200_000,
    chunk: int = CHUNK,
    progress: Callable[[int], None] | None = None,
) -> Ensemble:
    """Integrate dθ/dt = −∇L from t = 0 for an array of neurons on the population loss.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The starts; float64, or float32 with a tolerance to match. One that is not finite is labelled.
    problem : Problem
        Teacher and interval may be arrays that broadcast with the neurons: each its own problem.
    t_end : float
        Final time ≥ 0.
    rtol : float
        Relative tolerance of a step, between 1e-13 (100 spacings of the dtype, if more) and 1e-2.
    resting : float
        A trajectory ends as "converged" once |∇L| is no larger. With 0 only exact rest ends one early.
    stop : callable, optional
        Given the `States` of some running trajectories, returns which of them end here as "stopped".
        Each trajectory is shown after every fourth of its steps.
    max_steps : int
        Give up a trajectory after so many steps.
    chunk : int
        How many trajectories are computed at once.
    progress : callable, optional
        Called with the number of trajectories that have ended.

    Returns
    -------
    Ensemble
        No result depends on `chunk` or on what else is in the batch, to the bit.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described. A trajectory that fails never raises: see `STATUSES`.

    Notes
    -----
    A dead ReLU neuron is followed to t_end in closed form. A trajectory is "diverged" if its start or its
    velocity there is not finite, or if no step, however small, has a finite result.
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem: expected a Problem, got {problem!r}")
    if not isinstance(problem.inputs, Uniform):
        raise TypeError("inputs: the flow needs an interval (the population), got a sample")
    # Trial steps may leave the range of numbers; they are then shortened, or the lane is labelled.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        theta, problem, shape = _flattened(as_neuron(neuron), problem)
        setting = _setting(theta, problem, t_end, rtol, max_steps, resting, chunk)
        z, terms = _terms(setting, theta, problem)
        lanes = _run(setting, theta, z, terms, stop, chunk, progress)
        return _ensemble(setting, lanes, theta, shape)


def _run(
    setting: Setting,
    theta: Array,
    z: Array,
    terms: Terms,
    stop: Callable[[States], Array] | None,
    chunk: int,
    progress: Callable[[int], None] | None,
) -> Lanes:
    """Return all trajectories' last lanes, in the order of their index."""
    xp, n = setting.xp, theta.shape[1]
    index = xp.arange(n, dtype=xp.int64, device=device(theta))

    def start(i: int, j: int) -> Lanes:
        lanes = batch.begin(setting, index[i:j], theta[:, i:j], z[:, i:j], batch.part(terms, i, j))
        return batch.arrived(setting, fade(setting, lanes))

    begun = min(n, chunk)
    lanes, ended, count = start(0, begun), [], 0
    while True:
        running = lanes.status == RUNNING
        alive = int(xp.sum(xp.astype(running, xp.int64)))
        width = running.shape[0]
        if alive <= _FULL * width:
            ended.append(batch.take(xp, lanes, xp.nonzero(~running)[0]))
            lanes = batch.take(xp, lanes, xp.nonzero(running)[0])
            count += width - alive
            if progress is not None:
                progress(count)
            if begun < n:
                more = min(n, begun + chunk - alive)
                lanes = batch.join(xp, lanes, start(begun, more))
                begun = more
                continue
            if alive == 0:
                break
        lanes = _step(setting, lanes, stop)
    for more_lanes in ended[1:]:
        ended[0] = batch.join(xp, ended[0], more_lanes)
    return batch.take(xp, ended[0], xp.argsort(ended[0].index))


def _step(setting: Setting, lanes: Lanes, stop: Callable[[States], Array] | None) -> Lanes:
    """Take one step with every running lane."""
    xp = setting.xp
    trial = attempt(setting, lanes)
    after, moved = advance(setting, lanes, trial)
    near = moved & near_wall(setting, lanes, trial)
    which = xp.nonzero(near)[0]
    if which.shape[0] > 0:
        here = batch.take(xp, trial._replace(stages=()), which)
        here = here._replace(stages=tuple(xp.take(stage, which, axis=-1) for stage in trial.stages))
        crossed = cross(setting, batch.take(xp, lanes, which), here, batch.take(xp, after, which))
        crossed = crossed._replace(terms=after.terms)
        if bool(xp.all(xp.isnan(crossed.waiting_t))):
            crossed = crossed._replace(waiting_y=after.waiting_y)
        after = batch.put(xp, after, near, crossed)
    after = batch.arrived(setting, fade(setting, after))
    if stop is None:
        return after
    due = moved & (after.status == RUNNING) & (after.steps % _STOP_EVERY == 0)
    which = xp.nonzero(due)[0]
    if which.shape[0] == 0:
        return after
    some = batch.take(xp, after, which)
    decided = xp.asarray(stop(_states(setting, some)), dtype=xp.bool)
    return batch.put(xp, after, due, batch.ended(xp, some, decided, STOPPED)._replace(terms=after.terms))


def _states(setting: Setting, lanes: Lanes) -> States:
    xp, y = setting.xp, lanes.y
    theta = xp.stack((*batch.weights(lanes.terms, y), y[2, ...], y[3, ...]))
    value, activity = batch.loss(setting, lanes), batch.activity(xp, lanes.cell)
    return States(lanes.index, lanes.t, theta, value, activity, y[4, ...])


def _ensemble(setting: Setting, lanes: Lanes, start: Array, shape: tuple[int, ...]) -> Ensemble:
    xp, last = setting.xp, _states(setting, lanes)
    # Lanes that never moved have the weights they came with, not those found back from z.
    still = lanes.steps == 0
    moved = last.theta
    theta = xp.stack((
        xp.where(still, start[0, ...], moved[0, ...]),
        xp.where(still, start[1, ...], moved[1, ...]),
        moved[2, ...],
        moved[3, ...],
    ))  # fmt: skip
    activity = xp.where(still, classify(lanes.y[0, ...], lanes.y[1, ...]), last.activity)
    columns = (
        lanes.t, lanes.status, last.loss, activity, lanes.steps, lanes.crossings, lanes.first_time,
        lanes.first_event, last.descended,
    )  # fmt: skip
    return Ensemble(xp.reshape(theta, (4, *shape)), *(xp.reshape(column, shape) for column in columns))


def _flattened(neuron: Neuron, problem: Problem) -> tuple[Array, Problem, tuple[int, ...]]:
    """Return θ of shape (4, n), the problem with 0-d or one-dimensional arrays, and the batch's shape."""
    xp, arrays = as_floating((*neuron, *problem.teacher, problem.lo, problem.hi))
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        found = ", ".join(str(s) for s in sorted({a.shape for a in arrays} - {()}))
        raise ValueError(f"batch: neurons, teacher and interval do not broadcast: shapes {found}") from None

    def flat(array: Array) -> Array:
        return xp.reshape(xp.broadcast_to(array, shape), (-1,))

    theta = xp.stack([flat(array) for array in arrays[:4]])
    fixed = [array if array.ndim == 0 else flat(array) for array in arrays[4:]]
    return theta, Problem(Neuron(*fixed[:4]), Uniform(*fixed[4:]), problem.slopes), shape


def _setting(
    theta: Array, problem: Problem, t_end: float, rtol: float, max_steps: int, resting: float, chunk: int
) -> Setting:
    """Return what all lanes share, checked."""
    xp = as_floating((theta,))[0]
    kind = xp.finfo(theta.dtype)
    finest = max(1e-13, 100.0 * float(kind.eps))
    if not (math.isfinite(t_end) and t_end >= 0):
        raise ValueError(f"t_end: must be finite and at least 0, got {t_end}")
    if not finest <= rtol <= 1e-2:
        raise ValueError(f"rtol: must lie between {finest:.2g} and 1e-2 for {theta.dtype}, got {rtol}")
    if not resting >= 0:
        raise ValueError(f"resting: must be at least 0, got {resting}")
    for name, value in (("max_steps", max_steps), ("chunk", chunk)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name}: expected an integer, got {value!r}")
        if value < 1:
            raise ValueError(f"{name}: must be at least 1, got {value}")
    ops = operations(xp, theta)
    return Setting(
        xp, ops, problem.slopes, float(t_end), float(rtol), int(max_steps), float(resting),
        float(kind.eps), 1e8 * float(kind.smallest_normal),
    )  # fmt: skip


def _terms(setting: Setting, theta: Array, problem: Problem) -> tuple[Array, Terms]:
    """Return the starts' pre-activations, and the problem as the lanes want it."""
    xp, ops, teacher = setting.xp, setting.ops, tuple(problem.teacher)
    aim = kernel.target(ops, teacher, problem.lo, problem.hi, setting.slopes)
    z = kernel.preactivations(ops, theta[0, ...], theta[1, ...], teacher, aim)
    mean = best_constant(problem).intercept
    terms = Terms(teacher[3], *aim.x, *aim.widths, *aim.y, aim.has_kink, mean)
    if any(term.ndim for term in terms):
        terms = Terms(*(xp.broadcast_to(term, theta.shape[1:]) for term in terms))
    return xp.stack(xp.broadcast_arrays(*z)), terms
