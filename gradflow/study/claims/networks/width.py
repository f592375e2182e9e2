"""How probably random networks of some width learn a target, and who of their neurons is dead or hyperactive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradflow.descent import GD, Adam
from gradflow.descent.minibatches import Minibatches
from gradflow.networks.line.ends import references
from gradflow.networks.line.starts import start
from gradflow.networks.line.task import task_of
from gradflow.networks.line.training import minibatches
from gradflow.networks.line.walls import activities, preactivations
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.laws import Normal
from gradflow.neuron.problem import Problem
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.networks.landscape import TARGETS
from gradflow.study.claims.networks.many import Ended, flowed, interval, trained
from gradflow.study.claims.words import each, finding

WIDTHS, NETWORKS = (1, 2, 3, 5, 10, 20), 40
QUICK_WIDTHS, QUICK_NETWORKS = (2, 10), 12

LEARNT = 1e-3
"""A loss of this part of the best constant's, and of the best line's, is called learnt."""

TIME, RATE, STEPS = 100.0, 0.1, 2000
"""The flow's time, gradient descent's rate (for the same time), and Adam's steps (at rate 0.01)."""

BATCH, SHORTER = 16, 60.0
"""Inputs of a step of SGD, and its time, at the same rate."""


NAMES = {
    "flow": "The flow",
    "gd": "Gradient descent",
    "sgd": f"SGD on {BATCH} fresh inputs a step",
    "adam": "Adam",
}


UNTIL = {
    "flow": f"t = {TIME:g}",
    "gd": f"t = {TIME:g} at rate {RATE:g}",
    "sgd": f"t = {SHORTER:g} at rate {RATE:g}",
    "adam": f"step {STEPS}",
}


def ended(method: str, rows: np.ndarray, problem: Problem, low: float) -> Ended:
    """Train or follow networks as the claims do: "flow", "gd", "sgd" (as gd, on fresh inputs) or "adam"."""
    task = task_of(problem)
    if method == "flow":
        return flowed(rows, task, TIME, low, tolerance=1e-4)
    if method == "gd":
        return trained(rows, task, GD(RATE), round(TIME / RATE), low)
    if method == "sgd":
        drawn = minibatches(Minibatches(BATCH), problem, task)
        return trained(rows, task, GD(RATE), round(SHORTER / RATE), low, drawn)
    return trained(rows, task, Adam(lr=0.01), STEPS, low)


def success(method: str, quick: bool) -> Finding:
    """Count the networks that learn each target, by width."""
    widths, n = (QUICK_WIDTHS, QUICK_NETWORKS) if quick else (WIDTHS, NETWORKS)
    found: dict[str, dict[str, Any]] = {}
    for name, problem in TARGETS.items():
        known = references(task_of(problem))
        low = LEARNT * min(known.constant, known.line)
        row: dict[str, Any] = {}
        for m in widths:
            count = int(np.sum(ended(method, start("kernel", m, 1, (n,)).rows, problem, low).loss <= low))
            row[str(m)] = {"count": count, "share": count / n, "interval": interval(count, n)}
        found[name] = row
    widest = {name: row[str(widths[-1])] for name, row in found.items()}
    positive = [any(some["count"] > 0 for some in row.values()) for row in found.values()]
    # So many restarts for one success with probability 0.99, by the lower end of the interval.
    restarts = {
        name: math.ceil(math.log(0.01) / math.log1p(-min(some["interval"][0], 1.0 - 1e-12)))
        for name, some in widest.items()
        if some["interval"][0] > 0.0
    }
    return finding(
        by_rule(refuted=not any(positive), conditional=not all(positive)),
        "{method}, {n} networks from normal starts a width and target, until {until}; learnt is a loss of a thousandth of the best line's or constant's. Share that learn with {widths} neurons: {shares}. Exact 95 % intervals at {widest}: {intervals}. By their lower ends so many restarts give one success with probability 0.99: {restarts}.",
        {"networks": n, "targets": found, "restarts": restarts},
        method=NAMES[method],
        n=n,
        until={"flow": f"t = {TIME:g}", "adam": f"step {STEPS}"}.get(
            method, f"t = {TIME:g} at rate {RATE:g}"
        ),
        widths=each("{0}", widths),
        widest=widths[-1],
        shares="; ".join(f"{name} " + each("{share:.0%}", row.values()) for name, row in found.items()),
        intervals=each("{label} {interval[0]:.2f} to {interval[1]:.2f}", widest),
        restarts=each("{label} {0}", restarts),
    )


ROWS = {
    "uniform": ("uniform", Problem(target="abs")),
    "uniform, normal inputs": ("uniform", Problem(target="abs", law=Normal(0.0, 0.5))),
    "He": ("he", Problem(target="abs")),
}
"""Starts and what they learn: |x|."""

ACTIVE_WIDTHS = {5: 120, 20: 40, 100: 10}
"""Networks of each width."""

CLOSE = 0.06
"""How near a share is to a quarter."""


def activity(quick: bool) -> Finding:
    """Count dead, balanced and hyperactive neurons at the start and after training by Adam."""
    found: dict[str, dict[str, Any]] = {}
    for name, (rule, problem) in ROWS.items():
        task = task_of(problem)
        ends = np.array([-1.0, 1.0])
        for m, n in ACTIVE_WIDTHS.items():
            rows = start(rule, m, 3, (n if not quick else max(4, n // 4),)).rows
            last = trained(rows, task, Adam(lr=0.01), STEPS // 8 if quick else STEPS // 2).rows
            codes = [activities(preactivations(some, ends)) for some in (rows, last)]
            found[f"{name}, {m}"] = {
                when: {kind: float(np.mean(code == i)) for i, kind in enumerate(ACTIVITIES)}
                for when, code in zip(("start", "end"), codes, strict=True)
            } | {"revived": float(np.mean((codes[0] == 0) & (codes[1] != 0)))}
    quarter = {name: row for name, row in found.items() if name.startswith("uniform")}
    begins = all(
        abs(row["start"][kind] - 0.25) < CLOSE for row in quarter.values() for kind in ("dead", "hyperactive")
    )
    begins = begins and all(
        row["start"]["balanced"] == 1.0 for name, row in found.items() if name[:2] == "He"
    )
    stays = all(
        abs(row["end"][kind] - row["start"][kind]) < CLOSE
        for row in found.values()
        for kind in ("dead", "hyperactive")
    )
    return finding(
        by_rule(refuted=not begins, conditional=not stays),
        "Dead, balanced and hyperactive on [-1, 1] (of 5, 20 and 100 neurons that learn |x|): {rows}. With w1 and b1 uniform a neuron is dead, balanced or hyperactive with probability 1/4, 1/2, 1/4; with zero biases all are balanced. By Adam's last step {stay}; of the neurons {revived:.1%} at most were dead under uniform inputs and are no longer, as their gradients are 0; under normal ones [-1, 1] is not all.",
        {"rows": found},
        rows="; ".join(
            f"{name}: {_three(row['start'])} at the start, {_three(row['end'])} at the end"
            for name, row in found.items()
        ),
        stay="the shares are the same to 6 points" if stays else "they are others, as shown",
        revived=max(row["revived"] for name, row in found.items() if "normal" not in name),
    )


def _three(shares: dict[str, float]) -> str:
    return "/".join(f"{100.0 * value:.0f}" for value in shares.values()) + " %"
