"""Verdicts on remedies are those of the worse teacher and follow the gains; ids and names are unique."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gradflow.study.claims.remedies.table import (
    QUICK,
    Effort,
    Row,
    check,
    judge,
    mean_gain,
    mean_shares,
    whole,
    worse,
)
from gradflow.study.remedies import REMEDIES, Remedy
from gradflow.study.remedies.measure import (
    ENDS,
    by_id,
)
from gradflow.study.remedies.rows import NOTHING
from gradflow.study.report_remedies import advice, means, remedies


def row(remedy: str, teacher: str, method: str, good: float, gain: float, group: str = "decay") -> Row:
    shares = dict.fromkeys(ENDS, 0.0) | {"global": good, "linear": 1.0 - good}
    return Row(remedy, group, "none", teacher, method, shares, max(gain, 0.0), max(-gain, 0.0), None)


def test_the_worse_of_the_teachers_counts() -> None:
    some = [row("a", "one", "GD", 0.9, 0.6), row("a", "one", "Adam", 0.8, 0.5)]
    some += [row("a", "two", "GD", 0.2, -0.1), row("a", "two", "Adam", 0.5, 0.2)]
    assert worse(some) == {"GD": -0.1, "Adam": 0.2}
    assert mean_gain(some) == pytest.approx(0.05)
    assert mean_shares(some) == pytest.approx([0.85, 0.35])


@pytest.mark.parametrize(
    ("second", "verdict"),
    [({"GD": 0.4, "Adam": 0.3}, "reproduced"), ({"GD": 0.4, "Adam": 0.0}, "conditional"), ({}, "refuted")],
)
def test_the_verdict_is_that_of_the_worse_teacher(
    second: dict[str, float], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the first teacher every remedy of the group helps much, whatever it does with the second.
    def told(remedies: tuple[Remedy, ...], effort: Effort) -> list[Row]:
        return [
            row(remedy.name, teacher, method, 0.5, 0.0 if remedy is NOTHING else gain, remedy.group)
            for remedy in remedies
            for teacher, gains in (("one", {}), ("two", second))
            for method in ("GD", "Adam")
            for gain in [0.4 if teacher == "one" else gains.get(method, -0.2)]
        ]

    monkeypatch.setattr("gradflow.study.claims.remedies.table.rows", told)
    finding = check("decay", False)
    assert finding.verdict == verdict
    expected = ", ".join(f"{method} {100 * second.get(method, -0.2):+.0f}" for method in ("GD", "Adam"))
    assert f"by method {expected}" in finding.summary
    assert check("decay", True).verdict == verdict


def test_the_advice_ranks_by_the_worse_teacher() -> None:
    def both(name: str, one: float, two: float) -> list[dict[str, Any]]:
        return [row(name, t, "GD", s, s - 0.3, name)._asdict() for t, s in (("one", one), ("two", two))]

    text = advice([*both("none", 0.3, 0.3), *both("partial", 1.0, 0.1), *both("even", 0.6, 0.5)])
    assert "Use, if the neuron may be changed: even (60 / 50 %, never worse)." in text
    assert text.endswith("Worse than nothing with one of the teachers at least: partial.")


def test_what_a_remedy_leaves_alone_counts_as_its_control() -> None:
    table = [
        row("none", "one", "flow", 0.4, 0.0),
        row("none", "one", "GD", 0.2, 0.0),
        row("a", "one", "GD", 0.6, 0.4),
    ]
    assert means([r._asdict() for r in table]) == {"none": {"one": pytest.approx(0.3)}, "a": {"one": 0.5}}


def test_the_verdict_follows_the_gains() -> None:
    assert judge([0.1, 0.3]) == "reproduced"
    assert judge([0.1, 0.0]) == "conditional"
    assert judge([0.01, -0.3]) == "refuted"
    assert judge([]) == "open"


def test_the_report_has_each_row_once_and_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Effort(4, 4, 300, tuple(m for m in QUICK.methods if str(m) in ("GD 0.1", "Adam 0.01")))
    monkeypatch.setattr("gradflow.study.claims.remedies.table.QUICK", small)
    records = [
        {"id": f"remedies.{group}", "evidence": check(group, True).values} for group in ("steps", "start")
    ]
    table = whole([*records, {"id": "obs1.kink", "evidence": {}}])
    names = [(entry["remedy"], entry["teacher"]) for entry in table if entry["method"] == "Adam 0.01"]
    assert len(names) == len(set(names))
    assert names[:2] == [("none", "(1, 0, 1, 0)"), ("none", "(1, -0.5, 1, 0.5)")]
    page = "\n".join(remedies(records))
    assert page.count("<tr>") == 1 + 2 * len({entry["remedy"] for entry in table})
    assert remedies([]) == []
    smaller = {name: min(shares.values()) for name, shares in means(table).items() if name != "none"}
    assert smaller[advice(table).split("may be changed: ")[1].split(" (")[0]] == max(smaller.values())


def test_ids_and_names_are_unique_and_every_group_is_a_claim() -> None:
    from gradflow.study.claims.remedies.table import CLAIMS

    assert len({r.id for r in REMEDIES}) == len({r.name for r in REMEDIES}) == len(REMEDIES)
    assert {f"remedies.{r.group}" for r in REMEDIES[1:]} == {claim.id for claim in CLAIMS}
    assert all(by_id(remedy.control).control == "none" for remedy in REMEDIES)
    assert QUICK.methods
    with pytest.raises(ValueError, match=r"^remedy: expected one of none, "):
        by_id("prayer")
    assert replace(NOTHING, id="other") != NOTHING
