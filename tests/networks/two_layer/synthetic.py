"""Runs of alignment that are written down, not computed, for the verdicts on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.networks.two_layer.data import toy_plane
from gradflow.networks.two_layer.judged import Check
from gradflow.study.claims.alignment import theorem
from gradflow.study.claims.alignment.table import CLAIMS
from gradflow.study.claims.ledger import Finding

BY_ID = {claim.id: claim for claim in CLAIMS}


def found(name: str, quick: bool = True) -> Finding:
    """Return the finding of a claim on alignment."""
    return BY_ID[f"align.{name}"].check(quick)


def checked(patch: pytest.MonkeyPatch, *flows: Mapping[str, Sequence[Any]]) -> None:
    """Let each flow's checks be these: name, whether it applies, whether it holds, margin."""
    rows = [
        (theorem.Case(toy_plane(6)), tuple(Check(name, "", *one) for name, one in flow.items()))
        for flow in flows
    ]
    patch.setattr(theorem, "results", lambda quick: rows)


def history(
    *,
    aligned: float = math.inf,
    grown: float = math.inf,
    dropped: float = math.inf,
    share: float = 1.0,
    rank: float = 1.01,
    end: float | None = None,
) -> xr.Dataset:
    """Return a course of ten neurons at steps 0, 100, …, 5000 in which things happen at given steps.

    Parameters
    ----------
    aligned, grown, dropped : float
        From when on `share` of the neurons are aligned, ‖w‖ is large, the loss is `end`, or never.
    share : float
    rank : float
        The stable rank once aligned; 30 before.
    end : float, optional
        By default 0.1.
    """
    step = np.arange(0, 5001, 100)
    sign = np.where(np.arange(10) % 2 == 0, 1.0, -1.0)
    moved = (step >= aligned)[:, None] & (np.arange(10) < round(10 * share))
    right = np.where(moved, 0.95, 0.1)
    axes = ("step", "neuron")
    return xr.Dataset(
        {
            "loss": ("step", np.where(step >= dropped, 0.1 if end is None else end, 1.0)),
            "log_norm": (axes, np.where(step >= grown, 0.0, -14.0)[:, None] * np.ones(10)),
            # Turned to the wrong sum a neuron is not aligned.
            "cos_positive": (axes, np.where(sign > 0, right, 0.99)),
            "cos_negative": (axes, np.where(sign < 0, right, 0.99)),
            "stable_rank": ("step", np.where(step >= aligned, rank, 30.0)),
            "count_positive": ("step", np.zeros(step.size, int)),
            "count_negative": ("step", np.zeros(step.size, int)),
            "output_sign": (axes, np.broadcast_to(sign, right.shape)),
        },
        coords={"step": step},
    )


def losses(values: dict[int, Any]) -> xr.Dataset:
    """Return a history with these losses, step: one for each network."""
    return xr.Dataset(
        {"loss": (("step", "network"), np.array(list(values.values()), dtype=float))},
        coords={"step": list(values)},
    )
