"""Causes of death: one large step, many small ones, high rates, early training; and how much of it is
birth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Mean, mean
from gradflow.study.claims.evidence import count
from gradflow.study.claims.ledger import Finding, by_rule, throughout
from gradflow.study.claims.words import each, finding

FIRST_STEP = {"gd": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "adam": (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)}
"""Rates of which one step is taken from birth."""

AFTER = 200
"""The further steps over which a unit that the first one has killed must stay dead."""

HALF, TENTH = 0.5, 0.1


class Killed(NamedTuple):
    """Deaths by one step at a rate, over the networks that do not diverge: shares of the living units, and
    counts."""

    rate: float
    networks: int
    diverged: int
    killed: Mean
    lasting: Mean
    units: int
    back: int

    @property
    def steady(self) -> bool:
        """Whether at least half of the networks do not diverge at the rate."""
        return self.diverged <= self.networks

    def __str__(self) -> str:
        lost = f", {self.diverged} diverged" if self.diverged else ""
        return (
            f"{self.killed} at rate {self.rate:g} ({self.lasting} for good; {self.back} of {self.units} came back{lost})"
            if self.steady
            else f"(rate {self.rate:g} left out, {self.diverged} of {self.diverged + self.networks} networks diverge)"
        )


def sudden(quick: bool) -> Finding:
    """Take one step from birth at growing rates, and follow the units it kills for some more steps."""
    after = 60 if quick else AFTER
    found = {name: first_step(name, 12 if quick else 60, after) for name in FIRST_STEP}
    steady = {name: [row for row in rows if row.steady] for name, rows in found.items()}
    lasts = any(row.lasting.value > 0.0 for rows in steady.values() for row in rows)
    grows = {name: _more(rows) for name, rows in steady.items()}
    jumps = {name: falls(name, quick) for name in ("GD", "Adam")}
    told = {runs.NAMES[name]: ", ".join(map(str, rows)) for name, rows in found.items()}
    return finding(
        by_rule(refuted=not lasts, conditional=not all(grows.values())),
        f"Share of the living units that the very first step kills (four layers of {runs.WIDTH}, He, ReLU teacher), and of those that are then dead after every one of {after} further steps at the same rate: {{told}}. The share killed "
        "for good grows from the smallest to the largest of the rates at which at least half of the networks do not diverge (three standard errors) under {growing}. Along runs, a death is sudden when the unit's largest pre-activation was "
        "above half of its peak one step before: so are {jumps}.",
        {"steps_after": after, "first_step": found, "grows": grows, "along_runs": jumps},
        told=each("{label}: {0}", told, "; "),
        growing=each(
            "{0}", [runs.NAMES[name] for name, more in grows.items() if more], " and ", "neither optimiser"
        ),
        jumps=each("{sudden} of {deaths} deaths with {label}", jumps, " and "),
    )


def _more(rows: list[Killed]) -> bool:
    """Whether the last rate kills more for good than the first, by more than three standard errors."""
    if len(rows) < 2:
        return False
    more = rows[-1].lasting.less(rows[0].lasting)
    return more.value > 3.0 * more.error


def first_step(name: str, starts: int, after: int) -> list[Killed]:
    """Return for each rate which living units one step from birth kills, and which of them are dead ever
    after."""
    return [_killed(name, rate, starts, after) for rate in FIRST_STEP[name]]


def _killed(name: str, rate: float, starts: int, after: int) -> Killed:
    """Train at one rate: the records of every step and unit at all of them would take 300 MB."""
    config = runs.OPTIMIZERS[name](lr=rate)
    run = runs.on_teacher((runs.WIDTH,) * 4, config, 1 + after, starts, 1, units=True)
    off = run["reach"].values <= 0.0
    good = run["diverged"].values == 0
    fell = ~off[0] & off[1]
    back = fell & np.any(~off[2:], axis=0)
    # Axes: which, start.
    counts = np.stack([np.sum(units, axis=0) for units in (fell, back, fell & ~back)])
    shares = counts / np.sum(~off[0], axis=0)
    killed, lasting = mean(shares[0, good]), mean(shares[2, good])
    return Killed(
        rate, count(good), count(~good), killed, lasting, count(counts[0, good]), count(counts[1, good])
    )


def falls(name: str, quick: bool) -> dict[str, Any]:
    """Count the deaths of a run, and how far and for how long the units had fallen before."""
    reach = runs.close(name, quick)["reach"].values
    off = reach <= 0.0
    peak = np.maximum.accumulate(reach, axis=0)
    at = np.array([0, *range(1, reach.shape[0])])
    since = np.maximum.accumulate(np.where(reach >= peak, at[:, None, None], 0), axis=0)
    died = ~off[:-1] & off[1:]
    before = (reach[:-1] / np.where(peak[:-1] > 0, peak[:-1], 1.0))[died]
    lasted = (at[:-1, None, None] - since[:-1])[died]
    return {
        "deaths": count(died),
        "sudden": count(before > HALF),
        "gradual": count((before < TENTH) & (lasted >= 20)),
        "median_steps_since_peak": float(np.median(lasted)) if lasted.size else 0.0,
    }


def gradual(quick: bool) -> Finding:
    """Count deaths at the end of a long fall."""
    found = {name: falls(name, quick) for name in ("GD, rate / 10", "Adam, rate / 10", "GD", "Adam")}
    low = any(found[name]["gradual"] for name in ("GD, rate / 10", "Adam, rate / 10"))
    return finding(
        by_rule(reproduced=low, open=not any(row["deaths"] for row in found.values()), refuted=True),
        "Deaths of units whose largest pre-activation had shrunk to less than a tenth of its peak, over 20 steps or more, when the last step made it negative: {told} (GD 0.02 and 0.2, Adam 0.003 and 0.03; four layers).",
        {"by_optimizer": found},
        told=each("{label}: {gradual} of {deaths}", found, "; "),
    )


def rate(quick: bool) -> Finding:
    """Compare the share of dead units at the end between the smallest and the largest rate."""
    rows: list[dict[str, Any]] = []
    for optimizer, depth, cells in runs.sweeps(quick):
        difference = mean(cells.share[-1, -1] - cells.share[-1, 0])
        rows.append({
            "optimizer": runs.NAMES[optimizer],
            "depth": depth,
            "dead_at_birth": mean(cells.share[0, 0]),
            "dead_at_end": [mean(row) for row in cells.share[-1]],
            "last_minus_first": difference,
            "diverged": count(~cells.good),
            "more": difference.sure,
        })  # fmt: skip
    more = [row["more"] for row in rows]
    tried = {runs.NAMES[name]: each("{0:g}", runs.sweep(2, name, quick).rates) for name in runs.RATES}
    return finding(
        throughout(more),
        f"Mean share of dead units at the end at rates {{rates}} (He, ReLU teacher, {runs.WIDTH} units a layer): {{told}}. Networks that diverged ({sum(row['diverged'] for row in rows)}) are left out. In {sum(more)} of {len(more)} cases the "
        "largest rate has more dead units than the smallest, by more than two standard errors.",
        {"cases": rows},
        rates=each("{0} ({label})", tried, " and "),
        told="; ".join(
            f"{row['optimizer']}, depth {row['depth']}: {_path(row['dead_at_end'])}" for row in rows
        ),
    )


def _path(ends: list[Mean]) -> str:
    return ", ".join(f"{end.value:.0%} ± {end.error:.0%}" if end.value >= 0 else "(diverged)" for end in ends)


def early(quick: bool) -> Finding:
    """See which part of what training adds to the dead units it adds in the first tenth of the steps."""
    rows: list[dict[str, Any]] = []
    left_out = networks = 0
    for optimizer, depth, cells in runs.sweeps(quick):
        good = cells.good[-1]
        left_out, networks = left_out + count(~good), networks + good.size
        if count(good) < 2:
            continue
        deaths = cells.by_rate(cells.data["deaths"].sum("layer"))[:, -1, good].sum(axis=-1)
        first, total = int(deaths[cells.early]), int(deaths[-1])
        part = float(cells.data["step"][cells.early] / cells.data["step"][-1])
        rows.append({
            "optimizer": runs.NAMES[optimizer],
            "depth": depth,
            "rate": cells.rates[-1],
            "networks": count(good),
            "deaths_early": first,
            "deaths": total,
            "pvalue": float(binomtest(first, total, part, alternative="greater").pvalue) if total else 1.0,
            "net_early": mean(cells.share[cells.early, -1] - cells.share[0, -1]),
            "net_later": mean(cells.share[-1, -1] - cells.share[cells.early, -1]),
        })  # fmt: skip
    sure = [row["pvalue"] < 0.001 for row in rows]
    return finding(
        throughout(sure, tried=rows),
        f"At the largest rates, the first {runs.EARLY:.0%} of the steps hold more than their share of the deaths in {sum(sure)} of {len(sure)} cases (p < 0.001, deaths taken as independent; revived units may die again), and the net growth of "
        "the dead share: {told}. {diverged} of {networks} networks diverged and are left out.",
        {"cases": rows, "diverged": left_out, "networks": networks},
        told=each(
            "{optimizer} {rate:g}, depth {depth}: {deaths_early} of {deaths} deaths, {net_early.value:+.1%} ± {net_early.error:.1%} of the units early and {net_later.value:+.1%} ± {net_later.error:.1%} later",
            rows,
            "; ",
            "(all diverged)",
        ),
    )
