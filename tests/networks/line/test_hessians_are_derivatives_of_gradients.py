"""Hessians are what differences of gradients say, for one neuron the neuron's own, and Gram matrices too."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks.line import gradient, gram, hessian, loss, of_rows

PROBLEMS = {
    "|x|": gf.Problem(target="abs"),
    "a step": gf.Problem(target="step"),
    "steps": gf.Problem(target="hat", law=gf.Steps([-1.0, -0.2, 0.5, 2.0], [1.0, 3.0, 0.5])),
    "normal": gf.Problem(target="abs", law=gf.Normal(0.2, 0.7)),
    "a leaky network": gf.Problem(
        target=gf.Network([1.0, -2.0], [0.3, 0.7], [1.0, -0.5], 0.25), activation=(0.2, 1.0)
    ),
    "falling": gf.Problem(target="abs", activation=(1.0, -0.5)),
}


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_of_differences(name: str) -> None:
    problem = PROBLEMS[name]
    rows = np.random.default_rng(0).normal(size=22)
    step = 1e-6
    pairs = [(of_rows(rows + step * e), of_rows(rows - step * e)) for e in np.eye(22)]
    slopes = np.array([(loss(a, problem) - loss(b, problem)) / (2 * step) for a, b in pairs])
    assert np.allclose(slopes, gradient(rows, problem), atol=1e-8)
    rates = np.array([(gradient(a, problem) - gradient(b, problem)) / (2 * step) for a, b in pairs])
    found = hessian(rows, problem)
    assert np.allclose(rates, found, atol=1e-8)
    assert np.array_equal(found, found.T)


def test_of_one_neuron() -> None:
    theta = np.random.default_rng(1).normal(size=(4, 1000))
    problem = gf.Problem(teacher=gf.Neuron(1.0, 0.2, 1.0, 0.0))
    assert np.allclose(hessian(theta, problem), gf.hessian(theta, problem), atol=1e-12)


def test_a_gram_matrix_is_the_mean_of_products() -> None:
    rows, n = np.random.default_rng(2).normal(size=13), 20_001
    w1, b1, w2 = rows[:4, None], rows[4:8, None], rows[8:12, None]
    x = (np.arange(n) + 0.5) * 2 / n - 1
    active = (w1 * x + b1 > 0) * 1.0
    features = np.concatenate([w2 * active * x, w2 * active, active * (w1 * x + b1), np.ones((1, n))])
    assert np.allclose(gram(rows), features @ features.T / n, atol=1e-4)


def test_an_array_of_networks_is_each_of_them() -> None:
    rows = np.random.default_rng(3).normal(size=(10, 5, 2))
    for problem in PROBLEMS.values():
        for function in (loss, gradient, hessian):
            whole = function(of_rows(rows), problem)
            for index in np.ndindex(5, 2):
                alone = function(rows[(slice(None), *index)], problem)
                assert np.array_equal(whole[(..., *index)], alone)
