"""A step that keeps a neuron below its wall: Taylor's formula with the bound of derivation 18."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from gradflow.theory import upstream
from gradflow.theory.upstream import Network, Task
from gradflow.theory.upstream_flow import Wall


def wall_of(network: Network, task: Task, monkeypatch: pytest.MonkeyPatch) -> Wall:
    """Return the wall at the input's end hi that a revival time is computed with."""
    walls: list[Wall] = []

    def noted(wall: Wall) -> np.ndarray:
        walls.append(wall)
        return np.full(wall.start.shape, np.inf)

    with monkeypatch.context() as patch:
        patch.setattr(upstream, "first_active", noted)
        upstream.revival_time(network, task)
    (found,) = (wall for wall in walls if wall.end[0] == task.hi)
    return found


def longest(network: Network, task: Task, third: float) -> float:
    """Return the step h with z + h z′ + h² max(z″/2 + h B/6, 0) = 0 at t = 0, from the equations."""
    a, c, d, w1 = network.a, network.c, network.d, network.w1
    e, u, v = task.hi, d * a - task.slope, d * c - task.level
    da, dc, dd = -2.0 * d * u, -2.0 * d * v, -2.0 * (a * u + c * v)
    du, dv = dd * a + d * da, dd * c + d * dc
    z, first = w1 * (a * e + c) + network.b1, w1 * (da * e + dc)
    second = w1 * (-2.0 * (dd * u + d * du) * e - 2.0 * (dd * v + d * dv))
    bound = abs(w1) * np.hypot(1.0, e) * third
    assert z < 0.0 < first

    def top(h: float) -> float:
        return float(z + h * (first + h * max(second / 2.0 + h * bound / 6.0, 0.0)))

    return float(brentq(top, 0.0, -z / first, xtol=1e-300, rtol=1e-14))


@pytest.mark.parametrize("seed", range(6))
def test_the_longest_step_that_stays_below(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    while True:
        a, c, d, slope, level, w1 = rng.normal(size=6)
        task = Task(-1.0, 1.5, slope, level)
        top = max(w1 * (a * end + c) for end in (task.lo, task.hi))
        network = Network(a, c, w1, -top - 0.3, 1.0, d)
        if w1 * (-2.0 * d * ((d * a - slope) * task.hi + d * c - level)) > 0.0:
            break
    wall = wall_of(network, task, monkeypatch)
    h = longest(network, task, float(wall.flow.third()[0]))
    now = np.zeros(1)
    assert wall.falls(now, np.array([h * (1.0 - 1e-9)]))[0]
    assert not wall.falls(now, np.array([h * (1.0 + 1e-9)]))[0]
