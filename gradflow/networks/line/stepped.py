"""Training of networks on the line, one after the other, in scalar code that Numba compiles as it stands.

Field and rule are the texts that run on arrays (`kernel`, `gradflow.descent.optimisers`) and the order of all
operations is theirs, so that the states are those of `gradflow.descent.stepping`, to the bit. Names in
capitals, `rule` and `Coefficients` are chosen when a loop is compiled (`gradflow.networks.line.machine`).
"""

from __future__ import annotations

from typing import Any

from gradflow.base.error_free import affine
from gradflow.compiled.registers import REGISTERS, loaded, stored
from gradflow.descent.optimisers.gd import Coefficients, rule
from gradflow.networks.line.kernel import swept

MEMORIES = COUNT = 0
LARGEST = STEEPEST = 0.0

DONE, ALIVE = range(2)
"""Numbers of a network: the steps taken of those that a call is for, and whether it goes on."""

Numbers = Any


def taken(
    rows: Numbers,
    memory: Numbers,
    going: Numbers,
    sides: Numbers,
    records: Numbers,
    losses: Numbers,
    seen: Numbers,
    places_seen: Numbers,
    table: Numbers,
    due: Numbers,
    moves: Numbers,
    walls: Numbers,
    lines: Numbers,
    setting: Numbers,
    marks: Numbers,
    density: Numbers,
    knots: Numbers,
    each: Numbers,
    s: Numbers,
    places: Numbers,
    network: Numbers,
    value: Numbers,
    gradient: Numbers,
) -> Any:
    """Take every network through the steps whose rates are the rows of a table; return how much was seen.

    Parameters
    ----------
    rows : array, shape (n, 3m + 1)
    memory : array, shape (n, MEMORIES · (3m + 1))
        What the optimiser remembers.
    going : array of int64, shape (n, 2)
    sides : array, shape (n, walls · m)
        1 where a pre-activation at a wall is positive, else 0.
    records, losses : array, shape (n, d, 3m + 1) and (n, d)
        States and losses that are due.
    seen : array, shape (most, 2 walls · m)
        The sides before and after steps that changed any; when it is full the call ends, and another goes on.
    places_seen : array of int64, shape (most, 2)
        Which network's step it was, and which step.
    table : array, shape (steps, COUNT)
    due : array of int64, shape (steps,)
        Where a step's state is recorded, −1 where it is not.
    moves : array, shape (3m + 1,)
        0 of frozen parameters, else 1.
    walls : array
        Where walls are; none if nothing is to be seen.
    lines, setting, marks, density, knots, each, s, places
        As `kernel.swept`.
    network, value, gradient : array, shape (1, 3m + 1), (1,) and (1, 3m + 1)
        Scratch.
    """
    count = 0
    for one in range(rows.shape[0]):
        theta, mine, side, size = rows[one], memory[one], sides[one], rows.shape[1]
        while going[one, DONE] < table.shape[0]:
            step = going[one, DONE]
            at = due[step]
            if going[one, ALIVE] == 1 or at >= 0:
                for p in range(size):
                    network[0, p] = theta[p]
                swept(network, value, gradient, lines, setting, marks, density, knots, each, s, places)
            if at >= 0:
                for p in range(size):
                    records[one, at, p] = theta[p]
                losses[one, at] = value[0]
            if going[one, ALIVE] == 1:
                if count == seen.shape[0]:
                    return count
                if moved(theta, mine, table[step], moves, network, gradient):
                    if look(theta, side, walls, seen[count]):
                        places_seen[count, 0], places_seen[count, 1] = one, step
                        count += 1
                else:
                    going[one, ALIVE] = 0
            going[one, DONE] = step + 1
    return count


def moved(
    theta: Numbers, memory: Numbers, row: Numbers, moves: Numbers, network: Numbers, gradient: Numbers
) -> Any:
    """Take the optimiser's step if it stays in the range of safe arithmetic; return whether it does."""
    c, size, good = Coefficients(*loaded(row, 0, 1, COUNT)), theta.shape[0], True
    for p in range(size):
        g = REGISTERS.where(moves[p] != 0.0, gradient[0, p], 0.0)
        new, parts = rule(REGISTERS, c, g, loaded(memory, p, size, MEMORIES), theta[p])
        stored(memory, p, size, parts)
        new = REGISTERS.where(moves[p] != 0.0, new, theta[p])
        network[0, p] = new
        good = good & (abs(new) <= LARGEST) & (abs(g) <= STEEPEST)
    if good:
        for p in range(size):
            theta[p] = network[0, p]
    return good


def look(theta: Numbers, side: Numbers, walls: Numbers, seen: Numbers) -> Any:
    """Renew the sides of walls on which a network's neurons are; return whether any has changed."""
    m, count = theta.shape[0] // 3, side.shape[0]
    for wall in range(walls.shape[0]):
        for j in range(m):
            z = affine(theta[j], walls[wall], theta[m + j], REGISTERS.splitter)
            seen[count + wall * m + j] = REGISTERS.where(z > 0.0, 1.0, 0.0)
    changes = 0.0
    for at in range(count):
        changes += abs(seen[count + at] - side[at])
    changed = changes > 0.0
    if changed:
        for at in range(count):
            seen[at], side[at] = side[at], seen[count + at]
    return changed
