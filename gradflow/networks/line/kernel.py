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

FEW = 48
"""So many points at most are sorted by insertion."""

W, B, RIGHT, LEFT, KEY, SLOPE, W2, ON_RIGHT, ON_LEFT, AT_LO, AT_HI, ADDS_LO, ADDS_HI = range(13)
"""Rows of the points' numbers: as `Bends`, and where it is in the order; of a neuron w1 and w2, as `Units`,
and what it adds at the ends. Of the first mark, SLOPE is 1 once the points that all share are there."""

COLUMNS = 13

NORMAL, NOT_TINY = 2.0**100, 2.0**-400
"""Weights between the first's inverse and the first, with biases from the second to its inverse, or 0, are
taken as they are: to scale them by a power of two would change no bit of what is computed from them."""

SINGLE = {"NORMAL": 2.0**30, "NOT_TINY": 2.0**-60}
"""The same in single precision."""

TWO, SIX = 2.0, 6.0
"""Whole numbers beside single ones would make double ones of them."""

(W_, B_, X, WIDTH, UP, DOWN, FIRST_, LAST_, BEGIN, END, Y, NEXT_Y, MASS, SQUARE) = range(14)
(WHOLE, FROM_LEFT, FROM_RIGHT, MOMENT, RIGHT_0, RIGHT_X, RIGHT_U, LEFT_0, LEFT_X, LEFT_U) = range(14, 24)
"""Rows of the scratch: of points in order, and of the cells that begin there."""

ROWS = 24

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
    each : array, shape (COLUMNS, m + t + k + q)
        Scratch, which begins with zeros and belongs to the problem.
    s : array, shape (ROWS, m + t + k + q)
        Scratch.
    places : array of int64, shape (2, m + t + k + q)
        Scratch, which begins with 0, 1, … in the first row: the order of the points comes there, found the
        sooner the nearer it is to that of the network before.
    """
    n, size = rows.shape
    m, t, k, q = size // 3, lines.shape[1], marks.shape[0], knots.shape[1]
    lo, hi, low, high = setting[4], setting[5], setting[0], setting[1]
    count = m + t + k + q
    if each[SLOPE, m + t] == 0.0:
        share(each, lines, setting, marks, knots, m)
    for one in range(n):
        put(each, rows[one, :m], rows[one, m : 2 * m], rows[one, 2 * m :], low, high, lo, hi)
        at_lo = at_hi = 0.0
        for j in range(m + t):
            at_lo += each[ADDS_LO, j]
            at_hi += each[ADDS_HI, j]
        place_in_order(each, s, places, count)
        for i in range(count):
            j = places[0, i]
            s[W_, i], s[B_, i], s[UP, i], s[DOWN, i] = each[W, j], each[B, j], each[RIGHT, j], each[LEFT, j]
        measure(s, count)
        residual(s, count, at_lo, at_hi, rows[one, 3 * m] - setting[6])
        if q > 0:
            subtract(s, places, knots, count, m + t + k)
        weigh(s, places, density, count, m + t, k)
        add_up(s, count)
        loss = 0.0
        for i in range(count - 1):
            loss += s[SQUARE, i]
        losses[one] = loss
        if gradient.shape[0] == 0:
            continue
        accumulate(s, count)
        for i in range(count):
            j = places[0, i]
            if j < m:
                own = Units(
                    0.0, 0.0, each[ON_RIGHT, j], each[ON_LEFT, j], each[AT_LO, j], each[AT_HI, j], False
                )
                found = Integrals(
                    s[RIGHT_0, i], s[LEFT_0, i], s[RIGHT_X, i], s[LEFT_X, i], s[RIGHT_U, i], s[LEFT_U, i]
                )
                by_w1, by_b1, by_w2 = derivatives(each[SLOPE, j], each[W2, j], own, found)
                gradient[one, j], gradient[one, m + j] = 2.0 * by_w1, 2.0 * by_b1
                gradient[one, 2 * m + j] = 2.0 * by_w2
        gradient[one, 3 * m] = 2.0 * s[RIGHT_0, 0]


def share(each: Numbers, lines: Numbers, setting: Numbers, marks: Numbers, knots: Numbers, m: Any) -> None:
    """Put there the points that are the same for all networks."""
    t, k, lo, hi = lines.shape[1], marks.shape[0], setting[4], setting[5]
    put(each[:, m:], lines[0], lines[1], lines[2], setting[2], setting[3], lo, hi)
    for i in range(k + knots.shape[1]):
        at = marks[i] if i < k else min(max(knots[0, i - k], lo), hi)
        j = m + t + i
        each[W, j], each[B, j], each[RIGHT, j], each[LEFT, j] = 1.0, 0.0 - at, 0.0, 0.0
        each[KEY, j] = key_of(1.0, 0.0 - at, lo, hi)
    each[SLOPE, m + t] = 1.0


def put(each: Numbers, w1: Numbers, b1: Numbers, w2: Numbers, low: Any, high: Any, lo: Any, hi: Any) -> None:
    """Put neurons' points there; the loop has no branch and becomes packed instructions."""
    odd = 0
    for j in range(w1.shape[0]):
        own = half_lines(REGISTERS, w1[j], b1[j], low, high, lo, hi)
        adds = gains(w1[j], w2[j], own)
        w, b, size = own.w, own.b, abs(own.b)
        plain = (w < NORMAL) & (w > 1.0 / NORMAL) & (size < 1.0 / NOT_TINY)
        plain = plain & ((size > NOT_TINY) | (size == 0.0))
        odd |= REGISTERS.where(plain | (not own.inside), 0, 1)
        # What `from_ends` returns, from pre-activations that are known; on an end w is 1.
        from_lo = abs(affine(w1[j], lo, b1[j], REGISTERS.splitter)) / w
        from_hi = abs(affine(w1[j], hi, b1[j], REGISTERS.splitter)) / w
        key = REGISTERS.where(from_lo <= from_hi, -1.0 / from_lo, 1.0 / from_hi)
        key = REGISTERS.where(own.inside, key, REGISTERS.where(b == -lo, -math.inf, math.inf))
        each[W, j] = w
        each[B, j] = b
        each[KEY, j] = REGISTERS.where(key == key, key, math.inf)
        each[RIGHT, j] = adds.right
        each[LEFT, j] = adds.left
        each[ADDS_LO, j] = adds.at_lo
        each[ADDS_HI, j] = adds.at_hi
        each[SLOPE, j] = w1[j]
        each[W2, j] = w2[j]
        each[ON_RIGHT, j] = own.right
        each[ON_LEFT, j] = own.left
        each[AT_LO, j] = own.at_lo
        each[AT_HI, j] = own.at_hi
    if odd > 0:
        for j in range(w1.shape[0]):
            exponent = math.frexp(each[W, j])[1]
            w, b = math.ldexp(each[W, j], -exponent), math.ldexp(each[B, j], -exponent)
            each[W, j], each[B, j], each[KEY, j] = w, b, key_of(w, b, lo, hi)


def measure(s: Numbers, count: Any) -> None:
    """Put the positions and the cells' widths there."""
    for i in range(count):
        s[X, i] = -s[B_, i] / s[W_, i]
    for i in range(count - 1):
        width = apart(s[W_, i], s[B_, i], s[W_, i + 1], s[B_, i + 1], REGISTERS.splitter)
        s[WIDTH, i] = REGISTERS.where(width > 0.0, width, 0.0)


def residual(s: Numbers, count: Any, at_lo: Any, at_hi: Any, bias: Any) -> None:
    """Put the residual at the beginning and the end of every cell there, but for a target of knots."""
    slope, s[DOWN, count - 1] = s[DOWN, count - 1], at_hi
    for i in range(count - 2, -1, -1):
        more = s[DOWN, i]
        s[DOWN, i] = s[DOWN, i + 1] + slope * s[WIDTH, i]
        slope += more
    slope, up = s[UP, 0], at_lo
    for i in range(count - 1):
        s[FIRST_, i] = up + s[DOWN, i] + bias
        up += slope * s[WIDTH, i]
        slope += s[UP, i + 1]
        s[LAST_, i] = up + s[DOWN, i + 1] + bias


def subtract(s: Numbers, places: Numbers, knots: Numbers, count: Any, begun: Any) -> None:
    """Subtract a target of knots, which are the points from number `begun` on."""
    knot, last = -1, knots.shape[1] - 2
    for i in range(count - 1):
        knot += places[0, i] >= begun
        p = min(max(knot, 0), last)
        s[BEGIN, i], s[END, i], s[Y, i], s[NEXT_Y, i] = (
            knots[0, p],
            knots[0, p + 1],
            knots[1, p],
            knots[1, p + 1],
        )
    for i in range(count - 1):
        begin, end, y, next_y = s[BEGIN, i], s[END, i], s[Y, i], s[NEXT_Y, i]
        whole = REGISTERS.where(end > begin, end - begin, 1.0)
        lines = begin, end, y, next_y, whole, REGISTERS.splitter
        s[FIRST_, i] -= on_line(s[W_, i], s[B_, i], *lines)
        s[LAST_, i] -= on_line(s[W_, i + 1], s[B_, i + 1], *lines)


def weigh(s: Numbers, places: Numbers, density: Numbers, count: Any, begun: Any, k: Any) -> None:
    """Put the cells' masses there; the law's k marks are the points from number `begun` on."""
    mark = -1
    for i in range(count - 1):
        mark += begun <= places[0, i] < begun + k
        s[MASS, i] = s[WIDTH, i] * density[min(max(mark, 0), k - 2)]


def add_up(s: Numbers, count: Any) -> None:
    """Put the integrals over every cell there."""
    for i in range(count - 1):
        first, last, mass = s[FIRST_, i], s[LAST_, i], s[MASS, i]
        weights = even_weights(mass, TWO, SIX)
        s[SQUARE, i] = cell_square(first, last, weights, REGISTERS.where(mass > 0.0, mass, 1.0))
        whole, from_left, from_right, moment = of_cell(first, last, s[X, i], s[WIDTH, i], weights)
        s[WHOLE, i] = whole
        s[FROM_LEFT, i] = from_left
        s[FROM_RIGHT, i] = from_right
        s[MOMENT, i] = moment


def accumulate(s: Numbers, count: Any) -> None:
    """Put the integrals over all that is to the right of every point, and to the left, there."""
    right_0 = right_x = right_u = 0.0
    s[RIGHT_0, count - 1] = s[RIGHT_X, count - 1] = s[RIGHT_U, count - 1] = 0.0
    for i in range(count - 2, -1, -1):
        right_u += s[WIDTH, i] * right_0 + s[FROM_LEFT, i]
        right_0 += s[WHOLE, i]
        right_x += s[MOMENT, i]
        s[RIGHT_U, i], s[RIGHT_0, i], s[RIGHT_X, i] = right_u, right_0, right_x
    left_0 = left_x = left_u = 0.0
    s[LEFT_0, 0] = s[LEFT_X, 0] = s[LEFT_U, 0] = 0.0
    for i in range(count - 1):
        left_u += s[WIDTH, i] * left_0 + s[FROM_RIGHT, i]
        left_0 += s[WHOLE, i]
        left_x += s[MOMENT, i]
        s[LEFT_U, i + 1], s[LEFT_0, i + 1], s[LEFT_X, i + 1] = left_u, left_0, left_x


def place_in_order(each: Numbers, s: Numbers, places: Numbers, count: int) -> None:
    """Put the order of the points into the first row: by their keys, equal ones by their numbers."""
    if count <= FEW:
        # By insertion, from the order of the network before.
        for i in range(1, count):
            j, at = places[0, i], i
            key = each[KEY, j]
            while at > 0 and (
                each[KEY, places[0, at - 1]] > key
                or (each[KEY, places[0, at - 1]] == key and places[0, at - 1] > j)
            ):
                places[0, at] = places[0, at - 1]
                at -= 1
            places[0, at] = j
        return
    # By merging, in memory one after the other; the keys are in two rows that are free as yet.
    now, key, key_other, width = 0, X, WIDTH, 1
    for i in range(count):
        places[0, i], s[key, i] = i, each[KEY, i]
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
    """Return a number that orders points, with the relative accuracy of the distance from the nearer end."""
    from_lo, from_hi = from_ends(w, b, lo, hi, REGISTERS.splitter)
    key = -1.0 / abs(from_lo) if from_lo <= from_hi else 1.0 / abs(from_hi)
    return key if key == key else math.inf
