"""Flows of networks on the line, one after the other, in scalar code that Numba compiles as it stands.

The method is DOP853, as for one network (`gradflow.networks.line.flow`). A step that crosses a wall is taken
again, shorter, until it ends behind the wall by no more than rounding: the step itself, of order 8, is the
curve on which the crossing is located, so that none spans a wall. All of a network's numbers are its own, and
no result depends on which others are followed with it.
"""

from __future__ import annotations

import math
from typing import Any

from gradflow.flow.compiled.step import EPS, TINY
from gradflow.flow.status import CONVERGED, DIVERGED, REACHED, RUNNING, STEP_TOO_SMALL, TOO_MANY_STEPS
from gradflow.networks.line.kernel import swept
from gradflow.networks.line.sides import depth, earliest, is_behind, know, terms

T, H, STATUS, STEPS, CROSSINGS, FIRST, LOSS, DUE, STATE = range(9)
"""Numbers of a record: the time, the next step, how it ended, steps, crossings and the first one's time, the
loss, and how many states are kept; from STATE on the parameters and ∫|∇L|² dt."""

ONE, WHEN, WALL, AT_LO, AT_HI = range(5)
"""Numbers of a crossing: whose it is, its time, the number of the wall (`sides.preactivation`), and the signs
of the pre-activation at the ends of the input before it."""

T_END, RTOL, RESTING, MAX_STEPS, AT_ONCE = range(5)
"""Numbers that all networks share; a call takes at most AT_ONCE steps with each."""

SOLUTION, FIFTH, THIRD = 11, 12, 13
"""Rows of the tableau behind those of the stages (`gradflow.flow.tableau`)."""

Y, NEW, LOW, AT, KEPT = range(5)
"""Rows of the scratch: the state, the one that is tried, the last before a wall, a stage's, one put aside."""

SAFETY, SMALLEST, LARGEST = 0.9, 0.2, 10.0
BEHIND, NEAR = 4e-15, 1e-13
"""How far behind a wall a step is to end, and may."""

TRIALS = 60
"""Lengths that are tried until a step ends there."""

Numbers = Any


def followed(
    records: Numbers,
    sides: Numbers,
    moves: Numbers,
    walls: Numbers,
    times: Numbers,
    kept: Numbers,
    seen: Numbers,
    shared: Numbers,
    tableau: Numbers,
    lines: Numbers,
    setting: Numbers,
    marks: Numbers,
    density: Numbers,
    knots: Numbers,
    each: Numbers,
    s: Numbers,
    places: Numbers,
    states: Numbers,
    stages: Numbers,
    network: Numbers,
    losses: Numbers,
    gradient: Numbers,
) -> Any:
    """Follow running networks, each by at most `shared[AT_ONCE]` steps; return how many crossings were seen.

    Parameters
    ----------
    records : array, shape (n, STATE + 3m + 2)
    sides : array, shape (n, walls · m)
        1 where a pre-activation at a wall is known to be positive, −1 negative, else 0.
    moves : array, shape (3m + 1,)
        0 of frozen parameters, else 1.
    walls : array, shape (walls,)
        Where they are.
    times, kept : array, shape (k,) and (n, k, 3m + 2)
        Where the states at these times go.
    seen : array, shape (most, 5)
        Where crossings go; where there is no room for a step's, networks stop. If `most` is 0 none is noted.
    shared, tableau : array, shape (5,) and (14, 12)
    lines, setting, marks, density, knots, each, s, places
        As `kernel.swept`.
    states, stages : array, shape (5, 3m + 2) and (12, 3m + 2)
        Scratch.
    network, losses, gradient : array, shape (1, 3m + 1), (1,) and (1, 3m + 1)
        Scratch for `kernel.swept`.
    """
    size, count, most = moves.shape[0], 0, seen.shape[0]
    field = (lines, setting, marks, density, knots, each, s, places, network, losses, gradient)
    for one in range(records.shape[0]):
        record, side = records[one], sides[one]
        if record[STATUS] != RUNNING:
            continue
        for i in range(size + 1):
            states[Y, i] = record[STATE + i]
        loss = velocity(states[Y], stages[0], moves, field)
        if not (abs(stages[0, size]) < math.inf):
            record[STATUS] = DIVERGED
            continue
        if record[H] == 0.0:
            record[H] = first_step(states[Y], stages[0])
        know(states[Y], side, walls)
        left = shared[AT_ONCE]
        while True:
            if record[T] >= shared[T_END]:
                record[STATUS] = REACHED
            elif math.sqrt(stages[0, size]) <= shared[RESTING]:
                record[STATUS] = CONVERGED
            elif record[STEPS] >= shared[MAX_STEPS]:
                record[STATUS] = TOO_MANY_STEPS
            if record[STATUS] != RUNNING or left <= 0.0 or 0 < most < count + side.shape[0]:
                break
            before = record[T]
            found = advance(record, side, walls, seen[count:], shared, tableau, moves, field, states, stages)
            for i in range(count, count + found):
                seen[i, ONE] = one
            count += found
            left -= 1.0
            if record[STATUS] != RUNNING:
                break
            keep(record, before, times, kept[one], shared[RTOL], tableau, moves, field, states, stages)
            for i in range(size + 1):
                states[Y, i] = states[NEW, i]
            loss = velocity(states[Y], stages[0], moves, field)
        record[LOSS] = loss
        for i in range(size + 1):
            record[STATE + i] = states[Y, i]
    return count


def keep(
    record: Numbers,
    before: Any,
    times: Numbers,
    kept: Numbers,
    rtol: Any,
    tableau: Numbers,
    moves: Numbers,
    field: Numbers,
    states: Numbers,
    stages: Numbers,
) -> None:
    """Keep the states at the times that the last step has passed, each the end of a shorter one.

    Those who ask for no state take the same steps, to the bit.
    """
    size, at = moves.shape[0] + 1, int(record[DUE])
    if at >= times.shape[0] or times[at] > record[T]:
        return
    for i in range(size):
        states[KEPT, i] = states[NEW, i]
    while at < times.shape[0] and times[at] < record[T]:
        attempt(times[at] - before, rtol, tableau, moves, field, states, stages)
        for i in range(size):
            kept[at, i] = states[NEW, i]
        at += 1
    for i in range(size):
        states[NEW, i] = states[KEPT, i]
    if at < times.shape[0] and times[at] == record[T]:
        for i in range(size):
            kept[at, i] = states[NEW, i]
        at += 1
    record[DUE] = at


def advance(
    record: Numbers,
    side: Numbers,
    walls: Numbers,
    seen: Numbers,
    shared: Numbers,
    tableau: Numbers,
    moves: Numbers,
    field: Numbers,
    states: Numbers,
    stages: Numbers,
) -> Any:
    """Take one step, of a length whose error is small and that ends behind no wall but by rounding.

    Returns how many crossings were seen.
    """
    rtol, grows, fades = shared[RTOL], LARGEST, field[1][0] == 0.0
    while True:
        ends = record[H] >= shared[T_END] - record[T]
        h = shared[T_END] - record[T] if ends else record[H]
        error = attempt(h, rtol, tableau, moves, field, states, stages)
        if not error < 1.0:
            # Three square roots make the eighth: unlike a power, they have the same bits everywhere.
            root = math.sqrt(math.sqrt(math.sqrt(error)))
            record[H] = h * (max(SAFETY / root, SMALLEST) if error < math.inf else SMALLEST)
            grows = 1.0
            if record[H] < 10.0 * EPS * record[T] + TINY:
                record[STATUS] = STEP_TOO_SMALL if error < math.inf else DIVERGED
                return 0
            continue
        at = earliest(states[Y], states[NEW], side, walls)
        if at < 0:
            root = math.sqrt(math.sqrt(math.sqrt(max(error, 1e-20))))
            record[H] = h * min(max(SAFETY / root, SMALLEST), grows)
            record[T] = shared[T_END] if ends else record[T] + h
            record[STEPS] += 1.0
            know(states[NEW], side, walls)
            return 0
        least = 4.0 * EPS * record[T] + TINY
        end = located(at, h, least, side, walls, rtol, tableau, moves, field, states, stages)
        if end > 0.0:
            record[T] += end
            record[STEPS] += 1.0
            record[H] = h
            return cross(record, states[NEW], side, walls, rtol if fades else math.inf, seen)
        # What a shorter step is not accurate enough for, another does.
        record[H] = 0.5 * h


def located(
    at: Any,
    h: Any,
    least: Any,
    side: Numbers,
    walls: Numbers,
    rtol: Any,
    tableau: Numbers,
    moves: Numbers,
    field: Numbers,
    states: Numbers,
    stages: Numbers,
) -> Any:
    """Return the length of a step that ends right behind the first wall on its way, and take it.

    With the bracket's shorter length no wall is crossed, with the longer one is. Lengths are tried by the
    secant's rule, and every fourth is the bracket's middle. The result is 0 if the step's error is too large.

    Parameters
    ----------
    at : int
        Which wall is crossed first by the step of length h (`earliest`).
    least : float
        The bracket's width that is enough.
    """
    size = moves.shape[0] + 1
    for i in range(size):
        states[LOW, i] = states[Y, i]
    lo, hi, error = 0.0, h, 0.0
    x, x_before = h, 0.0
    f, f_before = depth(states[NEW], side, walls, at), depth(states[Y], side, walls, at)
    for trial in range(TRIALS):
        margin = terms(states[NEW], walls, at)
        if (x == hi and f >= -NEAR * margin) or hi - lo <= least:
            break
        middle = 0.5 * (lo + hi)
        new = middle
        if f != f_before and trial % 4 < 3:
            new = x - (f + BEHIND * margin) * (x - x_before) / (f - f_before)
        if not lo < new < hi:
            new = middle
        error = attempt(new, rtol, tableau, moves, field, states, stages)
        first = earliest(states[LOW], states[NEW], side, walls)
        x_before, f_before = x, f
        if first < 0:
            lo = new
            for i in range(size):
                states[LOW, i] = states[NEW, i]
        else:
            hi = new
            if not is_behind(states[NEW], side, walls, at):
                at, x_before = first, lo
                f_before = depth(states[LOW], side, walls, at)
        x, f = new, depth(states[NEW], side, walls, at)
    if x != hi:
        error = attempt(hi, rtol, tableau, moves, field, states, stages)
    return hi if error < 1.0 else 0.0


def attempt(
    h: Any, rtol: Any, tableau: Numbers, moves: Numbers, field: Numbers, states: Numbers, stages: Numbers
) -> Any:
    """Put the state after a step of length h into its row; return the error, relative to the tolerance."""
    size = moves.shape[0]
    for stage in range(1, SOLUTION + 1):
        moved(stage - 1, stage, h, tableau, states, stages, AT, size)
        velocity(states[AT], stages[stage], moves, field)
    moved(SOLUTION, SOLUTION + 1, h, tableau, states, stages, NEW, size + 1)
    largest = 0.0
    for i in range(size):
        largest = max(largest, abs(states[Y, i]))
    floor, fifth, third = 1e-2 * rtol * largest + TINY, 0.0, 0.0
    for i in range(size + 1):
        a = b = c = 0.0
        for k in range(SOLUTION + 1):
            a += tableau[FIFTH, k] * stages[k, i]
            b += tableau[SOLUTION, k] * stages[k, i]
            c += tableau[THIRD, k] * stages[k, i]
        scale = h / (floor + rtol * max(abs(states[Y, i]), abs(states[NEW, i])))
        fifth += (scale * a) ** 2
        third += (scale * (b - c)) ** 2
    whole = fifth + 0.01 * third
    if not whole < math.inf:
        return math.inf
    return fifth / math.sqrt((size + 1) * whole) if whole > 0.0 else 0.0


def moved(
    row: Any, count: Any, h: Any, tableau: Numbers, states: Numbers, stages: Numbers, to: Any, size: Any
) -> None:
    """Put the state plus h times a weighted sum of the first `count` stages into a row."""
    for i in range(size):
        states[to, i] = 0.0
    for k in range(count):
        weight = tableau[row, k]
        if weight != 0.0:
            for i in range(size):
                states[to, i] += weight * stages[k, i]
    for i in range(size):
        states[to, i] = states[Y, i] + h * states[to, i]


def velocity(state: Numbers, stage: Numbers, moves: Numbers, field: Numbers) -> Any:
    """Put −∇L, 0 for what is frozen, and |∇L|² into a row; return the loss."""
    lines, setting, marks, density, knots, each, s, places, network, losses, gradient = field
    size = moves.shape[0]
    for i in range(size):
        network[0, i] = state[i]
    swept(network, losses, gradient, lines, setting, marks, density, knots, each, s, places)
    total = 0.0
    for i in range(size):
        slope = moves[i] * gradient[0, i]
        stage[i] = -slope
        total += slope * slope
    stage[size] = total
    return losses[0]


def first_step(state: Numbers, stage: Numbers) -> Any:
    """Return the length of the first step that is tried."""
    scale, speed = 1.0, 1e-3
    for i in range(state.shape[0] - 1):
        scale, speed = max(scale, abs(state[i])), max(speed, abs(stage[i]))
    return 1e-3 * scale / speed


def cross(record: Numbers, state: Numbers, side: Numbers, walls: Numbers, fades: Any, seen: Numbers) -> Any:
    """Note the walls that a network has crossed; return how many were seen.

    No ReLU neuron's flow crosses the end at which it is active but at w1 = b1 = 0: a neuron that fades is
    dead by rounding. That is no crossing where the terms are beyond `fades` times the largest parameter.
    """
    m, largest, count = state.shape[0] // 3, 0.0, 0
    for i in range(state.shape[0] - 1):
        largest = max(largest, abs(state[i]))
    for at in range(side.shape[0]):
        if is_behind(state, side, walls, at):
            at_lo, at_hi = side[at % m], side[m + at % m]
            side[at] = -side[at]
            dead = at // m < 2 and side[at % m] < 0.0 and side[m + at % m] < 0.0
            if dead and terms(state, walls, at) > fades * largest:
                continue
            if record[CROSSINGS] == 0.0:
                record[FIRST] = record[T]
            record[CROSSINGS] += 1.0
            if count < seen.shape[0]:
                seen[count, WHEN], seen[count, WALL] = record[T], at
                seen[count, AT_LO], seen[count, AT_HI] = at_lo, at_hi
                count += 1
    return count
