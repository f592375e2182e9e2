"""The flow where the field is continuous: on the population, and of smooth neurons on a sample.

The field is smooth between the walls, where a breakpoint meets an end or a knot, and continuous across
them. A step that crosses a wall is taken back and ends on it, so that no step's polynomial spans one; where
two breakpoints meet the field is continuously differentiable, and steps go on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import Radau
from scipy.optimize import brentq

from gradflow.flow.crossing import CERTAIN
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.integration import Integration
from gradflow.networks.line.task import Task
from gradflow.networks.line.walls import ROUNDING, Crossing, event, places, preactivations


class Continuous:
    """The field of a network, and on which sides of its walls it is (an `integration.PiecewiseField`).

    A neuron that fades comes as near to its wall as its parameters' rounding, and has not crossed it: the
    sides that rounding decides are not known. The end of a step that was taken again may be before the wall
    that it was to end on, by the solver's error: it has not come back from it unless it goes further away.
    """

    def __init__(self, rows: np.ndarray, task: Task, moves: np.ndarray) -> None:
        self.task, self.moves, self.m = task, moves, rows.shape[0] // 3
        self.walls, self.evaluator = places(task), evaluator(task)
        z = preactivations(rows, self.walls)
        self._before = np.zeros_like(z)
        self._positive, self._known = z > 0.0, self._is_off(z, rows)

    def velocity(self, _: float, y: np.ndarray) -> np.ndarray:
        """Return the velocity of the parameters and of ∫|∇L|²."""
        slope = self.moves * self.evaluator.gradient(y[:-1])
        return np.append(-slope, slope @ slope)

    def jacobian(self, _: float, y: np.ndarray) -> np.ndarray:
        """Return the derivative of the velocity."""
        slope = self.moves * self.evaluator.gradient(y[:-1])
        bend = self.moves[:, None] * self.evaluator.hessian(y[:-1])
        return np.pad(np.vstack((-bend, 2.0 * slope @ bend)), ((0, 0), (0, 1)))

    def left(self, y: np.ndarray) -> np.ndarray:
        """Return which walls which neurons have crossed, shape (walls, m)."""
        z = self._sides(y)
        off = self._is_off(z, y)
        crossed = np.asarray(self._known & ((z > 0.0) != self._positive) & off)
        self._before[off & ((z > 0.0) == self._positive)] = 0.0
        if not np.any(crossed):
            fresh = ~self._known & off
            self._positive, self._known = np.where(fresh, z > 0.0, self._positive), self._known | fresh
        return crossed

    def cross(self, flow: Integration, solver: Any, left: np.ndarray) -> bool:
        """Take the step again up to the first crossing, which is then on no other side of a wall."""
        dense = solver.dense_output()
        when = _first(left, lambda s: self._sides(dense(s)), flow.t, float(solver.t))
        if when > flow.t:
            jacobian = self.jacobian if isinstance(solver, Radau) else None
            size = min(when - flow.t, float(solver.h_abs))
            ending = flow.solver(self.velocity, jacobian, when, size)
            while ending.status == "running":
                if not flow.advance(ending):
                    return False
                flow.move(float(ending.t), ending.y, ending.dense_output)
        there = self._sides(flow.y)
        for wall, neuron in self._nearest(left, there, self._sides(dense(when))):
            ends = bool(self._positive[0, neuron]), bool(self._positive[1, neuron])
            what, name = event(self.task, ends, wall)
            self._positive[wall, neuron] ^= True
            if (there[wall, neuron] > 0.0) != self._positive[wall, neuron]:
                self._before[wall, neuron] = abs(there[wall, neuron])
            if not self._fades(what, wall, neuron, flow):
                flow.crossings.append(Crossing(flow.t, neuron, what, name, float(self.walls[wall])))
        flow.first_step = max(1e-3 * float(solver.h_abs), 10.0 * math.ulp(flow.t))
        return True

    def _fades(self, what: str, wall: int, neuron: int, flow: Integration) -> bool:
        """Whether a ReLU neuron is dead by rounding: the flow takes none to death but at w1 = b1 = 0."""
        if not (self.task.is_bent and self.task.slopes[0] == 0.0 and what.endswith("-> dead")):
            return False
        w1, b1 = abs(float(flow.y[neuron])), abs(float(flow.y[self.m + neuron]))
        size = w1 * abs(float(self.walls[wall])) + b1
        return size > flow.rtol * float(np.max(np.abs(flow.y[:-1])))

    def _sides(self, y: np.ndarray) -> np.ndarray:
        return preactivations(y[:-1], self.walls)

    def _is_off(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        size = np.abs(y[: self.m]) * np.abs(self.walls)[:, None] + np.abs(y[self.m : 2 * self.m])
        return np.asarray(np.abs(z) > np.maximum(ROUNDING * size, CERTAIN * self._before))

    def _nearest(self, crossed: np.ndarray, there: np.ndarray, found: np.ndarray) -> list[tuple[int, int]]:
        """Return the walls, with their neurons, that a state located on the first of them is on."""
        pairs = list(zip(*(i.tolist() for i in np.nonzero(crossed)), strict=True))
        already = [p for p in pairs if (there[p] > 0.0) != self._positive[p]]
        return already or [min(pairs, key=lambda p: abs(found[p]))]


def _first(crossed: np.ndarray, sides: Callable[[float], np.ndarray], begin: float, end: float) -> float:
    """Return the first time at which one of the walls crossed between `begin` and `end` is met."""
    before, after = sides(begin), sides(end)
    first = end
    for wall, neuron in zip(*np.nonzero(crossed), strict=True):
        a, b = before[wall, neuron], after[wall, neuron]
        if a == 0.0 or (a > 0.0) == (b > 0.0):
            first = begin
            continue
        if first <= begin:
            break
        if (sides(first)[wall, neuron] > 0.0) == (a > 0.0):
            continue  # later than what is known
        at = (int(wall), int(neuron))
        first = float(
            brentq(lambda s, i=at: sides(s)[i], begin, first, xtol=1e-15 * max(1.0, end), rtol=1e-15)
        )
    return first
