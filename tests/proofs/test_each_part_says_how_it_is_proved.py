"""Each numbered part of a statement says which checks cover it, and which steps rest on prose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from gradflow.base import scripts
from gradflow.base.scripts import Script
from gradflow.cli import run
from gradflow.proofs.catalogue import catalogue, stated_parts
from gradflow.proofs.parts import BOTH, MACHINE, PROSE, Part, numbers_of, parts_of, unsupported, way_of
from gradflow.proofs.proof import Check

SCRIPTS = catalogue()

SCRIPT = '''"""A title."""
STATUS = "proved"
STATEMENT = """
Let x = 1.

(1) Then x = 1.

(2) Also, by (1), x ≠ 2.
"""
HYPOTHESES, PROOF, NOT_CLAIMED, formulas = ("H",), "P", ("N",), tuple
PROVED_BY = {entries}

def prove(proof):
    proof.holds("1 = 1", True)
'''
ENTRIES = '(("(1)", ("1 = 1",), ""), ("(2)", (), "1 is not 2"))'


def numbered(script: Script, load: Callable[[str], ModuleType]) -> list[str]:
    return numbers_of(load(script.slug).STATEMENT)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.slug)
def test_each_part_has_one_entry_and_each_entry_a_part(
    script: Script, load: Callable[[str], ModuleType]
) -> None:
    parts, numbers = stated_parts(script.path), numbered(script, load)
    assert numbers == [f"({number})" for number in range(1, len(numbers) + 1)] != []
    assert [part.name for part in parts] == numbers
    assert all(len(set(part.checks)) == len(part.checks) for part in parts)


def test_a_part_is_proved_by_what_it_names() -> None:
    ways = [Part("(1)", checks, prose).way for checks, prose in ((("a",), ""), (("a",), "b"), ((), "b"))]
    assert ways == [MACHINE, BOTH, PROSE]
    every = [Part("(1)", ("a",), ""), Part("(2)", (), "b")]
    assert [way_of(every[:1]), way_of(every[1:]), way_of(every), way_of(())] == [MACHINE, PROSE, BOTH, ""]
    assert str(Part("(1)", ("a", "b"), "c")) == "(1) machine and prose. Checked: a; b. By prose: c."
    assert str(every[1]) == "(2) prose. By prose: b."


def test_a_claim_that_was_not_checked_supports_nothing() -> None:
    checks = (Check("x = 1", "", True), Check("default: x", "", True))
    named = ("x = 1", "x", "x…", "default: …", "general: …")
    assert unsupported([Part("(1)", named, "")], checks) == ["x", "general: …"]


@pytest.mark.parametrize(
    "entries",
    [
        '(("(1)", ("1 = 1",), ""),)',
        '(("(1)", ("1 = 1",), ""), ("(2)", (), "a"), ("(2)", (), "b"))',
        '(("(2)", (), "a"), ("(1)", (), "b"))',
        '(("(1)", ("1 = 1",), ""), ("(2)", (), ""))',
        '(("(1)", (), "a"), ("(3)", (), "b"))',
        "made()",
    ],
)
def test_entries_that_do_not_fit_the_statement_are_one_line(
    entries: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "derivations"
    folder.mkdir()
    monkeypatch.setattr(scripts, "_PACKAGE", tmp_path / "gradflow")
    path = folder / "01_a.py"
    path.write_text(SCRIPT.format(entries=entries))
    with pytest.raises(ValueError, match=r"01_a\.py: (PROVED_BY: )?expected ") as caught:
        stated_parts(path)
    assert "\n" not in str(caught.value)
    assert run(["derive"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    if entries != "made()":
        with pytest.raises(ValueError, match=r"^PROVED_BY: expected "):
            parts_of(eval(entries), "(1) A.\n\n(2) B.")


def test_it_is_listed_and_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "derivations"
    folder.mkdir()
    monkeypatch.setattr(scripts, "_PACKAGE", tmp_path / "gradflow")
    (folder / "01_a.py").write_text(SCRIPT.format(entries=ENTRIES) + 'RELATED = ("A work",)\n')
    assert run(["derive"]) == 0
    assert capsys.readouterr().out == "  1  a  proved  machine and prose  A title\n"
    assert run(["derive", "1"]) == 0
    text, _, latex = capsys.readouterr().out.partition("\nLaTeX\n")
    assert "How it is proved\n----------------\n* (1) machine. Checked: 1 = 1.\n* (2) prose." in text
    assert "Related work\n------------\n* A work\n" in text
    assert re.search(r"How it is proved\..*Related work\.", latex, re.DOTALL)
    assert run(["derive", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["related"] == ["A work"]
    assert shown["proved_by"] == [
        {"name": "(1)", "checks": ["1 = 1"], "prose": "", "way": "machine"},
        {"name": "(2)", "checks": [], "prose": "1 is not 2", "way": "prose"},
    ]
