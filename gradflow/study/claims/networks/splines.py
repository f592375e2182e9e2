"""Wide networks on a few inputs learn a cubic spline near the kernel regime, else a linear spline."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import HeavyBall
from gradflow.networks.line.network import Network
from gradflow.networks.line.summed import evaluate, jacobian_of
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import Problem, Sample
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.networks.many import trained
from gradflow.study.claims.words import each, finding

X = np.array([-0.9, -0.5, -0.1, 0.4, 0.9])
Y = np.array([0.3, -0.4, 0.6, -0.2, 0.4])

KERNEL_WIDTHS, QUICK_KERNEL_WIDTHS = (40, 200, 1000), (40, 200)
LARGE_W1, SMALL_W2 = 5.0, 1e-3
"""Weights in the kernel regime."""

SIZES, QUICK_SIZES, ADAPTIVE_WIDTH = (0.3, 0.1, 0.03, 0.01), (0.1, 0.03), 200
"""Input weights on the way to the adaptive regime, beside output weights of size 1; and how many neurons."""

KERNEL_STEP, ADAPTIVE_STEP = (0.5, 0.95), (0.2, 0.8)
"""The rate, in units of the inverse of the kernel's largest eigenvalue at the start, and the momentum."""

LEARNT, MOST = 1e-7, 100_000
"""The loss at which training ends, and steps at most."""

NEAR = 0.2
"""A graph is a spline's if it is nearer than this part of the way from one spline to the other."""

BESIDE = 0.03
"""A breakpoint is at an input if it is no farther."""


def start(m: int, w1: float, w2: float) -> np.ndarray:
    """Return a network that is 0: m/4 breakpoints evenly on [−1, 1], of neurons with all signs of w1 and w2."""
    place = (np.arange(m // 4) + 0.5) * (8.0 / m) - 1.0
    slope = np.repeat([w1, -w1, w1, -w1], m // 4)
    return Network(slope, -slope * np.tile(place, 4), np.repeat([w2, w2, -w2, -w2], m // 4)).rows


def learnt(rows: np.ndarray, rate: float, momentum: float) -> np.ndarray:
    """Return the network after gradient descent with momentum."""
    problem = Problem(inputs=Sample(X, targets=Y))
    task = task_of(problem)
    assert task.sample is not None
    slopes = jacobian_of(evaluate(rows, task.sample, task.activation))
    largest = float(np.max(np.linalg.eigvalsh(slopes.T @ slopes))) / len(X)
    return trained(rows[:, None], task, HeavyBall(rate / largest, momentum), MOST, LEARNT).rows[:, 0]


def cubic(scale: float, x: np.ndarray) -> np.ndarray:
    """Return the interpolant of the output weights' and the bias's kernel, with `scale` = m w1² neurons.

    E over breakpoints p of (x − p)₊(x′ − p)₊ and its mirror image: with δ = |x − x′| and u the way from the
    end to the nearer of both, u³/3 + δu²/2 from either side, a cubic in x between the inputs.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        left, right = 1.0 + np.minimum(a[:, None], b), 1.0 - np.maximum(a[:, None], b)
        apart = np.abs(a[:, None] - b)
        cubes = [u**3 / 3.0 + apart * u**2 / 2.0 for u in (left, right)]
        return np.asarray(1.0 + scale / 4.0 * (cubes[0] + cubes[1]))

    return np.asarray(kernel(x, X) @ np.linalg.solve(kernel(X, X), Y))


def compared(rows: np.ndarray, first: np.ndarray) -> dict[str, float]:
    """Return how far a network's graph is from both splines, and its bends at the inputs."""
    m, x = rows.shape[0] // 3, np.linspace(X[0], X[-1], 361)
    network = Network(rows[:m], rows[m : 2 * m], rows[2 * m : 3 * m], rows[3 * m])
    graph, lines, curve = network(x), np.interp(x, X, Y), cubic(m * LARGE_W1**2, x)
    apart = float(np.max(np.abs(lines - curve)))
    places, bends = -rows[m : 2 * m] / rows[:m], np.abs(rows[:m] * rows[2 * m : 3 * m])
    inside = np.abs(places) < 1.0
    at_inputs = np.min(np.abs(places[:, None] - X), axis=1) <= BESIDE
    return {
        "to_cubic": float(np.max(np.abs(graph - curve))) / apart,
        "to_linear": float(np.max(np.abs(graph - lines))) / apart,
        "at_inputs": float(np.sum(bends[inside & at_inputs]) / np.sum(bends[inside])),
        "at_first": float(
            np.mean(np.min(np.abs(-first[m : 2 * m, None] / first[:m, None] - X), axis=1) <= BESIDE)
        ),
        "moved": float(np.max(np.abs(places + first[m : 2 * m] / first[:m]))),
    }


def kernel(quick: bool) -> Finding:
    """Train wide networks whose output weights start small, and compare the graph with the kernel's cubic spline."""
    found: dict[str, dict[str, Any]] = {}
    for m in QUICK_KERNEL_WIDTHS if quick else KERNEL_WIDTHS:
        first = start(m, LARGE_W1, SMALL_W2)
        found[str(m)] = compared(learnt(first, *KERNEL_STEP), first)
    narrow, *_, wide = found.values()
    return finding(
        by_rule(
            refuted=wide["to_cubic"] > wide["to_linear"],
            conditional=wide["to_cubic"] > NEAR or wide["to_cubic"] >= narrow["to_cubic"],
        ),
        "{inputs} inputs, breakpoints evenly on [-1, 1], input weights {w1:g}, output weights {w2:g}, gradient descent with momentum to a loss of {learnt:g}: the network's graph is {cubic} of the way from the cubic spline that is the kernel's interpolant in the limit of many neurons to the linear spline, in the largest distance, and {linear} from the linear one. Breakpoints moved by {moved} at most.",
        {"widths": found, "inputs": len(X), "w1": LARGE_W1, "w2": SMALL_W2, "learnt": LEARNT},
        cubic=each("{to_cubic:.1%} with {label} neurons", found),
        linear=each("{to_linear:.0%}", found),
        moved=each("{moved:.1g}", found),
    )


def adaptive(quick: bool) -> Finding:
    """Train networks whose input weights start small, and compare the graph with the linear spline."""
    found: dict[str, dict[str, Any]] = {}
    for size in QUICK_SIZES if quick else SIZES:
        first = start(ADAPTIVE_WIDTH, size, 1.0)
        found[f"{size:g}"] = compared(learnt(first, *ADAPTIVE_STEP), first)
    large, *_, small = found.values()
    clusters = small["at_inputs"] > 0.5 > small["at_first"]
    return finding(
        by_rule(
            refuted=small["to_linear"] > small["to_cubic"],
            conditional=small["to_linear"] > NEAR or small["to_linear"] >= large["to_linear"] or not clusters,
        ),
        "{m} neurons, {inputs} inputs, breakpoints evenly on [-1, 1], output weights 1, gradient descent with momentum to a loss of {learnt:g}: the network's graph is {linear} of the way from the linear spline to the kernel's cubic one, in the largest distance. Of the bends, sums of |w1 w2|, {bends} are within {beside:g} of an input at the end, of the breakpoints {first:.0%} at the start.",
        {"sizes": found, "m": ADAPTIVE_WIDTH, "inputs": len(X), "learnt": LEARNT, "beside": BESIDE},
        linear=each("{to_linear:.0%} with input weights {label}", found),
        bends=each("{at_inputs:.0%}", found),
        first=small["at_first"],
    )
