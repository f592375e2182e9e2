"""The flow on a sample is the limit of gradient descent, where breakpoints pass inputs or stop at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line
from gradflow.runs import crossings

NAMES = ("w1", "b1", "w2", "b2")


def some_problem(seed: int, n: int = 7, **given: Any) -> gf.Problem:
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.uniform(-1, 1, n)), rng.normal(size=n)
    return gf.Problem(inputs=gf.Sample(x, weights=rng.uniform(0.5, 1.0, n), targets=y), **given)


def last(run: Any) -> np.ndarray:
    return np.concatenate([np.ravel(run[name].values[-1]) for name in NAMES])


def by_steps(rows: np.ndarray, problem: gf.Problem, t_end: float, steps: int) -> np.ndarray:
    return last(gf.train(line.of_rows(rows), problem, gf.GD(t_end / steps), steps, record_every=steps))


@pytest.mark.parametrize("seed", [4, 5])
def test_of_small_steps(seed: int) -> None:
    problem, start = some_problem(seed), line.start("kernel", 3, seed)
    run = gf.gradient_flow(start, problem, t_end=6.0)
    assert str(run["status_name"].values) == "reached t_end"
    events = set(crossings(run)["event"].values.tolist())
    assert "passes input" in events
    coarse, fine = (np.max(np.abs(by_steps(start.rows, problem, 6.0, n) - last(run))) for n in (600, 2400))
    # Of first order: a quarter of the step, a quarter of the error, but for steps to and fro at an input.
    assert fine < 0.5 * coarse
    assert fine < 2e-3
    assert np.max(np.abs(run["energy_residual"].values)) < 1e-9
    assert np.max(np.abs(run["invariant_drift"].values)) < 1e-9
    assert np.all(np.diff(run["loss"].values) < 1e-12)


def test_a_breakpoint_that_stops_stays_on_its_input() -> None:
    problem, start = some_problem(1, 9), line.start("kernel", 4, 1)
    run = gf.gradient_flow(start, problem, t_end=30.0)
    found = crossings(run)
    stops = [i for i, event in enumerate(found["event"].values.tolist()) if event == "stops at input"]
    assert stops
    for i in stops:
        j, t, x = (found[name].values[i] for name in ("neuron", "time", "x"))
        leaves = (found["event"].values == "leaves input") & (found["neuron"].values == j)
        later = found["time"].values[leaves & (found["time"].values > t)]
        ends = later[0] if later.size else 30.0
        while_there = (run["time"].values > t) & (run["time"].values <= ends)
        assert np.max(np.abs(run["breakpoint"].values[while_there, j] - x)) < 1e-9


def test_a_start_on_an_input_has_an_answer() -> None:
    """He's start has all breakpoints at 0, which an odd grid has too."""
    run = gf.gradient_flow(line.start("he", 3, 2), gf.Problem(inputs=gf.grid(5), target="abs"), t_end=3.0)
    steps = by_steps(line.start("he", 3, 2).rows, gf.Problem(inputs=gf.grid(5), target="abs"), 3.0, 2000)
    assert np.max(np.abs(steps - last(run))) < 5e-3


def test_one_neuron_flows_on_a_sample() -> None:
    run = gf.gradient_flow(gf.Neuron(1.0, 0.3, 0.5, 0.1), gf.Problem(inputs=gf.grid(9)), t_end=20.0)
    assert "neuron" not in run.dims
    assert float(run["loss"][-1]) < 0.05 * float(run["loss"][0])
    assert np.max(np.abs(run["energy_residual"].values)) < 1e-9


@pytest.mark.parametrize("loss", ["huber=0.3", "logistic", "exponential"])
@pytest.mark.parametrize("activation", ["leaky-relu=0.1", "tanh"])
def test_of_other_losses(loss: str, activation: str) -> None:
    x = np.linspace(-1, 1, 6)
    inputs = gf.Sample(x, targets=np.sign(np.sin(4.0 * x)))
    problem = gf.Problem(inputs=inputs, loss=loss, activation=activation)
    start = line.start("kernel", 2, 3)
    run = gf.gradient_flow(start, problem, t_end=1.0)
    assert np.max(np.abs(by_steps(start.rows, problem, 1.0, 500) - last(run))) < 3e-3
    assert np.max(np.abs(run["energy_residual"].values)) < 1e-9


def test_frozen_parameters_stay() -> None:
    start = line.start("kernel", 3, 1)
    run = gf.gradient_flow(start, some_problem(1), t_end=2.0, frozen=("w2", "b2"))
    assert np.array_equal(run["w2"].values[-1], start.w2)
    assert float(run["b2"][-1]) == float(start.b2)
    assert np.max(np.abs(run["energy_residual"].values)) < 1e-9


def test_a_loss_with_corners_has_no_flow_here() -> None:
    with pytest.raises(ValueError, match="loss: the flow takes one whose slope does not jump, got absolute"):
        gf.gradient_flow(gf.Neuron(), gf.Problem(inputs=gf.grid(5), loss="absolute"))


def test_a_neuron_that_goes_out_stays_out() -> None:
    """With one input a neuron that leaves it has no gradient: it crosses once, not at every step."""
    rng = np.random.default_rng(29)
    rng.integers(1, 5), rng.integers(1, 7)
    some = (-1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
    start = gf.Network(
        rng.choice(some, 4), rng.choice(some, 4), rng.choice(some, 4), float(rng.choice(some, 1)[0])
    )
    x = rng.choice(some, 1)
    rng.choice(["squared", "huber=0.4", "logistic", "exponential"])
    problem = gf.Problem(inputs=gf.Sample(x, targets=np.sign(rng.normal(size=1))), loss="logistic")
    run = gf.gradient_flow(start, problem, t_end=4.0, max_steps=3000)
    assert str(run["status_name"].values) == "reached t_end"
    assert len(crossings(run)["event"]) < 10
