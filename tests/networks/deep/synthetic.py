"""Runs of deep networks that are written down, not trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.table import CLAIMS
from gradflow.study.claims.ledger import Finding

BY_ID = {claim.id: claim for claim in CLAIMS}
LAYERS = 2


def found(name: str, quick: bool = True) -> Finding:
    """Return the finding of a claim on depth."""
    return BY_ID[f"depth.{name}"].check(quick)


def cells(
    off: Any, rates: tuple[float, ...] = (0.1,), diverged: Any = 0, deaths: Any = 0, revivals: Any = 0
) -> runs.Cells:
    """Return a sweep in which all layers go off alike, or each as given; axes step, (layer,) network."""
    share = np.asarray(off, dtype=float)
    share = np.repeat(share[:, None], LAYERS, axis=1) if share.ndim == 2 else share
    step, layer, network = ("step", "layer", "network")

    def counts(value: Any) -> tuple[tuple[str, ...], np.ndarray]:
        return (step, layer, network), np.broadcast_to(np.asarray(value), share.shape).astype(int)

    data = xr.Dataset(
        {
            "off": ((step, layer, network), share),
            "deaths": counts(deaths),
            "revivals": counts(revivals),
            "diverged": (network, np.broadcast_to(np.asarray(diverged), share.shape[2:]).astype(np.int8)),
            "loss": ((step, network), np.ones((share.shape[0], share.shape[2]))),
            "width": (layer, np.full(share.shape[1], 16)),
        },
        coords={"step": np.arange(share.shape[0]) * 20},
    )
    return runs.Cells(data, rates)


def sweeps(patch: pytest.MonkeyPatch, **by_optimizer: runs.Cells) -> None:
    """Let the sweeps of each optimiser be these, at every depth and on every task."""
    patch.setattr(runs, "sweep", lambda depth, optimizer, *_, **__: by_optimizer[optimizer])
