"""Activations φ: piecewise linear ones, and SiLU, GELU, softplus and tanh with two derivatives.

The smooth ones are computed from exp(−|z|), so that no tail loses its digits and nothing overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from gradflow.base.arrays import Array, erfc, is_array, namespace
from gradflow.base.checks import number, shown


def _logistic(xp: Any, z: Array) -> tuple[Array, Array, Array]:
    """Return exp(−|z|), σ(z) and 1 − σ(z), each to rounding."""
    small = xp.exp(-xp.abs(z))
    one = xp.ones_like(small)
    over = one / (one + small)
    rest = small * over
    positive = z > 0
    return small, xp.where(positive, over, rest), xp.where(positive, rest, over)


def _silu(xp: Any, z: Array) -> tuple[Array, ...]:
    _, s, rest = _logistic(xp, z)
    return z * s, s * (1.0 + z * rest), s * rest * (2.0 + z * (rest - s))


def _softplus(xp: Any, z: Array) -> tuple[Array, ...]:
    small, s, rest = _logistic(xp, z)
    return xp.where(z > 0, z, xp.zeros_like(z)) + xp.log1p(small), s, s * rest


def _tanh(xp: Any, z: Array) -> tuple[Array, ...]:
    small = xp.exp(-2.0 * xp.abs(z))
    one = xp.ones_like(small)
    square = 4.0 * small / ((one + small) * (one + small))
    value = xp.tanh(z)
    return value, square, -2.0 * value * square


def _gelu(xp: Any, z: Array) -> tuple[Array, ...]:
    below = 0.5 * erfc(z * -math.sqrt(0.5))
    # Beyond, the density is 0; its square would overflow before it is.
    near = xp.where(xp.abs(z) < 40.0, z, xp.full_like(z, 40.0))
    density = math.sqrt(0.5 / math.pi) * xp.exp(-0.5 * (near * near))
    return z * below, below + z * density, density * (2.0 - near * near)


class SmoothFormula(NamedTuple):
    """A smooth activation: a row of `SMOOTH_FORMULAS`.

    Attributes
    ----------
    derivatives : function of (namespace, z)
        Returns φ, φ′ and φ″ at an array of pre-activations.
    scale : float
        The distance of the nearest pole from the real axis, in units of SiLU's, π: how wide a panel of
        quadrature may be (`gradflow.field.panels`).
    narrowing : float
        Panels at z are narrower by 1 + narrowing·|z|: 0 but for tails that fall off like a Gaussian.
    """

    derivatives: Callable[[Any, Array], tuple[Array, ...]]
    scale: float = 1.0
    narrowing: float = 0.0


SMOOTH_FORMULAS = {
    "silu": SmoothFormula(_silu),
    "gelu": SmoothFormula(_gelu, narrowing=0.5),
    "softplus": SmoothFormula(_softplus),
    "tanh": SmoothFormula(_tanh, scale=0.5),
}
"""Every smooth activation. Scalar code for compilers is beside it in `gradflow.compiled.smooth`."""

SMOOTH = tuple(SMOOTH_FORMULAS)
"""The names of the smooth activations."""


@dataclass(frozen=True)
class PiecewiseLinear:
    """φ(z) = high·z for z > 0 and low·z elsewhere; φ′(0) = low.

    Raises
    ------
    TypeError, ValueError
        If a slope is not a finite number.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, number("slopes", getattr(self, name)))

    def __str__(self) -> str:
        if (self.low, self.high) == (0.0, 1.0):
            return "relu"
        return f"leaky-relu={self.low!r}" if self.high == 1.0 else f"slopes={self.low!r},{self.high!r}"


@dataclass(frozen=True)
class Smooth:
    """A smooth activation, one of `SMOOTH_FORMULAS`.

    silu
        z σ(z), with σ(z) = 1/(1 + exp(−z)).
    gelu
        z Φ(z), with Φ the standard normal distribution function (not its tanh approximation).
    softplus
        log(1 + exp(z)).
    tanh
        tanh(z).

    Raises
    ------
    ValueError
        If the name is none of them.
    """

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.name not in SMOOTH_FORMULAS:
            raise ValueError(f"activation: expected {', '.join(SMOOTH_FORMULAS)}, got {shown(self.name)}")

    def __str__(self) -> str:
        return self.name

    @property
    def formula(self) -> SmoothFormula:
        """The activation's row of the table."""
        return SMOOTH_FORMULAS[self.name]


Activation: TypeAlias = PiecewiseLinear | Smooth
# What `as_activation` takes; a record that has converted it holds an `Activation`.
ActivationLike: TypeAlias = Any

RELU = PiecewiseLinear()
SILU, GELU, SOFTPLUS, TANH = Smooth("silu"), Smooth("gelu"), Smooth("softplus"), Smooth("tanh")

SPELLINGS = ", ".join(("relu", "leaky-relu=SLOPE", "abs", "linear", "slopes=LOW,HIGH", *SMOOTH, "swish"))
"""Spellings that `as_activation` takes."""

# What people type, without case, hyphens, underscores and spaces.
_KNOWN: dict[str, Activation] = {
    "relu": RELU,
    "abs": PiecewiseLinear(-1.0, 1.0),
    "absolute": PiecewiseLinear(-1.0, 1.0),
    "linear": PiecewiseLinear(1.0, 1.0),
    "identity": PiecewiseLinear(1.0, 1.0),
    "swish": SILU,
}


def as_activation(value: ActivationLike, name: str = "activation") -> Activation:
    """Return an activation from itself, its name (as ``str`` gives it), or two slopes (s₋, s₊).

    Case, hyphens and underscores do not matter in a name; "swish" is silu, "abs" has the slopes (−1, 1), and
    "linear" and "identity" have (1, 1).

    Raises
    ------
    TypeError, ValueError
        One line that says what is allowed; it calls the argument `name`.
    """
    if isinstance(value, (PiecewiseLinear, Smooth)):
        return value
    if isinstance(value, str):
        return _named(value, name)
    expected = f"{name}: expected {SPELLINGS} or two slopes (s-, s+), got {shown(value)}"
    is_pair = isinstance(value, (tuple, list)) or (is_array(value) and value.ndim == 1)
    if not is_pair:
        raise TypeError(expected)
    slopes = tuple(value)
    if len(slopes) != 2:
        raise ValueError(expected)
    try:
        return PiecewiseLinear(*slopes)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _named(text: str, argument: str) -> Activation:
    head, equals, numbers = text.partition("=")
    name = head.strip().lower().translate(str.maketrans("", "", "-_ "))
    if name in _KNOWN and not equals:
        return _KNOWN[name]
    if name in SMOOTH_FORMULAS and not equals:
        return Smooth(name)
    if name == "leakyrelu" and not equals:
        raise ValueError(
            f"{argument}: {shown(text)} needs its slope below 0: leaky-relu=0.01 is PyTorch's default, "
            "leaky-relu=0.3 Keras's"
        )
    try:
        slopes = [float(part) for part in numbers.split(",")]
        if name == "leakyrelu" and len(slopes) == 1:
            return PiecewiseLinear(slopes[0], 1.0)
        if name == "slopes" and len(slopes) == 2:
            return PiecewiseLinear(*slopes)
    except ValueError:
        pass
    raise ValueError(f"{argument}: expected {SPELLINGS}, got {shown(text)}")


def derivatives(activation: Activation, z: Array, order: int = 1) -> tuple[Array, ...]:
    """Return φ, φ′ and so on up to the `order`-th derivative (at most 2) at an array of pre-activations.

    A piecewise linear φ has φ′(0) = s₋, and φ″ = 0 (the point mass at 0 is left to the caller).
    """
    xp = namespace(z)
    if isinstance(activation, PiecewiseLinear):
        slope = xp.where(z > 0, xp.full_like(z, activation.high), xp.full_like(z, activation.low))
        found: tuple[Array, ...] = (slope * z, slope, xp.zeros_like(z))
    else:
        found = activation.formula.derivatives(xp, z)
    return found[: order + 1]
