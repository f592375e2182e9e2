"""What kills: one large step, many small ones, high rates, early training; and how much of it is birth."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest

from gradflow.claims.depth import runs
from gradflow.claims.depth.runs import Mean, evidence, mean
from gradflow.claims.ledger import Claim, Finding
from gradflow.depth import Network, Start, train

FIRST_STEP = {"gd": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "adam": (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)}
"""Rates of which one step is taken from birth."""

HALF, TENTH = 0.5, 0.1


def sudden(quick: bool) -> Finding:
    """Take one step from birth at growing rates, and count the living units it kills."""
    found = {name: first_step(name, 20 if quick else 100) for name in FIRST_STEP}
    grows = all(
        rows[-1].value - rows[0].value > 3.0 * np.hypot(rows[-1].error, rows[0].error)
        for rows in found.values()
    )
    kills = all(rows[-1].value > 0.0 for rows in found.values())
    told = "; ".join(
        f"{runs.NAMES[name]}: "
        + ", ".join(f"{row} at rate {rate:g}" for rate, row in zip(FIRST_STEP[name], rows, strict=True))
        for name, rows in found.items()
    )
    jumps = {name: falls(name, quick) for name in ("GD", "Adam")}
    return Finding(
        "reproduced" if kills and grows else "conditional" if kills else "refuted",
        f"Share of the living units that the very first step kills (four layers of {runs.WIDTH}, He, ReLU teacher): {told}. "
        "Along runs, a death is sudden when the unit's largest pre-activation was above half of its peak one step before: so are "
        + " and ".join(
            f"{row['sudden']} of {row['deaths']} deaths with {name}" for name, row in jumps.items()
        )
        + ".",
        evidence(
            {
                "rates": FIRST_STEP,
                "killed_by_the_first_step": {n: [r._asdict() for r in rows] for n, rows in found.items()},
                "along_runs": jumps,
            }
        ),
    )


def first_step(name: str, starts: int) -> list[Mean]:
    """Return for each rate the share of living units that one step from birth kills."""
    rates = FIRST_STEP[name]
    run = train(
        Network(1, (runs.WIDTH,) * 4),
        runs.task_named("teacher"),
        runs.OPTIMIZERS[name](lr=np.repeat(rates, starts)),
        1,
        start=Start([*range(starts)] * len(rates)),
        units=True,
    )
    off = run["reach"].values <= 0.0
    killed = np.sum(~off[0] & off[1], axis=0) / np.sum(~off[0], axis=0)
    return [mean(row) for row in killed.reshape(len(rates), starts)]


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
        "deaths": int(died.sum()),
        "sudden": int(np.sum(before > HALF)),
        "gradual": int(np.sum((before < TENTH) & (lasted >= 20))),
        "median_steps_since_peak": float(np.median(lasted)) if lasted.size else 0.0,
    }


def gradual(quick: bool) -> Finding:
    """Count deaths at the end of a long fall."""
    found = {name: falls(name, quick) for name in ("GD, rate / 10", "Adam, rate / 10", "GD", "Adam")}
    told = "; ".join(f"{name}: {row['gradual']} of {row['deaths']}" for name, row in found.items())
    low = sum(found[name]["gradual"] for name in ("GD, rate / 10", "Adam, rate / 10"))
    return Finding(
        "reproduced" if low else "open" if not any(row["deaths"] for row in found.values()) else "refuted",
        "Deaths of units whose largest pre-activation had shrunk to less than a tenth of its peak, over 20 steps or more, when the last step made it "
        f"negative: {told} (GD 0.02 and 0.2, Adam 0.003 and 0.03; four layers).",
        evidence({"by_optimizer": found}),
    )


def rate(quick: bool) -> Finding:
    """Compare the share of dead units at the end between the smallest and the largest rate."""
    rows: list[dict[str, Any]] = []
    for optimizer in runs.RATES:
        for depth in runs.depths(quick):
            cells = runs.sweep(depth, optimizer, quick)
            ends = [mean(row) for row in cells.share[-1]]
            difference = mean(cells.share[-1, -1] - cells.share[-1, 0])
            rows.append(
                {
                    "optimizer": runs.NAMES[optimizer],
                    "depth": depth,
                    "dead_at_birth": mean(cells.share[0, 0])._asdict(),
                    "dead_at_end": [end._asdict() for end in ends],
                    "last_minus_first": difference._asdict(),
                    "diverged": int(np.sum(~cells.good)),
                    "more": difference.value > 2.0 * difference.error,
                }
            )
    more = [row["more"] for row in rows]
    told = "; ".join(f"{row['optimizer']}, depth {row['depth']}: {_path(row['dead_at_end'])}" for row in rows)
    return Finding(
        "reproduced" if all(more) else "conditional" if any(more) else "refuted",
        f"Mean share of dead units at the end at rates {_rates(quick)} (He, ReLU teacher, {runs.WIDTH} units a layer): {told}. "
        f"Networks that diverged ({sum(row['diverged'] for row in rows)}) are left out. In {sum(more)} of {len(more)} cases the largest rate has more dead units than the smallest, by more than two standard errors.",
        evidence({"cases": rows}),
    )


def _rates(quick: bool) -> str:
    return " and ".join(
        f"{', '.join(f'{r:g}' for r in runs.sweep(2, name, quick).rates)} ({runs.NAMES[name]})"
        for name in runs.RATES
    )


def _path(ends: list[dict[str, float]]) -> str:
    return ", ".join(
        f"{end['value']:.0%} ± {end['error']:.0%}" if end["value"] >= 0 else "(diverged)" for end in ends
    )


def early(quick: bool) -> Finding:
    """See which part of what training adds to the dead units it adds in the first tenth of the steps."""
    rows: list[dict[str, Any]] = []
    for optimizer in runs.RATES:
        for depth in runs.depths(quick):
            cells = runs.sweep(depth, optimizer, quick)
            deaths = cells.by_rate(cells.data["deaths"].sum("layer"))[:, -1].sum(axis=-1)
            first, total = int(deaths[cells.early]), int(deaths[-1])
            net = mean(cells.share[cells.early, -1] - cells.share[0, -1])
            rest = mean(cells.share[-1, -1] - cells.share[cells.early, -1])
            part = float(cells.data["step"][cells.early] / cells.data["step"][-1])
            rows.append(
                {
                    "optimizer": runs.NAMES[optimizer],
                    "depth": depth,
                    "rate": cells.rates[-1],
                    "deaths_early": first,
                    "deaths": total,
                    "pvalue": float(binomtest(first, total, part, alternative="greater").pvalue)
                    if total
                    else 1.0,
                    "net_early": net._asdict(),
                    "net_later": rest._asdict(),
                }
            )
    sure = [row["pvalue"] < 0.001 for row in rows]
    told = "; ".join(
        f"{row['optimizer']} {row['rate']:g}, depth {row['depth']}: {row['deaths_early']} of {row['deaths']} deaths, "
        f"{row['net_early']['value']:+.1%} ± {row['net_early']['error']:.1%} of the units early and "
        f"{row['net_later']['value']:+.1%} ± {row['net_later']['error']:.1%} later"
        for row in rows
    )
    return Finding(
        "reproduced" if all(sure) else "conditional" if any(sure) else "refuted",
        f"At the largest rates, the first {runs.EARLY:.0%} of the steps hold more than their share of the deaths in {sum(sure)} of {len(sure)} cases "
        f"(p < 0.001, deaths taken as independent; revived units may die again), and the net growth of the dead share: {told}.",
        evidence({"cases": rows}),
    )


CLAIMS = (
    Claim(
        "depth.sudden",
        runs.SOURCE,
        "This can happen suddenly: a single large gradient update can push a neuron into permanent zero territory. Learning rates that are too high make this more likely.",
        sudden,
    ),
    Claim(
        "depth.gradual",
        runs.SOURCE,
        "It can also happen gradually through the accumulation of small updates that slowly shift the neuron's operating point into negative territory.",
        gradual,
    ),
    Claim(
        "depth.rate",
        runs.SOURCE,
        "The problem scales with the learning rate: more common with high learning rates.",
        rate,
    ),
    Claim(
        "depth.early",
        runs.SOURCE,
        "More common in early training when the optimiser makes large steps.",
        early,
    ),
)
