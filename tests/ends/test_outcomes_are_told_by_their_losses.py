"""For any two features of a problem together a state is called what its loss and nothing else allows.

The losses of the best line and the best constant are computed here by sums over the inputs, or by quadrature
that is exact on either side of the teacher's breakpoint; minima of a sample by least squares.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, LOCAL, TOLERANCE, outcome
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from tests.covering import covering, named

PLACES = {"default": (-1.0, 1.0), "wide": (-3.0, 30.0), "one-sided": (2.0, 3.5), "shifted": (-7.0, -5.0)}
SLOPES = {"relu": (0.0, 1.0), "leaky": (0.1, 1.0), "bent": (-0.5, 2.0), "kink down": (1.0, 0.2)}
SIZES = {"one": (1.0, 0.0), "large": (1e3, -40.0), "small": (1e-3, 0.0), "raised": (1.0, 30.0)}
FEATURES = {
    "inputs": ["population", "few", "many", "weighted", "repeated"],
    "targets": ["teacher", "falling teacher", "noisy", "noise"],
    "place": list(PLACES),
    "slopes": list(SLOPES),
    "size": list(SIZES),
}


def together(feature: str, choice: str, other: str, its: str) -> bool:
    """Return whether two choices may meet: the population has a teacher."""
    return not ({choice, its} & {"noisy", "noise"} and "population" in (choice, its))


ROWS = covering(FEATURES, together)


class Told(NamedTuple):
    """A problem; the inputs, their weights and the targets as plain numbers; and the student's slopes."""

    problem: Problem
    x: np.ndarray
    weights: np.ndarray
    y: np.ndarray
    slopes: tuple[float, float]

    def loss(self, theta: np.ndarray) -> float:
        """Return the mean of the squared residual."""
        z = theta[0] * self.x + theta[1]
        f = theta[2] * np.where(z > 0.0, self.slopes[1], self.slopes[0]) * z + theta[3]
        return float(np.sum(self.weights * (f - self.y) ** 2))

    def fitted(self, columns: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the best combination of columns, and its loss."""
        root = np.sqrt(self.weights)
        found = np.linalg.lstsq(columns.T * root[:, None], self.y * root, rcond=None)[0]
        return found, float(np.sum(self.weights * (found @ columns - self.y) ** 2))


@cache
def told(number: int) -> Told:
    """Return what a row of choices stands for."""
    row = ROWS[number]
    (lo, hi), slopes, (size, shift) = PLACES[row["place"]], SLOPES[row["slopes"]], SIZES[row["size"]]
    width, kink = hi - lo, lo + 0.4 * (hi - lo)
    turn = -1.0 if row["targets"] == "falling teacher" else 1.0
    teacher = Neuron(turn, -turn * kink, turn * size / width, shift)

    def of(x: np.ndarray) -> np.ndarray:
        z = turn * (x - kink)
        return np.asarray(teacher.w2 * np.where(z > 0.0, slopes[1], slopes[0]) * z + shift)

    if row["inputs"] == "population":
        nodes, shares = np.polynomial.legendre.leggauss(6)
        pieces = [
            (a + (b - a) * 0.5 * (nodes + 1.0), 0.5 * shares * (b - a) / width)
            for a, b in ((lo, kink), (kink, hi))
        ]
        x, weights = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        return Told(Problem(teacher, Uniform(lo, hi), slopes), x, weights, of(x), slopes)
    rng = np.random.default_rng(len(named(row)))
    x = rng.uniform(lo, hi, {"many": 300, "few": 7}.get(row["inputs"], 12))
    if row["inputs"] == "repeated":
        x[6:] = x[:6]
    raw = rng.uniform(0.1, 2.0, x.size) if row["inputs"] == "weighted" else np.ones(x.size)
    noise = {"noisy": 0.3, "noise": 1.0}.get(row["targets"], 0.0)
    y = of(x) * (row["targets"] != "noise") + noise * size * rng.normal(size=x.size)
    inputs = Sample(x, weights=raw, targets=y) if noise else Sample(x, weights=raw)
    return Told(Problem(teacher if not noise else Neuron(), inputs, slopes), x, raw / np.sum(raw), y, slopes)


@cache
def minima(number: int) -> list[np.ndarray]:
    """Return minima of a sample with the breakpoint between two inputs, by least squares in some gaps."""
    some = told(number)
    if isinstance(some.problem.inputs, Uniform):
        return []
    found, places = [], np.unique(some.x)
    for left, right in list(pairwise(places))[:: 1 + places.size // 20]:
        for sign in (1.0, -1.0):
            middle = 0.5 * (left + right)
            slope = np.where(sign * (some.x - middle) > 0.0, some.slopes[1], some.slopes[0])
            (a, b, c), _ = some.fitted(
                np.stack((slope * sign * (some.x - middle), slope, np.ones_like(slope)))
            )
            at = middle - sign * b / a if a else np.inf
            if left + 0.01 * (right - left) < at < right - 0.01 * (right - left):
                root = np.sqrt(abs(a))
                found.append(np.array([sign * root, -sign * root * at, np.sign(a) * root, c]))
    return found


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[named(row) for row in ROWS])
def test_a_state_is_called_what_its_loss_allows(number: int) -> None:
    some = told(number)
    one = np.ones_like(some.x)
    (mean,), constant = some.fitted(one[None])
    (slope, height), line = some.fitted(np.stack((some.x, one)))
    reach = float(np.max(np.abs(some.x)))
    root = np.sqrt(abs(slope) / some.slopes[1]) or 1.0
    bias = 2.0 * root * reach
    w2 = slope / (root * some.slopes[1])
    level = np.array([root, bias, w2, height - w2 * some.slopes[1] * bias])
    dead = np.array([1.0, -2.0 * reach - 1.0, 0.7, mean])
    found = minima(number)
    drawn = np.random.default_rng(5).normal(size=(4, 8)).T
    states = np.array([level, dead, *found, *drawn])
    codes = outcome(states.T, some.problem)
    near = TOLERANCE * (line if 1e-12 * constant < line else constant)
    assert codes[0] == LINEAR if line > 1e-9 * constant else codes[0] == GLOBAL
    if some.slopes[0] == 0.0:
        assert codes[1] == CONSTANT
    for theta, code in zip(states, codes, strict=True):
        value, slack = some.loss(theta), 1e-9 * constant
        levels = {GLOBAL: value, LINEAR: abs(value - line), CONSTANT: abs(value - constant)}
        bounds = {GLOBAL: near, LINEAR: near, CONSTANT: TOLERANCE * constant}
        if code in levels:
            assert levels[code] <= bounds[code] + slack
        if code == LOCAL:
            assert all(levels[key] >= bounds[key] - slack for key in levels)
    for theta, code in zip(found, codes[2:], strict=False):
        value = some.loss(theta)
        distinct = min(value, abs(value - line), abs(value - constant)) > 2.0 * TOLERANCE * constant
        assert not distinct or code == LOCAL


def test_minima_below_the_line_are_among_them() -> None:
    below = 0
    for number in range(len(ROWS)):
        some = told(number)
        line = some.fitted(np.stack((some.x, np.ones_like(some.x))))[1]
        below += sum(some.loss(theta) < 0.98 * line for theta in minima(number))
    assert below > 10
