"""Which remedy helps: one claim a group of remedies; one row of the table a remedy, a teacher and a
method."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradflow.ends.outcome import GLOBAL
from gradflow.neuron.problem import Neuron
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.study.claims.shared import Work, done
from gradflow.study.remedies import METHODS, TEACHERS, Method, Remedy, StartOutcomes, measure, starts
from gradflow.study.remedies.measure import by_id
from gradflow.study.remedies.rows import REMEDIES


class Effort(NamedTuple):
    """How many starts, steps and methods a check takes."""

    b1: int
    b2: int
    steps: int
    methods: tuple[Method, ...]


FULL = Effort(10, 10, 5000, METHODS)
FAST = (Method("gd", 0.1), Method("gd", 0.4), Method("adam", 0.01), Method("adam", 0.1))
"""Methods under which most starts have ended after some hundred steps."""

QUICK = Effort(8, 8, 1000, tuple(m for m in METHODS if m in FAST))
"""Even numbers, so that no start is a teacher; a start is less than a noticeable share of them."""

NOTICEABLE = 0.02
"""A share of the starts by which a method must change to count as changed."""


class Row(NamedTuple):
    """A remedy under a method for a teacher, beside its control under the same one."""

    remedy: str
    group: str
    control: str
    teacher: str
    method: str
    shares: dict[str, float]
    rescued: float
    lost: float
    median_time: float | None

    @property
    def gain(self) -> float:
        """The share that ends global, less that of the control."""
        return self.rescued - self.lost


def cells(remedy: Remedy, effort: Effort) -> list[dict[Method, StartOutcomes | None]]:
    """Return what becomes of the starts under every method, for each teacher."""
    parts = [done(work) for work in works(remedy, effort)]
    return [
        {
            method: _cell({k: v for part in parts for k, v in part[i].items()}[str(method)])
            for method in effort.methods
        }
        for i in range(len(TEACHERS))
    ]


def works(remedy: Remedy, effort: Effort) -> tuple[Work, ...]:
    """Return the work of measuring a remedy: a piece for the flow, and one for each optimiser at all its
    rates.

    Under the flow both styles of decay are the same, which is followed once.
    """
    twin = next((r for r in REMEDIES if r.penalty == remedy.penalty and _is_twin(r, remedy)), remedy)
    names = dict.fromkeys(method.name for method in effort.methods)
    pieces = [((twin if name == "flow" else remedy).id, name) for name in names]
    return tuple(Work(f"remedies {of} {name}", measured, (of, name, effort)) for of, name in pieces)


def measured(of: str, name: str, effort: Effort) -> list[dict[str, Any]]:
    """Measure a remedy under the flow or an optimiser: for each teacher and method, outcomes and times as
    lists."""
    methods = tuple(method for method in effort.methods if method.name == name)
    found = measure(by_id(of), methods, starts(effort.b1, effort.b2), effort.steps, TEACHERS)
    return [{str(method): _plain(cell) for method, cell in row.items()} for row in found]


def _plain(cell: StartOutcomes | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    times = [[None if np.isnan(time) else float(time) for time in row] for row in cell.time]
    return {"outcome": cell.outcome.tolist(), "time": times}


def _cell(found: dict[str, Any] | None) -> StartOutcomes | None:
    return (
        None
        if found is None
        else StartOutcomes(np.array(found["outcome"], np.int8), np.array(found["time"], np.float64))
    )


def _is_twin(coupled: Remedy, remedy: Remedy) -> bool:
    """Whether the one's decay is coupled and the other's decoupled, and else they are the same."""
    return (
        coupled.modifiers.coupled is not None
        and remedy.modifiers.decoupled is not None
        and (coupled.kind, coupled.task, coupled.start) == (remedy.kind, remedy.task, remedy.start)
    )


def teacher_name(teacher: Neuron) -> str:
    """Return a teacher's four parameters as text."""
    return f"({', '.join(f'{value:g}' for value in teacher)})"


TEACHER_NAMES = tuple(teacher_name(teacher) for teacher in TEACHERS)


def rows(remedies: tuple[Remedy, ...], effort: Effort) -> list[Row]:
    """Return the table's rows, each start compared with the same start of the control."""
    found = []
    for remedy in remedies:
        control = by_id(remedy.control)
        both = zip(TEACHER_NAMES, cells(remedy, effort), cells(control, effort), strict=True)
        for teacher, own, plain in both:
            for method in effort.methods:
                cell, other = own[method], plain[method]
                if cell is None or other is None:
                    continue
                good, was = cell.outcome == GLOBAL, other.outcome == GLOBAL
                changed = float(np.mean(good & ~was)), float(np.mean(was & ~good))
                names = remedy.name, remedy.group, control.name, teacher, str(method)
                found.append(Row(*names, cell.shares(), *changed, cell.median_time()))
    return found


def worse(some: list[Row]) -> dict[str, float]:
    """Return, for each method, a remedy's gain with the teacher for which it gains less."""
    return {
        method: min(row.gain for row in some if row.method == method)
        for method in dict.fromkeys(row.method for row in some)
    }


def mean_gain(some: list[Row]) -> float:
    """Return a remedy's gain averaged over the methods, with the teacher for which that is less."""
    return min(
        float(np.mean([row.gain for row in some if row.teacher == teacher])) for teacher in _teachers(some)
    )


def mean_shares(some: list[Row], end: str = "global") -> list[float]:
    """Return the share of an end, averaged over the methods, for each teacher."""
    return [
        float(np.mean([row.shares[end] for row in some if row.teacher == teacher]))
        for teacher in _teachers(some)
    ]


def _teachers(some: list[Row]) -> list[str]:
    return list(dict.fromkeys(row.teacher for row in some))


def judge(gains: list[float]) -> Verdict:
    """Return the verdict on "it helps", from its gain under each method: under all, under some, under
    none."""
    helps = [gain > NOTICEABLE for gain in gains]
    if not gains:
        return "open"
    if all(helps):
        return "reproduced"
    return "conditional" if any(helps) else "refuted"


def _compared(group: str) -> tuple[tuple[Remedy, ...], tuple[Remedy, ...]]:
    """Return the controls of a group, and its remedies that are not among them."""
    members = tuple(remedy for remedy in REMEDIES if remedy.group == group)
    controls = tuple(by_id(name) for name in dict.fromkeys(("none", *(remedy.control for remedy in members))))
    return controls, tuple(remedy for remedy in members if remedy not in controls)


def needs(group: str, quick: bool) -> tuple[Work, ...]:
    """Return the work of a group, and of what it is compared with."""
    controls, remedies = _compared(group)
    effort = QUICK if quick else FULL
    return tuple(dict.fromkeys(work for r in (*controls, *remedies) for work in works(r, effort)))


def check(group: str, quick: bool) -> Finding:
    """Measure the remedies of a group; the verdict is that of its best one, quickly under few methods."""
    effort = QUICK if quick else FULL
    controls, remedies = _compared(group)
    table = rows((*controls, *remedies), effort)
    by_name = {remedy.name: [row for row in table if row.remedy == remedy.name] for remedy in remedies}
    gain = {name: mean_gain(some) for name, some in by_name.items()}
    best, least = max(gain, key=gain.__getitem__), min(gain, key=gain.__getitem__)
    gains = worse(by_name[best])
    beside = {control.name: [row for row in table if row.remedy == control.name] for control in controls}
    told = "; ".join(f"{name} {_means(some)}" for name, some in (beside | by_name).items())
    return Finding(
        judge(list(gains.values())),
        f"{effort.b1} x {effort.b2} starts b1 in [-2.5, 2.5], b2 in [-3, 3], w1 = w2 = 1, {effort.steps} steps on the "
        f"population; shares that end global, averaged over the methods that a remedy changes, and in brackets what that "
        f"is more than of its control under these methods, with the teachers (w1, b1, w2, b2) = "
        f"{' / '.join(TEACHER_NAMES)}: {told}. Judged by the teacher with which it gains less, most is gained by {best}: "
        f"{100 * gain[best]:+.0f} points over the control, {by_name[best][0].control}, and by method "
        f"{', '.join(f'{m} {100 * g:+.0f}' for m, g in gains.items())}; least by {least} ({100 * gain[least]:+.0f})."
        + (" Quickly only those methods were tried that are fast." if quick else ""),
        {
            "starts": effort.b1 * effort.b2,
            "steps": effort.steps,
            "teachers": list(TEACHER_NAMES),
            "mean_shares": {name: mean_shares(some) for name, some in (beside | by_name).items()},
            "mean_gain": gain,
            "best": best,
            "gain_by_method": gains,
            # Where none came below the loss that is timed there is no time to give.
            "table": [{k: v for k, v in row._asdict().items() if v is not None} for row in table],
        },
    )


def _means(some: list[Row]) -> str:
    """Return the shares and gains for each teacher, and the shares at the penalised minimum if there are
    any."""
    text, kept = _percent(mean_shares(some)), mean_shares(some, "penalised")
    if some[0].remedy != some[0].control:
        gains = (np.mean([row.gain for row in some if row.teacher == teacher]) for teacher in _teachers(some))
        text += f" ({' / '.join(f'{100 * gain:+.0f}' for gain in gains)} points)"
    return f"{text}, and {_percent(kept)} at the penalised minimum" if any(kept) else text


def _percent(shares: list[float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares) + " %"


_POST, _PAGE = "Training dynamics of a single ReLU neuron, remedies", "Dying ReLU, remedies"
_BOTH, _ASKED = "Training dynamics of a single ReLU neuron and Dying ReLU, remedies", "Asked here"

_CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("rate", _BOTH, "Learning-rate warm-up, decay, or a lower rate helps: fewer starts get stuck."),
    ("steps", _ASKED, "Does momentum or gradient clipping help, so that fewer starts get stuck?"),
    ("decay", _POST, "Weight decay controls neuron activity, and helps: fewer starts get stuck."),
    ("start", _POST, "Initialising biases at zero, as Kaiming initialisation does, helps: fewer starts get stuck."),
    ("activation", _PAGE, "Leaky ReLU, SiLU or GELU, whose gradient is never exactly zero, help: fewer starts get stuck."),
    ("parameters", _POST, "Can bias be controlled better by writing w(x + b'), decaying b', solving for the bias, or enforcing balance?"),
    ("gate", _POST, "Is there something with better learning dynamics than SiLU, gating?"),
    ("data", _POST, "Whitened inputs, or targets without a bias, help: fewer starts get stuck."),
)  # fmt: skip


def _claim(group: str, source: str, claim: str) -> Claim:
    run: Callable[[bool], Finding] = partial(check, group)
    return Claim(f"remedies.{group}", source, claim, run, partial(needs, group))


CLAIMS: tuple[Claim, ...] = tuple(_claim(*entry) for entry in _CLAIMS)


def whole(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the table's rows from the entries of ``claims.json``, each remedy once, none twice."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for record in records:
        if record["id"].startswith("remedies."):
            for row in record["evidence"]["table"]:
                found.setdefault((row["remedy"], row["teacher"], row["method"]), row)
    return list(found.values())
