"""Minibatches: which inputs an update sees, drawn from a sample or afresh from the law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.checks import flag, integer
from gradflow.field.means import Inputs


class Minibatches(NamedTuple):
    """How minibatches are drawn.

    Attributes
    ----------
    size : int
        Inputs of an update, ≥ 1.
    seed : int
        ≥ 0, of NumPy's generator: update k sees the same inputs whatever else is asked for.
    replacement : bool
        Whether an input may be drawn again before all others have been.
    """

    size: int
    seed: int = 0
    replacement: bool = False


def asked(batch: Any, seed: Any, replacement: Any) -> Minibatches | None:
    """Return how minibatches are to be drawn, None if they are not (ValueError, TypeError: one line)."""
    seed, replacement = integer("seed", seed, 0), flag("replacement", replacement)
    if batch is not None:
        return Minibatches(integer("batch", batch, 1), seed, replacement)
    if seed or replacement:
        name, value = ("replacement", replacement) if replacement else ("seed", seed)
        raise ValueError(f"{name}: it has no meaning without batch, got {value}")
    return None


def of_sample(how: Minibatches, inputs: Inputs) -> Callable[[int], Inputs]:
    """Return the inputs of update k = 0, 1, …, whose weighted sums are unbiased.

    Without replacement every epoch is a permutation, and its last minibatch has what is left; the weights
    are N/|batch| times those of the sample. With replacement inputs are drawn by their weights.

    Raises
    ------
    ValueError
        If there are more inputs in a minibatch than in the sample.
    """
    n = inputs.x.shape[0]
    if how.replacement:
        bounds = np.cumsum(inputs.weights)
        bounds = bounds / bounds[-1]

        def again(step: int) -> Inputs:
            drawn = np.random.default_rng((how.seed, step)).random(how.size)
            which = np.searchsorted(bounds, drawn, side="right")
            return Inputs(inputs.x[which], np.full(how.size, 1.0 / how.size), inputs.target[which])

        return again
    if how.size > n:
        raise ValueError(
            f"batch: expected at most the sample's {n} inputs without replacement, got {how.size}"
        )
    count = -(-n // how.size)
    epoch, order = -1, np.arange(n)

    def next_(step: int) -> Inputs:
        nonlocal epoch, order
        now, place = divmod(step, count)
        if now != epoch:
            epoch, order = now, np.random.default_rng((how.seed, now)).permutation(n)
        which = order[place * how.size : (place + 1) * how.size]
        return Inputs(inputs.x[which], inputs.weights[which] * (n / which.shape[0]), inputs.target[which])

    return next_


def of_law(
    how: Minibatches,
    draw: Callable[[np.random.Generator, int], np.ndarray],
    aim: Callable[[np.ndarray], np.ndarray],
) -> Callable[[int], Inputs]:
    """Return new inputs for every update.

    Parameters
    ----------
    how : Minibatches
    draw : callable
        ``draw(rng, n)``: inputs from the law.
    aim : callable
        What the student should return there.

    Raises
    ------
    ValueError
        If replacement is asked for, which is of samples.
    """
    if how.replacement:
        raise ValueError("replacement: it has no meaning for inputs drawn from a law, got True")

    def fresh(step: int) -> Inputs:
        x = draw(np.random.default_rng((how.seed, step)), how.size)
        return Inputs(x, np.full(how.size, 1.0 / how.size), aim(x))

    return fresh
