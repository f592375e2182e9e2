"""Derivations are found by number and by name; anything else is one line that says what there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradflow import scripts
from gradflow.symbolic.catalogue import catalogue, find, load


@pytest.mark.parametrize("name", ["3", "03", " 3 ", "hessian"])
def test_a_derivation_is_found_by_number_and_by_name(name: str) -> None:
    assert find(name).slug == "hessian"
    assert find(name).path.name == "03_hessian.py"


@pytest.mark.parametrize("name", ["0", "99", "", "hess", "-3", "³", "../secret"])
def test_an_unknown_name_is_one_line_that_says_what_there_is(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^result: there is no derivation .*1 \(population_loss\), 2 "
    ) as caught:
        load(name)
    assert "\n" not in str(caught.value)


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
        "import sys, gradflow, gradflow.field, gradflow.symbolic.catalogue as c; c.catalogue(); "
        "raise SystemExit(any(m in sys.modules for m in ('sympy', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
