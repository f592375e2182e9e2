"""Every dataset of a network says by which version, from which arguments and from which seed it comes."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from gradflow.base.provenance import DETERMINISTIC, attributes, config_as_dict
from gradflow.base.version import __version__
from gradflow.descent import GD, Adam
from gradflow.networks import deep, two_layer
from gradflow.networks.two_layer.record import flow_dataset, limit_dataset

OBJECTIVE = two_layer.Objective(two_layer.toy_plane(4), two_layer.LOGISTIC, mean=True)
START = two_layer.balanced(3, 2, -3.0)


def flow() -> xr.Dataset:
    path = two_layer.gradient_flow(START, OBJECTIVE, 0.5)
    return flow_dataset(path, OBJECTIVE, rtol=1e-9, seed=5)


def limit() -> xr.Dataset:
    return limit_dataset(two_layer.limit_flow(START, OBJECTIVE), OBJECTIVE)


def steps() -> xr.Dataset:
    return two_layer.train(START, OBJECTIVE, Adam(np.float64(0.1)), 2, batch_size=2, seed=7).history


def all_data() -> xr.Dataset:
    return two_layer.train(START, OBJECTIVE, GD(0.1), 2, seed=7).history


def small_steps() -> xr.Dataset:
    return two_layer.flow_by_steps(START, OBJECTIVE, 0.1).history


def in_depth() -> xr.Dataset:
    start = deep.Start(2, seed=9)
    return deep.train(deep.Network(1, (3,)), deep.teacher_task(4), GD(np.array([0.1, 0.2])), 2, start=start)


def given() -> xr.Dataset:
    network = deep.Network(1, (3,))
    return deep.train(network, deep.teacher_task(4), GD(0.1), 2, start=deep.initial(network, 1))


@pytest.mark.parametrize(
    ("run", "command", "seed"),
    [
        (flow, "alignment.flow", "5"),
        (limit, "alignment.limit", DETERMINISTIC),
        (steps, "alignment.train", "7"),
        (all_data, "alignment.train", DETERMINISTIC),
        (small_steps, "alignment.flow_by_steps", DETERMINISTIC),
        (in_depth, "depth.train", "9"),
        (given, "depth.train", DETERMINISTIC),
    ],
)
def test_attributes(run: Callable[[], xr.Dataset], command: str, seed: str) -> None:
    found = run().attrs
    assert set(found) == {"title", "source", "configuration", "seed"}
    assert found["source"] == f"gradflow {__version__}"
    assert found["seed"] == seed
    configuration = json.loads(found["configuration"])
    assert configuration["command"] == command
    if command.startswith("alignment"):
        assert configuration["data"] == {"name": "toy plane", "n": 4, "dimension": 2}
        assert (configuration["loss"], configuration["mean"]) == ("logistic", True)
    if "train" in command:
        assert configuration["optimizer"]["name"] in ("GD", "Adam")


def test_by_hand() -> None:
    config = config_as_dict(GD(np.array([0.5, 0.25])))
    assert config["name"] == "GD"
    found = attributes("A title", "a.command", {"b": np.float64(2.0), "a": config}, seed=0)
    assert found["title"] == "A title"
    assert found["seed"] == "0"
    told = json.loads(found["configuration"])
    assert list(told) == ["a", "b", "command"]
    assert (told["a"]["lr"], told["b"]) == ([0.5, 0.25], 2.0)
