"""A verdict on dead neurons hangs on each of the numbers that it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.study.claims.dead_relu import example, neuron, settings
from gradflow.study.claims.theory.irreversibility import Returns
from tests.study.claims.test_one_altered_input_changes_the_verdict import in_turn

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize(
    ("own", "below", "expected"),
    [
        (0.0, 0.5, "refuted"),
        # Where nothing upstream learns either there is nothing to see.
        (0.0, 0.0, "open"),
        (0.5, 0.5, "reproduced"),
        (0.5, 0.0, "reproduced"),
    ],
)
def test_a_bias_and_what_is_upstream(own: float, below: float, expected: str, monkeypatch: Patch) -> None:
    pull = np.stack([np.full(500, value) for value in (below, below, own, own, own)])
    monkeypatch.setattr(neuron, "network_gradient", lambda *_: pull)
    assert neuron.bias_upstream(True).verdict == expected


@pytest.mark.parametrize("part", [2, 3, 4])
def test_each_parameter_of_the_dead_neuron_counts(part: int, monkeypatch: Patch) -> None:
    pull = np.zeros((5, 500))
    pull[:2], pull[part, 7] = 0.5, 1e-12
    monkeypatch.setattr(neuron, "network_gradient", lambda *_: pull)
    assert neuron.bias_upstream(True).verdict == "reproduced"


@pytest.mark.parametrize(
    ("gd", "ball", "adam", "expected"),
    [
        (0, 1, 1, "conditional"),
        (0, 0, 1, "conditional"),
        (0, 1, 0, "conditional"),
        (0, 0, 0, "reproduced"),
        (1, 1, 1, "refuted"),
    ],
)
def test_updates_that_stop(gd: int, ball: int, adam: int, expected: str, monkeypatch: Patch) -> None:
    moved = [{"died": 9, "moved": count, "moved_b1": count} for count in (gd, ball, adam)]
    in_turn(monkeypatch, neuron, "next_moves", moved)
    assert neuron.updates_stop(True).verdict == expected


@pytest.mark.parametrize(
    ("gd", "ball", "adam", "wrong", "expected"),
    [
        (0, 1, 1, 0, "reproduced"),
        (0, 1, 0, 0, "reproduced"),
        (0, 0, 1, 0, "reproduced"),
        (0, 0, 0, 0, "refuted"),
        (1, 1, 1, 0, "open"),
        (0, 1, 1, 1, "open"),
    ],
)
def test_a_bias_and_earlier_steps(
    gd: int, ball: int, adam: int, wrong: int, expected: str, monkeypatch: Patch
) -> None:
    moved = [{"died": 9, "moved": 1, "moved_b1": count} for count in (gd, ball, adam)]
    returns = Returns(9, 1, 1, wrong)
    in_turn(monkeypatch, neuron, "next_moves", moved)
    monkeypatch.setattr(settings, "momentum_returns", lambda n: {"heavy ball": returns})
    assert neuron.bias_earlier(True).verdict == expected


@pytest.mark.parametrize(
    ("pull", "bias", "expected"),
    [
        (0.0, -0.5, "refuted"),
        (0.0, -0.3, "reproduced"),
        (0.0, -0.4, "open"),
        (-1.0, -0.3, "reproduced"),
        # A gradient, but no move: neither what the article says nor what is proved.
        (-1.0, -0.5, "open"),
    ],
)
def test_the_example_at_the_small_rate(pull: float, bias: float, expected: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(example, "gradient", lambda *_: np.array([0.0, pull, 0.0, 1.0]))
    monkeypatch.setattr(settings, "run_example", lambda *_: np.array([0.1, bias, 1.0, 0.25]))
    assert example.case1_bias(True).verdict == expected
