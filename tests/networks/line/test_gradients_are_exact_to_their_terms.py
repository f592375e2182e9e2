"""Loss and gradient of networks differ from 60 digits by at most 1e-13 of the integrals of their terms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradflow as gf
from gradflow.networks.line import loss_and_gradient, of_rows
from tests.networks.line.exact import Line, exactly, networks

TOLERANCE = 1e-13
STEP = ([-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0])
TEACHER = ([1.0, -2.0, 0.0], [0.3, 0.7, 1.0], [1.0, -0.5, 2.0], 0.25)
CASES: dict[str, tuple[gf.Problem, Line]] = {
    "the default teacher": (
        gf.Problem(),
        Line(([1.0], [0.0], [1.0], 0.0), None, [-1.0, 1.0], [0.5]),
    ),
    "|x|": (
        gf.Problem(target="abs"),
        Line(None, ([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]), [-1.0, 1.0], [0.5]),
    ),
    "a step": (gf.Problem(target="step"), Line(None, STEP, [-1.0, 1.0], [0.5])),
    "a hat, inputs in steps": (
        gf.Problem(target="hat", law=gf.Steps([-1.0, -0.25, 0.5, 2.0], [1.0, 0.0, 3.0])),
        Line(
            None,
            ([-1.0, -0.5, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
            [-1.0, -0.25, 0.5, 2.0],
            [1.0, 0.0, 3.0],
        ),
    ),
    "a leaky network": (
        gf.Problem(target=gf.Network(*TEACHER), activation=(0.25, 1.0)),
        Line(TEACHER, None, [-1.0, 1.0], [0.5], (0.25, 1.0)),
    ),
}  # fmt: skip


def check(rows: np.ndarray, name: str) -> None:
    problem, line = CASES[name]
    value, gradient = loss_and_gradient(of_rows(rows), problem)
    exact = exactly(rows, line)
    assert value >= 0.0
    assert abs(value - exact.loss) <= TOLERANCE * exact.loss_size
    for k in range(len(rows)):
        assert abs(gradient[k] - exact.gradient[k]) <= TOLERANCE * exact.gradient_size[k], k


@pytest.mark.parametrize("name", list(CASES))
@given(rows=networks())
@settings(max_examples=60, deadline=None)
def test_of_adversarial_networks(name: str, rows: np.ndarray) -> None:
    check(rows, name)


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("m", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_of_wide_networks(name: str, m: int) -> None:
    rng = np.random.default_rng(m)
    check(rng.normal(size=3 * m + 1), name)
    crowded = rng.normal(size=3 * m + 1)
    # All breakpoints beside the right end, some facing it and some not.
    crowded[m : 2 * m] = -crowded[:m] * (1.0 - 10.0 ** rng.uniform(-15, -1, m))
    check(crowded, name)


@given(rows=networks(1), seed=st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_one_neuron_is_the_neuron(rows: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    teacher = gf.Neuron(*rng.normal(size=4)) if seed else gf.Neuron()
    problem = gf.Problem(teacher=teacher)
    value, gradient = loss_and_gradient(gf.Neuron(*rows), problem)
    w1, b1, w2, b2 = map(float, teacher)
    exact = exactly(rows, Line(([w1], [b1], [w2], b2), None, [-1.0, 1.0], [0.5]))
    assert abs(value - gf.loss(gf.Neuron(*rows), problem)) <= 1e-14 * exact.loss_size
    difference = np.abs(gradient - gf.gradient(gf.Neuron(*rows), problem))
    assert np.all(difference <= 1e-14 * np.array(exact.gradient_size, dtype=np.float64))
