"""How many die: against depth and width, and where '20-40% early' is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.networks.deep import Network, Start, train
from gradflow.networks.deep.born_dead import dead_at_birth
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Cells, evidence, mean
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.study.claims.shared import remembered

PUBLISHED = (0.2, 0.4)
WIDTHS = (4, 8, 16, 32, 64)


def at_rate(cells: Cells, rate: float) -> int:
    """Return the place of a rate, or of the one nearest to it."""
    return int(np.argmin(np.abs(np.log(np.array(cells.rates) / rate))))


def depth(quick: bool) -> Finding:
    """Compare the share of dead units between depths: at birth, at the end, and what training adds."""
    rows: list[dict[str, Any]] = []
    for scheme in ("he", "torch"):
        for optimizer, rate in (("gd", 0.1), ("adam", 0.01)):
            if scheme == "torch" and optimizer == "gd":
                continue
            for layers in runs.depths(quick):
                cells = runs.sweep(layers, optimizer, quick, scheme)
                place = at_rate(cells, rate)
                birth, end = cells.share[0, place], cells.share[-1, place]
                rows.append(
                    {
                        "scheme": scheme,
                        "optimizer": runs.NAMES[optimizer],
                        "rate": cells.rates[place],
                        "depth": layers,
                        "birth": mean(birth)._asdict(),
                        "end": mean(end)._asdict(),
                        "added": mean(end - birth)._asdict(),
                        "wide_at_birth": float(dead_at_birth(layers).mean()) if scheme == "he" else None,
                    }
                )
    groups = [
        [row for row in rows if (row["scheme"], row["optimizer"]) == key]
        for key in (("he", "GD"), ("he", "Adam"), ("torch", "Adam"))
    ]
    total = [_grows(group, "end") for group in groups]
    added = [_grows(group, "added") for group in groups]
    told = "; ".join(
        f"{g[0]['optimizer']} {g[0]['rate']:g}, {_scheme(g[0]['scheme'])}: "
        + ", ".join(
            f"depth {r['depth']} {r['birth']['value']:.1%} at birth, {r['end']['value']:.1%} ± {r['end']['error']:.1%} at the end"
            for r in g
        )
        for g in groups
    )
    wide = ", ".join(f"{dead_at_birth(layers).mean():.1%}" for layers in runs.depths(quick))
    verdict: Verdict = (
        "refuted" if not any(total) else "reproduced" if all(total) and all(added) else "conditional"
    )
    return Finding(
        verdict,
        f"The share of dead units at the end grows with depth in {sum(total)} of {len(total)} settings (deepest against shallowest, more than two standard "
        f"errors): {told}. But deep layers are already dead at birth: with biases 0 and wide layers derivation 19 gives {wide} for these depths, from the "
        f"angle between the two sides of 0. What training adds grows with depth in {sum(added)} of {len(added)} settings.",
        evidence({"cases": rows}),
    )


def _grows(group: list[dict[str, Any]], name: str) -> bool:
    first, last = group[0][name], group[-1][name]
    return bool(last["value"] - first["value"] > 2.0 * np.hypot(first["error"], last["error"]))


def _scheme(name: str) -> str:
    return {"he": "He", "torch": "torch's default"}.get(name, name)


def twenty_to_forty(quick: bool) -> Finding:
    """Say in which settings the first tenth of the steps kills 20 to 40% of the units."""
    rows: list[dict[str, Any]] = []
    for task, scheme, optimizer in settings():
        for layers in runs.depths(quick) if task == "teacher" else (2, 8):
            cells = runs.sweep(layers, optimizer, quick, scheme, task)
            for i, rate in enumerate(cells.rates):
                good = cells.good[i]
                if np.sum(good) < 2:
                    continue
                birth, soon = cells.share[0, i, good], cells.share[cells.early, i, good]
                rows.append(
                    {
                        "task": task,
                        "scheme": scheme,
                        "optimizer": runs.NAMES[optimizer],
                        "depth": layers,
                        "rate": rate,
                        "birth": mean(birth)._asdict(),
                        "early": mean(soon)._asdict(),
                        "added": mean(soon - birth)._asdict(),
                    }
                )
    low, high = PUBLISHED
    inside = [row for row in rows if low <= row["early"]["value"] <= high]
    born = [row for row in inside if row["birth"]["value"] >= low]
    trained = [row for row in rows if low <= row["added"]["value"] <= high]
    more = [row for row in rows if row["added"]["value"] > high]
    # One setting is enough; that there is none, only all of them show.
    verdict: Verdict = "reproduced" if trained else "open" if quick else "refuted"
    return Finding(
        verdict,
        f"Training itself adds {low:.0%} to {high:.0%} of all units to the dead ones within the first {runs.EARLY:.0%} of the steps (net, mean over starts; what was dead at birth is not "
        f"counted) in {len(trained)} of {len(rows)} settings of task, initialisation, optimiser, depth and rate, more in {len(more)}, less in {len(rows) - len(trained) - len(more)}: "
        + ("; ".join(_place(row) for row in trained) or "(none)")
        + f". The share of dead units by then, those dead at birth included, is in that range in {len(inside)} settings; in {len(born)} of these it is so before any step.",
        evidence(
            {
                "published": list(PUBLISHED),
                "inside": len(inside),
                "inside_at_birth": len(born),
                "added_by_training": len(trained),
                "settings": rows,
            }
        ),
    )


def settings() -> list[tuple[str, str, str]]:
    """Return task, initialisation and optimiser of the sweeps."""
    return [
        ("teacher", "he", "gd"),
        ("teacher", "he", "adam"),
        ("teacher", "torch", "adam"),
        ("digits", "he", "gd"),
        ("digits", "he", "adam"),
    ]


def _place(row: dict[str, Any]) -> str:
    return (
        f"{row['task']}, {_scheme(row['scheme'])}, {row['optimizer']} {row['rate']:g}, depth {row['depth']} "
        f"({row['added']['value']:+.0%} ± {row['added']['error']:.0%}, to {row['early']['value']:.0%})"
    )


@remembered
def widths_run(width: int, quick: bool) -> Cells:
    """Train eight layers of a width with Adam 0.01."""
    starts, steps = (5, 80) if quick else (12, 300)
    data = train(
        Network(1, (width,) * 8), runs.task_named("teacher"), runs.OPTIMIZERS["adam"](lr=0.01), steps,
        start=Start(starts), record_every=steps // 10,
    )  # fmt: skip
    return Cells(data, (0.01,))


def width(quick: bool) -> Finding:
    """Compare the shares between widths."""
    chosen = (4, 16, 32) if quick else WIDTHS
    rows: list[dict[str, Any]] = []
    for units in chosen:
        cells = widths_run(units, quick)
        birth, end = cells.share[0, 0], cells.share[-1, 0]
        rows.append(
            {
                "width": units,
                "birth": mean(birth),
                "end": mean(end),
                "added": mean(end - birth),
                "stuck": int(cells.stuck.sum()),
            }
        )
    low, high = PUBLISHED
    inside = [row["width"] for row in rows if low <= row["end"].value <= high]
    trained = [row["width"] for row in rows if low <= row["added"].value <= high]
    told = "; ".join(
        f"width {r['width']}: {r['birth']} at birth, {r['end']} at the end ({r['stuck']} with a whole layer dead)"
        for r in rows
    )
    return Finding(
        "reproduced" if len(inside) == len(rows) else "conditional" if inside else "refuted",
        f"From {low:.0%} to {high:.0%} at widths {', '.join(map(str, inside)) or '(none)'} of {', '.join(map(str, chosen))}. Eight layers, He, Adam 0.01, ReLU teacher: {told}. "
        f"Training itself adds that much at widths {', '.join(map(str, trained)) or '(none)'}.",
        evidence(
            {
                "published": list(PUBLISHED),
                "widths": rows,
            }
        ),
    )


CLAIMS = (
    Claim("depth.depth", runs.SOURCE, "The problem scales with network depth.", depth),
    Claim(
        "depth.20-40-percent",
        runs.SOURCE,
        "In a deep network, a large fraction of neurons can die early in training (sometimes 20-40%).",
        twenty_to_forty,
    ),
    Claim(
        "depth.width",
        runs.ASKED,
        "At every width 20-40% of the units of a deep network are dead after training.",
        width,
    ),
)
