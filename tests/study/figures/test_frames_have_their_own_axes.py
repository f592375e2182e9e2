"""A figure of mixed frames has each quantity on its own axes, with its own scale and limits."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.study.figures.frames import Frame, sheet
from gradflow.study.figures.panels import Level, Mark, Panel, Series
from gradflow.study.figures.style import DOUBLE
from tests.study.figures.examples import overhang, texts

X = np.arange(1.0, 50.0)
CURVES = [Series("a", X, np.exp(-X)), Series("b", X, 0 * X)]
FRAMES = (
    Frame(Panel(CURVES, levels=[Level("low", 1e-9)]), "step", "loss", yscale="log"),
    Frame(Panel([Series("", X, -X)], marks=[Mark("here", 25.0)]), "time", "height", xlim=(0.0, 60.0)),
    Frame(Panel([Series("c", X, X**2, "dots")]), "rate", "error", "log", "log", ylim=(0.1, 1e4)),
)


@pytest.mark.some(1)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_frame_keeps_its_axes(count: int) -> None:
    figure = sheet(FRAMES[:count])
    axes = figure.axes
    assert len(axes) == count
    assert [a.get_xlabel() for a in axes] == ["step", "time", "rate"][:count]
    assert [a.get_yscale() for a in axes] == ["log", "linear", "log"][:count]
    assert axes[0].get_xlim() == (1.0, 49.0)
    if count > 1:
        assert axes[1].get_xlim() == (0.0, 60.0)
        assert {"(a)", "(b)", "here", "low"} <= set(texts(figure))
    assert figure.get_size_inches()[0] == DOUBLE
    assert overhang(figure) < 0.5


def test_every_series_is_drawn() -> None:
    first = sheet(FRAMES).axes[0]
    drawn = [line for line in first.get_lines() if len(np.asarray(line.get_xdata())) == X.size]
    np.testing.assert_array_equal(np.asarray(drawn[0].get_ydata()), np.exp(-X))
    assert len(drawn) == 2


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"^frames: "):
        sheet([])
    with pytest.raises(ValueError, match=r"^columns: "):
        sheet(FRAMES, columns=0)
    with pytest.raises(ValueError, match=r"^series 'x': "):
        sheet([Frame(Panel([Series("x", X, X[:3])]), "", "")])
