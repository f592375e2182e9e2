"""The numbered scripts that come with the package: the derivations and the plots.

A checkout has them in `derivations/` and `plots/` beside the package, an installed copy inside it.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

_PACKAGE = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"(\d+)_(\w+)")


class Script(NamedTuple):
    """A numbered script; its title is the first line of its docstring."""

    number: int
    slug: str
    title: str
    path: Path


def script_paths(folder: str) -> list[Path]:
    """Return the Python files of one folder of scripts, sorted by name.

    Raises
    ------
    FileNotFoundError
        If neither a checkout nor the installed package has the folder.
    """
    for parent in (_PACKAGE / "_scripts", _PACKAGE.parent):
        if (parent / folder).is_dir():
            return sorted((parent / folder).glob("*.py"))
    raise FileNotFoundError(f"{folder}: this copy of gradflow does not contain these scripts")


def parsed(path: Path) -> ast.Module:
    """Return a script's syntax, read again only if the file has changed; not to be altered."""
    found = path.stat()
    return _parsed(path, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=256)
def _parsed(path: Path, changed: int, size: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def describe(path: Path | str) -> Script:
    """Return a script's number, slug and title, without running it.

    Raises
    ------
    ValueError
        If the file name is not `NN_slug.py` or the script has no docstring.
    """
    path = Path(path)
    name = _NAME.fullmatch(path.stem)
    title = ast.get_docstring(parsed(path))
    if name is None or not title:
        raise ValueError(f"{path}: expected a script NN_slug.py with a docstring")
    return Script(int(name[1]), name[2], title.splitlines()[0].rstrip("."), path)


def load_script(path: Path) -> ModuleType:
    """Import a script from its file; its `__main__` part does not run."""
    name = f"gradflow_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a Python script")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
