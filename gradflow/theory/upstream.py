"""A dead neuron behind a layer that goes on learning: when its moving input brings it back, in closed form.

The network is f(u) = w2 ReLU(w1 x + b1) + d x with x = a u + c: an upstream layer (a, c), a ReLU neuron, and
a second path d x around it. The input u has mean 0 and variance 1 on [lo, hi]; the teacher enters through
its best line p u + q. While the neuron is dead only a, c and d move, and ``derivations/18_upstream.py``
solves their flow: z = (a, c, d) obeys z' = G z − |z|² z with a constant symmetric matrix G.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import ArrayLike
from gradflow.base.checks import numbers
from gradflow.base.error_free import affine, splitter, two_product, two_sum
from gradflow.descent.optimisers.hyper import NON_NEGATIVE
from gradflow.theory.steps import NEVER
from gradflow.theory.upstream_flow import Flow, Wall, first_active

_ROOT3 = 3.0**0.5
_STANDARD = 1e-13
"""How far mean and variance of a standardised sample may be from 0 and 1: what rounding leaves of them."""

_SLACK = 10.0 * _STANDARD
"""Relative errors that count against a trap: of rounding, and of a sample's mean and variance."""

_RADII = (1.0 / 64.0, 1.0 / 16.0, 0.125, 0.25, 0.375, 0.5, 0.75, 0.999)
"""Radii of the trap that are tried, over the largest."""

LARGEST = 1e50
"""Largest parameter: beyond it the bounds, of the sixth degree, overflow."""


class Network(NamedTuple):
    """f(u) = w2 ReLU(w1 (a u + c) + b1) + d (a u + c), or arrays of such networks that broadcast."""

    a: ArrayLike = 1.0
    c: ArrayLike = 0.0
    w1: ArrayLike = 1.0
    b1: ArrayLike = 0.0
    w2: ArrayLike = 1.0
    d: ArrayLike = 1.0


class Task(NamedTuple):
    """A standardised input's ends, and the teacher's best line: p = E[u f*(u)] and q = E[f*(u)].

    By default u is uniform on [−√3, √3] and f*(u) = ReLU(u).
    """

    lo: ArrayLike = -_ROOT3
    hi: ArrayLike = _ROOT3
    slope: ArrayLike = 0.5
    level: ArrayLike = _ROOT3 / 4.0


UNIFORM = Task()
"""The default task."""


class Upstream(NamedTuple):
    """The parameters that move while the neuron is dead."""

    a: np.ndarray
    c: np.ndarray
    d: np.ndarray


def sample_task(u: ArrayLike, targets: ArrayLike) -> Task:
    """Return the task that a sample sets, all inputs with equal weight.

    Standardise the inputs in double precision, (u − mean)/deviation, twice where the mean is large: the
    closed form is that of a mean of 0 and a variance of 1, and what is off by more than rounding has a flow
    of its own.

    Parameters
    ----------
    u, targets : array, shape (N,)
        Inputs of mean 0 and variance 1, and what the network should return there.

    Raises
    ------
    ValueError
        If the shapes differ, or the inputs are not standardised to 13 digits.
    """
    x, g = (numbers(name, value).astype(float) for name, value in (("u", u), ("targets", targets)))
    if x.ndim != 1 or x.size == 0 or g.shape != x.shape:
        raise ValueError(f"targets: expected one for each input of shape (N,), got {g.shape} for {x.shape}")
    mean, variance = float(np.mean(x)), float(np.mean(x * x))
    if not (abs(mean) < _STANDARD and abs(variance - 1.0) < _STANDARD):
        raise ValueError(
            f"u: expected mean 0 and variance 1 to {_STANDARD:g}, "
            f"got {mean:.3g} and {variance - mean**2:.14g}"
        )
    return Task(float(np.min(x)), float(np.max(x)), float(np.mean(x * g)), float(np.mean(g)))


def gradient(network: Network, u: ArrayLike, targets: ArrayLike) -> np.ndarray:
    """Return the gradient of E[(f − f*)²] over a sample by all six parameters, dead or not.

    Parameters
    ----------
    network : Network
    u, targets : array, shape (N,)
        Any inputs, equally weighted.

    Returns
    -------
    array, shape (6, …)
        In the order of `Network`'s fields. ReLU′(0) = 0.
    """
    a, c, w1, b1, w2, d = (np.asarray(value, dtype=float)[..., None] for value in network)
    u, targets = np.asarray(u, dtype=float), np.asarray(targets, dtype=float)
    x = a * u + c
    z = w1 * x + b1
    on = z > 0.0
    r = 2.0 * (w2 * np.where(on, z, 0.0) + d * x - targets)
    through = w2 * on * r
    of_x = w1 * through + d * r
    parts = np.broadcast_arrays(of_x * u, of_x, through * x, through, np.where(on, z, 0.0) * r, x * r)
    return np.asarray(np.mean(np.stack(parts), axis=-1))


def preactivation(network: Network, task: Task = UNIFORM) -> np.ndarray:
    """Return the larger pre-activation at the input's two ends: the neuron is dead iff it is ≤ 0."""
    return np.asarray(np.maximum(*(_preactivation(network, end) for end in (task.lo, task.hi))))


def path(network: Network, task: Task, t: ArrayLike) -> Upstream:
    """Return a, c and d after the time t ≥ 0 of the flow that they follow while the neuron is dead.

    For a neuron that comes back at `revival_time`, this is the network's path until then.

    Raises
    ------
    ValueError
        If a time is negative or not finite, or a parameter exceeds `LARGEST`.
    """
    NON_NEGATIVE.check("t", t)
    flow, t = _flow(network, task), np.asarray(t, dtype=float)
    # Late enough, speed times time is infinite, and what decays is 0.
    with np.errstate(over="ignore"):
        there = flow.square(t, t)[0] > 0.0
        parts = flow.state(t)
    # On the way to a saddle all of it underflows in the end.
    return Upstream(*(np.where(there, p, q) for p, q in zip(parts, limit(network, task), strict=True)))


def limit(network: Network, task: Task = UNIFORM) -> Upstream:
    """Return where the flow of a dead neuron's network takes a, c and d if the neuron stays dead for ever.

    With κ = a² + c² − d², Y² = p² + q² and λ = √(κ² + 4Y²) it is one of the two minima with d² = (λ − κ)/2
    and d (a, c) = (p, q): that at which d has the sign of 2 (p a + q c) + (λ − κ) d. Where this is 0, it
    is a saddle.

    Raises
    ------
    ValueError
        If a parameter exceeds `LARGEST`.
    """
    flow = _flow(network, task)
    ahead = flow.plus[0] ** 2 + flow.plus[1] ** 2
    level = np.where(flow.gap == 0.0, flow.across, 0.0)
    size = ahead + level**2
    # Without a component along the growing direction, the next one decides.
    last = size == 0.0
    stays = last & (flow.across != 0.0) & (flow.kappa > 0.0)
    level = np.where(stays, np.sign(flow.across), level)
    size = np.where(last, 1.0, size)
    length = np.sqrt(np.where(stays, flow.kappa, np.where(last, 0.0, flow.lam)) / size)
    (ey, ez), v = flow.axes, flow.plus[0]
    return Upstream(
        *(np.asarray(length * part) for part in (v * ey - level * ez, v * ez + level * ey, flow.plus[1]))
    )


def revival_time(network: Network, task: Task = UNIFORM) -> np.ndarray:
    """Return the time at which the flow makes a dead neuron active, ∞ if never, 0 for one that is not dead.

    Intervals of time are excluded one after another by bounds on the closed form, the last of them without an
    end, or by z, z′, z″ and a bound of z‴: no crossing is stepped over. A start on its wall that moves
    inwards is not back; a trajectory that touches its wall later, to within rounding, counts as back.

    It is the time at which the wall is reached. That the neuron is active after it needs a ≠ 0 then, and
    inputs without atoms (derivation 18, part 4): where all inputs cross at once (a = p = 0), or an atom of
    them does (a sample), the gradient jumps, and the neuron's own push may hold it at its wall.

    Returns
    -------
    array
        The infimum of the times with a positive pre-activation: to about 1e-12 of itself, and as well as a
        pre-activation that is rounded tells where it is grazed (z′ near 0). NaN where a parameter is NaN, or
        where the wall is approached for ever so closely that rounding hides the answer.

    Raises
    ------
    ValueError
        If a parameter exceeds `LARGEST`.
    """
    flow = _flow(network, task)
    shape = flow.lam.shape

    def wall(end: ArrayLike) -> Wall:
        parts = (network.w1, network.b1, end, _preactivation(network, end), task.slope, task.level)
        flat = [np.broadcast_to(np.asarray(part, dtype=float), shape).ravel() for part in parts]
        w1, b1, at, start, slope, level = flat
        return Wall(flow.flat(), w1, b1, at, start, (slope, level))

    time = np.minimum(*(first_active(wall(end)) for end in (task.lo, task.hi))).reshape(shape)
    start = np.broadcast_to(preactivation(network, task), shape)
    # What rests has no time, on its wall or not.
    time = np.where(earliest_revival(network, task) == np.inf, np.inf, time)
    return np.where(start > 0.0, 0.0, np.where(np.isnan(start), np.nan, time))


def earliest_revival(network: Network, task: Task = UNIFORM) -> np.ndarray:
    """Return a time before which no dead neuron comes back.

    It is the least z_e²/(1 + e²) of both ends over w1² |d (a, c) − (p, q)|²: until t the flow's path is no
    longer than √(t ΔL). 0 for one that is not dead, ∞ where nothing moves.

    Raises
    ------
    ValueError
        If a parameter exceeds `LARGEST`.
    """
    _check(network, task)
    a, c, w1, b1, _, d = (np.asarray(value, dtype=float) for value in network)
    slope, level = (np.asarray(value, dtype=float) for value in task[2:])
    excess = (d * a - slope) ** 2 + (d * c - level) ** 2
    far = np.inf * np.ones_like(excess + w1 + b1)
    for end in (np.asarray(task.lo, dtype=float), np.asarray(task.hi, dtype=float)):
        z = w1 * (a * end + c) + b1
        far = np.minimum(far, np.maximum(-z, 0.0) ** 2 / (1.0 + end * end))
    push = w1 * w1 * excess
    known = np.where(push > 0.0, far / np.where(push > 0.0, push, 1.0), np.inf)
    return np.where(preactivation(network, task) > 0.0, 0.0, known)


def revival_steps(network: Network, task: Task, rate: ArrayLike, longest: int = 10_000) -> np.ndarray:
    """Return after how many steps of gradient descent a dead neuron is active again.

    Until then only a, c and d move, by η times the gradient of |d (a, c) − (p, q)|²: training the whole
    network takes the same steps.

    Parameters
    ----------
    network : Network
    task : Task
    rate : number or array
        η ≥ 0, broadcast with the networks.
    longest : int
        How many steps are taken at most.

    Returns
    -------
    array of int64
        The steps, at least 1; 0 for those that are not dead; `NEVER` (−1) for those that are dead after
        `longest` steps, or whose parameters overflow before they are back.

    Raises
    ------
    ValueError
        If a rate is negative or not finite, or a parameter exceeds `LARGEST`.
    """
    NON_NEGATIVE.check("rate", rate)
    _check(network, task)
    eta = np.asarray(rate, dtype=float)
    values = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (*network, *task)), eta)
    shape = values[0].shape
    a, c, w1, b1, _, d, lo, hi, slope, level, eta = (value.ravel().copy() for value in values)
    found = np.where(np.maximum(w1 * (a * lo + c), w1 * (a * hi + c)) + b1 > 0.0, 0, NEVER)
    left = np.flatnonzero(found == NEVER)
    rows = [value[left] for value in (a, c, d, w1, b1, lo, hi, slope, level, 2.0 * eta)]
    # Far above the stable rates the parameters overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(1, longest + 1):
            if not left.size:
                break
            a, c, d, w1, b1, lo, hi, slope, level, eta = rows
            of_slope, of_level = d * a - slope, d * c - level
            rows[:3] = (
                a - eta * d * of_slope,
                c - eta * d * of_level,
                d - eta * (a * of_slope + c * of_level),
            )
            back = np.maximum(w1 * (rows[0] * lo + rows[1]), w1 * (rows[0] * hi + rows[1])) + b1 > 0.0
            stop = back | ~np.isfinite(rows[0] + rows[1] + rows[2])
            found[left[back]] = k
            if np.any(stop):
                left, rows = left[~stop], [row[~stop] for row in rows]
    return np.asarray(found.reshape(shape), dtype=np.int64)


def never_revived(network: Network, task: Task = UNIFORM, rate: ArrayLike = 0.0) -> np.ndarray:
    """Return which dead neurons gradient descent is proved never to bring back, at rates up to `rate`.

    (a, c, d) is then close to where it rests: all steps together are shorter than what would reach a wall
    (part 7). Those that are far from there may be asked again after some steps.

    Parameters
    ----------
    network : Network
    task : Task
    rate : number or array
        η ≥ 0, the largest rate; broadcast with the networks.

    Returns
    -------
    array of bool
        Sufficient, not necessary; errors of rounding count against it.

    Raises
    ------
    ValueError
        If a rate is negative or not finite, or a parameter exceeds `LARGEST`.
    """
    NON_NEGATIVE.check("rate", rate)
    _check(network, task)
    a, c, w1, b1, _, d, lo, hi, slope, level, eta = (
        np.asarray(v, dtype=float) for v in (*network, *task, rate)
    )
    miss = np.hypot(
        np.abs(d * a - slope) + _SLACK * np.abs(d * a), np.abs(d * c - level) + _SLACK * np.abs(d * c)
    )
    miss = miss + _SLACK * (np.abs(slope) + np.abs(level))
    room = np.abs(d)
    for end in (lo, hi):
        terms = np.abs(w1 * a * end) + np.abs(w1 * c) + np.abs(b1)
        distance = -(w1 * (a * end + c) + b1) - _SLACK * terms
        reach = np.abs(w1) * np.sqrt(1.0 + end * end)
        far = np.where(distance >= 0.0, np.inf, 0.0)
        room = np.minimum(room, np.where(reach > 0.0, distance / np.where(reach > 0.0, reach, 1.0), far))
    size, found = np.sqrt(a * a + c * c + d * d), miss < 0.0
    for share in _RADII:
        h = share * room
        left = 1.0 - eta * ((size + h) ** 2 + miss) * (1.0 + _SLACK)
        found = found | ((left > 0.0) & (h > 0.0) & (miss < left * (np.abs(d) - h) * h * (1.0 - _SLACK)))
    return np.asarray(found & (preactivation(network, task) <= 0.0))


def _preactivation(network: Network, end: ArrayLike) -> np.ndarray:
    """Return w1 (a e + c) + b1, rounded about once: its sign is right."""
    a, c, w1, b1, e = (np.asarray(value, dtype=float) for value in (*network[:4], end))
    split = splitter(np.float64)
    product, of_product = two_product(a, e, split)
    x, of_x = two_sum(product, c)
    return np.asarray(affine(w1, x, b1, split) + w1 * (of_x + of_product))


def _check(network: Network, task: Task) -> None:
    """Refuse infinite and enormous parameters; NaN is passed on."""
    for given in (network, task):
        for name, value in zip(given._fields, given, strict=True):
            flat = np.ravel(np.asarray(value, dtype=float))
            outside = flat[np.abs(flat) > LARGEST]
            if outside.size:
                raise ValueError(
                    f"{name}: expected a number between {-LARGEST:g} and {LARGEST:g}, got {outside[0]:g}"
                )


def _flow(network: Network, task: Task) -> Flow:
    """Decompose the flow from the networks, in the shape of all their parameters and the task's."""
    _check(network, task)
    values = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (*network, *task)))
    a, c, _, _, _, d, _, _, slope, level = values
    return Flow.of(a, c, d, slope, level)
