"""With `--whole` a claim takes as many runs as its source has, where it makes do with fewer else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradflow.cli import run
from gradflow.study.claims import LEDGER
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.claims.networks import inconsistent
from tests.cli.command import refused


def found(runs: int) -> Finding:
    return Finding("reproduced", f"{runs} runs.", {"runs": runs})


@pytest.fixture(autouse=True)
def _two_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    some = Claim("a.one", "Test", "That one holds.", lambda quick: found(1), whole=lambda: found(1000))
    other = Claim("b.two", "Test", "That two holds.", lambda quick: found(2))
    monkeypatch.setattr("gradflow.study.claims.LEDGER", (some, other))
    monkeypatch.setattr("gradflow.cli.workers.cores", lambda: 1)


def runs(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert run(["reproduce", "--only", "a.one", "--only", "b.two", "--json", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["whole"] is ("--whole" in options)
    return {claim["id"]: claim["evidence"]["runs"] for claim in document["claims"]}


def test_of_claims_that_have_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert runs(capsys) == {"a.one": 1, "b.two": 2}
    assert runs(capsys, "--whole") == {"a.one": 1000, "b.two": 2}


def test_what_has_no_more_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "reproduce", "--only", "b.two", "--whole")
    assert message == "--whole: b.two has as many runs as published already"
    message = refused(capsys, "reproduce", "--quick", "--whole")
    assert message == "--whole: does not go with --quick, which takes fewer runs"


def test_all_networks_of_the_paper_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    (claim,) = (claim for claim in LEDGER if claim.id == "networks.inconsistent")
    asked: list[int] = []

    def crossing(width: int, shift: float, runs: int, seed: int) -> dict[str, Any]:
        asked.append(runs)
        return {"runs": runs, "crossed": runs // width, "unfinished": 0, "median_steps": 1}

    monkeypatch.setattr(inconsistent, "crossing", crossing)
    assert claim.whole is not None
    assert claim.whole().values["networks"] == sum(asked) == 240_000
