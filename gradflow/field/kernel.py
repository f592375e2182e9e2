"""The population integrals in well-conditioned form: one text for arrays, floats and symbols.

The target is linear on at most two pieces of the input, [lo, q] and [q, hi], where q is the teacher's
breakpoint (q = lo when it lies outside). On each piece the student has at most one kink, at the
fraction t = z_a/(z_a − z_b) of the piece, z_a and z_b being the pre-activations at its ends. Between
kinks the residual r is linear, so every integral follows from end values (Simpson's rule is exact):
nothing cancels that does not cancel in r itself, and the loss is a sum of squares.

The functions take an `Operations` record for the three things that depend on what a number is, so
that the same lines run on arrays (`gradflow.field.population`), on Python floats with the cell held
fixed (`gradflow.flow`), and on SymPy symbols (`derivations/06_…`, which proves them equal to the
integrals they stand for).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from gradflow.base.error_free import affine, determinant

Number: TypeAlias = Any
Truth: TypeAlias = Any


class Operations(NamedTuple):
    """Numbers' operations and limits, as the kernel needs them."""

    where: Callable[[Truth, Number, Number], Number]
    positive: Callable[[Number], Truth]
    splitter: float


class Target(NamedTuple):
    """The teacher on its two pieces: lo, q and hi; fractions of the input; and w2 φ(·), without its bias."""

    x: tuple[Number, Number, Number]
    widths: tuple[Number, Number]
    y: tuple[Number, Number, Number]
    has_kink: Truth


class Node(NamedTuple):
    """A place on the input where one linear part ends and the next begins: x, φ(z) and the target there."""

    x: Number
    out: Number
    y: Number


class Pieces(NamedTuple):
    """The input cut at lo, the student's kink before q, q, its kink behind q, and hi.

    Between neighbouring nodes student and target are linear. A third of their width, as Simpson's rule
    wants it, and the activation's slope belong to these four parts, of which at least one has no width.
    """

    nodes: tuple[Node, ...]
    thirds: tuple[Number, ...]
    slopes: tuple[Number, ...]


Activation: TypeAlias = tuple[Number, Number]
Signs: TypeAlias = tuple[Truth, Truth, Truth]


def target(
    ops: Operations, teacher: tuple[Number, ...], lo: Number, hi: Number, slopes: Activation
) -> Target:
    """Return the teacher's pieces on [lo, hi]."""
    w1, b1, w2, _ = teacher
    y_lo, y_hi = affine(w1, lo, b1, ops.splitter), affine(w1, hi, b1, ops.splitter)
    on_lo, on_hi = ops.positive(y_lo), ops.positive(y_hi)
    # On an end of the input it is none: the piece beyond it has no width.
    has_kink = (on_lo & ops.positive(-y_hi)) | (on_hi & ops.positive(-y_lo))
    left = ops.where(has_kink, y_lo / ops.where(has_kink, y_lo - y_hi, 1.0), 0.0)
    right = ops.where(has_kink, y_hi / ops.where(has_kink, y_hi - y_lo, 1.0), 1.0)
    out_lo, out_hi = w2 * slope(ops, on_lo, slopes) * y_lo, w2 * slope(ops, on_hi, slopes) * y_hi
    q = ops.where(has_kink, -b1 / ops.where(has_kink, w1, 1.0), lo)
    return Target(
        (lo, q, hi), (left, right), (out_lo, ops.where(has_kink, 0.0 * out_lo, out_lo), out_hi), has_kink
    )


def preactivations(
    ops: Operations, w1: Number, b1: Number, teacher: tuple[Number, ...], aim: Target, *, exact: bool = False
) -> tuple[Number, Number, Number]:
    """Return the student's pre-activation at lo, q and hi, each rounded about once.

    `exact` says that products with lo, hi and the teacher's (w1, b1) have no rounding error (all are 0
    or ± a power of two, as by default). The compensated formulas would then return the same bits for
    three times the work.
    """
    lo, _, hi = aim.x
    wt, bt = teacher[0], teacher[1]
    if exact:
        z_lo, z_hi, numerator = w1 * lo + b1, w1 * hi + b1, b1 * wt - w1 * bt
    else:
        z_lo, z_hi = affine(w1, lo, b1, ops.splitter), affine(w1, hi, b1, ops.splitter)
        numerator = determinant(b1, wt, w1, bt, ops.splitter)
    z_q = numerator / ops.where(aim.has_kink, wt, 1.0)
    return z_lo, ops.where(aim.has_kink, z_q, z_lo), z_hi


def signs(ops: Operations, z: tuple[Number, Number, Number]) -> Signs:
    """Return the student's cell: whether it is active (z > 0) at lo, at q and at hi."""
    return ops.positive(z[0]), ops.positive(z[1]), ops.positive(z[2])


def segments(
    ops: Operations, z: tuple[Number, Number, Number], cell: Signs, aim: Target, slopes: Activation
) -> Pieces:
    """Cut the input at q and at the student's kink.

    With `cell` other than the signs of `z` the result is the analytic continuation of that cell's
    formulas beyond its walls; the flow needs it for the steps that end outside.
    """
    steep = [slope(ops, active, slopes) for active in cell]
    ends = [Node(x, s * end, y) for x, s, end, y in zip(aim.x, steep, z, aim.y, strict=True)]
    nodes, thirds = [ends[0]], []
    for a, b in ((0, 1), (1, 2)):
        kink = cell[a] != cell[b]
        span = ops.where(kink, z[a] - z[b], 1.0)
        before, after = ops.where(kink, z[a] / span, 1.0), ops.where(kink, -z[b] / span, 0.0)
        x, y = (ends[a][i] * after + ends[b][i] * before for i in (0, 2))
        nodes += [Node(x, ops.where(kink, 0.0, ends[b].out), y), ends[b]]
        third = aim.widths[a] / 3.0
        thirds += [third * before, third * after]
    return Pieces(tuple(nodes), tuple(thirds), (steep[0], steep[1], steep[1], steep[2]))


def loss(parts: Pieces, w2: Number, offset: Number) -> Number:
    """Return E[r²]; `offset` is b2 minus the teacher's b2."""
    r = _residuals(parts, w2, offset)
    terms = []
    for third, r0, r1 in zip(parts.thirds, r[:-1], r[1:], strict=True):
        middle = r0 + 0.5 * r1
        terms.append(third * (middle * middle + 0.75 * (r1 * r1)))
    return _total(terms)


def gradient(parts: Pieces, w2: Number, offset: Number) -> tuple[Number, Number, Number, Number]:
    """Return ∂L/∂(w1, b1, w2, b2) = 2 E[r · (w2 φ′(z) x, w2 φ′(z), φ(z), 1)]."""
    r = _residuals(parts, w2, offset)
    by_x, by_out = ([a * node[i] for a, node in zip(r, parts.nodes, strict=True)] for i in (0, 1))
    sums: list[list[Number]] = [[], [], [], []]
    for i, (third, steep) in enumerate(zip(parts.thirds, parts.slopes, strict=True)):
        left, right = parts.nodes[i : i + 2]
        double_r = r[i] + r[i + 1]
        # Six times the mean of a product is the product of the sums and those at the ends.
        six_rx = double_r * (left.x + right.x) + (by_x[i] + by_x[i + 1])
        six_rout = double_r * (left.out + right.out) + (by_out[i] + by_out[i + 1])
        third_r = third * double_r
        terms = (third * steep * six_rx, steep * third_r, third * six_rout, third_r)
        for entry, term in zip(sums, terms, strict=True):
            entry.append(term)
    double_w1, third_b1, double_w2, third_b2 = map(_total, sums)
    return w2 * double_w1, 3.0 * (w2 * third_b1), double_w2, 3.0 * third_b2


def hessian(
    ops: Operations,
    parts: Pieces,
    z: tuple[Number, Number, Number],
    line: tuple[Number, Number],
    w2: Number,
    offset: Number,
    slopes: Activation,
) -> tuple[tuple[Number, ...], ...]:
    """Return the 4 × 4 matrix ∂²L/∂θ² = 2 E[∇f ∇fᵀ] + 2 E[r ∇²f], as a tuple of rows.

    The second derivative of the kink is a point mass at the breakpoint p: it adds
    2 (s₊ − s₋) w2 r(p) (p², p; p, 1) / (|w1| (hi − lo)) to the (w1, b1) block while p lies strictly
    inside. On a wall (p at an end) the value is that of the dead or hyperactive side.
    """
    upper = [[0.0 * w2 for _ in range(4)] for _ in range(4)]
    residuals = _residuals(parts, w2, offset)
    for k, (third, s) in enumerate(zip(parts.thirds, parts.slopes, strict=True)):
        width = 3.0 * third
        left, right = parts.nodes[k : k + 2]
        x, r = (left.x, right.x), (residuals[k], residuals[k + 1])
        g = ((w2 * s * x[0], w2 * s * x[1]), (w2 * s, w2 * s), (left.out, right.out), (1.0, 1.0))
        for i in range(4):
            for j in range(i, 4):
                upper[i][j] = upper[i][j] + 2.0 * product(width, g[i], g[j])
        upper[0][2] = upper[0][2] + 2.0 * s * product(width, x, r)
        upper[1][2] = upper[1][2] + s * (width * (r[0] + r[1]))
    p, mass = _point_mass(ops, parts, z, line, w2, offset, slopes)
    upper[0][0] = upper[0][0] + 2.0 * (mass * p * p)
    upper[0][1] = upper[0][1] + 2.0 * (mass * p)
    upper[1][1] = upper[1][1] + 2.0 * mass
    return tuple(tuple(upper[min(i, j)][max(i, j)] for j in range(4)) for i in range(4))


def slope(ops: Operations, active: Truth, slopes: Activation) -> Number:
    """Return φ′: s₊ where active, s₋ elsewhere (also at 0)."""
    return ops.where(active, slopes[1], slopes[0])


def product(width: Number, f: tuple[Number, Number], g: tuple[Number, Number]) -> Number:
    """Integrate the product of two linear functions, given by their end values, over a segment."""
    return width * ((f[0] + f[1]) * (g[0] + g[1]) + (f[0] * g[0] + f[1] * g[1])) / 6.0


def _residuals(parts: Pieces, w2: Number, offset: Number) -> list[Number]:
    return [w2 * node.out - node.y + offset for node in parts.nodes]


def _total(terms: list[Number]) -> Number:
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


def _point_mass(
    ops: Operations,
    parts: Pieces,
    z: tuple[Number, Number, Number],
    line: tuple[Number, Number],
    w2: Number,
    offset: Number,
    slopes: Activation,
) -> tuple[Number, Number]:
    """Return the breakpoint p and E[r φ″(z)] w2, which is 0 unless p lies strictly inside."""
    up, down = (ops.positive(z[2]), ops.positive(-z[0])), (ops.positive(z[0]), ops.positive(-z[2]))
    inside = (up[0] & up[1]) | (down[0] & down[1])
    in_first = ops.positive(z[0]) != ops.positive(z[1])
    w1, b1 = line
    p = ops.where(inside, -b1 / ops.where(inside, w1, 1.0), 0.0)
    y = ops.where(in_first, parts.nodes[1].y, parts.nodes[3].y)
    span = ops.where(up[0], z[2] - z[0], z[0] - z[2])
    mass = (slopes[1] - slopes[0]) * w2 * (offset - y) / ops.where(inside, span, 1.0)
    return p, ops.where(inside, mass, 0.0)
