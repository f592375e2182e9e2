"""What gradient_flow returns: variables, dimensions, attributes, files, recorded times, outcome and limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradflow
from gradflow.base.tables import read, write
from gradflow.ends.labels import outcome_name
from gradflow.field import loss
from gradflow.flow import STATUSES
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.runs.records import crossings, limit

START = Neuron(1.0, 1.1, 1.3, 0.5)
STATES = ("w1", "b1", "w2", "b2")
ALONG_TIME = (*STATES, "breakpoint", "loss", "activity", "invariant_drift", "energy_residual")
SCALARS = (
    *("outcome", "outcome_name", "status", "status_name", "decided_by", "decided_by_name", "decided_at"),
    *(f"limit_{name}" for name in STATES),
)


def states(data: Any) -> np.ndarray:
    return np.array([data[name].values for name in STATES])


def test_variables_and_dimensions() -> None:
    data = gradient_flow(START, t_end=5.0)
    assert set(data.data_vars) == {
        *ALONG_TIME, *SCALARS,
    }  # fmt: skip
    assert all(data[name].dims == ("time",) for name in ALONG_TIME)
    assert all(data[name].dims == () for name in SCALARS)
    found = crossings(data)
    assert all(found[name].dims == ("crossing",) for name in ("time", "event", "wall"))
    assert data["time"].values[0] == 0.0
    assert data["time"].values[-1] == 5.0
    assert np.all(np.diff(data["time"]) > 0)
    assert states(data)[:, 0].tolist() == list(START)
    assert data["activity"].attrs["flag_meanings"] == "dead balanced hyperactive"
    assert data["status"].attrs["flag_meanings"].split() == [name.replace(" ", "_") for name in STATUSES]


def test_values_follow_from_the_states() -> None:
    data = gradient_flow(START, t_end=5.0)
    theta = states(data)
    np.testing.assert_allclose(data["loss"], loss(theta), rtol=1e-12)
    np.testing.assert_array_equal(data["breakpoint"], -theta[1] / theta[0])
    on_wall = np.isin(data["time"].values, crossings(data)["time"].values)
    np.testing.assert_array_equal(data["activity"].values[~on_wall], activity(theta)[~on_wall])
    assert np.all(np.isin(crossings(data)["time"], data["time"]))


def test_attributes_are_plain_and_complete() -> None:
    problem = Problem(Neuron(0.5, 0.25, -1.0, 0.125), Uniform(-0.5, 2.0), (0.25, 1.0))
    data = gradient_flow(np.asarray(START), problem, t_end=0.5, rtol=1e-7, method="RK45")
    configuration = json.loads(data.attrs["configuration"])
    assert configuration == {
        "command": "flow",
        "teacher": {"w1": 0.5, "b1": 0.25, "w2": -1.0, "b2": 0.125},
        "interval": [-0.5, 2.0],
        "activation": "leaky-relu=0.25",
        "teacher_activation": "leaky-relu=0.25",
        "neuron": {"w1": 1.0, "b1": 1.1, "w2": 1.3, "b2": 0.5},
        "t_end": 0.5,
        "rtol": 1e-7,
        "method": "RK45",
        "max_steps": None,
        "times": None,
        "theory": True,
        "until_decided": False,
    }
    assert data.attrs["source"] == f"gradflow {gradflow.__version__}"
    assert "deterministic" in data.attrs["seed"]


@pytest.mark.parametrize("start", [START, Neuron(1.0, -2.0, 1.0, 0.0), Neuron()])
def test_a_file_holds_the_same_dataset(start: Neuron, tmp_path: Path) -> None:
    data = gradient_flow(start, t_end=3.0)
    write(data, tmp_path / "run.nc")
    copy = read(tmp_path / "run.nc")
    assert set(copy.data_vars) == set(data.data_vars)
    for name in data.variables:
        np.testing.assert_array_equal(copy[name].values, data[name].values)
    assert copy.attrs == data.attrs
    assert outcome_name(copy) == outcome_name(data)
    with pytest.raises(ValueError, match=r"^out: "):
        write(data, tmp_path / "run.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]


@pytest.mark.parametrize("start", [START, Neuron(1.0, -2.0, 1.0, 3.0), Neuron(-1.0, 0.2, 1.0, 0.0)])
def test_recording_at_given_times_changes_nothing(start: Neuron) -> None:
    dense = gradient_flow(start, t_end=5.0, rtol=1e-12)
    times = dense["time"].values
    again = gradient_flow(start, t_end=5.0, rtol=1e-12, times=times)
    np.testing.assert_array_equal(again["time"], times)
    for name in (*ALONG_TIME, *SCALARS):
        if data_is_text(again[name]):
            assert again[name].values.tolist() == dense[name].values.tolist()
        else:
            np.testing.assert_allclose(again[name], dense[name], rtol=0, atol=1e-13, err_msg=name)
    found, expected = crossings(again), crossings(dense)
    np.testing.assert_allclose(found["time"], expected["time"], rtol=0, atol=1e-13)
    assert found["event"].values.tolist() == expected["event"].values.tolist()
    sparse = gradient_flow(start, t_end=5.0, rtol=1e-12, times=np.array([0.0, 1.25, 3.0]))
    for i, t in enumerate((0.0, 1.25, 3.0)):
        end = gradient_flow(start, t_end=t, rtol=1e-12)
        np.testing.assert_allclose(states(sparse)[:, i], states(end)[:, -1], rtol=0, atol=1e-11)


def data_is_text(variable: Any) -> bool:
    return bool(variable.dtype.kind == "U")


def test_no_times_record_nothing_but_the_end_is_known() -> None:
    data = gradient_flow(START, t_end=5.0, times=np.array([]))
    assert data.sizes["time"] == 0
    assert outcome_name(data) == outcome_name(gradient_flow(START, t_end=5.0))
    assert crossings(data).identical(crossings(gradient_flow(START, t_end=5.0)))


@pytest.mark.parametrize("start", [START, Neuron(1.0, -2.0, 1.0, 0.0), Neuron(1.0, 1.0, 1.0, 0.0)])
def test_no_time_at_all(start: Neuron) -> None:
    data = gradient_flow(start, t_end=0.0)
    assert np.unique(data["time"].values).tolist() == [0.0]
    np.testing.assert_array_equal(states(data)[:, 0], start)
    assert crossings(data).sizes["crossing"] == 0


@pytest.mark.parametrize(
    ("start", "name", "point"),
    [
        (Neuron(1.0, 0.0, 1.0, -1.0), "global", (1.0, 0.0, 1.0, 0.0)),
        (Neuron(1.0, 0.0, 1.0, -3.0), "linear", None),
        (Neuron(1.0, -1.5, 2.0, 7.0), "constant", (1.0, -1.5, 2.0, 0.25)),
    ],
)
def test_outcome_and_limit(start: Neuron, name: str, point: tuple[float, ...] | None) -> None:
    data = gradient_flow(start)
    assert outcome_name(data) == name
    if point is not None:
        np.testing.assert_allclose(limit(data), point, rtol=0, atol=1e-6)
    else:
        w1, b1, w2, b2 = limit(data)
        assert (w1 * w2, w2 * b1 + b2) == (pytest.approx(0.5, abs=1e-6), pytest.approx(0.25, abs=1e-6))
    short = gradient_flow(Neuron(1.0, 0.0, 1.0, -1.0), t_end=0.1)
    assert outcome_name(short) == "undecided"
    assert np.all(np.isnan(limit(short)))


def test_the_closed_form_of_a_dead_neuron_knows_its_limit_at_once() -> None:
    data = gradient_flow(Neuron(1.0, -1.5, 2.0, 7.0), t_end=0.0)
    assert limit(data).tolist() == [1.0, -1.5, 2.0, 0.25]


def test_giving_up_is_a_status() -> None:
    data = gradient_flow(START, t_end=200.0, max_steps=3)
    assert STATUSES[int(data["status"])] == "too many steps"
    assert data["time"].values[-1] < 200.0
    assert outcome_name(data) == "undecided"


def test_progress_is_reported_in_order() -> None:
    reached: list[float] = []
    gradient_flow(START, t_end=5.0, progress=reached.append)
    assert reached == sorted(reached)
    assert reached[-1] == 5.0


def test_two_runs_are_the_same_to_the_bit() -> None:
    first, second = (gradient_flow(START, t_end=20.0) for _ in range(2))
    assert first.identical(second)
