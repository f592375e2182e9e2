"""The record of networks: what is measured of a state, and the labelled datasets of trainings and paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, namespace, to_numpy
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes
from gradflow.networks.two_layer.judged import Check
from gradflow.networks.two_layer.limit import LimitPath, entry_times, final_directions
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, log_norms, mixed, on_device
from gradflow.networks.two_layer.path import NetworkPath
from gradflow.networks.two_layer.patterns import GATES, MEMBERSHIPS, SWITCHES, distinct, membership
from gradflow.networks.two_layer.status import STATUSES
from gradflow.networks.two_layer.watch import cosines, memberships, spectrum


def measure(network: TwoLayer, objective: Objective) -> dict[str, Array]:
    """Return what is recorded of networks at one time.

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
    f = mixed(network, xp.where(active, z, xp.zeros_like(z)))
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
    """Records of networks at several times, as NumPy arrays."""

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
        """Return all variables, each with the record as its first axis."""
        return {name: np.stack(values) for name, values in self.rows.items()}

    def dataset(
        self, axis: str, along: np.ndarray, axis_attributes: dict[str, str], attributes: dict[str, str]
    ) -> xr.Dataset:
        """Return all variables as a dataset along `axis`, the axes of the networks, and the neurons."""
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


def flow_dataset(
    path: NetworkPath, objective: Objective, checks: tuple[Check, ...] = (), **settings: object
) -> xr.Dataset:
    """Return a trajectory of `gradient_flow` as a dataset.

    Parameters
    ----------
    path : NetworkPath
    objective : Objective
        What it was computed for.
    checks : tuple of Check
        Of `check_theory`; kept along the axis `check`.
    **settings
        More for the configuration: seed, tolerance, …

    Returns
    -------
    xarray.Dataset
        Along time, neuron, input, datum and switch: what `measure` returns, the states, `pattern` (T, h, n),
        the gate switches; `status`, `drift`, `energy_error`, `rise`.
    """
    records = Records(objective, states=True)
    for k in range(path.t.size):
        records.add(TwoLayer(path.weights[k], path.outputs[k], path.log_scale[k]))
    # On a wall the pattern knows what rounding does not.
    records.rows["membership"] = list(memberships(path.patterns, objective.data.labels))
    axis = {"long_name": "time of the flow of the objective", "units": "1"}
    title, configuration = f"Gradient flow on {objective.data.name}", {**objective.described(), **settings}
    provenance = attributes(title, "alignment.flow", configuration, settings.get("seed"))
    found = records.dataset("time", path.t, axis, provenance)
    kinds = np.array([SWITCHES.index(switch.kind) for switch in path.crossings], dtype=np.int8)
    variables = {
        "pattern": codes(path.patterns, GATES, ("time", "neuron", "datum"), "gate of a neuron at a datum"),
        "switch_time": ("switch", np.array([s.t for s in path.crossings]), {"units": "1"}),
        "switch_neuron": ("switch", np.array([s.neuron for s in path.crossings], dtype=np.int32)),
        "switch_datum": ("switch", np.array([s.datum for s in path.crossings], dtype=np.int32)),
        "switch_kind": codes(kinds, SWITCHES, ("switch",), "what the gate does"),
        "status": codes(np.array(path.status), STATUSES, (), "how the trajectory ended"),
        "drift": ((), path.drift, {"long_name": "largest relative change of |w|^2 - v^2"}),
        "energy_error": (
            (),
            path.energy_error,
            {"long_name": "largest error of the energy identity over L(0)"},
        ),
        "rise": ((), path.rise, {"long_name": "largest rise of the loss over L(0)"}),
    }
    if checks:
        holds = np.array([-1 if check.holds is None else int(check.holds) for check in checks], dtype=np.int8)
        variables |= {
            "check_applies": ("check", np.array([check.applies for check in checks], dtype=np.int8)),
            "check_holds": ("check", holds, {"comment": "-1: nothing to compare"}),
            "check_margin": (
                "check",
                np.array([c.margin for c in checks]),
                {"long_name": "log10 of bound over value"},
            ),
        }
        found = found.assign_coords(check=[check.name for check in checks])
    return found.assign(variables)


def limit_dataset(path: LimitPath, objective: Objective, **settings: object) -> xr.Dataset:
    """Return paths of `limit_flow` as a dataset along neuron, event, input and datum.

    Entries into S₊, S₋ and S_dead, the events, the last states and where they go. Settings as `flow_dataset`.
    """
    entered, ends = entry_times(path), final_directions(path)
    last = np.arange(path.events.size), path.events if path.outputs.shape[1] > 1 else 0 * path.events
    time = {"units": "1"}
    variables = {
        "entry_positive": ("neuron", entered.positive, {**time, "long_name": "time of entry into S+"}),
        "entry_negative": ("neuron", entered.negative, {**time, "long_name": "time of entry into S-"}),
        "entry_dead": ("neuron", entered.dead, {**time, "long_name": "time of death"}),
        "event_time": (("neuron", "event"), path.times, {**time, "long_name": "time of an event"}),
        "event_datum": (("neuron", "event"), path.data, {"long_name": "whose wall is met (-1: none)"}),
        "events": ("neuron", path.events.astype(np.int32), {"long_name": "number of events"}),
        "status": codes(path.status, STATUSES, ("neuron",), "how the path ended"),
        "pattern": codes(path.patterns[last], GATES, ("neuron", "datum"), "last gates"),
        "outputs": ("neuron", path.outputs[last], {"long_name": "last direction of v"}),
        "direction": (("neuron", "input"), ends.directions, {"long_name": "where w/|w| goes"}),
        "growth": ("neuron", ends.rates, {"long_name": "rate of log |w| in the end"}),
    }
    title = f"Limit of small initialisation on {objective.data.name}"
    configuration = {**objective.described(), **settings}
    provenance = attributes(title, "alignment.limit", configuration, settings.get("seed"))
    return xr.Dataset(variables, attrs=provenance)


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
