"""Loss and gradient of smooth neurons are within 1e-13 of the integral of their terms' absolute values."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field import gradient, loss
from gradflow.neuron.activations import SMOOTH
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.field import smooth_oracle

ALL = (*SMOOTH, "relu", "leaky-relu=0.1")


def error(theta: np.ndarray, problem: Problem) -> float:
    """Return the largest error of loss and gradient, relative to the integrals of absolute values."""
    value, size = smooth_oracle.field(theta, problem)
    got = np.concatenate(([float(loss(theta, problem))], gradient(theta, problem)))
    return float(np.max(np.abs(got - value) / np.maximum(size, 1e-30)))


def case(rng: np.random.Generator, student: str, teacher: str) -> tuple[np.ndarray, Problem]:
    """Return a neuron of any steepness up to 100, often with its kink near an end, and a problem."""
    size = 10.0 ** rng.uniform(-1.0, 2.0)
    theta = np.array([*(size * rng.uniform(-1.0, 1.0, 2)), *rng.normal(size=2)])
    if rng.random() < 0.3:
        theta[1] = theta[0] * rng.choice([-1.0, 1.0]) * (1.0 + rng.normal() * 10.0 ** rng.uniform(-12.0, 0.0))
    aim = Neuron()
    if rng.random() < 0.6:
        steep = 10.0 ** rng.uniform(-1.0, 2.0) if rng.random() < 0.3 else 1.0
        aim = Neuron(*(steep * rng.normal(size=2)), *rng.normal(size=2))
    ends = (-1.0, 1.0) if rng.random() < 0.5 else np.sort(2.0 * rng.normal(size=2)).tolist()
    return theta, Problem(aim, Uniform(*ends), student, teacher)


@pytest.mark.parametrize("student", ALL)
def test_against_mpmath(student: str) -> None:
    rng = np.random.default_rng(len(student))
    for teacher in ALL:
        if {student, teacher} <= {"relu", "leaky-relu=0.1"}:
            continue
        assert error(*case(rng, student, teacher)) < 1e-13


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_against_mpmath_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        student, teacher = rng.choice(ALL), rng.choice(SMOOTH)
        assert error(*case(rng, str(student), str(teacher))) < 1e-13


@pytest.mark.some(3)
@pytest.mark.parametrize("student", SMOOTH)
@pytest.mark.parametrize("w1", [100.0, -100.0])
def test_at_the_largest_weights(student: str, w1: float) -> None:
    for b1 in (-100.0, -99.9, 0.0, 37.0, 100.0):
        theta = np.array([w1, b1, 0.7, -0.3])
        assert error(theta, Problem(activation=student)) < 1e-13


def test_piecewise_linear_neurons_may_differ_from_their_teachers() -> None:
    rng = np.random.default_rng(5)
    for student, teacher in ((ALL[4], ALL[5]), (ALL[5], ALL[4]), ((-0.5, 2.0), ALL[4])):
        for _ in range(3):
            theta, problem = case(rng, ALL[4], ALL[4])
            assert error(theta, Problem(problem.teacher, problem.inputs, student, teacher)) < 1e-13


def test_a_coarser_rule_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradflow.field import panels, quadrature

    coarse = tuple(tier._replace(nodes=tier.nodes // 2) for tier in panels.TIERS)
    monkeypatch.setattr(quadrature, "TIERS", coarse)
    rng = np.random.default_rng(0)
    errors = [error(*case(rng, student, student)) for student in SMOOTH for _ in range(4)]
    assert max(errors) > 1e-13
