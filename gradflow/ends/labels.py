"""Outcomes as labelled codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from gradflow.base.tables import codes
from gradflow.ends.outcome import OUTCOMES


def outcome_codes(values: Any, dims: Sequence[str]) -> xr.Variable:
    """Return outcome codes as a variable."""
    return codes(values, OUTCOMES, dims, "outcome")


def outcome_name(dataset: xr.Dataset) -> str:
    """Return the outcome of a single trajectory's dataset as text."""
    return OUTCOMES[int(dataset["outcome"])]
