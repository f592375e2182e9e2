"""Population loss, gradient and Hessian where student or teacher is smooth: Gauss–Legendre on panels.

Every neuron gets the nodes that its own steepness asks for (`gradflow.field.panels`), so its numbers do
not depend on what else is in the batch. Loss and gradient are within 1e-13 of the integral of the absolute
values of the integrand's terms. A piecewise linear student is integrated on either side of its breakpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

from gradflow.base.arrays import Array, as_floating, namespace
from gradflow.field import means
from gradflow.field.panels import EXACT, TIERS, Panels, Tier, breakpoint_share, grades, panels, unit_span
from gradflow.field.population import parameters
from gradflow.neuron.activations import Activation, PiecewiseLinear, derivatives
from gradflow.neuron.activity import preactivations_at
from gradflow.neuron.problem import Neuron, Problem

AT_ONCE = 1 << 15
"""So many nodes are evaluated at once: their temporary arrays fit a processor's cache."""


class Taught(NamedTuple):
    """The input and the teacher, arrays that broadcast: the ends of the input and of the pre-activation."""

    lo: Array
    hi: Array
    y_lo: Array
    y_hi: Array
    w2: Array
    b2: Array


class Bound(NamedTuple):
    """A problem for neurons of one namespace, dtype and device; `shared` has the nodes that all share."""

    xp: Any
    taught: Taught
    student: Activation
    teacher: Activation
    tiers: tuple[Tier, ...]
    shared: dict[int, tuple[Array, means.Inputs]]


class Ends(NamedTuple):
    """Neurons by their pre-activations at the ends of the input: one-dimensional arrays.

    `active` says, for a piecewise linear student, which slope holds at either end: by the signs there, or
    those of a cell whose formulas are continued beyond its walls. `weights` are w2 and b2, and for a gated
    neuron v: its output weight is w2 + v x.
    """

    taught: Taught
    z: tuple[Array, Array]
    weights: tuple[Array, ...]
    active: tuple[Array, Array]


Quantity = Callable[[Any, means.Evaluated], tuple[Array, ...]]


def bind(problem: Problem, like: Array) -> Bound:
    """Prepare a problem for neurons like `like`."""
    inputs = problem.inputs
    xp, arrays = as_floating((like, *problem.teacher, inputs.lo, inputs.hi))
    w1, b1, w2, b2, lo, hi = arrays[1:]
    taught = Taught(lo, hi, *preactivations_at(w1, b1, lo, hi), w2, b2)
    tiers = EXACT if problem.is_linear else TIERS
    bound = Bound(xp, taught, problem.activation, problem.teacher_activation, tiers, {})
    if isinstance(problem.activation, PiecewiseLinear) or any(part.ndim for part in taught):
        return bound
    # The nodes of gentle students depend on the teacher alone.
    for i, tier in enumerate(tiers[:-1]):
        at = panels(xp, _teachers_breaks(bound, taught, steep=False), tier.nodes, like)
        bound.shared[i] = at.at, _inputs(bound, taught, at)
    return bound


def loss(bound: Bound, theta: Neuron | Array) -> Array:
    """Return E[(f − f*)²] for every neuron."""
    return each(bound, theta, lambda xp, e: (means.loss(xp, e),))[0, ...]


def gradient(bound: Bound, theta: Neuron | Array) -> Array:
    """Return the gradient, shape (4, …)."""
    return each(bound, theta, means.gradient)


def loss_and_gradient(bound: Bound, theta: Neuron | Array) -> tuple[Array, Array]:
    """Return both, evaluating the neurons once."""
    both = each(bound, theta, lambda xp, e: (means.loss(xp, e), *means.gradient(xp, e)))
    return both[0, ...], both[1:, ...]


def hessian(bound: Bound, theta: Neuron | Array) -> Array:
    """Return the Hessian, shape (4, 4, …); a student's breakpoint adds its point mass while it is inside."""
    flat = each(bound, theta, means.hessian, order=2)
    matrix = bound.xp.reshape(flat, (4, 4, *flat.shape[1:]))
    if isinstance(bound.student, PiecewiseLinear):
        return matrix + _point_mass(bound, theta, bound.student)
    return matrix


def teacher_nodes(problem: Problem, like: Array) -> tuple[Array, Array, Array]:
    """Return weights, inputs and outputs of a smooth teacher at nodes along the last axis."""
    bound = bind(problem, like)
    breaks = _teachers_breaks(bound, bound.taught, steep=True)
    at = panels(bound.xp, breaks, bound.tiers[-1].nodes, like)
    inputs = _inputs(bound, _columns(bound.taught), at)
    return inputs.weights, inputs.x, inputs.target


def of_ends(bound: Bound, ends: Ends, quantity: Quantity, order: int = 1) -> Array:
    """Return a quantity of n neurons, its parts along a new first axis: each by the nodes of its own tier."""
    xp = bound.xp
    taught, (z_lo, z_hi) = ends.taught, ends.z
    n = z_lo.shape[0]
    span = xp.maximum(
        unit_span(bound.student, z_lo, z_hi) + xp.zeros_like(z_lo),
        unit_span(bound.teacher, taught.y_lo, taught.y_hi) + xp.zeros_like(z_lo),
    )
    found: Array | None = None
    left = xp.ones_like(span, dtype=xp.bool)
    for i, tier in enumerate(bound.tiers):
        # So said that a neuron that is not a number is in the first.
        here = left & ~(span > tier.span)
        left = left & ~here
        which = xp.nonzero(here)[0]
        if which.shape[0] == n:
            return _in_pieces(bound, ends, i, quantity, order)
        if which.shape[0] == 0:
            continue
        some = _taken(ends, which)
        values = _in_pieces(bound, some, i, quantity, order)
        rank = xp.cumulative_sum(xp.astype(here, xp.int64)) - 1
        placed = xp.take(values, xp.where(here, rank, xp.zeros_like(rank)), axis=1)
        found = placed if found is None else xp.where(here, placed, found)
    return found


def each(bound: Bound, theta: Neuron | Array, quantity: Quantity, order: int = 1) -> Array:
    """Return a quantity of neurons of any shape, given by (w1, b1, w2, b2) or, with a gate, (…, v)."""
    xp = bound.xp
    arrays = xp.broadcast_arrays(*_rows(theta), *bound.taught)[:-6]
    shape = arrays[0].shape
    w1, b1, *weights = (xp.reshape(array, (-1,)) for array in arrays)
    taught = Taught(*(
        part if part.ndim == 0 else xp.reshape(xp.broadcast_to(part, shape), (-1,)) for part in bound.taught
    ))  # fmt: skip
    z = preactivations_at(w1, b1, taught.lo, taught.hi)
    values = of_ends(bound, Ends(taught, z, tuple(weights), (z[0] > 0, z[1] > 0)), quantity, order)
    return xp.reshape(values, (values.shape[0], *shape))


def _rows(theta: Neuron | Array) -> tuple[Array, ...]:
    return tuple(theta) if isinstance(theta, tuple) else tuple(theta[i, ...] for i in range(theta.shape[0]))


def _in_pieces(bound: Bound, ends: Ends, tier: int, quantity: Quantity, order: int) -> Array:
    """Evaluate neurons of one tier, some at a time."""
    xp, n = bound.xp, ends.z[0].shape[0]
    # A steep neuron has about a dozen panels.
    size = max(1, AT_ONCE // (bound.tiers[tier].nodes * (1 if tier + 1 < len(bound.tiers) else 12)))
    pieces = []
    for i in range(0, max(n, 1), size):
        some = ends if n <= size else _mapped(ends, itemgetter(slice(i, i + size)))
        evaluated = _evaluate(bound, some, tier, order)
        pieces.append(xp.stack(xp.broadcast_arrays(*quantity(xp, evaluated))))
    return pieces[0] if len(pieces) == 1 else xp.concat(pieces, axis=1)


def _evaluate(bound: Bound, ends: Ends, tier: int, order: int) -> means.Evaluated:
    """Evaluate neurons of one tier at their nodes, the last axis."""
    xp, student, (w2, b2, *gate) = bound.xp, bound.student, (weight[..., None] for weight in ends.weights)
    if isinstance(student, PiecewiseLinear):
        inputs, phi = _both_sides(bound, student, ends, tier)
        return means.evaluate(inputs, w2 + gate[0] * inputs.x if gate else w2, b2, phi)
    z_lo, z_hi = ends.z
    if (shared := bound.shared.get(tier)) is not None:
        at, inputs = shared
    else:
        steep = tier + 1 == len(bound.tiers)
        breaks = _teachers_breaks(bound, ends.taught, steep=steep)
        if steep:
            breaks += grades(xp, student, z_lo, z_hi)
        found = panels(xp, breaks, bound.tiers[tier].nodes, z_lo)
        at, inputs = found.at, _inputs(bound, _columns(ends.taught), found)
    z = z_lo[..., None] + (z_hi - z_lo)[..., None] * at
    w2 = w2 + gate[0] * inputs.x if gate else w2
    return means.evaluate(inputs, w2, b2, derivatives(student, z, order))


def _both_sides(
    bound: Bound, student: PiecewiseLinear, ends: Ends, tier: int
) -> tuple[means.Inputs, tuple[Array, ...]]:
    """Return the nodes on either side of the student's breakpoint, and φ, φ′ and φ″ there.

    The sides' widths come from the pre-activations at the ends: that of a nearly dead neuron's active part
    keeps its digits. Beyond a cell's walls one of them is negative.
    """
    xp, (z_lo, z_hi) = bound.xp, ends.z
    one, none = xp.ones_like(z_lo), xp.zeros_like(z_lo)
    turns = ends.active[0] != ends.active[1]
    reach = xp.where(turns, z_lo - z_hi, one)
    left, right = xp.where(turns, z_lo / reach, one), xp.where(turns, -z_hi / reach, none)
    breaks = _teachers_breaks(bound, ends.taught, steep=tier + 1 == len(bound.tiers))

    def within(place: Array, start: Array, width: Array) -> Array:
        inside = (place - start) / xp.where(width > 0, width, one)
        return xp.minimum(xp.maximum(inside, none), one)

    nodes = bound.tiers[tier].nodes
    first = panels(xp, [within(p, none, left) for p in breaks], nodes, z_lo)
    second = panels(xp, [within(p, left, right) for p in breaks], nodes, z_lo)
    inside, a, b, lower, upper = (v[..., None] for v in (turns, z_lo, z_hi, left, right))
    at = Panels(
        xp.concat((lower * first.at, 1.0 - upper * (1.0 - second.at)), axis=-1),
        xp.concat((lower * first.weights, upper * second.weights), axis=-1),
    )
    # Without a breakpoint inside the left side is everything, and z runs from one end to the other.
    z = xp.concat((
        xp.where(inside, a * (1.0 - first.at), a + (b - a) * first.at),
        b * xp.where(inside, second.at, xp.ones_like(second.at)),
    ), axis=-1)  # fmt: skip
    steep = [
        xp.where(active, student.high * one, student.low * one)[..., None] + xp.zeros_like(side.at)
        for active, side in zip(ends.active, (first, second), strict=True)
    ]
    slope = xp.concat(steep, axis=-1)
    return _inputs(bound, _columns(ends.taught), at), (slope * z, slope, xp.zeros_like(z))


def _teachers_breaks(bound: Bound, taught: Taught, *, steep: bool) -> list[Array]:
    """Return where the panels end for the teacher's sake, as fractions of the input."""
    xp = bound.xp
    if isinstance(bound.teacher, PiecewiseLinear):
        # One without a breakpoint on the input gets an empty panel: else its sums had other bits than beside
        # teachers that have one.
        return [breakpoint_share(xp, taught.y_lo, taught.y_hi)]
    return grades(xp, bound.teacher, taught.y_lo, taught.y_hi) if steep else []


def _inputs(bound: Bound, taught: Taught, at: Panels) -> means.Inputs:
    """Return the inputs at nodes, and the teacher there; `taught` broadcasts against the nodes."""
    y = taught.y_lo + (taught.y_hi - taught.y_lo) * at.at
    (out,) = derivatives(bound.teacher, y, 0)
    x = taught.lo + (taught.hi - taught.lo) * at.at
    return means.Inputs(x, at.weights, taught.w2 * out + taught.b2)


def _columns(taught: Taught) -> Taught:
    """Give arrays a last axis for the nodes."""
    return Taught(*(part if part.ndim == 0 else part[..., None] for part in taught))


def _mapped(ends: Ends, some: Callable[[Array], Array]) -> Ends:
    """Apply a function to every array of `ends` that has neurons."""
    groups = ([part if part.ndim == 0 else some(part) for part in group] for group in ends)
    taught, z, weights, active = groups
    return Ends(Taught(*taught), (z[0], z[1]), tuple(weights), (active[0], active[1]))


def _taken(ends: Ends, which: Array) -> Ends:
    """Return the neurons of the given indices."""
    return _mapped(ends, lambda part: namespace(part).take(part, which))


def _point_mass(bound: Bound, theta: Neuron | Array, student: PiecewiseLinear) -> Array:
    """Return the part of the Hessian that comes from the student's breakpoint, shape (4, 4, …)."""
    xp, taught = bound.xp, bound.taught
    w1, b1, w2, b2 = parameters(theta)
    z_lo, z_hi = preactivations_at(w1, b1, taught.lo, taught.hi)
    inside = z_lo * z_hi < 0
    (out,) = derivatives(
        bound.teacher, taught.y_lo + (taught.y_hi - taught.y_lo) * breakpoint_share(xp, z_lo, z_hi), 0
    )
    r = b2 - taught.b2 - taught.w2 * out
    reach = xp.where(inside, abs(z_hi - z_lo), xp.ones_like(z_lo))
    mass = 2.0 * (student.high - student.low) * w2 * xp.where(inside, r / reach, xp.zeros_like(r / reach))
    p = xp.where(inside, -b1 / xp.where(inside, w1, xp.ones_like(w1)), xp.zeros_like(mass))
    zero = xp.zeros_like(mass)
    block = (mass * p * p, mass * p, zero, zero, mass * p, mass, *(10 * (zero,)))
    entries = xp.stack(xp.broadcast_arrays(*block))
    return xp.reshape(entries, (4, 4, *entries.shape[1:]))
