"""Results as plain data: numbers, text, lists and dicts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr


def plain(value: Any) -> Any:
    """Return a result as what a JSON file can keep to the bit; floats that are no numbers as text."""
    if isinstance(value, xr.Dataset):
        return {str(name): plain(value[name]) for name in (*value.coords, *value.data_vars)}
    if isinstance(value, xr.DataArray):
        return plain(value.values)
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"value: expected a result made of numbers, text and containers, got {value!r}")


def printed(text: str) -> list[str]:
    """Return a text's paragraphs in short: a digest of each, and how it begins."""
    parts = (part.strip() for part in text.split("\n\n"))
    return [f"{hashlib.sha256(part.encode()).hexdigest()[:12]} {part[:_BEGIN]}" for part in parts if part]


_BEGIN = 16
"""Characters of a paragraph that are kept, so that a difference shows where it is."""
