"""One step of DOP853 for the trajectories of a block: stages, error, acceptance, dense output.

The arithmetic is that of `gradflow.flow.batch_step`, whose texts explain it. A loop goes over the lanes, or
over all lanes of the four or five rows of a state in one go; it has no branch in it and becomes packed
instructions. A row of the tableau is a constant of the compiled code, its sum one straight line.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from gradflow.compiled.registers import REGISTERS, Weighted, last_of, sum_of
from gradflow.flow.batch_step import CLEARANCE, LARGEST, SAFETY, SMALLEST
from gradflow.flow.compiled.field import middle
from gradflow.flow.compiled.layout import (  # fmt: skip
    ATTENTION,
    ERROR,
    FLOOR,
    HAS_WALLS,
    KEPT,
    LOWEST,
    MAX_STEPS,
    NEW,
    PACE,
    REJECTED,
    RESTING,
    RTOL,
    SIDES,
    SLOPE_MINUS,
    SQUARES,
    STATE,
    STEPS,
    T_END,
    TERM_HAS_BREAKPOINT,
    TOTAL,
    TRIAL_H,
    TRIAL_Y,
    VELOCITY,
    WAIT,
    H,
    K,
    Numbers,
    T,
    W,
    Y,
)
from gradflow.flow.dying import NEGLIGIBLE, SHARE, SMALLER, UNSURE
from gradflow.flow.lanes import PATIENCE
from gradflow.flow.tableau import DENSE, EXTRA, FIFTH, STAGES, STEP, THIRD

EPS = float(np.finfo(np.float64).eps)
TINY = 1e8 * float(np.finfo(np.float64).smallest_normal)
LARGE = float(np.finfo(np.float64).max)

STAGE_1, *_LATER = map(Weighted, STAGES)
(STAGE_2, STAGE_3, STAGE_4, STAGE_5, STAGE_6, STAGE_7, STAGE_8, STAGE_9, STAGE_10, STAGE_11) = _LATER
OF_STEP, OF_FIFTH, OF_THIRD = Weighted(STEP), Weighted(FIFTH), Weighted(THIRD)
EXTRA_1, EXTRA_2, EXTRA_3 = map(Weighted, EXTRA)
DENSE_1, DENSE_2, DENSE_3, DENSE_4 = map(Weighted, DENSE)

NEAR, SMALL, ENDLESS, OVER = 1.0, 2.0, 4.0, 8.0
"""Reasons for a closer look: a wall is near; the step is too small, its error infinite; it may be over."""


def larger(a: float, b: float) -> float:
    """Return the larger of two numbers, the second if one is not a number."""
    return a if a > b else b


def smaller(a: float, b: float) -> float:
    """Return the smaller of two numbers, the second if one is not a number."""
    return a if a < b else b


def longest_step(z_lo: float, z_hi: float, v_lo: float, v_hi: float) -> float:
    """Return how long a balanced neuron's step may be (`gradflow.flow.dying.longest_step`)."""
    shrink = (z_lo * v_lo < 0.0) & (z_hi * v_hi < 0.0)
    to_lo = -z_lo / REGISTERS.where(shrink, v_lo, 1.0)
    to_hi = -z_hi / REGISTERS.where(shrink, v_hi, 1.0)
    longest: float = REGISTERS.where(shrink, SHARE * larger(to_lo, to_hi), inf)
    return longest


def begin(w: Numbers, fixed: Numbers) -> None:
    """Choose the step to try, and note the pre-activations that it starts from, positive in the cell."""
    stays_dead = fixed[SLOPE_MINUS] == 0.0
    t_end = fixed[T_END]
    for lane in range(W):
        z_lo = w[Y * W + lane]
        z_hi = w[(Y + 1) * W + lane]
        w[LOWEST * W + lane] = w[SIDES * W + lane] * z_lo
        w[(LOWEST + 1) * W + lane] = w[(SIDES + 1) * W + lane] * middle(w, lane, z_lo, z_hi)
        w[(LOWEST + 2) * W + lane] = w[(SIDES + 2) * W + lane] * z_hi
        # It does not go beyond t_end; it may be too short to change the time.
        h = smaller(w[H * W + lane], t_end - w[T * W + lane])
        balanced = stays_dead & (w[SIDES * W + lane] != w[(SIDES + 2) * W + lane])
        longest = longest_step(z_lo, z_hi, w[K * W + lane], w[(K + 1) * W + lane])
        h = REGISTERS.where(balanced, smaller(h, longest), h)
        w[TRIAL_H * W + lane] = h
        w[(TRIAL_H + 1) * W + lane] = h
        w[(TRIAL_H + 2) * W + lane] = h
        w[(TRIAL_H + 3) * W + lane] = h
        w[(TRIAL_H + 4) * W + lane] = h


def start(w: Numbers) -> None:
    """Compute the states at the first stage."""
    for i in range(4 * W):
        w[STATE * W + i] = w[Y * W + i] + w[TRIAL_H * W + i] * sum_of(STAGE_1, w, K * W + i, 5 * W)


def stage(w: Numbers, of: Weighted) -> None:
    """Compute the states at a stage; the latest velocity becomes the last of those that it is made of."""
    for i in range(4 * W):
        w[(K + 5 * last_of(of)) * W + i] = w[VELOCITY * W + i]
        w[STATE * W + i] = w[Y * W + i] + w[TRIAL_H * W + i] * sum_of(of, w, K * W + i, 5 * W)
    for i in range(W):
        w[(K + 5 * last_of(of) + 4) * W + i] = w[(VELOCITY + 4) * W + i]


def step(w: Numbers) -> None:
    """Compute the states at the end of the step."""
    for i in range(5 * W):
        w[(K + 5 * last_of(OF_STEP)) * W + i] = w[VELOCITY * W + i]
        total = sum_of(OF_STEP, w, K * W + i, 5 * W)
        w[TOTAL * W + i] = total
        w[TRIAL_Y * W + i] = w[Y * W + i] + w[TRIAL_H * W + i] * total
    for i in range(4 * W):
        w[STATE * W + i] = w[TRIAL_Y * W + i]


def error(w: Numbers, fixed: Numbers) -> None:
    """Compute the squares of both error estimates, relative to the tolerance, for every coordinate."""
    rtol = fixed[RTOL]
    for i in range(5 * W):
        w[(K + 60) * W + i] = w[VELOCITY * W + i]
        size = larger(abs(w[Y * W + i]), abs(w[TRIAL_Y * W + i]))
        scale = w[TRIAL_H * W + i] / (w[FLOOR * W + i] + rtol * size)
        a = scale * sum_of(OF_FIFTH, w, K * W + i, 5 * W)
        b = scale * (w[TOTAL * W + i] - sum_of(OF_THIRD, w, K * W + i, 5 * W))
        w[SQUARES * W + i] = a * a
        w[(SQUARES + 5) * W + i] = b * b


def of_five(w: Numbers, lane: int, row: int) -> float:
    """Return the sum of five rows' entries."""
    return (
        w[row * W + lane]
        + w[(row + 1) * W + lane]
        + w[(row + 2) * W + lane]
        + w[(row + 3) * W + lane]
        + w[(row + 4) * W + lane]
    )


def norm(w: Numbers) -> None:
    """Compute the errors relative to the tolerance, infinite where a number is not finite."""
    for lane in range(W):
        a = of_five(w, lane, SQUARES)
        b = of_five(w, lane, SQUARES + 5)
        size = a + 0.01 * b
        result = a / sqrt(5.0 * REGISTERS.where(size == 0.0, 1.0, size))
        w[ERROR * W + lane] = REGISTERS.where(size <= LARGE, result, inf)


def is_near(z0: float, z1: float, v0: float, v1: float, third: float, side: float, lowest: float) -> bool:
    """Return whether a pre-activation may have changed its sign: a cheap test on the safe side."""
    first = side * z0
    second = side * (z0 + third * v0)
    before = side * (z1 - third * v1)
    last = side * z1
    low = smaller(smaller(smaller(first, second), before), last)
    high = larger(larger(larger(first, second), before), last)
    return smaller(low, lowest) <= CLEARANCE * (high - low)


def is_near_wall(w: Numbers, lane: int) -> bool:
    """Return whether a trajectory may have touched a wall during the trial (`batch_step.near_wall`)."""
    third = w[TRIAL_H * W + lane] / 3.0
    a0 = w[Y * W + lane]
    b0 = w[(Y + 1) * W + lane]
    a1 = w[TRIAL_Y * W + lane]
    b1 = w[(TRIAL_Y + 1) * W + lane]
    va0 = w[K * W + lane]
    vb0 = w[(K + 1) * W + lane]
    va1 = w[(K + 60) * W + lane]
    vb1 = w[(K + 61) * W + lane]
    lo = w[SIDES * W + lane]
    hi = w[(SIDES + 2) * W + lane]
    m0 = middle(w, lane, a0, b0)
    m1 = middle(w, lane, a1, b1)
    vm0 = middle(w, lane, va0, vb0)
    vm1 = middle(w, lane, va1, vb1)
    near_q = is_near(m0, m1, vm0, vm1, third, w[(SIDES + 1) * W + lane], w[(LOWEST + 1) * W + lane])
    bends = (w[TERM_HAS_BREAKPOINT * W + lane] != 0.0) & (lo != hi)
    near_lo = is_near(a0, a1, va0, va1, third, lo, w[LOWEST * W + lane])
    near_hi = is_near(b0, b1, vb0, vb1, third, hi, w[(LOWEST + 2) * W + lane])
    return near_lo | (bends & near_q) | near_hi


def is_alive(w: Numbers, lane: int) -> bool:
    """Return whether a ReLU neuron has not lost the one end of the input at which it was active."""
    at_lo = w[SIDES * W + lane] > 0.0
    at_hi = w[(SIDES + 2) * W + lane] > 0.0
    z_lo = w[TRIAL_Y * W + lane]
    z_hi = w[(TRIAL_Y + 1) * W + lane]
    return (at_lo == at_hi) | (at_lo & (z_lo > 0.0)) | (at_hi & (z_hi > 0.0))


def loses_direction(w: Numbers, lane: int, rtol: float) -> bool:
    """Return whether the trial's error may have turned (w1, b1) (`gradflow.flow.dying.loses_direction`)."""
    first = larger(abs(w[Y * W + lane]), abs(w[(Y + 1) * W + lane]))
    last = larger(abs(w[TRIAL_Y * W + lane]), abs(w[(TRIAL_Y + 1) * W + lane]))
    return (last < SMALLER * first) & (UNSURE * last < rtol * first)


def is_spent(steps: float, t: float, most: float, pace: float) -> bool:
    """Return whether a trajectory has used up its steps, or is hopeless (`lanes.is_spent`)."""
    return (steps >= most) | ((steps >= PATIENCE) & (t < steps * pace))


def is_stale(w: Numbers, o: int, rtol: float, has_walls: float) -> bool:
    """Return whether the new state's (w1, b1) is so small that absolute tolerances say nothing of it."""
    size = larger(abs(w[(NEW + Y) * W + o]), abs(w[(NEW + Y + 1) * W + o]))
    least = larger(w[FLOOR * W + o], w[(FLOOR + 1) * W + o])
    return (has_walls != 0.0) & (rtol * size < least)


def decide(w: Numbers, fixed: Numbers) -> None:
    """Accept or reject the step and choose the next; note what needs a closer look."""
    # What all lanes share is read before the loop, which could not be packed otherwise.
    stays_dead = fixed[SLOPE_MINUS] == 0.0
    t_end = fixed[T_END]
    rtol = fixed[RTOL]
    for lane in range(W):
        trial = w[TRIAL_H * W + lane]
        before = w[T * W + lane]
        size = w[ERROR * W + lane]
        accurate = size < 1.0
        moved = accurate & ((is_alive(w, lane) & (not loses_direction(w, lane, rtol))) | (not stays_dead))
        near = moved & is_near_wall(w, lane)
        # Three square roots make the eighth: unlike a power, they have the same bits everywhere.
        root = sqrt(sqrt(sqrt(larger(size, 1e-20))))
        factor = smaller(larger(SAFETY / root, SMALLEST), LARGEST)
        again = (w[REJECTED * W + lane] != 0.0) & moved
        factor = REGISTERS.where(again, smaller(factor, 1.0), factor)
        factor = REGISTERS.where(accurate & (not moved), SMALLEST, factor)
        h = trial * factor
        after = REGISTERS.where(trial >= t_end - before, t_end, before + trial)
        t = REGISTERS.where(moved, after, before)
        small = h < 10.0 * EPS * t + TINY
        steps = w[STEPS * W + lane] + REGISTERS.where(moved, 1.0, 0.0)
        attention = REGISTERS.where(near, NEAR, 0.0) + REGISTERS.where(small, SMALL, 0.0)
        attention += REGISTERS.where(small & (size == inf), ENDLESS, 0.0)
        w[(NEW + T) * W + lane] = t
        w[(NEW + H) * W + lane] = h
        w[(NEW + STEPS) * W + lane] = steps
        w[(NEW + REJECTED) * W + lane] = REGISTERS.where(moved, 0.0, 1.0)
        w[ATTENTION * W + lane] = attention


def choose(w: Numbers, lane: int, row: int, kept: int, tried: int) -> None:
    """Take a row's entry from before the step if it was rejected."""
    moved = w[(NEW + REJECTED) * W + lane] == 0.0
    w[row * W + lane] = REGISTERS.where(moved, w[tried * W + lane], w[kept * W + lane])


def go(w: Numbers) -> None:
    """Put trajectories where an accepted step takes them."""
    for lane in range(W):
        choose(w, lane, NEW + Y, Y, TRIAL_Y)
        choose(w, lane, NEW + Y + 1, Y + 1, TRIAL_Y + 1)
        choose(w, lane, NEW + Y + 2, Y + 2, TRIAL_Y + 2)
        choose(w, lane, NEW + Y + 3, Y + 3, TRIAL_Y + 3)
        choose(w, lane, NEW + Y + 4, Y + 4, TRIAL_Y + 4)
    for lane in range(W):
        choose(w, lane, NEW + K, K, K + 60)
        choose(w, lane, NEW + K + 1, K + 1, K + 61)
        choose(w, lane, NEW + K + 2, K + 2, K + 62)
        choose(w, lane, NEW + K + 3, K + 3, K + 63)
        choose(w, lane, NEW + K + 4, K + 4, K + 64)


def look(w: Numbers, fixed: Numbers) -> None:
    """Note which trajectories may be over."""
    stays_dead = fixed[SLOPE_MINUS] == 0.0
    t_end = fixed[T_END]
    resting = fixed[RESTING]
    rtol = fixed[RTOL]
    has_walls = fixed[HAS_WALLS]
    most = fixed[MAX_STEPS]
    pace = fixed[PACE]
    for lane in range(W):
        t = w[(NEW + T) * W + lane]
        z_lo = abs(w[(NEW + Y) * W + lane])
        z_hi = abs(w[(NEW + Y + 1) * W + lane])
        fades = stays_dead & (smaller(z_lo, z_hi) <= NEGLIGIBLE * larger(z_lo, z_hi))
        rests = sqrt(w[(NEW + K + 4) * W + lane]) <= resting
        over = (t >= t_end) | rests | is_spent(w[(NEW + STEPS) * W + lane], t, most, pace) | fades
        over = over | is_stale(w, lane, rtol, has_walls)
        w[ATTENTION * W + lane] += REGISTERS.where(over, OVER, 0.0)


def commit(w: Numbers) -> None:
    """Make the new rows the kept ones; those that a step does not compute stay."""
    for i in range((FLOOR - T) * W):
        w[T * W + i] = w[(NEW + T) * W + i]
    for i in range((WAIT - REJECTED) * W):
        w[REJECTED * W + i] = w[(NEW + REJECTED) * W + i]
    for i in range((KEPT - K) * W):
        w[K * W + i] = w[(NEW + K) * W + i]


def extra(w: Numbers, o: int, of: Weighted) -> None:
    """Compute one trajectory's state at a stage that only the dense output needs."""
    for j in range(4):
        i = j * W + o
        w[STATE * W + i] = w[Y * W + i] + w[TRIAL_H * W + i] * sum_of(of, w, K * W + i, 5 * W)


def dense(w: Numbers, o: int, q: Numbers, first: int) -> None:
    """Put the last four terms of one trajectory's dense output into its scratch."""
    for j in range(5):
        i = j * W + o
        h = w[TRIAL_H * W + i]
        q[first + j] = h * sum_of(DENSE_1, w, K * W + i, 5 * W)
        q[first + 5 + j] = h * sum_of(DENSE_2, w, K * W + i, 5 * W)
        q[first + 10 + j] = h * sum_of(DENSE_3, w, K * W + i, 5 * W)
        q[first + 15 + j] = h * sum_of(DENSE_4, w, K * W + i, 5 * W)
