"""A step that keeps a neuron below its wall: Taylor's formula with the bound of derivation 18."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
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


def third_bound(network: Network, task: Task) -> float:
    """Return derivation 18's bound of |z‴|: 6R F² + (λ + 3R²)² F, F = (λ + R²) R, R² = max(|z(0)|², λ)."""
    a, c, d = network.a, network.c, network.d
    largest = np.hypot(a * a + c * c - d * d, 2.0 * np.hypot(task.slope, task.level))
    square = max(a * a + c * c + d * d, largest)
    speed = (largest + square) * np.sqrt(square)
    return float(6.0 * np.sqrt(square) * speed**2 + (largest + 3.0 * square) ** 2 * speed)


def velocity(state: np.ndarray, task: Task) -> np.ndarray:
    a, c, d = state
    u, v = d * a - task.slope, d * c - task.level
    return np.array([-2.0 * d * u, -2.0 * d * v, -2.0 * (a * u + c * v)])


def third(state: np.ndarray, task: Task) -> np.ndarray:
    """Return z‴ = f″[f, f] + f′ f′ f: f is cubic, so that differences are derivatives."""
    f = velocity(state, task)

    def along(w: np.ndarray) -> np.ndarray:
        near, far = (velocity(state + h * w, task) - velocity(state - h * w, task) for h in (0.5, 1.0))
        return np.asarray((8.0 * near - far) / 6.0)

    bent = velocity(state + f, task) - 2.0 * f + velocity(state - f, task)
    return np.asarray(bent + along(along(f)))


@pytest.mark.parametrize("seed", range(20))
def test_no_third_derivative_is_above_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, c, d, slope, level = rng.normal(size=5) * 10.0 ** rng.uniform(-1.0, 1.0, size=5)
    task, network = Task(-1.0, 1.5, slope, level), Network(a, c, 1.0, -1.0, 1.0, d)
    times = np.linspace(0.0, 3.0, 200)
    run = solve_ivp(
        lambda t, z: velocity(z, task), (0.0, 3.0), [a, c, d], method="LSODA", t_eval=times, rtol=1e-10
    )
    most = max(float(np.linalg.norm(third(state, task))) for state in run.y.T)
    assert most <= third_bound(network, task) * (1.0 + 1e-9)


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
    h = longest(network, task, third_bound(network, task))
    now = np.zeros(1)
    assert wall.falls(now, np.array([h * (1.0 - 1e-9)]))[0]
    assert not wall.falls(now, np.array([h * (1.0 + 1e-9)]))[0]
