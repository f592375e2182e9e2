"""Smooth activations and their slopes at one number, in code that Numba compiles as it stands.

The formulas are those of `gradflow.neuron.activations`. The exponential is made of sums and products here,
not called from a library: so compilers pack it into vectors, and compiled code has the same bits on every
machine. Each function is within a few units in the last place (`tests/compiled/` compares them
with mpmath), as NumPy's are; the last place itself may differ from NumPy's.

The coefficients interpolate at Chebyshev nodes, with 50 digits: (eʳ − 1 − r)/r² on |r| ≤ ln 2/2,
(artanh(s)/s − 1)/s² as a function of s² on [0, 1/9], and (1 + 2x) eˣ² erfc(x) as a function of
(x − 3)/(x + 3) on 0 ≤ x ≤ 28.
"""

from __future__ import annotations

from struct import pack, unpack

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238
LN2_LOW = 1.9082149292705877e-10
ROUND = 6755399441055744.0
"""1.5·2⁵²: what is added to it is rounded to an integer."""
LAST = 600.0
"""exp(−x) is 0 from here on, where it is 1e-261: products of it might be subnormal, which is slow."""
ROOT_HALF = 0.7071067811865476
ROOT_TAU = 0.3989422804014327
"""√½, and 1/√(2π)."""


def scaled(x: float, rounded: float) -> float:
    """Return x·2ᵏ for an integer k added to `ROUND`, whose last bits become an exponent.

    Compilers get two instructions of their own for this (`gradflow.compiled.on_numba`).
    """
    (bits,) = unpack("<Q", pack("<d", rounded))
    (power,) = unpack("<d", pack("<Q", ((bits << 52) + (1023 << 52)) % (1 << 64)))
    return float(x * power)


def rest(x: float) -> float:
    """Return eʳ − 1, where r = k ln 2 − x is what the nearest integer k leaves of −x."""
    k = (ROUND - x * LOG2_E) - ROUND
    r = (-x - k * LN2_HIGH) - k * LN2_LOW
    p = 2.510038549551032e-08
    p = 2.7620088445409746e-07 + r * p
    p = 2.7557268459997064e-06 + r * p
    p = 2.4801521295954376e-05 + r * p
    p = 0.00019841269863053618 + r * p
    p = 0.0013888888917213717 + r * p
    p = 0.008333333333330062 + r * p
    p = 0.04166666666662413 + r * p
    p = 0.16666666666666669 + r * p
    p = 0.5000000000000001 + r * p
    return r + r * r * p


def decay(x: float) -> float:
    """Return exp(−x), x ≥ 0."""
    value = scaled(1.0 + rest(x), ROUND - x * LOG2_E)
    return value if x < LAST else 0.0 * x


def decayed(x: float) -> float:
    """Return 1 − exp(−x), x ≥ 0."""
    power = scaled(1.0, ROUND - x * LOG2_E)
    value = (1.0 - power) - power * rest(x)
    return value if x < LAST else 1.0 + 0.0 * x


def log_plus(u: float) -> float:
    """Return log(1 + u), 0 ≤ u ≤ 1, as 2 artanh(u/(2 + u))."""
    s = u / (2.0 + u)
    w = s * s
    p = 0.07815288900461426
    p = 0.03746071897775383 + w * p
    p = 0.05422589197440007 + w * p
    p = 0.05867139530651599 + w * p
    p = 0.06667589315724629 + w * p
    p = 0.07692271982430275 + w * p
    p = 0.09090909948981357 + w * p
    p = 0.11111111099118386 + w * p
    p = 0.1428571428580005 + w * p
    p = 0.19999999999999762 + w * p
    p = 0.3333333333333333 + w * p
    return 2.0 * (s + s * (w * p))


def normal_tail(a: float) -> float:
    """Return Φ(−a) of the standard normal distribution, a ≥ 0."""
    x = a * ROOT_HALF
    t = (x - 3.0) / (x + 3.0)
    p = -4.210104975119195e-09
    p = -8.500119502115306e-09 + t * p
    p = 3.29163439676632e-08 + t * p
    p = 9.186243026143847e-08 + t * p
    p = -1.311166137536459e-07 + t * p
    p = -6.050048623933503e-07 + t * p
    p = 3.4899197889744293e-07 + t * p
    p = 3.463997532352904e-06 + t * p
    p = -7.275875746667183e-07 + t * p
    p = -2.009663087595395e-05 + t * p
    p = 4.948147875576539e-06 + t * p
    p = 0.00012509815174864322 + t * p
    p = -0.00010515949033775975 + t * p
    p = -0.0007798320379611115 + t * p
    p = 0.001888690312003782 + t * p
    p = 0.002529391788270445 + t * p
    p = -0.02377051491423367 + t * p
    p = 0.06830802734580459 + t * p
    p = -0.11927366341552853 + t * p
    p = 0.12964515870270552 + t * p
    p = -0.047562294353446374 + t * p
    p = -0.1356211061245807 + t * p
    p = 1.2530080582697296 + t * p
    return 0.5 * decay(0.5 * (a * a)) * (p / (1.0 + 2.0 * x))


def silu_value(z: float) -> float:
    """Return z σ(z)."""
    small = decay(abs(z))
    over = 1.0 / (1.0 + small)
    return z * (over if z > 0.0 else small * over)


def silu_slope(z: float) -> float:
    """Return σ(z) (1 + z σ(−z))."""
    small = decay(abs(z))
    over = 1.0 / (1.0 + small)
    under = small * over
    return over * (1.0 + z * under) if z > 0.0 else under * (1.0 + z * over)


def softplus_value(z: float) -> float:
    """Return log(1 + exp(z))."""
    return (z if z > 0.0 else 0.0) + log_plus(decay(abs(z)))


def softplus_slope(z: float) -> float:
    """Return σ(z)."""
    small = decay(abs(z))
    over = 1.0 / (1.0 + small)
    return over if z > 0.0 else small * over


def tanh_value(z: float) -> float:
    """Return tanh(z)."""
    small = decay(2.0 * abs(z))
    size = decayed(2.0 * abs(z)) / (1.0 + small)
    return size if z > 0.0 else -size


def tanh_slope(z: float) -> float:
    """Return 1 − tanh²(z)."""
    small = decay(2.0 * abs(z))
    return 4.0 * small / ((1.0 + small) * (1.0 + small))


def gelu_value(z: float) -> float:
    """Return z Φ(z); nothing of it is left beyond ±40 but z or 0."""
    tail = normal_tail(min(abs(z), 40.0))
    return z * (1.0 - tail if z > 0.0 else tail)


def gelu_slope(z: float) -> float:
    """Return Φ(z) + z Φ′(z)."""
    near = min(abs(z), 40.0)
    tail = normal_tail(near)
    density = ROOT_TAU * decay(0.5 * (near * near))
    return (1.0 - tail if z > 0.0 else tail) + (near if z > 0.0 else -near) * density
