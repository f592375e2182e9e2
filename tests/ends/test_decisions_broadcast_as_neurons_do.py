"""Of neurons and teachers whose fields broadcast is said what is said of the same ones written out."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.ends.decision import decide, decide_descent
from gradflow.ends.rest import at_rest
from tests.problems import VARIED


@pytest.mark.some(5)
@pytest.mark.parametrize("problem", VARIED.values(), ids=VARIED)
def test_fields_of_different_shapes_are_one_batch(problem: gf.Problem) -> None:
    b1, b2 = np.linspace(-2.5, 2.5, 7)[:, None], np.linspace(-3.0, 3.0, 6)
    short, long = gf.Neuron(1.0, b1, 1.0, b2), gf.Neuron(*np.broadcast_arrays(1.0, b1, 1.0, b2))
    pairs = (
        (decide(short, problem), decide(long, problem)),
        (decide_descent(short, problem, gf.GD(0.1)), decide_descent(long, problem, gf.GD(0.1))),
    )
    for found, expected in pairs:
        np.testing.assert_array_equal(found.outcome, expected.outcome)
        np.testing.assert_array_equal(found.theorem, expected.theorem)


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("teachers", [(3,), (4, 3), (2, 3)])
@pytest.mark.parametrize("others", [0.1, 0.3])
def test_rest_beside_more_teachers_than_neurons(
    shape: tuple[int, ...], teachers: tuple[int, ...], others: float
) -> None:
    # Four teachers for three neurons: as many as a neuron has parameters.
    rng = np.random.default_rng(len(teachers))
    problem = gf.Problem(teacher=gf.Neuron(1.0, rng.choice([0.1, others], size=teachers), 1.0, 0.0))
    short = gf.Neuron(1.0, np.full(shape, 0.1), 1.0, 0.0)
    whole = np.broadcast_shapes(shape, teachers)
    long = gf.Neuron(*(np.broadcast_to(np.asarray(value), whole) for value in short))
    found = at_rest(short, problem)
    np.testing.assert_array_equal(found, at_rest(long, problem))
    np.testing.assert_array_equal(found, np.broadcast_to(problem.teacher.b1 == 0.1, whole))
