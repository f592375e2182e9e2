"""Values with labels (pandas Series, xarray DataArrays) where numbers or arrays are expected."""

from __future__ import annotations

from typing import Any


def unlabelled(value: Any) -> Any:
    """Return the plain NumPy array of a labelled one (pandas, polars, xarray), anything else unchanged.

    Labels align nothing here: arrays broadcast by position. `gradflow.descent.dataset.descend` takes the
    names of dimensions into account before.
    """
    # By what they offer, so that neither library has to be imported to know its objects.
    if hasattr(value, "to_numpy") and not hasattr(value, "__array_namespace__"):
        return value.to_numpy()
    return value
