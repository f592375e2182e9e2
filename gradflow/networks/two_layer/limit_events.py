"""The events of the ε → 0 limit, for many neurons at once: find the next, go there, choose the gates."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import to_numpy
from gradflow.networks.two_layer.filippov import choose_gates, solve_semidefinite
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.motion import EPS, angle_after, frame, output_after, reach
from gradflow.networks.two_layer.network import TwoLayer, normalize
from gradflow.networks.two_layer.patterns import ACTIVE, INACTIVE, SLIDING

START, WALL, TURN = range(3)
_LARGEST_GRAM = 4096


class Walls(NamedTuple):
    """The data: inputs (n, D), pulls (n,), norms (n,), the Gram matrix unless it is too large, labels."""

    x: np.ndarray
    pulls: np.ndarray
    norms: np.ndarray
    gram: np.ndarray | None
    labels: np.ndarray


class Neurons(NamedTuple):
    """The neurons under way; arrays that are changed in place.

    `who` says which neurons of the network they are; `sigma` is the sign of v, 0 for one at rest at v = 0;
    `imbalance` v² − ‖w‖²; `margins` x_i·w; `rates` x_i·G; `extent` the largest ‖w‖ that the margins' rounding
    errors come from.
    """

    who: np.ndarray
    time: np.ndarray
    weights: np.ndarray
    outputs: np.ndarray
    log_scale: np.ndarray
    sigma: np.ndarray
    imbalance: np.ndarray
    margins: np.ndarray
    gates: np.ndarray
    patterns: np.ndarray
    force: np.ndarray
    rates: np.ndarray
    extent: np.ndarray


class Next(NamedTuple):
    """The next events: kind (−1 for none), whose wall, L = ‖Δw‖, V there, and the time it takes."""

    kind: np.ndarray
    datum: np.ndarray
    length: np.ndarray
    output: np.ndarray
    duration: np.ndarray


def walls_of(objective: Objective) -> Walls:
    """Return the data and their pulls at f = 0, in float64."""
    x = objective.data.inputs.astype(np.float64)
    labels = objective.data.labels.astype(np.float64)
    pulls = objective.weight * objective.loss.at_zero * labels
    gram = x @ x.T if x.shape[0] <= _LARGEST_GRAM else None
    return Walls(x, pulls, np.sqrt(np.einsum("nd,nd->n", x, x)), gram, labels)


def imbalance_of(weights: np.ndarray, outputs: np.ndarray, eps: float) -> np.ndarray:
    """Return v² − ‖w‖² of normalised neurons, 0 where it is rounding."""
    difference = outputs**2 - np.einsum("md,md->m", weights, weights)
    return np.asarray(np.where(np.abs(difference) <= 16.0 * eps, 0.0, difference))


def sign_of(weights: np.ndarray, outputs: np.ndarray, force: np.ndarray) -> np.ndarray:
    """Return the sign of v, where v = 0 that of dv/dt = w·G; 0 where that too is 0, to within rounding."""
    growth = np.einsum("md,md->m", weights, force)
    largest = np.einsum("md,md->m", np.abs(weights), np.abs(force))
    growth = np.where(np.abs(growth) <= 64.0 * EPS * largest, 0.0, growth)
    return np.asarray(np.where(outputs == 0.0, np.sign(growth), np.sign(outputs)))


def start(network: TwoLayer, walls: Walls) -> Neurons:
    """Return the neurons at time 0; on a wall, to within rounding, gates are 0."""
    arrays = [to_numpy(array) for array in network]
    eps = float(np.finfo(arrays[0].dtype).eps)
    given, first, scales = (np.array(array, dtype=np.float64) for array in arrays)
    flat = normalize(TwoLayer(given.reshape(-1, walls.x.shape[1]), first.reshape(-1), scales.reshape(-1)))
    weights, outputs = np.asarray(flat.weights), np.asarray(flat.outputs)
    imbalance = imbalance_of(weights, outputs, eps)
    size = np.sqrt(np.einsum("md,md->m", weights, weights))
    # A neuron that is zero has no imbalance either.
    even = (imbalance == 0.0) & (size > 0.0)
    weights = np.where(
        even[:, None], weights * (math.sqrt(0.5) / np.where(even, size, 1.0))[:, None], weights
    )
    outputs = np.where(even, np.copysign(math.sqrt(0.5), outputs), outputs)
    margins = weights @ walls.x.T
    extent = np.sqrt(np.einsum("md,md->m", weights, weights))
    margins[np.abs(margins) <= _wall_width(walls, extent)] = 0.0
    active = margins > 0.0
    gates = active.astype(np.float64)
    force = (gates * walls.pulls) @ walls.x
    force[_no_more_than(force, _force_noise(gates, walls))] = 0.0
    sigma = sign_of(weights, outputs, force)
    return Neurons(
        np.arange(outputs.size), np.zeros(outputs.size), weights, outputs, flat.log_scale, sigma, imbalance,
        margins, gates, active.astype(np.int8), force, force @ walls.x.T, extent,
    )  # fmt: skip


def _wall_width(walls: Walls, extent: np.ndarray) -> np.ndarray:
    """Return the rounding errors of margins, shape (m, n)."""
    return np.asarray(64.0 * EPS * extent[:, None] * walls.norms)


def _force_noise(gates: np.ndarray, walls: Walls) -> np.ndarray:
    """Return the rounding errors of ‖G‖, shape (m,)."""
    return np.asarray(32.0 * EPS * (gates @ (np.abs(walls.pulls) * walls.norms)))


def _no_more_than(force: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("md,md->m", force, force)) <= noise)


def selected(neurons: Neurons, which: np.ndarray) -> Neurons:
    """Return some of the neurons."""
    return neurons if bool(np.all(which)) else Neurons(*(field[which] for field in neurons))


def copied(neurons: Neurons) -> Neurons:
    """Return the neurons as they are now."""
    return Neurons(*(field.copy() for field in neurons))


def next_events(neurons: Neurons, walls: Walls) -> Next:
    """Return the first wall or turn of v that each neuron will come to."""
    noise = _force_noise(neurons.gates, walls)
    slides = np.any(neurons.patterns == SLIDING, axis=1)
    motion = frame(neurons.weights, neurons.outputs, neurons.sigma, neurons.imbalance, neurons.force, slides)
    moves = (neurons.sigma != 0.0) & (motion.size > 0.0)
    speed = neurons.sigma[:, None] * neurons.rates
    least = noise[:, None] * walls.norms
    meets = ((neurons.patterns == ACTIVE) & (speed < -least)) | (
        (neurons.patterns == INACTIVE) & (speed > least)
    )
    meets &= moves[:, None]
    distance = np.where(meets, np.abs(neurons.margins) / np.where(meets, np.abs(speed), 1.0), np.inf)
    datum = np.argmin(distance, axis=1).astype(np.int32)
    length = np.min(distance, axis=1) * np.where(moves, motion.size, 1.0)
    far = np.where(moves, reach(motion), np.inf)
    turns = moves & (motion.constant < 0.0) & np.isfinite(far) & (far <= length)
    # With q = 0 the end of the way is never reached; exactly antiparallel, all margins vanish there together.
    shrinks = np.isfinite(far) & (motion.constant == 0.0) & ((motion.across == 0.0) | (length >= far))
    never = ~turns & (~np.isfinite(length) | shrinks)
    kind = np.where(never, -1, np.where(turns, TURN, WALL)).astype(np.int8)
    length = np.where(never, 0.0, np.where(turns, far, length))
    output = np.where(turns, 0.0, output_after(motion, length))
    angle = angle_after(motion, length, output)
    duration = np.where(never, np.inf, angle / np.where(moves, motion.size, 1.0))
    return Next(kind, np.where(kind == WALL, datum, -1).astype(np.int32), length, output, duration)


def advance(neurons: Neurons, coming: Next) -> None:
    """Move to the event and renormalise."""
    size = np.sqrt(np.einsum("md,md->m", neurons.force, neurons.force))
    distance = neurons.sigma * coming.length / size
    before = np.einsum("md,md->m", neurons.weights, neurons.weights)
    neurons.weights[:] += distance[:, None] * neurons.force
    neurons.margins[:] += distance[:, None] * neurons.rates
    squared = np.einsum("md,md->m", neurons.weights, neurons.weights)
    # v² − ‖w‖² does not change; its use keeps the neuron on it where that subtracts nothing.
    output = np.where(
        neurons.imbalance >= 0.0, np.sqrt(np.maximum(neurons.imbalance, 0.0) + squared), coming.output
    )
    radius = np.sqrt(squared + output**2)
    neurons.outputs[:] = neurons.sigma * output / radius
    neurons.sigma[coming.kind == TURN] *= -1.0
    neurons.extent[:] = np.sqrt(np.maximum(before, squared)) / radius
    neurons.weights[:] /= radius[:, None]
    neurons.margins[:] /= radius[:, None]
    neurons.imbalance[:] /= radius**2
    neurons.log_scale[:] += np.log(radius)
    neurons.time[:] += coming.duration
    rows = np.flatnonzero(coming.kind == WALL)
    neurons.margins[rows, coming.datum[rows]] = 0.0


def refresh(neurons: Neurons, walls: Walls) -> None:
    """Compute margins, forces and rates anew, without the rounding errors of many updates."""
    kept = (neurons.margins == 0.0) & (neurons.rates == 0.0)
    zero = neurons.margins == 0.0
    neurons.margins[:] = np.where(zero, 0.0, neurons.weights @ walls.x.T)
    neurons.force[:] = (neurons.gates * walls.pulls) @ walls.x
    neurons.rates[:] = np.where(kept, 0.0, neurons.force @ walls.x.T)


def meet_walls(neurons: Neurons, walls: Walls, kind: np.ndarray, datum: np.ndarray) -> None:
    """Decide the gates of all data on whose walls the neurons are; their margins become exactly 0."""
    width = _wall_width(walls, neurons.extent)
    on = np.abs(neurons.margins) <= width
    neurons.margins[on] = 0.0
    many = np.sum(on, axis=1)
    noise = np.maximum(_force_noise(np.maximum(neurons.gates, on), walls), np.finfo(float).tiny)
    gates = neurons.gates.copy()
    easy = np.flatnonzero((kind == WALL) & (many == 1))
    k = datum[easy]
    old = neurons.gates[easy, k]
    speed = neurons.sigma[easy] * neurons.rates[easy, k]
    effect = neurons.sigma[easy] * walls.pulls[k] * walls.norms[k] ** 2
    new = 1.0 - old
    after = speed + (new - old) * effect
    crosses = (effect >= 0.0) | (np.where(old > 0.5, -after, after) >= -noise[easy] * walls.norms[k])
    gates[easy, k] = np.where(crosses, new, old - speed / np.where(crosses, 1.0, effect))
    neurons.patterns[easy, k] = np.where(crosses, np.where(new > 0.5, ACTIVE, INACTIVE), SLIDING)
    hard = np.flatnonzero((many > 0) & ((kind != WALL) | (many > 1)) & (neurons.sigma != 0.0))
    for row in hard.tolist():
        which, gram = _put_on_walls(neurons, walls, row, on, width[row])
        guess = neurons.gates[row, which]
        rates = neurons.rates[row, which] - gram @ (walls.pulls[which] * guess)
        if kind[row] == TURN:
            # What slid is on a ridge that now repels: relu′(0) = 0.
            guess = np.where(neurons.patterns[row, which] == SLIDING, 0.0, guess)
        chosen, slides = choose_gates(
            float(neurons.sigma[row]), guess, walls.pulls[which], rates, gram, noise[row] * walls.norms[which]
        )
        gates[row, which] = chosen
        neurons.patterns[row, which] = np.where(slides, SLIDING, np.where(chosen > 0.5, ACTIVE, INACTIVE))
    _change_gates(neurons, walls, gates)
    flat = on & (np.abs(neurons.rates) <= noise[:, None] * walls.norms)
    neurons.rates[flat | (neurons.patterns == SLIDING)] = 0.0
    none = _no_more_than(neurons.force, noise)
    neurons.force[none], neurons.rates[none] = 0.0, 0.0


def _put_on_walls(
    neurons: Neurons, walls: Walls, row: int, on: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Project w onto the walls it is on; return which these are, and their Gram matrix.

    The projection may be on more walls: on all of them where a neuron slides through w = 0.
    """
    while True:
        which = np.flatnonzero(on[row])
        x = walls.x[which]
        gram = x @ x.T if walls.gram is None else walls.gram[np.ix_(which, which)]
        amount = solve_semidefinite(gram, x @ neurons.weights[row])
        off = amount @ x
        neurons.weights[row] -= off
        neurons.margins[row] -= walls.x @ off if walls.gram is None else amount @ walls.gram[which]
        neurons.margins[row, which] = 0.0
        on[row] |= np.abs(neurons.margins[row]) <= width
        if which.size == np.sum(on[row]):
            return which, gram


def _change_gates(neurons: Neurons, walls: Walls, gates: np.ndarray) -> None:
    """Set the gates and update forces and rates by what changed."""
    change = (gates - neurons.gates) * walls.pulls
    neurons.gates[:] = gates
    rows, columns = np.nonzero(change)
    if rows.size == 0:
        return
    touched, counts = np.unique(rows, return_counts=True)
    single = np.isin(rows, touched[counts == 1])
    one, column = rows[single], columns[single]
    amount = change[one, column][:, None]
    neurons.force[one] += amount * walls.x[column]
    several = touched[counts > 1]
    neurons.force[several] += change[several] @ walls.x
    if walls.gram is None:
        neurons.rates[touched] = neurons.force[touched] @ walls.x.T
    else:
        neurons.rates[one] += amount * walls.gram[column]
        neurons.rates[several] += change[several] @ walls.gram


def note_entries(entries: np.ndarray, neurons: Neurons, walls: Walls) -> None:
    """Note in `entries` (m, 3) the time of neurons that are in S₊, S₋ or S_dead for the first time."""
    for column, goal in enumerate((walls.labels > 0.0, walls.labels < 0.0, np.zeros(walls.labels.size))):
        inside = np.all(neurons.patterns == goal, axis=1)
        now = entries[neurons.who, column]
        entries[neurons.who, column] = np.where(inside, np.minimum(now, neurons.time), now)
