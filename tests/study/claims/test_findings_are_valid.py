"""Every claim has a source, a sentence and a check, whose finding is complete and can be published."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gradflow.base.files import to_json
from gradflow.study.claims import LEDGER, VERDICTS, Claim, Finding, check, select
from gradflow.study.claims.ledger import weakest
from gradflow.study.claims.shared import forget
from tests.cli.command import strict
from tests.frozen.same import assert_as_frozen
from tests.frozen.studies import claims, told
from tests.study.claims.sources import differences

CHEAP = (
    *("obs1.kink", "obs2.frozen", "theory.irreversibility", "theory.large-b2", "theory.large-rate"),
    *("dead.zero-output", "dead.bias-upstream", "dead.surroundings", "dead.rate-sets-size"),
    *("dead.example-dead", "dead.case1-negligible", "dead.case2-threshold"),
    *("depth.statistic", "depth.sudden", "depth.never-recovers", "depth.norms-stop", "depth.born-dead"),
)
"""Those of a second or less."""

ONCE = ("obs2.frozen", "theory.irreversibility", "theory.large-b2", "depth.sudden")
"""Those of them that take long enough to be checked twice with the whole study only."""

AGAIN = (
    *("obs2.gd", "dead.updates-stop", "dead.small-never", "depth.rai", "align.scaling", "align.extrema"),
    *ONCE,
)

FROZEN = {run.name: run for run in claims() if run.name in CHEAP and not run.slow}


def numbers(value: Any) -> list[Any]:
    """Return everything at the ends of nested data."""
    if isinstance(value, dict):
        return [end for item in value.values() for end in numbers(item)]
    if isinstance(value, list):
        return [end for item in value for end in numbers(item)]
    return [value]


def assert_publishable(record: dict[str, Any]) -> None:
    """Check what a claim publishes."""
    assert record["verdict"] in VERDICTS
    assert differences([record], quick=True) == []
    assert strict(to_json(record)) == record, "a number is NaN or infinite, or not a plain one"
    assert None not in numbers(record["evidence"])
    summary = record["evidence"]["summary"]
    assert len(summary) > 40
    assert summary.endswith((".", ".)"))
    assert "None" not in summary
    assert "nan" not in re.findall(r"\w+", summary.lower())
    assert "\n" not in summary
    assert "could not be carried out" not in summary
    assert len(record["evidence"]) > 1


def assert_valid(record: dict[str, Any], finding: Finding) -> None:
    """Check what a claim publishes against the finding of another check of it."""
    assert_publishable(record)
    assert "summary" not in finding.values
    again = {"verdict": finding.verdict, "evidence": {"summary": finding.summary, **finding.values}}
    assert strict(to_json(again)) == {key: record[key] for key in again}, "a check is a pure function"


@pytest.mark.parametrize("name", CHEAP)
def test_a_finding(name: str) -> None:
    (claim,) = select(LEDGER, [name])
    # What is frozen was computed with nothing known before.
    forget()
    first = check(claim, quick=True)
    assert_publishable(first.record())
    if name in FROZEN:
        assert_as_frozen(FROZEN[name]._replace(compute=partial(told, first.finding)))
    if name not in ONCE:
        assert_valid(first.record(), check(claim, quick=True).finding)


@pytest.mark.slow
def test_what_a_whole_study_finds(study: Path) -> None:
    records = strict((study / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert [record["id"] for record in records] == [claim.id for claim in LEDGER]
    for record in records:
        assert_publishable(record)
    # One of each document is checked again, alone and in this process: it is to find the same.
    for name in AGAIN:
        (record,) = (record for record in records if record["id"] == name)
        assert_valid(record, check(*select(LEDGER, [name]), quick=True).finding)


def test_the_ledger() -> None:
    assert len({claim.id for claim in LEDGER}) == len(LEDGER)
    assert all(claim.source and claim.claim.endswith((".", "?", ".)")) for claim in LEDGER)
    assert VERDICTS == ("reproduced", "conditional", "refuted", "open")


def test_selecting() -> None:
    assert select(LEDGER, []) == list(LEDGER)
    assert [c.id for c in select(LEDGER, ["obs2.gd", "obs0.dead"])] == ["obs0.dead", "obs2.gd"]
    documents = {c.id.partition(".")[0] for c in select(LEDGER, ["obs1", "q1.solved"])}
    assert documents == {"obs1", "q1"}
    assert {c.id for c in select(LEDGER, ["obs1"])} == {c.id for c in LEDGER if c.id.startswith("obs1.")}
    assert not {c.id for c in LEDGER} & documents
    with pytest.raises(ValueError, match=r"; did you mean 'obs1\.threshold'\? --list shows all$"):
        select(LEDGER, ["obs1.thresold"])
    with pytest.raises(ValueError, match=r"^only: no claim 'x'; --list shows all$"):
        select(LEDGER, ["obs0.dead", "x"])


def test_a_check_that_cannot_be_carried_out_is_open() -> None:
    def stopped(quick: bool) -> Finding:
        raise ValueError("between: the outcome is global at both 0 and 1;\nchoose ends that differ")

    record = check(Claim("x", "y", "z.", stopped)).record()
    assert record["verdict"] == "open"
    assert "the outcome is global at both 0 and 1; choose" in record["evidence"]["summary"]


def test_a_broken_check_is_not_hidden() -> None:
    def broken(quick: bool) -> Finding:
        raise KeyError("x")

    with pytest.raises(KeyError):
        check(Claim("x", "y", "z.", broken))


def test_a_sentence_is_worth_what_its_weakest_part_is() -> None:
    assert [weakest("reproduced", verdict) for verdict in VERDICTS] == list(VERDICTS)
    assert [weakest("refuted", verdict) for verdict in VERDICTS] == ["refuted"] * 4
    assert weakest("conditional", "open", "reproduced") == "open"
