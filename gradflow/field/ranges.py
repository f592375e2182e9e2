"""Sums over every range of sorted inputs that starts at an end: what a breakpoint's two sides need.

Row k of the table describes the k distinct inputs on the left and the residual_sum on the right, each side by
the weighted sums below. The *anchor* of a side is its input next to the boundary, d = x − anchor, and
bars are weighted means over the side:

====================  =========================================================================
W, Sx, Sy, Sxx, Sxy   Σ w, Σ w x, Σ w y, Σ w x², Σ w x y
T1, Tx, Ty, T2        Σ w d, Σ w d x, Σ w d y, Σ w d²
M2                    Σ w (x − x̄)²
slope, residual_sum           the regression of y on x: y = ȳ + slope (x − x̄) + e, and Σ w e²
====================  =========================================================================

None is a difference of larger sums. Each side has its own sums, grown from its far end, so a side of
one input in a million is as exact as the whole. Moving the anchor by h changes T1 by h W, T2 by
h (2 T1 + h W), Tx by h Sx and Ty by h Sy; adding an input changes M2 and the residual_sum as in Welford's and
recursive least-squares updates [1]_. All these increments have one sign (T1, T2, M2, residual_sum) or are at
most the increments of the sum of absolute values (Tx, Ty), so the running sums keep their digits; they
are compensated [2]_, whence the error of each is a few units in the last place of its sum of absolute
values, and (N u)² of it for the N additions.

References
----------
.. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis
   and recommendations", The American Statistician 37 (1983) 242-247.
.. [2] T. Ogita, S. M. Rump, S. Oishi, "Accurate sum and dot product", SIAM Journal on Scientific
   Computing 26 (2005) 1955-1988.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array
from gradflow.base.error_free import two_sum

# The columns of one side. P = z·(W, Sx, Sy, T1) + w1·(T1, Tx, Ty, T2) is one expression of two slices.
W, SX, SY, T1, TX, TY, T2, SXY, SXX, M2, SLOPE, REST, INVERSE_W, ANCHOR = range(14)
COLUMNS = 14


class Ranges(NamedTuple):
    """The distinct inputs in ascending order, shape (K,), and the table, shape (T·(K + 1), 2, 14).

    The second axis is (left, right). The targets' leading axes, T in all, are blocks of rows.
    """

    x: Array
    table: Array


def ranges(xp: Any, x: Array, weights: Array, y: Array) -> Ranges:
    """Return the table for inputs and positive weights of shape (N,) and targets of shape (…, N)."""
    order = xp.argsort(x, stable=True)
    x, weights, y = xp.take(x, order), xp.take(weights, order), xp.take(y, order, axis=-1)
    n = x.shape[0]
    first = xp.concat([xp.ones_like(x[:1], dtype=xp.bool), x[1:] != x[:-1]])
    starts = xp.nonzero(first)[0]
    bounds = xp.concat([starts, xp.full_like(starts[:1], n)])
    rows = (*y.shape[:-1], bounds.shape[0])
    columns = []
    for side, taken in (
        (_grown(xp, x, weights, y), bounds),
        (_grown(xp, xp.flip(x), xp.flip(weights), xp.flip(y, axis=-1)), n - bounds),
    ):
        columns += [xp.broadcast_to(xp.take(column, taken, axis=-1), rows) for column in side]
    table = xp.reshape(xp.stack(columns, axis=-1), (-1, 2, COLUMNS))
    return Ranges(xp.take(x, starts), table)


def _grown(xp: Any, x: Array, w: Array, y: Array) -> list[Array]:
    """Return the columns for the first 0, 1, …, N inputs; the anchor is the last of them."""
    start = xp.zeros_like(x[:1])
    h = xp.concat([start, x[:-1] - x[1:]])
    mass, sx, sy = _running(xp, w), _running(xp, w * x), _running(xp, w * y)
    before = mass[:-1]
    inverse = _quotient(xp, xp.ones_like(before), before)
    t1 = _running(xp, h * before)
    t2 = _running(xp, h * (2.0 * t1[:-1] + h * before))
    tx, ty = _running(xp, h * sx[:-1]), _running(xp, h * sy[..., :-1])
    # The new input's distance from the mean of those before it, and its target's.
    dx, dy = -(h + t1[:-1] * inverse), y - sy[..., :-1] * inverse
    share = (w / mass[1:]) * before
    m2 = _running(xp, share * (dx * dx))
    slope = _quotient(xp, _running(xp, share * dx * dy), m2)
    # What the new input's target differs by from the regression on those before it.
    innovation = dy - slope[..., :-1] * dx
    kept = xp.where(m2[1:] > 0, _quotient(xp, m2[:-1], m2[1:]), xp.ones_like(h))
    residual_sum = _running(xp, share * kept * (innovation * innovation))
    wxy, wxx = _running(xp, w * x * y), _running(xp, w * x * x)
    sums = [mass, sx, sy, t1, tx, ty, t2, wxy, wxx, m2, slope, residual_sum]
    return [*sums, _quotient(xp, xp.ones_like(mass), mass), xp.concat([x[:1], x])]


def _running(xp: Any, terms: Array) -> Array:
    """Return the sums of the first 0, 1, …, N terms along the last axis, compensated.

    The errors are taken from the sums as they are, so it does not matter how the library adds up.
    """
    total = xp.cumulative_sum(terms, axis=-1, include_initial=True)
    expected, error = two_sum(total[..., :-1], terms)
    lost = (expected - total[..., 1:]) + error
    return total + xp.cumulative_sum(lost, axis=-1, include_initial=True)


def _quotient(xp: Any, a: Array, b: Array) -> Array:
    """Return a/b, and 0 where b = 0."""
    nonzero = b != 0
    return xp.where(nonzero, a / xp.where(nonzero, b, xp.ones_like(b)), xp.zeros_like(b))
