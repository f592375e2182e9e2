"""Labelled tables (xarray): codes with their meanings, NetCDF files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.arrays import is_array, to_numpy
from gradflow.base.files import whole_file


def codes(values: Any, meanings: Sequence[str], dims: Sequence[str], long_name: str) -> xr.Variable:
    """Return integer codes with the CF attributes that say what they mean."""
    attributes = {
        "long_name": long_name,
        "flag_values": np.arange(len(meanings), dtype=np.int8),
        "flag_meanings": " ".join(meaning.replace(" ", "_") for meaning in meanings),
    }
    return xr.Variable(
        tuple(dims), np.asarray(to_numpy(values) if is_array(values) else values, dtype=np.int8), attributes
    )


def named(
    values: xr.Variable | xr.DataArray, meanings: Sequence[str] | None = None, nothing: str = "not computed"
) -> xr.Variable:
    """Return the names of codes as text, along the same dimensions.

    Parameters
    ----------
    values : Variable or DataArray
        Integer codes, as `codes` made them or a file kept them.
    meanings : sequence of str, optional
        The name of each code; by default `flag_meanings`, with spaces for underscores.
    nothing : str
        The name of a code that has no meaning, such as -1.

    Raises
    ------
    ValueError
        If nothing says what the codes mean.

    Examples
    --------
    >>> str(named(codes([0, 2, -1], ("dead", "balanced", "hyperactive"), ["neuron"], "activity"))[1].values)
    'hyperactive'
    """
    if meanings is None:
        if "flag_meanings" not in values.attrs:
            raise ValueError("values: expected codes with the attribute flag_meanings, or their meanings")
        meanings = [word.replace("_", " ") for word in str(values.attrs["flag_meanings"]).split()]
    found = np.asarray(values.values)
    table = np.array([*meanings, nothing])
    known = (found >= 0) & (found < len(meanings))
    text = table[np.where(known, found, len(meanings)).astype(np.int64)]
    return xr.Variable(
        values.dims, text, {"long_name": f"name of the {values.attrs.get('long_name', 'code')}"}
    )


def write(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset as NetCDF (`.nc`), whole or not at all.

    Raises
    ------
    ValueError
        If the name does not end in .nc.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".nc":
        raise ValueError(f"out: expected a file name that ends in .nc, got {str(path)!r}")
    with whole_file(path) as temporary:
        dataset.to_netcdf(temporary, engine="scipy")


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a dataset that `write` wrote, into memory."""
    with xr.open_dataset(Path(path), engine="scipy") as dataset:
        loaded = dataset.load()
    # The engine makes objects of text; what was written were arrays of it.
    words = [name for name, v in loaded.variables.items() if v.dtype == object and name not in loaded.dims]
    return loaded.assign({name: loaded[name].astype(str) for name in words})
