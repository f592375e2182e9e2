"""Lines of the table: a goal, what was measured, how far answers disagreed; and the table as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import Measured


class Line(NamedTuple):
    """A line of the table.

    Attributes
    ----------
    row, work, against : str
        The row's name; gradflow's side; what it is compared with, and its form.
    value, low, high : float
        The ratio of least times, and the extremes among pairs of runs made in turn; NaN if not measured.
    goal : float
        Where `value` should be; NaN where no goal is set.
    at_most : bool
        Whether the goal is an upper bound.
    error, tolerance : float
        The largest disagreement of the two answers (NaN: one side has none), and what is allowed. Beyond it
        no time is compared.
    note : str
        What else must be said.
    unit : {'x', '%', 'GB'}
        Of `value`; shares are stored as fractions.
    """

    row: str
    work: str
    against: str
    value: float
    low: float
    high: float
    goal: float
    error: float
    tolerance: float
    at_most: bool = False
    note: str = ""
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached by agreeing answers; None without a goal."""
        if math.isnan(self.goal):
            return None
        reached = self.value <= self.goal if self.at_most else self.value >= self.goal
        return reached and not self.error > self.tolerance


class Section(NamedTuple):
    """What a row's module returns: lines, everything that was timed, and numbers for figures and files."""

    row: str
    title: str
    lines: list[Line]
    measured: list[Measured]
    data: dict[str, Any]


def disagreement(answer: np.ndarray | None, reference: np.ndarray | None) -> float:
    """Return the largest absolute difference of two answers; infinite where one is missing or not finite."""
    if answer is None or reference is None or answer.size == 0:
        return math.inf
    worst = float(np.max(np.abs(answer - reference)))
    return math.inf if math.isnan(worst) else worst


def usual_disagreement(answer: np.ndarray | None, reference: np.ndarray | None) -> float:
    """Return the difference that 99 in 100 trajectories do not exceed; infinite where an answer is missing.

    Adam amplifies rounding: from a start moved by 1e-15 some trajectories end 1e-3 away after 1000 steps, in
    every program. So a few in a hundred may differ, and no more.
    """
    if answer is None or reference is None or answer.size == 0:
        return math.inf
    worst = np.max(np.abs(answer - reference), axis=0)
    return float(np.quantile(np.where(np.isnan(worst), np.inf, worst), 0.99, method="higher"))


def compare(
    row: str,
    work: str,
    ours: Measured,
    peers: Sequence[Measured],
    goal: float,
    tolerance: float,
    *,
    error: Callable[[Measured], float] | None = None,
    note: str = "",
) -> Line:
    """Compare gradflow with the fastest form of a peer, once the answers agree.

    Parameters
    ----------
    peers : sequence of Measured
        The forms of one peer.
    error : callable, optional
        How far a peer's answer is off; by default from gradflow's.
    """
    nan, name = math.nan, peers[0].contender.peer
    off = [error(p) if error else disagreement(p.answer, ours.answer) for p in peers]
    problem = ours.problem or next((p.problem for p in peers if p.problem), "")
    agreeing = [i for i, p in enumerate(peers) if p.seconds and off[i] <= tolerance]
    if ours.seconds and agreeing:
        i = min(agreeing, key=lambda k: peers[k].best)
        pairs = [b / a for a, b in zip(ours.seconds, peers[i].seconds, strict=False)]
        value, against = peers[i].best / ours.best, f"{name}: {peers[i].contender.form}"
        return Line(
            row,
            work,
            against,
            value,
            min(pairs),
            max(pairs),
            goal,
            off[i],
            tolerance,
            note=_with(note, peers),
        )
    known = [e for e, p in zip(off, peers, strict=True) if p.answer is not None and ours.answer is not None]
    reason = problem or "the answers disagree: not timed against each other"
    return Line(row, work, name, nan, nan, nan, goal, min(known, default=nan), tolerance, note=reason)


def of_the_time(line: Line, least: float, run: Measured, note: str) -> Line:
    """Return a line that says what share of a run's time `least` seconds are."""
    shares = sorted(least / seconds for seconds in run.seconds)
    return line._replace(value=shares[-1], low=shares[0], high=shares[-1], note=note)


def _with(note: str, peers: Iterable[Measured]) -> str:
    """Add to a note the forms that failed."""
    failed = [f"{p.contender.form} failed: {p.problem}" for p in peers if p.problem]
    return "; ".join(part for part in (note, *failed) if part)


def find(measured: Sequence[Measured], peer: str, form: str = "") -> list[Measured]:
    """Return what was measured of a peer, or of one of its forms."""
    return [m for m in measured if m.contender.peer == peer and form in ("", m.contender.form)]


HEADER = (
    "row",
    "gradflow",
    "against (best form)",
    "measured",
    "runs in turn",
    "goal",
    "met",
    "answers differ by",
)


def cells(line: Line) -> tuple[str, ...]:
    """Return a line's cells as text."""
    bound = "≤" if line.at_most else "≥"
    goal = "" if math.isnan(line.goal) else f"{bound} {_number(line.goal, line.unit)}"
    met = {None: "", True: "yes", False: "no"}[line.met]
    if math.isnan(line.value) and met:
        met = "not measured"
    spread = "" if math.isnan(line.low) else f"{_bare(line.low, line.unit)}–{_bare(line.high, line.unit)}"
    error = "" if math.isnan(line.error) else f"{line.error:.1e} (allowed {line.tolerance:.0e})"
    return (line.row, line.work, line.against, _number(line.value, line.unit), spread, goal, met, error)


def text(sections: Sequence[Section]) -> str:
    """Return the table for a terminal."""
    rows = [HEADER, *(cells(line) for section in sections for line in section.lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    notes = [f"{line.row}, {line.against}: {line.note}" for s in sections for line in s.lines if line.note]
    return "\n".join([drawn[0], "-" * len(drawn[0]), *drawn[1:], "", *notes])


def markdown(sections: Sequence[Section], provenance: dict[str, Any]) -> str:
    """Return the table, what it was measured on, and every form that was measured, as Markdown."""
    parts = ["# gradflow side by side", "", *(f"- {k}: {_plain(v)}" for k, v in provenance.items()), ""]
    parts += _grid(HEADER, [cells(line) for section in sections for line in section.lines])
    for section in sections:
        parts += ["", f"## {section.title}", ""]
        parts += [f"- {line.against}: {line.note}" for line in section.lines if line.note] + [""]
        parts += _grid(("program", "form", "time, relative to the fastest"), _relative(section.measured))
    return "\n".join([*parts, ""])


def _relative(measured: Sequence[Measured]) -> list[tuple[str, ...]]:
    least = min((m.best for m in measured), default=math.inf)
    return [
        (
            m.contender.peer,
            m.contender.form,
            f"{m.best / least:.3g}" if m.seconds else m.problem or "not timed",
        )
        for m in measured
    ]


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---"] * len(header)
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *escaped)]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _number(value: float, unit: str) -> str:
    if math.isnan(value):
        return ""
    return f"{_bare(value, unit)}{'' if unit == '%' else ' '}{unit.replace('x', '×')}"


def _bare(value: float, unit: str) -> str:
    return f"{100 * value:.0f}" if unit == "%" else f"{value:.3g}"
