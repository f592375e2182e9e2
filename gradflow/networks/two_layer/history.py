"""Records of networks in training, and the labelled dataset that it ends up in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, namespace, to_numpy
from gradflow.base.tables import codes
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, log_norms, on_device
from gradflow.networks.two_layer.patterns import MEMBERSHIPS, distinct, membership
from gradflow.networks.two_layer.watch import cosines, spectrum


def measure(network: TwoLayer, objective: Objective) -> dict[str, Array]:
    """Return what is watched of networks at one time.

    Returns
    -------
    dict
        For each network, shape (…): `loss`; `largest_output`, max |f(x_i)|; `stable_rank`, ‖W‖_F²/‖W‖₂² (NaN
        for W = 0); `patterns`, how many different activation patterns there are. For each neuron, shape
        (…, h): `log_norm`, log ‖w_j‖; `cos_positive` and `cos_negative`, the cosine between w_j and x₊ or x₋
        (NaN where either is 0); `membership`, an index of `MEMBERSHIPS`.
    """
    x, y = on_device(objective, network)
    xp = namespace(network.weights)
    z = xp.matmul(network.weights, xp.permute_dims(x, (1, 0)))
    active = z > 0.0
    mixing = network.outputs * xp.exp(2.0 * network.log_scale)
    f = xp.sum(mixing[..., None] * xp.where(active, z, xp.zeros_like(z)), axis=-2)
    positive, negative = cosines(network, objective.data)
    return {
        "loss": objective.weight * xp.sum(objective.loss.value(y, f), axis=-1),
        "largest_output": xp.max(xp.abs(f), axis=-1),
        "stable_rank": spectrum(network).stable_rank,
        "patterns": distinct(active),
        "output_sign": xp.sign(network.outputs),
        "log_norm": log_norms(network),
        "cos_positive": positive,
        "cos_negative": negative,
        "membership": membership(active, y),
    }


class Records:
    """Records so far, as NumPy arrays."""

    def __init__(self, objective: Objective, states: bool) -> None:
        self.objective, self.states = objective, states
        self.rows: dict[str, list[np.ndarray]] = {}
        self.count = 0

    def add(self, network: TwoLayer, **more: Array) -> None:
        """Measure one state of the networks and keep it."""
        row = {**measure(network, self.objective), **more}
        if self.states:
            row |= {"weights": network.weights, "outputs": network.outputs, "log_scale": network.log_scale}
        for name, value in row.items():
            self.rows.setdefault(name, []).append(np.array(to_numpy(value)))
        self.count += 1

    def stacked(self) -> dict[str, np.ndarray]:
        """Return everything, each with the record as its first axis."""
        return {name: np.stack(values) for name, values in self.rows.items()}

    def dataset(
        self, axis: str, along: np.ndarray, axis_attributes: dict[str, str], attributes: dict[str, str]
    ) -> xr.Dataset:
        """Return everything as a dataset along `axis`, the axes of the networks, and the neurons."""
        values = self.stacked()
        leading = network_axes(values["loss"].ndim - 1)
        variables: dict[str, Any] = {}
        for name, value in values.items():
            inner = _INNER.get(name, ())
            if name == "membership":
                variables[name] = codes(value, MEMBERSHIPS, (axis, *leading, *inner), _LONG[name])
            else:
                units = {"long_name": _LONG.get(name, name), "units": "1"}
                variables[name] = ((axis, *leading, *inner), value, units)
        for index, name in enumerate(MEMBERSHIPS):
            count = np.sum(values["membership"] == index, axis=-1).astype(np.int32)
            long = "dead neurons" if name == "dead" else f"neurons in {_SETS[name]}"
            variables[f"count_{name}"] = ((axis, *leading), count, {"long_name": long, "units": "1"})
        return xr.Dataset(variables, coords={axis: (axis, along, axis_attributes)}, attrs=attributes)


def network_axes(count: int) -> Sequence[str]:
    """Return the names of the leading axes."""
    return ["network"] if count == 1 else [f"network_{i}" for i in range(count)]


_INNER: dict[str, tuple[str, ...]] = {
    "log_norm": ("neuron",),
    "output_sign": ("neuron",),
    "cos_positive": ("neuron",),
    "cos_negative": ("neuron",),
    "membership": ("neuron",),
    "weights": ("neuron", "input"),
    "outputs": ("neuron",),
    "log_scale": ("neuron",),
}
_SETS = {"none": "neither S+ nor S- nor dead", "positive": "S+", "negative": "S-"}
_LONG = {
    "loss": "objective",
    "largest_output": "largest absolute output over the data",
    "stable_rank": "squared Frobenius norm over squared spectral norm of the first layer",
    "patterns": "number of different activation patterns",
    "log_norm": "natural logarithm of the norm of the input weights",
    "output_sign": "sign of the output weight",
    "cos_positive": "cosine between the input weights and the sum of the positive data",
    "cos_negative": "cosine between the input weights and the sum of the negative data",
    "membership": "on which data the neuron is active: exactly the positive, the negative, or none",
    "weights": "input weights over exp(log_scale)",
    "outputs": "output weight over exp(log_scale)",
    "log_scale": "natural logarithm of the neuron's scale",
}
