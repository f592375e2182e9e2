"""The limit flow under Assumption 1 in plain NumPy, pattern by pattern, for many data sets at once.

All margins z·w of a living neuron with v > 0 grow (derivation 22), so what is left to cross are those that
are negative. Along the force, with p = w·G/|G|, the time is ln((p + v)/(p0 + v0))/|G|.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Starts(NamedTuple):
    """B cases: signed data z (B, n, D), labels (B, n), w (B, D) and v > 0 (B,)."""

    z: np.ndarray
    labels: np.ndarray
    w: np.ndarray
    v: np.ndarray


class Ends(NamedTuple):
    """When each neuron is in S₊ or dead (inf: never), which of the two, and how long each pattern lasted."""

    time: np.ndarray
    dead: np.ndarray
    lengths: list[np.ndarray]
    counts: list[np.ndarray]


def random_starts(rng: np.random.Generator, count: int, n: int, dimension: int) -> Starts:
    """Return cases with Assumption 1: unit axis plus sideways parts of any size, lengths in [½, 2]."""
    sides = rng.normal(size=(count, n, dimension)) * np.exp(rng.uniform(-3, 1, (count, 1, 1)))
    z = sides + np.eye(dimension)[0] * 1.0
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    good = smallest_cosine(z) > 1e-6
    z = z[good] * rng.uniform(0.5, 2.0, (good.sum(), n, 1))
    labels = np.where(rng.random(z.shape[:2]) < 0.5, 1.0, -1.0)
    w = rng.normal(size=(z.shape[0], dimension))
    # A third of them close to the cone −K, where the start is slow.
    close = rng.random(z.shape[0]) < 0.33
    mixed = -np.einsum("bn,bnd->bd", rng.random(z.shape[:2]) ** 4, z)
    w = np.where(close[:, None], mixed + 10 ** rng.uniform(-6, 0, (z.shape[0], 1)) * w, w)
    size = np.linalg.norm(w, axis=-1)
    return Starts(z, labels, w, size)


def smallest_cosine(z: np.ndarray) -> np.ndarray:
    """Return μ of each case; 1 where there is one datum."""
    units = z / np.linalg.norm(z, axis=-1, keepdims=True)
    cosines = units @ np.swapaxes(units, -1, -2)
    cosines[:, np.arange(z.shape[1]), np.arange(z.shape[1])] = 1.0
    return np.asarray(cosines.min(axis=(-1, -2)))


def follow(starts: Starts) -> Ends:
    """Follow every neuron to its alignment."""
    z, labels, w, v = starts
    w = w.copy()
    # v² − |w|² is constant, and exactly 0 for balanced neurons.
    excess = v * v - np.sum(w * w, axis=1)
    excess = np.where(np.abs(excess) < 1e-12 * v * v, 0.0, excess)
    crossed = np.einsum("bnd,bd->bn", z, w) >= 0.0
    # A positive datum whose margin is 0 is off, but comes on at once if anything is on.
    on_wall = (np.einsum("bnd,bd->bn", z, w) == 0.0) & (labels > 0)
    time, finished = np.zeros(v.size), np.zeros(v.size, bool)
    dead = np.zeros(v.size, bool)
    lengths, counts = [], []
    for event in range(z.shape[1] + 1):
        active = np.where(labels > 0, crossed, ~crossed)
        if event == 0:
            active &= ~on_wall
        dead |= ~finished & ~active.any(axis=1)
        finished |= dead | crossed.all(axis=1)
        if event == 0:
            active |= on_wall & ~dead[:, None]
        force = np.einsum("bn,bnd->bd", active.astype(float), z)
        size = np.where(finished, 1.0, np.linalg.norm(force, axis=-1))
        unit = force / size[:, None]
        p = np.einsum("bd,bd->b", w, unit)
        along = np.einsum("bnd,bd->bn", z, unit)
        margins = np.einsum("bnd,bd->bn", z, w)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(crossed, np.inf, p[:, None] - np.minimum(margins, 0.0) / along)
        first = np.argmin(reach, axis=1)
        goal = np.where(finished, p, reach[np.arange(v.size), first])
        # v² − p² is constant, too.
        across = np.sum((w - p[:, None] * unit) ** 2, axis=1) + excess
        grown = np.sqrt(goal * goal + across)
        with np.errstate(divide="ignore", invalid="ignore"):
            passed = (_log_sum(goal, grown, across) - _log_sum(p, np.sqrt(p * p + across), across)) / size
        passed = np.where(finished, 0.0, passed)
        lengths.append(passed)
        counts.append(np.where(finished, 0, active.sum(axis=1)))
        time += passed
        w = np.where(finished[:, None], w, w + (goal - p)[:, None] * unit)
        crossed[np.arange(v.size), first] |= ~finished
    return Ends(time, dead, lengths, counts)


def _log_sum(p: np.ndarray, v: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Return ln(p + v), v² = p² + across, also where p is close to −v."""
    return np.asarray(np.where(p >= 0.0, np.log(v + np.abs(p)), np.log(across) - np.log(v + np.abs(p))))
