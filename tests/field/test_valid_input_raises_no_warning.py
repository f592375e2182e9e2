"""No warning on valid input: pyproject.toml turns every warning into an error, so running is the test."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from gradflow.field import gradient, hessian, loss
from gradflow.neuron.activity import activity, breakpoint_position, end_preactivations, wall_distances
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid

TINY = [0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-300, -1e-300, 1e-30, 1.0, -1.0, 1e8]
PAIRS: Any = np.asarray(list(product(TINY, TINY))).T
PROBLEMS = [
    Problem(),
    Problem(activation=(0.01, 1.0)),
    Problem(Neuron(0.0, 0.0, 0.0, 0.0)),
    Problem(Neuron(0.0, 1.0, 1.0, 0.0)),
    Problem(Neuron(5e-324, 0.0, 1.0, 0.0)),
    Problem(Neuron(1e-300, 5e-301, -1.0, 0.5)),
    Problem(Neuron(1.0, 1.0, 1.0, 0.0)),
    Problem(Neuron(-1.0, -0.3, 2.0, 0.0), Uniform(-1e-300, 1e-300)),
    Problem(inputs=Uniform(-5e-324, 5e-324)),
    Problem(inputs=Uniform(0.0, 1e8)),
    Problem(inputs=grid(5)),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=range(len(PROBLEMS)))
@pytest.mark.parametrize("w2", [1.0, -2.0, 0.0, 5e-324])
def test_loss_and_gradient_of_tiny_and_vanishing_neurons(problem: Problem, w2: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        for neuron in (Neuron(PAIRS[0], PAIRS[1], w2, 0.3), Neuron(PAIRS[0], PAIRS[1], w2, 0.0)):
            assert np.all(np.isfinite(loss(neuron, problem)))
            assert np.all(np.isfinite(gradient(neuron, problem)))
            assert set(np.unique(activity(neuron, problem))) <= {0, 1, 2}


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.hi != 5e-324], ids=str)
def test_hessian_of_tiny_and_vanishing_neurons(problem: Problem) -> None:
    # The point mass is w2 r/(|w1| (hi − lo)): with subnormal w1 and moderate w2 it is no float64.
    w1, b1 = PAIRS[:, np.abs(PAIRS[0]) != 5e-324]
    w2 = np.where(np.abs(w1) < 1e-200, 1e-20, 1.0)
    if problem.hi == 1e-300:
        w1 = np.where(np.abs(w1) < 1e-8, 0.0, w1)
    with np.errstate(all="raise", under="ignore"):
        assert np.all(np.isfinite(hessian(Neuron(w1, b1, w2, 0.3), problem)))


@pytest.mark.parametrize("problem", PROBLEMS, ids=range(len(PROBLEMS)))
def test_activity_functions_of_tiny_and_vanishing_neurons(problem: Problem) -> None:
    neuron = Neuron(PAIRS[0], PAIRS[1], 1.0, 0.0)
    for distance in (*wall_distances(neuron, problem), *end_preactivations(neuron, problem)):
        assert np.all(np.isfinite(distance))


def test_breakpoint_position_that_is_no_float64_is_infinite() -> None:
    w1, b1 = PAIRS
    np.testing.assert_array_equal(np.isnan(breakpoint_position(Neuron(w1, b1))), (w1 == 0) & (b1 == 0))
    assert breakpoint_position(Neuron(1e-300, -1e10)) == np.inf


@pytest.mark.parametrize("value", [1e150, -1e150, 1e300])
def test_activity_of_large_neurons(value: float) -> None:
    # The pre-activation itself is representable, so its sign is.
    assert activity(Neuron(value, 0.0)) == 1
    assert activity(Neuron(0.0, value)) == (2 if value > 0 else 0)


def test_float32_stays_quiet_too() -> None:
    tiny = np.asarray(
        list(product([0.0, 1e-45, -1e-45, 1e-38, 1e-20, 1.0, -1.0], repeat=2)), dtype=np.float32
    ).T
    for problem in (Problem(), Problem(activation=(0.1, 1.0)), Problem(inputs=grid(5))):
        theta = np.stack([*tiny, np.full_like(tiny[0], 0.5), np.full_like(tiny[0], 0.25)])
        assert np.all(np.isfinite(loss(theta, problem)))
        assert np.all(np.isfinite(gradient(theta, problem)))
        assert loss(theta, problem).dtype == np.float32


@pytest.mark.parametrize("end", [0.0, 0.5, 1.0])
def test_vanishing_input_weights_have_the_constant_neurons_value(end: float) -> None:
    # w1 = b1 = 0 is dead: only b2 is left. w1 = 0 < b1 is the constant w2 b1 + b2.
    problem = Problem(inputs=Uniform(-1.0, 1.0 + end))
    dead = gradient(Neuron(0.0, 0.0, 3.0, 0.25), problem)
    np.testing.assert_array_equal(dead[:3], 0.0)
    assert loss(Neuron(0.0, 0.0, 3.0, 0.25), problem) == loss(Neuron(0.0, -1.0, 3.0, 0.25), problem)
    constant, same = Neuron(0.0, 0.5, 3.0, 0.25), Neuron(0.0, -1.0, 3.0, 1.75)
    np.testing.assert_allclose(loss(constant, problem), loss(same, problem), rtol=1e-15)
