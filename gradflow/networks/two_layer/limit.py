"""The ε → 0 limit of early alignment, event by event: no time step, every motion in closed form.

As ε → 0 the outputs f(x_i) vanish, the pulls are the constants g_i = weight · at_zero · y_i, and every neuron
moves by itself: ẇ = v G(w), v̇ = w·G(w), G(w) = Σ_i g_i 1[x_i·w > 0] x_i. Within one activation pattern
that is solved by `motion.Frame`; here the patterns follow one another. On a wall x_i·w = 0 the
solution is Filippov's: it crosses, or slides along the wall with a gate in (0, 1) that keeps x_i·G = 0.
v changes its sign at most once: d²v/dt² = ‖G‖² v. A neuron that is active on no datum is dead and stays
(relu′(0) = 0).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradflow.base.checks import integer, number
from gradflow.networks.two_layer.filippov import box_least_squares
from gradflow.networks.two_layer.limit_events import (
    START,
    TURN,
    WALL,
    Neurons,
    Next,
    advance,
    copied,
    imbalance_of,
    meet_walls,
    next_events,
    note_entries,
    refresh,
    selected,
    sign_of,
    start,
    walls_of,
)
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.motion import EPS, Frame, frame, polar, travel
from gradflow.networks.two_layer.network import TwoLayer, check_network, normalize
from gradflow.networks.two_layer.patterns import ACTIVE, INACTIVE, SLIDING, Entries
from gradflow.networks.two_layer.status import DEAD, REACHED, SETTLED, TOO_MANY_EVENTS

__all__ = [
    "ACTIVE", "INACTIVE", "SLIDING", "START", "TURN", "WALL", "FinalDirections", "LimitPath", "entry_times",
    "final_directions", "limit_flow", "state_at", "tangential_pull",
]  # fmt: skip

_REFRESH = 64


class LimitPath(NamedTuple):
    """Paths of m neurons, event after event; E is the largest number of events.

    Attributes
    ----------
    times : array, shape (m, E + 1)
        0 first, then the times of the events; inf after the last.
    kinds : array of int8, shape (m, E + 1)
        START, WALL (a wall is met), TURN (v = 0 is passed); −1 after the last.
    data : array of int32, shape (m, E + 1)
        Whose wall is met, the first one if there are several; −1 elsewhere.
    weights, outputs, log_scale : array, shapes (m, S, D), (m, S), (m, S)
        The states at the events, normalised; NaN after the last. S = E + 1, or 1 if not recorded: the last.
    force : array, shape (m, S, D)
        G from then on.
    patterns : array of int8, shape (m, S, n)
        INACTIVE, ACTIVE or SLIDING from then on; −1 after the last.
    events : array, shape (m,)
        How many there were.
    status : array of int8, shape (m,)
        Index into `gradflow.networks.two_layer.status.STATUSES`.
    entries : array, shape (m, 3)
        When the neuron first entered S₊, S₋ and S_dead; inf for never.
    t_end : float
    """

    times: np.ndarray
    kinds: np.ndarray
    data: np.ndarray
    weights: np.ndarray
    outputs: np.ndarray
    log_scale: np.ndarray
    force: np.ndarray
    patterns: np.ndarray
    events: np.ndarray
    status: np.ndarray
    entries: np.ndarray
    t_end: float


class FinalDirections(NamedTuple):
    """Ends of neurons: directions (m, D), and the rates (m,) of d log‖w‖/dt in the end."""

    directions: np.ndarray
    rates: np.ndarray


def limit_flow(
    network: TwoLayer,
    objective: Objective,
    t_end: float = math.inf,
    *,
    max_events: int = 100_000,
    record: bool = True,
) -> LimitPath:
    """Return the paths of all neurons in the limit ε → 0, until nothing more can happen or t_end.

    Only NumPy is used, in float64, whatever the network's arrays. Balanced to within the rounding of their
    dtype is selected as balanced. What is simultaneous to within rounding is one event. Nothing that a neuron
    does depends on the others, but for rounding errors. Solutions are not unique where a wall repels to both
    sides, or where a neuron slides through w = 0: then a gate stays what it was, or is set by the direction
    in which its wall is met.

    Parameters
    ----------
    network : TwoLayer
        Any leading shape; the result has all neurons in one row, in order.
    objective : Objective
        Of the loss only its pull at f = 0 matters.
    t_end : float
        > 0.
    max_events : int
        ≥ 1, for each neuron.
    record : bool
        Whether the states at all events are kept, or only the last ones.

    Raises
    ------
    ValueError
        If an argument is not allowed, or the dimensions of network and data differ.
    """
    check_network(network, objective)
    walls = walls_of(objective)
    neurons = start(network, walls)
    if t_end != math.inf and number("t_end", t_end) <= 0.0:
        raise ValueError(f"t_end: expected a time > 0, got {t_end}")
    max_events = integer("max_events", max_events, 1)
    m = neurons.who.size
    events = np.zeros(m, dtype=int)
    status = np.full(m, TOO_MANY_EVENTS, dtype=np.int8)
    entries = np.full((m, 3), np.inf)
    log: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    states: list[Neurons] = []
    kind = np.full(m, START, dtype=np.int8)
    datum = np.full(m, -1, dtype=np.int32)
    meet_walls(neurons, walls, kind, datum)
    for count in range(max_events + 1):
        log.append((neurons.who, neurons.time.copy(), kind, datum))
        if record:
            states.append(copied(neurons))
        note_entries(entries, neurons, walls)
        events[neurons.who] = count
        coming = next_events(neurons, walls)
        dead = ~np.any(neurons.patterns != INACTIVE, axis=1)
        settled = ~dead & (coming.kind < 0)
        late = ~dead & ~settled & (neurons.time + coming.duration > t_end)
        for code, which in ((DEAD, dead), (SETTLED, settled), (REACHED, late)):
            status[neurons.who[which]] = code
        stop = dead | settled | late | (count == max_events)
        if not record:
            states.append(selected(neurons, stop))
        neurons = selected(neurons, ~stop)
        if neurons.who.size == 0:
            break
        coming = Next(*(field[~stop] for field in coming))
        advance(neurons, coming)
        if (count + 1) % _REFRESH == 0:
            refresh(neurons, walls)
        kind, datum = coming.kind, coming.datum
        meet_walls(neurons, walls, kind, datum)
    return _assemble(log, states, record, events, status, entries, t_end)


def state_at(path: LimitPath, t: float) -> TwoLayer:
    """Return the network at time t, in closed form: weights (m, D), outputs and log_scale (m,).

    Raises
    ------
    ValueError
        If the path does not say where a neuron is then.
    """
    m = path.times.shape[0]
    last = path.times[np.arange(m), path.events]
    ended = (path.status == SETTLED) | (path.status == DEAD)
    known = np.where(ended, np.inf, np.where(path.status == REACHED, path.t_end, last))
    since = 0.0 if path.outputs.shape[1] == path.times.shape[1] else float(np.max(last))
    if not since <= t <= float(np.min(known)):
        raise ValueError(f"t: expected a time from {since:g} to {float(np.min(known)):g}, got {t}")
    at = np.sum(path.times <= t, axis=1) - 1
    (weights, outputs, log_scale), motion, sigma = _state(path, at)
    along, output, across, scale = travel(motion, motion.size * (t - path.times[np.arange(m), at]))
    ahead = (sigma * along)[:, None] * motion.unit
    rest = weights - (sigma * motion.along)[:, None] * motion.unit
    rest = np.where(motion.across[:, None] > 0.0, rest, 0.0)
    still = (motion.size == 0.0) | (sigma == 0.0)
    return normalize(
        TwoLayer(
            np.where(still[:, None], weights, ahead + across[:, None] * rest),
            np.where(still, outputs, sigma * output),
            np.where(still, log_scale, log_scale + scale),
        )
    )


def final_directions(path: LimitPath) -> FinalDirections:
    """Return w/‖w‖ as t → ∞ and the rate at which log‖w‖ grows; NaN for neurons that had not ended.

    A settled neuron goes to σ Ĝ at the rate ‖G‖, unless it is exactly antiparallel to it: then it shrinks.
    One that has nothing to pull it (G = 0) or is dead stays.
    """
    (weights, _, _), motion, sigma = _state(path, path.events)
    _, own = polar(weights)
    still = (path.status == DEAD) | (motion.size == 0.0) | (sigma == 0.0)
    shrinks = ~still & (motion.along < 0.0) & (motion.constant == 0.0)
    rates = np.where(still, 0.0, np.where(shrinks, -motion.size, motion.size))
    directions = np.where((still | shrinks)[:, None], own, sigma[:, None] * motion.unit)
    open_ = (path.status == REACHED) | (path.status == TOO_MANY_EVENTS)
    return FinalDirections(np.where(open_[:, None], np.nan, directions), np.where(open_, np.nan, rates))


def _state(path: LimitPath, event: np.ndarray) -> tuple[TwoLayer, Frame, np.ndarray]:
    """Return each neuron after an event of its own, its motion from then on, and the sign of its output."""
    rows = np.arange(event.size)
    slot = event if path.outputs.shape[1] == path.times.shape[1] else np.zeros_like(event)
    network = TwoLayer(path.weights[rows, slot], path.outputs[rows, slot], path.log_scale[rows, slot])
    force = path.force[rows, slot]
    sigma = sign_of(network.weights, network.outputs, force)
    imbalance = imbalance_of(network.weights, network.outputs, EPS)
    slides = np.any(path.patterns[rows, slot] == SLIDING, axis=1)
    return network, frame(network.weights, network.outputs, sigma, imbalance, force, slides), sigma


def entry_times(path: LimitPath) -> Entries:
    """Return when each neuron first entered S₊, S₋ and S_dead; inf for never.

    S₊ is active exactly on the data with positive labels and slides on none, and so for S₋. Under Assumption
    1 a balanced neuron with v > 0 never leaves S₊ again, and one with v < 0 never S₋. The other one of
    the two may be passed on the way.
    """
    return Entries(*(path.entries[:, k].copy() for k in range(3)))


def tangential_pull(directions: np.ndarray, objective: Objective, *, tolerance: float = 1e-12) -> np.ndarray:
    """Return how far directions are from critical points on the sphere of Σ g_i relu(x_i·u); shape (m,).

    The limits of directions are such points (Maennel, Bousquet, Gelly 2018, arXiv:1803.08367): gates in
    [0, 1] for the data with x_i·u = 0 make the pull along the sphere vanish. What is returned is the least
    such pull, divided by Σ |g_i| ‖x_i‖ over the active data and those with x_i·u = 0; 0 if there are none.

    Parameters
    ----------
    directions : array, shape (m, D)
        Not 0; need not be normalised.
    objective : Objective
    tolerance : float
        |x_i·u| ≤ tolerance · ‖x_i‖ ‖u‖ counts as x_i·u = 0.
    """
    walls = walls_of(objective)
    unit = np.asarray(directions, dtype=float)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    result = np.zeros(unit.shape[0])
    for k, u in enumerate(unit):
        margins = walls.x @ u
        on = np.abs(margins) <= tolerance * walls.norms
        active = (margins > 0.0) & ~on
        sizes = np.abs(walls.pulls) * walls.norms
        total = float(np.sum(sizes[active | on]))
        if total == 0.0:
            continue
        pull = walls.pulls[active] @ walls.x[active]
        pull = pull - (pull @ u) * u
        columns = walls.pulls[on, None] * (walls.x[on] - np.outer(walls.x[on] @ u, u))
        if columns.size:
            bound = 16.0 * EPS * total * sizes[on]
            gates = box_least_squares(
                columns @ columns.T, columns @ pull, np.full(columns.shape[0], 0.5), bound
            )
            pull = pull + gates @ columns
        result[k] = np.linalg.norm(pull) / total
    return result


def _assemble(
    log: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    states: list[Neurons],
    record: bool,
    events: np.ndarray,
    status: np.ndarray,
    entries: np.ndarray,
    t_end: float,
) -> LimitPath:
    m, length = events.size, len(log)
    times = np.full((m, length), np.inf)
    kinds = np.full((m, length), -1, dtype=np.int8)
    data = np.full((m, length), -1, dtype=np.int32)
    for count, (index, time, kind, datum) in enumerate(log):
        times[index, count], kinds[index, count], data[index, count] = time, kind, datum
    slots = length if record else 1
    dimension, n = states[0].weights.shape[1], states[0].margins.shape[1]
    weights = np.full((m, slots, dimension), np.nan)
    force = np.full((m, slots, dimension), np.nan)
    outputs, log_scale = np.full((m, slots), np.nan), np.full((m, slots), np.nan)
    patterns = np.full((m, slots, n), -1, dtype=np.int8)
    for count, state in enumerate(states):
        slot = count if record else 0
        weights[state.who, slot], force[state.who, slot] = state.weights, state.force
        outputs[state.who, slot], log_scale[state.who, slot] = state.outputs, state.log_scale
        patterns[state.who, slot] = state.patterns
    return LimitPath(
        times, kinds, data, weights, outputs, log_scale, force, patterns, events, status, entries, t_end
    )
