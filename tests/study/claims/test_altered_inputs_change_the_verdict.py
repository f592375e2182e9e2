"""A claim says what was computed: with another optimiser, problem or field it comes out otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall
from gradflow.descent import check as check_config
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.study.claims import LEDGER, check, select
from gradflow.study.claims.single_neuron import observation0, observation1, observation2, settings
from gradflow.study.claims.theory import irreversibility, large_bias, large_rate
from gradflow.theory.stability import flattest_minimum, stable_minima
from gradflow.theory.steps import Rates, killing_rates

THEORY = (irreversibility, large_bias, large_rate)
MODULES = (settings, observation0, observation1, observation2, *THEORY)
SHALLOW = Problem(teacher=Neuron(w2=0.5), inputs=grid(100))
SMOOTH = Problem(teacher=Neuron(b1=3.0), inputs=grid(100))
SLOPED = Problem(inputs=grid(100), activation=(0.3, 1.0))


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
    assert "is not on the best line after 3000 steps" in summary


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
    # Unchanged it is "as the closed form", as is frozen.
    monkeypatch.setattr(observation2, "gradient", lambda *arguments: 1.0 + gradient(*arguments))
    assert "), not as the closed form" in verdict("obs2.frozen")[1]


def test_a_start_that_does_not_die(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, START=Neuron())
    assert verdict("obs2.frozen")[0] == "open"


def test_a_threshold_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradflow.ends import Threshold

    def elsewhere(*_: Any, **__: Any) -> Threshold:
        return Threshold(0.25, 1e-6, "global", "linear", 1)

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


def test_a_slope_that_lets_the_dead_return(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, POPULATION=Problem(activation=(0.1, 1.0)))
    found, summary = verdict("theory.irreversibility")
    assert found == "refuted"
    assert summary.startswith("Not so")
    for name in ("theory.large-b2", "theory.large-rate"):
        assert verdict(name)[0] == "open", "the theorems are about a slope of 0"


def test_momentum_left_over_brings_some_back_at_the_predicted_step() -> None:
    for config in irreversibility.MOMENTUM.values():
        assert check_config(config) == config
        returns = irreversibility.after_death(config, 1000)
        assert 0 < returns.returned == returns.predicted
        assert returns.wrong == 0


def test_without_momentum_and_decay_death_is_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(irreversibility, "MOMENTUM", {"heavy ball": HeavyBall(0.2, 0.0)})
    monkeypatch.setattr(irreversibility, "DECAY", 0.0)
    assert verdict("theory.irreversibility")[0] == "reproduced"


@pytest.mark.slow
def test_returns_at_another_step_than_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("revival", "decay_revival"):
        with monkeypatch.context() as patch:
            true = getattr(irreversibility, name)
            later = lambda *arguments, true=true: (k := true(*arguments)) + (k > 0)  # noqa: E731
            patch.setattr(irreversibility, name, later)
            found, summary = verdict("theory.irreversibility")
            assert found == "open"
            assert "The predicted step is wrong in" in summary


def test_a_trap_that_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, trapped=lambda theta, problem: np.ones(theta.shape[1:], bool))
    assert verdict("theory.irreversibility")[0] == "open"


def test_rates_that_kill_according_to_another_theorem(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*arguments: Any) -> Rates:
        return Rates(*(end + 1e-2 for end in killing_rates(*arguments)))

    everywhere(monkeypatch, killing_rates=later)
    assert verdict("theory.large-b2")[0] == "open"
    found, summary = verdict("theory.large-rate")
    assert found == "open"
    assert "random rates 0 do otherwise" not in summary


def test_a_teacher_that_moves_the_threshold_in_b2(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, POPULATION=Problem(teacher=Neuron(b2=0.25)))
    assert verdict("theory.large-b2")[0] == "open"


def test_a_flow_that_may_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, survives_until=lambda neuron, problem: np.asarray(neuron.b2) * 0.0 + 3.0)
    found, summary = verdict("theory.large-b2")
    assert found == "reproduced"
    assert "the flow may kill" in summary
    found, summary = verdict("theory.large-rate")
    assert found == "refuted"
    assert "may kill after t = 3" in summary


def test_a_limit_of_the_rates_that_is_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(
        monkeypatch, flattest_minimum=lambda problem: flattest_minimum(problem)._replace(sharpness=4.0)
    )
    found, summary = verdict("theory.large-rate")
    assert found == "open"
    assert "above the rate 0.500000" in summary


def test_minima_that_are_not_stable_at_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, stable_minima=lambda problem, rate: stable_minima(problem, 1.2 * rate))
    found, summary = verdict("theory.large-rate")
    assert found == "open"
    assert ", all but " in summary


def test_a_start_that_no_rate_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, START=Neuron())
    assert verdict("theory.large-rate")[0] == "refuted"
