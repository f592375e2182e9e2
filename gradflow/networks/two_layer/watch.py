"""Observables of networks: directions, activity and norms of their neurons, and when these change.

All take any leading axes, of networks or of recorded times, and work with log-norms, so that any scale will
do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, device, namespace, to_numpy
from gradflow.base.checks import require_shape
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, directions, log_norms, on_device, predict
from gradflow.networks.two_layer.patterns import GATES, MEMBERSHIPS, SLIDING, Entries, membership


class Spectrum(NamedTuple):
    """Singular values of W, the h weight vectors of a network.

    Attributes
    ----------
    log_largest : array, shape (…)
        log ‖W‖₂; −inf where W = 0.
    ratios : array, shape (…, min(h, D))
        Singular values over the largest, falling; 0 where W = 0.
    stable_rank : array, shape (…)
        ‖W‖_F²/‖W‖₂², between 1 and min(h, D); NaN where W = 0.
    """

    log_largest: Array
    ratios: Array
    stable_rank: Array


class Imbalance(NamedTuple):
    """c = ‖w‖² − v² of each neuron, which a gradient flow conserves; arrays of shape (…, h).

    Attributes
    ----------
    relative : array
        c/r² with r² = ‖w‖² + v²: 0 if balanced, from −1 to 1.
    log_size : array
        log |c|; −inf if balanced. Its digits are lost once `relative` is at rounding.
    """

    relative: Array
    log_size: Array


class Phases(NamedTuple):
    """Angles by which neurons turned, and factors by which they grew, between recorded times.

    Attributes
    ----------
    t : array, shape (T,)
    turned : array, shape (T − 1, …, h)
        Angle between the directions of w_j at the interval's ends, in radians.
    growth : array, shape (T − 1, …, h)
        Change of log ‖w_j‖.
    log_norm : array, shape (T, …)
        log ‖W‖_F.
    """

    t: np.ndarray
    turned: Array
    growth: Array
    log_norm: Array


class Summary(NamedTuple):
    """Times at which the network turned and grew; arrays of shape (…), NaN where it never did.

    Attributes
    ----------
    turned : array
        All angles of all neurons together, in radians.
    half_turned, mostly_turned : array
        Time by which half and 90 % of that has happened.
    mostly_grown : array
        Time by which 90 % of the growth of ‖W‖_F from the first to the last record has happened; NaN where
        it has not grown.
    turned_before_growth : array
        Share of the turning that has happened when 10 % of the growth has: near 1 if there are two phases.
    """

    turned: np.ndarray
    half_turned: np.ndarray
    mostly_turned: np.ndarray
    mostly_grown: np.ndarray
    turned_before_growth: np.ndarray


def cosines(network: TwoLayer, data: Dataset) -> tuple[Array, Array]:
    """Return cos(w_j, x₊) and cos(w_j, x₋), shape (…, h); NaN where w_j or the sum of the data is 0."""
    xp = namespace(network.weights)
    like = network.weights
    units = directions(network)
    found = []
    for label in (1, -1):
        total = np.asarray(data.total(label), dtype=float)
        size = float(np.linalg.norm(total))
        unit = xp.asarray(total / (size or 1.0), dtype=like.dtype, device=device(like))
        cosine = xp.sum(units * unit, axis=-1)
        defined = (xp.sum(units * units, axis=-1) > 0.0) & (size > 0.0)
        found.append(xp.where(defined, cosine, xp.full_like(cosine, math.nan)))
    return found[0], found[1]


def memberships(patterns: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the `MEMBERSHIPS` of recorded gates (…, h, n); a neuron that slides is in no set."""
    codes = to_numpy(membership(np.asarray(patterns) == 1, np.asarray(labels)))
    return np.where(np.any(np.asarray(patterns) == SLIDING, axis=-1), 0, codes)


def entries(
    first: np.ndarray, switches: Iterable[tuple[float, int, int, str]], labels: np.ndarray, start: float = 0.0
) -> Entries:
    """Return when each neuron first entered S₊, S₋ and S_dead, exactly, from the changes of its gates.

    Parameters
    ----------
    first : array, shape (h, n)
        The gates at the start: the first of a path's `patterns`.
    switches : iterable of (t, neuron, datum, kind)
        All changes in order of time: a path's `crossings`.
    labels : array, shape (n,)
        Only their signs count.
    start : float
        The first time.

    Raises
    ------
    ValueError
        If a kind is unknown.
    """
    gates = np.array(first)
    member = memberships(gates, labels)
    times = np.full((len(MEMBERSHIPS), len(gates)), math.inf)
    times[member, np.arange(len(gates))] = start
    for (t, neuron), changes in groupby(sorted(switches), key=lambda switch: (switch[0], switch[1])):
        for _, _, datum, kind in changes:
            gate = kind.removeprefix("leaves ")
            if gate not in GATES:
                raise ValueError(f"switches: expected a kind of {', '.join(GATES)}, got {kind!r}")
            gates[neuron, datum] = GATES.index(gate)
        code = int(memberships(gates[neuron], labels))
        if code != member[neuron]:
            member[neuron] = code
            times[code, neuron] = min(times[code, neuron], t)
    return Entries(*times[1:])


def spectrum(network: TwoLayer) -> Spectrum:
    """Return the singular values of W, whatever its scale.

    Rows of W are divided by the largest ‖w_j‖ first, in logs; neurons below 1e-308 of it count as 0.
    """
    xp = namespace(network.weights)
    logs = log_norms(network)
    largest = xp.max(logs, axis=-1)
    there = largest > -math.inf
    largest = xp.where(there, largest, xp.zeros_like(largest))
    rows = directions(network) * xp.exp(logs - largest[..., None])[..., None]
    values = xp.linalg.svdvals(rows)
    top = xp.where(there, values[..., 0], xp.ones_like(largest))
    ratios = values / top[..., None]
    rank = xp.sum(ratios * ratios, axis=-1)
    return Spectrum(
        xp.where(there, largest + xp.log(top), xp.full_like(top, -math.inf)),
        ratios,
        xp.where(there, rank, xp.full_like(rank, math.nan)),
    )


def imbalance(network: TwoLayer) -> Imbalance:
    """Return ‖w‖² − v² of each neuron, relative to its r² and as a logarithm."""
    xp = namespace(network.weights)
    squares = xp.sum(network.weights**2, axis=-1)
    total = squares + network.outputs**2
    relative = (squares - network.outputs**2) / xp.where(total > 0.0, total, xp.ones_like(total))
    size = xp.abs(relative) * total
    there = size > 0.0
    logs = xp.log(xp.where(there, size, xp.ones_like(size))) + 2.0 * network.log_scale
    return Imbalance(relative, xp.where(there, logs, xp.full_like(logs, -math.inf)))


def log_largest_output(network: TwoLayer, objective: Objective) -> Array:
    """Return log max |f(x_i)| over the data, shape (…), also where f itself underflows; −inf for f = 0."""
    x, _ = on_device(objective, network)
    xp = namespace(network.weights)
    scale = xp.max(network.log_scale, axis=-1, keepdims=True)
    f = xp.max(xp.abs(predict(network._replace(log_scale=network.log_scale - scale), x)), axis=-1)
    there = f > 0.0
    logs = xp.log(xp.where(there, f, xp.ones_like(f))) + 2.0 * scale[..., 0]
    return xp.where(there, logs, xp.full_like(logs, -math.inf))


def phases(t: np.ndarray, network: TwoLayer) -> Phases:
    """Return how far neurons turned and how much they grew between the recorded times.

    Parameters
    ----------
    t : array, shape (T,)
    network : TwoLayer
        The states, with a first axis of length T.

    Raises
    ------
    ValueError
        If the times do not fit.
    """
    require_shape("t", t, network.outputs.shape[0])
    xp = namespace(network.weights)
    units = directions(network)
    before, after = units[:-1, ...], units[1:, ...]
    # Of small angles the difference keeps the digits, of large ones the sum does.
    apart = xp.sqrt(xp.sum((after - before) ** 2, axis=-1))
    together = xp.sqrt(xp.sum((after + before) ** 2, axis=-1))
    turned = 2.0 * xp.atan2(apart, together)
    logs = log_norms(network)
    alive = (logs[:-1, ...] > -math.inf) & (logs[1:, ...] > -math.inf)
    finite = xp.where(logs > -math.inf, logs, xp.zeros_like(logs))
    growth = xp.where(alive, finite[1:, ...] - finite[:-1, ...], xp.zeros_like(turned))
    largest = xp.max(logs, axis=-1)
    base = xp.where(largest > -math.inf, largest, xp.zeros_like(largest))
    squares = xp.sum(xp.exp(2.0 * (logs - base[..., None])), axis=-1)
    there = squares > 0.0
    norm = base + 0.5 * xp.log(xp.where(there, squares, xp.ones_like(squares)))
    return Phases(
        np.asarray(t, dtype=float),
        xp.where(alive, turned, xp.zeros_like(turned)),
        growth,
        xp.where(there, norm, xp.full_like(norm, -math.inf)),
    )


def summary(course: Phases) -> Summary:
    """Return when the turning and the growing happened; between records both go on evenly."""
    turned = to_numpy(course.turned)
    logs = to_numpy(course.log_norm)
    shape = logs.shape[1:]
    angle = np.concatenate([np.zeros((1, *shape)), np.cumsum(np.sum(turned, axis=-1), axis=0)])
    with np.errstate(invalid="ignore", under="ignore"):
        scaled = np.exp(logs - np.max(logs, axis=0))
        grown = scaled - scaled[0]
    out = np.full((5, *shape), math.nan)
    for index in np.ndindex(shape):
        a, g = angle[:, *index], grown[:, *index]
        out[(0, *index)] = a[-1]
        if a[-1] > 0.0:
            out[(1, *index)] = _reached(course.t, a, 0.5 * a[-1])
            out[(2, *index)] = _reached(course.t, a, 0.9 * a[-1])
        if g[-1] > 0.0:
            out[(3, *index)] = _reached(course.t, g, 0.9 * g[-1])
            if a[-1] > 0.0:
                early = _reached(course.t, g, 0.1 * g[-1])
                out[(4, *index)] = float(np.interp(early, course.t, a)) / a[-1]
    return Summary(*out)


def _reached(t: np.ndarray, values: np.ndarray, level: float) -> float:
    """Return when values that start at 0 first reach a level that they do reach, by linear interpolation."""
    i = int(np.argmax(values >= level))
    if i == 0:
        return float(t[0])
    share = (level - values[i - 1]) / (values[i] - values[i - 1])
    return float(t[i - 1] + share * (t[i] - t[i - 1]))
