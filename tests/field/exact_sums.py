"""The sample's sums in integer arithmetic: exact, for any finite inputs, and for a hundred thousand of them.

Nothing here comes from gradflow. Numbers are multiples of 2⁻²⁴⁰ held as Python integers. An input is
active iff fl(fl(w1 x) + b1) > 0 in the dtype of the inputs, which is the definition for samples.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

UNIT = 240


class Data(NamedTuple):
    """Inputs, weights and targets; either targets or a teacher."""

    x: Any
    weights: Any
    targets: Any
    teacher: tuple[float, ...]
    slopes: tuple[float, float]


class Sums(NamedTuple):
    """Exact values, and the sums of absolute values of their terms.

    The terms of the residual are w2 φ(z), b2 and the target's (v2 φ(y) and c2, or y). `split` counts
    w1 x and b1 as terms too, as befits a sum in which each z is rounded by itself.
    """

    loss: Fraction
    gradient: list[Fraction]
    hessian: list[Fraction]
    loss_scale: float
    gradient_scale: Any
    hessian_scale: Any
    split_scale: Any
    split_loss_scale: float


def integers(values: Any) -> Any:
    """Return values · 2²⁴⁰ as Python integers."""
    flat = np.atleast_1d(np.asarray(values)).ravel().tolist()
    ratios = [float(v).as_integer_ratio() for v in flat]
    assert all((1 << UNIT) % bottom == 0 for _, bottom in ratios)
    return np.asarray([top * ((1 << UNIT) // bottom) for top, bottom in ratios] + [None], dtype=object)[:-1]


def real(value: Any, degree: int) -> Any:
    """Return the floats nearest to integers that are products of `degree` numbers."""
    shift = max(0, degree * UNIT - 900)
    return np.asarray(value >> shift, dtype=np.float64) * 2.0 ** (shift - degree * UNIT)


def line(parameters: Any, x: Any, slopes: Any, *, at: Any) -> tuple[Any, Any]:
    """Return s (degree 1) and s z (degree 3) at the inputs; `at` are the inputs as floats."""
    w1, b1 = (np.asarray(v, dtype=at.dtype) for v in parameters[:2])
    s = integers(slopes)[(w1 * at + b1 > 0).astype(int)]
    w1, b1 = integers(parameters[:2])
    return s, s * (w1 * x + (b1 << UNIT))


def sums(neuron: Any, data: Data) -> Sums:
    """Return loss, gradient and Hessian (rows in one list) of one neuron."""
    at = np.asarray(data.x)
    x, weights = integers(at), integers(data.weights)
    s, phi = line(neuron, x, data.slopes, at=at)
    w2, b2 = integers(neuron[2:])
    if data.targets is not None:
        y, sizes_y = integers(data.targets) << (3 * UNIT), np.abs(np.asarray(data.targets, dtype=float))
    else:
        _, phi_t = line(data.teacher, x, data.slopes, at=at)
        v2, c2 = integers(data.teacher[2:])
        y = v2 * phi_t + (c2 << (3 * UNIT))
        sizes_y = np.abs(real(v2 * phi_t, 4)) + abs(float(data.teacher[3]))
    r = w2 * phi + (b2 << (3 * UNIT)) - y  # degree 4
    one = np.full(x.shape, 1 << UNIT, dtype=object)
    df = ((w2 * s * x, 3), (w2 * s, 2), (phi, 3), (one, 1))
    bent = {(0, 2): (s * x, 2), (1, 2): (s, 1)}

    def total(terms: Any, degree: int) -> Fraction:
        return Fraction(int(np.sum(weights * terms)), 1 << (UNIT * (degree + 1)))

    pairs = [(min(i, j), max(i, j)) for i in range(4) for j in range(4)]
    second = {}
    for i, j in set(pairs):
        second[i, j] = 2 * total(df[i][0] * df[j][0], df[i][1] + df[j][1])
        if (i, j) in bent:
            factor, degree = bent[i, j]
            second[i, j] += 2 * total(r * factor, 4 + degree)

    share = real(weights, 1)
    f_w2, f_b2 = abs(float(neuron[2])), abs(float(neuron[3]))
    size = f_w2 * np.abs(real(phi, 3)) + f_b2 + sizes_y
    sizes_df = [np.abs(real(value, degree)) for value, degree in df]
    hessian_scale = {}
    for i, j in set(pairs):
        hessian_scale[i, j] = 2 * np.sum(share * sizes_df[i] * sizes_df[j])
        if (i, j) in bent:
            hessian_scale[i, j] += 2 * np.sum(share * size * np.abs(real(*bent[i, j])))
    s_float = np.abs(real(s, 1))
    z_split = s_float * (np.abs(float(neuron[0]) * at) + abs(float(neuron[1])))
    size_split = f_w2 * z_split + f_b2 + sizes_y
    split = [2 * np.sum(share * size_split * d) for d in (sizes_df[0], sizes_df[1], z_split, sizes_df[3])]
    return Sums(
        total(r * r, 8),
        [2 * total(r * value, 4 + degree) for value, degree in df],
        [second[pair] for pair in pairs],
        float(np.sum(share * size * size)),
        np.asarray([2 * np.sum(share * size * d) for d in sizes_df]),
        np.asarray([hessian_scale[pair] for pair in pairs]),
        np.asarray(split),
        float(np.sum(share * size_split * size_split)),
    )


def relative(values: Any, exact: list[Fraction], scale: Any) -> float:
    """Return the largest |value − exact| / scale; a scale below 1e-280 counts as that."""
    differences = [
        float(abs(Fraction(float(v)) - e)) for v, e in zip(np.ravel(values).tolist(), exact, strict=True)
    ]
    return float(np.max(np.asarray(differences) / np.maximum(scale, 1e-280)))
