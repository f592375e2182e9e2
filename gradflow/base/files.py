"""Files that are whole or absent, and strict JSON."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradflow.base.arrays import to_numpy


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a new file's name beside `path`; it is moved onto it on success and removed on failure.

    Raises
    ------
    OSError
        If the file cannot be made or written; the error names `path`.
    """
    temporary = path.parent / f".gradflow-{secrets.token_hex(8)}{path.suffix}"
    try:
        with _errors_name(path, temporary):
            # Made here, inside: an interrupt between making a file and promising to remove it would leave it.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder's name beside `path`; it becomes `path` on success and is removed on failure.

    Raises
    ------
    OSError
        If the folder cannot be made or `path` is there; the error names `path`.
    """
    temporary = path.parent / f".gradflow-{secrets.token_hex(8)}{path.suffix}"
    try:
        with _errors_name(path, temporary):
            yield temporary
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _errors_name(path: Path, temporary: Path) -> Iterator[None]:
    """Let errors name the path that was asked for, and not the temporary one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)) == temporary:
            error.filename, error.filename2 = str(path), None
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(value: object, **options: Any) -> str:
    """Return strict JSON: NumPy's numbers and any array become plain ones, NaN and infinity become null."""
    return json.dumps(_finite(value), allow_nan=False, ensure_ascii=False, **options)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and np.all(np.isfinite(value)):
        return value.tolist()
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array_namespace__"):
        return _finite(plain(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def plain(value: Any) -> Any:
    """Return what `json` cannot encode itself as plain data."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return to_numpy(value).tolist() if hasattr(value, "__array_namespace__") else repr(value)
