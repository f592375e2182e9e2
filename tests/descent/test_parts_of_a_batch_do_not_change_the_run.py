"""NumPy's loop takes a large batch in parts: nothing of the run depends on how many are in one."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.descent import GD, loop, train_arrays
from gradflow.neuron.problem import Neuron, Problem, Uniform


@pytest.mark.parametrize("first_change", [True, False])
@pytest.mark.parametrize("most", [1, 4, 14])
def test_any_number_at_a_time(most: int, first_change: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.random.default_rng(1).normal(0.0, 1.0, (4, 3, 5))
    problem = Problem(Neuron(-1.0, 0.2, 0.8, np.linspace(0.0, 1.0, 5)), Uniform(-1.0, 2.0))
    rates = GD(np.linspace(0.01, 3.0, 15).reshape(3, 5))
    whole, parts = (None, None)
    for size in (1000, most):
        monkeypatch.setattr(loop, "MOST", size)
        run = train_arrays(
            start, problem, rates, 40,
            events=False, first_change=first_change, backend="numpy", record_every=10,
        )  # fmt: skip
        whole, parts = parts, run
    assert whole is not None
    assert parts is not None
    for name in ("final", "theta", "loss", "first_change", "diverged", "steps"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)
