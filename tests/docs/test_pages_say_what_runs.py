"""The Python of the documentation's pages runs as it stands, and what theorems' pages name is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from gradflow.proofs.catalogue import catalogue
from gradflow.proofs.uses import FIGURES, FUNCTIONS, resolve

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if not {"_build", "theorems", "claims", "tutorials", "gallery", "reference"}
    & set(path.relative_to(DOCS).parts)
]
BLOCKS = {
    str(path.relative_to(DOCS)): re.findall(
        r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL
    )
    for path in PAGES
}
LESSONS = sorted((DOCS / "lessons").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks])
def test_the_blocks_of_a_page_run_in_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCKS[page]:
        exec(compile(block, page, "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_tutorial_runs(lesson: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "lesson"}
    exec(compile(lesson.read_text(encoding="utf-8"), lesson.name, "exec"), names)
    assert "figure" in names


def test_every_theorem_is_listed_by_number() -> None:
    numbers = {script.number for script in catalogue()}
    assert FUNCTIONS.keys() | FIGURES.keys() <= numbers


@pytest.mark.parametrize("number", FUNCTIONS)
def test_functions_that_evaluate_a_theorem_are_there(number: int) -> None:
    for name in FUNCTIONS[number]:
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function)), name


def test_figures_of_theorems_are_scripts() -> None:
    for slug in FIGURES.values():
        assert resolve(slug).exists()
    with pytest.raises(ValueError, match="there is no figure 'none'"):
        resolve("none")


def test_links_between_pages_lead_to_pages() -> None:
    made = {f"theorems/{script.number:02}_{script.slug}.md" for script in catalogue()}
    made |= {
        "theorems/index.md",
        "claims/index.md",
        "tutorials/index.rst",
        "reference/index.rst",
        "changelog.md",
    }
    made |= {f"tutorials/{path.stem}.rst" for path in LESSONS}
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#:\s]+)[^)]*\)", text):
            target = (page.parent / link).resolve()
            assert target.exists() or str(target.relative_to(DOCS)) in made, f"{page.name}: {link}"
