"""What is costly to decide is computed for the neurons that need it only: with the result of each alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.ends.outcome import outcome
from gradflow.ends.rest import at_rest
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

N = 200
PROBLEMS = {
    "default": Problem(),
    "leaky": Problem(activation=(0.1, 1.0)),
    "sample": Problem(inputs=grid(7)),
    "teachers": Problem(Neuron(1.0, np.linspace(-1e-9, 1e-9, N), 1.0, 0.0)),
    "intervals": Problem(inputs=Uniform(np.linspace(-1.0, -0.9999, N), 1.0)),
}


def states() -> np.ndarray:
    """Return neurons near the best line, the best constant and the teacher, by 1e-14 to 0.1, and others."""
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(4, N))
    near = np.array([[0.5, 1.0, 1.0, -0.75], [1.0, -2.0, 1.0, 0.25], [1.0, 0.0, 1.0, 0.0]]).repeat(50, axis=0)
    theta[:, :150] = near.T + theta[:, :150] * 10.0 ** rng.uniform(-14.0, -1.0, 150)
    # Beside a saddle, with a kink: slow, but not at rest.
    theta[:, 150] = (2e-8, 1e-8, 2e-8, 0.25)
    theta[0, 151] = np.nan
    return theta


@pytest.mark.some(2)
@pytest.mark.parametrize("name", PROBLEMS)
def test_for_every_state(name: str) -> None:
    problem, theta = PROBLEMS[name], states()

    def single(value: Any, i: int) -> float:
        return float(np.broadcast_to(value, (N,))[i])

    def its(i: int) -> Problem:
        if isinstance(problem.inputs, Sample):
            return problem
        teacher = Neuron(*(single(value, i) for value in problem.teacher))
        return Problem(teacher, Uniform(single(problem.lo, i), single(problem.hi, i)), problem.slopes)

    codes, rests = outcome(theta, problem), at_rest(np.nan_to_num(theta), problem)
    assert len(np.unique(codes)) > 2
    assert codes.tolist() == [int(outcome(theta[:, i], its(i))) for i in range(N)]
    assert rests.tolist() == [bool(at_rest(np.nan_to_num(theta[:, i]), its(i))) for i in range(N)]
    assert np.any(rests)
