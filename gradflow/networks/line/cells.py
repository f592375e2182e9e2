"""The line cut into cells on which student and target are straight, and sums over the cells.

A point of the line is where a pre-activation w x + b vanishes: a neuron's breakpoint, or a knot, with w = 1.
Between neighbouring points the residual is straight. Widths are determinants of neighbours, positions
count from the nearer end, and all sums over cells run from where they are 0: nothing is a difference of
large numbers. What follows the sorting is algebra that runs on symbols as it stands, and what concerns one
neuron or one cell alone is compiled as it stands too (`gradflow.networks.line.kernel`).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from gradflow.base.arrays import Array, device, namespace
from gradflow.base.error_free import affine, determinant, splitter
from gradflow.field.population import operations
from gradflow.networks.line.network import SPLIT

Number = Any


class Units(NamedTuple):
    """Neurons as two half lines from a breakpoint each; every array has the neurons along its last axis.

    Attributes
    ----------
    w, b : array
        The pre-activation, with w > 0, that vanishes at the breakpoint; of a neuron whose breakpoint is not
        inside the input, that of the end beyond which it lies.
    right, left : array
        φ′ to the right and to the left of the breakpoint.
    at_lo, at_hi : array
        The pre-activation at lo of a neuron whose breakpoint is not to the right of it, and at hi of the
        others whose breakpoint is not inside; 0 of all else.
    inside : array of bool
        Whether the breakpoint is inside the input.
    """

    w: Array
    b: Array
    right: Array
    left: Array
    at_lo: Array
    at_hi: Array
    inside: Array


class Operations(Protocol):
    """Operations on numbers or arrays."""

    @property
    def splitter(self) -> Any:
        """Veltkamp's constant (`gradflow.base.error_free`)."""

    @property
    def where(self) -> Any:
        """Take a condition, a and b: a where it holds, else b."""


class Doubles(NamedTuple):
    """The `ops` of NumPy's arrays in float64."""

    where: Any = np.where
    splitter: float = SPLIT


def library(some: Array) -> Any:
    """Return an array's namespace; NumPy's own functions, without what makes them the standard's."""
    return np if type(some) is np.ndarray else namespace(some)


def half_lines(
    ops: Operations, w1: Number, b1: Number, low: Number, high: Number, lo: float, hi: float
) -> Units:
    """Return neurons as half lines. A pre-activation of 0 has the slope s₋, and w1 = 0 stands at lo."""
    z_lo, z_hi = affine(w1, lo, b1, ops.splitter), affine(w1, hi, b1, ops.splitter)
    inside = ((z_lo < 0) & (z_hi > 0)) | ((z_lo > 0) & (z_hi < 0))
    # Left of the input's inside: z keeps its sign, or does not leave 0, to the right of lo.
    rising = w1 > 0
    leaves_lo = ((z_lo >= 0) & rising) | ((z_lo <= 0) & (w1 < 0)) | (w1 == 0)
    right = ops.where(rising | ((w1 == 0) & (b1 > 0)), high, low)
    left = ops.where(rising, low, high)
    sign = ops.where(rising, 1.0, -1.0)
    end = ops.where(leaves_lo, lo, hi)
    return Units(
        ops.where(inside, sign * w1, 1.0),
        ops.where(inside, sign * b1, -end),
        right,
        left,
        ops.where(inside, 0.0, ops.where(leaves_lo, z_lo, 0.0)),
        ops.where(inside, 0.0, ops.where(leaves_lo, 0.0, z_hi)),
        inside,
    )


def units(w1: Array, b1: Array, low: Array, high: Array, lo: float, hi: float) -> Units:
    """Return arrays of half lines, w and b scaled by a power of two: products are far from overflow."""
    xp = library(w1)
    ops = Doubles() if xp is np and w1.dtype == np.float64 else operations(xp, w1)
    own = half_lines(ops, w1, b1, low, high, lo, hi)
    if hasattr(xp, "frexp"):
        exponent: Any = xp.frexp(own.w)[1]
        return own._replace(w=xp.ldexp(own.w, -exponent), b=xp.ldexp(own.b, -exponent))
    # The standard has no exponents: they are found bit by bit.
    w, b, one = own.w, own.b, xp.ones_like(own.w)
    for k in range(9 if w.dtype == xp.float64 else 6, -1, -1):
        for is_far, factor in ((w >= 2.0**2**k, 0.5**2**k), (w < 0.5**2**k, 2.0**2**k)):
            power = xp.where(is_far, factor * one, one)
            w, b = w * power, b * power
    return own._replace(w=w, b=b)


def from_ends(w: Number, b: Number, lo: Number, hi: Number, split: float = SPLIT) -> tuple[Number, Number]:
    """Return how far the zero of w x + b, w > 0, is from lo and from hi."""
    return -affine(w, lo, b, split) / w, affine(w, hi, b, split) / w


def apart(w: Number, b: Number, next_w: Number, next_b: Number, split: float = SPLIT) -> Number:
    """Return how far the zero of a point is from that of the next."""
    return determinant(b, next_w, next_b, w, split) / (w * next_w)


def on_line(
    w: Number,
    b: Number,
    begin: Number,
    end: Number,
    y: Number,
    next_y: Number,
    whole: Number,
    split: float = SPLIT,
) -> Number:
    """Return the height, at the zero of w x + b, of the line between two knots that are `whole` apart."""
    before, after = affine(w, end, b, split) / w, -affine(w, begin, b, split) / w
    return (y * before + next_y * after) / whole


class Points(NamedTuple):
    """Points in order along the last axis, and the widths of the cells between them.

    Attributes
    ----------
    order : array of int
        Which of the points given stands where.
    place : array of int
        Where each of the points given stands.
    w, b : array
        As `Units`.
    x : array
        The positions.
    width : array
        One entry less.
    """

    order: Array
    place: Array
    w: Array
    b: Array
    x: Array
    width: Array


def ordered(w: Array, b: Array, lo: float, hi: float) -> Points:
    """Return the zeros of w x + b, all of them in [lo, hi] and w > 0, in order."""
    xp, split = library(w), splitter(w.dtype)
    from_lo, from_hi = from_ends(w, b, lo, hi, split)
    # A key that keeps the relative accuracy of the distance from the nearer end.
    with np.errstate(divide="ignore", over="ignore"):
        key = xp.where(from_lo <= from_hi, -1.0 / xp.abs(from_lo), 1.0 / xp.abs(from_hi))
    order = xp.argsort(key, axis=-1, stable=True)
    place = xp.argsort(order, axis=-1)
    w, b = xp.take_along_axis(w, order, axis=-1), xp.take_along_axis(b, order, axis=-1)
    width = apart(w[..., :-1], b[..., :-1], w[..., 1:], b[..., 1:], split)
    width = xp.maximum(width, xp.zeros_like(width))
    return Points(order, place, w, b, -b / w, width)


class Weights(NamedTuple):
    """Integrals of the density over every cell, τ the way through it from 0 to 1.

    Attributes
    ----------
    mass : array
        ∫ 1.
    first, last : array
        ∫ (1 − τ) and ∫ τ.
    first2, both, last2 : array
        ∫ (1 − τ)², ∫ τ (1 − τ) and ∫ τ².
    spread : array
        ∫ (τ − τ̄)², τ̄ the cell's mean.
    """

    mass: Array
    first: Array
    last: Array
    first2: Array
    both: Array
    last2: Array
    spread: Array


def even_weights(mass: Number, two: Number = 2, six: Number = 6) -> Weights:
    """Return the weights of cells of constant density; the numbers 2 and 6 may be of the mass's kind."""
    half, sixth = mass / two, mass / six
    return Weights(mass, half, half, two * sixth, sixth, two * sixth, sixth / two)


_NODES, _SHARES = np.polynomial.legendre.leggauss(14)
_NODES, _SHARES = 0.5 * _NODES + 0.5, 0.5 * _SHARES


def normal_weights(x: Array, width: Array, mean: float, std: float) -> Weights:
    """Return the weights of cells at most one standard deviation wide under a normal law.

    The quadrature's error is below rounding there, all its terms are positive, and no tail is a difference.
    """
    xp = library(x)
    like = {"dtype": x.dtype, "device": device(x)}
    at, share = xp.asarray(_NODES, **like), xp.asarray(_SHARES / (std * math.sqrt(2.0 * math.pi)), **like)
    z = (x[..., :-1, None] - mean + width[..., None] * at) / std
    q = share * xp.exp(-0.5 * z * z) * width[..., None]
    mass = xp.sum(q, axis=-1)
    first, last = xp.sum(q * (1.0 - at), axis=-1), xp.sum(q * at, axis=-1)
    middle = last / xp.where(mass > 0, mass, xp.ones_like(mass))
    return Weights(
        mass,
        first,
        last,
        xp.sum(q * (1.0 - at) ** 2, axis=-1),
        xp.sum(q * at * (1.0 - at), axis=-1),
        xp.sum(q * at * at, axis=-1),
        xp.sum(q * (at - middle[..., None]) ** 2, axis=-1),
    )


class Bends(NamedTuple):
    """The parts of a sum of units at the ordered points: slopes gained there, and values at the ends.

    Attributes
    ----------
    right, left : array
        The slope of what starts at a point and goes right, and of what starts there and goes left (counted in
        the direction in which it goes).
    at_lo, at_hi : array
        The value of all that has begun before lo, and (coming from the right) before hi.
    """

    right: Array
    left: Array
    at_lo: Array
    at_hi: Array


def values(some: Bends, width: Array) -> Array:
    """Return a sum of units at the points."""
    xp, zero = library(width), width[..., :1] * 0
    rightward = from_lo(some.right)[..., :-1] * width
    leftward = _from_hi(some.left)[..., 1:] * width
    rising = xp.concat((some.at_lo[..., None] + zero, rightward), axis=-1)
    falling = xp.concat((leftward, some.at_hi[..., None] + zero), axis=-1)
    return from_lo(rising) + _from_hi(falling)


class Integrals(NamedTuple):
    """Integrals over all that lies to the right of every point, and to the left, p the point.

    Attributes
    ----------
    right, left : array
        ∫ r.
    right_x, left_x : array
        ∫ r x.
    right_u, left_u : array
        ∫ r |x − p|.
    """

    right: Array
    left: Array
    right_x: Array
    left_x: Array
    right_u: Array
    left_u: Array


def of_cell(
    first: Number, last: Number, x: Number, width: Number, weights: Weights
) -> tuple[Number, Number, Number, Number]:
    """Return ∫ r, ∫ r (t − x), ∫ r (x + width − t) and ∫ r t over a cell that begins at x."""
    whole = first * weights.first + last * weights.last
    from_left = width * (first * weights.both + last * weights.last2)
    from_right = width * (first * weights.first2 + last * weights.both)
    return whole, from_left, from_right, x * whole + from_left


def integrals(first: Array, last: Array, x: Array, width: Array, weights: Weights) -> Integrals:
    """Return the residual's integrals from its values at the beginning and at the end of every cell."""
    whole, from_left, from_right, moment = of_cell(first, last, x[..., :-1], width, weights)
    xp, zero = library(whole), whole[..., :1] * 0

    def right(cells: Array) -> Array:
        return xp.concat((_from_hi(cells), zero), axis=-1)

    def left(cells: Array) -> Array:
        return xp.concat((zero, from_lo(cells)), axis=-1)

    right_0, left_0 = right(whole), left(whole)
    return Integrals(
        right_0,
        left_0,
        right(moment),
        left(moment),
        right(width * right_0[..., 1:] + from_left),
        left(width * left_0[..., :-1] + from_right),
    )


def gains(w1: Number, w2: Number, own: Units) -> Bends:
    """Return what one neuron adds: slopes at its point, and what it has at the ends."""
    slope = w1 * w2
    return Bends(slope * own.right, -slope * own.left, w2 * own.right * own.at_lo, w2 * own.left * own.at_hi)


def bends(w1: Array, w2: Array, own: Units, others: Array) -> Bends:
    """Return what neurons add at the points, which are theirs and then `others`, where nothing is added."""
    xp, each = library(w1), gains(w1, w2, own)
    return Bends(
        xp.concat((each.right, others), axis=-1),
        xp.concat((each.left, others), axis=-1),
        _sum(each.at_lo),
        _sum(each.at_hi),
    )


def derivatives(w1: Array, w2: Array, own: Units, at: Integrals) -> tuple[Array, Array, Array]:
    """Return half the gradient by w1, b1 and w2 from the integrals at every neuron's own point."""
    by_w1 = own.right * at.right_x + own.left * at.left_x
    by_b1 = own.right * at.right + own.left * at.left
    right = own.at_lo * at.right + w1 * at.right_u
    left = own.at_hi * at.left - w1 * at.left_u
    return w2 * by_w1, w2 * by_b1, own.right * right + own.left * left


def cell_square(first: Number, last: Number, weights: Weights, mass: Number) -> Number:
    """Return ∫ r² over a cell, a sum of squares; `mass` is its mass, or 1 if that is 0."""
    whole = first * weights.first + last * weights.last
    return whole * whole / mass + (last - first) * (last - first) * weights.spread


def mean_square(first: Array, last: Array, weights: Weights) -> Array:
    """Return ∫ r²."""
    mass = weights.mass
    mass = library(mass).where(mass > 0, mass, mass * 0 + 1)
    return _sum(cell_square(first, last, weights, mass))


def from_lo(some: Array) -> Array:
    """Return the sums from the first entry on along the last axis."""
    if type(some) is np.ndarray:
        return np.cumsum(some, axis=-1)
    return namespace(some).cumulative_sum(some, axis=-1)


def _sum(values: Array) -> Array:
    """Return a sum over the last axis, added up in its order as compiled code does."""
    return from_lo(values)[..., -1]


def _from_hi(cells: Array) -> Array:
    return from_lo(cells[..., ::-1])[..., ::-1]
