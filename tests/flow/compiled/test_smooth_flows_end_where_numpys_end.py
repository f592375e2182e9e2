"""Compiled flows of smooth neurons take NumPy's steps up to rounding."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pytest

from gradflow.flow.ensemble import STATUSES, Ensemble, Level, States, StopRule, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem
from tests.flow.compiled.cases import assert_same

N = 24
RTOL = 1e-9
PAIRS = [
    ("silu", "silu"),
    ("relu", "tanh"),
    ("gelu", "relu"),
    ("tanh", "softplus"),
    ("slopes=-0.2,0.8", "gelu"),
]
LINE = np.linspace(-1.0, 1.0, N)
TEACHERS = {"one": Neuron(-1.3, 0.4, 0.7, -0.2), "arrays": Neuron(8.0 * LINE, LINE**2, 1.0, LINE)}


def starts() -> np.ndarray:
    """Return random neurons, flat ones, a dead one, one on a wall, steep ones, and what is no start."""
    theta = np.random.default_rng(8).normal(size=(4, N))
    theta[0, 0] = 0.0
    theta[:2, 1] = 0.0
    theta[1, 2] = -5.0
    theta[1, 3] = theta[0, 3]
    theta[:2, 4], theta[:2, 5] = (100.0, 30.0), (-40.0, 20.0)
    theta[:, 6] = np.nan
    theta[2, 7] = 1e200
    return theta


def assert_close(run: Ensemble, expected: Ensemble) -> None:
    """Compare two ensembles; a step's size, and so the number of steps, hangs on rounding."""
    assert np.array_equal(run.status, expected.status)
    assert np.array_equal(run.crossings, expected.crossings)
    assert np.array_equal(run.first_event, expected.first_event)
    assert np.mean(run.steps != expected.steps) <= 0.15
    for name in ("final", "loss", "t", "first_crossing"):
        a, b = getattr(run, name), getattr(expected, name)
        close = np.isclose(a, b, rtol=100 * RTOL, atol=100 * RTOL, equal_nan=True)
        # How far so many steps go hangs on their sizes.
        close = close | (expected.status == STATUSES.index("too many steps"))
        assert np.all(close), (name, np.flatnonzero(~close.reshape(-1, N).all(axis=0)))


def compare(student: str, teacher: str, which: str, t_end: float) -> None:
    problem = Problem(TEACHERS[which], activation=student, teacher_activation=teacher)
    options: dict[str, Any] = {"rtol": RTOL, "max_steps": 300}
    run = integrate_ensemble(starts(), problem, t_end, backend="numba", **options)
    assert_close(run, integrate_ensemble(starts(), problem, t_end, backend="numpy", **options))
    assert np.sum(run.crossings) > 3
    assert run.status[6] == STATUSES.index("diverged")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "teacher", "which"),
    [
        ("silu", "silu", "one"),
        *((*pair, which) for pair, which in zip(PAIRS, cycle(("arrays", "one")), strict=False)),
    ],
)
def test_for_every_activation(student: str, teacher: str, which: str) -> None:
    compare(student, teacher, which, 10.0)


@pytest.mark.slow
def test_two_piecewise_linear_activations_keep_every_bit() -> None:
    problem = Problem(TEACHERS["arrays"], activation="slopes=-0.2,0.8", teacher_activation="relu")
    run = integrate_ensemble(starts(), problem, 10.0, max_steps=2000, backend="numba")
    assert_same(run, integrate_ensemble(starts(), problem, 10.0, max_steps=2000, backend="numpy"))


@pytest.mark.slow
@pytest.mark.parametrize(("student", "teacher"), PAIRS[:2])
def test_no_bit_depends_on_the_chunk(student: str, teacher: str) -> None:
    theta = starts()
    theta[:, 6] = 0.5
    for teachers in TEACHERS.values():
        problem = Problem(teachers, activation=student, teacher_activation=teacher)
        run = integrate_ensemble(theta, problem, 20.0, max_steps=1000, backend="numba")
        in_few = integrate_ensemble(theta, problem, 20.0, max_steps=1000, backend="numba", chunk=1)
        for name, a, b in zip(run._fields, run, in_few, strict=True):
            assert a.tobytes() == b.tobytes(), name


def test_stop_rules_see_the_losses_of_sums() -> None:
    problem = Problem(TEACHERS["one"], activation="silu")
    shown: list[float] = []

    def some(states: States) -> np.ndarray:
        shown.extend(states.loss.tolist())
        return np.asarray(states.index % 2 == 0)

    rule = StopRule((Level(0.0, 1e-2, at_once=True), Level(0.1, 0.05)), some)
    runs = [
        integrate_ensemble(starts(), problem, 2.0, rtol=RTOL, stop=rule, max_steps=300, backend=backend)
        for backend in ("numba", "numpy")
    ]
    assert np.array_equal(runs[0].status, runs[1].status)
    # Where a trajectory is shown hangs on its steps' sizes, and these on rounding.
    for name in ("t", "loss"):
        a, b = (getattr(run, name) for run in runs)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=name)
    assert 3 < np.sum(runs[0].status == STATUSES.index("stopped")) < N
    half = len(shown) // 2
    assert half > 5
    np.testing.assert_allclose(sorted(shown[:half]), sorted(shown[half:]), rtol=1e-4, atol=1e-6)
