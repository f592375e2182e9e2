"""Activation patterns: the codes of gates, of their changes, and of the sets that neurons are in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, namespace

GATES = ("off", "on", "slides")
INACTIVE, ACTIVE, SLIDING = range(3)
"""A gate's code: a neuron is not active on a datum, is active, or slides along its wall w·x = 0."""

SWITCHES = (*GATES, "leaves on", "leaves off")
"""Changes of a gate: it goes off or on, begins to slide, or leaves its slide to the on or the off side."""

MEMBERSHIPS = ("none", "positive", "negative", "dead")
IN_NONE, IN_POSITIVE, IN_NEGATIVE, IN_DEAD = range(4)
"""A neuron's code: active on exactly the positive data (S₊), exactly the negative (S₋), or on none (dead)."""


class Entries(NamedTuple):
    """Times at which neurons first entered S₊, S₋ and S_dead, inf for never; arrays of shape (h,)."""

    positive: np.ndarray
    negative: np.ndarray
    dead: np.ndarray


def distinct(active: Array) -> Array:
    """Return how many of the patterns in (…, h, n) differ, shape (…)."""
    xp = namespace(active)
    ones = xp.astype(active, xp.float64)
    counts = xp.sum(ones, axis=-1)
    common = xp.matmul(ones, xp.matrix_transpose(ones))
    same = (common == counts[..., :, None]) & (common == counts[..., None, :])
    # A pattern counts with its first neuron: none of the neurons before it has the same.
    return xp.sum(xp.astype(xp.sum(xp.astype(xp.tril(same), xp.int64), axis=-1) == 1, xp.int64), axis=-1)


def membership(active: Array, y: Array) -> Array:
    """Return an index of `MEMBERSHIPS` for each neuron: int64 of shape (…, h)."""
    xp = namespace(active)
    any_active = xp.any(active, axis=-1)
    code = xp.zeros_like(any_active, dtype=xp.int64)
    for index, own in ((IN_POSITIVE, y > 0.0), (IN_NEGATIVE, y < 0.0)):
        inside = xp.all(active == own, axis=-1) & any_active
        code = xp.where(inside, xp.full_like(code, index), code)
    return xp.where(any_active, code, xp.full_like(code, IN_DEAD))
