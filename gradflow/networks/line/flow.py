"""The gradient flow of one network on the line, with located crossings.

The field is smooth between the walls, where a breakpoint meets an end or a knot, and continuous across
them. A step that crosses a wall is taken back and ends on it, so that no step's polynomial spans one; where
two breakpoints meet the field is continuously differentiable, and steps go on.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.integrate import DOP853, Radau
from scipy.linalg import LinAlgWarning
from scipy.optimize import brentq

from gradflow.base.arrays import Array
from gradflow.base.checks import function, integer, number, numbers, shown
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named
from gradflow.ends.labels import outcome_codes
from gradflow.flow.status import REACHED, STATUSES, STEP_TOO_SMALL, TOO_MANY_STEPS
from gradflow.networks.line import sampled_flow
from gradflow.networks.line.ends import outcomes
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.records import crossings_of, described, described_problem, neurons, variables
from gradflow.networks.line.run import Record, Run
from gradflow.networks.line.task import Task, task_of
from gradflow.networks.line.walls import Crossing, activities, event, places, preactivations
from gradflow.neuron.problem import Neuron, Problem

PARTS = ("w1", "b1", "w2", "b2")
_ROUNDING = 1e-15
_STIFF = 2000


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
    moments = None if times is None else _moments(times, t_end)
    moves = moving(frozen, student.m)
    run = integrator(task)(student.rows, task, t_end, rtol, moments, moves, max_steps, progress)
    settings = {
        **described_problem(problem),
        "network": described(student),
        "t_end": t_end,
        "rtol": rtol,
        "times": moments,
        "frozen": list(frozen),
        "max_steps": max_steps,
    }
    return _dataset(
        run,
        student,
        task,
        moving(frozen, student.m),
        attributes("Gradient flow of a network on the line", "flow", settings),
    )


def integrator(task: Task) -> Callable[..., Run]:
    """Return what follows one network: `follow`, or what knows the jumps of a sample's field."""
    return sampled_flow.follow if task.sample is not None and task.is_bent else follow


def _moments(times: Array, t_end: float) -> np.ndarray:
    moments = numbers("times", times).astype(np.float64)
    good = moments.ndim == 1 and np.all(np.isfinite(moments)) and np.all(np.diff(moments) > 0)
    if not good or np.any((moments < 0) | (moments > t_end)):
        raise ValueError(f"times: must be increasing and lie in [0, {t_end}]")
    return moments


def follow(
    rows: np.ndarray,
    task: Task,
    t_end: float,
    rtol: float,
    moments: np.ndarray | None,
    moves: np.ndarray,
    max_steps: int,
    progress: Callable[[float], None] | None = None,
) -> Run:
    """Integrate from t = 0 (arguments as `gradient_flow`, which checks them)."""
    walls, m = places(task), rows.shape[0] // 3
    field = evaluator(task)

    def velocity(_: float, y: np.ndarray) -> np.ndarray:
        slope = moves * field.gradient(y[:-1])
        return np.append(-slope, slope @ slope)

    def jacobian(_: float, y: np.ndarray) -> np.ndarray:
        slope, bend = moves * field.gradient(y[:-1]), moves[:, None] * field.hessian(y[:-1])
        return np.pad(np.vstack((-bend, 2.0 * slope @ bend)), ((0, 0), (0, 1)))

    def sides(y: np.ndarray) -> np.ndarray:
        return preactivations(y[:-1], walls)

    def off(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        # A neuron that fades comes as near to its wall as its parameters' rounding, and has not crossed it.
        size = np.abs(y[:m]) * np.abs(walls)[:, None] + np.abs(y[m : 2 * m])
        return np.asarray(np.abs(z) > _ROUNDING * size)

    y = np.append(rows, 0.0)
    record = Record(moments, y)
    crossings: list[Crossing] = []
    z = sides(y)
    positive, known = z > 0.0, off(z, y)
    t, steps, first_step = 0.0, 0, None
    while t < t_end:
        if steps >= max_steps:
            return Run(*record.of(t, y), crossings, TOO_MANY_STEPS, steps)
        stiff = jacobian if steps >= _STIFF else None
        solver = _solver(velocity, stiff, t, y, t_end, rtol, first_step)
        while solver.status == "running" and steps < max_steps and (stiff or steps < _STIFF):
            _advance(solver)
            steps += 1
            if solver.status == "failed":
                return Run(*record.of(t, y), crossings, STEP_TOO_SMALL, steps)
            dense = solver.dense_output()
            z = sides(solver.y)
            crossed = known & ((z > 0.0) != positive) & off(z, solver.y)
            if np.any(crossed):
                break
            fresh = ~known & off(z, solver.y)
            positive, known = np.where(fresh, z > 0.0, positive), known | fresh
            record.step(t, solver.t, dense, solver.y)
            t, y, first_step = float(solver.t), solver.y, float(solver.h_abs)
            if progress is not None:
                progress(t)
        else:
            continue
        # The step is taken again up to the first crossing, which is then on no other side of a wall.
        when = _first(crossed, _along(sides, dense), t, float(solver.t))
        if when > t:
            begin = t
            ending = _solver(velocity, stiff, t, y, when, rtol, min(when - t, float(solver.h_abs)))
            while ending.status == "running":
                _advance(ending)
                steps += 1
                record.step(begin, ending.t, ending.dense_output(), ending.y)
                begin = float(ending.t)
            if ending.status == "failed":
                return Run(*record.of(t, y), crossings, STEP_TOO_SMALL, steps)
            t, y = begin, ending.y
        found = sides(y)
        nearest = _nearest(crossed, found, sides(dense(when)), positive)
        for wall, neuron in nearest:
            ends = bool(positive[0, neuron]), bool(positive[1, neuron])
            what, name = event(task, ends, wall)
            crossings.append(Crossing(t, neuron, what, name, float(walls[wall])))
            positive[wall, neuron] ^= True
        first_step = max(1e-3 * float(solver.h_abs), 10.0 * math.ulp(t))
        first_step = min(first_step, t_end - t) if t < t_end else None
    return Run(*record.of(t, y), crossings, REACHED, steps)


def _first(crossed: np.ndarray, sides: Callable[[float], np.ndarray], begin: float, end: float) -> float:
    """Return the first time at which one of the walls crossed between `begin` and `end` is met."""
    before, after = sides(begin), sides(end)
    first = end
    for wall, neuron in zip(*np.nonzero(crossed), strict=True):
        a, b = before[wall, neuron], after[wall, neuron]
        if a == 0.0 or (a > 0.0) == (b > 0.0):
            first = begin
            continue
        if first <= begin:
            break
        if (sides(first)[wall, neuron] > 0.0) == (a > 0.0):
            continue  # later than what is known
        at = (int(wall), int(neuron))
        first = float(
            brentq(lambda s, i=at: sides(s)[i], begin, first, xtol=1e-15 * max(1.0, end), rtol=1e-15)
        )
    return first


def _along(
    sides: Callable[[np.ndarray], np.ndarray], dense: Callable[[float], np.ndarray]
) -> Callable[[float], np.ndarray]:
    return lambda s: sides(dense(s))


def _nearest(
    crossed: np.ndarray, there: np.ndarray, found: np.ndarray, positive: np.ndarray
) -> list[tuple[int, int]]:
    """Return the walls, with their neurons, that a state located on the first of them is on."""
    pairs = list(zip(*(i.tolist() for i in np.nonzero(crossed)), strict=True))
    already = [p for p in pairs if (there[p] > 0.0) != positive[p]]
    if already:
        return already
    least = min(pairs, key=lambda p: abs(found[p]))
    return [least]


def _solver(
    velocity: Callable[..., np.ndarray],
    jacobian: Callable[..., np.ndarray] | None,
    t: float,
    y: np.ndarray,
    t_end: float,
    rtol: float,
    first_step: float | None,
) -> Any:
    scale = float(np.max(np.abs(y[:-1]))) or 1.0
    if first_step is None:
        speed = float(np.max(np.abs(velocity(t, y)[:-1])))
        first_step = 1e-3 * max(1.0, scale) / max(speed, 1e-3)
    atol = 1e-2 * rtol * scale
    options: dict[str, Any] = {"rtol": rtol, "atol": atol, "first_step": min(first_step, t_end - t)}
    if jacobian is not None:
        return Radau(velocity, t, y, t_end, jac=jacobian, **options)
    return DOP853(velocity, t, y, t_end, **options)


def _advance(solver: Any) -> None:
    # Trial steps that go too far are shortened.
    with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        solver.step()


def _dataset(
    run: Run, student: Network, task: Task, moves: np.ndarray, provenance: dict[str, str]
) -> xr.Dataset:
    states = np.array(run.states)
    rows, descended = states[:, :-1], states[:, -1]
    columns = np.ascontiguousarray(rows.T)
    field = evaluator(task)
    value = np.asarray(field.loss(columns))
    initial = float(field.loss(student.rows))
    activity = activities(preactivations(columns, np.array([task.lo, task.hi])))
    ended = outcome_codes(int(outcomes(rows[-1], task, moves=moves)), ())
    status = codes(run.status, STATUSES, (), "how the integration ended")
    found = variables(rows, np.moveaxis(activity, -1, 0), "time", ())
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
            "outcome": ended,
            "outcome_name": named(ended),
            "status": status,
            "status_name": named(status, STATUSES),
        },
        coords={
            "time": ("time", np.array(run.times), {"long_name": "time", "units": "1"}),
            **neurons(student.m),
        },
        attrs={**provenance, **crossings_of(run.crossings, "time", ())},
    )
