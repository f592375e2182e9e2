"""Shares of dead units are drawn where they are, with their errors; what does not fit is one line."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.study.figures.curves import Curve, Curves
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.rows import Row, Rows


def test_points_errors_and_rows_are_where_they_should_be() -> None:
    figure = sheet(
        [
            Curves(
                [
                    Curve("a", [1, 2, 4], [0.1, 0.2, 0.4], 0.05),
                    Curve("b", [1, 2], [0.3, 0.5], 0.1, marked=False),
                ],
                "rate",
                log="x",
            ),
            Rows(
                [Row("one", [(0.2, 0.1), (0.4, 0.1)]), Row("two", [None, (0.3, 0.0)])],
                ("dead", "off"),
                "share",
            ),
        ],
        columns=2,
    )
    curves, rows = figure.axes
    assert curves.get_xscale() == "log"
    bars, band = curves.containers
    np.testing.assert_allclose(bars[0].get_xydata(), [[1, 0.1], [2, 0.2], [4, 0.4]])
    segments = bars[2][0].get_segments()
    np.testing.assert_allclose(
        [segment[:, 1] for segment in segments], [[0.05, 0.15], [0.15, 0.25], [0.35, 0.45]]
    )
    np.testing.assert_allclose(band[0].get_xydata(), [[1, 0.3], [2, 0.5]])
    heights = [np.ptp(np.asarray(path.vertices)[:, 1]) for c in curves.collections for path in c.get_paths()]
    assert pytest.approx(0.4) in heights
    dead, off = rows.containers
    assert dead[0].get_xdata().tolist() == [0.2]
    assert off[0].get_xdata().tolist() == [0.4, 0.3]
    assert np.all(np.diff(off[0].get_ydata()) < 0)
    names = {
        label.get_text(): at for label, at in zip(rows.get_yticklabels(), rows.get_yticks(), strict=True)
    }
    assert names == {"one": 0.0, "two": -1.0}
    assert rows.get_xlim()[1] > 0.5


def test_what_does_not_fit_is_one_line() -> None:
    with pytest.raises(ValueError, match="frames: expected 1 to 6 series in each, got 0"):
        sheet([Rows([], (), "x")])
    with pytest.raises(ValueError, match="frames: expected at least one row in each"):
        sheet([Rows([], ("dead",), "x")])
    with pytest.raises(ValueError, match="frames: expected 1 to 6 curves in each, got 7"):
        sheet([Curves([Curve("", [1], [1])] * 7, "x")])
    with pytest.raises(ValueError, match="curve 'a': expected two arrays of one length"):
        sheet([Curves([Curve("a", [1, 2], [1])], "x")])
