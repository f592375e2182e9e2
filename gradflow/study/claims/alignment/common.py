"""Parts that the claims about early alignment share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from gradflow.networks.two_layer.network import TwoLayer

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


def rounded(value: Any) -> Any:
    """Return evidence as plain data, numbers rounded to eight digits, what is not finite in words.

    Numbers are rounded, as linear algebra libraries add in another order with another number of
    threads, and thousands of steps carry that into the last digits. What is not finite is said in words, as
    JSON has no number for it.
    """
    if hasattr(value, "_asdict"):
        return {name: rounded(entry) for name, entry in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): rounded(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return rounded(value.tolist())
    if isinstance(value, (list, tuple)):
        return [rounded(entry) for entry in value]
    if isinstance(value, np.generic):
        return rounded(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return "undefined" if math.isnan(value) else "infinite" if value > 0.0 else "-infinite"
    return float(f"{value:.8g}") if isinstance(value, float) else value
