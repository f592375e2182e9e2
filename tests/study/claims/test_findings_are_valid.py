"""Every claim has a source, a sentence and a check, whose finding is complete and can be published."""

from __future__ import annotations

from typing import Any

import pytest

from gradflow.base.files import to_json
from gradflow.study.claims import LEDGER, VERDICTS, Claim, Finding, check, select
from gradflow.study.claims.ledger import weakest
from tests.cli.command import strict
from tests.study.claims.sources import differences

CHEAP = (
    "obs1.kink",
    "obs2.frozen",
    "theory.irreversibility",
    "theory.large-b2",
    "theory.large-rate",
)


def numbers(value: Any) -> list[Any]:
    """Return everything at the ends of nested data."""
    if isinstance(value, dict):
        return [end for item in value.values() for end in numbers(item)]
    if isinstance(value, list):
        return [end for item in value for end in numbers(item)]
    return [value]


def assert_valid(record: dict[str, Any], finding: Finding) -> None:
    """Check what a claim publishes against the finding of another check of it."""
    assert record["verdict"] in VERDICTS
    assert differences([record], quick=True) == []
    assert strict(to_json(record)) == record, "a number is NaN or infinite, or not a plain one"
    assert None not in numbers(record["evidence"])
    assert len(finding.summary) > 40
    assert finding.summary.endswith((".", ".)"))
    assert "None" not in finding.summary
    assert "\n" not in finding.summary
    assert len(finding.values) > 0
    assert "summary" not in finding.values
    again = {"verdict": finding.verdict, "evidence": {"summary": finding.summary, **finding.values}}
    assert strict(to_json(again)) == {key: record[key] for key in again}, "a check is a pure function"


# The other ones are checked where the whole report is written.
@pytest.mark.parametrize("name", CHEAP)
def test_a_finding(name: str) -> None:
    (claim,) = select(LEDGER, [name])
    assert_valid(check(claim, quick=True).record(), check(claim, quick=True).finding)


def test_the_ledger() -> None:
    assert len({claim.id for claim in LEDGER}) == len(LEDGER)
    assert all(claim.source and claim.claim.endswith((".", "?", ".)")) for claim in LEDGER)
    assert VERDICTS == ("reproduced", "conditional", "refuted", "open")


def test_selecting() -> None:
    assert select(LEDGER, []) == list(LEDGER)
    assert [c.id for c in select(LEDGER, ["obs2.gd", "obs0.dead"])] == ["obs0.dead", "obs2.gd"]
    with pytest.raises(ValueError, match=r"only: no claim 'x'; choose from obs0\.hyperactive"):
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
