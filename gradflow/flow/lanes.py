"""Many trajectories side by side: what each lane carries, its field, and how lanes are moved about.

The coordinates are (z_lo, z_hi, w2, b2, ∫|∇L|²): in every cell the pre-activations at both ends stand
for (w1, b1). A dying neuron needs them (see `gradflow.flow.chart`), in the other cells they are as good
up to rounding, and a lane that crosses a wall keeps its coordinates. All arithmetic is elementwise and
nothing is summed over lanes, so no lane can see the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from gradflow.base.arrays import Array, device
from gradflow.field import formulas, means
from gradflow.field.quadrature import Bound, Ends, Taught, of_ends
from gradflow.flow.status import CONVERGED, DIVERGED, REACHED, RUNNING, TOO_MANY_STEPS
from gradflow.flow.stop import STOP_EVERY
from gradflow.neuron.activations import PiecewiseLinear

EVENTS = (
    "none",
    "dead -> balanced",
    "balanced -> dead",
    "balanced -> hyperactive",
    "hyperactive -> balanced",
    "passes teacher",
)
"""Kinds of wall crossings."""

_DEPARTURE = 1e-16

PATIENCE, PACE = 1000, 1e-6

Record = TypeVar("Record", bound=tuple[Any, ...])


class Terms(NamedTuple):
    """Each lane's problem, as the formulas want it: scalars shared by all lanes, or one entry a lane."""

    offset: Array
    lo: Array
    q: Array
    hi: Array
    left: Array
    right: Array
    y_lo: Array
    y_q: Array
    y_hi: Array
    rise_lo: Array
    rise_hi: Array
    has_breakpoint: Array
    length: Array
    middle: Array
    """E[T], without the teacher's bias."""
    mean: Array
    taught: tuple[Array, ...] = ()
    """The teacher for quadrature (`gradflow.field.quadrature.Taught`), where there is no closed form."""


class Lanes(NamedTuple):
    """The state of n trajectories; the lane is the last axis of every array.

    `due` is the step at which a stop rule looks next, `wait` how long it then waits. `waiting_t` and
    `waiting_y` hold, for each wall, when and where a lane changed sides by no more than the solver's error
    so far (NaN: it did not).
    """

    index: Array
    t: Array
    h: Array
    y: Array
    f: Array
    cell: Array
    floor: Array
    rejected: Array
    steps: Array
    crossings: Array
    first_time: Array
    first_event: Array
    status: Array
    waiting_t: Array
    waiting_y: Array
    due: Array
    wait: Array
    terms: Terms


@dataclass(frozen=True)
class Setting:
    """Data that all lanes share."""

    xp: Any
    ops: formulas.Operations
    slopes: tuple[float, float]
    t_end: float
    rtol: float
    max_steps: int
    resting: float
    eps: float
    tiny: float
    pace: float
    """The mean step below which a trajectory is given up once it has taken `PATIENCE` steps."""
    quadrature: Bound | None = None
    """How to integrate where student or teacher is smooth."""

    @property
    def has_walls(self) -> bool:
        """Whether the field is less smooth where the student's breakpoint crosses an end of the input."""
        return self.quadrature is None or isinstance(self.quadrature.student, PiecewiseLinear)

    @property
    def stays_dead(self) -> bool:
        """Whether s₋ is 0 as a number that is known when code is compiled."""
        return isinstance(self.slopes[0], float) and self.slopes[0] == 0.0


def take(xp: Any, record: Record, where: Array) -> Record:
    """Return the lanes with these indices; what all lanes share stays as it is."""
    return _each(lambda values: xp.take(values, where, axis=-1), record)


def part(record: Record, start: int, end: int) -> Record:
    """Return a slice of the lanes."""
    return _each(lambda values: values[..., start:end], record)


def join(xp: Any, a: Record, b: Record) -> Record:
    """Return the lanes of both."""
    return _each(lambda v, w: xp.concat((v, w), axis=-1), a, b)


def put(xp: Any, record: Record, mask: Array, some: Record) -> Record:
    """Return the lanes with those where `mask` holds replaced, in order, by `some`."""
    rank = ranks(xp, mask)

    def replaced(old: Array, new: Array) -> Array:
        return old if old is new else xp.where(mask, xp.take(new, rank, axis=-1), old)

    return _each(replaced, record, some)


def ranks(xp: Any, mask: Array) -> Array:
    """Return each entry's place among those where `mask` holds; 0 where it does not."""
    rank = xp.cumulative_sum(xp.astype(mask, xp.int64)) - 1
    return xp.where(mask, rank, xp.zeros_like(rank))


def _each(function: Any, record: Record, *others: Any) -> Record:
    """Apply a function to the arrays of records that have lanes."""
    return type(record)(
        *(
            _each(function, *values) if isinstance(values[0], tuple)
            else values[0] if values[0].ndim == 0
            else function(*values)
            for values in zip(record, *others, strict=True)
        )
    )  # fmt: skip


def preactivations(terms: Terms, y: Array) -> tuple[Array, Array, Array]:
    """Return z at lo, q and hi; linear in y, so that it also maps velocities and dense output."""
    z_lo, z_hi = y[0, ...], y[1, ...]
    return z_lo, z_lo * terms.right + z_hi * terms.left, z_hi


def weights(terms: Terms, y: Array) -> tuple[Array, Array]:
    """Return (w1, b1)."""
    span = terms.hi - terms.lo
    return (y[1, ...] - y[0, ...]) / span, (y[0, ...] * terms.hi - y[1, ...] * terms.lo) / span


def aim_of(terms: Terms) -> formulas.Target:
    """Return the teachers' pieces."""
    return formulas.Target(
        (terms.lo, terms.q, terms.hi), (terms.left, terms.right), (terms.y_lo, terms.y_q, terms.y_hi),
        (terms.rise_lo, terms.rise_hi), terms.has_breakpoint, terms.length,
        terms.middle,
    )  # fmt: skip


def terms_of(offset: Array, aim: formulas.Target, mean: Array) -> Terms:
    """Return lanes' problems: the teacher's bias, its pieces, and E f*."""
    return Terms(
        offset, *aim.x, *aim.widths, *aim.y, *aim.rises, aim.has_breakpoint, aim.length, aim.mean, mean,
    )  # fmt: skip


def _parts(terms: Terms, setting: Setting, cell: Array, z: tuple[Array, ...]) -> formulas.Parts:
    return formulas.parts(setting.ops, (z[0], z[1], z[2]), _signs(cell), aim_of(terms))


def _signs(cell: Array) -> formulas.Signs:
    return cell[0, ...], cell[1, ...], cell[2, ...]


def velocity(setting: Setting, terms: Terms, cell: Array, y: Array, z: tuple[Array, ...]) -> Array:
    """Return dy/dt, shape (5, n), by the formulas of every lane's cell, also beyond its walls."""
    if setting.quadrature is None:
        w2, offset, (low, high) = y[2, ...], y[3, ...] - terms.offset, setting.slopes
        if setting.stays_dead:
            aim = aim_of(terms)
            active = formulas.part(setting.ops, (z[0], z[1], z[2]), _signs(cell), aim, True)
            g = formulas.one_sided_gradient(setting.ops, active, aim, w2, offset, high)
        else:
            parts = _parts(terms, setting, cell, z)
            g = formulas.gradient(setting.ops, parts, w2, offset, (low, high))
    else:
        g = of_ends(setting.quadrature, _ends(terms, cell, y), means.gradient)
    squared = g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + g[3] * g[3]
    return setting.xp.stack((-(g[0] * terms.lo + g[1]), -(g[0] * terms.hi + g[1]), -g[2], -g[3], squared))


def loss(setting: Setting, lanes: Lanes) -> Array:
    """Return every lane's loss."""
    y, terms = lanes.y, lanes.terms
    if setting.quadrature is not None:
        ends = _ends(terms, lanes.cell, y)
        return of_ends(setting.quadrature, ends, lambda xp, e: (means.loss(xp, e),))[0, ...]
    parts = _parts(terms, setting, lanes.cell, preactivations(terms, y))
    return formulas.loss(setting.ops, parts, y[2, ...], y[3, ...] - terms.offset, setting.slopes)


def _ends(terms: Terms, cell: Array, y: Array) -> Ends:
    weights, active = (y[2, ...], y[3, ...]), (cell[0, ...], cell[2, ...])
    return Ends(Taught(*terms.taught), (y[0, ...], y[1, ...]), weights, active)


def activity(xp: Any, cell: Array) -> Array:
    """Return the activity codes of cells."""
    return xp.astype(cell[0, ...], xp.int8) + xp.astype(cell[2, ...], xp.int8)


def walls(xp: Any, terms: Terms, cell: Array) -> Array:
    """Return which of the walls at lo, at the teacher's breakpoint and at hi bound a cell, shape (3, n)."""
    balanced = cell[0, ...] != cell[2, ...]
    return xp.stack((xp.ones_like(balanced), terms.has_breakpoint & balanced, xp.ones_like(balanced)))


def begin(setting: Setting, index: Array, theta: Array, z: Array, terms: Terms) -> Lanes:
    """Return lanes at t = 0; those whose numbers are not finite have ended.

    Parameters
    ----------
    z : array, shape (3, n)
        The pre-activations at lo, q and hi, accurate also where they cancel.
    """
    xp = setting.xp
    if setting.slopes[0] != 0.0:
        z = _leave_origin(setting, theta, z, terms)
    none = xp.zeros_like(z[0, ...])
    y = xp.stack((z[0, ...], z[2, ...], theta[2, ...], theta[3, ...], none))
    cell = _first_cell(setting, terms, y, z)
    f = velocity(setting, terms, cell, y, preactivations(terms, y))
    size = _largest(xp, y[:4, ...])
    speed = _largest(xp, f[:4, ...])
    one, least = xp.ones_like(none), 1e-3 * xp.ones_like(none)
    counter = xp.zeros_like(index, dtype=xp.int32)
    lanes = Lanes(
        index=index,
        t=none,
        h=1e-3 * xp.maximum(size, one) / xp.maximum(speed, least),
        y=y,
        f=f,
        cell=cell,
        floor=floors(setting, cell, y),
        rejected=xp.zeros_like(index, dtype=xp.bool),
        steps=counter,
        crossings=counter,
        first_time=xp.nan * one,
        first_event=xp.zeros_like(index, dtype=xp.int8),
        status=xp.full(index.shape, RUNNING, dtype=xp.int8, device=device(index)),
        waiting_t=xp.nan * xp.zeros_like(z),
        waiting_y=xp.zeros((3, *y.shape), dtype=y.dtype, device=device(y)),
        due=counter + STOP_EVERY,
        wait=counter + STOP_EVERY,
        terms=terms,
    )
    bounded = xp.isfinite(_total(xp.abs(theta)) + _total(xp.abs(y)) + _total(xp.abs(f)))
    return ended(xp, lanes, ~bounded, DIVERGED)


def ended(xp: Any, lanes: Lanes, holds: Array, status: int) -> Lanes:
    """Give the status to running lanes where `holds`."""
    code = xp.asarray(status, dtype=xp.int8, device=device(lanes.status))
    return lanes._replace(status=xp.where(holds & (lanes.status == RUNNING), code, lanes.status))


def arrived(setting: Setting, lanes: Lanes) -> Lanes:
    """End the running lanes that are at t_end, at rest, or have used up their steps."""
    xp = setting.xp
    lanes = ended(xp, lanes, lanes.t >= setting.t_end, REACHED)
    lanes = ended(xp, lanes, xp.sqrt(lanes.f[4, ...]) <= setting.resting, CONVERGED)
    return ended(xp, lanes, is_spent(setting, lanes), TOO_MANY_STEPS)


def is_spent(setting: Setting, lanes: Lanes) -> Array:
    """Return which lanes have used up their steps, or take steps far too small for the time that b2 needs."""
    steps = setting.xp.astype(lanes.steps, lanes.t.dtype)
    hopeless = (lanes.steps >= PATIENCE) & (lanes.t < steps * setting.pace)
    return (lanes.steps >= setting.max_steps) | hopeless


def floors(setting: Setting, cell: Array, y: Array) -> Array:
    """Return the absolute tolerances of a leg that starts at y, shape (5, n).

    The active end's pre-activation decays exponentially in a neuron that is dying away: purely relative
    control keeps its digits, and keeps the neuron alive.
    """
    xp, floor = setting.xp, 1e-2 * setting.rtol
    size = floor * _largest(xp, y[:2, ...]) + setting.tiny
    # The weights share a scale, which may be tiny.
    scale = floor * _largest(xp, y[:3, ...]) + setting.tiny
    rest, tiny = xp.zeros_like(size) + floor, xp.zeros_like(size) + setting.tiny
    balanced = (cell[0, ...] != cell[2, ...]) & setting.has_walls
    z_lo = xp.where(balanced & cell[0, ...], tiny, size)
    z_hi = xp.where(balanced & cell[2, ...], tiny, size)
    return xp.stack((z_lo, z_hi, scale, rest, rest))


def renewed(setting: Setting, lanes: Lanes) -> Lanes:
    """Take new absolute tolerances where (w1, b1) has shrunk so far that the old ones say nothing of it.

    Which way a neuron goes that passes near w1 = b1 = 0 depends on the direction of (w1, b1) alone.
    """
    if not setting.has_walls:
        return lanes
    stale = is_stale(setting, lanes)
    if not bool(setting.xp.any(stale)):
        return lanes
    return lanes._replace(floor=setting.xp.where(stale, floors(setting, lanes.cell, lanes.y), lanes.floor))


def is_stale(setting: Setting, lanes: Lanes) -> Array:
    """Return where the larger pre-activation's relative tolerance has fallen below the absolute one."""
    xp, y, floor = setting.xp, lanes.y, lanes.floor
    size = xp.maximum(xp.abs(y[0, ...]), xp.abs(y[1, ...]))
    return setting.rtol * size < xp.maximum(floor[0, ...], floor[1, ...])


def _first_cell(setting: Setting, terms: Terms, y: Array, z: Array) -> Array:
    """Return the cell that the flow enters: the signs of z, and on a wall the side it moves to."""
    xp = setting.xp
    active = z > 0.0
    if bool(xp.any(z == 0.0)):
        f = velocity(setting, terms, active, y, preactivations(terms, y))
        moving = xp.stack(preactivations(terms, f))
        # A neuron on the wall that does not move stays what it is: hyperactive or, with a leaky slope, dead.
        stays = _any(active)
        flat = (z[0, ...] == 0.0) & (z[2, ...] == 0.0)
        goes = stays | ~flat if setting.slopes[0] != 0.0 else stays
        active = active | (goes & (z == 0.0) & ((moving > 0.0) | (stays & (moving == 0.0))))
    middle = xp.where(terms.has_breakpoint, active[1, ...], active[0, ...])
    return xp.stack((active[0, ...], middle, active[2, ...]))


def _leave_origin(setting: Setting, theta: Array, z: Array, terms: Terms) -> Array:
    """Put neurons with w1 = b1 = 0 just off it, along the velocity they have there (φ′(0) = s₋)."""
    xp = setting.xp
    y = xp.stack((z[0, ...], z[2, ...], theta[2, ...], theta[3, ...], xp.zeros_like(z[0, ...])))
    f = velocity(setting, terms, z > 0.0, y, preactivations(terms, y))
    moving = xp.stack(preactivations(terms, f))
    size = _largest(xp, moving)
    scale = _DEPARTURE / xp.where(size > 0.0, size, xp.ones_like(size))
    return xp.where((theta[0, ...] == 0.0) & (theta[1, ...] == 0.0), scale * moving, z)


def _any(cell: Array) -> Array:
    return cell[0, ...] | cell[1, ...] | cell[2, ...]


def _total(rows: Array) -> Array:
    """Return the sum of the rows, in the same order for any number of lanes."""
    total = rows[0, ...]
    for i in range(1, rows.shape[0]):
        total = total + rows[i, ...]
    return total


def _largest(xp: Any, rows: Array) -> Array:
    """Return the largest modulus of the rows."""
    return xp.max(xp.abs(rows), axis=0)
