"""Folders import only what lies beneath them, and a folder's `__init__` is a door: names, no code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gradflow

ROOT = Path(gradflow.__file__).resolve().parent
FLOORS = (
    {"base"}, {"data"}, {"neuron"}, {"field"}, {"compiled"}, {"descent", "flow"}, {"theory"}, {"ends"},
    {"runs"}, {"sweeps"}, {"networks"}, {"study"}, {"explore"}, {"cli"},
)  # fmt: skip
LEVEL = {folder: level for level, floor in enumerate(FLOORS) for folder in floor}
# The algebra stands beside the building: on the field, and used only where proofs are shown.
BENEATH_PROOFS, ABOVE_PROOFS = {"base", "neuron", "field"}, {"study", "cli"}
MODULES = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")}


def imported(tree: ast.AST) -> set[str]:
    """Return the dotted names of gradflow that a module imports, at its top and inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "no relative imports"
            module = node.module or ""
            found |= {f"{module}.{name.name}" for name in node.names} if module == "gradflow" else {module}
    return {name for name in found if name.split(".")[0] == "gradflow"}


def against_the_order(folder: str, tree: ast.AST) -> set[str]:
    """Return what a module in a folder imports and must not."""
    wrong = set()
    for name in imported(tree):
        other = name.split(".")[1] if "." in name else ""
        if other == folder:
            continue
        if "proofs" in (folder, other):
            allowed = other in BENEATH_PROOFS if folder == "proofs" else folder in ABOVE_PROOFS
        else:
            allowed = other in LEVEL and LEVEL[other] < LEVEL[folder]
        if not allowed:
            wrong.add(name)
    return wrong


@pytest.mark.parametrize(
    "path", sorted(p for p in MODULES if len(p.parts) > 1 and p.parts[0] != "_scripts"), ids=str
)
def test_of_a_module(path: Path) -> None:
    assert against_the_order(path.parts[0], MODULES[path]) == set()


def test_an_import_upwards_is_seen() -> None:
    for folder, text in (
        ("field", "from gradflow.descent import train"),
        ("flow", "from gradflow.descent.loop import train"),
        ("ends", "def f():\n    from gradflow.runs import gradient_flow"),
        ("theory", "import gradflow.ends.outcome"),
        ("descent", "from gradflow import proofs"),
        ("proofs", "from gradflow.theory import energy"),
        ("base", "from gradflow import Neuron"),
    ):
        assert against_the_order(folder, ast.parse(text)), text
    assert not against_the_order("ends", ast.parse("from gradflow.theory import energy\nimport numpy"))


def test_every_folder_has_a_floor() -> None:
    folders = {path.parts[0] for path in MODULES if len(path.parts) > 1} - {"_scripts"}
    assert folders == {*LEVEL, "proofs"}


@pytest.mark.parametrize(
    "path", sorted(p for p in MODULES if p.name == "__init__.py" and len(p.parts) > 1), ids=str
)
def test_a_door_has_no_code(path: Path) -> None:
    for node in MODULES[path].body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert is_text or isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)), ast.dump(
            node
        )


def test_the_top_has_few_entries() -> None:
    assert len([path for path in ROOT.iterdir() if path.is_file()]) <= 8
