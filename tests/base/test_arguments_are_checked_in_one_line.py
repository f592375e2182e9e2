"""Shapes, intervals and classes of arguments are checked in one line that says what is allowed."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from gradflow.base.checks import in_interval, require_kind, require_shape


@pytest.mark.parametrize(
    ("value", "interval", "inside"),
    [
        (0.0, "[0, 1)", True),
        (1.0, "[0, 1)", False),
        (0.0, "(0, 1]", False),
        (1, "(0, 1]", True),
        (-1.0, "(-1, 1)", False),
        (math.nextafter(-1.0, 0.0), "(-1, 1)", True),
        (2.0, "[0, 1]", False),
        (5.0, "(0, inf)", True),
    ],
)
def test_ends_of_intervals_are_open_or_closed(value: float, interval: str, inside: bool) -> None:
    if inside:
        assert in_interval("x", value, interval) == value
        return
    wanted = re.escape(f"x: expected a number in {interval}, got {float(value)!r}")
    with pytest.raises(ValueError, match=f"^{wanted}$"):
        in_interval("x", value, interval)


def test_what_is_no_finite_number_is_in_no_interval() -> None:
    with pytest.raises(ValueError, match=r"^x: expected a finite number, got nan$"):
        in_interval("x", math.nan, "[0, 1]")
    with pytest.raises(TypeError, match=r"^x: expected a finite number, got 'a'$"):
        in_interval("x", "a", "[0, 1]")


@pytest.mark.parametrize(
    ("shape", "sizes", "wanted"),
    [
        ((3, 2), ("n", 2), None),
        ((3, 2), ("n", 3), "(n, 3)"),
        ((3,), ("n", 3), "(n, 3)"),
        ((3, 1), (3,), "(3,)"),
        ((), ("n",), "(n,)"),
    ],
)
def test_shapes_have_sizes_that_are_given_or_any(
    shape: tuple[int, ...], sizes: tuple[Any, ...], wanted: str | None
) -> None:
    if wanted is None:
        require_shape("x", np.zeros(shape), *sizes)
        return
    with pytest.raises(ValueError, match=f"^{re.escape(f'x: expected shape {wanted}, got {shape}')}$"):
        require_shape("x", np.zeros(shape), *sizes)


def test_kinds_have_their_article() -> None:
    class Item: ...

    class Box: ...

    require_kind("x", Item(), Item)
    with pytest.raises(TypeError, match=r"^x: expected an Item, got 3$"):
        require_kind("x", 3, Item)
    with pytest.raises(TypeError, match=r"^x: expected a Box, such as Box\(\), got None$"):
        require_kind("x", None, Box, "such as Box()")
