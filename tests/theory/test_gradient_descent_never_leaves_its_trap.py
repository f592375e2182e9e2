"""A hunt for counterexamples of gradient descent's trap: neurons barely inside it, trained for long.

The steps are taken by a plain loop over the moments' gradient (`cell.field`), which nothing of the package
computes; a step that gives the neuron a kink, or puts it on a wall, is a counterexample.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.neuron.activity import wall_distances
from gradflow.neuron.problem import Neuron, Problem
from gradflow.theory.hyperactive import remaining_path, trapped, trapped_under_gd
from tests.theory.cell import field
from tests.theory.test_trapped_neurons_never_leave import SIDES, barely


def descend(
    theta: np.ndarray, problem: Problem, s: float, lr: np.ndarray, steps: int, enough: int = 0
) -> np.ndarray:
    """Return which neurons keep the sign of their pre-activation on the whole input at all steps.

    It is over as soon as `enough` do not, if that is not 0.
    """
    side = np.sign(wall_distances(theta, problem)[0])
    kept = np.ones(theta.shape[1], dtype=bool)
    for _ in range(steps):
        theta = theta - lr * np.where(kept, field(theta, problem, s)[1], 0.0)
        d_lo, d_hi = wall_distances(theta, problem)
        kept &= (side * d_lo > 0.0) & (side * d_hi > 0.0)
        if 0 < enough <= np.sum(~kept):
            break
    return kept


def largest_rates(theta: np.ndarray, problem: Problem) -> np.ndarray:
    """Return the largest rate for which each neuron is trapped, by bisection; 0 where there is none."""
    low, high = np.zeros(theta.shape[1]), np.full(theta.shape[1], 10.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        holds = trapped_under_gd(theta, middle, problem)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return low


@pytest.mark.some(2)
@pytest.mark.parametrize(("problem", "s"), SIDES)
def test_no_counterexample_at_the_largest_rate_claimed(problem: Problem, s: float) -> None:
    theta = np.concatenate([barely(problem, s, 400, ratio=r, seed=3) for r in (1.05, 1.5, 4.0)], axis=1)
    rates = largest_rates(theta, problem)
    some = rates > 0.0
    assert np.mean(some) > 0.9
    assert np.all(descend(theta[:, some], problem, s, rates[some], 2000))


def test_for_small_rates_it_is_the_trap_of_the_flow() -> None:
    theta = barely(Problem(), 1.0, 500, ratio=1.01, seed=4)
    assert np.all(trapped(theta))
    tiny = 1e-5
    assert np.mean(trapped_under_gd(theta, tiny)) > 0.9
    assert not np.any(trapped_under_gd(barely(Problem(), 1.0, 500, ratio=0.999, seed=4), tiny))


def test_the_hunt_finds_counterexamples_where_the_rate_is_larger() -> None:
    theta = barely(Problem(), 1.0, 600, ratio=4.0, seed=3)
    rates = largest_rates(theta, Problem())
    # Above 2/Λ some steps overshoot the wall.
    assert np.sum(~descend(theta, Problem(), 1.0, 6.0 * rates, 500, enough=10)) >= 10


@pytest.mark.slow
def test_a_path_of_a_third_is_not_enough() -> None:
    theta = barely(Problem(), 1.0, 600, ratio=1.0 / 3.0, seed=6)
    assert np.sum(~descend(theta, Problem(), 1.0, np.full(600, 1e-3), 20_000, enough=10)) >= 10


def test_what_is_trapped_stays_trapped_at_every_step() -> None:
    theta, lr = barely(Problem(), 1.0, 200, ratio=2.0, seed=9), 0.01
    inside = trapped_under_gd(theta, lr)
    assert np.sum(inside) > 100
    theta = theta[:, inside]
    before = remaining_path(theta, Problem(), 1.0)
    for _ in range(300):
        theta = theta - lr * field(theta, Problem(), 1.0)[1]
        # The radii that are tried are few, so that only those well inside are found again.
        assert np.mean(trapped_under_gd(theta, lr)) > 0.97
    assert np.all(remaining_path(theta, Problem(), 1.0) <= before)


def test_nothing_is_claimed_of_a_dead_relu_a_balanced_neuron_or_a_wild_rate() -> None:
    assert not trapped_under_gd(Neuron(1.0, -3.0, 1.0, 0.0), 0.01)
    assert not trapped_under_gd(Neuron(1.0, 0.0, 1.0, 0.0), 0.01)
    safe = Neuron(0.5, 3.0, 1.0, -2.7)
    assert trapped_under_gd(safe, 0.01)
    assert not trapped_under_gd(safe, 100.0)
    assert trapped_under_gd(safe, np.array([0.01, 100.0])).tolist() == [True, False]


@pytest.mark.parametrize("lr", [-0.1, float("nan")])
def test_a_rate_that_is_none_is_named(lr: float) -> None:
    with pytest.raises(ValueError, match=r"^lr: "):
        trapped_under_gd(Neuron(), lr)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_of_what_is_not_finite_nothing_is_claimed(value: float) -> None:
    for place in range(4):
        theta = np.array([0.5, 3.0, 1.0, -2.7])
        theta[place] = value
        assert not trapped_under_gd(theta, 0.01)
        assert not trapped_under_gd(np.stack([theta, theta], axis=1), 0.01).any()
