"""The flow of one neuron, integrated cell by cell.

Within a cell the field is smooth, and its formulas are continued beyond the walls, so a step that ends
outside is as accurate as any. The first crossing on the step's dense output ends the cell: it is
located to rounding, the state is put on the wall, and integration restarts in the next cell.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import BDF, DOP853, RK45, Radau
from scipy.linalg import LinAlgWarning

from gradflow.flow import chart as charts
from gradflow.flow.chart import Cell, Floats, Setting
from gradflow.flow.closed import State, follow, outlook
from gradflow.flow.crossing import SHORTER, UNSURE, Candidate, Step, confirmed, turns_back
from gradflow.flow.dying import is_there, longest_step, loses_direction, strays
from gradflow.flow.record import Point, Recorder
from gradflow.flow.status import REACHED, STEP_TOO_SMALL, STOPPED, TOO_MANY_STEPS
from gradflow.neuron.activity import ACTIVITIES, classify
from gradflow.neuron.problem import Neuron, Problem

__all__ = ["AUTO", "METHODS", "Crossing", "Point", "Trajectory", "integrate"]

METHODS = {"DOP853": DOP853, "RK45": RK45, "Radau": Radau, "BDF": BDF}
_EXPLICIT = (DOP853, RK45)
AUTO = "auto"
"""DOP853, and Radau after `_STIFF` steps: very unequal weights make the flow stiff."""

_TINY = 1e-300
_DEPARTURE = 1e-16
_STIFF, _BETWEEN_QUESTIONS = 2000, 100
_AT_ONCE = 1e-9
_EFFORT = 150_000
"""Work that a trajectory may take by default, in evaluations of a closed form: some seconds."""
_EFFORT_OF_STEP, _EFFORT_OF_SUM = 5, 3
_GOES_ON = -1


class Crossing(NamedTuple):
    """A wall crossing: the time, what happened, and at which wall (`gradflow.flow.chart.WALLS`)."""

    t: float
    event: str
    wall: str


class Trajectory(NamedTuple):
    """The integrator's result; `status` is a code of `gradflow.flow.status.STATUSES`."""

    points: list[Point]
    crossings: list[Crossing]
    status: int
    steps: int
    last: Point


def integrate(
    neuron: Neuron,
    problem: Problem,
    t_end: float,
    *,
    rtol: float = 1e-10,
    method: str = AUTO,
    times: np.ndarray | None = None,
    stop: Callable[[Point], bool] | None = None,
    rests: Callable[[Point], bool] | None = None,
    max_steps: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Trajectory:
    """Integrate dθ/dt = −∇L from t = 0 (arguments as `gradient_flow`, which checks them).

    Parameters
    ----------
    times : array, optional
        Record at these times (sorted, within [0, t_end]) instead of at every step.
    max_steps : int, optional
        Give up after so many steps; by default after some 10 000 of them, fewer where the field is a sum.
    stop : callable, optional
        Called with every accepted step's end; True ends the integration there.
    rests : callable, optional
        Called now and then once the steps have become many: whether the trajectory stays where it is. Then it
        does until t_end; an integrator would follow its own rounding errors.
    progress : callable, optional
        Called with the time reached after every step.
    """
    where = charts.setting(problem)
    theta, z = charts.start(neuron, where)
    if theta[:2] == (0.0, 0.0) and where.slopes[0] != 0.0:
        z = _leave_origin(theta, where)
    run = _Run(rtol, method, Recorder(times), stop, rests, progress, max_steps)
    state = State(0.0, theta, z, 0.0)
    cell = _first_cell(theta, z, where)
    crossings: list[Crossing] = []
    while any(cell) or where.slopes[0] != 0.0:
        leg = _cross_cell(cell, state, where, t_end, run)
        if leg.status == _GOES_ON:
            state = leg.state
            continue
        if leg.wall is None:
            return Trajectory(run.recorder.points, crossings, leg.status, run.steps, run.recorder.last)
        after = (False, False, False) if leg.dies else _beyond(cell, leg.wall, where)
        # A start on a wall that leaves to the side not foreseen has crossed nothing.
        at_start = state.t == 0.0 and z[leg.wall] == 0.0 and leg.state.t <= _AT_ONCE
        if not at_start:
            crossings.append(Crossing(leg.state.t, _event(cell, after), charts.WALLS[leg.wall]))
        cell, state = after, leg.state
    follow(cell, state, where, t_end, run.recorder)
    return Trajectory(run.recorder.points, crossings, REACHED, run.steps, run.recorder.last)


class _Leg(NamedTuple):
    """How a leg ended; `wall` is None unless it ended in a crossing, by which the neuron may have died."""

    state: State
    wall: int | None
    status: int
    dies: bool = False


@dataclass
class _Run:
    """Data that stay the same along a trajectory, and the step count and size that are handed on."""

    rtol: float
    method: str
    recorder: Recorder
    stop: Callable[[Point], bool] | None
    rests: Callable[[Point], bool] | None
    progress: Callable[[float], None] | None
    max_steps: int | None
    steps: int = 0
    effort: int = 0
    first_step: float | None = None

    def has_come_to_rest(self, point: Point) -> bool:
        """Return whether the trajectory is known to stay at a point, asked now and then."""
        due = self.steps >= _STIFF and (self.steps - _STIFF) % _BETWEEN_QUESTIONS == 0
        return due and self.rests is not None and self.rests(point)

    def is_spent(self) -> bool:
        """Return whether to give up."""
        if self.max_steps is not None:
            return self.steps >= self.max_steps
        return self.effort + _EFFORT_OF_STEP * self.steps >= _EFFORT


@np.errstate(over="ignore", invalid="ignore")  # in error norms of trial steps that are then shortened
def _cross_cell(cell: Cell, begin: State, where: Setting, t_end: float, run: _Run) -> _Leg:
    """Integrate inside one cell until a crossing, `t_end` or a stop."""
    chart = charts.make_chart(cell, where)
    w1, b1, w2, b2 = begin.theta
    y0 = np.array((*chart.coordinates(w1, b1, begin.z), w2, b2, begin.descended))

    def velocity(_: float, y: np.ndarray) -> np.ndarray:
        run.effort += 1 if where.quadrature is None else _EFFORT_OF_SUM
        c, d, w2, b2, _ = y.tolist()
        try:
            g = charts.gradient(chart, where, c, d, w2, b2)
        except (ZeroDivisionError, OverflowError):
            return np.full(5, np.nan)  # a trial step that went far beyond the walls; the solver shortens it
        squared = g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + g[3] * g[3]
        return np.array((*chart.velocity(-g[0], -g[1]), -g[2], -g[3], squared))

    def point(t: float, y: np.ndarray) -> Point:
        c, d, w2, b2, descended = y.tolist()
        value = charts.loss(chart, where, c, d, w2, b2)
        theta = (*chart.weights(c, d), w2, b2)
        return Point(float(t), theta, value, charts.activity_of(cell), descended)

    if begin.t == 0.0 and run.steps == 0:
        kind = int(classify(np.float64(begin.z[0]), np.float64(begin.z[2])))
        run.recorder.step(0.0, lambda t: point(t, y0)._replace(theta=begin.theta, activity=kind))
    if begin.t >= t_end:
        return _Leg(begin, None, REACHED)
    active = (0 if cell[0] else 1) if cell[0] != cell[2] and where.has_walls else None
    is_relu = where.slopes[0] == 0.0
    # The wall by which a balanced ReLU neuron would die: the flow never crosses it but at w1 = b1 = 0.
    deadly = 2 * active if active is not None and is_relu else None

    def state(t: float, y: np.ndarray) -> State:
        c, d, w2, b2, descended = y.tolist()
        return State(t, (*chart.weights(c, d), w2, b2), chart.preactivations(c, d), descended)

    def at_origin(t: float, y: np.ndarray) -> bool:
        if active is None or deadly is None:
            return False
        z, v = ((values[active], values[1 - active]) for values in (y, velocity(t, y)))
        return bool(is_there(np, z, v, np.float64(_smallest(t))))

    def dead(t: float, y: np.ndarray) -> _Leg:
        theta = (0.0, 0.0, *y.tolist()[2:4])
        return _Leg(State(float(t), theta, (0.0, 0.0, 0.0), float(y[4])), deadly, STOPPED, True)

    if begin.t > 0.0 and at_origin(begin.t, y0):
        return dead(begin.t, y0)

    def restarted(t: float, y: np.ndarray) -> Any:
        return _solver(velocity, t_end - t, y, active, run, where.has_walls)

    # The solver's clock is set back at every restart: what happens beside w1 = b1 = 0 after a long time may
    # be faster than that time's spacing.
    clock, solver = begin.t, restarted(begin.t, y0)
    candidates: dict[int, Candidate] = {}
    while solver.status == "running":
        t_old, y_old = clock + solver.t, solver.y
        fades = None if deadly is None else outlook(cell, state(t_old, y_old), where, t_end)
        if fades is not None:
            after = follow(cell, state(t_old, y_old), where, t_end, run.recorder, fades, run.stop)
            if after is None:
                return _Leg(begin, None, STOPPED)
            return _Leg(after, None, _GOES_ON if fades.returns else REACHED)
        if run.is_spent():
            return _Leg(begin, None, TOO_MANY_STEPS)
        before, known = run.recorder.mark(), dict(candidates)
        if active is not None and deadly is not None:
            explicit = isinstance(solver, _EXPLICIT)
            most = _longest(solver.f if explicit else velocity(t_old, y_old), y_old, active)
            if solver.h_abs > most and explicit:
                solver.h_abs = most
            elif solver.h_abs > most:  # an implicit solver has made its matrices for a step's length
                run.first_step = most
                clock, solver = t_old, restarted(t_old, y_old)
        _advance(solver)
        wrong, wall, shorter = solver.status == "failed", None, SHORTER * float(solver.h_abs)
        if not wrong:
            run.steps, run.first_step = run.steps + 1, float(solver.h_abs)
            shorter = SHORTER * (solver.t - solver.t_old)
            wrong = deadly is not None and solver.y[active] <= 0.0
            wrong |= is_relu and bool(loses_direction(np, y_old, solver.y, np.float64(run.rtol)))
        if not wrong:
            step = Step(clock, solver.t_old, solver.t, solver.dense_output(), before)
            wall = confirmed(chart, step, run.rtol, candidates, is_relu)
            wrong = wall == UNSURE or any(
                found.step is step and bool(strays(np, y_old, found.state, solver.y))
                for found in candidates.values()
            )
            if wall is not None and not wrong:
                wrong = turns_back(chart, wall, candidates[wall], velocity, step)
                wrong |= deadly is not None and candidates[wall].state[active] <= 0.0
        if wrong:
            if shorter < _smallest(t_old) and at_origin(t_old, y_old):
                return dead(t_old, y_old)
            if shorter < _TINY:
                return _Leg(begin, None, STEP_TOO_SMALL)
            run.first_step, candidates = shorter, known
            clock, solver = t_old, restarted(t_old, y_old)
            continue
        if wall is not None:
            s, step = candidates[wall].s, candidates[wall].step
            run.recorder.rewind(step.mark)
            end = run.recorder.step(step.clock + s, partial(_at, point, step, s))
            z = list(chart.preactivations(*step.dense(s).tolist()[:2]))
            z[wall] = 0.0
            return _Leg(State(end.t, end.theta, (z[0], z[1], z[2]), end.descended), wall, STOPPED)
        t = t_end if solver.status == "finished" else min(clock + solver.t, t_end)
        end = run.recorder.step(t, partial(_at, point, step, solver.t))
        if solver.h_abs < _smallest(t) and at_origin(t, solver.y):
            return dead(t, solver.y)
        if where.has_walls:
            _renew(solver, active, run.rtol)
        if run.method == AUTO and run.steps >= _STIFF and solver.status == "running":
            run.method = "Radau"
            clock, solver = t, restarted(t, solver.y)
        if run.progress is not None:
            run.progress(end.t)
        if run.stop is not None and run.stop(end):
            return _Leg(begin, None, STOPPED)
        if run.has_come_to_rest(end):
            run.recorder.step(t_end, partial(_later, end))
            return _Leg(begin, None, REACHED)
    return _Leg(begin, None, REACHED)


def _later(point: Point, t: float) -> Point:
    return point._replace(t=t)


def _smallest(t: float) -> float:
    """Return the smallest step that changes the time by what it should."""
    return 10.0 * math.ulp(t)


def _longest(velocity: np.ndarray, y: np.ndarray, active: int) -> float:
    """Return how long the next step of a neuron with this active end may be."""
    z, v = ((values[active], values[1 - active]) for values in (y, velocity))
    return float(longest_step(np, z, v))


def _renew(solver: Any, active: int | None, rtol: float) -> None:
    """Give a solver new absolute tolerances where (w1, b1) is so small that the old ones say nothing of it.

    Which way a neuron goes that passes near w1 = b1 = 0 depends on the direction of (w1, b1) alone.
    """
    size = float(np.max(np.abs(solver.y[:2])))
    if rtol * size < float(np.max(solver.atol[:2])):
        floor = 1e-2 * rtol * size + _TINY
        solver.atol = np.array((floor, floor, *solver.atol[2:]))
        if active is not None:
            solver.atol[active] = _TINY


def _advance(solver: Any) -> None:
    with warnings.catch_warnings():
        # Of a trial step of an implicit solver, which it then shortens.
        warnings.simplefilter("ignore", LinAlgWarning)
        solver.step()


def _at(point: Callable[[float, np.ndarray], Point], step: Step, end: float, t: float) -> Point:
    """Return the point at a time of a step, of which `end` is the last on the solver's clock."""
    return point(t, step.dense(end if t >= step.clock + end else t - step.clock))


def _solver(
    velocity: Callable[..., np.ndarray],
    left: float,
    y: np.ndarray,
    active: int | None,
    run: _Run,
    has_walls: bool,
) -> Any:
    """Return a SciPy solver for the time that is left, with error control that suits the cell's coordinates.

    `active` is the coordinate of a balanced neuron's active end, None for other neurons and smooth ones.
    """
    first_step = run.first_step
    if first_step is None:
        speed = float(np.max(np.abs(velocity(0.0, y)[:4])))
        first_step = 1e-3 * max(1.0, float(np.max(np.abs(y[:4])))) / max(speed, 1e-3)
    floor = 1e-2 * run.rtol
    atol = np.full(5, floor)
    # The weights share a scale, which may be tiny.
    atol[:3] = floor * (float(np.max(np.abs(y[:3]))) or 1.0) + _TINY
    if active is not None:
        atol[:2] = floor * float(np.max(np.abs(y[:2])))
        # The active end's pre-activation decays exponentially in a neuron that is dying away: purely
        # relative control keeps its digits, and keeps the neuron alive.
        atol[active] = _TINY
    method = METHODS["DOP853" if run.method == AUTO else run.method]
    solver = method(velocity, 0.0, y, left, rtol=run.rtol, atol=atol, first_step=min(first_step, left))
    if has_walls:
        _renew(solver, active, run.rtol)
    return solver


def _leave_origin(theta: Floats, where: Setting) -> tuple[float, float, float]:
    """Return pre-activations just off w1 = b1 = 0, where the velocity is that of a dead neuron (φ′(0) = s₋).

    The field is not continuous there, and a breakpoint exists only once the point has been left.
    """
    g = charts.gradient(charts.make_chart((False, False, False), where), where, *theta)
    lo, q, hi = (-(g[0] * x + g[1]) for x in (where.lo, where.aim.x[1], where.hi))
    scale = _DEPARTURE / (max(abs(lo), abs(hi)) or 1.0)
    return scale * lo, scale * q, scale * hi


def _first_cell(theta: Floats, z: tuple[float, float, float], where: Setting) -> Cell:
    """Return the cell that the flow enters: the signs of z, and on a wall the side it moves to."""
    cell = (z[0] > 0.0, z[1] > 0.0, z[2] > 0.0)
    if not any(cell) and (where.slopes[0] == 0.0 or z[0] == z[2] == 0.0):
        return cell
    chart = charts.make_chart(cell, where)
    w1, b1, w2, b2 = theta
    g = charts.gradient(chart, where, *chart.coordinates(w1, b1, z), w2, b2)
    nodes = (where.lo, where.aim.x[1], where.hi)
    # A neuron on the wall that does not move stays what it is: hyperactive or, with a leaky slope, dead.
    stays = any(cell)
    speeds = [-(g[0] * x + g[1]) for x in nodes]
    active = [
        value > 0.0 or (value == 0.0 and (speed > 0.0 or (stays and speed == 0.0)))
        for value, speed in zip(z, speeds, strict=True)
    ]
    if not where.aim.has_breakpoint:
        active[1] = active[0]
    return (active[0], active[1], active[2])


def _beyond(cell: Cell, wall: int, where: Setting) -> Cell:
    """Return the cell on the other side of a wall."""
    after = [active != (i == wall) for i, active in enumerate(cell)]
    if not where.aim.has_breakpoint or after[0] == after[2]:
        after[1] = after[0]
    return (after[0], after[1], after[2])


def _event(before: Cell, after: Cell) -> str:
    names = [ACTIVITIES[charts.activity_of(cell)] for cell in (before, after)]
    return "passes teacher" if names[0] == names[1] else f"{names[0]} -> {names[1]}"
