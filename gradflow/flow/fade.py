"""Lanes that are dead, or so nearly dead that they no longer matter, taken on in closed form."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array
from gradflow.flow.dying import NEGLIGIBLE, Active, fading
from gradflow.flow.lanes import Lanes, Setting, ended, preactivations, put, take, velocity
from gradflow.flow.status import REACHED, RUNNING


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
    return lanes._replace(**put(xp, _changes(lanes), candidates, _changes(faded))._asdict())


class _Changes(NamedTuple):
    """The parts of lanes that fading changes."""

    t: Array
    y: Array
    f: Array
    status: Array


def _changes(lanes: Lanes) -> _Changes:
    return _Changes(lanes.t, lanes.y, lanes.f, lanes.status)


def _fade(setting: Setting, lanes: Lanes) -> Lanes:
    xp, y, terms, cell = setting.xp, lanes.y, lanes.terms, lanes.cell
    z_lo, z_hi, w2, b2, descended = (y[i, ...] for i in range(5))
    left = setting.t_end - lanes.t
    gap = b2 - terms.mean

    at_lo, at_hi = cell[0, ...], cell[2, ...]
    end = xp.where(at_lo, terms.lo, terms.hi)
    output = xp.where(at_lo, terms.y_lo, terms.y_hi) + terms.offset
    z, other = xp.where(at_lo, z_lo, z_hi), xp.abs(xp.where(at_lo, z_hi, z_lo))
    # With the teacher's breakpoint between the ends of the active part, that part is not small.
    may = (at_lo != at_hi) & (~terms.has_breakpoint | ~cell[1, ...])
    found = fading(xp, Active(z, other, output, end), setting.slopes[1], w2, b2, terms.mean, left, may)
    fades, returns, time = found.holds, found.returns, found.time

    goes = (~at_lo & ~at_hi) | fades
    there = xp.where(returns, lanes.t + time, setting.t_end * xp.ones_like(z))
    z = xp.where(fades, xp.where(returns, NEGLIGIBLE * other, z * xp.exp(found.growth(xp, time))), z)
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
