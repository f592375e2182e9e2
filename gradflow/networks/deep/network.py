"""Deep networks, many at once: parameters in one flat array, the pass forward and the gradient.

The networks of a batch have one architecture; parameters, learning rates and starts are their own. The
parameters have shape (P, B), so that the elementwise optimisers of `gradflow.descent` and learning rates
of shape (B,) work on them unchanged.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from gradflow.base.arrays import Array, namespace
from gradflow.base.checks import flag, integer, require_shape
from gradflow.neuron.activations import RELU, Activation, as_activation, derivatives

EPS = 1e-5
"""Added to the variance by batch normalisation (torch's default)."""


@dataclass(frozen=True)
class Network:
    """An architecture with one output: affine maps, each but the last followed by φ.

    Parameters
    ----------
    inputs : int
        The dimension of an input, ≥ 1.
    widths : tuple of int
        The units of each hidden layer, ≥ 1 each; at least one layer, for which a number will do.
    activation : Activation or what `gradflow.neuron.activations.as_activation` takes
        φ; ReLU by default. φ′(0) is the lower slope.
    normalize : bool
        Whether each hidden pre-activation passes through batch normalisation with its own gain and shift
        before φ, with mean and (biased) variance over all inputs.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """

    inputs: int
    widths: tuple[int, ...]
    activation: Activation = RELU
    normalize: bool = False

    def __post_init__(self) -> None:
        widths = self.widths if isinstance(self.widths, Iterable) else (self.widths,)
        object.__setattr__(self, "inputs", integer("inputs", self.inputs, 1))
        object.__setattr__(self, "widths", tuple(integer("widths", width, 1) for width in widths))
        object.__setattr__(self, "activation", as_activation(self.activation))
        if not self.widths:
            raise ValueError("widths: expected at least one hidden layer, got none")
        object.__setattr__(self, "normalize", flag("normalize", self.normalize))

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.widths)

    @property
    def units(self) -> int:
        """The number of hidden units."""
        return sum(self.widths)

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return layout(self)[-1].stop


class ParameterRows(NamedTuple):
    """Rows of the flat array that hold one array of a layer, and its shape in one network.

    `layer` counts from 0; the output is the layer `depth`. `name` is weight, bias, gain or shift.
    """

    layer: int
    name: str
    start: int
    stop: int
    shape: tuple[int, ...]


@functools.cache
def layout(network: Network) -> tuple[ParameterRows, ...]:
    """Return the blocks of the flat array: for each layer weight, bias and, if normalised, gain and shift."""
    blocks: list[ParameterRows] = []
    before = network.inputs
    for layer, width in enumerate((*network.widths, 1)):
        shapes: dict[str, tuple[int, ...]] = {"weight": (width, before), "bias": (width,)}
        if network.normalize and layer < network.depth:
            shapes |= {"gain": (width,), "shift": (width,)}
        for name, shape in shapes.items():
            start = blocks[-1].stop if blocks else 0
            blocks.append(ParameterRows(layer, name, start, start + math.prod(shape), shape))
        before = width
    return tuple(blocks)


def unpack(network: Network, theta: Array) -> list[dict[str, Array]]:
    """Return for each layer its arrays by name, of shape (B, …).

    Parameters
    ----------
    network : Network
        The architecture.
    theta : array, shape (P, B)
        The parameters.

    Raises
    ------
    ValueError
        If `theta` has another shape.
    """
    require_shape("theta", theta, network.size, "networks")
    xp = namespace(theta)
    # A view where the networks are rows in memory, as `pack` leaves them.
    rows = xp.permute_dims(theta, (1, 0))
    layers: list[dict[str, Array]] = [{} for _ in range(network.depth + 1)]
    for block in layout(network):
        part = rows[:, block.start : block.stop]
        layers[block.layer][block.name] = xp.reshape(part, (rows.shape[0], *block.shape))
    return layers


def pack(network: Network, layers: list[dict[str, Array]]) -> Array:
    """Return the flat array, shape (P, B), of what `unpack` returns."""
    parts = [layers[block.layer][block.name] for block in layout(network)]
    xp = namespace(*parts)
    rows = xp.concat([xp.reshape(part, (part.shape[0], -1)) for part in parts], axis=1)
    return xp.permute_dims(rows, (1, 0))


class Layer(NamedTuple):
    """One hidden layer as a pass leaves it, each array of shape (B, width, n).

    Attributes
    ----------
    entering : array, shape (B, before, n) or (inputs, n)
        What the layer's affine map is applied to.
    z : array
        The pre-activation: the argument of φ, after normalisation.
    slope : array
        φ′(z).
    standard : array or None
        The normalised values before gain and shift; None without normalisation.
    scale : array, shape (B, width, 1), or None
        What they were divided by.
    """

    entering: Array
    z: Array
    slope: Array
    standard: Array | None
    scale: Array | None


class Pass(NamedTuple):
    """A pass forward: the outputs, shape (B, n); the hidden layers; and what the last one sends on."""

    output: Array
    layers: list[Layer]
    leaving: Array


def forward(network: Network, theta: Array, x: Array) -> Pass:
    """Apply all networks to all inputs.

    Parameters
    ----------
    network : Network
        The architecture.
    theta : array, shape (P, B)
        The parameters.
    x : array, shape (n, inputs)
        The inputs, which the networks share, in the dtype of `theta`.

    Raises
    ------
    ValueError
        If a shape is not as described.
    """
    require_shape("x", x, "n", network.inputs)
    return _forward(network, unpack(network, theta), x)


def _forward(network: Network, parameters: list[dict[str, Array]], x: Array) -> Pass:
    xp = namespace(x)
    # What enters a layer has the inputs along its last axis.
    entering = xp.permute_dims(x, (1, 0))
    layers: list[Layer] = []
    for own in parameters[:-1]:
        z = xp.matmul(own["weight"], entering) + own["bias"][..., None]
        standard = scale = None
        if network.normalize:
            mean = xp.mean(z, axis=-1, keepdims=True)
            centred = z - mean
            scale = xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + EPS)
            standard = centred / scale
            z = own["gain"][..., None] * standard + own["shift"][..., None]
        value, slope = derivatives(network.activation, z)
        layers.append(Layer(entering, z, slope, standard, scale))
        entering = value
    last = parameters[-1]
    output = xp.matmul(last["weight"], entering) + last["bias"][..., None]
    return Pass(output[:, 0, :], layers, entering)


def loss(network: Network, theta: Array, x: Array, y: Array) -> Array:
    """Return L = mean of (f(x) − y)² over the inputs, without ½, for each network; shape (B,)."""
    error = forward(network, theta, x).output - y
    return namespace(error).mean(error * error, axis=-1)


class Slope(NamedTuple):
    """The loss, shape (B,), its gradient, shape (P, B), and the pass they came from."""

    loss: Array
    gradient: Array
    passed: Pass


def loss_and_gradient(network: Network, theta: Array, x: Array, y: Array) -> Slope:
    """Return the loss, its gradient by backpropagation, and the pass forward.

    Parameters
    ----------
    network : Network
        The architecture.
    theta : array, shape (P, B)
        The parameters.
    x : array, shape (n, inputs)
        The inputs, in the dtype of `theta`.
    y : array, shape (n,)
        The targets.

    Raises
    ------
    ValueError
        If a shape is not as described.
    """
    require_shape("x", x, "n", network.inputs)
    require_shape("y", y, x.shape[0])
    parameters = unpack(network, theta)
    passed = _forward(network, parameters, x)
    xp = namespace(theta)
    error = passed.output - y
    gradient: list[dict[str, Array]] = [{} for _ in parameters]
    # ∂L/∂(what a layer's affine map returns), from the output backwards.
    backward = ((2.0 / y.shape[0]) * error)[:, None, :]
    entering = passed.leaving
    for i in range(network.depth, -1, -1):
        if i < network.depth:
            layer = passed.layers[i]
            backward = xp.matmul(xp.matrix_transpose(parameters[i + 1]["weight"]), backward) * layer.slope
            if layer.standard is not None:
                backward = _through_normalisation(backward, layer, parameters[i], gradient[i])
            entering = layer.entering
        gradient[i]["weight"] = xp.matmul(backward, xp.matrix_transpose(entering))
        gradient[i]["bias"] = xp.sum(backward, axis=-1)
    return Slope(xp.mean(error * error, axis=-1), pack(network, gradient), passed)


def _through_normalisation(
    backward: Array, layer: Layer, own: dict[str, Array], gradient: dict[str, Array]
) -> Array:
    """Carry ∂L/∂z back through gain, shift and standardisation; store the gradients of the first two."""
    xp = namespace(backward)
    standard = layer.standard
    gradient["gain"] = xp.sum(backward * standard, axis=-1)
    gradient["shift"] = xp.sum(backward, axis=-1)
    inner = backward * own["gain"][..., None]
    centre = xp.mean(inner, axis=-1, keepdims=True)
    along = xp.mean(inner * standard, axis=-1, keepdims=True)
    return (inner - centre - standard * along) / layer.scale
