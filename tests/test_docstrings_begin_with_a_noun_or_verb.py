"""Docstrings of the package, those of names too, begin with a noun or a verb: never with "What"."""

from __future__ import annotations

import re
from pathlib import Path

import gradflow

FOLDER = Path(gradflow.__file__).parent


def test_none_begins_with_what() -> None:
    paths = sorted(FOLDER.rglob("*.py"))
    assert len(paths) > 200
    found = [
        f"{path.relative_to(FOLDER)}: {line}"
        for path in paths
        for line in re.findall(r'^ *"""What\b.*', path.read_text(), re.MULTILINE)
    ]
    assert not found
