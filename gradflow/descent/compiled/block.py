"""Training in scalar code, for blocks of trajectories, which Numba compiles as it stands.

All numbers of a block lie in one array: row r of its lanes begins at r·W. W is a constant, so that the
compiler sees that rows do not overlap and packs the lanes of each loop into vectors. The loops of a step
do not branch, but for those over trajectories that have stopped, and over gradients that are added up.
Names in capitals, `prepare`, `field`, `fill`, `rates`, `rule` and the like are chosen when a step is
compiled (`gradflow.descent.compiled.kernel`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.error_free import affine
from gradflow.compiled.integral import OWN as PROBLEM_OF_ITS_OWN
from gradflow.compiled.integral import PROBLEM, TAUGHT, population, sample
from gradflow.compiled.registers import REGISTERS, loaded, stored
from gradflow.descent.optimisers.gd import Coefficients, rule
from gradflow.field.formulas import (
    Target,
    gradient,
    one_sided_gradient,
    parts,
    preactivations,
    signs,
)
from gradflow.field.ranges import ANCHOR, COLUMNS, SX, SXY, SY, T1
from gradflow.field.ranges import W as MASS
from gradflow.field.sorted_sample import corrected, side_sums

W = 272
"""Lanes of a block: rows of a length that is no power of two do not fall on each other in the caches."""

GRADIENT, ALIVE, CELL, FIRST, MEMORY = 4, 8, 9, 10, 11
"""Rows: first the four parameters, then the gradient, and after the step the parameters before it; whether
the trajectory goes on; its activity, and the first step with another one; then the optimiser's memory, four
rows for each of its numbers."""

ROW = OWN = RATES = 0
"""Where, behind them, there are: the row of a sorted sample, the trajectory's own target, its own rates."""

LOW, HIGH, AIM = range(3)
"""The numbers of a problem in closed form: both slopes, and the target of all trajectories."""

AIMS = 16
GIVEN = 0
AT_LO = AT_HI = 0
MEMORIES = COUNT = 0
EXACT = WATCHED = False
SCRATCH = 0
LARGEST = STEEPEST = 0.0


def advance(
    blocks: Any,
    begin: int,
    end: int,
    width: int,
    done: int,
    span: Any,
    table: Any,
    own: Any,
    which: Any,
    numbers: Any,
    nodes: Any,
    sums: Any,
) -> None:
    """Take the blocks from `begin` to `end` through the steps whose rates are the rows of a table.

    Where a rate is one of each trajectory's own, `which` has its row in `own`, and −1 elsewhere.
    """
    q = np.empty(SCRATCH, numbers.dtype)
    for block in range(begin, end):
        w = blocks[block]
        for step in range(table.shape[0]):
            prepare(w, width, numbers, nodes, sums, q)
            fill(w, width, block, table[step], own, which[step])
            update(w, width, done + step, span, numbers, table[step])


def observe(blocks: Any, begin: int, end: int, width: int, done: int, span: Any) -> None:
    """Note the activity after the last step."""
    for block in range(begin, end):
        w = blocks[block]
        for i in range(width):
            watch(w, i, done, *ends(w, i, span[0], span[1]))


def update(w: Any, width: int, step: int, span: Any, numbers: Any, row: Any) -> None:
    """Take the optimiser's step; a trajectory that leaves the range of safe arithmetic stays where it is.

    Short loops: in a long one every instruction waits for another, and a processor looks only so far ahead.
    """
    coefficients, problem = Coefficients(*loaded(row, 0, 1, COUNT)), loaded(numbers, 0, 1, GIVEN)
    lo, hi = span[0], span[1]
    for i in range(width):
        stored(w, GRADIENT * W + i, W, field(w, i, step, lo, hi, problem))
    for p in range(4):
        for i in range(width):
            renew(w, i, p, rates(w, i, coefficients))
    stopped = 0
    for i in range(width):
        stopped += int(w[ALIVE * W + i] == 0.0)
    if stopped > 0:
        go_back(w, width)


def renew(w: Any, i: int, p: int, c: Any) -> None:
    """Renew a parameter and its memory; the old one comes in the gradient's place."""
    at = (MEMORY + p) * W + i
    g, old = w[(GRADIENT + p) * W + i], w[p * W + i]
    new, memory = rule(REGISTERS, c, g, loaded(w, at, 4 * W, MEMORIES), old)
    stored(w, at, 4 * W, memory)
    within_bounds = (abs(new) <= LARGEST) & (abs(g) <= STEEPEST)
    # A product with what is chosen, no choice of itself: see `gradflow.compiled.registers.least`.
    w[ALIVE * W + i] = w[ALIVE * W + i] * REGISTERS.where(within_bounds, 1.0, 0.0)
    w[p * W + i] = new
    w[(GRADIENT + p) * W + i] = old


def go_back(w: Any, width: int) -> None:
    """Put trajectories that do not go on where they were."""
    for i in range(width):
        if w[ALIVE * W + i] == 0.0:
            for p in range(4):
                w[p * W + i] = w[(GRADIENT + p) * W + i]


def shared_rates(w: Any, i: int, shared: Any) -> Any:
    """Return the rates of all trajectories."""
    return shared


def own_rates(w: Any, i: int, shared: Any) -> Any:
    """Return a trajectory's own rates."""
    return Coefficients(*loaded(w, RATES * W + i, W, COUNT))


rates = shared_rates


def no_fill(w: Any, width: int, block: int, row: Any, own: Any, which: Any) -> None:
    """Leave a block as it is."""


def own_fill(w: Any, width: int, block: int, row: Any, own: Any, which: Any) -> None:
    """Put the rates of a step into a block."""
    for k in range(COUNT):
        to = (RATES + k) * W
        if which[k] < 0:
            for i in range(width):
                w[to + i] = row[k]
        else:
            values = own[which[k], block]
            for i in range(width):
                w[to + i] = values[i]


fill = no_fill


def watch(w: Any, i: int, step: int, z_lo: Any, z_hi: Any) -> None:
    """Note at which step the activity is first another than at the step before."""
    if WATCHED:
        dead = (z_lo <= 0.0) & (z_hi <= 0.0)
        hyperactive = (z_lo >= 0.0) & (z_hi >= 0.0)
        cell = REGISTERS.where(dead, 0.0, REGISTERS.where(hyperactive, 2.0, 1.0))
        # It is −1 before: what is added, not what is chosen, comes to lie where it was.
        moved = (cell != w[CELL * W + i]) & (w[FIRST * W + i] < 0.0)
        w[FIRST * W + i] = w[FIRST * W + i] + REGISTERS.where(moved, 0.0 * z_lo + (step + 1), 0.0)
        w[CELL * W + i] = cell


def ends(w: Any, i: int, lo: Any, hi: Any) -> Any:
    """Return a neuron's pre-activations at both ends of the input."""
    lo, hi = reach(w, i, lo, hi)
    if EXACT:
        return w[i] * lo + w[W + i], w[i] * hi + w[W + i]
    split = REGISTERS.splitter
    return affine(w[i], lo, w[W + i], split), affine(w[i], hi, w[W + i], split)


def shared_reach(w: Any, i: int, lo: Any, hi: Any) -> Any:
    """Return the ends of the input, the same for all."""
    return lo, hi


def own_reach(w: Any, i: int, lo: Any, hi: Any) -> Any:
    """Return the ends of the trajectory's own input."""
    return w[(OWN + AT_LO) * W + i], w[(OWN + AT_HI) * W + i]


reach = shared_reach


def aim_of(n: Any) -> Target:
    """Return the target behind the teacher's w1, b1 and b2."""
    x, widths, y, rises = (n[3], n[4], n[5]), (n[6], n[7]), (n[8], n[9], n[10]), (n[11], n[12])
    return Target(x, widths, y, rises, n[13] != 0.0, n[14], n[15])


def nothing(w: Any, width: int, numbers: Any, nodes: Any, sums: Any, q: Any) -> None:
    """Prepare nothing: a closed form needs none."""


def population_field(w: Any, i: int, step: int, lo: Any, hi: Any, problem: Any) -> Any:
    """Return a gradient on the population, of the target that all share."""
    return of_target(w, i, step, problem[AIM:], problem[LOW], problem[HIGH])


def own_population_field(w: Any, i: int, step: int, lo: Any, hi: Any, problem: Any) -> Any:
    """Return a gradient on the population, of a target and an interval of the trajectory's own."""
    return of_target(w, i, step, loaded(w, OWN * W + i, W, AIMS), problem[LOW], problem[HIGH])


def of_target(w: Any, i: int, step: int, n: Any, low: Any, high: Any) -> Any:
    """Return a gradient in closed form."""
    aim = aim_of(n)
    z = preactivations(REGISTERS, w[i], w[W + i], (n[0], n[1]), aim, exact=EXACT)
    watch(w, i, step, z[0], z[2])
    p = parts(REGISTERS, z, signs(REGISTERS, z), aim)
    return gradient_of(p, w[2 * W + i], w[3 * W + i] - n[2], low, high)


def relu(p: Any, w2: Any, offset: Any, low: Any, high: Any) -> Any:
    """Return the gradient of a neuron with the slopes (0, 1)."""
    return one_sided_gradient(REGISTERS, p.active, p.aim, w2, offset, 1.0)


def one_sided(p: Any, w2: Any, offset: Any, low: Any, high: Any) -> Any:
    """Return the gradient of a neuron that is constant where it is inactive."""
    return one_sided_gradient(REGISTERS, p.active, p.aim, w2, offset, high)


def two_sided(p: Any, w2: Any, offset: Any, low: Any, high: Any) -> Any:
    """Return the gradient of a neuron with any slopes."""
    return gradient(REGISTERS, p, w2, offset, (low, high))


gradient_of = relu
prepare = nothing
field = population_field


def found(w: Any, i: int, step: int, lo: Any, hi: Any, problem: Any) -> Any:
    """Return the gradient that has been prepared."""
    watch(w, i, step, *ends(w, i, lo, hi))
    at = GRADIENT * W + i
    return w[at], w[at + W], w[at + 2 * W], w[at + 3 * W]


def gather(w: Any, width: int, numbers: Any, nodes: Any, sums: Any, q: Any) -> None:
    """Compute gradients on a sorted sample (`gradflow.field.sorted_sample`)."""
    for i in range(width):
        w[ROW * W + i] = search(nodes, w[i], w[W + i], int(w[ROW * W + i]))
    low, high = numbers[LOW], numbers[HIGH]
    for i in range(width):
        row, rising = int(w[ROW * W + i]), w[i] >= 0.0
        left = side(w, i, loaded(sums, 2 * COLUMNS * row, 1, COLUMNS), REGISTERS.where(rising, low, high))
        table = loaded(sums, 2 * COLUMNS * row + COLUMNS, 1, COLUMNS)
        right = side(w, i, table, REGISTERS.where(rising, high, low))
        a, b, c, d = left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3]
        stored(w, GRADIENT * W + i, W, (a + a, b + b, c + c, d + d))


def side(w: Any, i: int, t: Any, slope: Any) -> Any:
    """Return what one side of the breakpoint adds to half the gradient."""
    w1, b1, w2, b2 = w[i], w[W + i], w[2 * W + i], w[3 * W + i]
    anchor, through = t[ANCHOR], slope * w2
    product = w1 * anchor
    z = corrected(w1, anchor, b1, product, product + b1)
    first = (
        z * t[0] + w1 * t[T1],
        z * t[1] + w1 * t[T1 + 1],
        z * t[2] + w1 * t[T1 + 2],
        z * t[3] + w1 * t[T1 + 3],
    )
    means = (t[MASS], t[SX], t[SY], t[SXY])
    _, (r, rx, rz) = side_sums(means, first, z, w1, b2, through)
    return through * rx, through * r, slope * rz, r


def search(inputs: Any, w1: Any, b1: Any, row: int) -> int:
    """Return how many distinct inputs are on the left of the breakpoint, near `row` if it has not moved.

    The rounded pre-activation decides, as in a direct sum: rounding preserves order, so it changes once.
    """
    rising = w1 >= 0.0
    low, high = 0, inputs.shape[0]
    if row < high and (w1 * inputs[row] + b1 > 0.0) == rising:
        high = row
        if row > 0 and (w1 * inputs[row - 1] + b1 > 0.0) != rising:
            return row
    elif row < high:
        low = row + 1
    while low < high:
        middle = (low + high) // 2
        if (w1 * inputs[middle] + b1 > 0.0) == rising:
            high = middle
        else:
            low = middle + 1
    return low


def summed(w: Any, width: int, numbers: Any, nodes: Any, sums: Any, q: Any) -> None:
    """Compute gradients that are added up over nodes (`gradflow.compiled.integral`)."""
    for i in range(width):
        if w[ALIVE * W + i] != 0.0:
            add_up(w, i, numbers, nodes, q)
            stored(w, GRADIENT * W + i, W, (q[0], q[1], q[2], q[3]))


def of_sample(w: Any, i: int, numbers: Any, nodes: Any, q: Any) -> None:
    """Add up over a sample."""
    sample(q, numbers, nodes, w[i], w[W + i], w[2 * W + i], w[3 * W + i])


def of_nodes(w: Any, i: int, numbers: Any, nodes: Any, q: Any) -> None:
    """Add up over nodes."""
    population(q, numbers, nodes, w[i], w[W + i], w[2 * W + i], w[3 * W + i])


def of_own_nodes(w: Any, i: int, numbers: Any, nodes: Any, q: Any) -> None:
    """Add up over nodes, with a teacher and an interval of the trajectory's own."""
    problem = q[PROBLEM_OF_ITS_OWN:]
    for k in range(PROBLEM):
        problem[k] = numbers[k]
    for k in range(TAUGHT):
        problem[k] = w[(OWN + k) * W + i]
    population(q, problem, nodes, w[i], w[W + i], w[2 * W + i], w[3 * W + i])


add_up = of_sample
