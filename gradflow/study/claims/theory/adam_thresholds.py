"""How many thresholds Adam has: the later one looks, the more often the outcome changes along a line of starts.

On the best line Adam does not rest (derivation 28), so that some of the starts that have come to it have left
it again, and which they are changes often with b2.
"""

from __future__ import annotations

import numpy as np

from gradflow.descent import Adam, train_arrays
from gradflow.ends.outcome import GLOBAL, LINEAR, outcome
from gradflow.neuron.problem import Neuron
from gradflow.study.claims.evidence import count
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.theory.adam_after_the_end import RATE
from gradflow.study.claims.words import each, finding

BETWEEN, STEPS = (-1.30, -1.10), (5000, 20_000, 40_000)
"""The b2 that are scanned, with w1 = w2 = 1 and b1 = 0, and the steps at which outcomes are read."""

EARLIER = {"20000": 7, "40000": 19}
"""Changes that a scan saw by these steps, with gradients that were rounded otherwise and a step that is not
told."""


def changes(n: int) -> dict[str, dict[str, int]]:
    """Return, by step, how often the outcome changes between neighbours of n starts, and how many have which.

    Neurons that are at neither end at that step, in a burst for instance, are left out.
    """
    start = Neuron(1.0, 0.0, 1.0, np.linspace(*BETWEEN, n))
    run = train_arrays(
        start, POPULATION, Adam(RATE), STEPS[-1], record_every=STEPS[0], events=False, backend="numba"
    )
    found = {}
    for step, theta in zip(np.asarray(run.steps).tolist(), run.theta, strict=True):
        if step in STEPS:
            codes = np.asarray(outcome(theta, POPULATION, run.diverged))
            known = codes[(codes == GLOBAL) | (codes == LINEAR)]
            found[str(step)] = {
                "changes": count(np.diff(known) != 0),
                "linear": count(codes == LINEAR),
                "neither": n - int(known.size),
            }
    return found


def one_threshold(quick: bool) -> Finding:
    """Scan the starts, and count changes of outcome after several numbers of steps."""
    n = 201 if quick else 4001
    rows = changes(n)
    first, *later = (row["changes"] for row in rows.values())
    return finding(
        by_rule(open=first == 0, refuted=first > 1, conditional=max(later) > 1),
        "After {first} steps it is so; later it is not, because Adam does not rest on the best line (derivation 28): of {n} starts with b2 in [{between[0]:g}, {between[1]:g}], w1 = w2 = 1, b1 = 0, neighbours end differently {told}. Earlier {before} were seen, by a coarser scan. A bisection finds one of them.",
        {"starts": n, "at": rows, "earlier": EARLIER},
        so=first == 1,
        first=STEPS[0],
        n=n,
        between=BETWEEN,
        told=each("{changes} times at step {label} ({linear} linear, {neither} at neither end)", rows),
        before=each("{0} at step {label}", EARLIER),
    )  # fmt: skip
