"""Q is conserved, the loss falls by the integral of |∇L|² and never rises; scores are printed with -s."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field import gradient, loss
from gradflow.flow import STATUSES
from gradflow.neuron.problem import Neuron, Problem
from gradflow.runs import gradient_flow
from tests.flow.reference import cases
from tests.problems import VARIED


def measure(starts: list[tuple[Neuron, Problem]], t_end: float) -> tuple[float, float, float]:
    """Return the largest drift of Q, energy residual (relative to 1 + L(0)) and rise of the loss."""
    drift = residual = rise = 0.0
    for start, problem in starts:
        data = gradient_flow(start, problem, t_end=t_end)
        assert STATUSES[int(data["status"])] == "reached t_end"
        value = data["loss"].values
        drift = max(drift, float(np.max(np.abs(data["invariant_drift"]))))
        residual = max(residual, float(np.max(np.abs(data["energy_residual"]))) / (1.0 + value[0]))
        rise = max(rise, float(np.max(np.diff(value) / (1e-3 + value[1:]))))
    print(f"\n{len(starts)} starts: drift {drift:.2g}, energy residual {residual:.2g}, rise {rise:.2g}")
    return drift, residual, rise


def default_starts(n: int, seed: int) -> list[tuple[Neuron, Problem]]:
    rng = np.random.default_rng(seed)
    return [(Neuron(*rng.normal(0.0, 1.5, 4).tolist()), Problem()) for _ in range(n)]


def test_the_identities_hold_along_random_trajectories() -> None:
    drift, residual, rise = measure(default_starts(10, seed=1), 200.0)
    assert drift < 1e-9
    assert residual < 1e-9
    assert rise < 1e-12


def test_the_identities_hold_for_other_problems() -> None:
    starts = [(case.start, case.problem) for case in cases(12, seed=41, near_walls=True)]
    rng = np.random.default_rng(5)
    starts += [(Neuron(*rng.normal(size=4).tolist()), problem) for problem in VARIED.values()]
    drift, residual, rise = measure(starts, 5.0)
    assert drift < 1e-9
    assert residual < 1e-9
    assert rise < 1e-12


@pytest.mark.slow
def test_the_identities_hold_along_many_trajectories() -> None:
    drift, residual, rise = measure(default_starts(70, seed=2), 200.0)
    assert drift < 1e-9
    assert residual < 1e-9
    assert rise < 1e-12


def test_the_checks_in_the_dataset_are_computed_from_its_states() -> None:
    start = Neuron(0.5, 0.75, 1.5, 0.5)
    data = gradient_flow(start, t_end=5.0, rtol=1e-4)
    theta = np.array([data[name].values for name in ("w1", "b1", "w2", "b2")])
    q = theta[0] ** 2 + theta[1] ** 2 - theta[2] ** 2
    np.testing.assert_allclose(data["invariant_drift"], q - q[0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(data["loss"], loss(theta), rtol=1e-12, atol=1e-15)
    # A loose tolerance shows: the drift is measured, not assumed.
    assert 1e-12 < np.max(np.abs(data["invariant_drift"].values)) < 1e-2


def test_the_energy_residual_is_that_of_an_independent_quadrature() -> None:
    times = np.linspace(0.0, 2.0, 4001)
    data = gradient_flow(Neuron(0.8, 0.1, 1.3, -0.2), t_end=2.0, times=times)
    theta = np.array([data[name].values for name in ("w1", "b1", "w2", "b2")])
    squared = np.sum(gradient(theta) ** 2, axis=0)
    descended = np.sum(squared[:-2:2] + 4 * squared[1:-1:2] + squared[2::2]) * (times[1] - times[0]) / 3
    value = data["loss"].values
    assert value[0] - value[-1] == pytest.approx(descended, abs=1e-12)
    assert float(data["energy_residual"][-1]) == pytest.approx(0.0, abs=1e-12)
