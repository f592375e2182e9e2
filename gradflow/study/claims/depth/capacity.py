"""Costs of dead units: the loss that is reached, and networks that no longer train at all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest, rankdata, t

from gradflow.networks.deep import Network, Start, train
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Cells, evidence
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.study.claims.shared import remembered

SURE, SMALL = 0.01, 0.1
"""The p-value that counts, and the rank correlation that does not."""


class Ranks(NamedTuple):
    """Ranks of dead share and of final loss, centred within their cells, pooled, and the start each
    belongs to."""

    dead: np.ndarray
    loss: np.ndarray
    start: np.ndarray


class Correlation(NamedTuple):
    """A rank correlation with its standard error over starts, its two-sided p-value, and a 99% upper
    bound."""

    rho: float
    error: float
    pvalue: float
    below: float
    networks: int
    starts: int


def plateau(quick: bool) -> Finding:
    """Correlate the share of dead units with the final loss over starts, within each depth, rate and
    optimiser."""
    strict, every = correlation(ranks(quick, stuck=False)), correlation(ranks(quick, stuck=True))
    higher = [bool(found.rho > 0 and found.pvalue < SURE) for found in (strict, every)]
    matched = against_leaky(quick)
    verdict: Verdict
    if any(higher):
        verdict = "reproduced" if all(higher) and matched["pvalue"] < SURE else "conditional"
    else:
        verdict = "refuted" if strict.below < SMALL else "open"
    return Finding(
        verdict,
        "Over starts of one depth, rate and optimiser (ranks centred within each, pooled; ReLU teacher and digits), the rank correlation between the share of dead units at the end and the "
        f"final loss is {_told(strict)} where no whole layer is dead, and {_told(every)} with the others; errors by leaving out one start after the other with all its runs. Against leaky ReLU from the same starts, where no unit can "
        f"die, ReLU ends with the higher loss in {matched['higher']} of {matched['networks']} cases (p = {matched['pvalue']:.2g} for more than half).",
        evidence(
            {"rank_correlation": {"no whole layer dead": strict, "all": every}, "against_leaky": matched}
        ),
    )


def _told(found: Correlation) -> str:
    return (
        f"{found.rho:+.2f} ± {found.error:.2f} (p = {found.pvalue:.2g}, {found.networks} networks of {found.starts} starts, "
        f"below {found.below:+.2f} with 99% confidence)"
    )


def correlation(found: Ranks) -> Correlation:
    """Return the correlation of centred ranks, its error by the jackknife over starts.

    A start is run at several rates and with two optimisers, and a cell's centred ranks add up to 0, so the
    networks are not independent: the starts are, and there are as many of them as terms in the error
    (Student's t, one less).
    """
    _, place = np.unique(found.start, return_inverse=True)
    # Per start: the sums of products and of squares.
    sums = np.stack([
        np.bincount(place, a * b)
        for a, b in ((found.dead, found.loss), (found.dead, found.dead), (found.loss, found.loss))
    ])  # fmt: skip
    total, count = sums.sum(axis=1, keepdims=True), sums.shape[1]

    def rho(parts: np.ndarray) -> np.ndarray:
        scale = np.sqrt(parts[1] * parts[2])
        return np.asarray(np.divide(parts[0], scale, out=np.zeros_like(scale), where=scale > 0.0))

    value, without = float(rho(total)[0]), rho(total - sums)
    error = float(np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2)))
    pvalue = float(2.0 * t.sf(abs(value) / error, count - 1)) if error > 0.0 else 1.0
    return Correlation(
        value, error, pvalue, value + float(t.ppf(0.99, count - 1)) * error, found.dead.size, count
    )


def ranks(quick: bool, stuck: bool) -> Ranks:
    """Return the centred ranks of dead share and of final loss within each cell, pooled."""
    pooled: list[np.ndarray] = []
    for task in ("teacher", "digits"):
        for depth in runs.depths(quick) if task == "teacher" else (2, 8):
            group = len(pooled)
            for optimizer in runs.RATES:
                cells = runs.sweep(depth, optimizer, quick, task=task)
                losses = cells.by_rate(cells.data["loss"])[-1]
                for i in range(len(cells.rates)):
                    chosen = cells.good[i] & (stuck | ~cells.stuck[i])
                    if np.sum(chosen) < 3:
                        continue
                    # The runs of one task and depth have the same starts.
                    of_start = 1000 * group + np.flatnonzero(chosen)
                    pooled.append(
                        np.stack(
                            [_centred(cells.share[-1, i, chosen]), _centred(losses[i, chosen]), of_start]
                        )
                    )
    dead, loss, start = np.concatenate(pooled, axis=1)
    return Ranks(dead, loss, start)


def _centred(values: np.ndarray) -> np.ndarray:
    ranked = rankdata(values) / values.size
    return np.asarray(ranked - ranked.mean())


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


@remembered
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
