"""Samples from users' files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from gradflow.base.checks import number, shown
from gradflow.base.columns import read_columns
from gradflow.neuron.problem import LARGEST, Sample, Source


def read_sample(path: str | os.PathLike[str], *, largest: float = LARGEST) -> Sample:
    """Read inputs, targets and perhaps weights from a file.

    Parameters
    ----------
    path : path
        A file ``.csv`` with the header ``x,y`` or ``x,y,weight``, in any order, and a row for each input.
    largest : float
        The largest number in it, either side of 0.

    Returns
    -------
    Sample
        Its `source` names the file and its SHA-256.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        One line that names the file and the line in it: another or a missing column, no row, what is no
        finite number, or a negative weight; or all weights are 0.
    TypeError
        If `path` is none.
    """
    largest = number("largest", largest, 0.0)
    given = shown(path)
    try:
        path = Path(path)
    except TypeError:
        raise TypeError(f"path: expected a path, got {given}") from None
    if path.name in ("", ".."):
        raise ValueError(f"path: expected a file name that ends in .csv, got {given}")
    if path.suffix != ".csv":
        raise ValueError(f"{path}: expected a file name that ends in .csv")
    values, lines, digest = read_columns(path, ("x", "y"), ("weight",), largest=largest)
    weights = values.get("weight")
    if weights is not None:
        below = np.flatnonzero(weights < 0.0)
        if below.size:
            first = below[0]
            raise ValueError(f"{path}, line {lines[first]}: expected a weight >= 0, got {weights[first]:g}")
        if not np.any(weights > 0.0):
            raise ValueError(f"{path}: expected a weight > 0, all are 0")
    return Sample(values["x"], weights=weights, targets=values["y"], source=Source(path.name, digest))
