"""Moments, best lines and reference losses of samples are off by no more than is stated."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gradflow.field.baselines import lines
from gradflow.neuron.problem import Neuron, Problem, Sample, grid


def exactly(values: np.ndarray) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def exact_lines(sample: Sample, f: list[Fraction]) -> dict[str, Fraction]:
    x = exactly(sample.x)
    weights = [Fraction(1)] * len(x) if sample.weights is None else exactly(sample.weights)

    def mean(values: list[Fraction]) -> Fraction:
        return sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0)) / sum(weights)

    mean_x, level = mean(x), mean(f)
    centred = [v - mean_x for v in x]
    variance = mean([v * v for v in centred])
    slope = mean([v * y for v, y in zip(centred, f, strict=True)]) / variance
    spread = mean([(y - level) ** 2 for y in f])
    return {
        "mean_x": mean_x,
        "variance_x": variance,
        "mean": level,
        "slope": slope,
        "line_loss": spread - slope**2 * variance,
        "constant_loss": spread,
    }


def check(problem: Problem, f: list[Fraction]) -> None:
    sample = problem.inputs
    assert isinstance(sample, Sample)
    found = lines(problem)
    for name, value in exact_lines(sample, f).items():
        bounded = getattr(found, name)
        assert abs(Fraction(float(bounded.value)) - value) <= Fraction(float(bounded.error)), name


@pytest.mark.parametrize("seed", range(40))
def test_lines_are_within_their_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    x = rng.normal(size=n) * 10.0 ** rng.uniform(-6, 6) + rng.choice([0.0, 1.0]) * 10.0 ** rng.uniform(-3, 6)
    weights = np.abs(rng.normal(size=n)) + 1e-9 if rng.random() < 0.5 else None
    targets = rng.normal(size=n) * 10.0 ** rng.uniform(-6, 6) + rng.choice([0.0, 1e9])
    sample = Sample(x, weights=weights, targets=targets)
    check(Problem(inputs=sample), exactly(targets))
    w1, b1, w2, b2 = rng.normal(size=4) * 10.0 ** rng.uniform(-3, 3, 4)
    z = [Fraction(w1) * v + Fraction(b1) for v in exactly(x)]
    f = [Fraction(w2) * max(v, Fraction(0)) + Fraction(b2) for v in z]
    check(Problem(Neuron(w1, b1, w2, b2), Sample(x, weights=weights)), f)


def test_the_mean_of_a_grid_about_0_is_0() -> None:
    # Theorems ask for its sign.
    for n in (2, 7, 50, 201, 1000):
        found = lines(Problem(inputs=grid(n))).mean_x
        assert float(found.value) == float(found.error) == 0.0
        assert np.all(grid(n, -0.3, 0.3).x == -grid(n, -0.3, 0.3).x[::-1])
        np.testing.assert_allclose(grid(n).x, np.linspace(-1.0, 1.0, n), rtol=0, atol=2e-16)
    assert float(lines(Problem(inputs=Sample([-1.0, 1.0 + 2.0**-52]))).mean_x.value) > 0.0
