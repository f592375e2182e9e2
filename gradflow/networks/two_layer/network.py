"""Networks f(x) = Σ_j v_j relu(w_j·x), with every neuron as a direction and a log-norm.

A neuron (w_j, v_j) moves by ẇ_j = v_j G_j, v̇_j = w_j·G_j, where G_j is the sum of the pulls of the data
on which it is active. So the direction (a, b) = (w, v)/r on the unit sphere of R^(D+1) and log r,
r² = ‖w‖² + v², move by

    ȧ = b G − 2 b (a·G) a,   ḃ = (1 − 2b²) (a·G),   d(log r)/dt = 2 b (a·G),

polynomials, with no division by ‖w‖; only the pulls know the size of the network, through f. Balanced
neurons, |v| = ‖w‖, are those with b² = ½, and stay so.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device, namespace, to_numpy
from gradflow.base.checks import integer, number, require_kind, shown
from gradflow.networks.two_layer.losses import Objective


class TwoLayer(NamedTuple):
    """Many networks of h neurons each; the true w_j is exp(log_scale) · weights, and so v_j.

    Attributes
    ----------
    weights : array, shape (…, h, D)
        Directions of the w_j.
    outputs : array, shape (…, h)
        Directions of the v_j. A neuron is normalised if ‖weights‖² + outputs² = 1.
    log_scale : array, shape (…, h)
        log r_j, any finite number: 1e-300 or exp(−30 000) are as good as 1.
    """

    weights: Array
    outputs: Array
    log_scale: Array


def as_network(weights: Array, outputs: Array, log_scale: Array | float = 0.0) -> TwoLayer:
    """Return the normalised network with w = exp(log_scale) weights, v = exp(log_scale) outputs.

    Parameters
    ----------
    weights : array, shape (…, h, D)
    outputs : array, shape (…, h)
    log_scale : number or array that broadcasts with `outputs`

    Raises
    ------
    ValueError
        If the shapes do not fit, or a value is not finite.
    """
    xp = namespace(weights, outputs)
    _, (weights, outputs) = as_floating((weights, outputs))
    if weights.ndim < 2 or outputs.shape != weights.shape[:-1]:
        raise ValueError(
            "weights, outputs: expected shapes (..., h, D) and (..., h), "
            f"got {tuple(weights.shape)} and {tuple(outputs.shape)}"
        )
    for name, value in (("weights", weights), ("outputs", outputs)):
        if not bool(xp.all(xp.isfinite(value))):
            raise ValueError(f"{name}: expected finite numbers")
    scales = xp.zeros_like(outputs) + xp.asarray(log_scale, dtype=outputs.dtype, device=device(outputs))
    if not bool(xp.all(xp.isfinite(scales))):
        raise ValueError("log_scale: expected finite numbers")
    return normalize(TwoLayer(weights, outputs, scales))


def normalize(network: TwoLayer) -> TwoLayer:
    """Return the same network with ‖weights‖² + outputs² = 1 for every neuron that is not zero."""
    xp = namespace(network.weights)
    weights, outputs, log_scale = network
    # Scaled by the largest entry first: squares must not underflow.
    largest = xp.maximum(xp.max(xp.abs(weights), axis=-1), xp.abs(outputs))
    largest = xp.where(largest > 0.0, largest, xp.ones_like(largest))
    weights, outputs = weights / largest[..., None], outputs / largest
    radius = xp.sqrt(xp.sum(weights * weights, axis=-1) + outputs * outputs)
    radius = xp.where(radius > 0.0, radius, xp.ones_like(radius))
    return TwoLayer(
        weights / radius[..., None], outputs / radius, log_scale + xp.log(largest) + xp.log(radius)
    )


def balanced(
    h: int,
    dimension: int,
    log_scale: float,
    *,
    seed: int | np.random.Generator = 0,
    networks: tuple[int, ...] = (),
) -> TwoLayer:
    """Return networks with w_j(0) = ε w0_j, w0_j ~ N(0, I/D), and v_j(0) = ±‖w_j(0)‖ with fair signs.

    Parameters
    ----------
    h : int
        Neurons, ≥ 1.
    dimension : int
        D ≥ 1.
    log_scale : float
        log ε.
    seed : int or numpy Generator
    networks : tuple of int
        The leading shape: how many networks.

    Returns
    -------
    TwoLayer
        Normalised, float64.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    shape, log_scale, rng = _checked(h, dimension, log_scale, seed, networks)
    weights = rng.normal(0.0, 1.0 / math.sqrt(shape[-1]), shape)
    signs = np.where(rng.random(shape[:-1]) < 0.5, 1.0, -1.0)
    return as_network(weights, signs * np.linalg.norm(weights, axis=-1), log_scale)


def gaussian(
    h: int,
    dimension: int,
    log_scale: float,
    *,
    seed: int | np.random.Generator = 0,
    networks: tuple[int, ...] = (),
) -> TwoLayer:
    """Return networks with every weight of either layer from N(0, ε²), unbalanced, as in the experiments.

    Parameters and result as `balanced`.
    """
    shape, log_scale, rng = _checked(h, dimension, log_scale, seed, networks)
    weights = rng.normal(size=shape)
    return as_network(weights, rng.normal(size=shape[:-1]), log_scale)


def _checked(
    h: int, dimension: int, log_scale: float, seed: int | np.random.Generator, networks: tuple[int, ...]
) -> tuple[tuple[int, ...], float, np.random.Generator]:
    """Return the shape of the weights, ln ε and a generator of random numbers."""
    if not isinstance(networks, (tuple, list)):
        raise TypeError(f"networks: expected a tuple of integers >= 0, got {shown(networks)}")
    leading = [integer("networks", count, 0) for count in networks]
    shape = (*leading, integer("h", h, 1), integer("dimension", dimension, 1))
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(integer("seed", seed, 0))
    return shape, number("log_scale", log_scale), rng


def gates(network: TwoLayer, x: Array) -> Array:
    """Return whether w_j·x_i > 0, bool of shape (…, h, n): relu′(0) = 0."""
    xp = namespace(network.weights)
    return xp.matmul(network.weights, xp.permute_dims(x, (1, 0))) > 0.0


def predict(network: TwoLayer, x: Array) -> Array:
    """Return f(x_i), shape (…, n), for inputs of shape (n, D); what underflows is 0, its limit."""
    xp = namespace(network.weights)
    z = xp.matmul(network.weights, xp.permute_dims(x, (1, 0)))
    return mixed(network, xp.where(z > 0.0, z, xp.zeros_like(z)))


def binary_exponent(largest: Array) -> Array:
    """Return the exponents of the powers of 2 that bring sizes to [1, 2); 0 for 0."""
    xp = namespace(largest)
    return xp.floor(xp.log2(xp.where(largest > 0.0, largest, xp.ones_like(largest))))


def mixed(network: TwoLayer, hidden: Array) -> Array:
    """Return Σ_j r_j² b_j hidden_j, shape (…, n)."""
    xp = namespace(hidden)
    mixing = network.outputs * xp.exp(2.0 * network.log_scale)
    return xp.sum(mixing[..., None] * hidden, axis=-2)


def loss(network: TwoLayer, objective: Objective) -> Array:
    """Return the objective of each network, shape (…)."""
    x, y = on_device(objective, network)
    xp = namespace(network.weights)
    return objective.weight * xp.sum(objective.loss.value(y, predict(network, x)), axis=-1)


def pulls(network: TwoLayer, objective: Objective) -> Array:
    """Return g_i = −∂(objective)/∂f(x_i), shape (…, n)."""
    x, y = on_device(objective, network)
    return objective.weight * objective.loss.pull(y, predict(network, x))


def forces(active: Array, pulls: Array, x: Array) -> Array:
    """Return G_j = Σ_i active_ji g_i x_i, shape (…, h, D), for gates of shape (…, h, n), pulls (…, n)."""
    xp = namespace(pulls)
    return xp.matmul(xp.where(active, pulls[..., None, :], xp.zeros_like(pulls)[..., None, :]), x)


def velocity(network: TwoLayer, force: Array) -> TwoLayer:
    """Return d/dt of (weights, outputs, log_scale) of normalised neurons, for the forces G_j (…, h, D)."""
    xp = namespace(force)
    a, b, _ = network
    along = xp.sum(a * force, axis=-1)
    growth = 2.0 * b * along
    return TwoLayer(b[..., None] * force - growth[..., None] * a, along - growth * b, growth)


def log_norms(network: TwoLayer) -> Array:
    """Return log ‖w_j‖, shape (…, h); −inf where w_j = 0."""
    xp = namespace(network.weights)
    size = xp.sqrt(xp.sum(network.weights**2, axis=-1))
    zero = size == 0.0
    logs = xp.log(xp.where(zero, xp.ones_like(size), size)) + network.log_scale
    return xp.where(zero, xp.full_like(logs, -math.inf), logs)


def directions(network: TwoLayer) -> Array:
    """Return w_j/‖w_j‖, shape (…, h, D); 0 where w_j = 0."""
    xp = namespace(network.weights)
    size = xp.sqrt(xp.sum(network.weights**2, axis=-1, keepdims=True))
    return network.weights / xp.where(size > 0.0, size, xp.ones_like(size))


LARGEST_LOSS = 1e100
"""Largest loss of a start: beyond it a flow is too fast for floating-point times."""


def check_kinds(network: TwoLayer, objective: Objective) -> None:
    """Raise a one-line TypeError for anything but a network and an objective."""
    if not (isinstance(network, tuple) and len(network) == 3):
        raise TypeError(f"network: expected a TwoLayer, as `balanced` makes one, got {shown(network)}")
    require_kind("objective", objective, Objective)


def check_network(network: TwoLayer, objective: Objective) -> None:
    """Refuse what is no network for these data.

    Raises
    ------
    ValueError
        One line: shapes that do not fit, another dimension, integers, NaN or infinity.
    """
    check_kinds(network, objective)
    weights, outputs, log_scale = network
    dimension = objective.data.dimension
    if weights.ndim < 2 or outputs.shape != weights.shape[:-1] or log_scale.shape != outputs.shape:
        shapes = ", ".join(str(tuple(part.shape)) for part in network)
        raise ValueError(f"network: expected shapes (..., h, D), (..., h), (..., h), got {shapes}")
    if weights.shape[-1] != dimension or 0 in weights.shape:
        raise ValueError(f"network: expected h >= 1 neurons with D = {dimension}, got {tuple(weights.shape)}")
    xp = namespace(weights)
    if not all(xp.isdtype(part.dtype, "real floating") for part in network):
        raise ValueError("network: expected floating point numbers; as_network makes them")
    if not all(bool(xp.all(xp.isfinite(part))) for part in network):
        raise ValueError("network: expected finite numbers")


def check_start(network: TwoLayer, objective: Objective) -> None:
    """Refuse networks whose loss at the start is beyond `LARGEST_LOSS`, or overflows, and as `check_network`.

    Raises
    ------
    ValueError
        One line with the reason.
    """
    check_network(network, objective)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        first = np.max(to_numpy(loss(network, objective)), initial=0.0)
    if not first <= LARGEST_LOSS:
        raise ValueError(
            f"network: the loss at the start is {first:.3g}, too large to follow; take a smaller start"
        )


def on_device(objective: Objective, network: TwoLayer) -> tuple[Array, Array]:
    """Return inputs and labels in the library, on the device and in the dtype of the network's weights."""
    like = network.weights
    xp = namespace(like)
    if isinstance(like, np.ndarray):
        return (
            objective.data.inputs.astype(like.dtype, copy=False),
            objective.data.labels.astype(like.dtype, copy=False),
        )
    x, y = (
        xp.asarray(to_numpy(values), dtype=like.dtype, device=device(like))
        for values in (objective.data.inputs, objective.data.labels)
    )
    return x, y
