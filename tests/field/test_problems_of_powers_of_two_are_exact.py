"""Products with zeros and powers of two need no correction; of numbers and of arrays the same is known."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field.population import bind
from gradflow.neuron.problem import Neuron, Problem, Uniform


@pytest.mark.parametrize(
    ("ends", "exact"),
    [
        ((-1.0, 1.0), True),
        ((0.0, 0.125), True),
        ((-4.0, 2.0**300), True),
        ((-1.0, 3.0), False),
        ((-1.0, np.nextafter(1.0, 2.0)), False),
    ],
)
def test_of_numbers_and_of_arrays(ends: tuple[float, float], exact: bool) -> None:
    theta = np.zeros((4, 2))
    alone = Problem(inputs=Uniform(*ends))
    assert bind(alone, theta).exact == exact
    together = Problem(inputs=Uniform(*(np.full(2, end) for end in ends)))
    assert bind(together, theta).exact == exact


def test_of_teachers() -> None:
    theta = np.zeros(4)
    assert bind(Problem(Neuron(-2.0, 0.25, 0.3, 0.7)), theta).exact
    assert not bind(Problem(Neuron(0.3, 0.25)), theta).exact
    assert not bind(Problem(Neuron(2.0, 0.3)), theta).exact
