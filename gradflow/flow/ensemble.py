"""The flow of many neurons at once: every trajectory with its own time, steps, crossings and end.

The method is that of one trajectory (`gradflow.flow.integrate`): DOP853 inside a cell, crossings located
on the step's polynomial, a restart behind each. Lanes that have ended leave the batch and others take
their place, so that the arrays stay as wide as a processor's cache likes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device
from gradflow.base.checks import batch_shape, function, integer, number, one_of
from gradflow.compiled import gpu
from gradflow.field import formulas, quadrature
from gradflow.field.baselines import best_constant
from gradflow.field.population import operations
from gradflow.flow import lanes as batch
from gradflow.flow.batch_crossing import cross
from gradflow.flow.batch_step import attempt, decided, near_wall, stuck
from gradflow.flow.chart import with_outputs
from gradflow.flow.fade import fade
from gradflow.flow.lanes import EVENTS, Lanes, Setting, Terms, ranks
from gradflow.flow.status import RUNNING, STATUSES, STOPPED
from gradflow.flow.stop import LONGEST_WAIT, STOP_EVERY, Decide, Level, States, StopRule, as_rule
from gradflow.neuron.activity import classify
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem

__all__ = ["EVENTS", "STATUSES", "Ensemble", "Level", "States", "StopRule", "integrate_ensemble"]

CHUNK = 4096
WORTH = 64
"""So many trajectories take NumPy longer than it takes to fetch the compiled code, which is compiled once."""
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
        The last activity (`gradflow.neuron.activity.ACTIVITIES`).
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


def integrate_ensemble(
    neuron: Neuron | Array,
    problem: Problem = Problem(),
    t_end: float = 200.0,
    *,
    rtol: float = 1e-10,
    resting: float = 0.0,
    stop: StopRule | Decide | None = None,
    max_steps: int = 200_000,
    chunk: int = CHUNK,
    backend: str | None = None,
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
    stop : StopRule or callable, optional
        Given the `States` of some running trajectories, returns which of them end here as "stopped".
        Each trajectory is shown after every fourth of its steps; a `StopRule` says which are worth it.
    max_steps : int
        Give up a trajectory after so many steps; after 1000 if their mean is below 1e-6 (1e-6 t_end, if that
        is less): b2 relaxes at the rate 2, however fast all else is.
    chunk : int
        How many trajectories are computed at once (compiled: a thread takes four times as many).
    backend : {"numpy", "numba", "cupy"}, optional
        By default Numba for 64 and more in NumPy's float64 (with a function as `stop`, always NumPy: it
        is then called from one thread, in lockstep). The compiled code takes the same steps; crossings and
        the closed form of a fading neuron may differ in rounding. With CuPy the array code runs on a GPU,
        step by step, and a stop rule sees arrays there; results are NumPy's.
    progress : callable, optional
        Called with the number of trajectories that have ended.

    Returns
    -------
    Ensemble
        With one backend no result depends on `chunk` or on what else is in the batch, to the bit.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described. A trajectory that fails never raises: see `STATUSES`.

    Notes
    -----
    A dead ReLU neuron is followed to t_end in closed form. A trajectory is "diverged" if its start or its
    velocity there is not finite, or if no step, however small, has a finite result.
    """
    problem = as_problem(problem)
    one_of("backend", backend, (None, "numpy", "numba", "cupy"))
    if progress is not None:
        function("progress", progress, "a number of trajectories")
    if not isinstance(problem.inputs, Uniform):
        raise TypeError("inputs: the flow needs an interval (the population), got a sample")
    # Trial steps may leave the range of numbers; they are then shortened, or the lane is labelled.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        theta, problem, shape = flattened(as_neuron(neuron), problem)
        if backend == "cupy":
            theta, problem = _on_gpu(theta, problem)
        setting = setting_of(theta, problem, t_end, rtol, max_steps, resting, chunk)
        rule, n = as_rule(stop), theta.shape[1]
        start = starts(setting, theta, problem)
        if _is_compiled(backend, theta, stop):
            return _compiled(setting, theta, shape, start, rule, chunk, progress)
        found = _ensemble(setting, _run(setting, start, n, rule, chunk, progress), theta, shape)
        return gpu.back(found) if backend == "cupy" else found


def starts(setting: Setting, theta: Array, problem: Problem) -> Callable[[int, int], Lanes]:
    """Return what makes the lanes i to j at t = 0; those that are dead, or at rest, have ended."""
    xp, ops, teacher = setting.xp, setting.ops, tuple(problem.teacher)
    mean = best_constant(problem).intercept
    if setting.quadrature is None:
        aim = formulas.target(ops, teacher, problem.lo, problem.hi, problem.teacher_slopes)
        taught: tuple[Array, ...] = ()
    else:
        # A smooth teacher's breakpoint is no wall of the field, but to pass it is still an event.
        aim = formulas.target(ops, teacher, problem.lo, problem.hi, (1.0, 1.0))
        taught = setting.quadrature.taught
        aim = with_outputs(aim, taught, problem)
    terms = batch.terms_of(teacher[3], aim, mean)
    each = any(value.ndim for value in (*teacher, *terms[:-1]))
    if each:
        shape = theta.shape[1:]
        terms = Terms(*(xp.broadcast_to(term, shape) for term in terms[:-1]))
        teacher = tuple(xp.broadcast_to(value, shape) for value in teacher)
        taught = type(taught)(*(xp.broadcast_to(value, shape) for value in taught))
    terms = terms._replace(taught=taught)
    index = xp.arange(theta.shape[1], dtype=xp.int64, device=device(theta))

    def start(i: int, j: int) -> Lanes:
        here, its = batch.part(terms, i, j), tuple(value[i:j] if each else value for value in teacher)
        z = formulas.preactivations(ops, theta[0, i:j], theta[1, i:j], its, batch.aim_of(here))
        lanes = batch.begin(setting, index[i:j], theta[:, i:j], xp.stack(xp.broadcast_arrays(*z)), here)
        return batch.arrived(setting, fade(setting, lanes))

    return start


def _run(
    setting: Setting,
    start: Callable[[int, int], Lanes],
    n: int,
    stop: StopRule | None,
    chunk: int,
    progress: Callable[[int], None] | None,
) -> Lanes:
    """Return all trajectories' last lanes, in the order of their index."""
    xp = setting.xp
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


def _is_compiled(backend: str | None, theta: Array, stop: object) -> bool:
    """Return whether compiled code follows the flows, and not NumPy's (or CuPy's) loop."""
    if backend in ("numpy", "cupy") or theta.shape[1] == 0:
        return False
    from gradflow.flow.compiled import run as flow_run

    worth = theta.shape[1] >= WORTH and (stop is None or isinstance(stop, StopRule))
    return flow_run.is_compiled(backend, theta, worth)


def _compiled(
    setting: Setting,
    theta: Array,
    shape: tuple[int, ...],
    start: Callable[[int, int], Lanes],
    stop: StopRule | None,
    chunk: int,
    progress: Callable[[int], None] | None,
) -> Ensemble:
    """Follow the trajectories by compiled code."""
    from gradflow.flow.compiled import run as flow_run

    n = theta.shape[1]
    of_none = _ensemble(setting, start(0, 0), theta[:, :0], (0,))
    # Written in place: what is kept of lanes would keep all that is known of them.
    whole = Ensemble(*(np.empty((*values.shape[:-1], n), dtype=values.dtype) for values in of_none))

    def end(i: int, j: int, lanes: Lanes) -> None:
        for values, some in zip(whole, _ensemble(setting, lanes, theta[:, i:j], (j - i,)), strict=True):
            values[..., i:j] = some

    def otherwise(lanes: Lanes) -> Lanes:
        return _run(setting, lambda i, j: lanes, lanes.t.shape[0], stop, lanes.t.shape[0], None)

    flow_run.run(
        setting, start, n, end, otherwise,
        lambda lanes: states_of(setting, lanes), stop, 4 * chunk, progress,
    )  # fmt: skip
    return Ensemble(*(np.reshape(values, (*values.shape[:-1], *shape)) for values in whole))


def _step(setting: Setting, lanes: Lanes, stop: StopRule | None) -> Lanes:
    """Take one step with every running lane."""
    xp = setting.xp
    trial = attempt(setting, lanes)
    after, moved, _ = decided(setting, lanes, trial)
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
    after = stuck(setting, after, ~moved & (trial.error == xp.inf))
    after = batch.arrived(setting, fade(setting, batch.renewed(setting, after)))
    return after if stop is None else _stopped(setting, after, moved, stop)


def _stopped(setting: Setting, lanes: Lanes, moved: Array, stop: StopRule) -> Lanes:
    """End the running lanes that a stop rule ends."""
    xp = setting.xp
    due = moved & (lanes.status == RUNNING) & (lanes.steps >= lanes.due)
    which = xp.nonzero(due)[0]
    if which.shape[0] == 0:
        return lanes
    some = batch.take(xp, lanes, which)
    value, speed = batch.loss(setting, some), xp.sqrt(some.f[4, ...])
    state = batch.activity(xp, some.cell)
    shown, at_once = some.due < 0, some.due < 0
    for level in stop.levels:
        there = (abs(value - level.loss) <= level.width) & (speed <= level.slow)
        if level.activity >= 0:
            there = there & (state == level.activity)
        shown, at_once = (shown, at_once | there) if level.at_once else (shown | there, at_once)
    some = batch.ended(xp, some, at_once, STOPPED)
    shown = shown & ~at_once
    few = xp.nonzero(shown)[0]
    if few.shape[0] > 0:
        ends = xp.asarray(stop.decide(states_of(setting, batch.take(xp, some, few))), dtype=xp.bool)
        some = batch.ended(xp, some, shown & xp.take(ends, ranks(xp, shown)), STOPPED)
    longest = xp.full_like(some.wait, LONGEST_WAIT)
    some = some._replace(
        due=some.steps + xp.where(shown, some.wait, xp.full_like(some.wait, STOP_EVERY)),
        wait=xp.where(shown, xp.minimum(some.wait * stop.patience, longest), some.wait),
    )
    return batch.put(xp, lanes, due, some._replace(terms=lanes.terms))


def states_of(setting: Setting, lanes: Lanes) -> States:
    """Return what a stop rule sees of lanes."""
    xp, y = setting.xp, lanes.y
    theta = xp.stack((*batch.weights(lanes.terms, y), y[2, ...], y[3, ...]))
    value, activity = batch.loss(setting, lanes), batch.activity(xp, lanes.cell)
    return States(lanes.index, lanes.t, theta, value, activity, y[4, ...])


def _ensemble(setting: Setting, lanes: Lanes, start: Array, shape: tuple[int, ...]) -> Ensemble:
    xp, last = setting.xp, states_of(setting, lanes)
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


def flattened(neuron: Neuron, problem: Problem) -> tuple[Array, Problem, tuple[int, ...]]:
    """Return θ of shape (4, n), the problem with 0-d or one-dimensional arrays, and the batch's shape."""
    xp, arrays = as_floating((*neuron, *problem.teacher, problem.lo, problem.hi))
    shape = batch_shape("neurons, teacher and interval", [a.shape for a in arrays])

    def flat(array: Array) -> Array:
        return xp.reshape(xp.broadcast_to(array, shape), (-1,))

    theta = xp.stack([flat(array) for array in arrays[:4]])
    fixed = [array if array.ndim == 0 else flat(array) for array in arrays[4:]]
    return theta, replace(problem, teacher=Neuron(*fixed[:4]), inputs=Uniform(*fixed[4:])), shape


def _on_gpu(theta: Array, problem: Problem) -> tuple[Array, Problem]:
    """Return what `flattened` returned in arrays of CuPy."""
    gpu.require()
    inputs = Uniform(gpu.there(problem.lo), gpu.there(problem.hi))
    teacher = Neuron(*map(gpu.there, problem.teacher))
    return gpu.there(theta), replace(problem, teacher=teacher, inputs=inputs)


def setting_of(
    theta: Array, problem: Problem, t_end: float, rtol: float, max_steps: int, resting: float, chunk: int
) -> Setting:
    """Return what all lanes share, checked."""
    xp = as_floating((theta,))[0]
    kind = xp.finfo(theta.dtype)
    finest = max(1e-13, 100.0 * float(kind.eps))
    t_end, rtol, resting = number("t_end", t_end, 0.0), number("rtol", rtol), number("resting", resting, 0.0)
    if not finest <= rtol <= 1e-2:
        raise ValueError(f"rtol: must lie between {finest:.2g} and 1e-2 for {theta.dtype}, got {rtol}")
    max_steps, chunk = integer("max_steps", max_steps, 1), integer("chunk", chunk, 1)
    ops = operations(xp, theta)
    # A smooth neuron never stands still for being dead, as one with a slope below 0 does not.
    slopes = problem.slopes if problem.is_bent else (1.0, 1.0)
    return Setting(
        xp, ops, slopes, float(t_end), float(rtol), int(max_steps), float(resting),
        float(kind.eps), 1e8 * float(kind.smallest_normal), batch.PACE * min(t_end, 1.0),
        None if problem.is_linear else quadrature.bind(problem, theta),
    )  # fmt: skip
