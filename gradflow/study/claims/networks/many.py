"""Many networks at once under steps or the flow, each until its loss is low; and exact intervals of shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

from gradflow.descent.optimisers.registry import init, update
from gradflow.networks.line.evaluate import Evaluator, evaluator
from gradflow.networks.line.task import Task

LIMIT = 1e6
"""A parameter beyond it has diverged."""


class Ended(NamedTuple):
    """The last states, shape (3m + 1, n), their losses (NaN where diverged), and the times or steps taken."""

    rows: np.ndarray
    loss: np.ndarray
    taken: np.ndarray


def trained(
    rows: np.ndarray,
    task: Task,
    config: Any,
    steps: int,
    low: float = 0.0,
    drawn: Callable[[int], Evaluator] | None = None,
) -> Ended:
    """Take steps; a network whose loss is at most `low` when looked at, every 50 steps, is left there.

    The gradient of step k = 0, 1, … is that of `drawn`, if given, in the place of the whole one's.
    """
    field = evaluator(task)
    rows, loss, taken = rows.copy(), np.full(rows.shape[1], np.nan), np.zeros(rows.shape[1])
    left = np.arange(rows.shape[1])
    some, state = rows.copy(), init(config, rows)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            gradient = (field if drawn is None else drawn(step - 1)).gradient(some)
            some, state = update(config, gradient, state, some, config.lr)
            if step % 50 and step != steps:
                continue
            value = np.where(np.all(np.abs(some) < LIMIT, axis=0), field.loss(some), np.nan)
            rows[:, left], loss[left], taken[left] = some, value, step
            goes_on = value > low
            if not np.all(goes_on):
                left, some = left[goes_on], some[:, goes_on]
                state = _chosen(state, goes_on)
            if not left.size:
                break
    return Ended(rows, loss, taken)


def _chosen(state: Any, some: np.ndarray) -> Any:
    """Return an optimiser's state of the networks that go on."""
    if isinstance(state, np.ndarray) and state.ndim and state.shape[-1] == some.shape[0]:
        return state[..., some]
    if isinstance(state, dict):
        return {name: _chosen(value, some) for name, value in state.items()}
    if hasattr(state, "_fields"):
        return type(state)(*(_chosen(value, some) for value in state))
    if isinstance(state, (tuple, list)):
        return type(state)(_chosen(value, some) for value in state)
    return state


def flowed(
    rows: np.ndarray, task: Task, t_end: float, low: float = 0.0, tolerance: float = 1e-5, most: int = 100_000
) -> Ended:
    """Follow the flow by Bogacki and Shampine's pair, every network with steps of its own.

    Walls are stepped over, with an error that the pair's estimate sees.
    """
    field = evaluator(task)
    n = rows.shape[1]
    rows, loss, taken = rows.copy(), np.array(field.loss(rows), dtype=float), np.zeros(n)
    left, y = np.arange(n), rows.copy()
    t, h = np.zeros(n), np.full(n, 1e-3)
    k1 = -field.gradient(y)
    for _ in range(most):
        h = np.minimum(h, t_end - t)
        k2 = -field.gradient(y + 0.5 * h * k1)
        k3 = -field.gradient(y + 0.75 * h * k2)
        new = y + h * (2.0 * k1 + 3.0 * k2 + 4.0 * k3) / 9.0
        value, slope = field.loss_and_gradient(new)
        k4 = -slope
        wrong = h * (-5.0 * k1 / 72.0 + k2 / 12.0 + k3 / 9.0 - k4 / 8.0)
        error = np.max(np.abs(wrong) / (tolerance * (1.0 + np.abs(y))), axis=0)
        good = error <= 1.0
        y, k1, t = np.where(good, new, y), np.where(good, k4, k1), np.where(good, t + h, t)
        h = h * np.clip(0.9 * np.maximum(error, 1e-10) ** (-1.0 / 3.0), 0.2, 5.0)
        rows[:, left] = y
        loss[left] = np.where(good, value, loss[left])
        taken[left] = t
        goes_on = (t < t_end) & (loss[left] > low)
        if not np.all(goes_on):
            left, y, k1, t, h = left[goes_on], y[:, goes_on], k1[:, goes_on], t[goes_on], h[goes_on]
        if not left.size:
            break
    return Ended(rows, loss, taken)


def interval(count: int, n: int) -> list[float]:
    """Return Clopper and Pearson's exact interval of a probability, at 95 %."""
    found = binomtest(count, n).proportion_ci(0.95, method="exact")
    return [float(found.low), float(found.high)]
