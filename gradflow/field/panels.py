"""Where to put the nodes of Gauss–Legendre quadrature: panels on which an integrand is analytic, and wide.

A panel's error is set by the largest ellipse around it that holds no singularity of the integrand: with
sum of half-axes ρ (for the panel scaled to [−1, 1]) it falls as ρ^(−2n) for n nodes (Trefethen,
Approximation Theory and Approximation Practice, theorem 19.3). SiLU and softplus have their poles at
z = ±iπ, ±3iπ, …, tanh at half of that; GELU has none but grows as fast within the same strip.

A neuron is *gentle* if its pre-activation spans little of that distance; the input is then one panel, cut
only at breakpoints. A *steep* one gets panels that double in width away from where |z| is least, so that each
is as wide as its distance from the poles; beyond the last, φ is linear or constant to rounding.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, device
from gradflow.neuron.activations import Activation, PiecewiseLinear


class Tier(NamedTuple):
    """Neurons whose pre-activation spans at most `span`, and the nodes of each of their panels."""

    span: float
    nodes: int


TIERS = (Tier(4.0, 20), Tier(12.0, 40), Tier(math.inf, 16))
"""Gentle, less gentle, and steep, where panels are graded. Spans in units of SiLU."""

EXACT = (Tier(math.inf, 4),)
"""Where nothing is smooth, integrands are polynomials of degree at most 7 between breakpoints."""

GRADES = (0.5, 2.0, 6.0, 14.0, 38.0)
"""Where the panels of a steep neuron end: distances from the z of least |z|, in the activation's scale."""


@cache
def gauss_legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n nodes on (0, 1) and their weights, which sum to 1; n ≥ 1."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def unit_span(activation: Activation, z_lo: Array, z_hi: Array) -> Array | float:
    """Return how far pre-activations reach, in the units of `TIERS`; 0 for a piecewise linear φ."""
    if isinstance(activation, PiecewiseLinear):
        return 0.0
    return abs(z_hi - z_lo) / activation.formula.scale


def breakpoint_share(xp: Any, z_lo: Array, z_hi: Array) -> Array:
    """Return the fraction of the way from lo to hi at which z = 0; 1 where it is 0 nowhere between."""
    turns = (z_lo > 0) != (z_hi > 0)
    one = xp.ones_like(z_lo)
    return xp.where(turns, z_lo / xp.where(turns, z_lo - z_hi, one), one)


def grades(xp: Any, activation: Activation, z_lo: Array, z_hi: Array) -> list[Array]:
    """Return fractions in [0, 1] at which the panels of a steep neuron end."""
    if isinstance(activation, PiecewiseLinear):
        return []
    least = xp.where(
        (z_lo > 0) != (z_hi > 0), xp.zeros_like(z_lo), xp.where(abs(z_lo) < abs(z_hi), z_lo, z_hi)
    )
    scale = activation.formula.scale * xp.ones_like(z_lo)
    if activation.formula.narrowing:
        scale = scale / (1.0 + activation.formula.narrowing * abs(least))
    reach = z_hi - z_lo
    moves = reach != 0.0
    reach = xp.where(moves, reach, xp.ones_like(reach))
    places = [least]
    for grade in GRADES:
        places += [least - grade * scale, least + grade * scale]
    one, none = xp.ones_like(z_lo), xp.zeros_like(z_lo)
    return [
        xp.minimum(xp.maximum(xp.where(moves, (place - z_lo) / reach, none), none), one) for place in places
    ]


class Panels(NamedTuple):
    """Nodes as fractions of the way from a to b, and weights that sum to 1; the last axis is the nodes'."""

    at: Array
    weights: Array


def panels(xp: Any, breaks: list[Array], nodes: int, like: Array) -> Panels:
    """Return the nodes of the panels between 0, the breaks (in any order) and 1.

    Parameters
    ----------
    breaks : list of array
        Fractions in [0, 1]; shapes broadcast.
    nodes : int
        In each panel.
    like : array
        Gives dtype and device.
    """
    points, shares = gauss_legendre(nodes)
    u, w = (xp.asarray(v, dtype=like.dtype, device=device(like)) for v in (points, shares))
    if not breaks:
        return Panels(u, w)
    inner = xp.sort(xp.stack(xp.broadcast_arrays(*breaks), axis=-1), axis=-1)
    ends = xp.concat((xp.zeros_like(inner[..., :1]), inner, xp.ones_like(inner[..., :1])), axis=-1)
    left, width = ends[..., :-1, None], (ends[..., 1:] - ends[..., :-1])[..., None]
    # Not −1: of an empty batch that cannot be inferred.
    shape = (*inner.shape[:-1], (inner.shape[-1] + 1) * nodes)
    return Panels(xp.reshape(left + width * u, shape), xp.reshape(width * w, shape))
