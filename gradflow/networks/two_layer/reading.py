"""Data sets from users' files."""

from __future__ import annotations

import csv
import math
import os
import zipfile
from pathlib import Path

import numpy as np

from gradflow.networks.two_layer.data import Dataset

SUFFIXES = (".npz", ".csv")


def read_dataset(path: str | os.PathLike[str], *, constant_columns: bool = False) -> Dataset:
    """Read inputs and labels from a file.

    Parameters
    ----------
    path : path
        ``.npz`` with the arrays `inputs` (n, D) — images (n, …) are flattened — and `labels` (n,); or
        ``.csv`` with a row for each input and its label in the last column, after at most one line of
        column names (none of them a number).
    constant_columns : bool
        Whether a coordinate may be the same number for all inputs: a 1 stands for a bias. By default it is
        an error, as is most often meant: such a column tells no input from another.

    Returns
    -------
    Dataset
        Named after the file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        One line that says what is wrong and where: another suffix, a missing array, rows of different
        lengths, text, NaN or infinity, a constant column, or what `Dataset` refuses.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path.name}: expected a file that ends in {' or '.join(SUFFIXES)}")
    inputs, labels = _npz(path) if suffix == ".npz" else _csv(path)
    try:
        data = Dataset(inputs, labels, path.stem)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    same = np.flatnonzero(np.all(data.inputs == data.inputs[0], axis=0))
    if data.n > 1 and same.size and not constant_columns:
        value = data.inputs[0, same[0]]
        raise ValueError(
            f"{path.name}: column {same[0]} of the inputs (from 0) is {value:g} in every row; "
            "drop constant columns, or say that they are meant (a bias)"
        )
    return data


def _npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    path.open("rb").close()
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name}: not an .npz archive")
    try:
        with np.load(path, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name}: not an .npz of plain arrays ({error})") from error
    if not {"inputs", "labels"} <= set(held):
        found = ", ".join(held) or "nothing"
        raise ValueError(f"{path.name}: expected arrays 'inputs' and 'labels', found {found}")
    inputs, labels = held["inputs"], held["labels"]
    return inputs.reshape(inputs.shape[0], -1) if inputs.ndim > 2 and inputs.size else inputs, labels


def _csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    rows: list[list[float]] = []
    columns: int | None = None
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            for line, cells in enumerate(csv.reader(file), start=1):
                if not any(cell.strip() for cell in cells):
                    continue
                numbers = [_number(cell) for cell in cells]
                if None in numbers:
                    if columns is None and all(value is None for value in numbers):
                        columns = len(cells)
                        continue
                    wrong = cells[numbers.index(None)]
                    raise ValueError(f"{path.name}: expected numbers, got {wrong.strip()!r} in line {line}")
                if columns is not None and len(cells) != columns:
                    raise ValueError(
                        f"{path.name}: expected {columns} columns, got {len(cells)} in line {line}"
                    )
                columns = len(cells)
                rows.append([math.nan if value is None else value for value in numbers])
        except UnicodeDecodeError as error:
            raise ValueError(f"{path.name}: not a text file") from error
    if not rows or len(rows[0]) < 2:
        raise ValueError(f"{path.name}: expected rows of at least one coordinate and a label")
    table = np.array(rows)
    return table[:, :-1], table[:, -1]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
