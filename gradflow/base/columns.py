"""Columns of numbers from users' files, under a header that names them."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gradflow.base.checks import as_number

MOST_ROWS = 1_000_000
"""Rows of a file, at most."""


class Columns(NamedTuple):
    """The columns of a file by name, the line of each row (from 1), and the SHA-256 of the file."""

    values: dict[str, np.ndarray]
    lines: list[int]
    sha256: str


def read_columns(
    path: Path, needed: Sequence[str], optional: Sequence[str] = (), *, largest: float = math.inf
) -> Columns:
    """Read a file of comma-separated numbers whose first line names the columns, in any order.

    Parameters
    ----------
    path : Path
    needed, optional : sequences of str
        The columns that must be there, and those that may.
    largest : float
        The largest number, either side of 0.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        One line that names the file and the line in it: another or a missing column, none or too many rows, a
        row of another length, or what is no finite number.
    """
    content = path.read_bytes()
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        rows = _filled(lines)
        names = _header(path, next(rows, None), needed, optional)
        numbers: list[list[float]] = []
        places: list[int] = []
        for line, cells in rows:
            if len(cells) != len(names):
                raise ValueError(f"{path}, line {line}: expected {len(names)} numbers, got {len(cells)}")
            if len(places) == MOST_ROWS:
                raise ValueError(f"{path}, line {line}: expected at most {MOST_ROWS} rows")
            where = f"{path}, line {line}"
            numbers.append([_number(where, *pair, largest) for pair in zip(names, cells, strict=True)])
            places.append(line)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a text file in UTF-8") from error
    except csv.Error as error:
        raise ValueError(f"{path}, line {lines.line_num}: {error}") from error
    if not places:
        raise ValueError(f"{path}: expected at least one row below the header, got none")
    table = np.array(numbers)
    return Columns(
        {name: table[:, i].copy() for i, name in enumerate(names)},
        places,
        hashlib.sha256(content).hexdigest(),
    )


def _filled(lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Give the lines that are not blank, with their numbers."""
    for cells in lines:
        if any(cell.strip() for cell in cells):
            yield lines.line_num, cells  # type: ignore[attr-defined]


def _header(
    path: Path, first: tuple[int, list[str]] | None, needed: Sequence[str], optional: Sequence[str]
) -> list[str]:
    """Return the names of the columns, checked."""
    allowed = ",".join(needed) + "".join(f"[,{name}]" for name in optional)
    if first is None:
        raise ValueError(f"{path}: expected the header {allowed} and rows of numbers, got nothing")
    line, cells = first
    names = [cell.strip() for cell in cells]
    if not set(needed) <= set(names) <= {*needed, *optional} or len(set(names)) != len(names):
        raise ValueError(f"{path}, line {line}: expected the header {allowed}, got {','.join(names)!r}")
    return names


def _number(where: str, name: str, text: str, largest: float) -> float:
    value = as_number(text)
    if not (math.isfinite(value) and abs(value) <= largest):
        allowed = (
            "a finite number" if largest == math.inf else f"a number between {-largest:g} and {largest:g}"
        )
        raise ValueError(f"{where}: expected {allowed} as {name}, got {text.strip()!r}")
    return value
