"""Measures of units: which are dead, how far from it the others are, and their norms.

A hidden unit is **dead** when its activation is 0 for every input, and **off** when its pre-activation (after
normalisation, if there is one) is ≤ 0 for every input. For ReLU these are the same. A leaky or smooth unit
that is off still passes something on.

What stops when a ReLU unit is dead on all inputs of the training set: every term of the gradient for its
weights and bias has the factor φ′(z) = 0, every term of the gradient for its outgoing weights the factor
φ(z) = 0. So both are 0 and plain gradient descent leaves all of them as they are. Three things can still
move them: momentum left over from before (heavy ball, Adam), weight decay, and, for the pre-activation but
not for the weights, what the layers before do to the unit's inputs. The last cannot reach the first layer.
"""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, namespace
from gradflow.networks.deep.network import Network, Pass, unpack


def reach(passed: Pass) -> Array:
    """Return each hidden unit's largest pre-activation over the inputs, shape (B, units), layer by layer."""
    xp = namespace(passed.output)
    return xp.concat([xp.max(layer.z, axis=-1) for layer in passed.layers], axis=1)


def _activations(passed: Pass) -> list[Array]:
    """Return what each hidden layer sends on."""
    return [*(layer.entering for layer in passed.layers[1:]), passed.leaving]


def dead_units(passed: Pass) -> Array:
    """Return which hidden units have activation 0 for every input, shape (B, units), layer by layer."""
    xp = namespace(passed.output)
    return xp.concat([xp.all(value == 0, axis=-1) for value in _activations(passed)], axis=1)


def zero_share(passed: Pass) -> Array:
    """Return the share of activations that are 0, over units and inputs, for each layer; shape (B, depth).

    This is ``(activations == 0).float().mean()``. It is not the share of dead units: a ReLU unit that is
    on for half of the inputs contributes ½.
    """
    xp = namespace(passed.output)
    shares = [xp.mean(xp.astype(value == 0, xp.float64), axis=(1, 2)) for value in _activations(passed)]
    return xp.stack(shares, axis=1)


def norms(network: Network, theta: Array) -> tuple[Array, Array]:
    """Return the norms of each hidden unit's incoming weights with its bias, and of its outgoing weights.

    Each of shape (B, units), layer by layer.
    """
    xp = namespace(theta)
    layers = unpack(network, theta)
    incoming = [
        xp.sqrt(xp.sum(own["weight"] * own["weight"], axis=-1) + own["bias"] * own["bias"])
        for own in layers[:-1]
    ]
    outgoing = [xp.sqrt(xp.sum(own["weight"] * own["weight"], axis=-2)) for own in layers[1:]]
    return xp.concat(incoming, axis=1), xp.concat(outgoing, axis=1)


def layer_of_unit(network: Network) -> np.ndarray:
    """Return the layer, counted from 1, of each hidden unit."""
    return np.repeat(np.arange(1, network.depth + 1), network.widths)


def by_layer(network: Network, values: Array) -> Array:
    """Return the sums over each layer's units of values of shape (B, units); shape (B, depth)."""
    xp = namespace(values)
    ends = np.cumsum((0, *network.widths)).tolist()
    numbers = xp.astype(values, xp.float64)
    return xp.stack([xp.sum(numbers[:, a:b], axis=1) for a, b in itertools.pairwise(ends)], axis=1)


def dead_share(run: xr.Dataset) -> xr.DataArray:
    """Return the share of all hidden units that are off, over the layers of a run; dims step, network."""
    widths = run["width"]
    return (run["off"] * widths).sum("layer") / widths.sum()
