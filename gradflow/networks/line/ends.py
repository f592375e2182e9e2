"""Where networks on the line are when a run ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from gradflow.base.arrays import Array
from gradflow.ends.outcome import CONSTANT, DIVERGED, GLOBAL, LINEAR, LOCAL, TOLERANCE, UNDECIDED
from gradflow.field.means import Inputs
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.nodes import fixed_points
from gradflow.networks.line.task import Task
from gradflow.neuron.losses import SQUARED, Loss

REST = 1e-7
"""How small a gradient is at rest, in units of the best constant's loss, or of 1 if that is larger."""


class References(NamedTuple):
    """The losses of the best constant and of the best line, and that constant."""

    constant: float
    line: float
    level: float


def references(task: Task) -> References:
    """Return the losses of what a network without breakpoints on the input can do best.

    Of a loss that is not squared they are found by Nelder and Mead's simplex, from the least squares.
    """
    if not task.is_exact:
        return _of_points(task.sample or fixed_points(task), task.loss)
    # A hyperactive neuron (z = 1 at one end) that returns 0: its derivatives are the moments wanted.
    width = task.hi - task.lo
    slope = max(task.slopes, key=abs) or 1.0
    sign = 1.0 if slope == task.slopes[1] else -1.0
    rows = np.array([sign / width, sign * (1.0 - task.lo / width), 0.0, 0.0])
    field = evaluator(task)
    covariance, pull = field.gram(rows)[2:, 2:], -0.5 * field.gradient(rows)[2:]

    def of(features: list[int]) -> tuple[float, float]:
        best = np.zeros(2)
        at = np.ix_(features, features)
        best[features] = np.linalg.lstsq(covariance[at], pull[features], rcond=None)[0]
        return float(field.loss(np.array([*rows[:2], *best]))), float(best[1])

    constant, level = of([1])
    return References(constant, of([0, 1])[0], level)


def _of_points(points: Inputs, loss: Loss) -> References:
    """Return the references of sums over points."""
    x, weights, y = points
    middle = float(np.sum(weights * x) / np.sum(weights))
    away = x - middle
    features = np.stack([np.ones_like(x), away / (float(np.max(np.abs(away))) or 1.0)])

    def best(count: int) -> tuple[float, float]:
        some, root = features[:count], np.sqrt(weights)
        start = np.linalg.lstsq((some * root).T, root * y, rcond=None)[0]

        def of(parameters: np.ndarray) -> float:
            return float(np.sum(weights * loss.value(parameters @ some, y)))

        if loss == SQUARED:
            return of(start), float(start[0])
        found = minimize(of, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        return float(found.fun), float(found.x[0])

    constant, level = best(1)
    return References(constant, min(constant, best(2)[0]), level)


def outcomes(
    rows: Array,
    task: Task,
    diverged: Array | bool = False,
    moves: Array | None = None,
    rest: float = REST,
) -> np.ndarray:
    """Return outcome codes (`gradflow.ends.outcome.OUTCOMES`) of last states, shape (*batch).

    global
        L ≤ 1e-3 of the best constant's loss, and of the best line's unless that is 0.
    linear, constant
        L within 1e-3 of the best line's, or constant's, loss, and the gradient at most `rest`.
    local
        Any other loss with such a gradient: a critical point that is none of these, or a plateau.
    diverged, undecided
        The numbers were left; none of these.

    Parameters
    ----------
    rows : array, shape (3m + 1, *batch)
    diverged : array of bool, optional
        The networks that left the range of their numbers.
    moves : array, shape (3m + 1,), optional
        1, and 0 for parameters that are frozen, whose gradient does not matter.
    rest : float
        In the place of `REST`; infinite where they are known to be at rest.
    """
    known = references(task)
    finite = np.all(np.isfinite(rows), axis=0)
    value, slope = evaluator(task).loss_and_gradient(np.where(finite, rows, 0.0))
    if moves is not None:
        slope = slope * moves.reshape(-1, *(1,) * (slope.ndim - 1))
    steepest = np.max(np.abs(slope), axis=0)
    rests = steepest <= rest * max(1.0, known.constant)
    near_line = np.abs(value - known.line) <= TOLERANCE * known.line
    near_constant = np.abs(value - known.constant) <= TOLERANCE * known.constant
    low = value <= TOLERANCE * known.constant
    # Beside a target that is a line to rounding, its loss is no measure.
    if known.line > TOLERANCE**2 * known.constant:
        low &= value <= TOLERANCE * known.line
    conditions = [~finite | np.asarray(diverged), low, rests & near_line, rests & near_constant, rests]
    return np.select(conditions, [DIVERGED, GLOBAL, LINEAR, CONSTANT, LOCAL], UNDECIDED).astype(np.int8)
