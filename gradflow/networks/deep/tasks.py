"""Tasks for deep networks: the teacher ReLU(x) in one dimension, and the digits 0 and 1."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.checks import integer
from gradflow.data import digits


class Task(NamedTuple):
    """Inputs of shape (n, d), targets of shape (n,), both in the range of 1, and a name."""

    name: str
    x: Any
    y: Any


def teacher_task(n: int = 64, lo: float = -1.0, hi: float = 1.0) -> Task:
    """Return ReLU(x) at n equally spaced inputs, ends included; d = 1.

    Raises
    ------
    ValueError
        If n < 2, or lo < hi does not hold.
    """
    n = integer("n", n, 2)
    if not lo < hi:
        raise ValueError(f"lo, hi: expected lo < hi, got {lo} and {hi}")
    x = np.linspace(lo, hi, n)
    return Task(f"ReLU(x) at {n} inputs in [{lo:g}, {hi:g}]", x[:, None], np.maximum(x, 0.0))


def digits_task(n: int = 100, pool: int = 2) -> Task:
    """Return n zeros and n ones of MNIST as inputs and −1 and 1 as targets, for the mean squared error.

    Parameters
    ----------
    n : int
        Of each digit, from 1 to 200.
    pool : int
        Pixels are averaged over squares of this side, a divisor of 28; d = (28/pool)².

    Raises
    ------
    ValueError
        If an argument is not allowed.
    """
    if pool not in (1, 2, 4, 7, 14, 28):
        raise ValueError(f"pool: expected a divisor of 28, got {pool}")
    images, labels = digits()
    if not 1 <= n <= np.sum(labels == 0):
        raise ValueError(f"n: expected 1 to {np.sum(labels == 0)} images of each digit, got {n}")
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == digit)[:n] for digit in (0, 1)]))
    side = 28 // pool
    small = images[chosen].reshape(-1, side, pool, side, pool).mean(axis=(2, 4)).reshape(-1, side * side)
    return Task(f"{n} zeros and {n} ones of {side} x {side} pixels", small, 2.0 * labels[chosen] - 1.0)
