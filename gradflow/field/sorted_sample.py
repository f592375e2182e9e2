"""Sample loss, gradient and Hessian at a cost that does not grow with the number of inputs.

The inputs on one side of a neuron's breakpoint share their activation's slope s, and on them the
student is a line: with z the pre-activation and a = s w2, every sum over a side is a combination of
the sums that `gradflow.field.ranges` tabulates once. What is left for a neuron is to find its row
(a binary search for the breakpoint) and about a hundred operations.

Accuracy. With z_k the pre-activation at the input next to the breakpoint, z = z_k + w1 d has on either
side no two terms of opposite sign, so Σ w z, Σ w z x, Σ w z y and Σ w z² are as exact as z_k, which is
rounded about once. The gradient's error is a few units in the last place of the sum of the absolute
values of its terms, (|w2 φ(z)| + |b2| + |y|)·|∂f/∂θ|. The loss of a side is

    W·r̄² + (a w1 − slope)²·M2 + rest,    r̄ = a z̄ + b2 − ȳ,

three squares: never negative, and next to zero loss as exact as residuals that are each rounded once.
Where the inputs differ by less than about 1e-154 their squares underflow, as they do in a direct sum.

Which inputs are active is decided by fl(fl(w1 x) + b1) > 0, as in the direct sum. Rounding preserves
order, so these inputs are a range at an end; the quotient −b1/w1 only guesses where it begins.

For float32 neurons the decision is float32's, and the sums are float64's, rounded at the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device, namespace
from gradflow.base.error_free import affine, splitter, two_product, two_sum
from gradflow.field import ranges as columns
from gradflow.field.population import parameters
from gradflow.field.sample import sample_of
from gradflow.neuron.activations import Activation, PiecewiseLinear, derivatives
from gradflow.neuron.problem import Neuron, Problem

SORTED_FROM = 256
"""From this number of inputs on, samples are sorted; below, they are summed directly.

Measured with NumPy and Adam, in units of a step on 100 inputs summed directly: on a sorted sample of any
size a step of one neuron costs at most 1.8 (a direct one as much from about 12 000 inputs on), a step of
a thousand neurons at most 1.0 (a direct one on 300 inputs costs 3). The rule looks at the number of
inputs only, so that a neuron's result does not depend on the others in the batch.
"""

SPLITTER = splitter("float64")


class Bound(NamedTuple):
    """A sample's table, and constants, for neurons of one namespace, dtype and device."""

    xp: Any
    dtype: Any
    x: Array
    table: Array
    rows: Array | None
    reach: Array
    infinity: Array
    right: Array
    slopes: tuple[Array, Array]


class Sides(NamedTuple):
    """Sums over the left and the right side (last axis) of every neuron (first axis), and their shape."""

    row: Array
    slope: Array
    through: Array
    z: tuple[Array, Array, Array]
    r: tuple[Array, Array, Array]
    w1: Array
    shape: tuple[int, ...]


def bind(problem: Problem, like: Array) -> Bound:
    """Sort the sample and add it up for neurons like `like`: O(N log N), 28 numbers for each input.

    Each teacher of a problem with several has a table of its own.
    """
    inputs = sample_of(problem)
    xp, arrays = as_floating((like, *problem.teacher))
    dtype, place, wide = arrays[0].dtype, device(arrays[0]), xp.float64
    x = xp.asarray(inputs.x, dtype=dtype, device=place)
    n = x.shape[0]
    if inputs.weights is None:
        weights = xp.full((n,), 1.0 / n, dtype=wide, device=place)
    else:
        weights = xp.asarray(inputs.weights, dtype=wide, device=place)
    if inputs.targets is None:
        y = _taught(xp, arrays[1:], x, problem.teacher_activation)
    else:
        y = xp.astype(xp.asarray(inputs.targets, dtype=dtype, device=place), wide)
    present = weights > 0
    if not bool(xp.all(present)):
        kept = xp.nonzero(present)[0]
        x, weights, y = xp.take(x, kept), xp.take(weights, kept), xp.take(y, kept, axis=-1)
    found = columns.ranges(xp, xp.astype(x, wide), weights, y)
    teachers = y.shape[:-1]
    rows = None
    if teachers:
        rows = xp.arange(int(np.prod(teachers)), dtype=xp.int64, device=place) * (found.x.shape[0] + 1)
        rows = xp.reshape(rows, teachers)
    largest = float(xp.finfo(dtype).max)
    reach = min(2.0 * float(xp.max(xp.abs(found.x))), largest)
    return Bound(
        xp,
        dtype,
        _as(found.x, dtype),
        found.table,
        rows,
        xp.asarray(reach, dtype=dtype, device=place),
        xp.asarray(xp.inf, dtype=dtype, device=place),
        xp.asarray([False, True], device=place),
        tuple(xp.asarray(s, dtype=wide, device=place) for s in problem.slopes),
    )


def _taught(xp: Any, teacher: list[Array], x: Array, activation: Activation) -> Array:
    """Return the teacher's outputs in float64; the dtype of `x` decides where it is active."""
    w1, b1, w2, b2 = (parameter[..., None] for parameter in teacher)
    active = w1 * x + b1 > 0
    w1, b1, w2, b2, x = (_as(a, xp.float64) for a in (w1, b1, w2, b2, x))
    y = affine(w1, x, b1, splitter(xp.float64))
    if not isinstance(activation, PiecewiseLinear):
        return w2 * derivatives(activation, y, 0)[0] + b2
    slope = xp.where(active, activation.high + 0.0 * x, activation.low + 0.0 * x)
    return w2 * (slope * y) + b2


def _locate(bound: Bound, w1: Array, b1: Array, rows: Array | None) -> tuple[Array, Array, Array]:
    """Return the neurons' rows of the table, and the rounded product and pre-activation at the anchors."""
    xp = bound.xp
    rising = w1 >= 0
    # Where |b1/w1| is out of reach, all inputs are on the side that the sign of b1 says.
    inside = xp.abs(b1) < xp.abs(w1) * bound.reach
    away = xp.where((b1 > 0) == rising, -bound.infinity, bound.infinity)
    p = xp.where(inside, -b1 / xp.where(inside, w1, xp.ones_like(w1)), away)
    k = xp.searchsorted(bound.x, p, side="right")
    w1, b1, rising = w1[:, None], b1[:, None], rising[:, None]

    def examine(k: Array) -> tuple[Array, Array, Array, Array]:
        row = xp.take(bound.table, k if rows is None else k + rows, axis=0)
        product = w1 * _as(row[:, :, columns.ANCHOR], bound.dtype)
        z = product + b1
        misplaced = (((z > 0) == rising) != bound.right) & (row[:, :, columns.W] > 0)
        return row, product, z, misplaced

    row, product, z, misplaced = examine(k)
    if bool(xp.any(misplaced)):
        step = xp.astype(misplaced, k.dtype)
        row, product, z, misplaced = examine(k + step[:, 1] - step[:, 0])
        if bool(xp.any(misplaced)):
            row, product, z, _ = examine(_bisect(bound, w1[:, 0], b1[:, 0], k))
    return row, product, z


def _bisect(bound: Bound, w1: Array, b1: Array, like: Array) -> Array:
    """Return for every neuron the number of distinct inputs on its left, by the signs alone."""
    xp, n = bound.xp, bound.x.shape[0]
    rising = w1 >= 0
    low, high = xp.zeros_like(like), xp.full_like(like, n)
    for _ in range(n.bit_length()):
        middle = (low + high) // 2
        z = w1 * xp.take(bound.x, xp.clip(middle, max=n - 1)) + b1
        right = (middle >= high) | ((z > 0) == rising)
        low, high = xp.where(right, low, middle + 1), xp.where(right, middle, high)
    return low


def sides(bound: Bound, theta: Neuron | Array) -> Sides:
    """Return the sums over either side of every neuron's breakpoint."""
    xp = bound.xp
    rows = bound.rows
    if isinstance(theta, tuple) or rows is not None:
        given = parameters(theta) if rows is None else (*parameters(theta), rows)
        w1, b1, w2, b2, *rest = xp.broadcast_arrays(*given)
        shape = w1.shape
        w1, b1, w2, b2 = (xp.reshape(parameter, (-1,)) for parameter in (w1, b1, w2, b2))
        rows = xp.reshape(rest[0], (-1,)) if rest else None
    else:
        shape = theta.shape[1:]
        theta = xp.reshape(theta, (4, -1))
        w1, b1, w2, b2 = parameters(theta)
    row, product, z = _locate(bound, w1, b1, rows)
    rising = w1[:, None] >= 0
    w1, b1, w2, b2 = (_as(v, xp.float64)[:, None] for v in (w1, b1, w2, b2))
    if bound.dtype == xp.float64:
        z = corrected(w1, row[:, :, columns.ANCHOR], b1, product, z)
    else:
        z = w1 * row[:, :, columns.ANCHOR] + b1
    slope = xp.where(rising == bound.right, bound.slopes[1], bound.slopes[0])
    through = slope * w2
    sums = z[:, :, None] * row[:, :, : columns.T1 + 1] + w1[:, :, None] * row[:, :, columns.T1 : columns.SXY]
    first = tuple(sums[:, :, i] for i in range(4))
    means = tuple(row[:, :, i] for i in (columns.W, columns.SX, columns.SY, columns.SXY))
    z_sums, r_sums = side_sums(means, first, z, w1, b2, through)
    return Sides(row, slope, through, z_sums, r_sums, w1, shape)


def side_sums(
    means: tuple[Any, ...], first: tuple[Any, ...], z: Any, w1: Any, b2: Any, through: Any
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """Return (Σ w z, Σ w z x, Σ w z²) and (Σ w r, Σ w r x, Σ w r z) over a side.

    Parameters
    ----------
    means : tuple of four
        W, Sx, Sy and Sxy of the side's row of the table.
    first : tuple of four
        z·(W, Sx, Sy, T1) + w1·(T1, Tx, Ty, T2).
    """
    total, by_x, by_y, by_d = first
    mass, sx, sy, sxy = means
    square = z * total + w1 * by_d
    r = through * total + (b2 * mass - sy)
    rx = through * by_x + (b2 * sx - sxy)
    rz = through * square + (b2 * total - by_y)
    return (total, by_x, square), (r, rx, rz)


def corrected(w1: Any, x: Any, b1: Any, product: Any, z: Any) -> Any:
    """Return w1·x + b1 rounded about once, from its rounded product and sum."""
    _, product_error = two_product(w1, x, SPLITTER)
    _, sum_error = two_sum(product, b1)
    return z + (sum_error + product_error)


def loss(bound: Bound, theta: Neuron | Array) -> Array:
    """Return the weighted mean of (f − y)² for every neuron."""
    return _loss(bound, sides(bound, theta))


def gradient(bound: Bound, theta: Neuron | Array) -> Array:
    """Return the gradient, shape (4, …), with φ′(0) = s₋."""
    return _gradient(bound, sides(bound, theta))


def loss_and_gradient(bound: Bound, theta: Neuron | Array) -> tuple[Array, Array]:
    """Return both, searching once."""
    found = sides(bound, theta)
    return _loss(bound, found), _gradient(bound, found)


def hessian(bound: Bound, theta: Neuron | Array) -> Array:
    """Return the Hessian, shape (4, 4, …), where it exists: no input lies exactly at the breakpoint."""
    found = sides(bound, theta)
    row, s, a = found.row, found.slope, found.through
    mass, sx = row[:, :, columns.W], row[:, :, columns.SX]
    (z, zx, zz), (r, rx, _) = found.z, found.r
    upper = {
        (0, 0): a * a * row[:, :, columns.SXX],
        (0, 1): a * a * sx,
        (0, 2): s * (a * zx + rx),
        (0, 3): a * sx,
        (1, 1): a * a * mass,
        (1, 2): s * (a * z + r),
        (1, 3): a * mass,
        (2, 2): s * s * zz,
        (2, 3): s * z,
        (3, 3): mass,
    }
    entries = [upper[min(i, j), max(i, j)] for i in range(4) for j in range(4)]
    return bound.xp.reshape(_doubled(bound, entries, found.shape), (4, 4, *found.shape))


def _loss(bound: Bound, found: Sides) -> Array:
    row, r = found.row, found.r[0]
    turn = found.through * found.w1 - row[:, :, columns.SLOPE]
    side = r * (r * row[:, :, columns.INVERSE_W]) + (
        turn * turn * row[:, :, columns.M2] + row[:, :, columns.REST]
    )
    return _as(bound.xp.reshape(side[:, 0] + side[:, 1], found.shape), bound.dtype)


def _gradient(bound: Bound, found: Sides) -> Array:
    r, rx, rz = found.r
    return _doubled(bound, [found.through * rx, found.through * r, found.slope * rz, r], found.shape)


def _doubled(bound: Bound, entries: list[Array], shape: tuple[int, ...]) -> Array:
    """Return twice the sum over both sides of every entry, stacked, in the neurons' shape and dtype."""
    xp = bound.xp
    stacked = xp.stack(entries)
    total = stacked[:, :, 0] + stacked[:, :, 1]
    return _as(xp.reshape(total + total, (len(entries), *shape)), bound.dtype)


def _as(array: Array, dtype: Any) -> Array:
    """Return the array in this dtype; a call of `astype` costs as much as a multiplication."""
    return array if array.dtype == dtype else namespace(array).astype(array, dtype)
