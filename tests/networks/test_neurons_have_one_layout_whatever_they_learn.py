"""Targets, laws, losses, frozen parameters and minibatches change no name, axis or type of a neuron's run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.networks.line import as_network
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


OTHER = {
    "target": gf.Problem(target="hat"),
    "law": gf.Problem(law=gf.Steps([-1.0, 0.0, 1.0], [1.0, 3.0])),
    "normal": gf.Problem(law=gf.Normal(0.0, 0.5)),
    "smooth": gf.Problem(target="sine", activation="silu"),
    "loss": gf.Problem(inputs=gf.grid(30), loss="huber=0.1"),
}


@pytest.mark.parametrize("name", list(OTHER))
def test_of_other_problems(name: str) -> None:
    problem, many = OTHER[name], START._replace(b1=np.linspace(-1.0, 1.0, 3)[:, None])
    for start, rate in ((START, 0.1), (many, RATES)):
        usual, found = (gf.train(start, task, gf.GD(rate), 4) for task in (gf.Problem(), problem))
        assert layout(found) == layout(usual)
        assert set(crossings(found).variables) == set(crossings(usual).variables)
        network = gf.train(as_network(start), problem, gf.GD(RATES.values if start is many else rate), 4)
        assert network.sizes["neuron"] == 1
        for part in ("w1", "w2"):
            assert np.array_equal(network[part].values[:, 0], found[part].values)
        assert np.array_equal(network["loss"].values, found["loss"].values)
    given: dict[str, Any] = {"times": [0.0, 0.5, 1.0], "t_end": 1.0, "rtol": 1e-6}
    assert layout(gf.gradient_flow(START, problem, **given)) == layout(gf.gradient_flow(START, **given))
    assert gf.gradient_flow(as_network(START), problem, **given).sizes["neuron"] == 1
    assert gf.gradient_flow(as_network(START), **given).sizes["neuron"] == 1


HUGE = gf.Neuron(1e80, 0.0, 1e80, 0.0)


@pytest.mark.parametrize(
    ("start", "given"),
    [
        (HUGE, {}),
        (HUGE, {"frozen": ("w2",)}),
        (HUGE, {"problem": OTHER["target"]}),
        (HUGE, {"problem": SAMPLE}),
        (as_network(HUGE), {}),
    ],
    ids=["plain", "frozen", "target", "sample", "network"],
)
def test_what_is_huge_has_a_status(start: Any, given: dict[str, Any]) -> None:
    found = gf.gradient_flow(start, t_end=1.0, **given)
    assert found["status_name"] in ("diverged", "too many steps")
    assert np.all(np.isnan(found.get("limit_w1", np.nan)))


def test_four_rows_are_a_neuron() -> None:
    for start in (np.array(START), list(START)):
        for function in (gf.loss, gf.gradient, gf.hessian):
            assert np.array_equal(function(start, OTHER["target"]), function(START, OTHER["target"]))
        assert "neuron" not in gf.train(start, OTHER["target"], steps=2).dims
        assert "neuron" not in gf.gradient_flow(start, OTHER["target"], t_end=0.1).dims
    seven = np.array([1.0, -1.0, 0.0, 0.1, 1.0, 1.0, 0.0])
    assert gf.train(seven, OTHER["target"], steps=2).sizes["neuron"] == 2


def test_a_reversal_passes_no_knot() -> None:
    """w1 changes sign in a step, and the breakpoint stays on its side of both knots."""
    start, problem = (
        gf.Neuron(0.5, 0.0, 2.0, 0.0),
        gf.Problem(target=gf.Knots([-1, -0.2, 0.2, 1], [1, 0, 0, 0])),
    )
    found = gf.train(start, problem, gf.GD(1.0), 1, frozen=("b1", "b2"))
    assert float(found["w1"][1]) < 0.0
    assert crossings(found)["event"].values.tolist() == ["reverses"]
    network = crossings(gf.train(as_network(start), problem, gf.GD(1.0), 1, frozen=("b1", "b2")))
    assert network["event"].values.tolist() == ["reverses"]
    assert network["wall"].values.tolist() == [""]


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
    for frozen in ((), ("w1",)):
        with pytest.raises(
            ValueError, match=r"neuron: gradient_flow follows one neuron, .*integrate_ensemble"
        ):
            gf.gradient_flow(many, frozen=frozen)
    # What the message says is so.
    w1, b1, w2 = (np.reshape(np.broadcast_to(value, (2,)), (1, 2)) for value in many[:3])
    some = gf.Network(w1, b1, w2, np.zeros(2))
    assert gf.gradient_flow(some, t_end=1.0)["loss"].sizes["time"] > 1
    with pytest.raises(ValueError, match="teacher: expected one where parameters are frozen"):
        gf.train(START, gf.Problem(many), frozen=("w1",))
    for given in ({"frozen": ("w1",)}, {"problem": OTHER["target"]}, {}):
        with pytest.raises(ValueError, match="neuron: must be finite"):
            gf.gradient_flow(gf.Neuron(float("nan")), **given)
    with pytest.raises(ValueError, match="teacher: expected one where"):
        gf.train(START, gf.Problem(many, law=gf.Normal()))
    with pytest.raises(
        ValueError,
        match="method: expected auto for a network, a target, a law, frozen parameters or a flow on",
    ):
        gf.gradient_flow(START, frozen=("w1",), method="Radau")
