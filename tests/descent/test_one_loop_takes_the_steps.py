"""Neurons and networks on the line descend in one loop: nothing else there asks for an update."""

from __future__ import annotations

import ast
from pathlib import Path

import gradflow

ROOT = Path(gradflow.__file__).resolve().parent
LOOP = ROOT / "descent" / "stepping.py"


def asks(path: Path) -> bool:
    """Whether a module imports an optimiser's update."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("gradflow.descent")
        # Compiled steps have a function of this name, made of the optimisers' own rules.
        and not (node.module or "").startswith("gradflow.descent.compiled")
        and any(name.name == "update" for name in node.names)
        for node in ast.walk(tree)
    )


def test_nothing_else_asks_for_an_update() -> None:
    places = (ROOT / "runs", ROOT / "networks" / "line", ROOT / "descent")
    doors = {ROOT / "descent" / "__init__.py"}
    found = {path for place in places for path in place.rglob("*.py") if asks(path)} - doors
    assert found == {LOOP}
