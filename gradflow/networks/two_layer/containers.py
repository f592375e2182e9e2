"""Trajectories of networks as labelled datasets, with their axes and their provenance."""

from __future__ import annotations

import numpy as np
import xarray as xr

from gradflow.base.files import to_json
from gradflow.base.tables import codes
from gradflow.base.version import __version__
from gradflow.networks.two_layer.history import Records
from gradflow.networks.two_layer.judged import Check
from gradflow.networks.two_layer.limit import STATUSES as LIMIT_STATUSES
from gradflow.networks.two_layer.limit import Entries, LimitPath, entry_times, final_directions
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer
from gradflow.networks.two_layer.path import KINDS, STATUSES, NetworkPath
from gradflow.networks.two_layer.steps import described
from gradflow.networks.two_layer.watch import memberships

SWITCHES = (*KINDS, "leaves on", "leaves off")
LIMIT_PATTERNS = ("off", "on", "slides")


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
        Along time, neuron, input, datum and switch: what `gradflow.networks.two_layer.history.measure`
        returns, the states, `pattern` (T, h, n), the gate switches; `status`, `drift`, `energy_error`,
        `rise`.
    """
    records = Records(objective, states=True)
    for k in range(path.t.size):
        records.add(TwoLayer(path.weights[k], path.outputs[k], path.log_scale[k]))
    # On a wall the pattern knows what rounding does not.
    records.rows["membership"] = list(memberships(path.patterns, objective.data.labels))
    axis = {"long_name": "time of the flow of the objective", "units": "1"}
    attributes = _attributes("alignment.flow", objective, settings, f"Gradient flow on {objective.data.name}")
    found = records.dataset("time", path.t, axis, attributes)
    kinds = np.array([SWITCHES.index(switch.kind) for switch in path.crossings], dtype=np.int8)
    variables = {
        "pattern": codes(path.patterns, KINDS, ("time", "neuron", "datum"), "gate of a neuron at a datum"),
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
    entered: Entries = entry_times(path)
    ends = final_directions(path)
    rows, slot = np.arange(path.events.size), path.events
    if path.outputs.shape[1] == 1:
        slot = np.zeros_like(slot)
    time = {"units": "1"}
    variables = {
        "entry_positive": ("neuron", entered.positive, {**time, "long_name": "time of entry into S+"}),
        "entry_negative": ("neuron", entered.negative, {**time, "long_name": "time of entry into S-"}),
        "entry_dead": ("neuron", entered.dead, {**time, "long_name": "time of death"}),
        "event_time": (("neuron", "event"), path.times, {**time, "long_name": "time of an event"}),
        "event_datum": (("neuron", "event"), path.data, {"long_name": "whose wall is met (-1: none)"}),
        "events": ("neuron", path.events.astype(np.int32), {"long_name": "number of events"}),
        "status": codes(path.status, LIMIT_STATUSES, ("neuron",), "how the path ended"),
        "pattern": codes(path.patterns[rows, slot], LIMIT_PATTERNS, ("neuron", "datum"), "last gates"),
        "outputs": ("neuron", path.outputs[rows, slot], {"long_name": "last direction of v"}),
        "direction": (("neuron", "input"), ends.directions, {"long_name": "where w/|w| goes"}),
        "growth": ("neuron", ends.rates, {"long_name": "rate of log |w| in the end"}),
    }
    title = f"Limit of small initialisation on {objective.data.name}"
    return xr.Dataset(variables, attrs=_attributes("alignment.limit", objective, settings, title))


def _attributes(
    command: str, objective: Objective, settings: dict[str, object], title: str
) -> dict[str, str]:
    configuration = {"command": command, **described(objective), **settings}
    return {
        "title": title,
        "source": f"gradflow {__version__}",
        "configuration": to_json(configuration, sort_keys=True),
        "seed": str(settings.get("seed", "none: the computation is deterministic")),
    }
