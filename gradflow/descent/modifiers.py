"""Changes to a gradient, or to the parameters, around an optimiser's update: clipping, selective decay.

The optimisers' own weight decay takes all parameters; here each has its coefficient, so that only weights,
or only biases, may decay.
"""

from __future__ import annotations

from typing import NamedTuple

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.descent.optimisers.hyper import NON_NEGATIVE, double, rounded


class Modifiers(NamedTuple):
    """Applied in this order, as with torch: clip, then add the coupled decay, then update, then decay.

    Attributes
    ----------
    clip : number, optional
        The gradient of a neuron is scaled down to this Euclidean norm if it is larger [1]_.
    coupled : tuple of numbers, optional
        λ for each parameter: g ← g + λ θ, as in `Adam(weight_decay=…)`.
    decoupled : tuple of numbers, optional
        λ for each parameter: θ ← (1 − η λ) θ before the update's step is taken, as in `AdamW`.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
       ICML 2013, arXiv:1211.5063.
    """

    clip: float | None = None
    coupled: tuple[float, ...] | None = None
    decoupled: tuple[float, ...] | None = None


NONE = Modifiers()


def check(modifiers: Modifiers, parameters: int) -> Modifiers:
    """Return modifiers if they are allowed for so many parameters (ValueError, TypeError: one line)."""
    if not isinstance(modifiers, Modifiers):
        raise TypeError(f"modifiers: expected Modifiers, got {modifiers!r}")
    if modifiers.clip is not None:
        NON_NEGATIVE.check("clip", modifiers.clip)
    for name in ("coupled", "decoupled"):
        values = getattr(modifiers, name)
        if values is None:
            continue
        if not isinstance(values, tuple) or len(values) != parameters:
            raise ValueError(
                f"{name}: expected one number for each of {parameters} parameters, got {values!r}"
            )
        for value in values:
            NON_NEGATIVE.check(name, value)
    return modifiers


def adjusted(modifiers: Modifiers, gradient: Array, theta: Array) -> Array:
    """Return the gradient that the optimiser sees."""
    xp = namespace(theta)
    if modifiers.clip is not None:
        norm = xp.sqrt(xp.sum(gradient * gradient, axis=0))
        large = norm > modifiers.clip
        scale = modifiers.clip / xp.where(large, norm, xp.ones_like(norm))
        gradient = gradient * xp.where(large, scale, xp.ones_like(norm))
    if modifiers.coupled is not None:
        gradient = gradient + _column(modifiers.coupled, theta) * theta
    return gradient


def decayed(modifiers: Modifiers, new: Array, theta: Array, rate: ArrayLike) -> Array:
    """Return the parameters after the decay that is decoupled from the update from `theta` to `new`."""
    if modifiers.decoupled is None:
        return new
    return new - rounded(double(rate), theta) * (_column(modifiers.decoupled, theta) * theta)


def _column(values: tuple[float, ...], theta: Array) -> Array:
    xp = namespace(theta)
    column = xp.stack([xp.full_like(theta[0, ...], float(value)) for value in values])
    return column
