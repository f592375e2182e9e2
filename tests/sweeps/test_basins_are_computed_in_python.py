"""`basins` is `sweep.run`, from values as people have them to outcomes by name."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.base.tables import read, write
from gradflow.ends import Ends
from gradflow.ends.decision import THEOREMS
from gradflow.ends.outcome import OUTCOMES
from gradflow.sweeps.axes import Points
from gradflow.sweeps.sweep import Sweep, run
from tests.cli.command import answer
from tests.cli.test_streams_carry_what_belongs_to_them import on_terminal


def test_it_is_the_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    found = gf.basins(b1=(-1.2, 1.2, 5), b2=(-2.0, 1.0, 4), backend="numpy")
    expected = run(Sweep((gf.Axis("b1", -1.2, 1.2, 5), gf.Axis("b2", -2.0, 1.0, 4)), backend="numpy"))
    xr.testing.assert_identical(found[list(Ends._fields)], expected)
    grid = ("--grid", "b1", "-1.2", "1.2", "5", "--grid", "b2", "-2", "1", "4")
    counts = answer(capsys, "basins", *grid, "--backend", "numpy")["counts"]
    assert counts == {name: int((found["outcome_name"] == name).sum()) for name in OUTCOMES}
    assert set(np.unique(found["decided_by_name"])) <= set(THEOREMS)


def test_names_and_axes_survive_a_file(tmp_path: Path) -> None:
    found = gf.basins(b1=[0.0, 2.0, -2.0], w1=0.5, backend="numpy")
    assert found["outcome_name"].sel(b1=-2.0).item() == "constant"
    write(found, tmp_path / "found.nc")
    kept = read(tmp_path / "found.nc")
    assert kept["outcome_name"].values.astype(str).tolist() == found["outcome_name"].values.tolist()
    assert kept["b1"].values.tolist() == [0.0, 2.0, -2.0]
    assert json.loads(kept.attrs["configuration"])["neuron"] == [0.5, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("rates", "values"),
    [
        ((0.125, 0.5, 4), np.linspace(0.125, 0.5, 4)),
        ((1e-3, 1.0, 4, "log"), np.geomspace(1e-3, 1.0, 4)),
        (np.array([0.3, 0.1]), [0.3, 0.1]),
        ([0.3, 0.1, 0.2], [0.3, 0.1, 0.2]),
        (xr.DataArray([0.3, 0.1]), [0.3, 0.1]),
        (gf.Axis("lr", 1e-3, 1.0, 4, "log"), np.geomspace(1e-3, 1.0, 4)),
        (Points("lr", (0.3, 0.1)), [0.3, 0.1]),
    ],
    ids=repr,
)
def test_axes_of_every_form(rates: Any, values: Any) -> None:
    found = gf.basins(neuron=gf.Neuron(b2=-1.0), method="gd", lr=rates, steps=40)
    assert found["outcome"].dims == ("lr",)
    np.testing.assert_array_equal(found["lr"], values)
    codes = gf.descent_outcomes(gf.Neuron(b2=-1.0), gf.Problem(), gf.GD(lr=np.array(values)), 40)
    np.testing.assert_array_equal(found["outcome"], codes)


SAMPLES = {
    "grid": gf.grid(9, -1.0, 2.0),
    "inputs": gf.Sample([0.5, -1.0, 0.0]),
    "weights": gf.Sample([0.5, -1.0, 0.0], weights=[1.0, 2.0, 1.0]),
    "targets": gf.Sample([0.5, -1.0, 0.0], targets=[1.0, -2.0, 0.0]),
}


@pytest.mark.parametrize("inputs", SAMPLES.values(), ids=SAMPLES)
def test_every_sample(inputs: gf.Sample) -> None:
    problem = gf.Problem(gf.Neuron(1.0, 0.5, 2.0, 0.0), inputs, (0.25, 1.5), "leaky-relu=0.1")
    b1 = np.linspace(-1.0, 1.0, 5)
    found = gf.basins(problem, method="adam", b1=b1, lr=0.02, beta2=0.9, steps=30)
    alone = gf.train_arrays(gf.Neuron(b1=b1), problem, gf.Adam(lr=0.02, beta2=0.9), 30)
    np.testing.assert_array_equal(found["loss"], alone.loss[-1])


def test_a_grid_of_inputs_is_known_by_its_very_numbers() -> None:
    for n in (8, 9):
        found = gf.basins(gf.Problem(inputs=gf.grid(n)), method="gd", b1=[0.5], steps=1)
        assert json.loads(found.attrs["configuration"])["samples"] == n
    # Equally spaced too, but in other last digits.
    given = np.linspace(-1.0, 1.0, 8)
    found = gf.basins(gf.Problem(inputs=gf.Sample(given)), method="gd", b1=[0.5], steps=1)
    assert json.loads(found.attrs["configuration"])["inputs"] == given.tolist()


def test_progress_and_executors() -> None:
    told: list[float] = []
    grid: dict[str, Any] = {"b1": (-2.0, 2.0, 300), "b2": (-1.0, 1.0, 10), "method": "gd", "steps": 3}
    one = gf.basins(**grid, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 3000
    with ThreadPoolExecutor(2) as executor:
        xr.testing.assert_identical(gf.basins(**grid, executor=executor), one)


def test_a_bar_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    grid = "import gradflow; gradflow.basins(b1=(-1.0, 1.0, 3), method='gd', steps=3)"
    _, seen, code = on_terminal(program=(sys.executable, "-c", grid))
    assert code == 0
    assert b"basins" in seen
    gf.basins(b1=(-1.0, 1.0, 3), method="gd", steps=3)
    assert capsys.readouterr() == ("", "")


TEACHERS = gf.Problem(gf.Neuron(b1=[0.0, 1.0]))
SAMPLED = gf.Problem(inputs=gf.grid(3))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "grid: expected one axis or more, each once, got none"),
        ({"b1": 0.5}, "grid: expected one axis or more, each once, got none"),
        (
            {"b1": (0.0, 1.0)},
            r"b1: expected \(lo, hi, n\) or \(lo, hi, n, 'log'\), or an array of values, got",
        ),
        ({"b1": (0.0, 1.0, 2.5)}, r"b1: expected \(lo, hi, n\)"),
        ({"b1": (0.0, 1.0, True)}, r"b1: expected \(lo, hi, n\)"),
        ({"b1": (0.0, 1.0, 3, "cubic")}, "grid: expected a spacing linear or log, got 'cubic'"),
        ({"b1": [[0.0]]}, r"b1: expected values along one axis, got an array of shape \(1, 1\)"),
        ({"b1": [0.0, np.nan]}, "grid: b1 must be finite"),
        ({"b1": "wide"}, "b1: expected a real number or an array of such, got 'wide'"),
        ({"b1": gf.Axis("w1", 0.0, 1.0, 2)}, "b1: expected an axis of this name, got one named 'w1'"),
        ({"b1": Points("w1", (0.0, 1.0))}, "b1: expected an axis of this name, got one named 'w1'"),
        (
            {"b1": (0, 1, 2), "method": "adam", "amsgrad": [True, False]},
            r"amsgrad: expected True or False for the whole batch, got \[True, False\]",
        ),
        ({"b3": (0, 1, 2)}, "grid: expected one of w1, b1, w2, b2, got 'b3'"),
        ({"b1": (0, 1, 2), "lr": 0.5}, "lr: it has no meaning with method 'flow'"),
        ({"b1": (0, 1, 2), "steps": 5}, "steps: it has no meaning with method 'flow', got 5"),
        ({"b1": (0, 1, 2), "dtype": "float32"}, "dtype: it has no meaning with method 'flow'"),
        ({"b1": (0, 1, 2), "method": "gd", "theory": False}, "theory: it has no meaning with method 'gd'"),
        ({"b1": (0, 1, 2), "method": "gd", "beta2": 0.5}, "beta2: gd has no such hyper-parameter"),
        ({"b1": (0, 1, 2), "method": "sdg"}, "method: expected one of flow, gd,"),
        ({"b1": (0, 1, 2), "problem": 3}, "problem: expected a Problem, got 3"),
        ({"b1": (0, 1, 2), "problem": gf.Problem(gf.Neuron(b1=[0.0, 1.0]))}, "teacher: expected one number"),
        (
            {"b1": (0, 1, 2), "problem": gf.Problem(inputs=gf.grid(3))},
            "samples: the flow is the population's",
        ),
        ({"b2": (0, 1, 2), "neuron": gf.Neuron(b1=[0.0, 1.0])}, "neuron: expected one number, got an array"),
    ],
    ids=str,
)
def test_what_is_refused(given: dict[str, Any], line: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{line}") as caught:
        gf.basins(**given)
    assert "\n" not in str(caught.value)


def test_a_tuple_is_a_range_and_a_list_is_values() -> None:
    for given, values in (((0, 1, 3), [0.0, 0.5, 1.0]), ([0, 1, 3], [0.0, 1.0, 3.0])):
        found = gf.basins(b1=given, method="gd", steps=1)
        assert found["b1"].values.tolist() == values
        assert str(given) in str(gf.basins.__doc__)
