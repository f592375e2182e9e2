"""The table ``constants.json``: every number, grid, tolerance and start that claims are checked with.

What a study publishes hangs on each of them, and few change a verdict when a finger slips. `python -m
tests.study.claims.constants` writes the table anew, after a change that is meant.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import gradflow.study.claims

FOLDER = Path(gradflow.study.claims.__file__).parent
TABLE = Path(__file__).with_suffix(".json")
LONGEST = 500
"""Characters of a value; longer ones are prose, or data."""


def constants() -> dict[str, dict[str, str]]:
    """Return the constants of all modules of claims, as text, by module and name."""
    found = {}
    for path in sorted(FOLDER.rglob("*.py")):
        parts = path.relative_to(FOLDER).with_suffix("").parts
        module = importlib.import_module(".".join((gradflow.study.claims.__name__, *parts)))
        named = {name: told(getattr(module, name)) for name in assigned(path.read_text(encoding="utf-8"))}
        found[".".join(parts)] = {name: text for name, text in named.items() if text}
    return {name: entries for name, entries in found.items() if entries}


def assigned(code: str) -> Iterator[str]:
    """Give the names in capitals that a module assigns."""
    for node in ast.parse(code).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for part in ast.walk(target) if target is not None else ():
                if isinstance(part, ast.Name) and part.id.isupper():
                    yield part.id


def told(value: Any) -> str:
    """Return a value as text, "" if it is a sentence or more than some numbers."""
    text = repr(plain(value))
    is_odd = isinstance(value, str) or any(part in text for part in (" at 0x", "<function", "array("))
    return "" if is_odd or len(text) > LONGEST else text


def plain(value: Any) -> Any:
    """Return a value with numbers to 12 digits, arrays as lists, modules and functions by their names."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, Mapping):
        return {plain(name): plain(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    if callable(value) or isinstance(value, ModuleType):
        return getattr(value, "__qualname__", repr(value))
    return value


if __name__ == "__main__":
    TABLE.write_text(json.dumps(constants(), indent=1) + "\n", encoding="utf-8")
