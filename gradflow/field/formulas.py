"""The population integrals in well-conditioned form: one text for arrays, floats, symbols and compiled code.

A neuron is active on one part of the input, which reaches from one of its ends inwards, and inactive on
the other. On each part student and target are described by the distance u from that end, as a fraction of
the input, so that nothing is obtained as a difference of large numbers: with z the pre-activation at the
end and a its fall over the whole input the part has the width z/a. It is cut where the teacher bends; the
residual is r0 − g u up to the cut and rq − g′ v behind it, v the distance from the cut. Their integrals
against 1 and against the distance are all that the gradient needs. The loss is a sum of squares.

The functions take an `Operations` record for the three things that depend on what a number is, so that
the same lines run on arrays (`gradflow.field.population`), on Python floats with the cell held fixed
(`gradflow.flow`), on SymPy symbols (`derivations/06_…`, which proves them equal to the integrals they
stand for), and in compiled code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from gradflow.base.error_free import affine, determinant

Number: TypeAlias = Any
Truth: TypeAlias = Any


class Operations(NamedTuple):
    """Numbers' operations and limits, as the formulas need them."""

    where: Callable[[Truth, Number, Number], Number]
    positive: Callable[[Number], Truth]
    splitter: float
    third: Number = 1.0 / 3.0


class Target(NamedTuple):
    """The teacher without its bias, T(x) = w2 φ(w1 x + b1): straight on [lo, q] and on [q, hi].

    Attributes
    ----------
    x : tuple
        lo, q and hi. Where the teacher does not bend inside the input q = lo, and the first piece is empty.
    widths : tuple
        Of both pieces, as fractions of the input.
    y : tuple
        T at lo, q and hi.
    rises : tuple
        By how much T would rise over the whole input, as it does on both pieces.
    has_breakpoint : truth value
        Whether the teacher bends inside the input.
    length : number
        hi − lo.
    mean : number
        E[T].
    """

    x: tuple[Number, Number, Number]
    widths: tuple[Number, Number]
    y: tuple[Number, Number, Number]
    rises: tuple[Number, Number]
    has_breakpoint: Truth
    length: Number
    mean: Number


class Part(NamedTuple):
    """A part of the input on which the student is straight, seen from the end that it reaches.

    Attributes
    ----------
    end, inwards : number
        The end, and dx/du = ± the input's length.
    y, near, far : number
        T at the end, and dT/du before and behind q.
    z, z_q, a : number
        The pre-activation at the end and at q, and its fall over the whole input.
    m, k : number
        The widths of what lies before and behind q, as fractions of the input.
    """

    end: Number
    inwards: Number
    y: Number
    near: Number
    far: Number
    z: Number
    z_q: Number
    a: Number
    m: Number
    k: Number


class Parts(NamedTuple):
    """Both parts of the input, and the target on it."""

    active: Part
    inactive: Part
    aim: Target


class Residual(NamedTuple):
    """The residual on a part: r0 − g u before q, rq − g_far v behind it."""

    r0: Number
    g: Number
    rq: Number
    g_far: Number


Slopes: TypeAlias = tuple[Number, Number]
Signs: TypeAlias = tuple[Truth, Truth, Truth]
Triple: TypeAlias = tuple[Number, Number, Number]


def target(ops: Operations, teacher: tuple[Number, ...], lo: Number, hi: Number, slopes: Slopes) -> Target:
    """Return the teacher's pieces on [lo, hi]."""
    w1, b1, w2 = teacher[0], teacher[1], teacher[2]
    y_lo, y_hi = affine(w1, lo, b1, ops.splitter), affine(w1, hi, b1, ops.splitter)
    on_lo, on_hi = ops.positive(y_lo), ops.positive(y_hi)
    # On an end of the input it is none: the piece beyond it has no width.
    has_breakpoint = (on_lo & ops.positive(-y_hi)) | (on_hi & ops.positive(-y_lo))
    left = ops.where(has_breakpoint, y_lo / ops.where(has_breakpoint, y_lo - y_hi, 1.0), 0.0)
    right = ops.where(has_breakpoint, y_hi / ops.where(has_breakpoint, y_hi - y_lo, 1.0), 1.0)
    steep_lo, steep_hi = w2 * slope(ops, on_lo, slopes), w2 * slope(ops, on_hi, slopes)
    out_lo, out_hi = steep_lo * y_lo, steep_hi * y_hi
    q = ops.where(has_breakpoint, -b1 / ops.where(has_breakpoint, w1, 1.0), lo)
    # Without a breakpoint inside, one end may lie on it: then the other tells the slope.
    alone = ops.where(on_lo | on_hi, w2 * slopes[1], w2 * slopes[0])
    length = hi - lo
    across = w1 * length
    rises = (
        ops.where(has_breakpoint, steep_lo, alone) * across,
        ops.where(has_breakpoint, steep_hi, alone) * across,
    )
    out_q = ops.where(has_breakpoint, 0.0 * out_lo, out_lo)
    mean = 0.5 * (left * (out_lo + out_q) + right * (out_q + out_hi))
    return Target(
        (lo, q, hi),
        (left, right),
        (out_lo, out_q, out_hi),
        rises,
        has_breakpoint,
        length,
        mean,
    )


def preactivations(
    ops: Operations, w1: Number, b1: Number, teacher: tuple[Number, ...], aim: Target, *, exact: bool = False
) -> Triple:
    """Return the student's pre-activation at lo, q and hi, each rounded about once.

    `exact` says that products with lo, hi and the teacher's (w1, b1) have no rounding error (all are 0
    or ± a power of two, as by default). The compensated formulas would then return the same bits for
    three times the work.
    """
    lo, _, hi = aim.x
    wt, bt = teacher[0], teacher[1]
    divisor = ops.where(aim.has_breakpoint, wt, 1.0)
    if exact:
        # The reciprocal of a power of two is exact, and the same for all students.
        z_lo, z_hi, z_q = w1 * lo + b1, w1 * hi + b1, (b1 * wt - w1 * bt) * (1.0 / divisor)
    else:
        z_lo, z_hi = affine(w1, lo, b1, ops.splitter), affine(w1, hi, b1, ops.splitter)
        z_q = determinant(b1, wt, w1, bt, ops.splitter) / divisor
    return z_lo, ops.where(aim.has_breakpoint, z_q, z_lo), z_hi


def signs(ops: Operations, z: Triple) -> Signs:
    """Return the student's cell: whether it is active (z > 0) at lo, at q and at hi."""
    return ops.positive(z[0]), ops.positive(z[1]), ops.positive(z[2])


def parts(ops: Operations, z: Triple, cell: Signs, aim: Target) -> Parts:
    """Cut the input where the student bends, and each part where the teacher does.

    With `cell` other than the signs of `z` the result is the analytic continuation of that cell's
    formulas beyond its walls; the flow needs it for the steps that end outside.
    """
    return Parts(part(ops, z, cell, aim, True), part(ops, z, cell, aim, False), aim)


def part(ops: Operations, z: Triple, cell: Signs, aim: Target, active: bool) -> Part:
    """Return the part of the input on which the student is active, or that on which it is not."""
    on_lo, on_q, on_hi = cell[0] == active, cell[1] == active, cell[2] == active
    z_end, z_other = ops.where(on_hi, z[2], z[0]), ops.where(on_hi, z[0], z[2])
    left, right = aim.widths
    room, rest = ops.where(on_hi, right, left), ops.where(on_hi, left, right)
    whole, ends = on_lo & on_hi, on_lo != on_hi
    beyond = ends & on_q
    # The student bends on one of the target's pieces: such a share of it is on this side and the rest on
    # the other, so that all widths add up, however few digits a tiny z has.
    above, below = ops.where(on_q, z[1], z_end), ops.where(on_q, z_other, z[1])
    share = above / ops.where(ends, above - below, 1.0)
    # That the part is the whole input, or empty, is told by the signs alone.
    m = ops.where(whole | beyond, room, ops.where(ends, room * share, 0.0))
    k = ops.where(whole, rest, ops.where(beyond, rest * share, 0.0))
    return Part(
        ops.where(on_hi, aim.x[2], aim.x[0]),
        ops.where(on_hi, -aim.length, aim.length),
        ops.where(on_hi, aim.y[2], aim.y[0]),
        ops.where(on_hi, -aim.rises[1], aim.rises[0]),
        ops.where(on_hi, -aim.rises[0], aim.rises[1]),
        z_end,
        z[1],
        z_end - z_other,
        m,
        k,
    )


def residual(p: Part, y_q: Number, weight: Number, offset: Number) -> Residual:
    """Return the residual on a part; `y_q` is T at q, `weight` w2 times the activation's slope there."""
    fall = weight * p.a
    return Residual(
        weight * p.z + (offset - p.y), fall + p.near, weight * p.z_q + (offset - y_q), fall + p.far
    )


def loss(ops: Operations, p: Parts, w2: Number, offset: Number, slopes: Slopes) -> Number:
    """Return E[r²]; `offset` is b2 minus the teacher's b2."""
    y_q = p.aim.y[1]
    active = _squares(p.active, residual(p.active, y_q, w2 * slopes[1], offset))
    inactive = _squares(p.inactive, residual(p.inactive, y_q, w2 * slopes[0], offset))
    return ops.third * (active + inactive)


def gradient(
    ops: Operations, p: Parts, w2: Number, offset: Number, slopes: Slopes
) -> tuple[Number, Number, Number, Number]:
    """Return ∂L/∂(w1, b1, w2, b2) = 2 E[r · (w2 φ′(z) x, w2 φ′(z), φ(z), 1)]."""
    low, high = slopes
    one = _moments(ops, p.active, p.aim, w2 * high, offset)
    other = _moments(ops, p.inactive, p.aim, w2 * low, offset)
    by_x, by_one, by_z, area = (
        high * one[0] + low * other[0],
        high * one[1] + low * other[1],
        high * one[2] + low * other[2],
        high * one[3] + low * other[3],
    )
    return _gradient(p.aim, w2, offset, (by_x, by_one, by_z, area))


def one_sided_gradient(
    ops: Operations, active: Part, aim: Target, w2: Number, offset: Number, high: Number
) -> tuple[Number, Number, Number, Number]:
    """Return the gradient for the slopes (0, `high`): the inactive part adds nothing to it."""
    by_x, by_one, by_z, area = _moments(ops, active, aim, w2 * high, offset)
    return _gradient(aim, w2, offset, (high * by_x, high * by_one, high * by_z, high * area))


def _gradient(
    aim: Target, w2: Number, offset: Number, sums: tuple[Number, Number, Number, Number]
) -> tuple[Number, Number, Number, Number]:
    by_x, by_one, by_z, area = sums
    twice = 2.0 * w2
    return twice * by_x, twice * by_one, 2.0 * by_z, twice * area + 2.0 * (offset - aim.mean)


def hessian(
    ops: Operations,
    p: Parts,
    z: Triple,
    line: tuple[Number, Number],
    w2: Number,
    offset: Number,
    slopes: Slopes,
) -> tuple[tuple[Number, ...], ...]:
    """Return the 4 × 4 matrix ∂²L/∂θ² = 2 E[∇f ∇fᵀ] + 2 E[r ∇²f], as a tuple of rows.

    The second derivative of f is a point mass at the breakpoint p: it adds
    2 (s₊ − s₋) w2 r(p) (p², p; p, 1) / (|w1| (hi − lo)) to the (w1, b1) block while p lies strictly
    inside. On a wall (p at an end) the value is that of the dead or hyperactive side.
    """
    upper = [[0.0 * w2 for _ in range(4)] for _ in range(4)]
    for piece, s in ((p.active, slopes[1]), (p.inactive, slopes[0])):
        rest = residual(piece, p.aim.y[1], w2 * s, offset)
        for width, x0, z0, r0, g in (
            (piece.m, piece.end, piece.z, rest.r0, rest.g),
            (piece.k, p.aim.x[1], piece.z_q, rest.rq, rest.g_far),
        ):
            x = (x0, x0 + piece.inwards * width)
            out = (s * z0, s * (z0 - piece.a * width))
            r = (r0, r0 - g * width)
            f = ((w2 * s * x[0], w2 * s * x[1]), (w2 * s, w2 * s), out, (1.0, 1.0))
            for i in range(4):
                for j in range(i, 4):
                    upper[i][j] = upper[i][j] + 2.0 * product(width, f[i], f[j])
            upper[0][2] = upper[0][2] + 2.0 * s * product(width, x, r)
            upper[1][2] = upper[1][2] + s * (width * (r[0] + r[1]))
    at, mass = _point_mass(ops, p, z, line, w2, offset, slopes)
    upper[0][0] = upper[0][0] + 2.0 * (mass * at * at)
    upper[0][1] = upper[0][1] + 2.0 * (mass * at)
    upper[1][1] = upper[1][1] + 2.0 * mass
    return tuple(tuple(upper[min(i, j)][max(i, j)] for j in range(4)) for i in range(4))


def slope(ops: Operations, active: Truth, slopes: Slopes) -> Number:
    """Return φ′: s₊ where active, s₋ elsewhere (also at 0)."""
    return ops.where(active, slopes[1], slopes[0])


def product(width: Number, f: tuple[Number, Number], g: tuple[Number, Number]) -> Number:
    """Integrate the product of two linear functions, given by their end values, over a segment."""
    return width * ((f[0] + f[1]) * (g[0] + g[1]) + (f[0] * g[0] + f[1] * g[1])) / 6.0


def _moments(
    ops: Operations, p: Part, aim: Target, weight: Number, offset: Number
) -> tuple[Number, Number, Number, Number]:
    """Return what ∫ r x, ∫ r, ∫ r z and ∫ z over a part add to the means."""
    rest = residual(p, aim.y[1], weight, offset)
    half_m, half_k = 0.5 * p.m, 0.5 * p.k
    fall_m, fall_k = rest.g * half_m, rest.g_far * half_k
    near, far = p.m * (rest.r0 - fall_m), p.k * (rest.rq - fall_k)
    # Against the distance from the end, of what lies before q, and from q, of what lies behind it.
    thrice = p.m * half_m * (3.0 * rest.r0 - 4.0 * fall_m) + p.k * half_k * (3.0 * rest.rq - 4.0 * fall_k)
    by_distance = ops.third * thrice
    by_x = p.end * near + aim.x[1] * far + p.inwards * by_distance
    by_z = p.z * near + p.z_q * far - p.a * by_distance
    area = p.m * (p.z - p.a * half_m) + p.k * (p.z_q - p.a * half_k)
    return by_x, near + far, by_z, area


def _squares(p: Part, rest: Residual) -> Number:
    """Return three times what ∫ r² over a part adds to the loss, a sum of squares."""
    return _square(p.m, rest.r0, rest.r0 - rest.g * p.m) + _square(p.k, rest.rq, rest.rq - rest.g_far * p.k)


def _square(width: Number, r0: Number, r1: Number) -> Number:
    middle = r0 + 0.5 * r1
    return width * (middle * middle + 0.75 * (r1 * r1))


def _point_mass(
    ops: Operations,
    p: Parts,
    z: Triple,
    line: tuple[Number, Number],
    w2: Number,
    offset: Number,
    slopes: Slopes,
) -> tuple[Number, Number]:
    """Return the breakpoint and E[r φ″(z)] w2, which is 0 unless the breakpoint lies strictly inside."""
    up, down = (ops.positive(z[2]), ops.positive(-z[0])), (ops.positive(z[0]), ops.positive(-z[2]))
    inside = (up[0] & up[1]) | (down[0] & down[1])
    w1, b1 = line
    at = ops.where(inside, -b1 / ops.where(inside, w1, 1.0), 0.0)
    # T there, between the ends of the piece of the target on which it lies: a mean with positive weights.
    active, inactive, y_q = p.active, p.inactive, p.aim.y[1]
    beyond = inside & ops.positive(active.k)
    near, far = ops.where(beyond, y_q, active.y), ops.where(beyond, inactive.y, y_q)
    to_far = ops.where(beyond, active.k, active.m)
    to_near = ops.where(beyond, inactive.m, inactive.k)
    whole = to_far + to_near
    # Without a breakpoint inside, the piece is the whole input; a part that starts at lo is then behind q.
    y = (near * to_near + far * to_far) / ops.where(inside & ops.positive(whole), whole, 1.0)
    span = ops.where(up[0], z[2] - z[0], z[0] - z[2])
    mass = (slopes[1] - slopes[0]) * w2 * (offset - y) / ops.where(inside, span, 1.0)
    return at, ops.where(inside, mass, 0.0)
