"""Random and adversarial neurons, drawn with a fixed seed: the set on which accuracy is measured.

Each of the eight settings (teacher, interval, slopes) gets the same families. With 105 neurons per
family the whole is 8 × 13 × 105 = 10 920 neurons, of which

=====  ==================================================================================
 1680  random: moderate (840) and every parameter's magnitude log-uniform over the whole range (840)
 2520  breakpoint exactly (up to rounding: −b1/w1 = e in floating point) on lo, hi and 0
 2520  breakpoint next to lo, hi and 0: 1 to 4 units in the last place of b1 away, either side,
       and next to 0 also at distances from 1e-12 to 1e-1
 1680  active (840) or inactive (840) width from 1e-12 to 1e-1 of the input, at either end
  840  w1 = 0, half of them with b1 = 0 too
  840  breakpoint on or within 1e-15 to 1e-1 of the teacher's
  840  next to the global minimum, at distances from 1e-15 to 1e-1
=====  ==================================================================================

In the default setting lo, hi and 0 are −1, 1 and 0, the last also the teacher's breakpoint.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEED = 20250722
PER_FAMILY = 105


class Range(NamedTuple):
    """The dtype, and how extreme its neurons may be."""

    dtype: Any
    smallest: float
    largest: float
    narrowest: float


DOUBLE = Range(np.float64, 1e-8, 1e8, 1e-12)
# Narrow enough for the Hessian's w2² z² and the loss's (w2 z)² to stay below float32's largest number.
SINGLE = Range(np.float32, 1e-4, 1e4, 1e-5)


class Setting(NamedTuple):
    """Neurons θ of shape (4, n), a teacher (4, n) and an interval (n,) for each, and common slopes."""

    name: str
    theta: Any
    teacher: Any
    lo: Any
    hi: Any
    slopes: tuple[float, float]


def settings(range_: Range = DOUBLE, per_family: int = PER_FAMILY) -> list[Setting]:
    """Return the eight settings with their neurons, in the range's dtype."""
    rng = np.random.default_rng(SEED)
    n = 13 * per_family
    relu, leaky, general = (0.0, 1.0), (0.01, 1.0), (-0.375, 1.7)
    plain, unit = np.tile([[1.0], [0.0], [1.0], [0.0]], n), (np.full(n, -1.0), np.full(n, 1.0))
    result = []
    for name, teacher, (lo, hi), slopes in (
        ("default", plain, unit, relu),
        ("leaky", plain, unit, leaky),
        ("other teachers", _teachers(rng, n), unit, relu),
        ("other teachers, general slopes", _teachers(rng, n), unit, general),
        ("extreme teachers", _log_uniform(rng, (4, n), range_.smallest, range_.largest), unit, relu),
        ("other intervals", plain, _intervals(rng, n), relu),
        ("other teachers and intervals", _teachers(rng, n), _intervals(rng, n), relu),
        ("other teachers and intervals, leaky", _teachers(rng, n), _intervals(rng, n), leaky),
    ):
        # Round first: the families then place breakpoints relative to the rounded numbers.
        teacher, lo, hi = (np.asarray(a, dtype=range_.dtype) for a in (teacher, lo, hi))
        theta = _families(rng, teacher, lo, hi, range_)
        result.append(Setting(name, theta, teacher, lo, hi, slopes))
    return result


def _log_uniform(rng: np.random.Generator, shape: Any, smallest: float, largest: float) -> Floats:
    size = np.exp(rng.uniform(np.log(smallest), np.log(largest), shape))
    signed: Floats = size * rng.choice([-1.0, 1.0], shape)
    return signed


def _teachers(rng: np.random.Generator, n: int) -> Floats:
    """Moderate teachers of every sign: dead, hyperactive and balanced, some constant, some with b1 = 0."""
    teacher = rng.normal(0.0, 1.0, (4, n))
    teacher[0, ::10] = 0.0
    teacher[1, 1::10] = 0.0
    teacher[1, 2::10] = teacher[0, 2::10]  # breakpoint on −1
    teacher[2, 3::10] = 0.0
    return teacher


def _intervals(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Intervals around 0, on one side of it, starting at it, far from it, wide and narrow."""
    lo = rng.uniform(-2.0, 1.0, n)
    hi = lo + 10.0 ** rng.uniform(-3.0, 2.0, n)
    lo[::4], hi[::4] = -(10.0 ** rng.uniform(-6, 1, lo[::4].size)), 10.0 ** rng.uniform(-6, 1, lo[::4].size)
    lo[1::8] = 0.0
    hi[1::8] = 10.0 ** rng.uniform(-3.0, 2.0, hi[1::8].size)
    lo[3::8], hi[3::8] = lo[3::8] + 100.0, hi[3::8] + 100.0
    return lo, hi


def _families(rng: np.random.Generator, teacher: Any, lo: Any, hi: Any, range_: Range) -> Any:
    dtype = range_.dtype
    n = lo.size // 13
    family = [slice(i * n, (i + 1) * n) for i in range(13)]
    theta = rng.normal(0.0, 1.5, (4, lo.size))
    wide = rng.random(lo.size) < 0.5
    extreme = _log_uniform(rng, (4, lo.size), range_.smallest, range_.largest)
    theta = np.where(wide, extreme, theta)
    theta[:, family[0]] = rng.normal(0.0, 1.5, (4, n))
    theta[:, family[1]] = extreme[:, family[1]]
    theta = theta.astype(dtype)
    w1, b1 = theta[0], theta[1]

    for ends, on, next_to in ((lo, 2, 5), (hi, 3, 6), (np.zeros_like(lo), 4, 7)):
        b1[family[on]] = -w1[family[on]] * ends[family[on]]
        near = family[next_to]
        b1[near] = _nudged(rng, -w1[near] * ends[near], w1[near])
    # Next to 0, half of them at larger distances.
    half = slice(family[7].start, family[7].start + n // 2)
    b1[half] = (-w1[half] * _log_uniform(rng, n // 2, range_.narrowest, 0.1)).astype(dtype)

    for end, sign, which in ((hi, 1.0, 8), (lo, -1.0, 8), (hi, -1.0, 9), (lo, 1.0, 9)):
        rows = np.arange(family[which].start + (end is lo), family[which].stop, 2)
        share = np.abs(_log_uniform(rng, rows.size, range_.narrowest, 0.1))
        w1[rows] = sign * np.abs(w1[rows])
        inwards = -1.0 if end is hi else 1.0
        p = end[rows].astype(np.float64) + inwards * share * (hi - lo)[rows]
        b1[rows] = (-w1[rows] * p).astype(dtype)

    w1[family[10]] = 0.0
    b1[family[10]][::2] = 0.0

    vt, ct = teacher[0, family[11]], teacher[1, family[11]]
    p = -ct / np.where(vt == 0, 1, vt) * (1.0 + rng.choice([0.0, 1.0], n) * _log_uniform(rng, n, 1e-15, 0.1))
    b1[family[11]] = (-w1[family[11]] * p).astype(dtype)

    delta = _log_uniform(rng, (4, n), 1e-15, 0.1)
    theta[:, family[12]] = (teacher[:, family[12]] * (1.0 + delta) + delta[::-1]).astype(dtype)
    return theta


def _nudged(rng: np.random.Generator, value: Any, like: Any) -> Any:
    """Move each value 1 to 4 floats up or down; a zero by as many units of the size of `like`."""
    steps, up = rng.integers(1, 5, value.shape), rng.choice([-np.inf, np.inf], value.shape)
    start = np.where(value == 0, like * np.finfo(value.dtype).eps, value).astype(value.dtype)
    for k in range(4):
        start = np.where(k < steps, np.nextafter(start, up.astype(value.dtype)), start)
    return start
