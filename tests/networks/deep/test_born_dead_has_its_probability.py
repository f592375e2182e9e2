"""The probability of a network that is dead before training: closed forms against draws and enumeration."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gradflow.descent import GD
from gradflow.networks.deep import Network, Start, forward, initial, teacher_task, train
from gradflow.networks.deep.born_dead import (
    born_dead_bounds,
    born_dead_frequency,
    born_dead_probability,
    dead_at_birth,
)

# A false alarm in one of a million runs of a test; the seeds are fixed all the same.
RARE = 1e-6
ONE = np.array([[0.7]])


@pytest.mark.parametrize("kind", [np.uint8, np.uint64, np.int8, np.int64])
def test_widths_are_integers_of_any_kind(kind: Any) -> None:
    for widths in ((1,), (2, 3), (100, 127), (3,) * 10):
        typed = [kind(width) for width in widths]
        assert born_dead_probability(typed) == born_dead_probability(widths) > 0.0
        assert born_dead_bounds(typed) == born_dead_bounds(widths)
        found = born_dead_frequency(typed, trials=kind(50), seed=kind(3))
        assert found == born_dead_frequency(widths, trials=50, seed=3)
        assert np.array_equal(dead_at_birth(kind(len(widths))), dead_at_birth(len(widths)))


@pytest.mark.parametrize("widths", [(1,), (2, 3), (3,) * 10, (5,) * 10, (4, 1, 6)])
@pytest.mark.parametrize("scheme", ["he", "lecun"])
def test_at_one_input_it_is_exact(widths: tuple[int, ...], scheme: str) -> None:
    found = born_dead_frequency(widths, ONE, trials=8000, scheme=scheme, seed=1)
    assert binomtest(found.dead, found.trials, born_dead_probability(widths)).pvalue > RARE


def test_also_for_inputs_of_many_dimensions_on_one_ray() -> None:
    x = np.array([[0.3, -1.0, 2.0]]) * np.array([[0.1], [1.0], [7.0]])
    found = born_dead_frequency((2, 2, 2), x, trials=8000, seed=2)
    assert binomtest(found.dead, found.trials, born_dead_probability((2, 2, 2))).pvalue > RARE


def test_with_symmetric_biases_some_layer_is_dead_as_often() -> None:
    found = born_dead_frequency((2, 3, 2), np.array([[0.0]]), trials=8000, scheme="torch", seed=3)
    assert binomtest(found.dead, found.trials, born_dead_probability((2, 3, 2))).pvalue > RARE


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_it_is_what_counting_signs_gives(widths: list[int]) -> None:
    # Every pattern of signs of one layer is equally likely; a layer with no + ends the path.
    alive = 1.0
    for n in widths:
        patterns = list(itertools.product((-1, 1), repeat=n))
        alive *= sum(max(p) > 0 for p in patterns) / len(patterns)
    assert born_dead_probability(widths) == pytest.approx(1.0 - alive, abs=1e-15)


def test_it_keeps_its_digits_where_it_is_tiny() -> None:
    assert born_dead_probability((100,) * 3) == pytest.approx(3 * 2.0**-100, rel=1e-12)
    assert born_dead_probability((1,)) == 0.5
    none = born_dead_probability((2000,))
    assert none == 0.0
    assert math.copysign(1.0, none) == 1.0


@pytest.mark.parametrize("widths", [(2, 2), (1, 3), (3, 1), (2, 4)])
@pytest.mark.parametrize("scheme", ["he", "doubled"])
def test_on_both_sides_it_is_exact_for_two_layers(widths: tuple[int, ...], scheme: str) -> None:
    low, high = born_dead_bounds(widths)
    first, second = 2.0 ** -widths[0], 2.0 ** -widths[1]
    assert low == high == pytest.approx(2 * first * second + (1 - 2 * first) * second**2)
    found = born_dead_frequency(widths, trials=20_000, scheme=scheme, seed=5)
    assert binomtest(found.dead, found.trials, low).pvalue > RARE


def uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(-1.0, 1.0, shape), np.zeros(shape[:-1])


@pytest.mark.parametrize("widths", [(2,) * 4, (3,) * 10, (5,) * 10, (4, 2, 6, 3)])
def test_on_both_sides_it_is_between_the_bounds(widths: tuple[int, ...]) -> None:
    low, high = born_dead_bounds(widths)
    assert 0.0 < low < high <= born_dead_probability(widths)
    for scheme in ("he", uniform):
        found = born_dead_frequency(widths, trials=8000, scheme=scheme, seed=6)
        assert binomtest(found.dead, found.trials, low, alternative="less").pvalue > RARE
        assert binomtest(found.dead, found.trials, high, alternative="greater").pvalue > RARE


def test_one_hidden_layer_is_never_dead_on_both_sides() -> None:
    assert born_dead_bounds((1,)) == (0.0, 0.0)
    assert born_dead_frequency((1,), trials=5000).dead == 0


def test_a_network_born_dead_is_constant_and_does_not_learn() -> None:
    task = teacher_task(21)
    network = Network(1, (2,) * 6)
    run = train(network, task, GD(0.1), 50, start=Start(200), record_every=50)
    dead = (run["off"][0] == 1.0).any("layer").values
    low, high = born_dead_bounds(network.widths)
    assert binomtest(int(dead.sum()), 200, low, alternative="less").pvalue > RARE
    assert binomtest(int(dead.sum()), 200, high, alternative="greater").pvalue > RARE
    best = float(np.var(task.y))
    assert np.all(run["loss"][-1, dead] >= best - 1e-12)
    theta = initial(network, [int(np.flatnonzero(dead)[0])])
    assert np.ptp(forward(network, theta, task.x).output) == 0.0


def test_the_share_of_units_dead_at_birth() -> None:
    shares = dead_at_birth(40)
    assert shares[:2].tolist() == pytest.approx([0.0, 0.25], abs=1e-15)
    assert shares[2] == pytest.approx(0.5 - math.acos(1 / math.pi) / (2 * math.pi))
    assert np.all(np.diff(shares) > 0)
    assert np.all(shares < 0.5)
    # Wide networks, drawn: the standard error of a layer's share is below 0.011.
    run = train(Network(1, (200,) * 6), teacher_task(2), GD(0.1), 0, start=Start(12))
    np.testing.assert_allclose(run["off"][0].mean("network"), shares[:6], atol=0.05)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_unit_of_the_second_layer(n: int) -> None:
    run = train(Network(1, (n, 1)), teacher_task(2), GD(0.1), 0, start=Start(4000))
    count = int(np.sum(run["off"][0, 1] == 1.0))
    assert binomtest(count, 4000, 0.25 + 2.0 ** (-1 - n)).pvalue > RARE


@pytest.mark.parametrize("widths", [(), (3, 0), (2.5,), (True,)])
def test_bad_widths_are_one_line(widths: tuple[int, ...]) -> None:
    for function in (born_dead_probability, born_dead_bounds, born_dead_frequency):
        with pytest.raises((TypeError, ValueError), match="widths: expected"):
            function(widths)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1e200])
def test_inputs_that_are_no_numbers_are_not_counted_as_dead(bad: float) -> None:
    with pytest.raises(ValueError, match=r"^x: expected numbers between"):
        born_dead_frequency((2,), np.array([[1.0], [bad]]))
