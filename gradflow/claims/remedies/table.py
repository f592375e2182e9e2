"""Which remedy helps: one claim a group of remedies, one row of the table a remedy and a method."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from gradflow.claims.ledger import Claim, Finding, Verdict
from gradflow.outcome import GLOBAL
from gradflow.remedies import METHODS, Cell, Method, Remedy, measure, starts
from gradflow.remedies.rows import NOTHING, REMEDIES


class Effort(NamedTuple):
    """How many starts, steps and methods a check takes."""

    b1: int
    b2: int
    steps: int
    methods: tuple[Method, ...]


FULL = Effort(14, 14, 5000, METHODS)
QUICK = Effort(6, 6, 500, tuple(m for m in METHODS if m in (Method("gd", 0.1), Method("adam", 0.01))))
"""Even numbers, so that no start is the teacher. `QUICK` is a glance: most starts are still under way."""

NOTICEABLE = 0.02
"""A share of the starts by which a method must change to count as changed."""


class Row(NamedTuple):
    """A remedy under a method, beside no remedy under the same one."""

    remedy: str
    group: str
    method: str
    shares: dict[str, float]
    rescued: float
    lost: float
    median_time: float | None


@cache
def _measured(remedy: Remedy, effort: Effort) -> dict[Method, Cell | None]:
    return measure(remedy, effort.methods, starts(effort.b1, effort.b2), effort.steps)


def rows(remedies: tuple[Remedy, ...], effort: Effort) -> list[Row]:
    """Return the table's rows. A remedy that draws its starts is compared start by start all the same."""
    found = []
    for remedy in remedies:
        cells, plain = _measured(remedy, effort), _measured(NOTHING, effort)
        for method in effort.methods:
            cell, other = cells[method], plain[method]
            if cell is None or other is None:
                continue
            good, was = cell.outcome == GLOBAL, other.outcome == GLOBAL
            rescued, lost = float(np.mean(good & ~was)), float(np.mean(was & ~good))
            times = cell.shares(), rescued, lost, cell.median_time()
            found.append(Row(remedy.name, remedy.group, str(method), *times))
    return found


def judge(gains: list[float]) -> Verdict:
    """Return the verdict on "it helps": under every method, under some, under none."""
    helps = [gain > NOTICEABLE for gain in gains]
    if not gains:
        return "open"
    if all(helps):
        return "reproduced"
    return "conditional" if any(helps) else "refuted"


def check(group: str, quick: bool) -> Finding:
    """Measure the remedies of a group; the verdict is that of its best one, open after a quick glance."""
    effort = QUICK if quick else FULL
    remedies = tuple(remedy for remedy in REMEDIES if remedy.group == group)
    table = rows((NOTHING, *remedies), effort)
    base = {row.method: row.shares["global"] for row in table if row.remedy == NOTHING.name}
    by_name = {remedy.name: [row for row in table if row.remedy == remedy.name] for remedy in remedies}
    gains = {
        name: [row.shares["global"] - base[row.method] for row in some] for name, some in by_name.items()
    }
    mean = {name: float(np.mean(values)) for name, values in gains.items()}
    best, worst = max(mean, key=mean.__getitem__), min(mean, key=mean.__getitem__)
    told = "; ".join(f"{name}: {_told(some, base)}" for name, some in by_name.items())
    return Finding(
        "open" if quick else judge(gains[best]),
        f"{effort.b1} x {effort.b2} starts b1 in [-2.5, 2.5], b2 in [-3, 3], w1 = w2 = 1, {effort.steps} steps on the "
        f"population; shares that end global, without the remedy {_shares(base)}. {told[:1].upper() + told[1:]}. Most is gained, "
        f"averaged over the methods, by {best} ({100 * mean[best]:+.0f} points), least by {worst} ({100 * mean[worst]:+.0f})."
        + (" So few steps decide nothing." if quick else ""),
        {
            "starts": effort.b1 * effort.b2,
            "steps": effort.steps,
            "mean_gain": mean,
            "best": best,
            # Where none came below the loss that is timed there is no time to give.
            "table": [{k: v for k, v in row._asdict().items() if v is not None} for row in table],
        },
    )


def _told(some: list[Row], base: dict[str, float]) -> str:
    return ", ".join(f"{row.method} {_percent(row.shares['global'])}" for row in some if row.method in base)


def _shares(base: dict[str, float]) -> str:
    return ", ".join(f"{method} {_percent(share)}" for method, share in base.items())


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


_POST, _PAGE = "Liu 2026, remedies", "Seed 003: dying ReLU, solutions"

_CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("rate", _POST, "Learning-rate warm-up, decay, or a lower rate keeps neurons from getting stuck."),
    ("steps", _POST, "Momentum or gradient clipping keeps neurons from getting stuck."),
    ("decay", _POST, "Weight decay controls neuron activity and keeps neurons from getting stuck."),
    ("start", _POST, "Initialising biases at zero, as Kaiming initialisation does, keeps neurons from getting stuck."),
    ("activation", _PAGE, "Leaky ReLU, SiLU or GELU, whose gradient is never exactly zero, keep neurons from getting stuck."),
    ("parameters", _POST, "Writing w(x + b'), decaying b', solving for the bias, or keeping the neuron balanced helps."),
    ("gate", _POST, "A gated neuron has better learning dynamics."),
    ("data", _POST, "Whitened inputs, or targets without a bias, keep neurons from getting stuck."),
)  # fmt: skip


def _claim(group: str, source: str, claim: str) -> Claim:
    run: Callable[[bool], Finding] = partial(check, group)
    return Claim(f"remedies.{group}", source, claim, run)


CLAIMS: tuple[Claim, ...] = tuple(_claim(*entry) for entry in _CLAIMS)


def whole(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the table's rows from the entries of ``claims.json``, each remedy once, none twice."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        if record["id"].startswith("remedies."):
            for row in record["evidence"]["table"]:
                found.setdefault((row["remedy"], row["method"]), row)
    return list(found.values())
