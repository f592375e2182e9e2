"""Neurons that are dead, or so nearly dead that they no longer matter: their future in closed form.

Without the neuron only b2 moves: b2 − E f* decays like exp(−2t). A ReLU neuron that is still active on
a fraction p of the input, next to the end e, then has log z_e change at the rate −K (b2 − f*(e)), with
K = 2 w2 s₊ (1 + e²)/|z_o| and o the other end, all relative to 1 + O(p): that of its gradient over the
active part. It integrates to −K ((E f* − f*(e)) t + (b2 − E f*)(1 − exp(−2t))/2). The decay may turn
into growth once b2 has passed f*(e), and the neuron comes back to life; by then z_e may have been below
all floating-point numbers, and an explicit method would have needed steps of about 1/K all the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradflow.backend import Array
from gradflow.flow.lanes import REACHED, RUNNING, Lanes, Setting, ended, preactivations, put, take, velocity

NEGLIGIBLE = 1e-20
HALVINGS = 60


def fade(setting: Setting, lanes: Lanes) -> Lanes:
    """Take ReLU neurons that are dead to t_end, and those that fade to t_end or to where they come back.

    A neuron fades from where its active part is below the fraction 1e-20 of the input and shrinking to
    where it is that large again.
    """
    if setting.slopes[0] != 0.0:
        return lanes
    xp, cell = setting.xp, lanes.cell
    z_lo, z_hi = xp.abs(lanes.y[0, ...]), xp.abs(lanes.y[1, ...])
    dead = ~(cell[0, ...] | cell[1, ...] | cell[2, ...])
    balanced = cell[0, ...] != cell[2, ...]
    small = balanced & (xp.minimum(z_lo, z_hi) <= NEGLIGIBLE * xp.maximum(z_lo, z_hi))
    candidates = (lanes.status == RUNNING) & (dead | small)
    which = xp.nonzero(candidates)[0]
    if which.shape[0] == 0:
        return lanes
    faded = _fade(setting, take(xp, lanes, which))
    return put(xp, lanes, candidates, faded._replace(terms=lanes.terms))


def _fade(setting: Setting, lanes: Lanes) -> Lanes:
    xp, y, terms, cell = setting.xp, lanes.y, lanes.terms, lanes.cell
    z_lo, z_hi, w2, b2, descended = (y[i, ...] for i in range(5))
    left = setting.t_end - lanes.t
    gap = b2 - terms.mean

    at_lo, at_hi = cell[0, ...], cell[2, ...]
    end = xp.where(at_lo, terms.lo, terms.hi)
    output = xp.where(at_lo, terms.y_lo, terms.y_hi) + terms.offset
    z, other = xp.where(at_lo, z_lo, z_hi), xp.abs(xp.where(at_lo, z_hi, z_lo))
    one = xp.ones_like(z)
    rate = 2.0 * setting.slopes[1] * w2 * (1.0 + end * end) / xp.where(other > 0.0, other, one)
    pull = terms.mean - output

    def growth(t: Array) -> Array:
        return -rate * (pull * t - 0.5 * gap * xp.expm1(-2.0 * t))

    # With the teacher's breakpoint between the ends of the active part, that part is not small.
    alone = ~terms.has_kink | ~cell[1, ...]
    fades = (at_lo != at_hi) & alone & (z > 0.0) & (z <= NEGLIGIBLE * other) & (rate * (b2 - output) > 0.0)
    room = math.log(NEGLIGIBLE) - xp.log(xp.where(fades, z / other, NEGLIGIBLE * one))
    # log z turns where b2 = f*(e), if it ever does.
    turns = fades & (pull * gap < 0.0) & (xp.abs(gap) > xp.abs(pull))
    turn = 0.5 * xp.log(xp.where(turns, -gap / xp.where(turns, pull, one), one))
    returns = turns & (turn < left) & (growth(left) > room)
    time = _time_of(xp, lambda t: growth(t) > room, xp.where(returns, turn, left), left)

    goes = (~at_lo & ~at_hi) | fades
    there = xp.where(returns, lanes.t + time, setting.t_end * one)
    z = xp.where(fades, xp.where(returns, NEGLIGIBLE * other, z * xp.exp(growth(time))), z)
    moved = goes & (left > 0.0)
    y = xp.stack((
        xp.where(at_lo, z, z_lo),
        xp.where(at_hi, z, z_hi),
        w2,
        xp.where(moved, terms.mean + gap * xp.exp(-2.0 * time), b2),
        xp.where(moved, descended - gap * gap * xp.expm1(-4.0 * time), descended),
    ))  # fmt: skip
    lanes = lanes._replace(
        t=xp.where(moved, there, lanes.t),
        y=y,
        f=xp.where(returns, velocity(setting, terms, cell, y, preactivations(terms, y)), lanes.f),
    )
    return ended(xp, lanes, goes & ~returns, REACHED)


def _time_of(xp: Any, happened: Callable[[Array], Array], start: Array, end: Array) -> Array:
    """Return when something happens that has not at the start and has at the end; the end if they agree."""
    if not bool(xp.any(start < end)):
        return end
    for _ in range(HALVINGS):
        middle = 0.5 * (start + end)
        late = happened(middle)
        start, end = xp.where(late, start, middle), xp.where(late, middle, end)
    return end
