"""The ε → 0 limit by other means: an event loop of 50 digits with roots of polynomials, and plain steps."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import mpmath
import numpy as np

from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.losses import Objective


class Exact(NamedTuple):
    """Times, states and patterns (0, 1, or 2 for sliding) at the events of one neuron; mpmath numbers.

    `open` if the path stops where v = 0 on a wall, or at w = 0, which it does not decide.
    """

    times: list[Any]
    weights: list[Any]
    outputs: list[Any]
    patterns: list[list[int]]
    open: bool


def pulls(objective: Objective) -> np.ndarray:
    return np.asarray(objective.weight * objective.loss.at_zero * objective.data.labels.astype(float))


def exactly(weights: np.ndarray, output: Any, objective: Objective, digits: int = 50) -> Exact:
    """Return one neuron's path to its end with `digits` digits.

    In E = e^(‖G‖ t) every x_i·w and v is (c₂ E² + c₁ E + c₀)/E; the first root E > 1 of any of them is the
    event. On walls all combinations of gates 0, 1 and sliding are tried.
    """
    with mpmath.workdps(digits):
        data = objective.data
        x = [mpmath.matrix([mpmath.mpf(float(entry)) for entry in row]) for row in data.inputs]
        g = [mpmath.mpf(float(pull)) for pull in pulls(objective)]
        w = mpmath.matrix([mpmath.mpf(float(entry)) for entry in weights])
        v, t = mpmath.mpf(output), mpmath.mpf(0)
        pattern = [int(mpmath.fdot(row, w) > 0) for row in x]
        gates = [mpmath.mpf(gate) for gate in pattern]
        path = Exact([t], [w], [v], [pattern], False)
        tiny = mpmath.mpf(10) ** (10 - digits)
        while True:
            force = _force(x, g, gates)
            size = mpmath.norm(force)
            if size < tiny:
                return path
            p = mpmath.fdot(w, force) / size
            if mpmath.norm(w - p / size * force) < tiny and abs(p + v) < tiny:
                # Exactly antiparallel: it shrinks for ever.
                return path
            found: list[tuple[Any, int]] = []
            for i, row in enumerate(x):
                if pattern[i] == 2:
                    continue
                slope = mpmath.fdot(row, force) / size
                roots = _roots(
                    slope * (p + v) / 2, mpmath.fdot(row, w) - slope * p, slope * (p - v) / 2, tiny
                )
                found += [(root, i) for root in roots]
            found += [(root, -1) for root in _roots((p + v) / 2, mpmath.mpf(0), (v - p) / 2, tiny)]
            if not found:
                return path
            first, which = min(found)
            tau = mpmath.log(first)
            end = p * mpmath.cosh(tau) + v * mpmath.sinh(tau)
            w, v = w + (end - p) / size * force, p * mpmath.sinh(tau) + v * mpmath.cosh(tau)
            t = t + tau / size
            if mpmath.norm(w) < tiny:
                return path._replace(open=True)
            if which >= 0:
                pattern, gates = _decided(x, g, v, pattern, gates, which)
            elif 2 in pattern:
                return path._replace(open=True)
            else:
                v = mpmath.mpf(0)
            path.times.append(t)
            path.weights.append(w)
            path.outputs.append(v)
            path.patterns.append(pattern)


def _force(x: list[Any], g: list[Any], gates: list[Any]) -> Any:
    total = 0 * x[0]
    for row, pull, gate in zip(x, g, gates, strict=True):
        total = total + pull * gate * row
    return total


def _decided(
    x: list[Any], g: list[Any], v: Any, pattern: list[int], gates: list[Any], which: int
) -> tuple[list[int], list[Any]]:
    """Return pattern and gates after the wall of `which`: the one combination that contradicts nothing."""
    walls = [i for i, code in enumerate(pattern) if code == 2 or i == which]
    for codes in itertools.product((0, 1, 2), repeat=len(walls)):
        new, values = list(pattern), list(gates)
        for i, code in zip(walls, codes, strict=True):
            new[i], values[i] = code, mpmath.mpf(code % 2)
        slides = [i for i in walls if new[i] == 2]
        if v * g[which] > 0 and new[which] != 1 - pattern[which]:
            continue
        if slides:
            rest = _force(x, g, values)
            gram = mpmath.matrix([[g[j] * mpmath.fdot(x[i], x[j]) for j in slides] for i in slides])
            try:
                solution = mpmath.lu_solve(gram, mpmath.matrix([-mpmath.fdot(x[i], rest) for i in slides]))
            except ZeroDivisionError:
                continue
            if not all(0 < value < 1 for value in solution):
                continue
            for i, value in zip(slides, solution, strict=True):
                values[i] = value
        force = _force(x, g, values)
        if all(v * mpmath.fdot(x[i], force) * (2 * new[i] - 1) >= 0 for i in walls if new[i] != 2):
            return new, values
    raise AssertionError(f"no combination of gates on the walls {walls}")


def _roots(second: Any, first: Any, zeroth: Any, tiny: Any) -> list[Any]:
    """Return the roots > 1 of a quadratic; one at 1 is where the motion starts."""
    if abs(second) < tiny:
        found = [] if abs(first) < tiny else [-zeroth / first]
    else:
        inside = first * first - 4 * second * zeroth
        if inside < 0:
            return []
        root = mpmath.sqrt(inside)
        found = [(-first + root) / (2 * second), (-first - root) / (2 * second)]
    return [value for value in found if value > 1 + tiny]


def stepped(
    weights: np.ndarray, outputs: np.ndarray, objective: Objective, t_end: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return w and v of neurons (m, D), (m,) after gradient descent with the pulls at f = 0."""
    x, g = objective.data.inputs.astype(float), pulls(objective)
    w, v = weights.astype(float).copy(), outputs.astype(float).copy()
    lr = t_end / steps
    for _ in range(steps):
        margins = w @ x.T
        pull = np.where(margins > 0.0, g, 0.0)
        w, v = w + lr * v[:, None] * (pull @ x), v + lr * np.sum(pull * margins, axis=1)
    return w, v


def mixed(n: int, dimension: int, seed: int) -> Dataset:
    """Return normal inputs with random labels ±1: nothing like Assumption 1."""
    rng = np.random.default_rng(seed)
    return Dataset(rng.normal(size=(n, dimension)), rng.choice([-1.0, 1.0], n))
