"""The effects of a wall and of a death on one trajectory, in scalar code that Numba compiles as it stands.

A trajectory's rows are ``w[row * W + o]``, the columns of its record ``r[b + column]``.
The algorithms are those of `gradflow.flow.batch_crossing` and `gradflow.flow.dying`, whose texts explain
them; all constants are theirs.
"""

from __future__ import annotations

from math import exp, expm1, inf, log, nan

from gradflow.flow.batch_crossing import AT_ONCE
from gradflow.flow.compiled.exit import dense_value, first_exit, polynomial
from gradflow.flow.compiled.field import middle
from gradflow.flow.compiled.layout import (  # fmt: skip
    CROSSINGS,
    EXIT_DEPTH,
    EXIT_S,
    EXIT_T,
    EXIT_Y,
    FIRST_EVENT,
    FIRST_TIME,
    FLOOR,
    HAS_WALLS,
    HEIGHTS,
    KEPT,
    NEW,
    REJECTED,
    RTOL,
    SIDES,
    SLOPE_MINUS,
    SLOPE_PLUS,
    STATE,
    T_END,
    TERM_HAS_BREAKPOINT,
    TERM_HI,
    TERM_LEFT,
    TERM_LO,
    TERM_MEAN,
    TERM_OFFSET,
    TERM_RIGHT,
    TERM_Y_HI,
    TERM_Y_LO,
    TRIAL_H,
    VELOCITY,
    WAITING_T,
    WAITING_Y,
    WAITS,
    H,
    K,
    Numbers,
    T,
    W,
    Y,
)
from gradflow.flow.compiled.step import EPS, TINY
from gradflow.flow.crossing import CERTAIN, CERTAIN_BETWEEN, SHORTER
from gradflow.flow.dying import ARRIVED, GROWS, NEGLIGIBLE
from gradflow.flow.dying import HALVINGS as FADE_HALVINGS
from gradflow.flow.lanes import EVENTS
from gradflow.flow.status import REACHED, RUNNING

LOG_NEGLIGIBLE = log(NEGLIGIBLE)
ENTERS_FROM_DEAD = EVENTS.index("dead -> balanced")
LEAVES_TO_DEAD = EVENTS.index("balanced -> dead")
LEAVES_TO_HYPERACTIVE = EVENTS.index("balanced -> hyperactive")
ENTERS_FROM_HYPERACTIVE = EVENTS.index("hyperactive -> balanced")
PASSES_TEACHER = EVENTS.index("passes teacher")
STRAYS = -2
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


def set_signs(w: Numbers, o: int, cell: int) -> None:
    """Note on which sides of the walls a cell lies."""
    for i in range(3):
        w[(SIDES + i) * W + o] = 1.0 if (cell >> i) & 1 else -1.0


def size_at(w: Numbers, o: int, wall: int) -> float:
    """Return the size of what the pre-activation at a wall is made of during the step."""
    lo = abs(w[Y * W + o])
    hi = abs(w[(Y + 1) * W + o])
    new_lo = abs(w[(NEW + Y) * W + o])
    new_hi = abs(w[(NEW + Y + 1) * W + o])
    if wall == 1:
        left = w[TERM_LEFT * W + o]
        right = w[TERM_RIGHT * W + o]
        return max(lo * right + hi * left, new_lo * right + new_hi * left)
    return max(lo, hi, new_lo, new_hi)


def cross(w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers, cell: int, q: Numbers) -> int:
    """Search the step for its first exit from the cell; return by which wall, −1 if there is none.

    STRAYS if (w1, b1) is far larger there than at both ends of the step.
    """
    polynomial(w, o, cell, q)
    h = w[TRIAL_H * W + o]
    t = w[T * W + o]
    lo = cell & 1
    hi = (cell >> 2) & 1
    earliest = inf
    wall = -1
    both = 0
    for i in range(3):
        exists = 0
        if i != 1 or (w[TERM_HAS_BREAKPOINT * W + o] != 0.0 and lo != hi):
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
                z = middle(w, o, z_lo, z_hi)
            beyond = -z if (cell >> i) & 1 else z
            error = fixed[RTOL] * size_at(w, o, i)
            if r[b + WAITING_T + i] == r[b + WAITING_T + i]:
                when = r[b + WAITING_T + i]
                for j in range(5):
                    q[EXIT_Y + 5 * i + j] = r[b + WAITING_Y + 5 * i + j]
            else:
                when = t + h * q[EXIT_S + i]
                for j in range(5):
                    q[EXIT_Y + 5 * i + j] = dense_value(q, j, q[EXIT_S + i])
                size = max(abs(q[EXIT_Y + 5 * i]), abs(q[EXIT_Y + 5 * i + 1]))
                if size > GROWS * size_at(w, o, 0):
                    return STRAYS
            certain = beyond > CERTAIN * error or q[EXIT_DEPTH + i] > CERTAIN_BETWEEN * error
            if certain and when < earliest:
                earliest = when
                wall = i
            if certain and fixed[SLOPE_MINUS] == 0.0 and lo and hi:
                both = 1
        q[EXIT_T + i] = when
        q[WAITS + i] = 1.0 if exists and beyond > 0.0 else 0.0
    if both:
        for i in range(3):
            if q[EXIT_T + i] < earliest:
                earliest = q[EXIT_T + i]
                wall = i
    return wall


def wait(r: Numbers, b: int, q: Numbers) -> None:
    """Note which changes of side wait to be certain."""
    for i in range(3):
        r[b + WAITING_T + i] = q[EXIT_T + i] if q[WAITS + i] != 0.0 else nan
        for j in range(5):
            r[b + WAITING_Y + 5 * i + j] = q[EXIT_Y + 5 * i + j]


def behind(w: Numbers, o: int, cell: int, q: Numbers, wall: int) -> int:
    """Put the state on the wall into the rows of a stage's; return the cell behind it."""
    for j in range(4):
        y = q[EXIT_Y + 5 * wall + j]
        if (wall == 0 and j == 0) or (wall == 2 and j == 1):
            y = 0.0
        w[(STATE + j) * W + o] = y
    lo = (cell & 1) ^ (1 if wall == 0 else 0)
    middle = ((cell >> 1) & 1) ^ (1 if wall == 1 else 0)
    hi = ((cell >> 2) & 1) ^ (1 if wall == 2 else 0)
    if w[TERM_HAS_BREAKPOINT * W + o] == 0.0 or lo == hi:
        middle = lo
    return lo + 2 * middle + 4 * hi


def is_wrong(w: Numbers, o: int, fixed: Numbers, cell: int, q: Numbers, wall: int) -> int:
    """Return whether the step is too inaccurate for what it crosses.

    On the wall the flow is inwards, or the neuron is dead.
    """
    lo = cell & 1
    hi = (cell >> 2) & 1
    if fixed[SLOPE_MINUS] == 0.0 and lo != hi and w[(STATE if lo else STATE + 1) * W + o] <= 0.0:
        return 1
    h = w[TRIAL_H * W + o]
    v_lo = w[VELOCITY * W + o]
    v_hi = w[(VELOCITY + 1) * W + o]
    v = v_lo if wall == 0 else v_hi
    if wall == 1:
        v = middle(w, o, v_lo, v_hi)
    inwards = v if (cell >> wall) & 1 else -v
    turns = inwards * h > fixed[RTOL] * size_at(w, o, wall)
    return 1 if turns and q[EXIT_T + wall] >= w[T * W + o] else 0


def redo(w: Numbers, o: int) -> None:
    """Go back to before the step, to try a shorter one."""
    for row in range(KEPT):
        w[(NEW + row) * W + o] = w[row * W + o]
    w[(NEW + H) * W + o] = SHORTER * w[TRIAL_H * W + o]
    w[(NEW + REJECTED) * W + o] = 1.0


def restart(
    w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers, cell: int, q: Numbers, wall: int, now: int
) -> None:
    """Put a trajectory on the wall that it crossed, and into the cell behind it."""
    when = q[EXIT_T + wall]
    on_wall = abs(q[HEIGHTS + 8 * wall]) <= 4.0 * EPS * size_at(w, o, 0)
    counts = not (w[T * W + o] == 0.0 and when <= AT_ONCE and on_wall)
    for j in range(4):
        w[(NEW + Y + j) * W + o] = w[(STATE + j) * W + o]
    w[(NEW + Y + 4) * W + o] = q[EXIT_Y + 5 * wall + 4]
    w[(NEW + T) * W + o] = when
    floors(w, o, fixed, now)
    set_signs(w, o, now)
    if counts:
        r[b + CROSSINGS] += 1.0
        if r[b + CROSSINGS] == 1.0:
            r[b + FIRST_TIME] = when
            r[b + FIRST_EVENT] = event(cell, now)
    for i in range(3):
        r[b + WAITING_T + i] = nan


def dies(w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers, cell: int) -> int:
    """Put a balanced ReLU neuron that no step is short enough for to w1 = b1 = 0 if it is there; say so."""
    if fixed[SLOPE_MINUS] != 0.0 or (cell & 1) == ((cell >> 2) & 1):
        return 0
    z_lo = w[(NEW + Y) * W + o]
    z_hi = w[(NEW + Y + 1) * W + o]
    v_lo = w[(NEW + K) * W + o]
    v_hi = w[(NEW + K + 1) * W + o]
    size = max(abs(z_lo), abs(z_hi))
    speed = max(abs(v_lo), abs(v_hi))
    t = w[(NEW + T) * W + o]
    shrinks = v_lo <= 0.0 and z_hi * v_hi <= 0.0 if cell & 1 else v_hi <= 0.0 and z_lo * v_lo <= 0.0
    if not ((shrinks and size <= ARRIVED * (10.0 * EPS * t * speed)) or size == 0.0):
        return 0
    w[(NEW + Y) * W + o] = 0.0
    w[(NEW + Y + 1) * W + o] = 0.0
    set_signs(w, o, 0)
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
        alone = w[TERM_HAS_BREAKPOINT * W + o] == 0.0 or not (cell & 2)
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
