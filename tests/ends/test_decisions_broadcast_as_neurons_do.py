"""Theorems decide neurons whose fields broadcast as they decide the same neurons written out."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.ends.decision import decide, decide_descent
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
