"""Outputs and breakpoints, from the four parameters of neurons."""

from __future__ import annotations

from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.base.checks import batch_shape, require_finite
from gradflow.base.error_free import affine, splitter
from gradflow.neuron.activations import ActivationLike, as_activation, derivatives


def outputs_at(x: ArrayLike, parameters: tuple[ArrayLike, ...], activation: ActivationLike) -> Array:
    """Return the outputs of neurons (w1, b1, w2, b2), the inputs' axes first."""
    require_finite("x", x)
    phi = as_activation(activation)
    xp, (at, w1, b1, w2, b2) = as_floating((x, *parameters))
    batch = batch_shape("the parameters of neuron", [tuple(v.shape) for v in (w1, b1, w2, b2)])
    at = xp.reshape(at, (*at.shape, *(1,) * len(batch)))
    return w2 * derivatives(phi, affine(w1, at, b1, splitter(at.dtype)), 0)[0] + b2


def breakpoint_of(w1: ArrayLike, b1: ArrayLike) -> Array:
    """Return −b1/w1; ±∞ where w1 = 0 or too small for the quotient; NaN where both are 0 or ∞."""
    xp, (w1, b1) = as_floating((w1, b1))
    # A quotient too large for the dtype counts as infinite, found without computing it.
    size, one = xp.abs(w1), xp.ones_like(w1)
    smaller = xp.where(size < 1, size, one)
    flat = (w1 == 0) | ((size < 1) & (xp.abs(b1) > smaller * (0.5 * float(xp.finfo(w1.dtype).max))))
    endless = xp.isinf(w1) & xp.isinf(b1)
    position = xp.where(endless, xp.nan * one, -b1) / xp.where(flat | endless, one, w1)
    one = xp.ones_like(position)
    nowhere = xp.where(b1 == 0, xp.nan * one, xp.where((b1 > 0) != (w1 < 0), -xp.inf * one, xp.inf * one))
    return xp.where(flat, nowhere, position)
