"""A claim says what was computed: with another optimiser, problem or field it comes out otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.claims import LEDGER, check, select
from gradflow.claims.single_neuron import observation0, observation1, observation2, settings
from gradflow.descent import GD, Adam
from gradflow.field import gradient
from gradflow.problem import Neuron, Problem, Uniform, grid

MODULES = (settings, observation0, observation1, observation2)
SHALLOW = Problem(teacher=Neuron(w2=0.5), inputs=grid(100))
SMOOTH = Problem(teacher=Neuron(b1=3.0), inputs=grid(100))
SLOPED = Problem(inputs=grid(100), slopes=(0.3, 1.0))


def verdict(name: str) -> tuple[str, str]:
    """Return the verdict and the summary of a quick check."""
    record = check(select(LEDGER, [name])[0], quick=True).record()
    return record["verdict"], record["evidence"]["summary"]


def everywhere(patch: pytest.MonkeyPatch, **names: Any) -> None:
    """Replace names wherever the claims have imported them."""
    for module in MODULES:
        for name, value in names.items():
            if hasattr(module, name):
                patch.setattr(module, name, value)


def only(patch: pytest.MonkeyPatch, problem: Problem, dtype: str = "float64", **names: Any) -> None:
    """Let every setting be one problem in one precision."""
    labelled = tuple((f"setting {i}", problem, dtype) for i in range(1))
    everywhere(patch, SETTINGS=labelled, SAMPLE=problem, **names)


def optimiser(patch: pytest.MonkeyPatch, config: Any, steps: int = 400) -> None:
    """Replace Adam at rate 0.01, which is also a default of `curve` and `final`."""
    everywhere(patch, ADAM=config, STEPS=steps)
    for function in (settings.curve, settings.final):
        patch.setattr(function, "__defaults__", (config, steps, "float64"))


@pytest.mark.parametrize("name", ["obs1.works", "obs1.stuck", "obs1.line", "obs1.kink"])
def test_an_optimiser_that_stands_still(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    optimiser(monkeypatch, Adam(lr=1e-9), steps=400)
    found, summary = verdict(name)
    assert found in ("refuted", "open"), summary


@pytest.mark.parametrize("name", ["obs0.hyperactive", "obs1.threshold", "obs1.teacher", "obs1.large-b2"])
def test_an_optimiser_that_has_no_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    optimiser(monkeypatch, Adam(lr=1e-9), steps=20)
    found, summary = verdict(name)
    assert found in ("refuted", "open"), summary


@pytest.mark.slow
def test_gradient_descent_instead_of_adam(monkeypatch: pytest.MonkeyPatch) -> None:
    optimiser(monkeypatch, GD(lr=0.1), steps=3000)
    found, summary = verdict("obs1.stuck")
    assert found == "refuted"
    assert "does not end on the best line" in summary


def test_a_teacher_without_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, SMOOTH)
    found, summary = verdict("obs2.lr-0.4")
    assert found == "refuted", summary


def test_a_leaky_neuron_does_not_die(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, SLOPED)
    found, summary = verdict("obs2.lr-0.4")
    assert found == "refuted", summary
    assert summary.startswith("Not")


@pytest.mark.slow
def test_another_teacher_has_other_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, SHALLOW)
    everywhere(monkeypatch, POPULATION=Problem(teacher=Neuron(w2=0.5)))
    assert verdict("obs0.dead")[0] == "refuted"
    assert verdict("obs1.figure")[0] == "refuted"


def test_inputs_that_are_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, Problem(inputs=Uniform(0.5, 1.0)))
    assert verdict("obs1.kink")[0] == "refuted"


def test_a_prediction_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "), as the closed form" in verdict("obs2.frozen")[1]
    monkeypatch.setattr(observation2, "gradient", lambda *arguments: 1.0 + gradient(*arguments))
    assert "), not as the closed form" in verdict("obs2.frozen")[1]


def test_a_start_that_does_not_die(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, START=Neuron())
    assert verdict("obs2.frozen")[0] == "open"


def test_a_threshold_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradflow.basins import Threshold

    def elsewhere(*_: Any, **__: Any) -> Threshold:
        return Threshold(0.25, 1e-6, "global", "linear")

    everywhere(
        monkeypatch,
        bracket=elsewhere,
        descent_outcomes=lambda *_, **__: np.zeros(51, np.int8),
        flow_outcomes=lambda *_, **__: np.zeros(4, np.int8),
    )
    for name, expected in (("obs0.thresholds", "refuted"), ("obs1.threshold", "refuted")):
        assert verdict(name)[0] == expected
    assert verdict("obs1.large-b2")[0] == "refuted"
    assert "0.2500" in verdict("obs2.gd")[1]
