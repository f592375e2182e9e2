"""Trajectories from step to step, in blocks of one cell, in scalar code that Numba compiles as it stands."""

from __future__ import annotations

from math import sqrt

from gradflow.flow.compiled.crossing import (  # fmt: skip
    RETURNS,
    STRAYS,
    behind,
    cross,
    dies,
    fade,
    floors,
    is_wrong,
    redo,
    restart,
    set_signs,
    wait,
)
from gradflow.flow.compiled.field import losses, velocity
from gradflow.flow.compiled.layout import (  # fmt: skip
    ATTENTION,
    CELL,
    COLUMNS,
    DENSE_TERMS,
    DUE,
    GROWTH,
    HAS_WALLS,
    HERE,
    KEPT,
    LEVEL,
    LEVELS,
    LOSS,
    MAX_STEPS,
    NEW,
    PACE,
    PARKED,
    POOL,
    QUEUE,
    REJECTED,
    RESTING,
    RTOL,
    SHOWN,
    SLOPE_MINUS,
    STATE,
    STATUS,
    STEPS,
    T_END,
    TERM_COUNT,
    TERMS,
    VECTOR,
    VELOCITY,
    WAIT,
    H,
    Integers,
    K,
    Numbers,
    T,
    W,
    Y,
)
from gradflow.flow.compiled.step import (  # fmt: skip
    EPS,
    EXTRA_1,
    EXTRA_2,
    EXTRA_3,
    STAGE_2,
    STAGE_3,
    STAGE_4,
    STAGE_5,
    STAGE_6,
    STAGE_7,
    STAGE_8,
    STAGE_9,
    STAGE_10,
    STAGE_11,
    TINY,
    begin,
    commit,
    decide,
    dense,
    error,
    extra,
    go,
    is_spent,
    is_stale,
    look,
    norm,
    stage,
    start,
    step,
)
from gradflow.flow.status import (  # fmt: skip
    CONVERGED,
    DIVERGED,
    REACHED,
    RUNNING,
    STEP_TOO_SMALL,
    STOPPED,
    TOO_MANY_STEPS,
)
from gradflow.flow.stop import LONGEST_WAIT, STOP_EVERY


def attempt(w: Numbers, fixed: Numbers, cell: int, n: int) -> None:
    """Try a step with n trajectories in one cell."""
    begin(w, fixed)
    start(w)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_2)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_3)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_4)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_5)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_6)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_7)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_8)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_9)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_10)
    velocity(w, fixed, cell, n)
    stage(w, STAGE_11)
    velocity(w, fixed, cell, n)
    step(w)
    velocity(w, fixed, cell, n)
    error(w, fixed)
    norm(w)
    decide(w, fixed)
    go(w)
    look(w, fixed)


def copy_velocity(w: Numbers, o: int, row: int) -> None:
    """Put one trajectory's velocity into five rows."""
    for i in range(5):
        w[(row + i) * W + o] = w[(VELOCITY + i) * W + o]


def resolve_step(w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers, cell: int, q: Numbers) -> None:
    """Do for one trajectory what a step leads to: a crossing, the closed form of a dead one, its end."""
    flags = int(w[ATTENTION * W + o])
    alone = w[o:]
    status = RUNNING
    now = cell
    if flags & 1:
        extra(w, o, EXTRA_1)
        velocity(alone, fixed, cell, 1)
        copy_velocity(w, o, K + 5 * 13)
        extra(w, o, EXTRA_2)
        velocity(alone, fixed, cell, 1)
        copy_velocity(w, o, K + 5 * 14)
        extra(w, o, EXTRA_3)
        velocity(alone, fixed, cell, 1)
        copy_velocity(w, o, K + 5 * 15)
        dense(w, o, q, DENSE_TERMS + 20)
        wall = cross(w, o, r, b, fixed, cell, q)
        if wall >= 0:
            now = behind(w, o, cell, q, wall)
            velocity(alone, fixed, now, 1)
            if is_wrong(w, o, fixed, cell, q, wall):
                now = cell
                redo(w, o)
            else:
                copy_velocity(w, o, NEW + K)
                restart(w, o, r, b, fixed, cell, q, wall, now)
        elif wall == STRAYS:
            redo(w, o)
        else:
            wait(r, b, q)
    h = w[(NEW + H) * W + o]
    small = h < 10.0 * EPS * w[(NEW + T) * W + o] + TINY
    died = small and dies(w, o, r, b, fixed, now)
    if died:
        now = 0
    if is_stale(w, o, fixed[RTOL], fixed[HAS_WALLS]):
        floors(w, o, fixed, now)
    if h < TINY and not died:
        status = DIVERGED if flags & 4 else STEP_TOO_SMALL
    elif fixed[SLOPE_MINUS] == 0.0:
        status = fade(w, o, fixed, now)
    if status == RETURNS:
        for i in range(4):
            w[(STATE + i) * W + o] = w[(NEW + Y + i) * W + o]
        velocity(alone, fixed, now, 1)
        copy_velocity(w, o, NEW + K)
    if status < 0:
        status = RUNNING
        if w[(NEW + T) * W + o] >= fixed[T_END]:
            status = REACHED
        elif sqrt(w[(NEW + K + 4) * W + o]) <= fixed[RESTING]:
            status = CONVERGED
        elif is_spent(w[(NEW + STEPS) * W + o], w[(NEW + T) * W + o], fixed[MAX_STEPS], fixed[PACE]):
            status = TOO_MANY_STEPS
    r[b + STATUS] = status
    r[b + CELL] = now


def apply_stop_rule(w: Numbers, fixed: Numbers, cell: int, levels: int, n: int) -> None:
    """Find out which of n trajectories in one cell the stop rule ends (2) or wants to see (1)."""
    losses(w, fixed, n)
    activity = (cell & 1) + ((cell >> 2) & 1)
    for lane in range(n):
        w[SHOWN * W + lane] = 0.0
    for level in range(levels):
        k = LEVELS + LEVEL * level
        height = fixed[k]
        width = fixed[k + 1]
        slow = fixed[k + 2]
        weight = fixed[k + 4]
        if fixed[k + 3] < 0.0 or fixed[k + 3] == activity:
            for lane in range(n):
                near = abs(w[LOSS * W + lane] - height) <= width
                still = sqrt(w[(NEW + K + 4) * W + lane]) <= slow
                shown = weight if near & still else 0.0
                w[SHOWN * W + lane] = max(w[SHOWN * W + lane], shown)
    for lane in range(n):
        steps = w[(NEW + STEPS) * W + lane]
        due = w[DUE * W + lane]
        is_due = (steps >= due) & (w[(NEW + REJECTED) * W + lane] == 0.0)
        shown = w[SHOWN * W + lane]
        w[SHOWN * W + lane] = shown if is_due else 0.0
        w[(NEW + DUE) * W + lane] = steps + STOP_EVERY if is_due & (shown == 0.0) else due


def park(w: Numbers, o: int, r: Numbers, b: int, fixed: Numbers) -> None:
    """End a running trajectory that the stop rule ends; put one aside that it wants to see."""
    shown = w[SHOWN * W + o]
    if shown == 0.0 or r[b + STATUS] != RUNNING:
        return
    if shown == 2.0:
        r[b + STATUS] = STOPPED
        return
    r[b + STATUS] = PARKED
    wait = w[WAIT * W + o]
    w[(NEW + DUE) * W + o] = w[(NEW + STEPS) * W + o] + wait
    w[WAIT * W + o] = min(wait * fixed[GROWTH], LONGEST_WAIT)


def load(w: Numbers, o: int, r: Numbers, b: int) -> None:
    """Take a trajectory's kept rows from its record."""
    for row in range(KEPT):
        w[row * W + o] = r[b + row]
    set_signs(w, o, int(r[b + CELL]))


def store(w: Numbers, o: int, r: Numbers, b: int) -> None:
    """Write a trajectory's kept rows into its record."""
    for row in range(KEPT):
        r[b + row] = w[row * W + o]


def advance(
    records: Numbers,
    first: int,
    last: int,
    terms: Numbers,
    fixed: Numbers,
    levels: int,
    w: Numbers,
    q: Numbers,
    pool: Integers,
    count: Integers,
    ids: Integers,
) -> None:
    """Follow the trajectories with these records to their ends, a block of one cell at a time.

    `pool` holds the waiting ones of each cell, `count` their numbers, `ids` the block's (−1: none).
    A place that becomes free in a block is filled at once while its cell has any waiting.
    """
    waiting = 0
    begun = first
    each = len(terms) > TERM_COUNT
    while True:
        cell = 7
        while waiting < QUEUE and begun < last:
            if records[begun * COLUMNS + STATUS] == RUNNING:
                put_aside(pool, count, int(records[begun * COLUMNS + CELL]), begun)
                waiting += 1
            begun += 1
        for c in range(8):
            if count[c] > count[cell]:
                cell = c
        filled = min(count[cell], W)
        if filled == 0:
            return
        width = (filled + VECTOR - 1) // VECTOR * VECTOR
        for lane in range(filled):
            ids[lane] = fill_slot(records, terms, each, w, lane, pool, count, cell)
        for lane in range(filled, width):
            w[HERE * W + lane] = 0.0
        waiting -= filled
        active = filled
        while 2 * active > filled:
            attempt(w, fixed, cell, width)
            for lane in range(filled):
                if ids[lane] >= 0 and w[ATTENTION * W + lane] != 0.0:
                    resolve_step(w, lane, records, ids[lane] * COLUMNS, fixed, cell, q)
            if levels > 0:
                apply_stop_rule(w, fixed, cell, levels, width)
                for lane in range(filled):
                    if ids[lane] >= 0:
                        b = ids[lane] * COLUMNS
                        if records[b + CELL] != cell:
                            apply_stop_rule(w[lane:], fixed, int(records[b + CELL]), levels, 1)
                        if w[SHOWN * W + lane] != 0.0:
                            w[ATTENTION * W + lane] = 1.0
                            park(w, lane, records, b, fixed)
            commit(w)
            for lane in range(filled):
                if ids[lane] >= 0 and w[ATTENTION * W + lane] != 0.0:
                    b = ids[lane] * COLUMNS
                    now = int(records[b + CELL])
                    if records[b + STATUS] != RUNNING or now != cell:
                        store(w, lane, records, b)
                        if records[b + STATUS] == RUNNING:
                            put_aside(pool, count, now, ids[lane])
                            waiting += 1
                        while count[cell] == 0 and waiting < QUEUE and begun < last:
                            if records[begun * COLUMNS + STATUS] == RUNNING:
                                put_aside(pool, count, int(records[begun * COLUMNS + CELL]), begun)
                                waiting += 1
                            begun += 1
                        if count[cell] > 0:
                            ids[lane] = fill_slot(records, terms, each, w, lane, pool, count, cell)
                            waiting -= 1
                        else:
                            ids[lane] = -1
                            w[HERE * W + lane] = 0.0
                            active -= 1
        for lane in range(filled):
            if ids[lane] >= 0:
                store(w, lane, records, ids[lane] * COLUMNS)
                put_aside(pool, count, cell, ids[lane])
                waiting += 1


def put_aside(pool: Integers, count: Integers, cell: int, i: int) -> None:
    """Let a trajectory wait for a block of its cell."""
    pool[cell * POOL + count[cell]] = i
    count[cell] += 1


def fill_slot(
    records: Numbers,
    terms: Numbers,
    each: bool,
    w: Numbers,
    o: int,
    pool: Integers,
    count: Integers,
    cell: int,
) -> int:
    """Take the next waiting trajectory of a cell into a block, with its own problem if each has one."""
    count[cell] -= 1
    i = pool[cell * POOL + count[cell]]
    load(w, o, records, i * COLUMNS)
    w[HERE * W + o] = 1.0
    if each:
        for k in range(TERM_COUNT):
            w[(TERMS + k) * W + o] = terms[i * TERM_COUNT + k]
    return i
