"""Loss and gradient of networks in closed form, one after the other, in scalar code that Numba compiles.

It does in loops what `gradflow.networks.line.field` does with arrays, by the same formulas (`cells`) and in
the same order, so that both return the same bits.
"""

from __future__ import annotations

import math
from typing import Any

from gradflow.base.error_free import affine
from gradflow.compiled.registers import REGISTERS
from gradflow.networks.line.cells import (
    Integrals,
    Units,
    apart,
    cell_square,
    derivatives,
    even_weights,
    from_ends,
    gains,
    half_lines,
    of_cell,
    on_line,
)
from gradflow.networks.line.network import SPLIT

FEW = 48
"""So many points at most are sorted by insertion."""

W, B, RIGHT, LEFT, KEY, SLOPE, W2, ON_RIGHT, ON_LEFT, AT_LO, AT_HI = range(11)
"""Numbers of a point: as `Bends`, and where it is in the order; of a neuron w1 and w2, and as `Units`.

Of the teacher's neurons AT_LO and AT_HI are what they have at the ends. Of the first mark, SLOPE is 1 once
the points that all networks share are there.
"""

COLUMNS = 11

NORMAL, NOT_TINY = 2.0**100, 2.0**-400
"""Weights between the first's inverse and the first, with biases from the second to its inverse, or 0, are
taken as they are: to scale them by a power of two would change no bit of what is computed from them."""

(W_, B_, X, WIDTH, DOWN, WHOLE, FROM_LEFT, FROM_RIGHT, MOMENT, RIGHT_0, RIGHT_X, RIGHT_U) = range(12)
"""Rows of the scratch: of points in order, and of the cells that begin there."""

ROWS = 12

Numbers = Any


def swept(
    rows: Numbers,
    losses: Numbers,
    gradient: Numbers,
    lines: Numbers,
    setting: Numbers,
    marks: Numbers,
    density: Numbers,
    knots: Numbers,
    each: Numbers,
    s: Numbers,
    places: Numbers,
) -> None:
    """Put losses and gradients of networks into their arrays.

    Parameters
    ----------
    rows : array, shape (n, 3m + 1)
        The networks.
    losses : array, shape (n,)
    gradient : array, shape (n, 3m + 1), or (0, 0) if it is not wanted
    lines : array, shape (3, t)
        The teacher's neurons, turned over.
    setting : array, shape (7,)
        s₋ and s₊ of students and of the teacher, lo, hi, and the teacher's b2.
    marks, density : array, shape (k,) and (k − 1,)
        The law's.
    knots : array, shape (2, q)
        The target's knots and values; q is 0 where there is a teacher.
    each : array, shape (m + t + k + q, COLUMNS)
        Scratch, which begins with zeros and belongs to the problem.
    s : array, shape (12, m + t + k + q)
        Scratch.
    places : array of int64, shape (2, m + t + k + q)
        Scratch, which begins with 0, 1, … in the first row: the order of the points comes there, found the
        sooner the nearer it is to that of the network before.
    """
    n, size = rows.shape
    m, t, k, q = size // 3, lines.shape[1], marks.shape[0], knots.shape[1]
    lo, hi, low, high = setting[4], setting[5], setting[0], setting[1]
    count = m + t + k + q
    if each[m + t, SLOPE] == 0.0:
        share(each, lines, setting, marks, knots, m)
    for one in range(n):
        at_lo = at_hi = 0.0
        for j in range(m):
            w1, b1, w2 = rows[one, j], rows[one, m + j], rows[one, 2 * m + j]
            own = half_lines(REGISTERS, w1, b1, low, high, lo, hi)
            adds = gains(w1, w2, own)
            put(each, j, w1, b1, own, adds, lo, hi)
            each[j, SLOPE], each[j, W2] = w1, w2
            each[j, ON_RIGHT], each[j, ON_LEFT] = own.right, own.left
            each[j, AT_LO], each[j, AT_HI] = own.at_lo, own.at_hi
            at_lo += adds.at_lo
            at_hi += adds.at_hi
        for j in range(m, m + t):
            at_lo += each[j, AT_LO]
            at_hi += each[j, AT_HI]
        place_in_order(each, s, places, count)
        for i in range(count):
            j = places[0, i]
            s[W_, i], s[B_, i], s[WHOLE, i], s[DOWN, i] = (
                each[j, W],
                each[j, B],
                each[j, RIGHT],
                each[j, LEFT],
            )
            s[X, i] = -s[B_, i] / s[W_, i]
        # The residual but for a target of knots: what goes left, and then what goes right.
        slope, s[DOWN, count - 1] = s[DOWN, count - 1], at_hi
        for i in range(count - 2, -1, -1):
            width = apart(s[W_, i], s[B_, i], s[W_, i + 1], s[B_, i + 1])
            s[WIDTH, i] = width if width > 0.0 else 0.0
            more = s[DOWN, i]
            s[DOWN, i] = s[DOWN, i + 1] + slope * s[WIDTH, i]
            slope += more
        bias, slope, up = rows[one, 3 * m] - setting[6], s[WHOLE, 0], at_lo
        mark, knot, loss, aim, piece = -1, -1, 0.0, 0.0, -1
        for i in range(count - 1):
            j = places[0, i]
            mark += m + t <= j < m + t + k
            knot += j >= m + t + k
            first = up + s[DOWN, i] + bias
            up += slope * s[WIDTH, i]
            slope += s[WHOLE, i + 1]
            last = up + s[DOWN, i + 1] + bias
            if q > 0:
                p = min(max(knot, 0), q - 2)
                begin, end, y, next_y = knots[0, p], knots[0, p + 1], knots[1, p], knots[1, p + 1]
                whole = end - begin if end > begin else 1.0
                if p != piece:
                    aim, piece = on_line(s[W_, i], s[B_, i], begin, end, y, next_y, whole), p
                first -= aim
                aim = on_line(s[W_, i + 1], s[B_, i + 1], begin, end, y, next_y, whole)
                last -= aim
            mass = s[WIDTH, i] * density[min(max(mark, 0), k - 2)]
            weights = even_weights(mass)
            loss += cell_square(first, last, weights, mass if mass > 0.0 else 1.0)
            sums = of_cell(first, last, s[X, i], s[WIDTH, i], weights)
            s[WHOLE, i], s[FROM_LEFT, i], s[FROM_RIGHT, i], s[MOMENT, i] = sums
        losses[one] = loss
        if gradient.shape[0] == 0:
            continue
        s[RIGHT_0, count - 1] = s[RIGHT_X, count - 1] = s[RIGHT_U, count - 1] = 0.0
        for i in range(count - 2, -1, -1):
            s[RIGHT_U, i] = s[RIGHT_U, i + 1] + (s[WIDTH, i] * s[RIGHT_0, i + 1] + s[FROM_LEFT, i])
            s[RIGHT_0, i] = s[RIGHT_0, i + 1] + s[WHOLE, i]
            s[RIGHT_X, i] = s[RIGHT_X, i + 1] + s[MOMENT, i]
        left_0 = left_x = left_u = 0.0
        for i in range(count):
            j = places[0, i]
            if j < m:
                own = Units(
                    0.0, 0.0, each[j, ON_RIGHT], each[j, ON_LEFT], each[j, AT_LO], each[j, AT_HI], False
                )
                found = Integrals(s[RIGHT_0, i], left_0, s[RIGHT_X, i], left_x, s[RIGHT_U, i], left_u)
                by_w1, by_b1, by_w2 = derivatives(each[j, SLOPE], each[j, W2], own, found)
                gradient[one, j], gradient[one, m + j] = 2.0 * by_w1, 2.0 * by_b1
                gradient[one, 2 * m + j] = 2.0 * by_w2
            if i < count - 1:
                left_u += s[WIDTH, i] * left_0 + s[FROM_RIGHT, i]
                left_0 += s[WHOLE, i]
                left_x += s[MOMENT, i]
        gradient[one, 3 * m] = 2.0 * s[RIGHT_0, 0]


def share(each: Numbers, lines: Numbers, setting: Numbers, marks: Numbers, knots: Numbers, m: Any) -> None:
    """Put there the points that are the same for all networks."""
    t, k, lo, hi = lines.shape[1], marks.shape[0], setting[4], setting[5]
    for i in range(t):
        own = half_lines(REGISTERS, lines[0, i], lines[1, i], setting[2], setting[3], lo, hi)
        adds = gains(lines[0, i], lines[2, i], own)
        put(each, m + i, lines[0, i], lines[1, i], own, adds, lo, hi)
        each[m + i, AT_LO], each[m + i, AT_HI] = adds.at_lo, adds.at_hi
    for i in range(k + knots.shape[1]):
        at = marks[i] if i < k else min(max(knots[0, i - k], lo), hi)
        j = m + t + i
        each[j, W], each[j, B], each[j, RIGHT], each[j, LEFT] = 1.0, 0.0 - at, 0.0, 0.0
        each[j, KEY] = key_of(1.0, 0.0 - at, lo, hi)
    each[m + t, SLOPE] = 1.0


def put(each: Numbers, j: Any, w1: Any, b1: Any, own: Any, adds: Any, lo: Any, hi: Any) -> None:
    """Put a neuron's point there."""
    w, b, size = own.w, own.b, abs(own.b)
    plain = (w < NORMAL) & (w > 1.0 / NORMAL) & (size < 1.0 / NOT_TINY) & ((size > NOT_TINY) | (size == 0.0))
    if not own.inside:
        # On an end: w is 1.
        each[j, KEY] = -math.inf if b == -lo else math.inf
    elif plain:
        # What `from_ends` returns, from pre-activations that are known.
        from_lo, from_hi = abs(affine(w1, lo, b1, SPLIT)) / w, abs(affine(w1, hi, b1, SPLIT)) / w
        each[j, KEY] = ordering(from_lo, from_hi)
    else:
        exponent = math.frexp(w)[1]
        w, b = math.ldexp(w, -exponent), math.ldexp(b, -exponent)
        each[j, KEY] = key_of(w, b, lo, hi)
    each[j, W], each[j, B], each[j, RIGHT], each[j, LEFT] = w, b, adds.right, adds.left


def place_in_order(each: Numbers, s: Numbers, places: Numbers, count: int) -> None:
    """Put the order of the points into the first row: by their keys, equal ones by their numbers."""
    if count <= FEW:
        # By insertion, from the order of the network before.
        for i in range(1, count):
            j, at = places[0, i], i
            key = each[j, KEY]
            while at > 0 and (
                each[places[0, at - 1], KEY] > key
                or (each[places[0, at - 1], KEY] == key and places[0, at - 1] > j)
            ):
                places[0, at] = places[0, at - 1]
                at -= 1
            places[0, at] = j
        return
    # By merging, in memory one after the other; the keys are in two rows that are free as yet.
    now, key, key_other, width = 0, X, WIDTH, 1
    for i in range(count):
        places[0, i], s[key, i] = i, each[i, KEY]
    while width < count:
        for begin in range(0, count, 2 * width):
            middle, end = min(begin + width, count), min(begin + 2 * width, count)
            a, b = begin, middle
            for i in range(begin, end):
                is_left = b >= end or (a < middle and s[key, a] <= s[key, b])
                at = a if is_left else b
                s[key_other, i], places[1 - now, i] = s[key, at], places[now, at]
                a, b = (a + 1, b) if is_left else (a, b + 1)
        now, key, key_other, width = 1 - now, key_other, key, 2 * width
    if now == 1:
        for i in range(count):
            places[0, i] = places[1, i]


def key_of(w: Any, b: Any, lo: float, hi: float) -> Any:
    """Return the number that orders the zero of w x + b."""
    from_lo, from_hi = from_ends(w, b, lo, hi)
    return ordering(from_lo, from_hi)


def ordering(from_lo: Any, from_hi: Any) -> Any:
    """Return a number that orders points, with the relative accuracy of the distance from the nearer end."""
    key = -1.0 / abs(from_lo) if from_lo <= from_hi else 1.0 / abs(from_hi)
    return key if key == key else math.inf
