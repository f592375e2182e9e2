"""The failure signatures that the summary names: plateaus, slow loss, neurons that do not align."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer.data import Dataset, cone, toy_plane
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.losses import EXPONENTIAL, Objective
from gradflow.networks.two_layer.network import as_network, balanced
from gradflow.study.claims.alignment.common import rounded
from gradflow.study.claims.alignment.scales import times
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import each, finding


class FlowTimes(NamedTuple):
    """One flow: when its loss has fallen by a tenth and to a hundredth, and when the last neuron was
    aligned."""

    fallen: float
    fitted: float
    aligned: float


@remembered
def course(which: str, log_epsilon: float, h: int, ratio: float, seed: int) -> FlowTimes:
    """Follow one network on the set of this name until its loss is a hundredth of the first."""
    data = DATA[which]
    start = balanced(h, data.dimension, log_epsilon, seed=seed)
    start = as_network(start.weights, ratio * start.outputs, start.log_scale)
    path = gradient_flow(start, Objective(data, EXPONENTIAL), 1e4, below=0.01 * data.n, max_records=1000)
    fallen, fitted = (
        float(np.interp(-math.log(level), -np.log(path.loss / path.loss[0]), path.t)) for level in (0.9, 0.01)
    )
    return FlowTimes(fallen, fitted, float(np.max(times(path, data))))


DATA: dict[str, Dataset] = {
    "toy": toy_plane(10),
    "near": cone(10, 0.05, 8, 1),
    "far": cone(10, 0.8, 8, 1),
}


def mean(which: str, log_epsilon: float, h: int, quick: bool, ratio: float = 1.0) -> FlowTimes:
    """Return the medians over starts whose neurons fit both labels."""
    rows = [course(which, log_epsilon, h, ratio, seed) for seed in range(1 if quick else 9)]
    fallen, fitted, aligned = np.median(np.array(rows), axis=0)
    return FlowTimes(float(fallen), float(fitted), float(aligned))


def plateau(quick: bool) -> Finding:
    """See what makes the loss rest early."""
    by_scale = {scale: mean("toy", scale, 20, quick).fallen for scale in (-14.0, -6.0, -1.0)}
    by_data = {name: mean(name, -14.0, 20, quick).fallen for name in ("far", "near")}
    separation = by_data["near"] > 1.1 * by_data["far"]
    larger = by_scale[-1.0] > by_scale[-14.0]
    return finding(
        # "May" asks for a witness, "or" for one of the two.
        by_rule(refuted=not (separation or larger)),
        "Poor separation {does}: the loss has fallen by a tenth at time {by_separation[near]:.2f} on data with μ = 0.05 and {by_separation[far]:.2f} with μ = 0.8 (cones, ln ε = −14). A large start does {too}: on the toy plane {scales}. The plateau of a "
        "small start is no failure: it is the early phase, and lasts as log(1/ε).",
        {"by_scale": rounded(by_scale), "by_separation": by_data},
        does="does" if separation else "does not",
        too="too" if larger else "the opposite",
        scales=each("{0:.2f} at ln ε = {label:g}", by_scale),
    )


def slow_loss(quick: bool) -> Finding:
    """See whether few neurons make the loss fall slowly after alignment."""
    courses = {h: mean("toy", -14.0, h, quick) for h in (8, 20, 100)}
    rows = {h: (found.fallen, found.fitted - found.fallen) for h, found in courses.items()}
    fall, rest = (rows[8][i] / rows[100][i] - 1.0 for i in (0, 1))
    return finding(
        by_rule(refuted=not (fall > 0.05 or rest > 0.05)),
        "{hardly}: more neurons in S₊ and S₋ start the fall earlier, by log(h)/2 of an e-folding time, and change little afterwards. Times until the loss has fallen by a tenth, and from there to a hundredth: {table} (toy plane, ln ε = −14). "
        f"With 8 neurons instead of 100 the first is {fall:+.0%}, the second {rest:+.0%}. With none in S₊ or S₋ the loss of that label does not fall at all.",
        {"rows": rows},
        hardly="Hardly" if rest <= 0.05 else "Yes",
        table=each("{label} neurons: {0[0]:.2f}, then {0[1]:.2f}", rows, "; "),
    )


def unbalanced(quick: bool) -> Finding:
    """See whether an unbalanced start keeps neurons from aligning."""
    found = {ratio: mean("toy", -14.0, 20, quick, ratio).aligned for ratio in (0.01, 1.0, 100.0)}
    missing = {
        ratio: sum(
            not math.isfinite(course("toy", -14.0, 20, ratio, seed).aligned)
            for seed in range(1 if quick else 9)
        )
        for ratio in found
    }
    return finding(
        by_rule(refuted=not (missing[0.01] or missing[100.0])),
        "Times by which the last of 20 neurons is in the set of its sign or dead (toy plane, ln ε = −14, medians; runs with a neuron that never is): {rows}. A small |v| delays the turn and lets v change its sign (derivation 22 (5)); a large one hastens it.",
        {"times": rounded(found), "never": missing},
        rows="; ".join(f"|v|/‖w‖ = {ratio:g}: {t:.3g} ({missing[ratio]})" for ratio, t in found.items()),
    )
