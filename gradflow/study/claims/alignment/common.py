"""Parts that the claims about early alignment share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from gradflow.networks.two_layer.network import TwoLayer

THEORY = "Min, Mallada, Vidal, arXiv:2307.12851, theory"
EXPERIMENTS = "Min, Mallada, Vidal, arXiv:2307.12851, experiments"
SEED = "Seed document 002, Early neuron alignment"

H = 50
"""Neurons of a network, as in the paper's experiments."""

SCALE = 1e-6
LOG_SCALE = math.log(SCALE)
"""Its experiments' initialisation: all weights from N(0, (1e-6)²)."""

RATE = 2e-3
"""Its learning rate."""


def states(history: xr.Dataset) -> TwoLayer:
    """Return the recorded states of a training history or a path, the records along the first axis."""
    return TwoLayer(*(history[name].values for name in TwoLayer._fields))


def plain(value: Any) -> Any:
    """Return evidence as plain Python data: NamedTuples as dicts, arrays as lists, numbers as numbers.

    Numbers are rounded to eight digits: linear algebra libraries add in another order with another number of
    threads, and thousands of steps carry that into the last digits. What is not finite is said in words, as
    JSON has no number for it.
    """
    if hasattr(value, "_asdict"):
        return {name: plain(entry) for name, entry in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return "undefined" if math.isnan(value) else "infinite" if value > 0.0 else "-infinite"
    return float(f"{value:.8g}") if isinstance(value, float) else value
