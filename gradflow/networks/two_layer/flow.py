"""The gradient flow of a two-layer network at any scale, with every change of activation located.

While no neuron changes its pattern the field is smooth, and SciPy's DOP853 follows it as it stands, also
beyond the walls. After each step all margins are searched for sign changes on the dense output; the first
one ends the leg, is located to rounding, and the integration goes on with the new pattern. Where the fields
of both sides point at the wall the neuron slides along it (`gradflow.networks.two_layer.walls`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import DOP853

from gradflow.base.checks import integer, number
from gradflow.base.tasks import completed
from gradflow.networks.two_layer.exits import SHARE, WALL, Candidate, Key, Step, earliest, exits, leap, stuck
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, check_kinds, check_network, check_start, normalize
from gradflow.networks.two_layer.path import (
    NetworkPath,
    Point,
    Recorder,
    Switch,
    pack,
    rebalanced,
    switches,
    unpack,
)
from gradflow.networks.two_layer.patterns import SLIDING
from gradflow.networks.two_layer.status import BELOW, REACHED, STEP_TOO_SMALL, TOO_MANY_STEPS
from gradflow.networks.two_layer.walls import (
    MINUS,
    PLUS,
    ROUNDING,
    Cell,
    System,
    at_rest,
    cell_of,
    loss,
    margins,
    on_walls,
    past_origin,
    pattern,
    pulls,
    rates,
    resolve,
    system,
)

_OVERSHOOT = 10.0
_NOTHING = 1e-290
"""Velocities below this are 0 to any clock."""
_LEAP_RECORDS = 49


def gradient_flow(
    network: TwoLayer,
    objective: Objective,
    t_end: float,
    *,
    rtol: float = 1e-9,
    times: Any = None,
    below: float = 0.0,
    max_steps: int = 200_000,
    max_records: int = 1000,
    progress: Callable[[float], object] | None = None,
) -> NetworkPath:
    """Follow dθ/dt = −∇L of one network from t = 0.

    Parameters
    ----------
    network : TwoLayer
        One network, weights of shape (h, D), of any scale; it is normalised first. A neuron that is active
        on no input stays as it is.
    objective : Objective
        Data and loss; computed in float64.
    t_end : float
        Final time, ≥ 0.
    rtol : float
        Tolerance of a step, relative to the directions and absolute in the log-norms, in the root mean square
        over the network. From 1e-12 to 1e-3.
    times : array, optional
        Record at these times (sorted, within [0, t_end]) instead of at every step and crossing.
    below : float
        The flow ends at the first step whose end has a loss no larger.
    max_steps : int
        After so many the flow ends.
    max_records : int
        Without `times`: more records than this are thinned evenly, keeping the first and the last.
    progress : callable, optional
        Called with the time reached after every step.

    Returns
    -------
    NetworkPath

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    check_kinds(network, objective)
    one = TwoLayer(*(np.array(values, dtype=float) for values in network))
    check_network(one, objective)
    if one.weights.ndim != 2:
        raise ValueError(f"network: expected one, with weights of shape (h, D), got {one.weights.shape}")
    t_end, rtol = number("t_end", t_end, 0.0), number("rtol", rtol, 1e-12, 1e-3)
    asked, below = _times(times, t_end), number("below", below)
    max_steps, max_records = integer("max_steps", max_steps, 1), integer("max_records", max_records, 2)
    what, one = system(objective), normalize(one)
    check_start(one, objective)
    recorder = Recorder(asked, max_records)
    run = _Run(what, one, len(one.outputs), t_end, rtol, recorder, below, max_steps, progress)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # in trial steps, later shortened
        cell, fresh = _start(what, one)
        shown = pattern(what, cell)
        crossings = [Switch(0.0, j, i, "slides") for j, i in np.argwhere(shown == SLIDING).tolist()]
        leg = _Leg(0.0, pack(one._replace(weights=on_walls(cell, one.weights)), 0.0), None, None)
        run.recorder.step(run.point(cell, leg.t, leg.state))
        while leg.status is None:
            leg = _follow(run, cell, leg.t, leg.state, fresh)
            fresh = np.zeros_like(fresh)
            if leg.exit is not None:
                before = shown
                cell, fresh[leg.exit.neuron] = _after_exit(run, cell, leg, leg.exit)
                leg = leg._replace(state=run.normalised(cell, leg.state))
                _deactivate_dead(what, cell, unpack(leg.state, run.h).weights)
                shown = pattern(what, cell)
                crossings += switches(leg.t, before, shown)
                leg = leg._replace(status=stuck(crossings))
                run.recorder.step(run.point(cell, leg.t, leg.state))
        last = run.point(cell, leg.t, leg.state)
        run.recorder.until(leg.t, lambda _: last)
    return run.recorder.path(crossings, leg.status, run.steps, last)


def many(
    networks: Iterable[TwoLayer],
    objective: Objective,
    t_end: float,
    *,
    executor: Executor | None = None,
    **options: Any,
) -> list[NetworkPath]:
    """Return the `gradient_flow` of each network, in order.

    Parameters
    ----------
    networks : iterable of TwoLayer
        Single networks.
    objective, t_end
        As `gradient_flow`.
    executor : concurrent.futures.Executor, optional
        Runs them side by side; with a process pool `options` must be picklable.
    **options
        As `gradient_flow`.
    """
    tasks = [partial(gradient_flow, network, objective, t_end, **options) for network in networks]
    if executor is None:
        return [task() for task in tasks]
    paths = {key: future.result() for key, future in completed(enumerate(tasks), executor.submit)}
    return [paths[i] for i in range(len(tasks))]


@dataclass
class _Run:
    """A trajectory under way: what stays the same along it, and the step count and size."""

    system: System
    start: TwoLayer
    h: int
    t_end: float
    rtol: float
    recorder: Recorder
    below: float
    max_steps: int
    progress: Callable[[float], object] | None
    steps: int = 0
    first_step: float | None = None
    at_origin: dict[int, float] = field(default_factory=dict)

    def normalised(self, cell: Cell, state: np.ndarray) -> np.ndarray:
        """Return the same network with normalised directions, and sliding neurons on their walls."""
        bare = unpack(state, self.h)
        put = normalize(bare._replace(weights=on_walls(cell, bare.weights)))
        network, moved = rebalanced(put, self.start)
        self.recorder.drift = max(self.recorder.drift, moved)
        return pack(network, float(state[-1]))

    def point(self, cell: Cell, t: float, state: np.ndarray) -> Point:
        """Return the record of a state."""
        value = loss(self.system, cell, unpack(state, self.h))
        return Point(t, self.normalised(cell, state), value, pattern(self.system, cell))


class _Leg(NamedTuple):
    """The end of a leg: by an exit, for good with a status, or (neither) after a leap."""

    t: float
    state: np.ndarray
    exit: Key | None
    status: int | None


def _start(what: System, network: TwoLayer) -> tuple[Cell, np.ndarray]:
    """Return the first cell, and the walls on which the network starts."""
    z = margins(what, network.weights)
    sides = np.where(z > 0.0, PLUS, MINUS).astype(np.int8)
    dead = ~np.any(network.weights @ what.x.T > 0.0, axis=1)
    sizes = np.linalg.norm(network.weights, axis=1)[:, None]
    at_wall = (np.abs(z) <= ROUNDING * sizes) & ~dead[:, None]
    cell = cell_of(what, sides, dead)
    sides = sides.copy()
    for j in np.flatnonzero(np.any(at_wall, axis=1)):
        sides[j] = resolve(what, cell, network, int(j), at_wall[j], {})
    return cell_of(what, sides, dead), at_wall


def _follow(run: _Run, cell: Cell, t: float, state: np.ndarray, fresh: np.ndarray) -> _Leg:
    """Integrate within one pattern until that ends, or the run does."""
    recorder, solver = run.recorder, None
    candidates: dict[Key, Candidate] = {}

    def at(dense: Callable[[float], np.ndarray]) -> Callable[[float], Point]:
        return lambda time: run.point(cell, time, dense(time))

    while t < run.t_end:
        if run.steps >= run.max_steps:
            return _Leg(t, state, None, TOO_MANY_STEPS)
        leaped = None if candidates else leap(run.system, cell, state, t, run.t_end)
        if leaped is not None:
            end, path = leaped
            recorder.until(end, at(path))
            # Directions settle at its beginning.
            for share in np.geomspace(1e-6, 1.0, _LEAP_RECORDS).tolist():
                recorder.step(at(path)(t + share * (end - t) if share < 1.0 else end))
            return _Leg(end, run.normalised(cell, path(end)), None, None if end < run.t_end else REACHED)
        solver = solver or _solver(run, cell, t, state)
        if not np.any(np.abs(solver.f) > _NOTHING) or at_rest(run.system, cell, unpack(state, run.h)):
            # All is fitted to the last digit: nothing moves any more.
            recorder.until(run.t_end, partial(run.point, cell, state=state))
            recorder.step(run.point(cell, run.t_end, state))
            return _Leg(run.t_end, state, None, REACHED)
        slope, mark = solver.f, recorder.mark()
        solver.step()
        if solver.status == "failed":
            return _Leg(t, state, None, STEP_TOO_SMALL)
        run.steps, run.first_step = run.steps + 1, float(solver.h_abs)
        step = Step(float(solver.t_old), float(solver.t), solver.dense_output(), slope)
        ends = earliest(candidates, exits(run.system, cell, step, fresh, run.rtol), step.dense, mark)
        if ends is not None:
            key, found = ends
            recorder.rewind(found.mark)
            recorder.until(found.t, at(found.dense))
            return _Leg(found.t, run.normalised(cell, found.dense(found.t)), key, None)
        fresh = np.zeros_like(fresh)
        t, state = step.t, run.normalised(cell, solver.y)
        if cell.slides or float(np.max(np.abs(state - solver.y))) > run.rtol:
            solver.y, solver.f = state, solver.fun(t, state)
        point = run.point(cell, t, state)
        recorder.until(t, at(step.dense))
        recorder.step(point)
        if not candidates:
            recorder.thin_records()
        if run.progress is not None:
            run.progress(t)
        if point.loss <= run.below:
            return _Leg(t, state, None, BELOW)
    return _Leg(t, state, None, REACHED)


def _solver(run: _Run, cell: Cell, t: float, state: np.ndarray) -> Any:
    """Return SciPy's solver for a leg, with the last step's size to begin with."""
    h = run.h

    def velocity(_: float, y: np.ndarray) -> np.ndarray:
        return pack(*rates(run.system, cell, unpack(y, h)))

    weights = unpack(state, h).weights
    size = np.maximum(np.linalg.norm(weights, axis=1), 1e-290)
    rtol, atol = np.full(state.size, run.rtol), np.full(state.size, run.rtol)
    # The components of a direction share a scale; an error of a log-norm is a relative error of the weights.
    atol[: weights.size] = np.repeat(run.rtol * size, weights.shape[1])
    rtol[-h - 1 : -1] = 3e-14
    atol[-1] = max(run.rtol * loss(run.system, cell, unpack(state, h)), _NOTHING)
    first = None if run.first_step is None else min(run.first_step, run.t_end - t)
    return DOP853(velocity, t, state, run.t_end, rtol=rtol, atol=atol, first_step=first)


def _after_exit(run: _Run, cell: Cell, leg: _Leg, key: Key) -> tuple[Cell, np.ndarray]:
    """Return the cell after an exit, and the walls on which the neuron is that left."""
    what, network, j = run.system, unpack(leg.state, run.h), key.neuron
    sliding = cell.sides[j] == SLIDING
    if key.kind != WALL:
        # A share at its bound stays there; an output that changes its sign lets go, and relu′(0) = 0.
        off = dict.fromkeys(np.flatnonzero(sliding).tolist(), MINUS)
        known = {key.wall: key.side} if key.kind == SHARE else off
        row = resolve(what, cell, network, j, sliding, known)
        return _with_sides(what, cell, j, row), sliding
    if np.any(sliding) and cell.slides[j].basis.shape[1] == what.x.shape[1] - 1:
        return _at_origin(run, cell, leg, j), sliding
    weights = network.weights[j]
    close = np.abs(margins(what, weights)) <= ROUNDING * np.linalg.norm(weights)
    at_wall = sliding | close | (np.arange(sliding.size) == key.wall)
    row = resolve(what, cell, network, j, at_wall, {}, key.wall)
    return _with_sides(what, cell, j, row), at_wall


def _at_origin(run: _Run, cell: Cell, leg: _Leg, neuron: int) -> Cell:
    """Return the cell of a neuron that has slid to w = 0, and move it on (in place) or leave it there.

    What follows is not unique: it leaves by a direction in which it is driven away, or rests, relu′(0) = 0.
    Descent by steps overshoots, so the neuron is put `_OVERSHOOT` tolerances beyond; if from there it comes
    straight back, it stays.
    """
    what, network = run.system, unpack(leg.state, run.h)
    distance = _OVERSHOOT * run.rtol
    strongest = float(np.sum(np.abs(pulls(what, cell, network)) * what.lengths))
    returned = (leg.t - run.at_origin.get(neuron, -math.inf)) * strongest < 1e4 * distance
    run.at_origin[neuron] = leg.t
    if returned:
        network.weights[neuron] = 0.0
        return _with_sides(what, cell, neuron, cell.sides[neuron], stays=True)
    network.weights[neuron], row = past_origin(what, cell, network, neuron, distance)
    return _with_sides(what, cell, neuron, row)


def _with_sides(what: System, cell: Cell, neuron: int, row: np.ndarray, stays: bool = False) -> Cell:
    """Return the cell in which one neuron has these sides, or stays where it is (`stays`)."""
    sides, dead = cell.sides.copy(), cell.dead.copy()
    sides[neuron] = np.where(row == SLIDING, MINUS, row) if stays else row
    new = cell_of(what, sides, dead)
    # Active on nothing: nothing moves it any more.
    dead[neuron] = stays or (neuron not in new.slides and not np.any(new.gates[neuron]))
    return cell_of(what, sides, dead) if dead[neuron] else new


def _deactivate_dead(what: System, cell: Cell, weights: np.ndarray) -> None:
    """Push the dead back by the rounding by which they are still active, if they are (in place)."""
    for j, i in np.argwhere(cell.dead[:, None] & (weights @ what.x.T > 0.0)).tolist():
        weights[j] -= 2.0 * (what.x[i] @ weights[j] / what.lengths[i] ** 2) * what.x[i]


def _times(times: Any, t_end: float) -> np.ndarray | None:
    """Return the times to record, if any are asked for."""
    if times is None:
        return None
    asked = np.asarray(times, dtype=float)
    inside = asked.ndim == 1 and asked.size and np.all((asked >= 0.0) & (asked <= t_end))
    if not inside or np.any(np.diff(asked) < 0.0):
        raise ValueError(f"times: expected one or more sorted numbers in [0, {t_end:g}] in one dimension")
    return asked
