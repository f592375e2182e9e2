"""Q is conserved, the fall of the loss is ∫|∇L|² dt, and the loss never rises."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field import loss
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.records import balancedness
from tests.flow.ensemble.cases import batch


@pytest.mark.parametrize(
    "slopes", [(0.0, 1.0), (0.1, 1.0), pytest.param((-0.5, 0.7), marks=pytest.mark.slow)]
)
def test_balancedness_and_energy_are_kept_to_the_tolerance(slopes: tuple[float, float]) -> None:
    cases = batch(200, 8, slopes)
    run = integrate_ensemble(cases.theta, cases.problem, 30.0)
    size = 1.0 + np.max(np.abs(cases.theta), axis=0) ** 2
    assert np.max(np.abs(balancedness(run.final) - balancedness(cases.theta)) / size) < 1e-8
    before = loss(cases.theta, cases.problem)
    assert np.max(np.abs(run.loss - before + run.descended) / (1.0 + before)) < 1e-8
    assert np.all(run.loss <= before)
    np.testing.assert_allclose(loss(run.final, cases.problem), run.loss, rtol=1e-10, atol=1e-15)


def test_a_finer_tolerance_comes_closer() -> None:
    cases = batch(40, 9)
    best = integrate_ensemble(cases.theta, cases.problem, 5.0, rtol=1e-13).final
    errors = [
        np.median(np.max(np.abs(integrate_ensemble(cases.theta, cases.problem, 5.0, rtol=r).final - best), 0))
        for r in (1e-5, 1e-7, 1e-9)
    ]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
