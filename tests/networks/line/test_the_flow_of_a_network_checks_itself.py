"""The flow of a network conserves Q of every neuron and the energy, and for m = 1 is the neuron's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gradflow as gf
from gradflow.base.tables import read, write
from gradflow.networks.line import gradient_flow, start
from gradflow.runs import crossings

STARTS = {
    "becomes hyperactive": gf.Neuron(1.0, 0.9, 1.0, -1.0),
    "passes the teacher": gf.Neuron(1.0, 0.4, 0.8, -0.1),
    "dead": gf.Neuron(1.0, -2.0, 1.0, 0.5),
}


@pytest.mark.parametrize("name", list(STARTS))
def test_one_neuron_flows_as_the_neuron(name: str) -> None:
    times = np.linspace(0.0, 10.0, 6)
    one = gradient_flow(STARTS[name], t_end=10.0, times=times, rtol=1e-12)
    other = gf.gradient_flow(STARTS[name], t_end=10.0, times=times, rtol=1e-12)
    for parameter in ("w1", "b1", "w2", "b2"):
        found = one[parameter].values.reshape(6)
        assert np.allclose(found, other[parameter].values, rtol=0, atol=1e-8)
    events = crossings(other)
    assert crossings(one)["event"].values.tolist() == events["event"].values.tolist()
    assert crossings(one)["wall"].values.tolist() == events["wall"].values.tolist()
    assert np.allclose(crossings(one)["time"].values, events["time"].values, rtol=0, atol=1e-8)


def test_a_neuron_in_two_halves_flows_as_the_whole() -> None:
    whole = np.array([1.0, -0.7, 0.3, 0.4, 0.8, -0.5, 0.1])
    halves = np.concatenate([np.repeat(part, 2) / np.sqrt(2.0) for part in whole[:6].reshape(3, 2)] + [[0.1]])
    problem = gf.Problem(target="abs")
    one, two = (gradient_flow(rows, problem, t_end=20.0) for rows in (whole, halves))
    assert float(one["loss"][-1]) == pytest.approx(float(two["loss"][-1]), abs=1e-10)
    first, second = crossings(one), crossings(two)
    assert first.sizes["crossing"] > 0
    assert np.allclose(np.repeat(first["time"].values, 2), second["time"].values, rtol=0, atol=1e-7)
    assert np.repeat(first["event"].values, 2).tolist() == second["event"].values.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_five_neurons_keep_their_balance(seed: int) -> None:
    run = gradient_flow(start("kernel", 5, seed), gf.Problem(target="abs"), t_end=200.0)
    assert float(abs(run["invariant_drift"]).max()) <= 1e-9
    assert float(abs(run["energy_residual"]).max()) <= 1e-9
    assert np.all(np.diff(run["loss"].values) <= 1e-15)


@pytest.mark.slow
def test_slow_decay_is_followed_in_long_steps() -> None:
    rows = np.array([1.0, 0.8, 0.2, -0.3, 0.6, 0.5, 0.1])
    run = gradient_flow(rows, t_end=1e6)
    assert str(run["status_name"].values) == "reached t_end"
    assert run.sizes["time"] < 4000
    late = run.isel(time=run["time"].values > 2e5)
    slope = np.polyfit(np.log(late["time"].values), np.log(late["loss"].values), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.01)
    assert float(abs(run["invariant_drift"]).max()) <= 1e-8
    assert float(abs(run["energy_residual"]).max()) <= 1e-9


@pytest.mark.parametrize("law", [gf.Uniform(), gf.Normal(), gf.Steps([-1.0, 0.0, 1.0], [1.0, 3.0])], ids=str)
def test_of_laws(law: object) -> None:
    run = gradient_flow(start("uniform", 4, 1), gf.Problem(target="hat", law=law), t_end=5.0)
    assert str(run["status_name"].values) == "reached t_end"
    assert float(abs(run["invariant_drift"]).max()) <= 1e-10
    assert float(abs(run["energy_residual"]).max()) <= 1e-9


def test_a_fading_neuron_crosses_nothing() -> None:
    run = gradient_flow(start("glorot", 20, 1), gf.Problem(target="abs"), t_end=4.0)
    assert not any("dead" in str(event) for event in crossings(run)["event"].values)
    assert float(abs(run["energy_residual"]).max()) <= 1e-9


def test_a_neuron_that_is_dead_by_rounding_has_crossed_nothing() -> None:
    rows = start("uniform", 4, 2, (6,)).rows[:, 0]
    run = gradient_flow(rows, gf.Problem(target="abs"), t_end=12.0, rtol=1e-13)
    assert int(np.sum(run["activity"].values[-1] == 0)) == 1
    assert crossings(run)["event"].values.tolist() == ["passes knot"]
    dies = gradient_flow(
        gf.Neuron(-0.194, 0.568, -1.0, -3.0), gf.Problem(inputs=gf.Uniform(-4.0, 4.0)), t_end=1.0
    )
    assert "balanced -> dead" in crossings(dies)["event"].values


def test_frozen_parameters_stay() -> None:
    network = start("uniform", 3, 2)
    run = gradient_flow(network, gf.Problem(target="abs"), t_end=1.0, frozen=("w2", "b2"))
    assert np.all(run["w2"].values == network.w2)
    assert np.all(run["b2"].values == network.b2)
    assert float(abs(run["energy_residual"]).max()) <= 1e-9


def test_a_run_survives_a_file(tmp_path: Path) -> None:
    run = gradient_flow(start("he", 3, 1), gf.Problem(target="abs"), t_end=1.0)
    write(run, tmp_path / "run.nc")
    back = read(tmp_path / "run.nc")
    assert run.identical(back) or all(np.array_equal(run[name], back[name]) for name in run.data_vars)
    assert crossings(back).identical(crossings(run))


def test_no_time_is_the_start() -> None:
    run = gradient_flow(start("he", 3, 1), gf.Problem(target="abs"), t_end=0.0)
    assert run["time"].values.tolist() == [0.0]
