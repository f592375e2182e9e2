"""The look of the explorer: colours that differ in grey, lines that differ without colour."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.ends.outcome import OUTCOMES

GROUND = dict(zip(OUTCOMES, ("#f7f7f7", "#f4c95d", "#5b8dc2", "#c79bdb", "#2b2b2b", "#6a6440"), strict=True))
"""The colour of each outcome behind the trajectories; in grey, too, any two are far apart."""

LOSSES = tuple(f"#{level:02x}{level:02x}{level:02x}" for level in range(0xF8, 0x70, -4))
"""Colours of log10 of the loss, from low to high."""


class Line(NamedTuple):
    """How a run is drawn: a colour, a dash pattern, a width, a marker's glyph and its size."""

    color: str
    dash: str
    width: float
    marker: str
    size: float


LINES = (
    Line("#000000", "solid", 3.2, "circle", 17.0),
    Line("#0072b2", "2 4 10 4", 2.6, "square", 12.0),
    Line("#d55e00", "10 6", 2.6, "triangle", 8.0),
)
"""The looks of the flow, gradient descent and the chosen optimiser."""

TARGET = "#7a7a7a"

THEME = {
    "attrs": {
        "Axis": {
            "axis_label_text_font_size": "15px",
            "axis_label_text_font_style": "normal",
            "major_label_text_font_size": "13px",
            "axis_label_text_color": "#111111",
            "major_label_text_color": "#111111",
        },
        "Title": {"text_font_size": "15px", "text_font_style": "bold", "text_color": "#111111"},
        "Legend": {"label_text_font_size": "13px", "background_fill_alpha": 0.85, "padding": 4, "spacing": 0},
        "Plot": {"background_fill_color": "#ffffff"},
        "Grid": {"grid_line_color": "#e4e4e4"},
    }
}
"""Bokeh's theme: text that is read from the last row."""
