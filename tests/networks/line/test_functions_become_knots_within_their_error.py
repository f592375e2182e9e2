"""A function's knots are as near to it as was asked for, and what has none is refused."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.neuron.targets import interpolated


@pytest.mark.parametrize("error", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("function", [np.sin, np.exp, lambda x: np.tanh(20.0 * x), np.abs])
def test_the_lines_are_near(function: np.ufunc, error: float) -> None:
    knots = interpolated(function, -1.0, 2.0, error)
    x = np.linspace(-1.0, 2.0, 100_001)
    assert np.max(np.abs(np.interp(x, knots.x, knots.y) - function(x))) <= 1.05 * error
    assert (knots.x[0], knots.x[-1]) == (-1.0, 2.0)


def test_knots_are_where_they_are_needed() -> None:
    knots = interpolated(lambda x: np.tanh(50.0 * x), error=1e-4)
    assert np.sum(np.abs(knots.x) < 0.1) > np.sum(np.abs(knots.x) > 0.3)


def test_a_network_learns_a_sine() -> None:
    problem = gf.Problem(target=interpolated(lambda x: np.sin(np.pi * x), error=1e-5))
    run = gf.train(gf.networks.line.start("uniform", 30, 0), problem, gf.Adam(0.02), 300)
    assert float(run["loss"][-1]) < 1e-2


def test_what_is_no_function_of_that_kind_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"error: 0\.001 needs too many knots near 0\.\d+; a jump is a knot that stands twice",
    ):
        interpolated(lambda x: np.sign(x - 0.1), error=1e-3)
    with pytest.raises(ValueError, match="function: expected a value for each of 17 inputs"):
        interpolated(lambda x: np.array(1.0))
    with pytest.raises(ValueError, match="function: must be finite"):
        interpolated(lambda x: np.where(x > 0, x, np.nan))
    with pytest.raises(ValueError, match="knots: expected lo < hi"):
        interpolated(np.sin, 1.0, 0.0)
    with pytest.raises(TypeError, match="function: expected a function of an array of inputs"):
        interpolated("sine")  # type: ignore[arg-type]
