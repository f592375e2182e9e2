"""Derivations are found by number and by name; anything else is one line that says what there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradflow.base import scripts
from gradflow.cli import run
from gradflow.proofs.catalogue import catalogue, find, load, stated_status
from gradflow.proofs.result import STATUSES


@pytest.mark.parametrize("name", ["3", "03", " 3 ", "hessian"])
def test_a_derivation_is_found_by_number_and_by_name(name: str) -> None:
    assert find(name).slug == "hessian"
    assert find(name).path.name == "03_hessian.py"


@pytest.mark.parametrize("name", ["0", "99", "", "poetry", "-3", "³", "../secret"])
def test_an_unknown_name_is_one_line_that_says_what_there_is(name: str) -> None:
    with pytest.raises(ValueError, match=r"^result: ") as caught:
        load(name)
    last = catalogue()[-1]
    assert str(caught.value) == (
        f"result: expected a number from 1 (population_loss) to {last.number} ({last.slug}), "
        f"or such a name, got {name!r}"
    )


def test_a_misspelt_name_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"got 'trapped_by_sign'; did you mean 'trapped_by_signs'\?$"):
        load("trapped_by_sign")


def test_the_catalogue_has_titles() -> None:
    assert all(script.title and script.path.is_file() for script in catalogue())
    assert catalogue()[0].path.stem == "01_population_loss"


def test_the_installed_copy_goes_before_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gradflow"
    for folder in (tmp_path / "derivations", package / "_scripts" / "derivations"):
        folder.mkdir(parents=True)
        (folder / "01_a.py").write_text('"""A title."""\n')
    monkeypatch.setattr(scripts, "_PACKAGE", package)
    assert scripts.script_paths("derivations") == [package / "_scripts" / "derivations" / "01_a.py"]
    assert find("a").title == "A title"
    with pytest.raises(FileNotFoundError, match=r"^plots: "):
        scripts.script_paths("plots")


@pytest.mark.parametrize(("name", "text"), [("a.py", '"""A."""'), ("1_a.py", "x = 1\n")])
def test_a_script_without_number_or_docstring_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match="expected a script"):
        scripts.describe(tmp_path / name)


def test_listing_the_derivations_does_not_import_sympy() -> None:
    code = (
        "import sys, gradflow, gradflow.field, gradflow.proofs.catalogue as c; "
        "[c.stated_status(s.path) for s in c.catalogue()]; "
        "raise SystemExit(any(m in sys.modules for m in ('sympy', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SCRIPT = '''"""A title."""
STATUS = {status!r}
STATEMENT, HYPOTHESES, PROOF, NOT_CLAIMED, formulas = "S", ("H",), "P", ("N",), tuple

def prove(proof):
    proof.holds("2 = 2", {holds})
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that takes the place of the derivations."""
    path = tmp_path / "derivations"
    path.mkdir()
    monkeypatch.setattr(scripts, "_PACKAGE", tmp_path / "gradflow")
    return path


@pytest.mark.parametrize("status", STATUSES)
def test_the_listed_status_is_that_of_the_result(
    folder: Path, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "01_a.py"
    path.write_text(SCRIPT.format(holds=True, status=status))
    assert stated_status(path) == load("a").status == status
    for arguments in (["derive", "--json"], ["derive", "1", "--json"]):
        assert run(arguments) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["results"][0] if "results" in shown else shown)["status"] == status


@pytest.mark.parametrize("status", STATUSES)
def test_what_fails_its_checks_is_not_proved_when_run(
    folder: Path, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "01_a.py").write_text(SCRIPT.format(holds=False, status=status))
    assert run(["derive", "1", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["holds"]) == ("NOT PROVED: 1 of 1 checks fail", False)
    assert run(["derive", "1"]) == 1
    assert f"Status: {status}\n" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        '"""A."""\n',
        '"""A."""\nSTATUS\n',
        '"""A."""\nstatus = "proved"\nSTATUS = status\n',
        '"""A."""\nSTATUS = "pro" + "ved"\n',
        '"""A."""\nSTATUS = None\n',
        '"""A."""\nSTATUS = ""\n',
        '"""A."""\nSTATUS = "proved"\nSTATUS = "conjecture"\n',
        '"""A."""\nSTATUS = "proved"\nSTATUS = status\n',
        '"""A."""\nSTATUS = other = "proved"\n',
        '"""A."""\ndef prove(proof):\n    STATUS = "proved"\n',
        '"""A."""\nOTHER = "proved"\n',
    ],
)
def test_a_derivation_that_does_not_write_its_status_out_is_an_error(
    folder: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "01_a.py").write_text(text)
    with pytest.raises(ValueError, match=r"01_a\.py: expected one line STATUS = ") as caught:
        stated_status(folder / "01_a.py")
    assert "\n" not in str(caught.value)
    assert run(["derive"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_listing_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "01_a.py").write_text('"""A."""\nraise AssertionError\nSTATUS = "conjecture"\n')
    assert run(["derive"]) == 0
    assert capsys.readouterr().out == "  1  a  conjecture  A\n"
