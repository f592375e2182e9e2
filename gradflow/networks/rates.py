"""Hyper-parameters of optimisers that differ from network to network."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.base.arrays import Array, device, is_array, namespace, to_numpy
from gradflow.base.labelled import unlabelled


def for_networks(config: Any, shape: tuple[int, ...], like: Array, inner: int = 0) -> Any:
    """Return an optimiser whose arrays have one entry for each network, in the library of the parameters.

    Parameters
    ----------
    config : one of the config classes of `gradflow.descent`
    shape : tuple of int
        The shape of the batch of networks.
    like : array
        The parameters.
    inner : int
        How many axes the parameters have after those of the networks.

    Raises
    ------
    ValueError
        If an array does not broadcast to `shape`.
    """
    xp, given = namespace(like), {}
    for name, value in zip(config._fields, map(unlabelled, config), strict=True):
        if not (is_array(value) or isinstance(value, (list, tuple))):
            continue
        plain = to_numpy(value) if is_array(value) else np.asarray(value)
        try:
            fits = np.broadcast_shapes(plain.shape, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"{name}: expected a shape that broadcasts to {shape}, got {plain.shape}")
        entries = plain[(..., *(None,) * inner)]
        given[name] = xp.asarray(entries, dtype=xp.float64, device=device(like))
    return config._replace(**given)
