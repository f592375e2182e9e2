"""The optimiser's last state and the last parameters are all that the next step needs, on every path."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.descent import loop, train_arrays
from gradflow.descent.compiled import run as compiled
from gradflow.descent.optimisers.registry import OPTIMIZERS, init, optimizer, remembered, update
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron, Problem

START = Neuron(*np.random.default_rng(3).normal(size=(4, 5, 8)))
BATCHES = pytest.mark.parametrize("backend", ["numpy", "numba"])


@pytest.mark.some(4)
@BATCHES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_the_state(name: str, backend: str) -> None:
    config = optimizer(name, lr=0.05)
    run = train_arrays(START, Problem(), config, 7, events=False, state=True, backend=backend)
    whole = train_arrays(START, Problem(), config, 9, events=False, backend=backend)
    theta, state = run.final, run.state
    for _ in range(2):
        theta, state = update(config, gradient(theta), state, theta)
    np.testing.assert_allclose(theta, whole.final, rtol=1e-9, atol=1e-12)
    assert whole.state is None
    assert all(part.shape == theta.shape for part in remembered(state))


@BATCHES
def test_before_any_step_it_is_the_first_one(backend: str) -> None:
    config = optimizer("adam", lr=0.05)
    run = train_arrays(START, Problem(), config, 0, events=False, state=True, backend=backend)
    for found, expected in zip(run.state, init(config, run.final), strict=True):
        np.testing.assert_array_equal(found, expected)


@BATCHES
def test_many_trajectories_have_the_state_of_few(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = optimizer("adam", lr=0.05)
    whole = train_arrays(START, Problem(), config, 7, events=False, state=True, backend=backend)
    monkeypatch.setattr(loop, "MOST", 7)
    monkeypatch.setattr(compiled, "PIECE", 7)
    parts = train_arrays(START, Problem(), config, 7, events=False, state=True, backend=backend)
    assert parts.state.step == whole.state.step == 7.0
    for some, other in zip(parts.state[1:], whole.state[1:], strict=True):
        assert np.array_equal(some, other)
