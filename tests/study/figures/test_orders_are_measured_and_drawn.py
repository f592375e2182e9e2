"""The figure of errors against rates measures the orders that it writes, and fits on its page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.study.figures.convergence import Errors, Orders, measured_order
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.panels import Mark
from gradflow.study.figures.style import DOUBLE, SINGLE
from tests.study.figures.examples import overhang, texts

RATES = 2.0 ** -np.arange(3.0, 10.0)


def test_the_order_of_a_power_law_is_its_exponent() -> None:
    for order in (0.5, 1.0, 3.0):
        assert measured_order(Errors("", RATES, 7.0 * RATES**order, 7)) == pytest.approx(order, abs=1e-12)
    # Only the smallest rates count, in whatever order they are given.
    errors = np.where(RATES > 0.01, 1.0, RATES**2)
    assert measured_order(Errors("", RATES[::-1], errors[::-1], 3)) == pytest.approx(2.0, abs=1e-12)
    assert measured_order(Errors("", RATES, errors, 7)) != pytest.approx(2.0, abs=0.1)


def test_labels_orders_and_marks_are_drawn_within_the_page() -> None:
    series = [
        Errors("flow", RATES, RATES, 5),
        Errors("modified", RATES, RATES**2, 5),
        Errors("bare", RATES, RATES),
    ]
    panels = [
        Orders(series, "one", xlabel="rate", ylabel="error"),
        Orders(series[:1], "two", [Mark("here", 0.01)], "lower right"),
        Orders([Errors("none", [], [])], legend=None),
        Orders([Errors("exact", RATES, 0.0 * RATES)]),
    ]
    for width in (SINGLE, DOUBLE):
        figure = sheet(panels, width=width, height=2.5)
        assert figure.get_size_inches()[0] == width
        assert {"flow: 1.00", "modified: 2.00", "bare", "one", "here", "(d)", "rate", "error"} <= set(
            texts(figure)
        )
        assert overhang(figure) < 0.5
    assert len(sheet(panels[:1]).axes) == 1
    assert len(sheet(panels).axes) == 4


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: sheet([Orders([Errors("", RATES, RATES)] * 5)]), "frames: expected at most 4"),
        (lambda: sheet([Orders([Errors("a", RATES, RATES[1:])])]), "series 'a': x and y"),
        (lambda: measured_order(Errors("a", RATES, 0.0 * RATES, 4)), "series 'a': expected at least two"),
        (lambda: measured_order(Errors("a", RATES[:1], RATES[:1], 4)), "series 'a': expected at least two"),
    ],
)
def test_bad_input_is_named_in_one_line(draw: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        draw()
