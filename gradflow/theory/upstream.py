"""A dead neuron behind a layer that goes on learning: when its moving input brings it back, in closed form.

The network is f(u) = w2 ReLU(w1 x + b1) + d x with x = a u + c: an upstream layer (a, c), a ReLU neuron, and
a second path d x around it. The input u has mean 0 and variance 1 on [lo, hi]; the teacher enters through
its best line p u + q. While the neuron is dead only a, c and d move, and ``derivations/18_upstream.py``
solves their flow: z = (a, c, d) obeys z' = G z − |z|² z with a constant symmetric matrix G.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.backend import ArrayLike
from gradflow.descent.hyper import NON_NEGATIVE
from gradflow.problem import numbers
from gradflow.theory.steps import NEVER

_ROOT3 = 3.0**0.5
_STANDARD = 1e-9
"""How far mean and variance of a standardised sample may be from 0 and 1."""

_TRIALS = 20_000
"""Intervals that are looked at before a trajectory that grazes its wall is given up."""


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

    Parameters
    ----------
    u, targets : array, shape (N,)
        Inputs of mean 0 and variance 1, and what the network should return there.

    Raises
    ------
    ValueError
        If the shapes differ, or the inputs are not standardised.
    """
    x, g = (numbers(name, value).astype(float) for name, value in (("u", u), ("targets", targets)))
    if x.ndim != 1 or x.size == 0 or g.shape != x.shape:
        raise ValueError(f"targets: expected one for each input of shape (N,), got {g.shape} for {x.shape}")
    mean, variance = float(np.mean(x)), float(np.mean(x * x))
    if not (abs(mean) < _STANDARD and abs(variance - 1.0) < _STANDARD):
        raise ValueError(f"u: expected mean 0 and variance 1, got {mean:g} and {variance - mean**2:g}")
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
    a, c, w1, b1 = (np.asarray(value, dtype=float) for value in network[:4])
    ends = (w1 * (a * np.asarray(end, dtype=float) + c) + b1 for end in (task.lo, task.hi))
    return np.asarray(np.maximum(*ends))


def path(network: Network, task: Task, t: ArrayLike) -> Upstream:
    """Return a, c and d after the time t ≥ 0 of the flow that they follow while the neuron is dead.

    For a neuron that comes back at `revival_time`, this is the network's path until then.
    """
    flow, t = _Flow.of(network, task), np.asarray(t, dtype=float)
    fade = np.exp(-2.0 * flow.lam * t)
    along = [plus + minus * fade for plus, minus in zip(flow.plus, flow.minus, strict=True)]
    across = flow.across * np.exp(-flow.gap * t)
    scale = np.sqrt(flow.square(t, t)[0])
    (ey, ez), v = flow.axes, along[0]
    # On the way to a saddle all of it underflows in the end.
    safe, end = np.where(scale > 0.0, scale, 1.0), limit(network, task)
    parts = (v * ey - across * ez, v * ez + across * ey, along[1])
    return Upstream(*(np.where(scale > 0.0, p / safe, last) for p, last in zip(parts, end, strict=True)))


def limit(network: Network, task: Task = UNIFORM) -> Upstream:
    """Return where the flow of a dead neuron's network takes a, c and d if the neuron stays dead for ever.

    With κ = a² + c² − d², Y² = p² + q² and λ = √(κ² + 4Y²) it is one of the two minima with d² = (λ − κ)/2
    and d (a, c) = (p, q): that at which d has the sign of 2 (p a + q c) + (λ − κ) d. Where this is 0, it
    is a saddle.
    """
    flow = _Flow.of(network, task)
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
    end: no crossing is stepped over. A trajectory that touches its wall to within rounding counts as back.
    For a sample it is the time at which the wall is reached, where the neuron's own push may hold it.

    Returns
    -------
    array
        The infimum of the times with a positive pre-activation, to about 1e-12 of itself. NaN where a
        parameter is NaN, or where the wall is approached for ever so closely that rounding hides the answer.
    """
    flow = _Flow.of(network, task)
    shape = flow.lam.shape
    w1, b1, lo, hi = (
        np.broadcast_to(np.asarray(value, dtype=float), shape)
        for value in (network.w1, network.b1, task.lo, task.hi)
    )
    at_ends = [_first(flow.flat(), *(part.ravel() for part in (w1, b1, end))) for end in (lo, hi)]
    time = np.minimum(*at_ends).reshape(shape)
    start = np.broadcast_to(preactivation(network, task), shape)
    return np.where(start > 0.0, 0.0, np.where(np.isnan(start), np.nan, time))


def earliest_revival(network: Network, task: Task = UNIFORM) -> np.ndarray:
    """Return a time before which no dead neuron comes back.

    It is the least z_e²/(1 + e²) of both ends over w1² |d (a, c) − (p, q)|²: until t the flow's path is no
    longer than √(t ΔL). 0 for one that is not dead, ∞ where nothing moves.
    """
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
        If a rate is negative or not finite.
    """
    NON_NEGATIVE.check("rate", rate)
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


class _Flow(NamedTuple):
    """z(t) = exp(Gt) z(0)/√D(t), in coordinates along and across (p, q), exp(−λt) taken out of both."""

    kappa: np.ndarray
    lam: np.ndarray
    gap: np.ndarray  # λ − κ
    axes: tuple[np.ndarray, np.ndarray]  # (p, q)/Y
    plus: tuple[np.ndarray, np.ndarray]  # the components of ((a, c) along, d) that belong to λ, and to −λ
    minus: tuple[np.ndarray, np.ndarray]
    across: np.ndarray

    @classmethod
    def of(cls, network: Network, task: Task) -> _Flow:
        """Decompose z(0)."""
        values = np.broadcast_arrays(
            *(np.asarray(v, dtype=float) for v in (*network, *task)),
        )
        a, c, _, _, _, d, _, _, slope, level = values
        size = np.hypot(slope, level)
        safe = np.where(size > 0.0, size, 1.0)
        ey, ez = np.where(size > 0.0, slope / safe, 1.0), level / safe
        length = np.hypot(a, c)
        kappa = (length - np.abs(d)) * (length + np.abs(d))
        lam = np.hypot(kappa, 2.0 * size)
        wide = lam + np.abs(kappa)
        # λ − |κ| without cancellation.
        narrow = 4.0 * size**2 / np.where(wide > 0.0, wide, 1.0)
        ux, uy = np.where(kappa >= 0.0, wide, 2.0 * size), np.where(kappa >= 0.0, 2.0 * size, wide)
        norm = np.hypot(ux, uy)
        ux = np.where(norm > 0.0, ux, 1.0)
        norm = np.where(norm > 0.0, norm, 1.0)
        ux, uy = ux / norm, uy / norm
        along, across = a * ey + c * ez, c * ey - a * ez
        ahead, behind = along * ux + d * uy, d * ux - along * uy
        return cls(
            kappa,
            lam,
            np.where(kappa >= 0.0, narrow, wide),
            (ey, ez),
            (ahead * ux, ahead * uy),
            (-behind * uy, behind * ux),
            across,
        )

    def flat(self) -> _Flow:
        """Return the same with one axis."""
        parts = (tuple(v.ravel() for v in p) if isinstance(p, tuple) else p.ravel() for p in self)
        return _Flow._make(parts)

    def at(self, which: np.ndarray) -> _Flow:
        """Return some of them."""
        parts = (tuple(v[which] for v in p) if isinstance(p, tuple) else p[which] for p in self)
        return _Flow._make(parts)

    def square(self, t0: np.ndarray, t1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of exp(−2λt) D(t) for t0 ≤ t ≤ t1: the value itself where both are equal."""
        ahead = self.plus[0] ** 2 + self.plus[1] ** 2
        behind, across = self.minus[0] ** 2 + self.minus[1] ** 2, self.across**2
        fade0, fade1 = _decay(2.0 * self.lam, t0), _decay(2.0 * self.lam, t1)
        grow0, grow1 = _growth(self.lam, t0), _growth(self.lam, t1)
        side0, side1 = _growth(np.abs(self.kappa), t0), _growth(np.abs(self.kappa), t1)
        slow = 2.0 * np.where(self.kappa > 0.0, self.gap, self.lam)
        slow0, slow1 = _decay(slow, t0), _decay(slow, t1)
        low = fade1 + ahead * grow0 + behind * fade1 * grow0 + across * slow1 * side0
        high = (
            fade0 + _product(ahead, grow1) + _product(behind * fade0, grow1) + _product(across * slow0, side1)
        )
        return low, high


def _decay(speed: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return exp(−speed t), 1 for the speed 0 also at t = ∞."""
    return np.asarray(np.exp(-np.where(speed == 0.0, 0.0, speed) * np.where(speed == 0.0, 0.0, t)))


def _growth(speed: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return (1 − exp(−2 speed t))/speed, which is 2t for the speed 0."""
    still = speed * np.where(np.isinf(t), 1.0, t) < 1e-300
    safe = np.where(still, 1.0, speed)
    return np.asarray(np.where(still, 2.0 * t, -np.expm1(-2.0 * safe * np.where(still, 0.0, t)) / safe))


def _product(factor: np.ndarray, grown: np.ndarray) -> np.ndarray:
    """Return a product that is 0 where the first factor is."""
    return np.asarray(np.where(factor == 0.0, 0.0, factor * np.where(factor == 0.0, 0.0, grown)))


def _first(flow: _Flow, w1: np.ndarray, b1: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the first time at which w1 (a e + c) + b1 > 0, for flat arrays."""
    ey, ez = flow.axes
    to, side = w1 * (end * ey + ez), w1 * (ey - end * ez)
    terms = (to * flow.plus[0], to * flow.minus[0], side * flow.across)
    found = np.full(w1.shape, np.nan)
    left = np.flatnonzero(~np.isnan(flow.lam + to + side + b1))
    t, step = np.zeros(left.size), 0.1 / (1.0 + flow.lam[left])
    for _ in range(_TRIALS):
        if not left.size:
            break
        part, its = flow.at(left), [term[left] for term in terms]
        for_ever = _excluded(part, its, b1[left], t, np.inf * np.ones_like(t))
        free = _excluded(part, its, b1[left], t, t + step)
        t = np.where(free, t + step, t)
        step = np.where(free, 2.0 * step, 0.5 * step)
        there = ~for_ever & (step <= 1e-14 * t + 1e-300)
        found[left[for_ever]], found[left[there]] = np.inf, t[there]
        keep = ~for_ever & ~there
        left, t, step = left[keep], t[keep], step[keep]
    return found


def _excluded(
    flow: _Flow, terms: list[np.ndarray], b1: np.ndarray, t0: np.ndarray, t1: np.ndarray
) -> np.ndarray:
    """Whether bounds keep the pre-activation ≤ 0 from t0 to t1."""
    level, fading, slow = terms
    fade = np.where(fading > 0.0, _decay(2.0 * flow.lam, t0), _decay(2.0 * flow.lam, t1))
    side = np.where(slow > 0.0, _decay(flow.gap, t0), _decay(flow.gap, t1))
    low, high = flow.square(t0, t1)
    size = np.sqrt(np.where(b1 > 0.0, high, low))
    return np.asarray(level + fading * fade + slow * side + _product(b1, size) <= 0.0)
