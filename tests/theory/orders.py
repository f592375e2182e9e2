"""Slopes, starts that stay in one cell, and optimisers written anew, for measured orders of convergence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradflow.field import gradient, hessian
from gradflow.field.jet import cell_of
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.theory.modified import gd_field

PROBLEMS = {
    "default": Problem(),
    "downwards": Problem(teacher=Neuron(-0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "leaky": Problem(teacher=Neuron(1.2, -0.4, -0.7, 0.3), activation=(0.2, 1.1)),
}


def slope(rates: Any, errors: Any) -> float:
    """Return the exponent of the power law that fits best."""
    return float(np.polyfit(np.log(rates), np.log(errors), 1)[0])


def size(difference: Any) -> float:
    """Return the largest entry."""
    return float(np.max(np.abs(difference)))


def places(problem: Problem) -> tuple[float, float, float]:
    """Return lo, the teacher's breakpoint and hi."""
    teacher = problem.teacher
    return float(problem.lo), -float(teacher.b1) / float(teacher.w1), float(problem.hi)


def in_one_cell(
    problem: Problem, step: Callable[[np.ndarray], np.ndarray], steps: int, n: int, seed: int
) -> np.ndarray:
    """Return `n` random starts, negative weights among them, whose path by `step` stays inside one cell.

    Paths that come near a wall, w1 = 0 or large curvature are left out.
    """
    theta = np.random.default_rng(seed).normal(size=(4, 40 * n))
    start, cell = theta, np.stack(cell_of(theta, problem))
    kept = np.ones(theta.shape[1], bool)
    for _ in range(steps + 1):
        z = np.stack([theta[0] * node + theta[1] for node in places(problem)])
        far = np.min(np.abs(np.stack([*z, theta[0]])), axis=0) > 0.15
        mild = np.linalg.norm(hessian(theta, problem), axis=(0, 1)) < 12.0
        alive = (z[0] > 0.0) | (z[2] > 0.0)
        kept &= far & mild & alive & np.all(np.stack(cell_of(theta, problem)) == cell, axis=0)
        theta = step(theta)
    found = start[:, kept][:, :n]
    assert found.shape[1] == n, f"only {found.shape[1]} such starts"
    return found


def heavy_ball(start: np.ndarray, problem: Problem, rate: float, mu: float, steps: int, buffer: Any) -> Any:
    """Return heavy ball's parameters after `steps`, from any buffer."""
    theta = start
    for _ in range(steps):
        buffer = mu * buffer + gradient(theta, problem)
        theta = theta - rate * buffer
    return theta


def adam_inside(
    theta: np.ndarray, problem: Problem, rate: float, betas: tuple[float, float], eps: float, steps: int
) -> np.ndarray:
    """Return Adam's parameters after `steps`, with ε inside the root."""
    m = v = np.zeros_like(theta)
    for k in range(1, steps + 1):
        g = gradient(theta, problem)
        m = betas[0] * m + (1.0 - betas[0]) * g
        v = betas[1] * v + (1.0 - betas[1]) * g * g
        theta = theta - rate * (m / (1.0 - betas[0] ** k)) / np.sqrt(v / (1.0 - betas[1] ** k) + eps)
    return theta


def rk4(velocity: Callable[[np.ndarray], np.ndarray], theta: np.ndarray, time: Any) -> np.ndarray:
    """Return where a field leads in one step of the classical Runge–Kutta method, by O(time⁵)."""
    k1 = velocity(theta)
    k2 = velocity(theta + 0.5 * time * k1)
    k3 = velocity(theta + 0.5 * time * k2)
    k4 = velocity(theta + time * k3)
    return np.asarray(theta + time / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))


def wall_points(problem: Problem, wall: str, n: int, seed: int) -> tuple[np.ndarray, Any, Any]:
    """Return `n` random neurons with the breakpoint on a wall, and the cells before and behind it.

    Their (w1, b1) moves through the wall at a speed of at least 0.2, in either direction; w1 has either sign.
    """
    theta = np.random.default_rng(seed).normal(size=(4, 20 * n))
    nodes = places(problem)
    place = ("lo", "teacher", "hi").index(wall)
    theta[1] = -theta[0] * nodes[place]
    g = gradient(theta, problem)
    speed = -(nodes[place] * g[0] + g[1])
    mild = np.linalg.norm(hessian(theta, problem), axis=(0, 1)) < 12.0
    kept = (np.abs(speed) > 0.2) & (np.abs(theta[0]) > 0.4) & mild
    theta, speed = theta[:, kept][:, :n], speed[kept][:n]
    assert theta.shape[1] == n
    active = [theta[0] * node + theta[1] > 0.0 for node in nodes]
    before = tuple(speed < 0.0 if i == place else active[i] for i in range(3))
    behind = tuple(speed > 0.0 if i == place else active[i] for i in range(3))
    return theta, before, behind


def crossing_starts(problem: Problem, wall: str, t_end: float, n: int) -> np.ndarray:
    """Return `n` random starts whose flow crosses a wall at t_end/2, and no other before t_end."""
    at, before, behind = wall_points(problem, wall, 24 * n, 4)
    place = ("lo", "teacher", "hi").index(wall)
    kept = np.ones(at.shape[1], bool)
    path = start = at
    for direction, cell in ((-1.0, before), (1.0, behind)):
        path = at
        for _ in range(20):
            path = rk4(partial(_along, problem, direction, cell), path, t_end / 40.0)
            z = [path[0] * node + path[1] for node in places(problem)]
            kept &= np.all([(a > 0.0) == b for a, b in zip(z, cell, strict=True)], axis=0)
            kept &= np.min(np.abs([a for i, a in enumerate(z) if i != place]), axis=0) > 0.05
            kept &= np.linalg.norm(hessian(path, problem), axis=(0, 1)) < 12.0
            path = np.where(kept, path, at)
        start = path if direction < 0.0 else start
    found = start[:, kept][:, :n]
    assert found.shape[1] == n, f"only {found.shape[1]} such starts"
    return found


def _along(problem: Problem, direction: float, cell: Any, theta: np.ndarray) -> Any:
    return direction * gd_field(theta, problem, order=1, cell=cell)
