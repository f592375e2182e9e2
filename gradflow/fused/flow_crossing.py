"""The effects of a wall and of a death on one trajectory, in a subset of Python that Numba and C both take.

Only numbers, flat arrays, loops and choices; every function here and in `gradflow.fused.flow_driver` is
part of the printed module (`gradflow.fused.flow_source`), in which ``W`` is the width of a block, and is
translated for CUDA. A trajectory's rows are ``w[row * W + o]``, the columns of its record ``r[b + column]``.
The algorithms are those of `gradflow.flow.batch_crossing` and `gradflow.flow.dying`, whose texts explain
them; all constants are theirs.
"""

from __future__ import annotations

from math import exp, expm1, inf, log, nan
from typing import TypeAlias

import numpy as np

from gradflow.flow.batch_crossing import AT_ONCE, CERTAIN, CERTAIN_BETWEEN, CLOSEST, HALVINGS, INTERVALS
from gradflow.flow.dying import ARRIVED, NEGLIGIBLE
from gradflow.flow.dying import HALVINGS as FADE_HALVINGS
from gradflow.flow.lanes import EVENTS, REACHED, RUNNING
from gradflow.fused.flow_layout import (
    CROSSINGS,
    DENSE_TERMS,
    EXIT_DEPTH,
    EXIT_S,
    EXIT_T,
    EXIT_Y,
    FIRST_EVENT,
    FIRST_TIME,
    FLOOR,
    HAS_WALLS,
    HEIGHTS,
    NEW,
    RTOL,
    SIDES,
    SLOPE_MINUS,
    SLOPE_PLUS,
    SLOPES,
    T_END,
    TERM_HAS_KINK,
    TERM_HI,
    TERM_LEFT,
    TERM_LO,
    TERM_MEAN,
    TERM_OFFSET,
    TERM_RIGHT,
    TERM_Y_HI,
    TERM_Y_LO,
    TRIAL_H,
    VALUES,
    WAITING_T,
    WAITING_Y,
    K,
    T,
    Y,
)  # fmt: skip

Numbers: TypeAlias = list[float]
Integers: TypeAlias = list[int]
"""Arrays, with the type of what they hold."""

W = 1
EPS = float(np.finfo(np.float64).eps)
TINY = 1e8 * float(np.finfo(np.float64).smallest_normal)
LOG_NEGLIGIBLE = log(NEGLIGIBLE)
ENTERS_FROM_DEAD = EVENTS.index("dead -> balanced")
LEAVES_TO_DEAD = EVENTS.index("balanced -> dead")
LEAVES_TO_HYPERACTIVE = EVENTS.index("balanced -> hyperactive")
ENTERS_FROM_HYPERACTIVE = EVENTS.index("hyperactive -> balanced")
PASSES_TEACHER = EVENTS.index("passes teacher")
RETURNS = -3
"""The status of a faded trajectory that comes back."""


def event(before: int, after: int) -> int:
    """Return the code of a crossing from one cell to another."""
    was = (before & 1) + ((before >> 2) & 1)
    now = (after & 1) + ((after >> 2) & 1)
    if was == now:
        return PASSES_TEACHER
    if was == 1:
        return LEAVES_TO_DEAD if now == 0 else LEAVES_TO_HYPERACTIVE
    return ENTERS_FROM_DEAD if was == 0 else ENTERS_FROM_HYPERACTIVE


def floors(w: Numbers, o: int, fixed: Numbers, cell: int) -> None:
    """Set the absolute tolerances of a leg that starts at the new state."""
    floor = 1e-2 * fixed[RTOL]
    largest = max(abs(w[(NEW + Y) * W + o]), abs(w[(NEW + Y + 1) * W + o]))
    size = floor * largest + TINY
    balanced = (cell & 1) != ((cell >> 2) & 1) and fixed[HAS_WALLS] != 0.0
    w[FLOOR * W + o] = TINY if balanced and (cell & 1) else size
    w[(FLOOR + 1) * W + o] = TINY if balanced and (cell & 4) else size
    w[(FLOOR + 2) * W + o] = floor * max(largest, abs(w[(NEW + Y + 2) * W + o])) + TINY


def face(w: Numbers, o: int, cell: int) -> None:
    """Note on which sides of the walls a cell lies."""
    for i in range(3):
        w[(SIDES + i) * W + o] = 1.0 if (cell >> i) & 1 else -1.0


def cross(w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers, cell: int, q: Numbers) -> int:
    """Search the step for its first exit from the cell and restart behind it; return the cell."""
    polynomial(w, o, cell, q)
    h = w[TRIAL_H * W + o]
    t = w[T * W + o]
    lo = cell & 1
    hi = (cell >> 2) & 1
    before = max(abs(w[Y * W + o]), abs(w[(Y + 1) * W + o]))
    size = max(before, abs(w[(NEW + Y) * W + o]), abs(w[(NEW + Y + 1) * W + o]))
    error = fixed[RTOL] * size
    earliest = inf
    wall = -1
    both = 0
    for i in range(3):
        exists = 0
        if i != 1 or (w[TERM_HAS_KINK * W + o] != 0.0 and lo != hi):
            exists = first_exit(q, HEIGHTS + 8 * i, i)
        if fixed[SLOPE_MINUS] == 0.0 and ((i == 0 and lo and not hi) or (i == 2 and hi and not lo)):
            exists = 0
        when = nan
        beyond = 0.0
        if exists:
            z_lo = w[(NEW + Y) * W + o]
            z_hi = w[(NEW + Y + 1) * W + o]
            z = z_lo if i == 0 else z_hi
            if i == 1:
                z = z_lo * w[TERM_RIGHT * W + o] + z_hi * w[TERM_LEFT * W + o]
            beyond = -z if (cell >> i) & 1 else z
            if r[b + WAITING_T + i] == r[b + WAITING_T + i]:
                when = r[b + WAITING_T + i]
                for j in range(5):
                    q[EXIT_Y + 5 * i + j] = r[b + WAITING_Y + 5 * i + j]
            else:
                when = t + h * q[EXIT_S + i]
                for j in range(5):
                    q[EXIT_Y + 5 * i + j] = dense_value(q, j, q[EXIT_S + i])
            certain = beyond > CERTAIN * error or q[EXIT_DEPTH + i] > CERTAIN_BETWEEN * error
            if certain and when < earliest:
                earliest = when
                wall = i
            if certain and fixed[SLOPE_MINUS] == 0.0 and lo and hi:
                both = 1
        q[EXIT_T + i] = when
        r[b + WAITING_T + i] = when if exists and beyond > 0.0 else nan
        for j in range(5):
            r[b + WAITING_Y + 5 * i + j] = q[EXIT_Y + 5 * i + j]
    if both:
        for i in range(3):
            if q[EXIT_T + i] < earliest:
                earliest = q[EXIT_T + i]
                wall = i
    if wall < 0:
        return cell
    on_wall = abs(q[HEIGHTS + 8 * wall]) <= 4.0 * EPS * size
    counts = not (t == 0.0 and earliest <= AT_ONCE and on_wall)
    return restart(w, o, r, b, fixed, cell, q, wall, earliest, counts)


def restart(
    w: Numbers,
    o: int,
    r: Numbers,
    b: int,
    fixed: Numbers,
    cell: int,
    q: Numbers,
    wall: int,
    when: float,
    counts: int,
) -> int:
    """Put a trajectory on the wall that it crossed, and into the cell behind it."""
    lo = (cell & 1) ^ (1 if wall == 0 else 0)
    middle = ((cell >> 1) & 1) ^ (1 if wall == 1 else 0)
    hi = ((cell >> 2) & 1) ^ (1 if wall == 2 else 0)
    if w[TERM_HAS_KINK * W + o] == 0.0 or lo == hi:
        middle = lo
    now = lo + 2 * middle + 4 * hi
    for j in range(5):
        y = q[EXIT_Y + 5 * wall + j]
        if (wall == 0 and j == 0) or (wall == 2 and j == 1):
            y = 0.0
        w[(NEW + Y + j) * W + o] = y
    w[(NEW + T) * W + o] = when
    floors(w, o, fixed, now)
    face(w, o, now)
    if counts:
        r[b + CROSSINGS] += 1.0
        if r[b + CROSSINGS] == 1.0:
            r[b + FIRST_TIME] = when
            r[b + FIRST_EVENT] = event(cell, now)
    for i in range(3):
        r[b + WAITING_T + i] = nan
    return now


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


def value_at(q: Numbers, p: int, s: float) -> float:
    """Return a height's value."""
    o = 1.0 - s
    v = q[p + 6] + q[p + 7] * s
    v = q[p + 5] + v * o
    v = q[p + 4] + v * s
    v = q[p + 3] + v * o
    v = q[p + 2] + v * s
    v = q[p + 1] + v * o
    return q[p] + v * s


def slope_at(q: Numbers, p: int, s: float) -> float:
    """Return a height's slope."""
    o = 1.0 - s
    d = q[p + 7]
    v = q[p + 6] + q[p + 7] * s
    d = d * o - v
    v = q[p + 5] + v * o
    d = d * s + v
    v = q[p + 4] + v * s
    d = d * o - v
    v = q[p + 3] + v * o
    d = d * s + v
    v = q[p + 2] + v * s
    d = d * o - v
    v = q[p + 1] + v * o
    return d * s + v


def first_exit(q: Numbers, p: int, wall: int) -> int:
    """Return whether a height goes below zero on [0, 1]; note the first place and the greatest depth."""
    for k in range(INTERVALS + 1):
        s = k / INTERVALS
        q[VALUES + k] = value_at(q, p, s)
        q[SLOPES + k] = slope_at(q, p, s)
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


def is_stale(w: Numbers, o: int, fixed: Numbers) -> int:
    """Return whether the new state's (w1, b1) is so small that absolute tolerances say nothing of it."""
    size = max(abs(w[(NEW + Y) * W + o]), abs(w[(NEW + Y + 1) * W + o]))
    return fixed[HAS_WALLS] != 0.0 and fixed[RTOL] * size < max(w[FLOOR * W + o], w[(FLOOR + 1) * W + o])


def dies(w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers, cell: int) -> int:
    """Put a balanced ReLU neuron that no step is short enough for to w1 = b1 = 0 if it is there; say so."""
    if fixed[SLOPE_MINUS] != 0.0 or (cell & 1) == ((cell >> 2) & 1):
        return 0
    size = max(abs(w[(NEW + Y) * W + o]), abs(w[(NEW + Y + 1) * W + o]))
    speed = max(abs(w[(NEW + K) * W + o]), abs(w[(NEW + K + 1) * W + o]))
    t = w[(NEW + T) * W + o]
    if not (size <= ARRIVED * (10.0 * EPS * t * speed) or size == 0.0):
        return 0
    w[(NEW + Y) * W + o] = 0.0
    w[(NEW + Y + 1) * W + o] = 0.0
    face(w, o, 0)
    r[b + CROSSINGS] += 1.0
    if r[b + CROSSINGS] == 1.0:
        r[b + FIRST_TIME] = t
        r[b + FIRST_EVENT] = LEAVES_TO_DEAD
    return 1


def growth(time: float, rate: float, pull: float, gap: float) -> float:
    """Return by how much the logarithm of a fading neuron's active end has grown."""
    return -rate * (pull * time - 0.5 * gap * expm1(-2.0 * time))


def fade(w: Numbers, o: int, fixed: Numbers, cell: int) -> int:
    """Take a dead or fading ReLU neuron on in closed form; return its status, RETURNS if it comes back."""
    at_lo = cell & 1
    if at_lo and cell & 4:
        return RUNNING
    row = Y if at_lo else Y + 1
    z = w[(NEW + row) * W + o]
    other = abs(w[(NEW + Y + Y + 1 - row) * W + o])
    dead = cell == 0
    if not dead and min(abs(z), other) > NEGLIGIBLE * max(abs(z), other):
        return RUNNING
    t = w[(NEW + T) * W + o]
    left = fixed[T_END] - t
    mean = w[TERM_MEAN * W + o]
    gap = w[(NEW + Y + 3) * W + o] - mean
    returns = 0
    time = left
    if not dead:
        end = w[TERM_LO * W + o] if at_lo else w[TERM_HI * W + o]
        output = (w[TERM_Y_LO * W + o] if at_lo else w[TERM_Y_HI * W + o]) + w[TERM_OFFSET * W + o]
        w2 = w[(NEW + Y + 2) * W + o]
        rate = 2.0 * fixed[SLOPE_PLUS] * w2 * (1.0 + end * end) / (other if other > 0.0 else 1.0)
        pull = mean - output
        alone = w[TERM_HAS_KINK * W + o] == 0.0 or not (cell & 2)
        shrinks = rate * (w[(NEW + Y + 3) * W + o] - output) > 0.0
        if not (alone and z > 0.0 and z <= NEGLIGIBLE * other and shrinks):
            return RUNNING
        room = LOG_NEGLIGIBLE - log(z / other)
        if pull * gap < 0.0 and abs(gap) > abs(pull):
            start = 0.5 * log(-gap / pull)
            if start < left and growth(left, rate, pull, gap) > room:
                returns = 1
                for _ in range(FADE_HALVINGS):
                    middle = 0.5 * (start + time)
                    if growth(middle, rate, pull, gap) > room:
                        time = middle
                    else:
                        start = middle
        z = NEGLIGIBLE * other if returns else z * exp(growth(time, rate, pull, gap))
        w[(NEW + row) * W + o] = z
    if left > 0.0:
        w[(NEW + T) * W + o] = t + time if returns else fixed[T_END]
        w[(NEW + Y + 3) * W + o] = mean + gap * exp(-2.0 * time)
        w[(NEW + Y + 4) * W + o] -= gap * gap * expm1(-4.0 * time)
    return RETURNS if returns else REACHED
