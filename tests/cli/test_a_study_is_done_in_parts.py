"""Work that several claims need is done once, before them; claims with the same runs are checked together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradflow.base.files import to_json
from gradflow.cli import run
from gradflow.cli.study import Known, Study, do
from gradflow.study.claims import LEDGER, check, select
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.claims.remedies import table
from gradflow.study.claims.shared import Work, done, forget, know, remembered
from gradflow.study.remedies import REMEDIES
from tests.cli.command import files_below

DONE: list[str] = []
STOPS: set[str] = set()


def square(x: int) -> int:
    """Return a square, and note it."""
    DONE.append(f"square {x}")
    return x * x


@remembered
def course(name: str) -> str:
    """Return a run that is remembered."""
    DONE.append(f"course {name}")
    return name


def work(*numbers: int) -> tuple[Work, ...]:
    return tuple(Work(f"work {x}", square, (x,)) for x in numbers)


def claim(name: str, *numbers: int, looks_at: str = "") -> Claim:
    def checked(quick: bool) -> Finding:
        if name in STOPS:
            raise KeyboardInterrupt
        DONE.append(name)
        seen = course(looks_at) if looks_at else ""
        return Finding("reproduced", f"{seen}.", {"sum": sum(done(one) for one in work(*numbers))})

    return Claim(name, "Test", "So.", checked, lambda quick: work(*numbers))


CLAIMS = (
    claim("a.alone"),
    claim("b.one", 2, 3),
    claim("b.two", 3, 4),
    *(replace(claim(name, looks_at="run"), runs="runs") for name in ("c.one", "c.two")),
)


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    DONE.clear()
    STOPS.clear()
    forget()
    monkeypatch.setattr("gradflow.study.claims.LEDGER", CLAIMS)
    monkeypatch.setattr("gradflow.base.scripts.script_paths", lambda folder: [])
    # In this process, so that what ran can be counted.
    monkeypatch.setattr("gradflow.cli.workers.cores", lambda: 1)
    yield
    forget()


def sums(folder: Path) -> dict[str, int]:
    """Return what the claims of a written study have found."""
    entries = json.loads((folder / "claims.json").read_text(encoding="utf-8"))["claims"]
    return {entry["id"]: entry["evidence"]["sum"] for entry in entries}


def test_work_is_done_once_and_before_the_claims_that_need_it(tmp_path: Path) -> None:
    assert run(["reproduce", "--out", str(tmp_path)]) == 0
    # What shares runs comes first, what takes little last, and then what had to wait.
    together, works = ["c.one", "course run", "c.two"], ["square 2", "square 3", "square 4"]
    assert [*together, *works, "a.alone", "b.one", "b.two"] == DONE
    assert sums(tmp_path) == {"a.alone": 0, "b.one": 13, "b.two": 25, "c.one": 0, "c.two": 0}
    assert files_below(tmp_path) == ["claims.json", "report.html"]


def test_finished_work_is_not_done_again(tmp_path: Path) -> None:
    STOPS.add("b.one")
    assert run(["reproduce", "--out", str(tmp_path)]) == 130
    kept = ["a.alone", "c.one", "c.two", "work 2", "work 3", "work 4"]
    assert files_below(tmp_path) == [f"unfinished/{name}.json" for name in kept]
    STOPS.clear()
    DONE.clear()
    assert run(["reproduce", "--out", str(tmp_path)]) == 0
    assert DONE == ["b.one", "b.two"]
    assert sums(tmp_path)["b.two"] == 25


def test_an_interrupted_study_of_some_claims_goes_on(tmp_path: Path) -> None:
    only = ["reproduce", "--only", "b.one", "--out", str(tmp_path)]
    STOPS.add("b.one")
    assert run(only) == 130
    STOPS.clear()
    assert run(only) == 0
    assert DONE == ["square 2", "square 3", "b.one"]
    assert sums(tmp_path) == {"b.one": 13}


def test_what_claims_share_is_forgotten_after_them() -> None:
    for _ in range(2):
        for task in Study(CLAIMS, [], False, None).first({}):
            task()
    assert DONE.count("course run") == 2


def test_a_claims_seconds_are_those_of_its_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    results: dict[str, Any] = {
        name: {"result": 1, "seconds": 100.0} for name in ("work 2", "work 3", "work 4")
    }
    first, *_ = Study(CLAIMS[1:2], [], False, None).then(results)
    record = first()["b.one"]
    assert record["evidence"]["sum"] == 2
    assert 200.0 <= record["seconds"] < 201.0
    assert not DONE.count("square 2")


def test_work_says_how_long_it_took() -> None:
    (piece,) = work(5)
    result = do(piece)["work 5"]
    assert Known(piece, **result).result == 25
    assert result["seconds"] >= 0.0


@pytest.mark.parametrize("name", ["steps", pytest.param("decay", marks=pytest.mark.slow)])
def test_remedies_measured_elsewhere_give_the_same_finding(name: str) -> None:
    (claim,) = select(LEDGER, [f"remedies.{name}"])
    directly = check(claim, quick=True).finding
    results = {piece: json.loads(to_json(piece.function(*piece.arguments))) for piece in claim.needs(True)}
    forget()
    know(results)
    assert check(claim, quick=True).finding == directly


def test_every_piece_of_work_has_a_name_of_its_own_and_no_group_measures_more() -> None:
    for quick in (True, False):
        pieces = {piece for claim in LEDGER for piece in claim.needs(quick)}
        assert len({piece.name for piece in pieces}) == len(pieces)
        remedies = {
            piece for claim in LEDGER if claim.id.startswith("remedies.") for piece in claim.needs(quick)
        }
        # The flow of either style of decay is one.
        methods = {method.name for method in (table.QUICK if quick else table.FULL).methods}
        twins = sum(r.modifiers.coupled is not None for r in REMEDIES) if "flow" in methods else 0
        assert len(remedies) == len(methods) * len(REMEDIES) - twins
