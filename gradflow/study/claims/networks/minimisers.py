"""Dead neurons stay dead under SGD and Adam: are networks that have one kept from the global minimisers?"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import Adam
from gradflow.networks.line.ends import references
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.starts import start
from gradflow.networks.line.task import task_of
from gradflow.networks.line.walls import activities, preactivations
from gradflow.neuron.activity import DEAD
from gradflow.neuron.problem import Problem
from gradflow.neuron.targets import Knots
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.networks.many import interval, trained
from gradflow.study.claims.networks.width import LEARNT, NAMES, ended
from gradflow.study.claims.words import each, finding

WIDTHS, NETWORKS = (1, 2, 4, 8, 16), 200
QUICK_WIDTHS, QUICK_NETWORKS = (2, 8), 30

RATE, STEPS = 0.05, 500
"""Of Adam."""

BENDS = 19
"""Knots inside of a target that no network of fewer neurons can be."""

TARGETS = {
    "|x|": Problem(target="abs"),
    "a zigzag": Problem(target=Knots(np.linspace(-1.0, 1.0, BENDS + 2), np.arange(BENDS + 2) % 2 * 1.0)),
}
"""The function that two neurons can be, and one that no network here can be, so that every neuron more makes the best better."""


def minimisers(method: str, quick: bool) -> Finding:
    """Train random networks, and see who was dead at the start and is at the end, and who learns."""
    widths, n = (QUICK_WIDTHS, QUICK_NETWORKS) if quick else (WIDTHS, NETWORKS)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, problem in TARGETS.items():
        task = task_of(problem)
        known, ends = references(task), np.array([task.lo, task.hi])
        low = LEARNT * min(known.constant, known.line)
        found[name] = {}
        for m in widths:
            rows = start("uniform", m, 5, (n,)).rows
            if method == "sgd":
                last = ended(method, rows, problem, low).rows
            else:
                last = trained(rows, task, Adam(lr=RATE), STEPS, low).rows
            before, after = (activities(preactivations(some, ends)) == DEAD for some in (rows, last))
            has_dead = np.any(before, axis=0)
            learns = evaluator(task).loss(last) <= low
            found[name][str(m)] = {
                "dead": int(np.sum(has_dead)),
                "share": float(np.mean(has_dead)),
                "interval": interval(int(np.sum(has_dead)), n),
                "expected": 1.0 - 0.75**m,
                "revived": int(np.sum(before & ~after)),
                "learn": int(np.sum(learns)),
                "learn_with_dead": int(np.sum(learns & has_dead)),
            }
    every = [row for rows in found.values() for row in rows.values()]
    revived = sum(row["revived"] for row in every)
    simple, zigzag = found["|x|"], found["a zigzag"]
    grows = [row["share"] for row in zigzag.values()]
    return finding(
        by_rule(
            refuted=revived > 0 or sorted(grows) != grows,
            conditional=any(row["learn_with_dead"] > 0 for row in simple.values()),
        ),
        "{method}, {n} networks a width from uniform starts. With probability 1 - (3/4)^m a neuron is dead at the start, {expected} for {widths} neurons; counted: {shares} (exact 95 % interval of the widest {low:.3f} to {high:.3f}). Of all dead neurons {revived} were alive at the end: their gradients are 0 under any method of this kind. For a target that no such network can be (here a zigzag with {bends} knots) each neuron more makes the best loss smaller, so that these networks reach no global minimiser. For a target of few knots that is no obstacle: of the networks that learn |x| with a dead neuron there are {learn}, of {dead}.",
        {"networks": n, "targets": found, "bends": BENDS, "revived": revived},
        method=NAMES[method],
        n=n,
        expected=each("{expected:.0%}", zigzag),
        widths=each("{0}", widths),
        shares=each("{share:.0%}", zigzag),
        low=list(zigzag.values())[-1]["interval"][0],
        high=list(zigzag.values())[-1]["interval"][1],
        learn=each("{learn_with_dead}", simple),
        dead=each("{dead}", simple),
    )
