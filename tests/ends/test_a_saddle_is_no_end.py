"""A trajectory that lingers at a saddle is undecided, and every engine waits until it has left."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends import bracket, flow_outcomes, flow_run
from gradflow.ends.outcome import GLOBAL, UNDECIDED, outcome
from gradflow.ends.rest import at_rest
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron, Problem
from gradflow.runs import gradient_flow
from gradflow.runs.records import limit

SADDLES = [(1e-8, 2e-8, 1e-8, 0.25), (1e-7, 2e-7, 1e-7, 0.25), (2e-8, 1e-8, 2e-8, 0.25)]


@pytest.mark.parametrize("start", SADDLES)
def test_a_start_beside_a_saddle_is_not_at_rest(start: tuple[float, ...]) -> None:
    assert np.linalg.norm(gradient(start)) < 1e-6
    assert not at_rest(np.array(start))
    assert outcome(np.array(start)) == UNDECIDED
    short = gradient_flow(Neuron(*start), t_end=5.0)
    assert int(short["outcome"]) == UNDECIDED
    assert np.all(np.isnan(limit(short)))


@pytest.mark.some(1)
@pytest.mark.parametrize("start", SADDLES)
def test_all_engines_follow_it_to_the_same_end(start: tuple[float, ...]) -> None:
    neuron = Neuron(*(np.array([value]) for value in start))
    long = int(gradient_flow(Neuron(*start), t_end=2000.0)["outcome"])
    assert long == GLOBAL
    assert flow_outcomes(neuron, Problem())[0] == long
    assert flow_run(neuron, Problem()).outcome[0] == long
    assert flow_run(neuron, Problem(), theory=False).outcome[0] == long


def test_a_minimum_and_a_line_are_at_rest() -> None:
    assert at_rest(np.array([1.0, 0.0, 1.0, 0.0]))
    assert at_rest(np.array([1.0, 2.0, 0.5, -0.75]))


@pytest.mark.slow
def test_the_threshold_does_not_depend_on_what_counts_as_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(b1: np.ndarray) -> np.ndarray:
        return flow_outcomes(Neuron(b1=b1), Problem())

    found = []
    for margin in (10.0, 3.0):
        monkeypatch.setattr("gradflow.ends.rest.MARGIN", margin)
        found.append(bracket(decide, (1.1305, 1.1306), tol=1e-9, scan=3))
    assert abs(found[0].value - found[1].value) <= found[0].uncertainty + found[1].uncertainty


@pytest.mark.parametrize(
    "start", [Neuron(b1=-2.0), Neuron(1.0, 0.3, 1.0, -2.0), Neuron(-1.0, 0.0, -2.0, 1.0)]
)
@pytest.mark.parametrize("t_end", [0.0, 5e-324, 1e-12, 3.0])
def test_no_time_is_recorded_twice(start: Neuron, t_end: float) -> None:
    times = gradient_flow(start, t_end=t_end)["time"].values
    assert np.all(np.diff(times) > 0)
    assert times[0] == 0.0


@pytest.mark.some(1)
@pytest.mark.parametrize("w1", [300.0, 1e4, 1e6])
def test_very_unequal_weights_are_followed_to_the_end(w1: float) -> None:
    run = gradient_flow(Neuron(w1=w1, b2=-1.0))
    assert run.sizes["time"] < 10_000
    assert float(run["time"][-1]) == 200.0
    assert int(run["outcome"]) == GLOBAL
    assert np.max(np.abs(run["invariant_drift"].values)) < 1e-12 * w1**2
