"""Numbers of the evidence, counted and made plain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def count(mask: Any) -> int:
    """Return how many entries are true."""
    return int(np.sum(mask))


def by_name(codes: Any, names: Sequence[str]) -> dict[str, int]:
    """Return how many entries have each code, under the codes' names."""
    return {name: count(codes == code) for code, name in enumerate(names)}


def share(mask: Any) -> float:
    """Return the share of the entries that are true."""
    return float(np.mean(mask))


def median(values: Any) -> float:
    """Return the median."""
    return float(np.median(values))


def largest(values: Any) -> float:
    """Return the largest absolute value."""
    return float(np.max(np.abs(values)))


def plain(value: Any) -> Any:
    """Return plain Python data: named tuples as dicts, arrays as lists, without what is not a number.

    Entries of dicts that are None, empty dicts or not finite are left out: JSON has no number for them.

    Examples
    --------
    >>> plain({"a": (1.0, 2.0), "b": float("nan")})
    {'a': [1.0, 2.0]}
    """
    if isinstance(value, dict):
        kept = {str(key): plain(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not _missing(item)}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    return value


def _missing(value: Any) -> bool:
    return value is None or value == {} or (isinstance(value, float) and not math.isfinite(value))
