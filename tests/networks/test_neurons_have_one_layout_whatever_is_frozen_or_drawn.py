"""Frozen parameters, minibatches and flows on samples change no name, axis or type of a neuron's run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.runs import crossings

START = gf.Neuron(1.0, 0.2, 0.5, -0.3)
RATES = xr.DataArray([0.1, 0.2, 0.3], dims="rate", coords={"rate": [1.0, 2.0, 3.0]})
SAMPLE = gf.Problem(inputs=gf.grid(30))


def layout(run: xr.Dataset) -> list[str]:
    """Return names, dimensions, types and attributes of everything in a dataset, in its order."""
    names = [*run.data_vars, *sorted(map(str, run.coords))]
    kinds = [run[name].dtype if run[name].dtype.kind != "U" else "text" for name in names]
    told = [
        f"{name} {run[name].dims} {kind} {run[name].attrs}" for name, kind in zip(names, kinds, strict=True)
    ]
    # A drift says of itself whether there is none.
    return [run.attrs["title"], *(text.replace(" not conserved", " conserved") for text in told)]


ASKED: dict[str, dict[str, Any]] = {
    "frozen": {"frozen": ("w2",)},
    "minibatches": {"batch": 5, "seed": 3},
    "both": {"batch": 5, "frozen": ("w2", "b2")},
}
RUNS: dict[str, tuple[Any, gf.Problem, Any, dict[str, Any]]] = {
    "one": (START, gf.Problem(), None, {}),
    "a sample": (START, SAMPLE, gf.GD(0.1), {}),
    "starts and rates": (
        START._replace(b1=np.linspace(-1.0, 1.0, 4)[:, None]),
        gf.Problem(),
        gf.GD(RATES),
        {},
    ),
    "float32": (START, gf.Problem(), gf.Adam(0.1), {"dtype": "float32"}),
}


@pytest.mark.parametrize("asked", list(ASKED))
@pytest.mark.parametrize("name", list(RUNS))
def test_of_training(name: str, asked: str) -> None:
    start, problem, optimizer, given = RUNS[name]
    usual = gf.train(start, problem, optimizer, 12, **given)
    found = gf.train(start, problem, optimizer, 12, **given, **ASKED[asked])
    assert layout(found) == layout(usual)
    assert set(crossings(found).variables) == set(crossings(usual).variables)
    assert np.all(found["decided_by_name"].values == "simulation")
    for frozen in ASKED[asked].get("frozen", ()):
        assert np.all(found[frozen].values == found[frozen].values[:1])
    assert not np.array_equal(found["w1"].values, usual["w1"].values)


@pytest.mark.parametrize("frozen", [("w2",), ("w1", "b1"), ()])
def test_of_flows(frozen: tuple[str, ...]) -> None:
    usual = gf.gradient_flow(START, t_end=2.0)
    found = gf.gradient_flow(START, gf.Problem() if frozen else SAMPLE, t_end=2.0, frozen=frozen)
    assert layout(found) == layout(usual)
    assert set(crossings(found).variables) == set(crossings(usual).variables)
    assert np.isnan(found["limit_w1"])


def test_of_numbers() -> None:
    run, theta = gf.train(START, optimizer=gf.GD(0.1), steps=30, frozen=("w1",)), np.array(START)
    for _ in range(30):
        theta = theta - 0.1 * np.array([0.0, 1.0, 1.0, 1.0]) * gf.gradient(theta)
    assert np.array_equal([run[name].values[-1] for name in ("w1", "b1", "w2", "b2")], theta)
    whole = gf.train(START, SAMPLE, gf.GD(0.1), 30, batch=30)
    usual = gf.train(START, SAMPLE, gf.GD(0.1), 30)
    assert np.allclose(whole["w1"].values, usual["w1"].values, rtol=0, atol=1e-13)


def test_events_are_a_neurons() -> None:
    start = gf.Neuron(0.5, 0.0, 2.0, 0.0)
    found = gf.train(start, gf.Problem(gf.Neuron(-1.0, 0.0, 2.0, 0.0)), gf.GD(1.0), 1, frozen=("b1", "b2"))
    assert "reverses" in crossings(found)["event"].values


def test_bad_input_is_named() -> None:
    many = START._replace(b1=np.zeros(2))
    with pytest.raises(ValueError, match="neuron: gradient_flow follows one neuron, got an array of them"):
        gf.gradient_flow(many, frozen=("w1",))
    with pytest.raises(ValueError, match="teacher: expected one where parameters are frozen"):
        gf.train(START, gf.Problem(many), frozen=("w1",))
    with pytest.raises(
        ValueError, match="method: expected auto for a network, frozen parameters or a flow on"
    ):
        gf.gradient_flow(START, frozen=("w1",), method="Radau")
