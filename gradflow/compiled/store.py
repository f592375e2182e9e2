"""Printed modules on disk, where Numba finds what it has compiled before."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from gradflow.base.progress import note


def folder() -> Path:
    """Return where printed modules are kept: in NUMBA_CACHE_DIR, or among the user's caches."""
    if numba := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(numba) / "gradflow"
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "gradflow"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "gradflow" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "gradflow"
    return Path.home() / ".cache" / "gradflow"


def write(source: str, place: Path) -> Path:
    """Write a module under the name of its content, whole or not at all, and return its path."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f"fused_{hashlib.sha256(source.encode()).hexdigest()[:24]}.py"
    # A file with another text (cut short, or changed) is replaced, never run.
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        handle, beside = tempfile.mkstemp(dir=place, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(source)
            os.replace(beside, path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    return path


@cache
def load(source: str) -> ModuleType:
    """Return the module with this source, always the same one.

    Numba finds what it has compiled of it again in the next process. Where the user's cache cannot be
    written, the module goes into a temporary folder.
    """
    try:
        path = write(source, folder())
    except OSError:
        path = write(source, Path(tempfile.mkdtemp(prefix="gradflow-")))
    spec = importlib.util.spec_from_file_location(f"gradflow_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a module")
    module = importlib.util.module_from_spec(spec)
    # Numba looks the module up by its name when it takes compiled code from the disk.
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


def compiled(source: str, arguments: tuple[Any, ...]) -> Any:
    """Return the function ``advance`` of a printed module, compiled or found compiled on disk.

    What is on disk and cannot be used is thrown away and compiled again.
    """
    try:
        advance = load(source).advance
        if not _on_disk(source):
            note("compiling, once for these activations and this method (some 20 s) …")
        advance.compile(arguments)
    except Exception:
        forget(source)
        advance = load(source).advance
        advance.compile(arguments)
    return advance


def forget(source: str) -> None:
    """Remove what Numba has compiled of the module with this source."""
    for path in _on_disk(source):
        path.unlink(missing_ok=True)
    load.cache_clear()


def _on_disk(source: str) -> list[Path]:
    """Return the files of what Numba has compiled of the module with this source."""
    module = load(source)
    found = Path(module.advance.stats.cache_path).glob(f"{module.__name__.removeprefix('gradflow_')}.*")
    return [path for path in found if path.suffix in (".nbi", ".nbc")]
