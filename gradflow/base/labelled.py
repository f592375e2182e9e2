"""Values with labels (pandas Series, xarray DataArrays) where numbers or arrays are expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def unlabelled(value: Any) -> Any:
    """Return the plain NumPy array of a labelled one (pandas, polars, xarray), anything else unchanged.

    Labels align nothing here: arrays broadcast by position. `gradflow.runs.training.train` takes the
    names of dimensions into account before.
    """
    # By what they offer, so that neither library has to be imported to know its objects.
    if hasattr(value, "to_numpy") and not hasattr(value, "__array_namespace__"):
        return value.to_numpy()
    return value


def in_order(value: Any, names: Sequence[str]) -> Any:
    """Return a list of what is labelled with `names`, in their order; anything labelled otherwise unchanged.

    They are the columns of a DataFrame, or label the first axis of a Series or a DataArray, in any order.
    """
    if not hasattr(value, "to_numpy"):
        return value
    if hasattr(value, "columns"):
        return [value[name] for name in names] if {*names} <= {*value.columns} else value
    if hasattr(value, "indexes"):
        labels = value.indexes.get(value.dims[0]) if value.ndim else None
    else:
        labels = getattr(value, "index", None)
    if labels is None or sorted(map(str, labels)) != sorted(names):
        return value
    return [value.loc[name] for name in names]
