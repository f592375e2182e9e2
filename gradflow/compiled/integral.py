"""The field of one neuron by summation over nodes, in scalar code that Numba compiles as it stands.

`integrate` is `gradflow.field.quadrature` for one neuron: it chooses how fine the nodes must be, cuts the
input where an integrand bends, and adds up. `sample` is `gradflow.field.sample`. Both add the entries of the
gradient, and where `SUMS` is 5 the loss, in `LANES` sums side by side, which compilers pack into vectors.

``phi``, ``slope`` (the student's φ and φ′, the latter two arguments being the slopes of a piecewise linear
one) and ``taught`` (the teacher's φ) are chosen when it is compiled (`gradflow.compiled.integral_choices`).
Scratch ``q`` begins with the results.
"""

from __future__ import annotations

from typing import TypeAlias

from gradflow.base.error_free import splitter
from gradflow.field.panels import GRADES, TIERS

Numbers: TypeAlias = list[float]

# Chosen for a pair of activations (`gradflow.compiled.integral_numbers`).
LANES = 4
SUMS = 5
STUDENT_SMOOTH = 0
TEACHER_SMOOTH = 0
STUDENT_UNIT = 0.0
TEACHER_UNIT = 0.0
STUDENT_TAIL = 0.0
TEACHER_TAIL = 0.0

SPLITTER = splitter("float64")
SPAN_0, SPAN_1 = TIERS[0].span, TIERS[1].span
NODES_0, NODES_1, NODES_2 = (-(-tier.nodes // 8) * 8 for tier in TIERS)
"""Nodes without weight fill up the widest vectors."""
GRADE_0, GRADE_1, GRADE_2, GRADE_3, GRADE_4 = GRADES
ROOM = max(NODES_0, NODES_1, NODES_2)
RULE_0 = 0
RULE_1 = 2 * ROOM
RULE_2 = 4 * ROOM
SHARED_0 = 6 * ROOM
SHARED_1 = SHARED_0 + 8 * ROOM
NODES = SHARED_1 + 8 * ROOM
"""Where nodes lie, `ROOM` apart what belongs to them: the rules of the three tiers (places in (0, 1) and
weights); the nodes that gentle and less gentle neurons share, of two panels (places, inputs, weights,
targets). In a sample `ROOM` is 128."""

RESULT = 0
BREAKS = 8
ACC = 40
OWN = 80
TERMS = 96
STACK = TERMS + 5 * ROOM
SCRATCH = STACK
WAITING = 240
"""The scratch: results, sorted breaks, sums side by side, a trajectory's own problem, terms of the sums; in a
sample, behind them, sums that wait for others."""

LO, HI, Y_LO, Y_HI, W2_T, B2_T = range(6)
TAUGHT = 6
LOW = 6
HIGH = 7
LOW_T = 8
HIGH_T = 9
COUNT_0 = 10
COUNT_1 = 11
PROBLEM = 12
"""The parts of a problem: `gradflow.field.quadrature.Taught`, the slopes of student and teacher, and how
many panels gentle and less gentle neurons share (0: none)."""

LEAVES = 2
LEAF = 3
"""Where a sample's leaves begin, behind the student's slopes; numbers of a leaf."""


def phi(z: float, low: float, high: float) -> float:
    """Return the student's φ (chosen)."""
    return z * (high if z > 0.0 else low)


def slope(z: float, low: float, high: float) -> float:
    """Return the student's φ′ (chosen)."""
    return high if z > 0.0 else low


def taught(y: float, low: float, high: float) -> float:
    """Return the teacher's φ (chosen)."""
    return y * (high if y > 0.0 else low)


def clear(q: Numbers) -> None:
    """Begin new sums; −0 is what adds nothing to any number."""
    for k in range(SUMS * LANES):
        q[ACC + k] = -0.0


def add_terms(q: Numbers, n: int) -> None:
    """Add the terms of n nodes to the sums side by side, `LANES` nodes at a time."""
    for s in range(SUMS):
        terms = q[TERMS + ROOM * s :]
        sums = q[ACC + LANES * s :]
        for i in range(0, n, LANES):
            for j in range(LANES):
                sums[j] += terms[i + j]


def node_terms(
    q: Numbers, part: Numbers, n: int, z0: float, z1: float, w2: float, b2: float, low: float, high: float
) -> None:
    """Compute the terms of n nodes: `part` has their places, inputs, weights and targets, `ROOM` apart."""
    for i in range(n):
        z = z0 + z1 * part[i]
        value = phi(z, low, high)
        r = w2 * value + b2 - part[3 * ROOM + i]
        pull = part[2 * ROOM + i] * r
        weighted = pull + pull
        through = weighted * (w2 * slope(z, low, high))
        q[TERMS + i] = through * part[ROOM + i]
        q[TERMS + ROOM + i] = through
        q[TERMS + 2 * ROOM + i] = weighted * value
        q[TERMS + 3 * ROOM + i] = weighted
        if SUMS > 4:
            q[TERMS + 4 * ROOM + i] = pull * r


def panel_terms(
    q: Numbers,
    rule: Numbers,
    n: int,
    z0: float,
    z1: float,
    x0: float,
    x1: float,
    y0: float,
    y1: float,
    width: float,
    w2: float,
    b2: float,
    wt: float,
    bt: float,
    low: float,
    high: float,
    low_t: float,
    high_t: float,
) -> None:
    """Compute the terms of a panel's n nodes; z, x and y are linear in the places of the rule."""
    for i in range(n):
        u = rule[i]
        z = z0 + z1 * u
        value = phi(z, low, high)
        r = w2 * value + b2 - (wt * taught(y0 + y1 * u, low_t, high_t) + bt)
        pull = width * rule[ROOM + i] * r
        weighted = pull + pull
        through = weighted * (w2 * slope(z, low, high))
        q[TERMS + i] = through * (x0 + x1 * u)
        q[TERMS + ROOM + i] = through
        q[TERMS + 2 * ROOM + i] = weighted * value
        q[TERMS + 3 * ROOM + i] = weighted
        if SUMS > 4:
            q[TERMS + 4 * ROOM + i] = pull * r


def total(q: Numbers) -> None:
    """Make the sums side by side the results."""
    for k in range(SUMS):
        a = ACC + k * LANES
        value = (q[a] + q[a + 1]) + (q[a + 2] + q[a + 3])
        if LANES > 4:
            value += (q[a + 4] + q[a + 5]) + (q[a + 6] + q[a + 7])
        q[RESULT + k] = value


def insert(q: Numbers, count: int, place: float) -> int:
    """Put a place between 0 and 1 among the sorted breaks; return how many there are."""
    if not (place > 0.0 and place < 1.0):
        return count
    k = count
    while k > 0 and q[BREAKS + k - 1] > place:
        q[BREAKS + k] = q[BREAKS + k - 1]
        k -= 1
    q[BREAKS + k] = place
    return count + 1


def graded_breaks(
    q: Numbers, count: int, z_lo: float, z_hi: float, unit: float, tail: float, start: float, width: float
) -> int:
    """Cut the part of the input from `start` on for a steep smooth neuron, as `panels.grades` does."""
    least = z_lo if abs(z_lo) < abs(z_hi) else z_hi
    if (z_lo > 0.0) != (z_hi > 0.0):
        least = 0.0
    scale = 1.0 / (unit * (1.0 + tail * abs(least)))
    reach = z_hi - z_lo
    if reach == 0.0:
        return count
    for k in range(11):
        step = scale * GRADE_4
        if k < 9:
            step = scale * (GRADE_0 if k < 3 else GRADE_1 if k < 5 else GRADE_2 if k < 7 else GRADE_3)
        if k == 0:
            step = 0.0
        place = (least + step if k & 1 else least - step) - z_lo
        count = insert(q, count, (place / reach - start) / width)
    return count


def teacher_breaks(q: Numbers, problem: Numbers, steep: int, start: float, width: float) -> int:
    """Put the places where panels end for the teacher's sake among the breaks of a part of the input."""
    y_lo = problem[Y_LO]
    y_hi = problem[Y_HI]
    count = 0
    if TEACHER_SMOOTH:
        if steep:
            count = graded_breaks(q, 0, y_lo, y_hi, TEACHER_UNIT, TEACHER_TAIL, start, width)
    elif (y_lo > 0.0) != (y_hi > 0.0):
        count = insert(q, 0, (y_lo / (y_lo - y_hi) - start) / width)
    return count


def add_part(
    q: Numbers,
    problem: Numbers,
    rules: Numbers,
    tier: int,
    count: int,
    start: float,
    width: float,
    z0: float,
    z1: float,
    w2: float,
    b2: float,
    low: float,
    high: float,
) -> None:
    """Add a part of the input, panel by panel; on it z is z0 + z1 t for t from 0 to 1."""
    nodes = NODES_0 if tier == 0 else NODES_1 if tier == 1 else NODES_2
    rule = rules[RULE_0 if tier == 0 else RULE_1 if tier == 1 else RULE_2 :]
    lo = problem[LO]
    reach = problem[HI] - lo
    y_lo = problem[Y_LO]
    turn = problem[Y_HI] - y_lo
    wt = problem[W2_T]
    bt = problem[B2_T]
    low_t = problem[LOW_T]
    high_t = problem[HIGH_T]
    before = 0.0
    for k in range(count + 1):
        end = q[BREAKS + k] if k < count else 1.0
        share = end - before
        if share > 0.0:
            at = start + width * before
            piece = width * share
            panel_terms(
                q, rule, nodes, z0 + z1 * before, z1 * share, lo + reach * at, reach * piece,
                y_lo + turn * at, turn * piece, piece, w2, b2, wt, bt, low, high, low_t, high_t,
            )  # fmt: skip
            add_terms(q, nodes)
        before = end


def affine(a: float, x: float, b: float) -> float:
    """Return a·x + b rounded about once (`gradflow.base.error_free`)."""
    p = a * x
    t = SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = SPLITTER * x
    x_high = t - (t - x)
    x_low = x - x_high
    error = ((a_high * x_high - p) + a_high * x_low + a_low * x_high) + a_low * x_low
    s = p + b
    t = s - p
    return s + (((p - (s - t)) + (b - t)) + error)


def integrate(
    q: Numbers,
    problem: Numbers,
    rules: Numbers,
    z_lo: float,
    z_hi: float,
    w2: float,
    b2: float,
    on_lo: int,
    on_hi: int,
) -> None:
    """Set the results to the gradient by (w1, b1, w2, b2), and the loss, of a neuron.

    It is given by its pre-activations at both ends of the input. A piecewise linear student has its upper
    slope at an end if it is `on` there, also beyond the walls of that cell.
    """
    span = max(abs(z_hi - z_lo) * STUDENT_UNIT, abs(problem[Y_HI] - problem[Y_LO]) * TEACHER_UNIT)
    tier = 0 if span <= SPAN_0 else 1 if span <= SPAN_1 else 2
    nodes = NODES_0 if tier == 0 else NODES_1
    low = problem[LOW]
    high = problem[HIGH]
    clear(q)
    if STUDENT_SMOOTH:
        shared = int(problem[COUNT_0]) if tier == 0 else int(problem[COUNT_1]) if tier == 1 else 0
        if shared > 0:
            part = rules[SHARED_1 if tier == 1 else SHARED_0 :]
            for panel in range(shared):
                node_terms(q, part[4 * ROOM * panel :], nodes, z_lo, z_hi - z_lo, w2, b2, low, high)
                add_terms(q, nodes)
        else:
            count = teacher_breaks(q, problem, 1 if tier == 2 else 0, 0.0, 1.0)
            if tier == 2:
                count = graded_breaks(q, count, z_lo, z_hi, STUDENT_UNIT, STUDENT_TAIL, 0.0, 1.0)
            add_part(q, problem, rules, tier, count, 0.0, 1.0, z_lo, z_hi - z_lo, w2, b2, low, high)
    elif on_lo == on_hi:
        steep = high if on_lo else low
        count = teacher_breaks(q, problem, 1 if tier == 2 else 0, 0.0, 1.0)
        add_part(q, problem, rules, tier, count, 0.0, 1.0, z_lo, z_hi - z_lo, w2, b2, steep, steep)
    else:
        # The widths come from the ends: that of a nearly dead neuron's active part keeps its digits.
        left = z_lo / (z_lo - z_hi)
        right = -z_hi / (z_lo - z_hi)
        steep = high if on_lo else low
        count = teacher_breaks(q, problem, 1 if tier == 2 else 0, 0.0, left if left > 0.0 else 1.0)
        add_part(q, problem, rules, tier, count, 0.0, left, z_lo, -z_lo, w2, b2, steep, steep)
        steep = high if on_hi else low
        count = teacher_breaks(q, problem, 1 if tier == 2 else 0, left, right if right > 0.0 else 1.0)
        add_part(q, problem, rules, tier, count, 1.0 - right, right, 0.0, z_hi, w2, b2, steep, steep)
    total(q)


def population(
    q: Numbers, problem: Numbers, nodes: Numbers, w1: float, b1: float, w2: float, b2: float
) -> None:
    """Set the results to the gradient of a neuron on an interval."""
    z_lo = affine(w1, problem[LO], b1)
    z_hi = affine(w1, problem[HI], b1)
    integrate(q, problem, nodes, z_lo, z_hi, w2, b2, 1 if z_lo > 0.0 else 0, 1 if z_hi > 0.0 else 0)


def sample(q: Numbers, problem: Numbers, nodes: Numbers, w1: float, b1: float, w2: float, b2: float) -> None:
    """Set the results to the gradient of a neuron on a sample, added up in the order of NumPy's sums.

    NumPy adds up to 128 numbers in eight sums side by side and the rest one by one, and more of them by
    halves. A leaf is such a part: how many of its numbers come in eights, how many there are, and how many
    sums then join the one before.
    """
    low = problem[0]
    high = problem[1]
    waiting = 0
    for leaf in range(int(problem[LEAVES])):
        k = LEAVES + 1 + LEAF * leaf
        eights = int(problem[k])
        n = int(problem[k + 1])
        node_terms(q, nodes[4 * ROOM * leaf :], n, b1, w1, w2, b2, low, high)
        clear(q)
        add_terms(q, eights)
        total(q)
        for s in range(SUMS):
            for i in range(eights, n):
                q[RESULT + s] += q[TERMS + ROOM * s + i]
        for _ in range(int(problem[k + 2])):
            waiting -= 1
            for s in range(SUMS):
                q[RESULT + s] = q[STACK + SUMS * waiting + s] + q[RESULT + s]
        for s in range(SUMS):
            q[STACK + SUMS * waiting + s] = q[RESULT + s]
        waiting += 1
