"""What differs between a frozen result and one that was computed now, in words."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

CLOSELY = 1e-9
"""Floats computed elsewhere agree to so much of their size; rounding, grown along a run, is less."""

ROUGHLY = 1e-5
"""Where a step ends is set by an estimate of its error, a difference of nearly equal numbers: what is told of
steps' ends, and flows whose kinks are not located, have fewer digits. So have minima of flat functions, and
adaptive steps along a parameter without a gradient. (Seen with kernels for other processors: up to 4e-6.)"""

ROUNDING = 1e-3
"""So much of the tolerance, as a number: what is 0 but for rounding has no digits to agree on."""

NOT_ELSEWHERE = ("summary", "steps")
"""Sentences with numbers rounded for reading, and an integrator's number of steps: where an estimate is at
its limit, or a last digit between two, it may be either."""

MOST_TOLD = 12


def differences(frozen: Any, found: Any, tolerance: float | None = None) -> list[str]:
    """Return a line for each value that differs; keys that have been added are no difference.

    Without a tolerance all bits are compared; with one, floats to that part of their size.
    """
    return list(_differences(frozen, found, tolerance, ""))


def told(lines: list[str]) -> str:
    """Return the differences as a message of readable length."""
    rest = len(lines) - MOST_TOLD
    return "\n".join(lines[:MOST_TOLD] + ([f"and {rest} more"] if rest > 0 else []))


def _differences(frozen: Any, found: Any, tolerance: float | None, place: str) -> Iterator[str]:
    if isinstance(frozen, dict) and isinstance(found, dict):
        for key, value in frozen.items():
            here = f"{place}.{key}" if place else key
            if key not in found:
                yield f"{here}: it is not there any more"
            elif tolerance is None or key not in NOT_ELSEWHERE:
                yield from _differences(value, found[key], tolerance, here)
    elif isinstance(frozen, list) and isinstance(found, list):
        if len(frozen) != len(found):
            yield f"{place}: {len(frozen)} entries were frozen, now there are {len(found)}"
        for i, (value, now) in enumerate(zip(frozen, found, strict=False)):
            yield from _differences(value, now, tolerance, f"{place}[{i}]")
    elif isinstance(frozen, float) and isinstance(found, float):
        apart = abs(_ordinal(frozen) - _ordinal(found))
        if apart and (tolerance is None or not _close(frozen, found, tolerance)):
            yield f"{place}: frozen {frozen!r}, now {found!r}, {apart} floats further"
    elif type(frozen) is not type(found) or frozen != found:
        yield f"{place}: frozen {frozen!r}, now {found!r}"


def _close(frozen: float, found: float, tolerance: float) -> bool:
    return math.isclose(frozen, found, rel_tol=tolerance, abs_tol=ROUNDING * tolerance)


def _ordinal(value: float) -> int:
    """Return the place of a float among all floats; −0.0 and 0.0 have different ones."""
    bits = int(struct.unpack("<q", struct.pack("<d", value))[0])
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF) - 1
