"""Problems whose gradients are sums over nodes or inputs, starts for them, and comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.neuron.activations import SMOOTH
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

M = 80
LINEAR = ("relu", "slopes=-0.2,0.8")
ALL = (*SMOOTH, *LINEAR)
PAIRS = [
    (student, ALL[(i + far) % len(ALL)])
    for far in (1, 3)
    for i, student in enumerate(ALL)
    if {student, ALL[(i + far) % len(ALL)]} - {*LINEAR}
]
"""Every activation as a student and as a teacher, most of them twice; one of a pair is smooth."""

FEW = [("silu", "silu"), ("relu", "silu"), ("gelu", "relu"), ("tanh", "softplus"), ("softplus", "gelu")]
"""Every activation once as the student's and once as the teacher's, but for tanh."""


def starts(dtype: str = "float64") -> np.ndarray:
    """Return neurons of shape (4, M): random, flat, dead, on the walls, and steep ones, |w1| ≤ 100."""
    theta = np.random.default_rng(5).normal(size=(4, M))
    theta[0, :3] = 0.0
    theta[1, 1], theta[1, 2] = 0.0, -5.0
    theta[1, 3:5] = theta[0, 3:5] * np.asarray([1.0, -1.0])
    theta[0, 5:25] = np.linspace(-100.0, 100.0, 20)
    theta[1, 5:15] *= 20.0
    theta[:2, 25] = (0.3, -5.0)
    theta[2, 26] = 1e-12
    return np.asarray(theta, dtype=dtype)


def problems(student: str, teacher: str) -> dict[str, Problem]:
    """Return one teacher, a steep one, and arrays of teachers and intervals."""
    line = np.linspace(-1.0, 1.0, M)
    return {
        "one": Problem(Neuron(-1.3, 0.4, 0.7, -0.2), Uniform(), student, teacher),
        "steep": Problem(Neuron(80.0, 20.0, 0.5, 0.1), Uniform(-0.7, 2.3), student, teacher),
        "arrays": Problem(Neuron(10.0 * line, line, 1.0, 0.2), Uniform(-1.0, 1.2 + line), student, teacher),
    }


SMALL_SAMPLES = {
    **{f"grid of {n}": Problem(inputs=grid(n)) for n in (2, 9, 100, 129, 255)},
    "leaky, weighted, labelled": Problem(
        inputs=Sample(
            np.random.default_rng(1).normal(size=101),
            weights=np.random.default_rng(2).uniform(0.0, 1.0, 101),
            targets=np.random.default_rng(3).normal(size=101),
        ),
        activation=(0.1, 1.0),
    ),
    "smooth teacher": Problem(inputs=grid(100), teacher_activation="gelu"),
}


def assert_close(run: Any, other: Any, tolerance: float) -> None:
    """Compare two runs relative to the larger of each parameter and 1, and their labels."""
    for name in ("theta", "loss"):
        a, b = getattr(run, name), getattr(other, name)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), name
        apart = np.abs(a - b) / np.maximum(np.abs(b), 1.0)
        assert np.max(apart, initial=0.0) <= tolerance, (name, np.max(apart))
    assert np.array_equal(run.diverged, other.diverged)
    assert np.mean(run.first_change != other.first_change) <= (0.0 if tolerance < 1e-9 else 0.05)
