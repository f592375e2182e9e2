"""The array API standard is all the ensemble uses: its strict implementation gives NumPy's bits."""

from __future__ import annotations

from typing import Any

import array_api_strict as strict
import numpy as np
import pytest

from gradflow.flow.ensemble import States, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.flow.ensemble.cases import batch


def moved(values: Any) -> Any:
    values = np.asarray(values)
    return strict.asarray(values.tolist(), dtype=strict.float64)


@pytest.mark.some(2)
@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.1, 1.0)])
@pytest.mark.parametrize("many", [True, False])
def test_every_result_equals_numpys_to_the_bit(slopes: tuple[float, float], many: bool) -> None:
    cases = batch(6, 3, slopes, default=not many)
    cases.theta[:2, 0] = 0.0
    cases.theta[:, 1] = (1.0, -2.0, 1.0, 0.5)
    problem = cases.problem
    there = Problem(
        Neuron(*map(moved, problem.teacher)), Uniform(moved(problem.lo), moved(problem.hi)), slopes
    )

    def stop(states: States) -> Any:
        return states.loss < 0.01

    expected = integrate_ensemble(cases.theta, problem, 2.0, stop=stop, chunk=4)
    result = integrate_ensemble(moved(cases.theta), there if many else problem, 2.0, stop=stop, chunk=4)
    for name, value, wanted in zip(expected._fields, result, expected, strict=True):
        assert type(value) is type(moved(0.0))
        back = np.asarray(value)
        assert back.dtype == wanted.dtype, name
        assert back.tobytes() == np.ascontiguousarray(wanted).tobytes(), name
