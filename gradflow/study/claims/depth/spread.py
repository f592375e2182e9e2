"""How many die: against depth and width, and where '20-40% early' is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import Adam
from gradflow.networks.deep.born_dead import dead_at_birth
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Cells, mean
from gradflow.study.claims.evidence import count
from gradflow.study.claims.ledger import Finding, by_rule, throughout
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import each, finding

PUBLISHED = (0.2, 0.4)
WIDTHS = (4, 8, 16, 32, 64)
SCHEMES = {"he": "He", "torch": "torch's default"}


def at_rate(cells: Cells, rate: float) -> int:
    """Return the place of a rate, or of the one nearest to it."""
    return int(np.argmin(np.abs(np.log(np.array(cells.rates) / rate))))


def means(birth: np.ndarray, later: np.ndarray, when: str = "end") -> dict[str, Any]:
    """Return the mean shares of dead units at birth and later, and the mean of what was added."""
    return {"birth": mean(birth), when: mean(later), "added": mean(later - birth)}


def depth(quick: bool) -> Finding:
    """Compare the share of dead units between depths: at birth, at the end, and what training adds."""
    groups: list[list[dict[str, Any]]] = []
    for scheme, optimizer, rate in (("he", "gd", 0.1), ("he", "adam", 0.01), ("torch", "adam", 0.01)):
        groups.append([])
        for layers in runs.depths(quick):
            cells = runs.sweep(layers, optimizer, quick, scheme)
            place = at_rate(cells, rate)
            groups[-1].append({
                "scheme": scheme,
                "optimizer": runs.NAMES[optimizer],
                "rate": cells.rates[place],
                "depth": layers,
                **means(cells.share[0, place], cells.share[-1, place]),
                "wide_at_birth": float(dead_at_birth(layers).mean()) if scheme == "he" else None,
            })  # fmt: skip
    total, added = ([g[-1][of].less(g[0][of]).sure for g in groups] for of in ("end", "added"))
    return finding(
        by_rule(refuted=not any(total), conditional=not all(total + added)),
        f"The share of dead units at the end grows with depth in {sum(total)} of {len(total)} settings (deepest against shallowest, more than two standard errors): {{told}}. But deep layers are already dead at birth: with biases 0 and "
        f"wide layers derivation 19 gives {{wide}} for these depths, from the angle between the two sides of 0. What training adds grows with depth in {sum(added)} of {len(added)} settings.",
        {"cases": [row for group in groups for row in group]},
        told="; ".join(
            f"{g[0]['optimizer']} {g[0]['rate']:g}, {SCHEMES[g[0]['scheme']]}: "
            + each("depth {depth} {birth.value:.1%} at birth, {end} at the end", g)
            for g in groups
        ),
        wide=each("{0:.1%}", [dead_at_birth(layers).mean() for layers in runs.depths(quick)]),
    )


def twenty_to_forty(quick: bool) -> Finding:
    """Say in which settings the first tenth of the steps kills 20 to 40% of the units."""
    rows: list[dict[str, Any]] = []
    for task, scheme, optimizer in settings():
        for layers in runs.depths(quick) if task == "teacher" else (2, 8):
            cells = runs.sweep(layers, optimizer, quick, scheme, task)
            for i, rate in enumerate(cells.rates):
                good = cells.good[i]
                if count(good) >= 2:
                    setting = {
                        "task": task,
                        "scheme": scheme,
                        "optimizer": runs.NAMES[optimizer],
                        "depth": layers,
                    }
                    shares = means(cells.share[0, i, good], cells.share[cells.early, i, good], "early")
                    rows.append({**setting, "rate": rate, **shares})
    low, high = PUBLISHED
    inside = [row for row in rows if low <= row["early"].value <= high]
    born = sum(row["birth"].value >= low for row in inside)
    trained = [row for row in rows if low <= row["added"].value <= high]
    more = sum(row["added"].value > high for row in rows)
    return finding(
        # One setting is enough; that there is none, only all of them show.
        by_rule(reproduced=trained, open=quick, refuted=True),
        f"Training itself adds {low:.0%} to {high:.0%} of all units to the dead ones within the first {runs.EARLY:.0%} of the steps (net, mean over starts; what was dead at birth is not counted) in {len(trained)} of {len(rows)} settings of "
        f"task, initialisation, optimiser, depth and rate, more in {more}, less in {len(rows) - len(trained) - more}: {{trained}}. The share of dead units by then, those dead at birth included, is in that range in {len(inside)} settings; "
        f"in {born} of these it is so before any step.",
        {
            "published": PUBLISHED,
            "inside": len(inside),
            "inside_at_birth": born,
            "added_by_training": len(trained),
            "settings": rows,
        },
        trained="; ".join(map(_place, trained)) or "(none)",
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
    return f"{row['task']}, {SCHEMES[row['scheme']]}, {row['optimizer']} {row['rate']:g}, depth {row['depth']} ({row['added'].value:+.0%} ± {row['added'].error:.0%}, to {row['early'].value:.0%})"


@remembered
def widths_run(width: int, quick: bool) -> Cells:
    """Train eight layers of a width with Adam 0.01."""
    starts, steps = (5, 80) if quick else (12, 300)
    return Cells(runs.on_teacher((width,) * 8, Adam(lr=0.01), steps, starts, steps // 10), (0.01,))


def width(quick: bool) -> Finding:
    """Compare the shares between widths."""
    rows: dict[int, dict[str, Any]] = {}
    for units in (4, 16, 32) if quick else WIDTHS:
        cells = widths_run(units, quick)
        shares = means(cells.share[0, 0], cells.share[-1, 0])
        rows[units] = {"width": units, **shares, "stuck": count(cells.stuck)}
    low, high = PUBLISHED
    inside, trained = (
        [units for units, row in rows.items() if low <= row[of].value <= high] for of in ("end", "added")
    )
    return finding(
        throughout(units in inside for units in rows),
        f"From {low:.0%} to {high:.0%} at widths {{inside}} of {{all}}. Eight layers, He, Adam 0.01, ReLU teacher: {{told}}. Training itself adds that much at widths {{trained}}.",
        {"published": PUBLISHED, "widths": list(rows.values())},
        inside=each("{0}", inside),
        all=each("{0}", rows.keys()),
        told=each(
            "width {width}: {birth} at birth, {end} at the end ({stuck} with a whole layer dead)", rows, "; "
        ),
        trained=each("{0}", trained),
    )
