"""Targets that are no single neuron: straight pieces, polynomials piece by piece, and sines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, ArrayLike
from gradflow.base.checks import function as check_function
from gradflow.base.checks import number, numbers, owned, require_finite, shown
from gradflow.neuron.activations import RELU, ActivationLike
from gradflow.neuron.drawn import Graph, card, drawing
from gradflow.neuron.size import LARGEST, column, require_within

FEWEST, MOST = 17, 100_000
"""Knots of an interpolated function, at least and at most."""

NARROWEST = 1e-9
"""Its narrowest piece, as a part of the whole: what is steeper is a jump."""

QUARTERS = np.array([0.25, 0.5, 0.75])
"""Where its lines are compared with it, as parts of a piece."""


class Target:
    """A function that the student should return, where no teacher neuron says it: the base of all such."""

    def __call__(self, x: ArrayLike, activation: ActivationLike = RELU) -> np.ndarray:
        """Return the target at inputs; `activation` is that of the neurons of which it consists, if any.

        Raises
        ------
        NotImplementedError
            By this base.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Knots(Target):
    """Knots joined by straight lines; a repeated x is a jump, whose first y belongs to the left.

    Beyond the first and the last knot the outermost lines go on. The arrays are read-only copies.

    Parameters
    ----------
    x : array, shape (k,)
        Where the knots are, k ≥ 2, in increasing order; inner ones may stand twice.
    y : array, shape (k,)
        The target's values there.

    Raises
    ------
    ValueError, TypeError
        If the numbers are not finite, x falls, a knot stands three times or an outer one twice.

    Examples
    --------
    >>> gf.Knots([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0])  # |x|
    Knots(3 knots from -1 to 1)
    """

    x: Array
    y: Array

    def __post_init__(self) -> None:
        x, y = column("knots", self.x, 2), column("knots' values", self.y, 2)
        if x.shape != y.shape:
            raise ValueError(f"knots: expected a y for each x, got {y.shape[0]} for {x.shape[0]}")
        step = np.diff(x)
        if np.any(step < 0):
            first = int(np.argmax(step < 0))
            raise ValueError(f"knots: x must not fall, got {x[first]:g} before {x[first + 1]:g}")
        if step[0] == 0 or step[-1] == 0:
            which = x[0] if step[0] == 0 else x[-1]
            raise ValueError(f"knots: the first and the last may stand once only, got {which:g} twice")
        if np.any((step[1:] == 0) & (step[:-1] == 0)):
            thrice = x[1:-1][(step[1:] == 0) & (step[:-1] == 0)][0]
            raise ValueError(f"knots: a jump is an x that stands twice, got {thrice:g} three times")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    def __repr__(self) -> str:
        return f"Knots({self.x.shape[0]} knots from {self.x[0]:g} to {self.x[-1]:g})"

    def __call__(self, x: ArrayLike, activation: ActivationLike = RELU) -> np.ndarray:
        """Return the target at inputs of any shape; at a jump the left one of its two values.

        Parameters
        ----------
        x : number or array
            The inputs.
        activation : Activation, str or (float, float)
            Taken as other targets take it, and without effect.

        Examples
        --------
        >>> gf.Knots([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])([0.5, 3.0])
        array([ 0.5, -1. ])
        """
        require_finite("x", x)
        at = numbers("x", x).astype(np.float64)
        i = np.clip(np.searchsorted(self.x, at, side="left"), 1, self.x.shape[0] - 1)
        # The outer knots stand once: a piece of width 0 is inside and never found from the left.
        share = (at - self.x[i - 1]) / (self.x[i] - self.x[i - 1])
        return np.asarray(self.y[i - 1] * (1.0 - share) + self.y[i] * share)

    def _repr_html_(self) -> str:
        """Return the knots as a notebook shows them: their number beside the graph."""
        lo, hi = float(self.x[0]), float(self.x[-1])
        facts = {"knots": str(self.x.shape[0]), "from": f"{lo:g}", "to": f"{hi:g}"}
        return card("Knots", facts, drawing([Graph(self.x, self.y)], f"the target on [{lo:g}, {hi:g}]"))

    @property
    def jumps(self) -> bool:
        """Whether the target jumps somewhere."""
        same = np.diff(self.x) == 0
        return bool(np.any(same & (np.diff(self.y) != 0)))


DEGREE = 19
"""The highest degree of a piece of polynomial: quadrature of its square is exact."""


@dataclass(frozen=True, eq=False)
class Polynomials(Target):
    """A polynomial on each of some pieces: Σ_d c_d (x − x_i)^d from x_i to x_{i+1}; jumps are allowed.

    Beyond the first and the last x the outermost polynomials go on. The arrays are read-only copies.

    Parameters
    ----------
    x : array, shape (k + 1,)
        Where the pieces begin and the last one ends, increasing, k ≥ 1.
    coefficients : array, shape (k, d + 1)
        Each piece's coefficients, the constant first, d ≤ 19.

    Raises
    ------
    ValueError, TypeError
        If the numbers are not finite, x does not increase, or there is not a row for each piece.

    Examples
    --------
    >>> parabola = gf.Polynomials([-1.0, 1.0], [[1.0, -2.0, 1.0]])  # x², written about −1
    >>> parabola([0.5]).tolist()
    [0.25]
    """

    x: Array
    coefficients: Array

    def __post_init__(self) -> None:
        x = column("x", self.x, 2)
        if not np.all(np.diff(x) > 0):
            first = int(np.argmax(np.diff(x) <= 0))
            raise ValueError(f"x: must increase, got {x[first]:g} before {x[first + 1]:g}")
        given = numbers("coefficients", self.coefficients).astype(np.float64)
        if given.ndim != 2 or given.shape[0] != x.shape[0] - 1 or not 1 <= given.shape[1] <= DEGREE + 1:
            expected = f"a row of 1 to {DEGREE + 1} for each of {x.shape[0] - 1} pieces"
            raise ValueError(f"coefficients: expected {expected}, got shape {given.shape}")
        require_finite("coefficients", given)
        require_within("coefficients", given)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "coefficients", owned("coefficients", given))

    def __call__(self, x: ArrayLike, activation: ActivationLike = RELU) -> np.ndarray:
        """Return the target at inputs of any shape; at a jump the left one of its two values."""
        require_finite("x", x)
        at = numbers("x", x).astype(np.float64)
        piece = np.clip(np.searchsorted(self.x, at, side="left") - 1, 0, self.x.shape[0] - 2)
        u, value = at - self.x[piece], np.zeros(at.shape)
        for c in self.coefficients.T[::-1]:
            value = value * u + c[piece]
        return value

    def __repr__(self) -> str:
        count, degree = self.coefficients.shape[0], self.coefficients.shape[1] - 1
        return f"Polynomials({count} of degree {degree} from {self.x[0]:g} to {self.x[-1]:g})"


@dataclass(frozen=True)
class Sine(Target):
    """a sin(ω x + p), by default sin(π x).

    Parameters
    ----------
    omega, amplitude, phase : float
        ω, at most 10 000, a and p.

    Raises
    ------
    ValueError, TypeError
        If a number is not finite or too large.
    """

    omega: float = math.pi
    amplitude: float = 1.0
    phase: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("omega", 1e4), ("amplitude", LARGEST), ("phase", 1e4)):
            object.__setattr__(self, name, number(name, getattr(self, name), -most, most))

    def __call__(self, x: ArrayLike, activation: ActivationLike = RELU) -> np.ndarray:
        """Return the target at inputs of any shape."""
        require_finite("x", x)
        at = numbers("x", x).astype(np.float64)
        return np.asarray(self.amplitude * np.sin(self.omega * at + self.phase))


NAMED: dict[str, Target] = {
    "abs": Knots([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
    "hat": Knots([-1.0, -0.5, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
    "step": Knots([-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]),
    "sine": Sine(),
}
"""Targets with names: |x|, max(0, 1 − 2|x|), 1 above 0, and sin(π x)."""


def interpolated(
    function: Callable[[np.ndarray], Any], lo: float = -1.0, hi: float = 1.0, error: float = 1e-6
) -> Knots:
    """Return knots on a function's graph, as many as its lines need to be near it.

    Parameters
    ----------
    function : callable
        Takes an array of inputs and returns the values there; continuous.
    lo, hi : float
        The first and the last knot.
    error : float
        How far the lines may be from the function at the quarters of every piece, where it is looked at. For
        a smooth function that is, but for a few per cent, the largest distance; nothing is proved.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or more than 100 000 knots would be needed.

    Examples
    --------
    >>> import numpy as np
    >>> gf.interpolated(np.sin, 0.0, 3.0, 1e-3)
    Knots(41 knots from 0 to 3)
    """
    check_function("function", function, "an array of inputs")
    lo, hi = number("lo", lo, -LARGEST, LARGEST), number("hi", hi, -LARGEST, LARGEST)
    error = number("error", error, 0.0)
    if not lo < hi or error == 0.0:
        raise ValueError(f"knots: expected lo < hi and an error > 0, got {lo:g}, {hi:g} and {error:g}")
    x = np.linspace(lo, hi, FEWEST)
    while True:
        y = _values(function, x)
        begin, width = x[:-1, None], np.diff(x)[:, None]
        inner = _values(function, (begin + width * QUARTERS).ravel()).reshape(-1, QUARTERS.size)
        lines = y[:-1, None] * (1.0 - QUARTERS) + y[1:, None] * QUARTERS
        far = np.max(np.abs(inner - lines), axis=1) > error
        if not np.any(far):
            return Knots(x, y)
        if x.size + int(np.sum(far)) > MOST or np.min(width[far]) < NARROWEST * (hi - lo):
            place = float(begin[far][np.argmin(width[far]), 0])
            raise ValueError(
                f"error: {error:g} needs too many knots near {place:g}; a jump is a knot that stands twice"
            )
        x = np.sort(np.concatenate([x, (begin + 0.5 * width)[far, 0]]))


def _values(function: Callable[[np.ndarray], Any], x: np.ndarray) -> np.ndarray:
    """Return a function's values, one for each input and finite."""
    y = numbers("function", function(x)).astype(np.float64)
    if y.shape != x.shape:
        raise ValueError(f"function: expected a value for each of {x.size} inputs, got shape {y.shape}")
    require_finite("function", y)
    return y


def as_target(value: Any) -> Target:
    """Return a target from itself or its name.

    Raises
    ------
    ValueError, TypeError
        If it is none; one line.
    """
    if isinstance(value, Target):
        return value
    names = ", ".join(NAMED)
    if isinstance(value, str):
        if value.lower() in NAMED:
            return NAMED[value.lower()]
        raise ValueError(f"target: expected {names}, got {shown(value)}")
    hint = "; write gradflow.interpolated(function, lo, hi)" if callable(value) else ""
    raise TypeError(
        f"target: expected a Network, a Neuron, Knots, Polynomials, a Sine or one of {names}, "
        f"got {shown(value)}{hint}"
    )
