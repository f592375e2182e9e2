"""Networks of m neurons with one input: f(x) = Σ_j w2_j φ(w1_j x + b1_j) + b2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, ArrayLike
from gradflow.base.checks import batch_shape, numbers, require_finite, shown
from gradflow.base.error_free import affine, splitter
from gradflow.neuron.activations import RELU, ActivationLike, as_activation, derivatives
from gradflow.neuron.drawn import Graph, card, drawing, table, window
from gradflow.neuron.problem import Neuron, as_neuron
from gradflow.neuron.targets import Target

SPLIT = splitter("float64")


@dataclass(frozen=True, eq=False)
class Network(Target):
    """f(x) = Σ_j w2_j φ(w1_j x + b1_j) + b2, or an array of such networks; also a teacher of others.

    Parameters
    ----------
    w1, b1, w2 : array, shape (m, *batch)
        Input weights, input biases and output weights of m ≥ 1 neurons; they broadcast to one shape.
    b2 : array, shape (*batch)
        Output bias.

    Attributes
    ----------
    w1, b1, w2, b2 : array
        The same in float64, of full shape and read-only.

    Raises
    ------
    ValueError, TypeError
        If there is no neuron, a number is not finite, or shapes do not fit.

    Examples
    --------
    >>> gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])  # |x|
    Network(2 neurons)
    """

    w1: ArrayLike
    b1: ArrayLike
    w2: ArrayLike
    b2: ArrayLike = 0.0

    def __post_init__(self) -> None:
        given = {name: _array(name, getattr(self, name)) for name in ("w1", "b1", "w2", "b2")}
        inner = [given[name] for name in ("w1", "b1", "w2")]
        shape = batch_shape("w1, b1 and w2 of the network", [v.shape for v in inner])
        if not shape or shape[0] == 0:
            raise ValueError(
                f"network: expected w1, b1 and w2 of shape (m, *batch) with m >= 1, got shape {shape}"
            )
        batch = batch_shape("the neurons and b2 of the network", [shape[1:], given["b2"].shape])
        if len(batch) > len(shape) - 1:
            found = f"b2 of shape {given['b2'].shape} with neurons of shape {shape}"
            raise ValueError(f"network: expected b2 of the batch's shape, got {found}")
        full = {"b2": batch, **dict.fromkeys(("w1", "b1", "w2"), (shape[0], *batch))}
        for name, value in given.items():
            own = np.broadcast_to(value, full[name]).copy()
            own.flags.writeable = False
            object.__setattr__(self, name, own)

    def __repr__(self) -> str:
        some = f"{self.m} neuron{'s' if self.m > 1 else ''}"
        return f"Network({some}, an array of shape {self.batch})" if self.batch else f"Network({some})"

    @property
    def m(self) -> int:
        """The number of neurons."""
        return int(np.shape(self.w1)[0])

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the array of networks, () for one."""
        return tuple(np.shape(self.w1)[1:])

    @property
    def rows(self) -> np.ndarray:
        """All parameters along one axis, shape (3m + 1, *batch): w1, b1, w2, b2."""
        return np.concatenate([self.w1, self.b1, self.w2, np.asarray(self.b2)[None]])

    def __call__(self, x: ArrayLike, activation: ActivationLike = RELU) -> np.ndarray:
        """Return f at inputs: their shape, followed by that of the array of networks.

        Parameters
        ----------
        x : number or array
            The inputs.
        activation : Activation, str or (float, float)
            φ; ReLU by default.

        Raises
        ------
        ValueError, TypeError
            If x is not finite numbers, or the activation is none.
        """
        phi, at = as_activation(activation), _array("x", x)
        z = affine(self.w1, np.reshape(at, (*at.shape, *(1,) * (1 + len(self.batch)))), self.b1, SPLIT)
        return np.asarray(np.sum(self.w2 * derivatives(phi, z, 0)[0], axis=at.ndim) + self.b2)

    def _repr_html_(self) -> str:
        """Return the network as a notebook shows it: its neurons beside its graph under ReLU."""
        if self.batch:
            return card("Network", {"neurons": str(self.m), "an array of shape": str(self.batch)})
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            places = np.asarray(-self.b1 / self.w1)
        lo, hi = window(places)
        x = np.unique([lo, hi, *places[(places > lo) & (places < hi)]])
        graph = drawing([Graph(x, self(x))], f"the network's graph on [{lo:g}, {hi:g}]")
        neurons = {"w1": self.w1, "b1": self.b1, "w2": self.w2, "breakpoint": places}
        return card(
            "Network", {"neurons": str(self.m), "b2": f"{float(self.b2):.6g}"}, graph + table(neurons)
        )


def of_rows(rows: Array) -> Network:
    """Return the network whose parameters stand along the first axis: w1, b1, w2, b2.

    Raises
    ------
    ValueError, TypeError
        If there are not 3m + 1 of them with m ≥ 1, or they are no finite numbers.
    """
    array = _array("network", rows)
    require_rows(array)
    m = array.shape[0] // 3
    return Network(array[:m], array[m : 2 * m], array[2 * m : 3 * m], array[3 * m])


def require_rows(array: Array) -> None:
    """Raise a one-line ValueError if an array has not 3m + 1 rows with m ≥ 1."""
    if array.ndim == 0 or array.shape[0] < 4 or array.shape[0] % 3 != 1:
        raise ValueError(
            f"network: expected 3m + 1 parameters (w1, b1, w2, b2) along the first axis, got {shown(array)}"
        )


def as_network(network: Any, name: str = "network") -> Network:
    """Return a network from itself, a neuron (m = 1) or an array of 3m + 1 rows.

    Raises
    ------
    ValueError, TypeError
        One line that calls the argument `name`.
    """
    if isinstance(network, Network):
        return network
    if isinstance(network, Neuron):
        w1, b1, w2, b2 = np.broadcast_arrays(*(numbers(name, v) for v in as_neuron(network, name)))
        return Network(w1[None], b1[None], w2[None], b2)
    if isinstance(network, np.ndarray):
        return of_rows(network)
    raise TypeError(f"{name}: expected a Network, got {shown(network)}")


def _array(name: str, value: Any) -> np.ndarray:
    """Return finite numbers in float64."""
    require_finite(name, value)
    return np.asarray(numbers(name, value), dtype=np.float64)
