"""Every verdict, and every number from a source, is what the table beside this file says."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import gradflow.study.claims
from gradflow.study.claims import LEDGER, VERDICTS
from tests.study.claims.sources import (
    TABLE,
    VERDICT,
    compare,
    differences,
    held,
    main,
    numbers,
    plain,
    published,
)

STATED = ("PUBLISHED", "STATED")
"""How names begin under which the code holds what a source says."""


def test_the_table_is_about_the_ledgers_claims() -> None:
    ids = [claim.id for claim in LEDGER]
    assert list(TABLE["verdicts"]) == ids
    assert {verdict for by_id in VERDICT.values() for verdict in by_id.values()} <= set(VERDICTS)
    assert set(TABLE["sentences"]) | set(TABLE["evidence"]) <= set(ids)
    assert all(entry["in"] for part in ("sentences", "evidence", "inputs") for entry in TABLE[part].values())


def test_a_quick_study_leaves_at_most_five_open() -> None:
    assert sum(verdict == "open" for verdict in VERDICT[True].values()) <= 5


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: str(claim.id))
def test_a_sentence_has_the_sources_numbers(claim: Any) -> None:
    assert numbers(claim.claim) == TABLE["sentences"].get(claim.id, {"numbers": []})["numbers"]


@pytest.mark.parametrize("code", TABLE["inputs"])
def test_the_code_holds_the_sources_numbers(code: str) -> None:
    assert held(code) == TABLE["inputs"][code]["value"]


def test_the_table_has_all_that_the_code_says_is_published() -> None:
    stated = [
        (module.__name__, name, plain(value))
        for info in pkgutil.walk_packages(gradflow.study.claims.__path__, "gradflow.study.claims.")
        for module in (importlib.import_module(info.name),)
        for name, value in vars(module).items()
        if name.startswith(STATED)
    ]
    # A module may have imported a name from the one that the table has.
    listed = [(code.partition(":")[2], held(code)) for code in TABLE["inputs"]]
    assert [entry for entry in stated if entry[1:] not in listed] == []
    assert len(stated) > 20


def test_numbers_are_read_as_they_are_written() -> None:
    assert numbers("When b2 = -1.1, w1 and t1: 20-40% of 13 000 or 10,000, (−0.5, 5.31e-2), √2 and 2^3.") == [
        -1.1, 20, 40, 13000, 10000, -0.5, 0.0531, 2, 2,
    ]  # fmt: skip


def test_what_is_published_is_found_at_any_depth() -> None:
    evidence = {"a": {"published_b": [1]}, "rows": [{"published": 2, "c": 3}], "d": "published"}
    assert published(evidence) == {"a.published_b": [1], "rows.0.published": 2}


def record(name: str, verdict: str) -> dict[str, Any]:
    """Return what a claim's entry would be."""
    evidence = {"summary": "So it is.", **TABLE["evidence"].get(name, {}).get("published", {})}
    return {"id": name, "verdict": verdict, "evidence": evidence}


def test_a_study_that_differs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = [record(name, verdict) for name, verdict in VERDICT[True].items()]
    study = {"claims": whole, "quick": True}
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(study | {"claims": [*whole]}), encoding="utf-8")
    with pytest.raises(
        SystemExit, match=r"^align\.near-orthogonal: says that \{\} is published, the source says"
    ):
        main([str(path)])
    whole[[r["id"] for r in whole].index("align.near-orthogonal")]["evidence"] = {
        "summary": "So it is.",
        "rows": [{"published": values} for values in ([0.993, 7.49e-3], [0.997, 8.35e-3], [0.999, 8.58e-3])],
    }
    path.write_text(json.dumps(study), encoding="utf-8")
    main([str(path)])
    assert capsys.readouterr().out == f"{len(LEDGER)} verdicts are those of the table\n"
    assert compare(study | {"claims": whole[1:]}) == [f"{whole[0]['id']}: not checked"]
    assert any(
        line.startswith("obs3.spikes: open, not reproduced") for line in compare(study | {"quick": False})
    )
    other = record("obs1.figure", "refuted")
    other["evidence"]["published_log10_loss"] = {"1000": -7.2}
    first, second = differences([other], quick=True)
    assert first == "obs1.figure: refuted, not reproduced: So it is."
    assert "-7.2" in second
    unknown = differences([record("new", "open")], quick=True)
    assert unknown == ["new: open, not none: So it is."]
