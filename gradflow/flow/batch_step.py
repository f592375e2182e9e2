"""One step of every lane: the stages, the error, the next step size, and whether a wall may be near.

The flow never kills a balanced ReLU neuron, except at w1 = b1 = 0 (derivation 10). A step that ends with
its active end inactive is therefore rejected, however small its error, and a shorter one is tried; only
where w1 = b1 = 0 is so near that no step is short enough has the neuron died.
"""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, device
from gradflow.flow import lanes as batch
from gradflow.flow.dying import is_there, longest_step, loses_direction
from gradflow.flow.lanes import EVENTS, Lanes, Setting
from gradflow.flow.status import DIVERGED, RUNNING, STEP_TOO_SMALL
from gradflow.flow.tableau import FIFTH, STAGES, STEP, THIRD, Row

SAFETY, SMALLEST, LARGEST = 0.9, 0.2, 10.0
CLEARANCE = 0.25


class Trial(NamedTuple):
    """A step that may yet be rejected; `stages` are dy/dt, the last one at the end of the step."""

    h: Array
    y: Array
    error: Array
    lowest: Array
    stages: tuple[Array, ...]


def combine(row: Row, stages: tuple[Array, ...] | list[Array]) -> Array:
    """Return the weighted sum of stages, added up in the order of the row."""
    (first, weight), *rest = row
    total = weight * stages[first]
    for j, weight in rest:
        total += weight * stages[j]
    return total


def attempt(setting: Setting, lanes: Lanes) -> Trial:
    """Make the stages of a step and estimate its error."""
    xp, terms, cell = setting.xp, lanes.terms, lanes.cell
    h = trial_step(setting, lanes)
    side = sides(setting, cell)
    state = lanes.y[:4, ...]
    z = batch.preactivations(terms, state)
    lowest = [side[i, ...] * z[i] for i in range(3)]
    stages = [lanes.f]
    slopes = [lanes.f[:4, ...]]
    for row in STAGES:
        y = state + h * combine(row, slopes)
        z = batch.preactivations(terms, y)
        stages.append(batch.velocity(setting, terms, cell, y, z))
        slopes.append(stages[-1][:4, ...])
        lowest = [xp.minimum(low, side[i, ...] * z[i]) for i, low in enumerate(lowest)]
    total = combine(STEP, stages)
    y = lanes.y + h * total
    stages.append(batch.velocity(setting, terms, cell, y, batch.preactivations(terms, y)))
    error = error_of(setting, lanes, y, h, combine(FIFTH, stages), total - combine(THIRD, stages))
    return Trial(h, y, error, xp.stack(lowest), tuple(stages))


def trial_step(setting: Setting, lanes: Lanes) -> Array:
    """Return the step to try: it does not go beyond t_end.

    It may be too short to change the time, on which the field does not depend: what happens beside
    w1 = b1 = 0 after a long time is as fast as at the start.
    """
    xp = setting.xp
    h = xp.minimum(lanes.h, setting.t_end - lanes.t)
    if not setting.stays_dead:
        return h
    balanced = lanes.cell[0, ...] != lanes.cell[2, ...]
    z, v = ((values[0, ...], values[1, ...]) for values in (lanes.y, lanes.f))
    return xp.where(balanced, xp.minimum(h, longest_step(xp, z, v)), h)


def smallest_step(setting: Setting, lanes: Lanes) -> Array:
    """Return the smallest step that changes the time by what it should."""
    return 10.0 * setting.eps * lanes.t


def is_small(setting: Setting, lanes: Lanes) -> Array:
    """Return which lanes' next step is too short to change the time by what it should."""
    return lanes.h < smallest_step(setting, lanes) + setting.tiny


def sides(setting: Setting, cell: Array) -> Array:
    """Return the sign that the pre-activations have in a cell, shape (3, n)."""
    return setting.ops.where(cell, 1.0, -1.0)


def alive(cell: Array, y: Array) -> Array:
    """Return which lanes in these cells have not lost the one end of the input at which they were active."""
    at_lo, at_hi = cell[0, ...], cell[2, ...]
    return (at_lo == at_hi) | (at_lo & (y[0, ...] > 0.0)) | (at_hi & (y[1, ...] > 0.0))


def stuck(setting: Setting, lanes: Lanes, endless: Array) -> Lanes:
    """Let lanes die that are at the origin; end others that have no step left, as diverged if `endless`.

    A ReLU neuron runs into w1 = b1 = 0 in finite time, and in ever shorter steps if it is balanced.
    """
    xp, small = setting.xp, is_small(setting, lanes)
    if not bool(xp.any(small)):
        return lanes
    if setting.stays_dead:
        lanes = _died(setting, lanes, small & (lanes.status == RUNNING) & at_origin(setting, lanes))
        small = small & (lanes.cell[0, ...] | lanes.cell[2, ...])
    small = small & (lanes.h < setting.tiny)
    lanes = batch.ended(xp, lanes, small & endless, DIVERGED)
    return batch.ended(xp, lanes, small, STEP_TOO_SMALL)


def at_origin(setting: Setting, lanes: Lanes) -> Array:
    """Return which lanes' balanced neurons are at w1 = b1 = 0 but for what time does not resolve."""
    xp, at_lo, at_hi = setting.xp, lanes.cell[0, ...], lanes.cell[2, ...]
    ends = ((values[0, ...], values[1, ...]) for values in (lanes.y, lanes.f))
    z, v = ((xp.where(at_lo, lo, hi), xp.where(at_lo, hi, lo)) for lo, hi in ends)
    return is_there(xp, z, v, smallest_step(setting, lanes)) & (at_lo != at_hi)


def _died(setting: Setting, lanes: Lanes, dies: Array) -> Lanes:
    """Put balanced neurons to w1 = b1 = 0, where they are dead."""
    xp = setting.xp
    first = dies & (lanes.crossings == 0)
    event = xp.asarray(EVENTS.index("balanced -> dead"), dtype=xp.int8, device=device(lanes.first_event))
    rows = [lanes.y[i, ...] for i in range(5)]
    none = xp.zeros_like(rows[0])
    return lanes._replace(
        y=xp.stack((xp.where(dies, none, rows[0]), xp.where(dies, none, rows[1]), *rows[2:])),
        cell=lanes.cell & ~dies,
        crossings=lanes.crossings + xp.astype(dies, xp.int32),
        first_time=xp.where(first, lanes.t, lanes.first_time),
        first_event=xp.where(first, event, lanes.first_event),
    )


def decided(setting: Setting, lanes: Lanes, trial: Trial) -> tuple[Lanes, Array, Array]:
    """Return the lanes after the trial, which of them moved, and whose next step is too short."""
    xp = setting.xp
    accurate = (trial.error < 1.0) & (lanes.status == RUNNING)
    moved = accurate
    if setting.stays_dead:
        moved = moved & alive(lanes.cell, trial.y)
        moved = moved & ~loses_direction(xp, lanes.y, trial.y, setting.rtol)
    one = xp.ones_like(trial.h)
    # Three square roots make the eighth: unlike a power, they have the same bits everywhere.
    root = xp.sqrt(xp.sqrt(xp.sqrt(xp.maximum(trial.error, 1e-20 * one))))
    factor = xp.minimum(xp.maximum(SAFETY / root, SMALLEST * one), LARGEST * one)
    factor = xp.where(lanes.rejected & moved, xp.minimum(factor, one), factor)
    if setting.stays_dead:
        factor = xp.where(accurate & ~moved, SMALLEST * one, factor)
    h = trial.h * factor
    left = setting.t_end - lanes.t
    t = xp.where(trial.h >= left, setting.t_end * one, lanes.t + trial.h)
    after = lanes._replace(
        t=xp.where(moved, t, lanes.t),
        h=h,
        y=xp.where(moved, trial.y, lanes.y),
        f=xp.where(moved, trial.stages[-1], lanes.f),
        rejected=~moved,
        steps=lanes.steps + xp.astype(moved, xp.int32),
    )
    # The time of a lane that has moved is no longer that of the trial.
    return after, moved, is_small(setting, after)


def near_wall(setting: Setting, lanes: Lanes, trial: Trial) -> Array:
    """Return which lanes may have touched a wall during the trial: a cheap test that errs on the safe side.

    It looks at the pre-activations at all stages and at the Bernstein coefficients of the cubic through
    the step's ends. A lane is cleared when all of them are on its own side by a quarter of their range,
    some hundred times what the cubic neglects in a step that is accurate enough to be accepted.
    """
    xp, terms = setting.xp, lanes.terms
    side = sides(setting, lanes.cell)
    bounds = batch.walls(xp, terms, lanes.cell)
    third = trial.h / 3.0
    near = lanes.status != lanes.status
    ends = zip(
        *(batch.preactivations(terms, v) for v in (lanes.y, trial.y, lanes.f, trial.stages[-1])), strict=True
    )
    for i, (z0, z1, v0, v1) in enumerate(ends):
        s = side[i, ...]
        values = (s * z0, s * (z0 + third * v0), s * (z1 - third * v1), s * z1)
        low, high = values[0], values[0]
        for value in values[1:]:
            low, high = xp.minimum(low, value), xp.maximum(high, value)
        lowest = xp.minimum(low, trial.lowest[i, ...])
        near = near | (bounds[i, ...] & (lowest <= CLEARANCE * (high - low)))
    return near


def error_of(setting: Setting, lanes: Lanes, y: Array, h: Array, fifth: Array, third: Array) -> Array:
    """Return the error relative to the tolerance; infinite where a number is not finite.

    The norm is that of Hairer, Nørsett and Wanner (II.10): two estimates, so that it is of order 8.
    """
    return norm(setting, *squares(setting, lanes.floor, lanes.y, y, h, fifth, third))


def squares(
    setting: Setting, floor: Array, before: Array, after: Array, h: Array, fifth: Array, third: Array
) -> tuple[Array, Array]:
    """Return the squares of both error estimates, relative to the tolerance, for every coordinate."""
    xp = setting.xp
    scale = h / (floor + setting.rtol * xp.maximum(xp.abs(before), xp.abs(after)))
    a, b = scale * fifth, scale * third
    return a * a, b * b


def norm(setting: Setting, fifth: Array, third: Array) -> Array:
    """Return the error that the squares of its coordinates amount to."""
    xp = setting.xp
    a, b = _sum(fifth), _sum(third)
    size = a + 0.01 * b
    zero = size == 0.0
    error = a / xp.sqrt(5.0 * xp.where(zero, xp.ones_like(size), size))
    return xp.where(xp.isfinite(size), error, xp.inf * xp.ones_like(size))


def _sum(rows: Array) -> Array:
    return rows[0, ...] + rows[1, ...] + rows[2, ...] + rows[3, ...] + rows[4, ...]
