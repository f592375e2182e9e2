"""The probability that a ReLU network is born dead: constant on its inputs before any training.

The formulas are those of derivation 19; there stand their hypotheses and proofs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from gradflow.base.checks import integer, require_shape
from gradflow.networks.deep.initial import Draw, draw_of

CHUNK = 20_000
"""Networks drawn at a time."""

LARGEST = 1e100
"""Largest input: beyond it a layer's sums could overflow."""


class Bounds(NamedTuple):
    """A probability lies between these; they are equal where it is known exactly."""

    low: float
    high: float


class Frequency(NamedTuple):
    """Number of the networks drawn that were born dead, and Wilson's interval for the probability."""

    dead: int
    trials: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The relative frequency."""
        return self.dead / self.trials


def born_dead_probability(widths: Sequence[int]) -> float:
    """Return the probability that some hidden layer is 0 at a given input: 1 − Π (1 − 2^(−N)).

    Parameters
    ----------
    widths : sequence of int
        N of each hidden layer, ≥ 1.

    Returns
    -------
    float
        Exact for one non-zero input, and for all inputs on one ray from the origin, with independent
        units, biases 0 and symmetric weights w with w·a ≠ 0 almost surely for each a ≠ 0. For more inputs,
        an upper bound of the probability of being born dead.

    Raises
    ------
    ValueError, TypeError
        If there is no layer or a width is not an integer ≥ 1.
    """
    # 0 − 0 is 0, where −0 would have a sign.
    return 0.0 - math.expm1(sum(math.log1p(-(2.0**-n)) if n > 1 else math.log(0.5) for n in _widths(widths)))


def born_dead_bounds(widths: Sequence[int]) -> Bounds:
    """Return bounds on the probability that a network of one input is born dead on both sides of 0.

    Parameters
    ----------
    widths : sequence of int
        N of each hidden layer, ≥ 1.

    Returns
    -------
    Bounds
        For independent symmetric weights without atoms and biases 0; the input's interval contains numbers
        of both signs. Equal, so exact, for one and two hidden layers.

    Raises
    ------
    ValueError, TypeError
        As `born_dead_probability`.
    """
    checked = _widths(widths)
    found = []
    for power in (4.0, 2.0):
        # The probability to be dead in the end, from both sides alive and from one.
        two = one = 0.0
        for i, n in reversed(list(enumerate(checked))):
            side = 2.0**-n
            both = 0.0 if i == 0 else 4.0**-n if i == 1 else power**-n
            two = both + 2.0 * (side - both) * one + (1.0 - 2.0 * side + both) * two
            one = side + (1.0 - side) * one
        found.append(two)
    return Bounds(*found)


def dead_at_birth(depth: int) -> np.ndarray:
    """Return each hidden layer's expected share of dead units at birth, for one input and large widths.

    Parameters
    ----------
    depth : int
        The number of hidden layers, ≥ 1.

    Returns
    -------
    array, shape (depth,)
        ½ − θ/(2π), with θ the angle between what the two signs of the input send into the layer: π for
        the first layer, then cos θ ← (sin θ + (π − θ) cos θ)/π. For normal weights, biases 0 and widths
        that tend to infinity; 0, ¼, 0.302, … towards ½.

    Raises
    ------
    ValueError, TypeError
        If depth is not an integer ≥ 1.
    """
    depth = integer("depth", depth, 1)
    shares, angle = np.empty(depth), math.pi
    for layer in range(depth):
        shares[layer] = 0.5 - angle / (2.0 * math.pi)
        cosine = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
        angle = math.acos(min(1.0, cosine))
    return shares


def born_dead_frequency(
    widths: Sequence[int],
    x: np.ndarray | None = None,
    *,
    trials: int = 10_000,
    scheme: str | Draw = "he",
    seed: int = 0,
    confidence: float = 0.95,
) -> Frequency:
    """Draw ReLU networks and count those with a hidden layer that is 0 at every input.

    Parameters
    ----------
    widths : sequence of int
        N of each hidden layer, ≥ 1.
    x : array, shape (n, d), optional
        The inputs. By default −1 and 1, which without biases stand for every interval around 0.
    trials : int
        How many networks, ≥ 1.
    scheme : str or callable
        A key of `gradflow.networks.deep.initial.SCHEMES`, or a function like its values.
    seed : int
        ≥ 0.
    confidence : float
        Of the interval.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    checked = _widths(widths)
    inputs = np.array([[-1.0], [1.0]]) if x is None else np.asarray(x, dtype=np.float64)
    require_shape("x", inputs, "n", "inputs")
    if not inputs.size:
        raise ValueError(f"x: expected one input or more, got shape {inputs.shape}")
    if not np.all(np.abs(inputs) <= LARGEST):
        raise ValueError(f"x: expected numbers between {-LARGEST:g} and {LARGEST:g}, got others")
    trials = integer("trials", trials, 1)
    draw = draw_of(scheme)
    rng = np.random.default_rng(seed)
    count = 0
    for begin in range(0, trials, CHUNK):
        size = min(CHUNK, trials - begin)
        entering = np.broadcast_to(inputs.T, (size, *inputs.T.shape))
        dead = np.zeros(size, dtype=bool)
        for width in checked:
            weight, bias = draw(rng, (size, width, entering.shape[1]))
            z = weight @ entering + bias[..., None]
            dead |= ~np.any(z > 0.0, axis=(1, 2))
            entering = np.maximum(z, 0.0)
        count += int(np.sum(dead))
    interval = binomtest(count, trials).proportion_ci(confidence, method="wilson")
    return Frequency(count, trials, float(interval.low), float(interval.high))


def _widths(widths: Sequence[int]) -> tuple[int, ...]:
    given = tuple(widths)
    if not given:
        raise ValueError("widths: expected at least one hidden layer, got none")
    # Python's integers: −n of an unsigned one would be a large number.
    return tuple(integer("widths", width, 1) for width in given)
