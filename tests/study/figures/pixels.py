"""What a figure shows at a place: colours of pixels at data coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure


def rendered(figure: Figure) -> np.ndarray:
    """Return the figure's pixels, from the bottom up."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[::-1]


def color_at(pixels: np.ndarray, axes: Axes, x: float, y: float) -> str:
    """Return the colour at data coordinates."""
    column, row = axes.transData.transform((x, y))
    return str(to_hex(pixels[int(row), int(column)] / 255.0)).upper()
