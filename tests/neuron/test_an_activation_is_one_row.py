"""A smooth activation that is added to the table is taken by the field, the flow and training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

import gradflow as gf
from gradflow.neuron.activations import SMOOTH_FORMULAS, SmoothFormula, as_activation

NEURON = gf.Neuron(1.7, -0.4, 0.8, 0.1)
STEEP = gf.Neuron(60.0, -11.0, 0.8, 0.1)


def logistic(xp: Any, z: Any) -> tuple[Any, ...]:
    s = 1.0 / (1.0 + xp.exp(-z))
    return s, s * (1.0 - s), s * (1.0 - s) * (1.0 - 2.0 * s)


@pytest.fixture
def problem(monkeypatch: pytest.MonkeyPatch) -> gf.Problem:
    monkeypatch.setitem(SMOOTH_FORMULAS, "logistic", SmoothFormula(logistic))
    return gf.Problem(activation="logistic", teacher_activation="relu")


def residual(x: float, neuron: gf.Neuron) -> float:
    return float(neuron.w2 * expit(neuron.w1 * x + neuron.b1) + neuron.b2 - max(x, 0.0))


@pytest.mark.parametrize("neuron", [NEURON, STEEP])
def test_the_loss_is_the_integral(problem: gf.Problem, neuron: gf.Neuron) -> None:
    split = [0.0, -neuron.b1 / neuron.w1]
    expected, _ = quad(lambda x: 0.5 * residual(x, neuron) ** 2, -1.0, 1.0, points=split, epsabs=1e-13)
    assert float(gf.loss(neuron, problem)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("neuron", [NEURON, STEEP])
def test_derivatives_are_differences(problem: gf.Problem, neuron: gf.Neuron) -> None:
    step = 1e-6 * np.eye(4)
    theta = np.array([float(v) for v in neuron])
    up, down = theta[:, None] + step, theta[:, None] - step
    assert np.allclose(
        (gf.loss(up, problem) - gf.loss(down, problem)) / 2e-6, gf.gradient(neuron, problem), atol=1e-8
    )
    slopes = (gf.gradient(up, problem) - gf.gradient(down, problem)) / 2e-6
    assert np.allclose(slopes, gf.hessian(neuron, problem), atol=1e-7)


def test_everything_follows_it(problem: gf.Problem) -> None:
    run = gf.gradient_flow(NEURON, problem, t_end=5.0)
    assert abs(float(run.energy_residual[-1])) < 1e-8
    many = gf.train_arrays(np.array([NEURON, STEEP], dtype=float).T, problem, gf.GD(1e-3), 50)
    assert np.all(many.loss[-1] < many.loss[0])
    assert str(as_activation("Logistic")) == "logistic"


def test_what_has_no_compiled_code_is_named(problem: gf.Problem) -> None:
    pytest.importorskip("numba")
    with pytest.raises(ValueError, match=r"^activation: there is no compiled code for logistic$"):
        gf.train_arrays(NEURON, problem, gf.GD(1e-3), 5, events=False, backend="numba")
