"""Places: how many different ends are called local, and which, among any number of trajectories.

Neurons that are the same function on the input are at one place. Among the ends of one problem the loss
and the breakpoint tell functions apart; both are rounded to what a trajectory at rest is sure of, start by
start, so that parts of a grid can be counted in any order and put together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from gradflow.ends.outcome import LOCAL

LOSS = 1e-6
"""Losses closer than this, relatively, are one."""

BREAKPOINT = 1e-5
"""Breakpoints closer than this, relative to the input's width, are one."""

_FAR = 9e15


class Place(NamedTuple):
    """A local end.

    Attributes
    ----------
    loss, breakpoint : float
        Those of the first trajectory that ends here.
    n : int
        How many do.
    first : int
        The index of the first one.
    """

    loss: float
    breakpoint: float
    n: int
    first: int


Found = dict[tuple[int, int], Place]
"""Ends by their rounded logarithm of the loss and their rounded breakpoint."""


def found(
    outcome: np.ndarray, loss: np.ndarray, breakpoint_: np.ndarray, index: np.ndarray, lo: float, hi: float
) -> Found:
    """Return the local ends of some trajectories.

    Parameters
    ----------
    outcome, loss, breakpoint_, index : array
        Of one shape: codes, losses, breakpoints, and each trajectory's number in the whole.
    lo, hi : float
        The ends of the input.
    """
    local, width = np.ravel(outcome) == LOCAL, (hi - lo) or 1.0
    losses, breakpoints, numbers = (np.ravel(values)[local] for values in (loss, breakpoint_, index))
    rounded = np.rint(
        np.nan_to_num((breakpoints - lo) / (BREAKPOINT * width), nan=_FAR, posinf=_FAR, neginf=-_FAR)
    )
    keys = np.stack((np.rint(np.log(losses) / LOSS), np.clip(rounded, -_FAR, _FAR))).astype(np.int64)
    # Sorted by number, so that the first of each key is the first of all.
    order = np.argsort(numbers, kind="stable")
    unique, first, counts = np.unique(keys[:, order], axis=1, return_index=True, return_counts=True)
    at = order[first]
    return {
        (int(key[0]), int(key[1])): Place(float(losses[i]), float(breakpoints[i]), int(n), int(numbers[i]))
        for key, i, n in zip(unique.T, at, counts, strict=True)
    }


def joined(parts: Iterable[Found]) -> Found:
    """Return the ends of all parts, in whichever order they come."""
    whole: Found = {}
    for part in parts:
        for key, place in part.items():
            whole[key] = _both(whole[key], place) if key in whole else place
    return whole


def places(whole: Found) -> list[Place]:
    """Return the different ends, the most frequent first; keys next to each other are one."""
    groups: list[list[tuple[int, int]]] = []
    for by_loss in _runs(sorted(whole), 0):
        groups += _runs(sorted(by_loss, key=lambda key: key[1]), 1)
    ends = []
    for group in groups:
        place = whole[group[0]]
        for key in group[1:]:
            place = _both(place, whole[key])
        ends.append(place)
    return sorted(ends, key=lambda place: (-place.n, place.first))


def _both(a: Place, b: Place) -> Place:
    return min(a, b, key=lambda place: place.first)._replace(n=a.n + b.n)


def _runs(keys: list[tuple[int, int]], part: int) -> list[list[tuple[int, int]]]:
    """Return sorted keys cut where one of their parts grows by more than 1."""
    runs: list[list[tuple[int, int]]] = []
    for key in keys:
        if runs and key[part] - runs[-1][-1][part] <= 1:
            runs[-1].append(key)
        else:
            runs.append([key])
    return runs
