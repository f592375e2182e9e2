"""Wall crossings of many lanes: the dense output, its first sign change, and the restart behind it.

The step's polynomial is searched for the first sign change of every wall function. A crossing is certain,
and the lane restarts from it, once a step ends beyond the wall by ten times the solver's error, or goes
there and back by a thousand times that error: between its ends the polynomial is less accurate, most of
all in the long steps of a trajectory at rest. A step that ends less far beyond waits, with the time and
state of its sign change, until the lane is deep enough or has come back: a trajectory that converges to
a wall changes sides at the level of the error.

No neuron crosses the wall at its active end by which it would die (`gradflow.flow.batch_step`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array, device
from gradflow.flow import lanes as batch
from gradflow.flow.batch_step import Trial, alive, combine, sides
from gradflow.flow.crossing import CERTAIN, CERTAIN_BETWEEN, SHORTER
from gradflow.flow.dying import strays
from gradflow.flow.lanes import EVENTS, Lanes, Setting, Terms, ranks
from gradflow.flow.tableau import DENSE, EXTRA
from gradflow.neuron.activity import BALANCED

AT_ONCE = 1e-9
INTERVALS = 16
CLOSEST = 4e-16
HALVINGS = 26

Polynomial = list[Array]
"""p(0) and seven terms: p = p0 + s (p1 + (1 − s) (p2 + s (p3 + …))), s and 1 − s in turn."""


class Exit(NamedTuple):
    """Whether, where (s in [0, 1]) and how deep a wall function goes to the other side of zero."""

    exists: Array
    s: Array
    depth: Array


def cross(setting: Setting, before: Lanes, trial: Trial, after: Lanes) -> Lanes:
    """Return lanes that took a step without regard to walls, put back on the wall where they crossed one."""
    xp, terms = setting.xp, before.terms
    dense = _dense_output(setting, before, trial)
    side = sides(setting, before.cell)
    heights = [side * xp.stack(batch.preactivations(terms, term)) for term in dense]
    leaves = first_exit(xp, heights)
    exists = leaves.exists & batch.walls(xp, terms, before.cell)
    if setting.stays_dead:
        at_lo, at_hi = before.cell[0, ...], before.cell[2, ...]
        deadly = xp.stack((at_lo & ~at_hi, xp.zeros_like(at_lo), at_hi & ~at_lo))
        exists = exists & ~deadly
    waits = exists & ~xp.isnan(before.waiting_t)
    t = xp.where(waits, before.waiting_t, before.t + trial.h * leaves.s)
    y = xp.stack([evaluate(dense, leaves.s[i, ...])[0] for i in range(3)])
    far = [strays(xp, before.y, y[i, ...], trial.y) for i in range(3)]
    y = xp.where(waits[:, None, :], before.waiting_y, y)

    size = xp.max(xp.abs(xp.concat((before.y[:2, ...], trial.y[:2, ...]))), axis=0)
    beyond = -side * xp.stack(batch.preactivations(terms, trial.y))
    error = setting.rtol * _sizes(xp, terms, before.y, trial.y, size)
    certain = exists & ((beyond > CERTAIN * error) | (leaves.depth > CERTAIN_BETWEEN * error))
    if setting.stays_dead:
        # Of a hyperactive neuron's two ends the one that was left first becomes the inactive one.
        hyperactive = before.cell[0, ...] & before.cell[2, ...]
        certain = certain | (exists & hyperactive & xp.any(certain, axis=0))
    waiting = exists & (beyond > 0.0)
    after = after._replace(waiting_t=xp.where(waiting, t, xp.nan * t), waiting_y=y)
    times = xp.where(certain, t, xp.inf * xp.ones_like(t))
    earliest = xp.min(times, axis=0)
    wall = [certain[i, ...] & (times[i, ...] == earliest) for i in range(3)]
    wall[1] = wall[1] & ~wall[0]
    wall[2] = wall[2] & ~(wall[0] | wall[1])
    # A start on a wall that leaves to the side not foreseen has crossed nothing.
    on_wall = xp.abs(heights[0]) <= 4.0 * setting.eps * size
    at_start = (before.t == 0.0) & (earliest <= AT_ONCE)
    counts = ~(at_start & xp.any(xp.stack(wall) & on_wall, axis=0))
    crossed = _restart(setting, after, wall, earliest, y, counts)
    inwards = side * xp.stack(batch.preactivations(terms, crossed.f))
    wrong = xp.any(xp.stack(wall) & (inwards * trial.h > error), axis=0) & (earliest >= before.t)
    if setting.stays_dead:
        wrong = wrong | (xp.any(xp.stack(wall), axis=0) & ~alive(before.cell, crossed.y))
    wrong = wrong | xp.any(xp.stack(far) & exists & ~waits, axis=0)
    if not bool(xp.any(wrong)):
        return crossed
    return _redone(setting, before, trial, crossed, wrong)


def _sizes(xp: Any, terms: Terms, before: Array, after: Array, size: Array) -> Array:
    """Return the sizes of what the pre-activations at the walls are made of (`gradflow.flow.crossing`)."""
    between = [batch.preactivations(terms, xp.abs(y))[1] for y in (before, after)]
    return xp.stack((size, xp.maximum(*between), size))


def _redone(setting: Setting, before: Lanes, trial: Trial, after: Lanes, wrong: Array) -> Lanes:
    """Return lanes as they were before the step where it was `wrong`, to try a shorter one."""
    xp = setting.xp
    again = before._replace(h=SHORTER * trial.h, rejected=wrong)

    def chosen(old: Array, new: Array) -> Array:
        return new if old is new or old.ndim == 0 else xp.where(wrong, old, new)

    names = (name for name in Lanes._fields if name != "terms")
    return after._replace(**{name: chosen(getattr(again, name), getattr(after, name)) for name in names})


def _restart(setting: Setting, lanes: Lanes, wall: list[Array], t: Array, y: Array, counts: Array) -> Lanes:
    """Put lanes on the wall that they crossed, at these times and states, and into the cell behind it."""
    xp, terms = setting.xp, lanes.terms
    crossed = wall[0] | wall[1] | wall[2]
    put = xp.where(wall[0], y[0, ...], xp.where(wall[1], y[1, ...], y[2, ...]))
    zero = xp.zeros_like(t)
    put = xp.stack(
        (xp.where(wall[0], zero, put[0, ...]), xp.where(wall[2], zero, put[1, ...]), *_rows(put, 2))
    )
    cell = _beyond(xp, terms, lanes.cell, wall)
    state = xp.where(crossed, put, lanes.y)
    f = batch.velocity(setting, terms, cell, state, batch.preactivations(terms, state))
    event = _event(xp, lanes.cell, cell)
    counted = crossed & counts
    first = counted & (lanes.crossings == 0)
    return lanes._replace(
        t=xp.where(crossed, t, lanes.t),
        y=state,
        f=xp.where(crossed, f, lanes.f),
        cell=cell,
        floor=xp.where(crossed, batch.floors(setting, cell, state), lanes.floor),
        crossings=lanes.crossings + xp.astype(counted, xp.int32),
        first_time=xp.where(first, t, lanes.first_time),
        first_event=xp.where(first, event, lanes.first_event),
        waiting_t=xp.where(crossed, xp.nan * lanes.waiting_t, lanes.waiting_t),
    )


def _beyond(xp: Any, terms: Terms, cell: Array, wall: list[Array]) -> Array:
    """Return the cell on the other side of a wall."""
    lo, q, hi = (cell[i, ...] != wall[i] for i in range(3))
    return xp.stack((lo, xp.where(terms.has_breakpoint & (lo != hi), q, lo), hi))


def _event(xp: Any, before: Array, after: Array) -> Array:
    """Return the event codes of crossings from one cell to another."""
    was, now = batch.activity(xp, before), batch.activity(xp, after)

    def code(name: str) -> Array:
        return xp.asarray(EVENTS.index(name), dtype=xp.int8, device=device(was))

    entering = xp.where(was < BALANCED, code("dead -> balanced"), code("hyperactive -> balanced"))
    leaving = xp.where(now < BALANCED, code("balanced -> dead"), code("balanced -> hyperactive"))
    changed = xp.where(was == BALANCED, leaving, entering)
    return xp.where(was == now, code("passes teacher"), changed)


def _dense_output(setting: Setting, lanes: Lanes, trial: Trial) -> Polynomial:
    """Return the polynomial of degree 7 through the step, from three more stages."""
    stages, h = list(trial.stages), trial.h
    for row in EXTRA:
        y = lanes.y + h * combine(row, stages)
        z = batch.preactivations(lanes.terms, y)
        stages.append(batch.velocity(setting, lanes.terms, lanes.cell, y, z))
    change = trial.y - lanes.y
    first, last = h * stages[0], h * stages[12]
    return [
        lanes.y,
        change,
        first - change,
        2.0 * change - (last + first),
        *(h * combine(row, stages) for row in DENSE),
    ]


def evaluate(p: Polynomial, s: Array) -> tuple[Array, Array]:
    """Return a polynomial's values and slopes at s."""
    value, slope = p[-1], 0.0 * p[-1]
    for i in range(len(p) - 2, -1, -1):
        factor, sign = (s, 1.0) if i % 2 == 0 else (1.0 - s, -1.0)
        slope = slope * factor + sign * value
        value = p[i] + value * factor
    return value, slope


def first_exit(xp: Any, heights: Polynomial) -> Exit:
    """Return where polynomials on [0, 1] first go below zero.

    Sixteen intervals of the step are searched. Where the slope at an interval's ends says that there is a
    minimum inside, and the tangents that it may be below zero, the minimum is located: so two crossings
    in one interval, or one that only grazes the wall, cannot be missed. A polynomial that starts below
    and is above from the first knot on has not left; one that stays below leaves at 0.

    Parameters
    ----------
    heights : list of arrays
        The polynomials' terms, positive on the lane's own side.
    """
    first = heights[0]
    knots = xp.arange(INTERVALS + 1, dtype=first.dtype, device=device(first)) / INTERVALS
    values, slopes = evaluate(heights, knots[:, None, None])
    ends, places = values[1:, ...], knots[1:, None, None] + 0.0 * values[1:, ...]
    lows, places = _minima(xp, heights, values, slopes, places)
    below = (ends < 0.0) | (lows < 0.0)
    a, b, start = xp.zeros_like(first), xp.zeros_like(first), first
    for i in reversed(range(INTERVALS)):
        here = below[i, ...]
        a, start = xp.where(here, knots[i], a), xp.where(here, values[i, ...], start)
        b = xp.where(here, xp.where(lows[i, ...] < 0.0, places[i, ...], knots[i + 1]), b)
    # A lane that starts on the wall may go inside and be out again before the first knot.
    humps = below[0, ...] & (first <= 0.0) & (slopes[0, ...] > 0.0)
    if bool(xp.any(humps)):
        peak = _turn(xp, heights, xp.zeros_like(first), b, rising=True)
        a, start = xp.where(humps, peak, a), xp.where(humps, evaluate(heights, peak)[0], start)
        a = xp.where(start > 0.0, a, xp.where(humps, xp.zeros_like(a), a))
    exists = xp.any(below, axis=0)
    depth = xp.maximum(-xp.min(values, axis=0), -xp.min(lows, axis=0))
    return Exit(exists, _root(xp, heights, a, b, exists & (start > 0.0)), depth)


def _minima(xp: Any, p: Polynomial, values: Array, slopes: Array, places: Array) -> tuple[Array, Array]:
    """Return the value and place of the minimum inside each interval; of the interval's end where none is.

    Only minima that may lie below zero between ends that may not are looked for.
    """
    (v0, v1), (d0, d1) = (values[:-1, ...], values[1:, ...]), (slopes[:-1, ...], slopes[1:, ...])
    dips = (d0 < 0.0) & (d1 > 0.0) & (v1 >= 0.0)
    bend = xp.where(dips, d1 - d0, xp.ones_like(d0))
    tangents = v0 + d0 * ((v0 - v1 + d1 / INTERVALS) / bend)
    dips = dips & (tangents < 0.1 * (xp.abs(v0) + v1))
    if not bool(xp.any(dips)):
        return v1, places
    flat = xp.reshape(dips, (-1,))
    which = xp.nonzero(flat)[0]
    lanes = which % (p[0].shape[0] * p[0].shape[1])
    p = [xp.take(xp.reshape(term, (-1,)), lanes) for term in p]
    end = xp.take(xp.reshape(places, (-1,)), which)
    high = _turn(xp, p, end - 1.0 / INTERVALS, end, rising=False)
    found = (evaluate(p, high)[0], high)
    rank = xp.reshape(ranks(xp, flat), v1.shape)
    low, place = (
        xp.where(dips, xp.reshape(xp.take(new, xp.reshape(rank, (-1,))), v1.shape), old)
        for new, old in zip(found, (v1, places), strict=True)
    )
    return low, place


def _turn(xp: Any, p: Polynomial, low: Array, high: Array, *, rising: bool) -> Array:
    """Return where a polynomial that rises (or falls) at one end of an interval turns.

    There the value is stationary: half the digits of the place are enough.
    """
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        slope = evaluate(p, middle)[1]
        before = slope > 0.0 if rising else slope < 0.0
        low, high = xp.where(before, middle, low), xp.where(before, high, middle)
    return high


def _root(xp: Any, p: Polynomial, a: Array, b: Array, wanted: Array) -> Array:
    """Return the roots between a, where p > 0, and b, where p < 0, to rounding; a where none is wanted.

    Newton's method, and halving where it leaves the bracket.
    """
    s, done = xp.where(wanted, 0.5 * (a + b), a), ~wanted
    for _ in range(200):
        value, slope = evaluate(p, s)
        a, b = xp.where(value > 0.0, s, a), xp.where(value > 0.0, b, s)
        newton = s - value / xp.where(slope < 0.0, slope, -xp.ones_like(slope))
        good = (slope < 0.0) & (newton > a) & (newton < b)
        new = xp.where(good, newton, 0.5 * (a + b))
        close = (abs(new - s) <= CLOSEST) | (b - a <= CLOSEST)
        s = xp.where(done | (value == 0.0), s, new)
        done = done | close | (value == 0.0)
        if bool(xp.all(done)):
            break
    return s


def _rows(values: Array, start: int) -> list[Array]:
    return [values[i, ...] for i in range(start, values.shape[0])]
