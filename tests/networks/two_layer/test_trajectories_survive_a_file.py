"""Paths of the flow and of its limit as datasets: axes, what they say, and the same from a file."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from gradflow.base.tables import read, write
from gradflow.base.version import __version__
from gradflow.networks.two_layer.checks import check_theory
from gradflow.networks.two_layer.data import Dataset, in_plane, toy_plane
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.limit import entry_times, limit_flow
from gradflow.networks.two_layer.losses import LOGISTIC, SQUARED, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced
from gradflow.networks.two_layer.path import NetworkPath
from gradflow.networks.two_layer.patterns import GATES, SLIDING, SWITCHES
from gradflow.networks.two_layer.record import flow_dataset, limit_dataset
from gradflow.networks.two_layer.status import STATUSES
from gradflow.networks.two_layer.watch import memberships

OBJECTIVE = Objective(toy_plane(6), LOGISTIC, mean=True)
FAN = Objective(in_plane([-60.0, 0.0, 60.0], [80.0, 200.0]))


def through_a_file(dataset: xr.Dataset, place: Path) -> xr.Dataset:
    write(dataset, place / "run.nc")
    back = read(place / "run.nc")
    xr.testing.assert_identical(back.drop_attrs(), dataset.drop_attrs())
    assert {k: v for k, v in back.attrs.items() if k in dataset.attrs} == dataset.attrs
    return back


@pytest.fixture(scope="module")
def path() -> NetworkPath:
    return gradient_flow(balanced(5, 2, -8.0, seed=1), OBJECTIVE, 30.0, max_records=40)


def test_a_flow(path: NetworkPath, tmp_path: Path) -> None:
    checks = check_theory(path, OBJECTIVE, -8.0)
    run = through_a_file(flow_dataset(path, OBJECTIVE, checks, seed=1, rtol=1e-9, start="balanced"), tmp_path)
    wanted = {"time": path.t.size, "neuron": 5, "input": 2, "datum": 6, "switch": len(path.crossings)}
    assert wanted.items() <= dict(run.sizes).items()
    assert run["time"].attrs == {"long_name": "time of the flow of the objective", "units": "1"}
    np.testing.assert_array_equal(run["time"], path.t)
    for name in TwoLayer._fields:
        np.testing.assert_array_equal(run[name], getattr(path, name))
    assert run["weights"].dims == ("time", "neuron", "input")
    np.testing.assert_allclose(run["loss"], path.loss, rtol=1e-12)
    assert run["pattern"].dims == ("time", "neuron", "datum")
    np.testing.assert_array_equal(run["pattern"], path.patterns)
    assert run["pattern"].attrs["flag_meanings"].split() == list(GATES)
    kinds = run["switch_kind"]
    names = [text.replace("_", " ") for text in kinds.attrs["flag_meanings"].split()]
    assert names == list(SWITCHES)
    rows = zip(run["switch_time"], run["switch_neuron"], run["switch_datum"], kinds, strict=True)
    told = [(float(t), int(j), int(i), SWITCHES[int(kind)]) for t, j, i, kind in rows]
    assert told == [tuple(switch) for switch in path.crossings]
    assert STATUSES[int(run["status"])] == "reached t_end"
    for name in ("drift", "energy_error", "rise"):
        assert float(run[name]) == getattr(path, name)
    assert run["check"].values.tolist() == [check.name for check in checks]
    for row, check in zip(run["check_holds"].values, checks, strict=True):
        assert {1: True, 0: False, -1: None}[int(row)] is check.holds
    np.testing.assert_array_equal(run["check_applies"], [check.applies for check in checks])
    np.testing.assert_array_equal(run["check_margin"], [check.margin for check in checks])


def test_where_it_comes_from_is_said(path: NetworkPath, tmp_path: Path) -> None:
    run = through_a_file(flow_dataset(path, OBJECTIVE, seed=1, rtol=1e-9), tmp_path)
    assert "check" not in run.sizes
    assert run.attrs["source"] == f"gradflow {__version__}"
    assert run.attrs["title"] == "Gradient flow on toy plane"
    assert run.attrs["seed"] == "1"
    told = json.loads(run.attrs["configuration"])
    assert (told["command"], told["seed"], told["rtol"]) == ("alignment.flow", 1, 1e-9)
    text = run.attrs["configuration"]
    assert "logistic" in text
    other = flow_dataset(path, Objective(toy_plane(6)), seed=1, rtol=1e-9).attrs["configuration"]
    assert other != text
    without = limit_dataset(limit_flow(balanced(2, 2, 0.0), OBJECTIVE), OBJECTIVE)
    assert "deterministic" in without.attrs["seed"]
    assert without.attrs["title"] == "Limit of small initialisation on toy plane"


def test_neurons_on_walls_are_in_no_set() -> None:
    path = gradient_flow(balanced(8, 2, -14.0), FAN, 4.0, max_records=60)
    run = flow_dataset(path, FAN)
    slides = np.any(path.patterns == SLIDING, axis=-1)
    assert np.any(slides)
    codes = run["membership"].values
    assert np.all(codes[slides] == 0)
    np.testing.assert_array_equal(codes, memberships(path.patterns, FAN.data.labels))
    # Counted by hand, from the gates alone.
    on, y = path.patterns == 1, FAN.data.labels
    exactly = {1: np.all(on == (y > 0), axis=-1), 2: np.all(on == (y < 0), axis=-1), 3: ~np.any(on, axis=-1)}
    for code, inside in exactly.items():
        np.testing.assert_array_equal(codes == code, inside & ~slides)
    np.testing.assert_array_equal(np.sum(codes == 1, axis=1), run["count_positive"])


def test_labels_need_not_be_signs(tmp_path: Path) -> None:
    objective = Objective(Dataset(np.eye(2), np.array([0.5, -2.0])), SQUARED)
    path = gradient_flow(balanced(3, 2, -2.0), objective, 1.0)
    run = through_a_file(flow_dataset(path, objective), tmp_path)
    np.testing.assert_allclose(run["loss"], path.loss, rtol=1e-12)


@pytest.mark.parametrize("record", [True, False])
def test_the_limit(record: bool, tmp_path: Path) -> None:
    network = balanced(9, 2, 0.0, seed=3)
    path = limit_flow(network, FAN, 3.0, record=record)
    run = through_a_file(limit_dataset(path, FAN, seed=3), tmp_path)
    assert (run.sizes["neuron"], run.sizes["datum"], run.sizes["input"]) == (9, 5, 2)
    entered = entry_times(path)
    for name in ("positive", "negative", "dead"):
        np.testing.assert_array_equal(run[f"entry_{name}"], getattr(entered, name))
    assert np.any(np.isfinite(run["entry_positive"]))
    np.testing.assert_array_equal(run["event_time"], path.times)
    np.testing.assert_array_equal(run["events"], path.events)
    np.testing.assert_array_equal(run["status"], path.status)
    meanings = run["status"].attrs["flag_meanings"].split()
    assert meanings == [status.replace(" ", "_") for status in STATUSES]
    assert run["pattern"].attrs["flag_meanings"].split() == list(GATES)
    # The last gates, whether or not the ones before are kept.
    whole = limit_flow(network, FAN, 3.0)
    last = whole.patterns[np.arange(9), whole.events]
    np.testing.assert_array_equal(run["pattern"], last)
    np.testing.assert_array_equal(run["outputs"], whole.outputs[np.arange(9), whole.events])
    sizes = np.linalg.norm(run["direction"].values, axis=1)
    np.testing.assert_allclose(sizes[np.isfinite(sizes)], 1.0, rtol=1e-12)


def test_the_limit_by_hand() -> None:
    # One datum: z = (1, 0). Along it p + v grows as e^t; the second neuron is dead at once.
    objective = Objective(Dataset(np.array([[1.0, 0.0]]), np.ones(1)))
    network = as_network(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones(2))
    run = limit_dataset(limit_flow(network, objective), objective)
    assert run["entry_positive"].values.tolist() == [0.0, math.inf]
    assert run["entry_dead"].values.tolist() == [math.inf, 0.0]
    assert run["pattern"].values.tolist() == [[1], [0]]
    np.testing.assert_allclose(run["direction"][0], [1.0, 0.0])
    assert float(run["growth"][0]) == pytest.approx(1.0)
    assert [STATUSES[code] for code in run["status"].values] == ["settled", "dead"]
