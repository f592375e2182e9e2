"""CONTRIBUTING.md names files, folders and functions that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gradflow
from gradflow.study.figures import frames

ROOT = Path(gradflow.__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
NAMED = sorted(set(re.findall(r"`(?:python )?([\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|md|toml)|/run))`", PROSE)))
# Patterns for new files, and files that are called by their names alone.
NEW = {"derivations/NN_name.py", "examples/NN_name.py", "plots/NN_name.py"}
BARE = {
    "problem.py": "gradflow/neuron",
    "formulas.py": "gradflow/field",
    "jit.py": "gradflow/compiled",
    **dict.fromkeys(
        ("frames.py", "losses.py", "phase_diagram.py", "phase_plane.py", "snapshots.py"),
        "gradflow/study/figures",
    ),
    "__init__.py": "gradflow",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_path_exists(name: str) -> None:
    if name in NEW:
        name = str(Path(name).parent)
    assert (ROOT / BARE.get(name, "") / name).exists()


def test_paths_are_found_in_the_text() -> None:
    assert len(NAMED) > 40
    assert {"gradflow/base/", ".ci/run", "README.md", "tests/study/claims/sources.toml"} <= set(NAMED)
    # Whatever looks like a path is one of them.
    looks = {word for word in re.findall(r"`([^`]+)`", PROSE) if "/" in word and " " not in word}
    assert looks <= set(NAMED)


def test_every_folder_is_in_the_floor_plan() -> None:
    folders = {f"gradflow/{path.parent.name}/" for path in (ROOT / "gradflow").glob("*/__init__.py")}
    assert folders - {"gradflow/_scripts/"} <= set(NAMED)
    plan = re.findall(r"`(gradflow/\w+/)`", PROSE.partition("| folder |")[2])
    order = list(dict.fromkeys(plan))[: len(folders)]
    assert order[:5] == [f"gradflow/{name}/" for name in ("base", "data", "neuron", "field", "compiled")]


def test_what_is_called_by_name_is_there() -> None:
    assert callable(frames.sheet)
