"""Where a step's polynomial leaves its cell, in scalar code that Numba compiles as it stands.

The algorithms are those of `gradflow.flow.batch_crossing`, whose texts explain them.
"""

from __future__ import annotations

from typing import TypeAlias

from gradflow.compiled.registers import loaded
from gradflow.flow.batch_crossing import CLOSEST, HALVINGS, INTERVALS
from gradflow.flow.compiled.layout import (  # fmt: skip
    DENSE_TERMS,
    EXIT_DEPTH,
    EXIT_S,
    HEIGHTS,
    NEW,
    SLOPES,
    TERM_LEFT,
    TERM_RIGHT,
    TRIAL_H,
    VALUES,
    K,
    Numbers,
    W,
    Y,
)

Eight: TypeAlias = tuple[float, ...]
"""The terms of a height (`gradflow.flow.batch_crossing.Polynomial`)."""


def polynomial(w: Numbers, o: int, cell: int, q: Numbers) -> None:
    """Compute the dense output's eight terms, and the pre-activations of each, positive in the cell."""
    h = w[TRIAL_H * W + o]
    for j in range(5):
        y = w[(Y + j) * W + o]
        change = w[(NEW + Y + j) * W + o] - y
        first = h * w[(K + j) * W + o]
        last = h * w[(K + 60 + j) * W + o]
        q[DENSE_TERMS + j] = y
        q[DENSE_TERMS + 5 + j] = change
        q[DENSE_TERMS + 10 + j] = first - change
        q[DENSE_TERMS + 15 + j] = 2.0 * change - (last + first)
    for k in range(8):
        z_lo = q[DENSE_TERMS + 5 * k]
        z_hi = q[DENSE_TERMS + 5 * k + 1]
        middle = z_lo * w[TERM_RIGHT * W + o] + z_hi * w[TERM_LEFT * W + o]
        q[HEIGHTS + k] = z_lo if cell & 1 else -z_lo
        q[HEIGHTS + 8 + k] = middle if cell & 2 else -middle
        q[HEIGHTS + 16 + k] = z_hi if cell & 4 else -z_hi


def dense_value(q: Numbers, j: int, s: float) -> float:
    """Return one coordinate of the dense output."""
    value = q[DENSE_TERMS + 35 + j]
    for k in range(6, -1, -1):
        factor = 1.0 - s if k & 1 else s
        value = q[DENSE_TERMS + 5 * k + j] + value * factor
    return value


def value_of(c: Eight, s: float) -> float:
    """Return the value of a height with these terms."""
    o = 1.0 - s
    v = c[6] + c[7] * s
    v = c[5] + v * o
    v = c[4] + v * s
    v = c[3] + v * o
    v = c[2] + v * s
    v = c[1] + v * o
    return c[0] + v * s


def slope_of(c: Eight, s: float) -> float:
    """Return the slope of a height with these terms."""
    o = 1.0 - s
    d = c[7]
    v = c[6] + c[7] * s
    d = d * o - v
    v = c[5] + v * o
    d = d * s + v
    v = c[4] + v * s
    d = d * o - v
    v = c[3] + v * o
    d = d * s + v
    v = c[2] + v * s
    d = d * o - v
    v = c[1] + v * o
    return d * s + v


def value_at(q: Numbers, p: int, s: float) -> float:
    """Return a height's value."""
    return value_of(loaded(q, p, 1, 8), s)


def slope_at(q: Numbers, p: int, s: float) -> float:
    """Return a height's slope."""
    return slope_of(loaded(q, p, 1, 8), s)


def look_at_knots(q: Numbers, p: int) -> None:
    """Compute a height's values and slopes at the intervals' ends, several at a time."""
    # Read before the loop, which could not be packed otherwise.
    c = loaded(q, p, 1, 8)
    for k in range(INTERVALS + 1):
        s = k / INTERVALS
        q[VALUES + k] = value_of(c, s)
        q[SLOPES + k] = slope_of(c, s)


def first_exit(q: Numbers, p: int, wall: int) -> int:
    """Return whether a height goes below zero on [0, 1]; note the first place and the greatest depth."""
    look_at_knots(q, p)
    found = -1
    b = 0.0
    deepest = q[VALUES]
    for k in range(INTERVALS):
        v0 = q[VALUES + k]
        v1 = q[VALUES + k + 1]
        d0 = q[SLOPES + k]
        d1 = q[SLOPES + k + 1]
        low = v1
        place = (k + 1) / INTERVALS
        if d0 < 0.0 and d1 > 0.0 and v1 >= 0.0:
            tangents = v0 + d0 * ((v0 - v1 + d1 / INTERVALS) / (d1 - d0))
            if tangents < 0.1 * (abs(v0) + v1):
                place = turn(q, p, place - 1.0 / INTERVALS, place, 0)
                low = value_at(q, p, place)
        deepest = min(deepest, v1, low)
        if found < 0 and (v1 < 0.0 or low < 0.0):
            found = k
            b = place if low < 0.0 else (k + 1) / INTERVALS
    if found < 0:
        return 0
    a = found / INTERVALS
    start = q[VALUES + found]
    # One that starts on the wall may go inside and be out again before the first knot.
    if found == 0 and start <= 0.0 and q[SLOPES] > 0.0:
        peak = turn(q, p, 0.0, b, 1)
        start = value_at(q, p, peak)
        a = peak if start > 0.0 else 0.0
    q[EXIT_DEPTH + wall] = -deepest
    q[EXIT_S + wall] = root(q, p, a, b) if start > 0.0 else a
    return 1


def turn(q: Numbers, p: int, low: float, high: float, rising: int) -> float:
    """Return where a height that rises (or falls) at one end of an interval turns."""
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        d = slope_at(q, p, middle)
        if (d > 0.0) if rising else (d < 0.0):
            low = middle
        else:
            high = middle
    return high


def root(q: Numbers, p: int, a: float, b: float) -> float:
    """Return the root between a, where a height is positive, and b, where it is negative."""
    s = 0.5 * (a + b)
    for _ in range(200):
        value = value_at(q, p, s)
        if value == 0.0:
            return s
        d = slope_at(q, p, s)
        if value > 0.0:
            a = s
        else:
            b = s
        better = 0.5 * (a + b)
        if d < 0.0:
            newton = s - value / d
            if newton > a and newton < b:
                better = newton
        close = abs(better - s) <= CLOSEST or b - a <= CLOSEST
        s = better
        if close:
            return s
    return s
