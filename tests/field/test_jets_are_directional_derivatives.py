"""Jets against 50-digit differences, the Hessian, and what the loss's symmetry says of third derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from gradflow.field import gradient, hessian
from gradflow.field.jet import Jet, cell_of, derivatives
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from tests.field.oracle import integrate, mpf

PROBLEMS = {
    "default": Problem(),
    "general": Problem(Neuron(-0.8, 0.3, -1.5, 0.1), Uniform(-0.7, 2.3), (0.1, 1.3)),
    "hyperactive teacher": Problem(Neuron(0.5, 3.0, 1.0, 0.0), Uniform(0.5, 2.0)),
    "leaky": Problem(activation=(0.2, 1.0)),
}
SAMPLES = {
    "grid": Problem(inputs=grid(21)),
    "weights": Problem(inputs=Sample(np.array([-0.5, 0.25, 2.0]), weights=np.array([1.0, 2.0, 0.5]))),
}


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    theta, direction = np.random.default_rng(seed).normal(0.0, 1.2, (2, 4, n))
    return theta, direction


def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij...,j...->i...", matrix, vector))


@pytest.mark.parametrize("name", PROBLEMS)
def test_third_derivatives_are_those_of_the_exact_integrals(name: str) -> None:
    problem = PROBLEMS[name]
    theta, direction = draw(60, 0)
    found = derivatives(theta, direction, problem)
    teacher, lo, hi = [float(v) for v in problem.teacher], float(problem.lo), float(problem.hi)
    step = mpf(10) ** -12
    for i in range(theta.shape[1]):
        at = [
            integrate(
                [mpf(t) + c * step * mpf(d) for t, d in zip(theta[:, i], direction[:, i], strict=True)],
                *(teacher, lo, hi, problem.slopes),
            ).gradient
            for c in (-1, 0, 1)
        ]
        second = [float((r - m) / (2 * step)) for m, _, r in zip(*at, strict=True)]
        third = [float((r - 2 * c + m) / step**2) for m, c, r in zip(*at, strict=True)]
        size = 1e-12 * (1.0 + np.max(np.abs(third)) + np.max(np.abs(second)))
        np.testing.assert_allclose(found.second[:, i], second, rtol=1e-12, atol=size)
        np.testing.assert_allclose(found.third[:, i], third, rtol=1e-11, atol=10.0 * size)


@pytest.mark.some(3)
@pytest.mark.parametrize("problem", [*PROBLEMS.values(), *SAMPLES.values()], ids=[*PROBLEMS, *SAMPLES])
def test_hidden_scale_decides_one_third_derivative(problem: Problem) -> None:
    # (w1, b1, w2) → (w1 e^c, b1 e^c, w2 e^−c) leaves L as it is; differentiate ∇L twice along it.
    theta, direction = draw(100_000, 1)
    generator = np.array([1.0, 1.0, -1.0, 0.0])[:, None]
    g, h = gradient(theta, problem), hessian(theta, problem)
    found = derivatives(theta, generator * theta, problem)
    np.testing.assert_array_equal(found.gradient, g)
    scale = np.max(np.abs(h), axis=(0, 1)) * np.max(np.abs(theta), axis=0) + np.max(np.abs(g), axis=0)
    assert np.max(np.abs(found.second + generator * g) / scale) < 1e-12
    stated = generator**2 * g - times(h, generator**2 * theta)
    assert np.max(np.abs(found.third - stated) / scale) < 1e-12
    other = derivatives(theta, direction, problem)
    size = np.max(np.abs(h), axis=(0, 1)) * np.max(np.abs(direction), axis=0)
    assert np.max(np.abs(other.second - times(h, direction)) / size) < 1e-12
    # The check finds an error: a direction that is not along the symmetry does not obey it.
    wrong = derivatives(theta, np.abs(generator) * theta, problem).third
    assert np.median(np.max(np.abs(wrong - stated), axis=0) / scale) > 1e-3


def test_a_fixed_cell_is_continued_beyond_its_walls() -> None:
    problem = Problem()
    inside, beyond = np.array([1.0, 0.9, 0.8, -0.3]), np.array([1.0, 1.1, 0.8, -0.3])
    own = cell_of(inside, problem)
    assert [bool(active) for active in own] == [False, True, True]
    zero = np.zeros(4)
    continued = derivatives(beyond, zero, problem, cell=own).gradient
    assert np.max(np.abs(continued - gradient(beyond, problem))) > 1e-3
    # Extrapolated from inside its cell, by the Taylor polynomial of degree 7 through eight points.
    nodes = np.linspace(-0.35, 0.0, 8)
    line = inside[:, None] + nodes * (beyond - inside)[:, None]
    values = gradient(line, problem)
    weights = [np.prod([(1.0 - m) / (n - m) for m in nodes if m != n]) for n in nodes]
    np.testing.assert_allclose(continued, values @ np.array(weights), atol=1e-7)


def test_jets_are_truncated_series() -> None:
    e = sympy.Symbol("e")
    given = [(1.5, -0.3, 0.7), (-2.25, 0.4, 1.1)]
    series = [a + b * e + c * e**2 for a, b, c in given]
    p, q = (Jet(*c) for c in given)
    cases: list[tuple[Any, Any]] = [
        (p + q, series[0] + series[1]),
        (p - q, series[0] - series[1]),
        (p * q, series[0] * series[1]),
        (p / q, series[0] / series[1]),
        (2.0 - p, 2 - series[0]),
        (3.0 / q, 3 / series[1]),
        (-p / 4.0 + 1.0, 1 - series[0] / 4),
        (np.float64(2.0) * p - 1.0, 2 * series[0] - 1),
    ]
    for jet, exact in cases:
        coefficients = [exact.diff(e, k).subs(e, 0) / sympy.factorial(k) for k in range(3)]
        np.testing.assert_allclose([jet.a, jet.b, jet.c], [float(v) for v in coefficients], rtol=1e-14)


def test_arrays_of_any_shape() -> None:
    zero = np.zeros((4, 2, 0))
    assert derivatives(zero, zero).third.shape == (4, 2, 0)
    assert derivatives(Neuron(), Neuron()).third.shape == (4,)
    single = derivatives(np.ones((4, 3), np.float32), np.ones(4, np.float32)[:, None])
    assert {part.dtype for part in single} == {np.dtype(np.float32)}
    flat = np.array([0.0, 0.4, 1.0, 0.2])
    assert np.all(np.isfinite(derivatives(flat, np.ones(4)).third)), "w1 = 0"
    batch = derivatives(Neuron(np.ones(3), np.zeros((2, 1)), 1.0, 0.0), Neuron(1.0, 1.0, 1.0, 1.0))
    assert batch.second.shape == (4, 2, 3)
    z = np.stack(end_preactivations(flat))
    assert [bool(active) for active in cell_of(flat)] == [True, True, True] == [*(z > 0.0), True]


def test_bad_input_is_named() -> None:
    problem = Problem(inputs=grid(5))
    with pytest.raises(ValueError, match="cell: expected None with a sample"):
        derivatives(Neuron(), Neuron(), problem, cell=(True, True, True))
    with pytest.raises(ValueError, match="inputs: the cells of a sample"):
        cell_of(Neuron(), problem)
    with pytest.raises(ValueError, match="neuron: expected 4 parameters"):
        derivatives(np.zeros(3), Neuron())
