"""Outcomes behind the trajectories are told apart in grey, and none is a line's colour."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.colors import to_rgb

from gradflow.ends.outcome import OUTCOMES
from gradflow.explore.look import GROUND, LINES


def lightness(color: str) -> float:
    """Return L* of CIELAB, from 0 (black) to 100."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    y = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return float(116.0 * y ** (1.0 / 3.0) - 16.0)


def test_colours_of_outcomes_differ_in_grey() -> None:
    assert tuple(GROUND) == OUTCOMES
    greys = sorted(map(lightness, GROUND.values()))
    assert min(b - a for a, b in pairwise(greys)) > 12.0
    assert not {line.color for line in LINES} & set(GROUND.values())
