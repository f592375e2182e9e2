"""Starts with every kind of trajectory, problems of every kind, and a comparison of bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import Descent
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

N = 150


def starts(dtype: str = "float64") -> np.ndarray:
    """Return neurons of shape (4, N): random, dead, flat, on the walls, beyond every bound."""
    theta = np.random.default_rng(0).normal(size=(4, N)) * np.asarray([[1.0], [1.0], [1.5], [1.0]])
    theta[0, :4] = 0.0
    theta[1, 1:3] = -5.0
    theta[:2, 3] = 0.0
    theta[1, 4:6] = (5.0, -5.0)
    theta[1, 6:8] = theta[0, 6] * np.asarray([1.0, -1.0])
    theta[0, 7] = theta[0, 6]
    theta[0, 8], theta[2, 9], theta[3, 10] = (
        (1e30, 1e30, -1e30) if dtype == "float32" else (1e50, 1e43, -1e44)
    )
    theta[2, 11] = -0.0
    return np.asarray(theta, dtype=dtype)


PROBLEMS = {
    "default": Problem(),
    "negative": Problem(teacher=Neuron(-1.3, 0.4, 0.7, -0.2)),
    "no kink": Problem(teacher=Neuron(0.3, 0.9, -1.0, 0.1)),
    "constant": Problem(teacher=Neuron(0.0, 0.0, 1.0, 0.3)),
    "interval": Problem(inputs=Uniform(-0.7, 2.3)),
    "leaky": Problem(activation=(0.1, 1.0)),
    "slopes": Problem(activation=(-0.5, 2.0)),
    "arrays": Problem(
        teacher=Neuron(1.0, np.linspace(-2.0, 2.0, N), 1.0, 0.0),
        inputs=Uniform(-1.0, np.linspace(0.5, 2.0, N)),
    ),
}


# At least 256 inputs: sorted.
SAMPLES = {
    "grid": Problem(inputs=grid(300)),
    "weighted, labelled": Problem(
        inputs=Sample(
            np.random.default_rng(1).normal(size=400),
            weights=np.random.default_rng(2).uniform(0.0, 1.0, 400),
            targets=np.random.default_rng(3).normal(size=400),
        )
    ),
    "leaky, other teacher": Problem(
        teacher=Neuron(-1.3, 0.4, 0.7, -0.2), inputs=grid(300, -0.7, 2.3), activation=(0.1, 1.0)
    ),
    "three distinct inputs": Problem(inputs=Sample(np.repeat([-1.0, 0.0, 0.5], 100))),
    "one distinct input": Problem(inputs=Sample(np.full(300, 0.5))),
}


def assert_same_bits(run: Descent, other: Descent) -> None:
    """Compare everything but the events, signs of zeros included."""
    for name in ("final", "steps", "theta", "loss", "first_change", "diverged"):
        a: Any = getattr(run, name)
        b: Any = getattr(other, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert (a.dtype, a.shape) == (b.dtype, b.shape), name
            np.testing.assert_array_equal(a, b, err_msg=name)
            assert a.tobytes() == b.tobytes(), name
