"""Sides of walls on which a network's neurons are, in scalar code that Numba compiles as it stands."""

from __future__ import annotations

import math
from typing import Any

from gradflow.base.error_free import affine
from gradflow.networks.line.network import SPLIT
from gradflow.networks.line.walls import ROUNDING

Numbers = Any


def preactivation(state: Numbers, walls: Numbers, at: Any) -> Any:
    """Return a neuron's pre-activation at a wall; `at` counts walls, and neurons for each."""
    m = state.shape[0] // 3
    return affine(state[at % m], walls[at // m], state[m + at % m], SPLIT)


def terms(state: Numbers, walls: Numbers, at: Any) -> Any:
    """Return the size of what a pre-activation at a wall is the sum of."""
    m = state.shape[0] // 3
    return abs(state[at % m]) * abs(walls[at // m]) + abs(state[m + at % m])


def depth(state: Numbers, side: Numbers, walls: Numbers, at: Any) -> Any:
    """Return how far before a wall a neuron is; negative behind it."""
    return side[at] * preactivation(state, walls, at)


def is_behind(state: Numbers, side: Numbers, walls: Numbers, at: Any) -> Any:
    """Return whether a neuron is behind a wall, by more than rounding."""
    return depth(state, side, walls, at) < -ROUNDING * terms(state, walls, at)


def earliest(before: Numbers, after: Numbers, side: Numbers, walls: Numbers) -> Any:
    """Return which wall is crossed first on the straight way between two states, −1 if none is."""
    first, least = -1, math.inf
    for at in range(side.shape[0]):
        if is_behind(after, side, walls, at):
            left, gone = max(depth(before, side, walls, at), 0.0), -depth(after, side, walls, at)
            share = left / (left + gone)
            if share < least:
                first, least = at, share
    return first


def know(state: Numbers, side: Numbers, walls: Numbers) -> None:
    """Note on which sides of walls a network's neurons are, where that was not known."""
    for at in range(side.shape[0]):
        if side[at] == 0.0:
            z = preactivation(state, walls, at)
            if abs(z) > ROUNDING * terms(state, walls, at):
                side[at] = 1.0 if z > 0.0 else -1.0
