"""Critical points near given states, by damped Newton steps, and how fast a saddle is left.

`search` shows what Newton's method finds; that it finds nothing is no proof that there is nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow import field
from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.base.checks import require_finite
from gradflow.neuron.problem import Neuron, Problem, as_neuron
from gradflow.theory.decay import log_ratio

TOLERANCE = 1e-14
"""The largest |∇L| at which a state counts as critical."""

FAR = 1e3
"""Beyond this size of a parameter a search has run away."""

LARGEST = 1e30
"""Largest parameter of a start: beyond it the square of a gradient can overflow."""


class Critical(NamedTuple):
    """Where searches ended.

    Attributes
    ----------
    theta : array, shape (4, …)
        The states.
    loss, residual : array, shape (…)
        L and |∇L| there.
    eigenvalues : array, shape (4, …)
        Of the Hessian, ascending.
    found : array of bool, shape (…)
        Whether `residual` is at most the tolerance, and no parameter beyond `FAR`.
    """

    theta: Array
    loss: Array
    residual: Array
    eigenvalues: Array
    found: Array


def negative_directions(critical: Critical, rounding: float = 1e-12) -> Array:
    """Return the number of negative eigenvalues; those above −`rounding` count as 0."""
    xp, (values,) = as_floating((critical.eigenvalues,))
    return xp.sum(xp.astype(values < -rounding, xp.int64), axis=0)


def search(
    start: Neuron | Array,
    problem: Problem = Problem(),
    *,
    steps: int = 500,
    tolerance: float = TOLERANCE,
) -> Critical:
    """Look for a critical point from every start: Levenberg-Marquardt steps on |∇L|².

    Steps −(H² + μ)⁻¹ H ∇L that lower |∇L|; μ falls where they do and rises where they do not. Close to a
    critical point with a regular Hessian these are Newton's, and converge quadratically to whatever is there,
    saddle or minimum.

    Parameters
    ----------
    start : Neuron or array, shape (4, …)
        Where to look from.
    problem : Problem
        Teacher, inputs and activations; a smooth student, or a region in which the loss is smooth.
    steps : int
        The largest number of steps.
    tolerance : float
        The |∇L| at which a search has found.

    Returns
    -------
    Critical

    Raises
    ------
    ValueError
        If a start is not finite, or a parameter of it exceeds `LARGEST`.
    """
    neuron = as_neuron(start)
    require_finite("start", *neuron)
    xp, arrays = as_floating(neuron)
    theta = xp.stack(xp.broadcast_arrays(*arrays))
    if bool(xp.any(xp.abs(theta) > LARGEST)):
        raise ValueError(f"start: expected numbers between {-LARGEST:g} and {LARGEST:g}, got a larger one")
    shape = theta.shape[1:]
    theta = xp.reshape(theta, (4, -1))
    field_ = field.evaluator(problem, theta)
    g = field_.gradient(theta)
    size = _length(xp, g)
    mu = size * size + xp.zeros_like(size)
    for _ in range(steps):
        going = (size > tolerance) & (xp.max(xp.abs(theta), axis=0) <= FAR)
        if not bool(xp.any(going)):
            break
        values, vectors = _eigen(xp, field_.hessian(theta))
        along = xp.sum(vectors * xp.permute_dims(g, (1, 0))[:, :, None], axis=1)
        shrink = -along * values / (values * values + mu[:, None])
        move = xp.permute_dims(xp.sum(vectors * shrink[:, None, :], axis=2), (1, 0))
        new = xp.where(going, theta + move, theta)
        g_new = field_.gradient(new)
        size_new = _length(xp, g_new)
        better = going & (size_new < size)
        theta = xp.where(better, new, theta)
        g = xp.where(better, g_new, g)
        size = xp.where(better, size_new, size)
        mu = xp.where(better, 0.1 * mu, xp.where(going, 10.0 * mu + 1e-300, mu))
    values, _ = _eigen(xp, field_.hessian(theta))
    found = (size <= tolerance) & (xp.max(xp.abs(theta), axis=0) <= FAR)
    return Critical(
        xp.reshape(theta, (4, *shape)),
        xp.reshape(field_.loss(theta), shape),
        xp.reshape(size, shape),
        xp.reshape(xp.permute_dims(values, (1, 0)), (4, *shape)),
        xp.reshape(found, shape),
    )


class Escape(NamedTuple):
    """Bounds on a time."""

    shortest: Array
    longest: Array


def escape_times(rate: ArrayLike, error: ArrayLike, start: ArrayLike, end: ArrayLike) -> Escape:
    """Return how long the component along a saddle's unstable direction takes from `start` to `end`.

    ln(end/start)/(rate ± error) (derivation 20, part 7).

    Parameters
    ----------
    rate : number or array
        |λ| > 0 of the unstable eigenvalue.
    error : number or array
        κ ≥ 0, the bound on what is left out, relative to the component.
    start, end : number or array
        0 < start ≤ end.

    Returns
    -------
    Escape
        The longest time is ∞ where the error is not below the rate.

    Raises
    ------
    ValueError
        If the numbers are not as described.
    """
    xp, (rate, error, start, end) = as_floating((rate, error, start, end))
    if not bool(xp.all((rate > 0.0) & (error >= 0.0) & (start > 0.0) & (end >= start))):
        raise ValueError("rate, error, start, end: expected rate > 0, error >= 0 and 0 < start <= end")
    gain = log_ratio(xp, end, start, end - start)
    certain = error < rate
    slow = xp.where(certain, rate - error, xp.ones_like(rate * error))
    return Escape(gain / (rate + error), xp.where(certain, gain / slow, xp.inf * xp.ones_like(gain / slow)))


def _length(xp: Any, g: Array) -> Array:
    return xp.sqrt(xp.sum(g * g, axis=0))


def _eigen(xp: Any, H: Array) -> tuple[Array, Array]:
    """Return eigenvalues, shape (N, 4), and eigenvectors, shape (N, 4, 4), of H, shape (4, 4, N)."""
    values, vectors = xp.linalg.eigh(xp.permute_dims(H, (2, 0, 1)))
    return values, vectors
