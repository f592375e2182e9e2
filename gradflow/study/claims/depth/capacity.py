"""Costs of dead units: the loss that is reached, and networks that no longer train at all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, rankdata, t

from gradflow.descent import Adam
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Cells
from gradflow.study.claims.evidence import count
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import finding

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

    def __str__(self) -> str:
        return f"{self.rho:+.2f} ± {self.error:.2f} (p = {self.pvalue:.2g}, {self.networks} networks of {self.starts} starts, below {self.below:+.2f} with 99% confidence)"


def plateau(quick: bool) -> Finding:
    """Correlate the share of dead units with the final loss over starts, within each depth, rate and
    optimiser."""
    strict, every = correlation(ranks(quick, stuck=False)), correlation(ranks(quick, stuck=True))
    higher = [found.rho > 0 and found.pvalue < SURE for found in (strict, every)]
    matched = against_leaky(quick)
    return finding(
        by_rule(
            reproduced=all(higher) and matched["pvalue"] < SURE,
            conditional=any(higher),
            refuted=strict.below < SMALL,
            open=True,
        ),
        "Over starts of one depth, rate and optimiser (ranks centred within each, pooled; ReLU teacher and digits), the rank correlation between the share of dead units at the end and the final loss is {strict} where no whole layer is dead, "
        "and {every} with the others; errors by leaving out one start after the other with all its runs. Against leaky ReLU from the same starts, where no unit can die, ReLU ends with the higher loss in {against_leaky[higher]} of "
        "{against_leaky[networks]} cases (p = {against_leaky[pvalue]:.2g} for more than half).",
        {"rank_correlation": {"no whole layer dead": strict, "all": every}, "against_leaky": matched},
        strict=strict,
        every=every,
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
    return Cells(runs.on_teacher((3,) * 10, Adam(lr=0.01), steps, starts, steps), (0.01,))


def trains_on(quick: bool) -> Finding:
    """Count networks with many dead units that learn, and networks with a dead layer that cannot."""
    best = float(np.var(runs.task_named("teacher").y))
    many, learn, stuck, above = np.zeros(4, dtype=int)
    for _, _, cells in runs.sweeps(quick):
        loss = cells.by_rate(cells.data["loss"])[-1]
        half = (cells.share[-1] >= 0.2) & cells.good & ~cells.stuck
        many += count(half)
        learn += count(half & (loss < 0.05 * best))
        stuck += count(cells.stuck & cells.good)
        above += count(cells.stuck & cells.good & (loss >= best * (1.0 - 1e-9)))
    cells = narrow(quick)
    born = np.asarray((cells.data["off"][0] == 1.0).any("layer"))
    hopeless = count(born & (cells.data["loss"].values[-1] >= best * (1.0 - 1e-9)))
    return finding(
        by_rule(refuted=not learn, conditional=above + hopeless),
        "As long as no layer is dead as a whole: of {with_many_dead} networks with 20% or more of their units dead at the end, {of_them_learn} have a loss below 5% of that of the best constant (all depths, rates, GD and Adam, ReLU teacher). "
        "A network with a dead layer is constant and learns only its output bias: {of_them_at_the_best_constant_or_above} of {with_a_dead_layer} such networks end at the loss of the best constant or above. With ten layers of three units "
        "{born_dead} of {narrow} networks are born so, and {born_dead_at_the_best_constant_or_above} of these end there.",
        {
            "with_many_dead": many,
            "of_them_learn": learn,
            "with_a_dead_layer": stuck,
            "of_them_at_the_best_constant_or_above": above,
            "narrow": int(born.size),
            "born_dead": count(born),
            "born_dead_at_the_best_constant_or_above": hopeless,
        },
    )
