"""Loss, gradient and Hessian as weighted means over inputs, for any activation."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array


class Inputs(NamedTuple):
    """Inputs along the last axis, weights that sum to 1, and the targets."""

    x: Array
    weights: Array
    target: Array


class Evaluated(NamedTuple):
    """Every neuron at every input: φ and its derivatives, the residual; and w2, with an axis of length 1."""

    inputs: Inputs
    phi: tuple[Array, ...]
    residual: Array
    w2: Array


def evaluate(inputs: Inputs, w2: Array, b2: Array, phi: tuple[Array, ...]) -> Evaluated:
    """Return what the means are of, from φ(z), φ′(z), … at the inputs."""
    return Evaluated(inputs, phi, w2 * phi[0] + b2 - inputs.target, w2)


def loss(xp: Any, e: Evaluated) -> Array:
    """Return E[r²]."""
    return xp.sum(e.inputs.weights * (e.residual * e.residual), axis=-1)


def gradient(xp: Any, e: Evaluated) -> tuple[Array, ...]:
    """Return 2 E[r · (w2 φ′ x, w2 φ′, φ, 1)]."""
    weighted = 2.0 * (e.inputs.weights * e.residual)
    through = weighted * (e.w2 * e.phi[1])
    parts = (through * e.inputs.x, through, weighted * e.phi[0], weighted)
    return tuple(xp.sum(part, axis=-1) for part in parts)


def hessian(xp: Any, e: Evaluated) -> tuple[Array, ...]:
    """Return the 16 entries of 2 E[∇f ∇fᵀ] + 2 E[r ∇²f], row by row."""
    x, one = e.inputs.x, xp.ones_like(e.residual)
    through = e.w2 * e.phi[1] * one
    jacobian = (through * x, through, e.phi[0] * one, one)
    rows = [[xp.sum(2.0 * (e.inputs.weights * (a * b)), axis=-1) for b in jacobian] for a in jacobian]
    weighted = 2.0 * (e.inputs.weights * e.residual)
    bent, turned = weighted * e.phi[1], weighted * (e.w2 * e.phi[2])
    for i, j, part in ((0, 2, bent * x), (1, 2, bent), (0, 0, turned * x * x), (0, 1, turned * x)):
        entry = xp.sum(part, axis=-1)
        rows[i][j] = rows[i][j] + entry
        if i != j:
            rows[j][i] = rows[i][j]
    rows[1][1] = rows[1][1] + xp.sum(turned, axis=-1)
    return tuple(entry for row in rows for entry in row)
