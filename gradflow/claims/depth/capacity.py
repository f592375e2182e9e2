"""What dead units cost: the loss that is reached, and networks that no longer train at all."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy.stats import binomtest, rankdata, spearmanr

from gradflow.claims.depth import runs
from gradflow.claims.depth.runs import Cells, evidence
from gradflow.claims.ledger import Claim, Finding, Verdict
from gradflow.depth import Network, Start, train

SURE, SMALL = 0.01, 0.1
"""The p-value that counts, and the rank correlation that does not."""


def plateau(quick: bool) -> Finding:
    """Correlate the share of dead units with the final loss over starts, within each depth, rate and optimiser."""
    inside, stuck_too = ranks(quick, stuck=False), ranks(quick, stuck=True)
    found = {}
    for name, (dead, loss) in (("no whole layer dead", inside), ("all", stuck_too)):
        rho, p = spearmanr(dead, loss)
        found[name] = {
            "rho": float(rho),
            "pvalue": float(p),
            "networks": int(dead.size),
            "below": _below(float(rho), dead.size),
        }
    strict, every = found["no whole layer dead"], found["all"]
    higher = [bool(entry["rho"] > 0 and entry["pvalue"] < SURE) for entry in (strict, every)]
    matched = against_leaky(quick)
    verdict: Verdict
    if any(higher):
        verdict = "reproduced" if all(higher) and matched["pvalue"] < SURE else "conditional"
    else:
        verdict = "refuted" if strict["below"] < SMALL else "open"
    return Finding(
        verdict,
        "Over starts of one depth, rate and optimiser (ranks within each, pooled; ReLU teacher and digits), the rank correlation between the share of dead units at the end and the "
        f"final loss is {strict['rho']:+.2f} (p = {strict['pvalue']:.2g}, {strict['networks']} networks) where no whole layer is dead, and "
        f"{every['rho']:+.2f} (p = {every['pvalue']:.2g}, {every['networks']} networks) with the others. Against leaky ReLU from the same starts, where no unit can "
        f"die, ReLU ends with the higher loss in {matched['higher']} of {matched['networks']} cases (p = {matched['pvalue']:.2g} for more than half).",
        evidence({"rank_correlation": found, "against_leaky": matched}),
    )


def _below(rho: float, count: int) -> float:
    """Return what the rank correlation is below with 99% confidence (Fisher's transformation)."""
    return float(np.tanh(np.arctanh(rho) + 2.33 / np.sqrt(count - 3)))


def ranks(quick: bool, stuck: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the centred ranks of dead share and of final loss within each cell, pooled."""
    dead: list[np.ndarray] = []
    loss: list[np.ndarray] = []
    for task in ("teacher", "digits"):
        for depth in runs.depths(quick) if task == "teacher" else (2, 8):
            for optimizer in runs.RATES:
                cells = runs.sweep(depth, optimizer, quick, task=task)
                losses = cells.by_rate(cells.data["loss"])[-1]
                for i in range(len(cells.rates)):
                    chosen = cells.good[i] & (stuck | ~cells.stuck[i])
                    if np.sum(chosen) < 3:
                        continue
                    for values, into in ((cells.share[-1, i], dead), (losses[i], loss)):
                        ranked = rankdata(values[chosen]) / np.sum(chosen)
                        into.append(ranked - ranked.mean())
    return np.concatenate(dead), np.concatenate(loss)


def against_leaky(quick: bool) -> dict[str, float]:
    """Count the starts from which ReLU ends with a higher loss than leaky ReLU."""
    higher = total = 0
    for optimizer in runs.RATES:
        plain, leaky = (runs.fixed(name, optimizer, quick) for name in ("none", "leaky"))
        losses = [np.where(cells.good[0], cells.data["loss"].values[-1], np.inf) for cells in (plain, leaky)]
        higher += int(np.sum(losses[0] > losses[1]))
        total += losses[0].size
    sign = binomtest(higher, total, 0.5, alternative="greater")
    return {"higher": higher, "networks": total, "pvalue": float(sign.pvalue)}


@functools.cache
def narrow(quick: bool) -> Cells:
    """Train ten layers of three units, most of which are born dead."""
    starts, steps = (40, 100) if quick else (200, 1000)
    data = train(
        Network(1, (3,) * 10), runs.task_named("teacher"), runs.OPTIMIZERS["adam"](lr=0.01), steps,
        start=Start(starts), record_every=steps,
    )  # fmt: skip
    return Cells(data, (0.01,))


def trains_on(quick: bool) -> Finding:
    """Count networks with many dead units that learn, and networks with a dead layer that cannot."""
    task = runs.task_named("teacher")
    best = float(np.var(task.y))
    learn = many = stuck = above = 0
    for depth in runs.depths(quick):
        for optimizer in runs.RATES:
            cells = runs.sweep(depth, optimizer, quick)
            loss = cells.by_rate(cells.data["loss"])[-1]
            half = (cells.share[-1] >= 0.2) & cells.good & ~cells.stuck
            many += int(np.sum(half))
            learn += int(np.sum(half & (loss < 0.05 * best)))
            stuck += int(np.sum(cells.stuck & cells.good))
            above += int(np.sum(cells.stuck & cells.good & (loss >= best * (1.0 - 1e-9))))
    cells = narrow(quick)
    born = np.asarray((cells.data["off"][0] == 1.0).any("layer"))
    loss = cells.data["loss"].values[-1]
    hopeless = int(np.sum(born & (loss >= best * (1.0 - 1e-9))))
    values: dict[str, Any] = {
        "with_many_dead": many, "of_them_learn": learn, "with_a_dead_layer": stuck, "of_them_at_the_best_constant_or_above": above,
        "narrow": int(born.size), "born_dead": int(born.sum()), "born_dead_at_the_best_constant_or_above": hopeless,
    }  # fmt: skip
    prevents = above + hopeless > 0
    return Finding(
        "refuted" if not learn else "conditional" if prevents else "reproduced",
        f"As long as no layer is dead as a whole: of {many} networks with 20% or more of their units dead at the end, {learn} have a loss below 5% of that of the "
        f"best constant (all depths, rates, GD and Adam, ReLU teacher). A network with a dead layer is constant and learns only its output bias: {above} of {stuck} such "
        f"networks end at the loss of the best constant or above. With ten layers of three units {int(born.sum())} of {born.size} networks are born so, and "
        f"{hopeless} of these end there.",
        evidence(values),
    )


CLAIMS = (
    Claim(
        "depth.plateau",
        runs.SOURCE,
        "Training loss plateaus at a value higher than expected, as effective model capacity has been reduced.",
        plateau,
    ),
    Claim(
        "depth.trains-on",
        runs.SOURCE,
        "The network still trains, but with fewer parameters than intended; dying neurons don't prevent training, they just reduce capacity.",
        trains_on,
    ),
)
