"""Minima that are not global, for targets of every kind; and flows that come to rest as fast as 1/t."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.networks.line.critical import critical_point
from gradflow.networks.line.ends import references
from gradflow.networks.line.field import cut, gradient_of, gram_of
from gradflow.networks.line.network import of_rows
from gradflow.networks.line.starts import STARTS
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import Problem
from gradflow.neuron.targets import Knots
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.networks.many import flowed
from gradflow.study.claims.words import each, finding

NEURONS = 3

TIMES = (25.0, 50.0, 100.0, 200.0)
"""When losses are looked at; the last stands for the limit."""

SMALL, FAR = 1e-6, 1e3
"""A product that is rounding of a loss at rest, and a parameter of a flow that diverges."""


def random_knots(seed: int) -> Knots:
    """Return a random piecewise linear target with three knots inside."""
    rng = np.random.default_rng([17, seed])
    x = np.concatenate([[-1.0], np.sort(rng.uniform(-0.9, 0.9, 3)), [1.0]])
    return Knots(x, rng.normal(size=5))


TARGETS: dict[str, Problem] = {
    "max(x, 0)": Problem(),
    "|x|": Problem(target="abs"),
    "hat": Problem(target="hat"),
    "random 1": Problem(target=random_knots(1)),
    "random 2": Problem(target=random_knots(2)),
    "random 3": Problem(target=random_knots(3)),
}
"""The default teacher, |x|, a hat, and three random targets."""


def spurious(quick: bool) -> Finding:
    """Look at networks with one hyperactive neuron on the best line and dead ones beside it, and at dead ones."""
    found: dict[str, dict[str, Any]] = {}
    for name, problem in TARGETS.items():
        rng = np.random.default_rng(0)
        kinds: list[str] = []
        known = references(task_of(problem))
        for dead in (NEURONS - 1, NEURONS):
            for _ in range(5 if quick else 50):
                point = critical_point(_on_line(problem, rng, dead), problem)
                kinds.append(point.kind)
        found[name] = {
            "tried": len(kinds),
            "minima": sum(kind == "minimum" for kind in kinds),
            "best_line": known.line,
            "best_constant": known.constant,
        }
    return finding(
        by_rule(
            refuted=not all(row["minima"] == row["tried"] for row in found.values()),
            open=not all(row["best_line"] > 1e-6 for row in found.values()),
        ),
        "Networks of {neurons} neurons, at random on the sets where one is hyperactive and on the best line, or none is, and the others are dead: the gradient is 0, and the exact Hessian is positive but for the directions along which the graph stays the same, for {counts}. Their losses are those of the best line and the best constant, above 0: {losses}.",
        {"neurons": NEURONS, "targets": found},
        counts=each("{label} {minima} of {tried}", found),
        losses=each("{label} {best_line:.4f} and {best_constant:.4f}", found),
    )


def _on_line(problem: Problem, rng: np.random.Generator, dead: int) -> np.ndarray:
    """Return a network with so many dead neurons, and else a hyperactive one on the best line."""
    task = task_of(problem)
    x = np.linspace(task.lo, task.hi, 20_001)
    y = task.aim(x)
    w, a = rng.choice([-1.0, 1.0], NEURONS) * rng.uniform(0.5, 1.5, NEURONS), rng.normal(size=NEURONS)
    b = -np.abs(w) - rng.uniform(0.1, 1.0, NEURONS)
    bias = float(np.trapezoid(y, x)) / (task.hi - task.lo)
    if dead < NEURONS:
        b[0] = abs(w[0]) + rng.uniform(0.1, 1.0)
        slope = float(np.trapezoid(x * y, x) / np.trapezoid(x * x, x))
        a[0] = slope / w[0]
        bias -= a[0] * b[0]
    return _settled(np.concatenate([w, b, a, [bias]]), problem, dead < NEURONS)


def _settled(rows: np.ndarray, problem: Problem, has_line: bool) -> np.ndarray:
    """Return the network with output weight and bias such that the gradient by them is 0 to rounding."""
    task = task_of(problem)
    free = [2 * NEURONS, 3 * NEURONS] if has_line else [3 * NEURONS]
    for _ in range(3):
        some = cut(rows, task)
        step = np.linalg.solve(2.0 * gram_of(some)[np.ix_(free, free)], gradient_of(some)[free])
        rows[free] -= step
    return of_rows(rows).rows


def bounded(quick: bool) -> Finding:
    """Follow random networks for a long time, and look at t (L − L∞)."""
    count, parts = (4, 0.25) if quick else (12, 1.0)
    times = [part * parts for part in TIMES]
    found: dict[str, dict[str, Any]] = {}
    for name, problem in TARGETS.items():
        rows = np.concatenate(
            [
                np.reshape(part, (-1, count))
                for part in STARTS["kernel"](np.random.default_rng(3), 5, (count,))
            ]
        )
        losses, last = [], 0.0
        for time in times:
            ended = flowed(rows, task_of(problem), time - last)
            rows, last = ended.rows, time
            losses.append(ended.loss)
        # With the last loss in the limit's place, what falls like 1/t has a product that falls.
        each_one = np.array(times[:-1])[:, None] * (np.array(losses[:-1]) - losses[-1])
        products, grow = np.max(each_one, axis=1), each_one[-1] > np.maximum(each_one[0], SMALL)
        found[name] = {
            "products": products.tolist(),
            "grow": int(np.sum(grow)),
            "farthest": float(np.max(np.abs(rows))),
        }
    grows, flows = sum(row["grow"] for row in found.values()), count * len(TARGETS)
    farthest = max(row["farthest"] for row in found.values())
    return finding(
        by_rule(refuted=farthest > FAR, open=grows > 0),
        "The paper proves it, for all times; a finite record can only fail to speak against it. Networks of 5 neurons, {count} random starts a target, followed until t = {end:g}, whose loss stands for the limit: t (L - L(end)) is smaller at t = {late:g} than at t = {early:g} in {falls} of {flows} flows; the other {grows} are still on their way down from a plateau. Largest values at these times: {products}. No parameter is beyond {farthest:.1f}: none of these flows diverges.",
        {"targets": found, "count": count, "times": times, "farthest": farthest, "flows": flows},
        end=times[-1],
        early=times[0],
        late=times[-2],
        grows=grows,
        falls=flows - grows,
        products=each("{label} {products[0]:.2g}, {products[2]:.2g}", found, "; "),
    )
