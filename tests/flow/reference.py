"""Two integrations of the flow that know nothing of cells, walls or charts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from gradflow.field import evaluator
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.field import oracle


class Case(NamedTuple):
    """A start, its problem and a final time."""

    start: Neuron
    problem: Problem
    t_end: float


def cases(n: int, seed: int, *, near_walls: bool = False) -> list[Case]:
    """Return random starts: half with the default teacher, a third on [-1, 1], half with two slopes not 0.

    `near_walls` puts every start's breakpoint next to an end of the input or the teacher's breakpoint.
    """
    rng = np.random.default_rng(seed)
    result = []
    for i in range(n):
        teacher = Neuron() if i % 2 == 0 else Neuron(*rng.normal(0.0, 1.0, 4).tolist())
        lo, width = float(rng.uniform(-2.0, 0.5)), float(rng.uniform(0.5, 3.0))
        inputs = Uniform() if i % 3 == 0 else Uniform(lo, lo + width)
        slopes = (0.0, 1.0) if i % 4 < 2 else (float(rng.uniform(-0.3, 0.6)), float(rng.uniform(0.5, 1.5)))
        w1, b1, w2, b2 = rng.normal(0.0, 1.2, 4).tolist()
        if near_walls:
            wall = (inputs.lo, inputs.hi, -teacher.b1 / teacher.w1)[int(rng.integers(3))]
            b1 = -w1 * wall + float(rng.normal(0.0, 0.1))
        start = Neuron(w1, b1, w2, b2)
        result.append(Case(start, Problem(teacher, inputs, slopes), float(rng.uniform(1.0, 5.0))))
    return result


def plain(case: Case, *, max_step: float = 0.05, dense: bool = False) -> Any:
    """Integrate the true field with SciPy across all walls; its error control has to cope with them."""
    theta = np.array(case.start, dtype=np.float64)
    gradient = evaluator(case.problem, theta).gradient
    return solve_ivp(
        lambda _, y: -gradient(y),
        (0.0, case.t_end),
        theta,
        method="DOP853",
        rtol=1e-12,
        atol=1e-13,
        max_step=max_step,
        dense_output=dense,
    )


def exact(case: Case, start: Any, duration: Any, *, step: float = 0.25, levels: int = 9) -> list[Any]:
    """Integrate the 50-digit field by Gragg's method with extrapolation (order 2·levels in a cell)."""
    mpf = oracle.mpf
    teacher, inputs, slopes = case.problem.teacher, case.problem.inputs, case.problem.slopes

    def velocity(y: list[Any]) -> list[Any]:
        return [-g for g in oracle.integrate(y, teacher, inputs.lo, inputs.hi, slopes).gradient]

    y, duration = [mpf(v) for v in start], mpf(duration)
    count = max(1, int(np.ceil(float(duration) / step)))
    for _ in range(count):
        y = _extrapolated(velocity, y, duration / count, levels)
    return y


def _extrapolated(velocity: Any, y: list[Any], h: Any, levels: int) -> list[Any]:
    row: list[list[Any]] = []
    first = velocity(y)
    for k in range(1, levels + 1):
        n = 2 * k
        new = [_midpoints(velocity, y, first, h / n, n)]
        for j, previous in enumerate(row, start=1):
            ratio = (oracle.mpf(n) / (2 * (k - j))) ** 2 - 1
            new.append([a + (a - b) / ratio for a, b in zip(new[-1], previous, strict=True)])
        row = new
    return row[-1]


def _midpoints(velocity: Any, y: list[Any], first: list[Any], h: Any, n: int) -> list[Any]:
    before, now = y, [a + h * v for a, v in zip(y, first, strict=True)]
    for _ in range(n - 1):
        before, now = now, [a + 2 * h * v for a, v in zip(before, velocity(now), strict=True)]
    after = [a + 2 * h * v for a, v in zip(before, velocity(now), strict=True)]
    return [(a + 2 * b + c) / 4 for a, b, c in zip(before, now, after, strict=True)]
