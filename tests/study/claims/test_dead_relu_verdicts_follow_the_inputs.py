"""The article on dead ReLUs: with another example, gradient or theorem the verdicts come out otherwise."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, HeavyBall
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.dead_relu import example, neuron, settings, summary, upstream
from gradflow.study.claims.dead_relu.table import CLAIMS, TITLE, UNTESTABLE
from gradflow.study.claims.ledger import Finding, check, select
from gradflow.study.claims.theory import irreversibility
from gradflow.theory.upstream import earliest_revival, gradient, limit

MODULES: tuple[ModuleType, ...] = (settings, neuron, example, upstream, summary, irreversibility)
LEAKY = Problem(activation=(0.3, 1.0))


def found(name: str) -> Finding:
    """Return the finding of a quick check."""
    return check(select(CLAIMS, [name])[0], quick=True).finding


def everywhere(patch: pytest.MonkeyPatch, **names: Any) -> None:
    """Replace names wherever the claims have imported them."""
    for name, value in names.items():
        holders = [module for module in MODULES if hasattr(module, name)]
        assert holders, name
        for module in holders:
            patch.setattr(module, name, value)


def test_every_sentence_is_a_claim_or_has_a_reason() -> None:
    assert [claim.id for claim in CLAIMS] == list(dict.fromkeys(claim.id for claim in CLAIMS))
    assert all(claim.source.startswith(f"{TITLE}, ") for claim in CLAIMS)
    assert all(claim.claim.endswith(".") for claim in CLAIMS)
    assert all(len(entry) == 2 and all(part.endswith(".") for part in entry) for entry in UNTESTABLE)


@pytest.mark.slow
def test_a_leaky_neuron_goes_on_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = {"GD": GD(0.05), "heavy ball": HeavyBall(0.01, 0.9)}
    everywhere(monkeypatch, PROBLEM=LEAKY, RATES=(1e-6, 1e-4, 0.01, 0.1), OPTIMISERS=slow)
    assert found("dead.zero-output").verdict == "refuted"
    assert found("dead.updates-stop").verdict == "refuted"
    # These rest on a theorem for a slope of 0, which the numbers now contradict.
    for name in ("recovers", "reversible", "large-crosses", "bias-earlier", "no-guarantee", "key-mechanism"):
        assert found(f"dead.{name}").verdict == "open", name
    assert found("dead.case1-bias").verdict != "refuted"


def test_without_momentum_nothing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, MOMENTUM={"heavy ball": HeavyBall(0.2, 0.0)}, OPTIMISERS={"GD": GD(0.2)})
    assert found("dead.updates-stop").verdict == "reproduced"
    assert found("dead.bias-earlier").verdict == "refuted"


@pytest.mark.slow
def test_without_any_mechanism_the_dead_stay_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    none = irreversibility.Returns(10, 0, 0, 0)
    for holder in (settings,):
        monkeypatch.setattr(holder, "momentum_returns", lambda n: {"heavy ball": none, "Adam": none})
        monkeypatch.setattr(holder, "decay_returns", lambda n: none)
    everywhere(monkeypatch, revival_time=lambda network, task: np.full(np.shape(network.a), np.inf))
    assert found("dead.recovers").verdict == "refuted"
    assert found("dead.reversible").verdict == "refuted"


def test_momentum_that_a_rate_does_not_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neuron, "AMPLIFIED", (0.05, 0.05))
    assert found("dead.amplifies").verdict == "refuted"


def test_a_gradient_that_reaches_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    more = lambda *arguments: 1.0 + gradient(*arguments)  # noqa: E731
    everywhere(monkeypatch, network_gradient=more)
    monkeypatch.setattr(upstream, "gradient", more)
    assert found("dead.bias-upstream").verdict == "reproduced"
    assert found("dead.surroundings").verdict == "open"
    assert found("dead.input-evolves").verdict == "open"


def test_small_rates_that_bring_none_back(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(
        monkeypatch, revival_steps=lambda network, task, rate, longest: np.full(np.shape(network.a), -1)
    )
    assert found("dead.small-never").verdict == "reproduced"
    assert found("dead.small-unlikely").verdict == "reproduced"
    assert found("dead.demonstrates").verdict == "refuted"


def test_an_end_that_is_not_the_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(*arguments: Any) -> Any:
        return type(end := limit(*arguments))(*(part + 1.0 for part in end))

    everywhere(monkeypatch, limit=elsewhere)
    assert found("dead.rate-sets-size").verdict == "reproduced"


@pytest.mark.slow
def test_rates_that_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, UPSTREAM_RATES=(0.01,), FOLLOWED=(0.01, 0.01))
    monkeypatch.setattr(settings.sweep, "__defaults__", ((0.01, 0.01), 300, 0.004))
    assert found("dead.rate-matters").verdict == "refuted"
    assert found("dead.rate-decides").verdict == "refuted"
    assert found("dead.large-likely").verdict == "refuted"
    assert found("dead.large-crosses").verdict == "refuted"
    assert found("dead.key-mechanism").verdict == "refuted"


def test_a_budget_that_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, BUDGET=20_000)
    assert found("dead.small-minimal").verdict == "refuted"


def test_a_bound_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, earliest_revival=lambda *arguments: 1e3 * earliest_revival(*arguments))
    assert found("dead.small-unlikely").verdict == "open"
    everywhere(monkeypatch, limit=lambda *arguments: type(e := limit(*arguments))(*(0.1 * p for p in e)))
    everywhere(monkeypatch, revival_time=lambda network, task: np.ones(np.shape(network.a)))
    assert found("dead.no-guarantee").verdict == "open"


@pytest.mark.slow
def test_another_example(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, EXAMPLE=Neuron(0.2, -0.5, 1.0, 0.0))
    assert found("dead.example-dead").values["wall"] == 2.5
    assert found("dead.case2-threshold").verdict == "refuted"
    everywhere(monkeypatch, EXAMPLE=Neuron(0.1, 0.5, 1.0, 0.0))
    assert found("dead.case1-never").verdict == "refuted"
    assert found("dead.case1-bias").verdict != "refuted"
    assert found("dead.example-dead").verdict == "refuted"
    everywhere(monkeypatch, EXAMPLE=Neuron(0.1, -30.0, 1.0, 0.0))
    assert found("dead.example-dead").verdict == "reproduced"


def test_other_stated_biases(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, STATED_SMALL=(-0.5, -0.500_000_1, -0.500_000_2))
    assert found("dead.case1-negligible").verdict == "reproduced"
    assert found("dead.case1-never").verdict == "reproduced"
    # Consistent with each other and with a neuron that moves.
    everywhere(
        monkeypatch,
        STATED_SMALL=(-0.5, -0.4999),
        STATED_LARGE=(-0.5, -0.49, -0.48),
        EXAMPLE=Neuron(0.1, 0.5, 1.0, 0.0),
    )
    assert found("dead.case2-bias").verdict == "reproduced"


def test_a_revived_neuron_without_a_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "gradient", lambda theta, problem: np.zeros_like(theta))
    assert found("dead.case2-resumes").verdict == "refuted"


def test_a_theorem_that_fails_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    none = irreversibility.Returns(10, 5, 5, 3)
    monkeypatch.setattr(settings, "momentum_returns", lambda n: {"heavy ball": none})
    assert found("dead.bias-earlier").verdict == "open"


def returned(alone: int = 0, ball: int = 0, decay: int = 0, upstream: int = 0) -> dict[str, Any]:
    """Return what `mechanisms` gives if so many come back by each."""

    def of(back: int) -> irreversibility.Returns:
        return irreversibility.Returns(10, back, back, 0)

    return {
        "gradient_alone": {"returned": alone, "neurons": 10, "rates": [0.1]},
        "heavy_ball": of(ball),
        "Adam": of(0),
        "decay_of_the_bias": of(decay),
        "upstream": {
            "returned": upstream,
            "networks": 10,
            "largest_gradient_without_a_second_path": 0.0,
        },
    }


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ({}, "refuted"),
        ({"ball": 1}, "reproduced"),
        ({"decay": 1}, "reproduced"),
        ({"upstream": 1}, "reproduced"),
        ({"alone": 1, "upstream": 1}, "open"),
    ],
)
def test_one_that_recovers_is_enough(
    by: dict[str, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere(monkeypatch, mechanisms=lambda quick: returned(**by))
    assert found("dead.recovers").verdict == expected
    assert found("dead.reversible").verdict == expected


def swept(budget: Any, settled: Any, time: Any, rates: tuple[float, ...]) -> settings.Revivals:
    """Return a sweep over given networks (rows) and rates (columns), all stable."""
    network = settings.dead_networks(len(time))
    back = np.array(budget, dtype=bool), np.array(settled, dtype=bool)
    return settings.Revivals(network, np.array(time), rates, *back, np.ones(back[0].shape, bool))


@pytest.mark.parametrize(
    ("budget", "settled", "expected"),
    [
        # Who is back within the budget and in the end, at two rates.
        ([[0, 1], [0, 0]], [[0, 1], [0, 0]], "reproduced"),
        ([[0, 1], [0, 0]], [[1, 1], [0, 0]], "conditional"),
        ([[1, 1], [0, 0]], [[1, 1], [0, 0]], "refuted"),
    ],
)
def test_what_the_rate_decides(
    budget: Any, settled: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_by_hand = swept(budget, settled, [1.0, np.inf], (0.01, 0.1))
    monkeypatch.setattr(settings, "sweep", lambda *_: found_by_hand)
    assert found("dead.rate-matters").verdict == expected
    assert found("dead.large-crosses").verdict == ("refuted" if expected == "refuted" else "reproduced")


@pytest.mark.parametrize(
    ("settled", "expected"),
    [
        ([[0, 1], [0, 1], [1, 1]], "reproduced"),
        ([[0, 1], [1, 1], [0, 0]], "conditional"),
        ([[0, 0], [1, 1], [1, 1]], "refuted"),
    ],
)
def test_the_rate_decides_for_most_for_few_or_for_none(
    settled: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "sweep", lambda *_: swept(settled, settled, [1.0] * 3, (0.01, 0.1)))
    assert found("dead.rate-decides").verdict == expected


@pytest.mark.parametrize(
    ("inputs", "parameters", "expected"),
    [
        (True, True, "reproduced"),
        (True, False, "conditional"),
        (False, True, "conditional"),
        (False, False, "refuted"),
    ],
)
def test_moderate_rates_shift_inputs_and_parameters(
    inputs: int, parameters: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = [[0, inputs, inputs]]
    monkeypatch.setattr(settings, "sweep", lambda *_: swept(back, back, [1.0], (1e-4, 0.01, 0.05)))
    rows = [np.array([on]) for on in (False, parameters, parameters)]
    monkeypatch.setattr(
        summary, "pushed", lambda rates, n: {"Adam": rows, neuron.NO_MOMENTUM: [~rows[0]] * 3}
    )
    assert found("dead.moderate").verdict == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (((20, 1), (30, 2)), "reproduced"),
        (((4, 4), (30, 2)), "conditional"),
        (((4, 4), (0, 0)), "refuted"),
        # As many are lost as gained: the rate does not bring back, it shuffles.
        (((30, 30), (30, 40)), "refuted"),
    ],
)
def test_gains_of_a_rate_are_held_against_its_losses(
    changes: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {f"{i}": upstream.Against(200, 100, lost, gained) for i, (gained, lost) in enumerate(changes)}
    monkeypatch.setattr(summary, "compared", lambda found: entries)
    monkeypatch.setattr(settings, "sweep", lambda *_: swept([[0]], [[0]], [1.0], (0.1,)))
    finding = found("dead.key-mechanism")
    assert finding.verdict == expected
    assert all(f"{entry.lost} of 100 lost" in finding.summary for entry in entries.values())


@pytest.mark.parametrize(("settled", "expected"), [([[0]], "reproduced"), ([[1]], "refuted")])
def test_one_that_no_rate_brings_back_is_enough(
    settled: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "sweep", lambda *_: swept(settled, settled, [np.inf], (0.1,)))
    assert found("dead.no-guarantee").verdict == expected


def test_a_layer_below_that_stands_still_in_some_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def still(network: Any, *arguments: Any) -> Any:
        pull = np.array(gradient(network, *arguments))
        pull[:, 0] = 0.0
        return pull

    def end(network: Any, *arguments: Any) -> Any:
        return limit(network, *arguments)._replace(a=np.asarray(network.a), c=np.asarray(network.c))

    assert found("dead.input-evolves").verdict == "conditional"
    monkeypatch.setattr(upstream, "gradient", still)
    assert found("dead.surroundings").verdict == "refuted"
    monkeypatch.setattr(upstream, "limit", end)
    assert found("dead.input-evolves").verdict == "refuted"


def test_momentum_that_acts_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    back = {
        name: [np.zeros(3, bool), np.ones(3, bool)] for name in ("heavy ball", "Adam", neuron.NO_MOMENTUM)
    }
    monkeypatch.setattr(neuron, "pushed", lambda rates, n: back)
    assert found("dead.amplifies").verdict == "open"
    back[neuron.NO_MOMENTUM][1][:] = False
    assert found("dead.amplifies").verdict == "reproduced"


def test_a_wall_that_is_not_where_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "bracket", lambda *_, **__: type("Found", (), {"value": 6.0}))
    assert found("dead.example-dead").verdict == "open"
