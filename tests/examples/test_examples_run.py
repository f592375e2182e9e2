"""Every example is a short page that runs without a warning, leaves one figure, and runs as a notebook."""

from __future__ import annotations

import ast
import importlib
import json
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure

from gradflow.descent.optimisers import registry
from gradflow.study.figures.style import DOUBLE, SINGLE
from tests.study.figures.examples import overhang

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def names(path: Path) -> str:
    return path.stem


def test_there_are_enough_and_they_are_numbered() -> None:
    assert len(EXAMPLES) >= 24
    assert [int(path.name[:2]) for path in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))


@pytest.mark.parametrize("path", EXAMPLES, ids=names)
def test_an_example_is_a_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, rule, blank, *about = (ast.get_docstring(tree) or "").splitlines()
    assert rule == "=" * len(title)
    assert blank == ""
    assert about
    assert 15 <= len(text.splitlines()) <= 65
    assert text.count("# %%") >= 1
    assert ast.unparse(tree.body[-1]) == "figure"
    assert max(map(len, text.splitlines())) <= 110


def test_the_first_is_ten_lines() -> None:
    tree = ast.parse(EXAMPLES[0].read_text(encoding="utf-8"))
    assert len(tree.body) - 1 <= 10


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=names)
def test_an_example_runs_and_leaves_a_figure(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    monkeypatch.setattr(registry, "OPTIMIZERS", dict(registry.OPTIMIZERS))
    found = runpy.run_path(str(path))
    figure = found["figure"]
    assert isinstance(figure, Figure)
    assert figure.get_size_inches()[0] in (SINGLE, DOUBLE)
    assert overhang(figure) < 0.5


def test_the_gallery_takes_a_figure_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradflow.study.figures.gallery import scraper

    scrapers = SimpleNamespace(figure_rst=lambda paths, folder: f"{len(paths)} in {folder}")
    monkeypatch.setitem(sys.modules, "sphinx_gallery", SimpleNamespace(scrapers=scrapers))
    monkeypatch.setitem(sys.modules, "sphinx_gallery.scrapers", scrapers)
    figure = Figure(figsize=(1.0, 1.0))
    places = iter([tmp_path / "1.png", tmp_path / "2.png"])
    told: dict[str, Any] = {
        "example_globals": {"figure": figure, "n": 3, "again": figure},
        "image_path_iterator": places,
    }
    assert scraper(None, told, {"src_dir": "docs"}) == "1 in docs"
    assert scraper(None, told, {"src_dir": "docs"}) == "0 in docs"
    assert [path.name for path in tmp_path.iterdir()] == ["1.png"]


IN_NOTEBOOKS = ("01_one_neuron", "08_watch_a_neuron_move", "20_tables_and_files")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", IN_NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(name: str) -> None:
    for module in ("sphinx_gallery", "nbclient", "ipykernel"):
        pytest.importorskip(module, reason="install .[notebooks]")
    parser = importlib.import_module("sphinx_gallery.py_source_parser")
    writer = importlib.import_module("sphinx_gallery.notebook")
    nbformat = importlib.import_module("nbformat")
    (path,) = (p for p in EXAMPLES if p.stem == name)
    _, blocks = parser.split_code_and_text_blocks(str(path))
    text = writer.jupyter_notebook(blocks, {"notebook_images": False, **_CONF}, str(path.parent))
    notebook = nbformat.reads(json.dumps(text), as_version=4)
    importlib.import_module("nbclient").NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in shown)
    assert re.search(r"neuron|table|film", json.dumps(text), re.IGNORECASE)


_CONF = {
    "first_notebook_cell": None,
    "last_notebook_cell": None,
    "promote_jupyter_magic": False,
    "pypandoc": False,
}
