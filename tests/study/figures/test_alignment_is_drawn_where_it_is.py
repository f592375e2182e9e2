"""Cones hold exactly the directions of their pattern; neurons, names and curves are where they should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from gradflow.networks.two_layer.data import in_plane, toy_plane
from gradflow.study.figures.course import course
from gradflow.study.figures.curves import ABOVE, At, Curve, Curves, Strands
from gradflow.study.figures.frames import Below, sheet
from gradflow.study.figures.plane import PlaneView, arcs, radii
from gradflow.study.figures.style import BLUE, DOUBLE, VERMILLION, Look
from tests.study.figures.examples import overhang, texts

ANGLES = st.lists(st.floats(-180.0, 180.0), min_size=1, max_size=8)


def unit(degrees: float) -> np.ndarray:
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


@given(ANGLES, st.floats(-180.0, 180.0), st.floats(0.1, 10.0))
def test_an_arc_has_exactly_its_pattern_and_arcs_have_all_of_it(
    data: list[float], direction: float, size: float
) -> None:
    inputs = size * np.array([unit(angle) for angle in data])
    own = inputs @ unit(direction) > 0.0
    found = arcs(inputs, own)
    for low, high in found:
        assert low < high <= low + 360.0
        for share in (1e-6, 0.1, 0.5, 0.9, 1.0 - 1e-6):
            if high - low > 1e-6:
                np.testing.assert_array_equal(inputs @ unit(low + share * (high - low)) > 0.0, own)
    # Closer to a wall than rounding a direction is on either side.
    if np.min(np.abs(inputs @ unit(direction))) > 1e-9 * size:
        inside = [low <= direction + turn <= high for low, high in found for turn in (0.0, 360.0)]
        assert any(inside)


def test_a_pattern_that_no_direction_has_is_no_arc() -> None:
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert arcs(opposite, [True, True]) == []
    assert arcs(opposite, [False, False]) == []
    assert arcs(opposite[:1], [True]) == [(270.0, 450.0)]


def view() -> PlaneView:
    data = in_plane([0.0, 10.0], [140.0])
    turning = np.array([[unit(60.0), unit(100.0)], [unit(30.0), unit(120.0)], [unit(5.0), unit(140.0)]])
    size = np.array([[0.1, 0.2], [0.3, 0.2], [0.9, 0.4]])
    return PlaneView(data.inputs, data.labels, turning, size, [1.0, -1.0], "step 3")


def panel(**more: Any) -> Curves:
    steps = np.arange(1, 4)
    curves = [
        Curve("own", steps, [1.0, 0.5, 0.1], ([0.1] * 3, [0.2] * 3), marked=False, look=Look(BLUE)),
        Curve("published", [2], [0.4], joined=False),
    ]
    return Curves(curves, "step", "loss", **more)


def test_neurons_are_at_their_radius_with_their_path_and_cones_are_named() -> None:
    figure = sheet([view(), panel(title="losses", log="y")], height=2.4)
    assert figure.get_size_inches().tolist() == [DOUBLE, 2.4]
    assert overhang(figure) < 0.5
    written = texts(figure)
    for name in ("$S_+$", "$S_-$", r"$S_\mathrm{dead}$", "step 3", "losses", "(a)", "(b)", "neurons, $v>0$"):
        assert written.count(name) == 1
    plane = figure.axes[0]
    lines = [np.asarray(line.get_xydata()) for line in plane.lines]
    first = np.array([0.1 * unit(60.0), 0.3 * unit(30.0), 0.9 * unit(5.0)])
    assert any(line.shape == first.shape and np.allclose(line, first) for line in lines)
    for position, color in ((0.9 * unit(5.0), VERMILLION), (0.4 * unit(140.0), BLUE)):
        marks = [
            line
            for line in plane.lines
            if np.shape(line.get_xydata()) == (1, 2) and np.allclose(line.get_xydata(), position)
        ]
        looks = [c for m in marks for c in (m.get_markerfacecolor(), m.get_markeredgecolor())]
        shown = {to_hex(c).upper() for c in looks}
        assert color in shown
    cones = [(p.theta1, p.theta2) for p in plane.patches if isinstance(p, Wedge) and p.width is None]
    np.testing.assert_allclose(sorted(cones), [(100.0, 230.0), (230.0, 270.0), (280.0, 410.0)])


def test_the_key_has_what_is_there() -> None:
    one = view()._replace(labels=[1.0, 1.0, 1.0], signs=[1.0, 1.0])
    written = texts(sheet([one], height=2.0))
    assert "data, $y=1$" in written
    assert "data, $y=-1$" not in written
    assert "neurons, $v<0$" not in written


def drawn_data(figure: Figure, plane: int) -> set[tuple[float, float, str, str]]:
    """Return place, mark and colour of all data in a plane."""
    return {
        (round(float(x), 9), round(float(y), 9), str(line.get_marker()), to_hex(line.get_color()))
        for line in figure.axes[plane].lines
        if line.get_zorder() == 4
        for x, y in np.asarray(line.get_xydata())
    }


def named_data(figure: Figure) -> dict[str, tuple[str, str]]:
    """Return mark and colour of the legend's data by name."""
    return {
        str(line.get_label()): (str(line.get_marker()), to_hex(line.get_color()))
        for line in figure.legends[0].get_lines()
        if str(line.get_label()).startswith("data")
    }


@pytest.mark.parametrize(
    ("labels", "as_now"),
    [([0.0, 1.0, 2.0], "data, $y=1$"), ([-0.5, 0.25, 3.0], "data, $y=0.25$"), ([1.00001, 1.00002, 1.0], "")],
)
def test_data_are_drawn_with_the_labels_that_they_have(labels: list[float], as_now: str) -> None:
    here = [view()._replace(labels=labels), view()._replace(labels=[labels[1]] * 3)]
    figure = sheet(here, height=2.0)
    named = named_data(figure)
    assert len(named) == len({mark for mark, _ in named.values()}) == len({c for _, c in named.values()}) == 3
    places = np.asarray(view().inputs)
    look_of = {float(name.removeprefix("data, $y=").rstrip("$")): look for name, look in named.items()}
    assert set(look_of) == set(labels)
    for plane, shown in enumerate((labels, [labels[1]] * 3)):
        expected = {
            (round(x, 9), round(y, 9), *look_of[label])
            for (x, y), label in zip(places.tolist(), shown, strict=True)
        }
        assert drawn_data(figure, plane) == expected
    if as_now:
        assert named[as_now] == ("P", VERMILLION.lower())


def test_of_many_labels_the_mark_is_the_sign_and_the_colour_the_value() -> None:
    angles = np.arange(0.0, 360.0, 30.0)
    labels = np.linspace(-1.5, 4.0, angles.size)
    labels[3], labels[7] = 0.0, 1.25
    inputs = np.array([unit(angle) for angle in angles])
    figure = sheet([view()._replace(inputs=inputs, labels=labels)], height=2.0)
    drawn = drawn_data(figure, 0)
    assert len({color for *_, color in drawn}) == len(np.unique(labels))
    marks = {(x, y): mark for x, y, mark, _ in drawn}
    for (x, y), label in zip(inputs.tolist(), labels, strict=True):
        assert marks[round(x, 9), round(y, 9)] == {1.0: "P", -1.0: "X", 0.0: "D"}[float(np.sign(label))]
    named = named_data(figure)
    assert list(named) == ["data, $y=4$", "data, $y=1.25$", "data, $y=-1.5$"]
    assert set(named.values()) <= {(mark, color) for *_, mark, color in drawn}


def test_a_legend_above_hides_no_curve() -> None:
    figure = sheet([panel(legend=ABOVE, legend_columns=2)], height=2.0)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1 - 1.0
    assert overhang(figure) < 0.5


def test_the_legends_of_a_course_hide_no_curve() -> None:
    run = xr.Dataset(
        {
            name: (("step", "neuron"), [[0.0, 1.0], [1.0, -1.0], [0.5, 0.5]])
            for name in ("log_norm", "cos_positive", "cos_negative")
        }
        | {"output_sign": (("step", "neuron"), [[1.0, -1.0]] * 3)}
        | {name: ("step", [1.0, 0.5, 0.2]) for name in ("loss", "stable_rank")},
        {"step": [0, 1, 2]},
    )
    figure = course(run, np.eye(2), np.array([1.0, -1.0]))
    figure.draw_without_rendering()
    with_legend = [axes for axes in figure.axes if axes.get_legend() is not None]
    assert len(with_legend) == 2
    for axes in with_legend:
        legend = axes.get_legend()
        assert legend is not None
        assert legend.get_window_extent().y0 >= axes.get_window_extent().y1 - 1.0


def test_strands_lines_and_the_legend_below_are_drawn() -> None:
    strands = Strands([1.0, 3.0], np.array([[0.2, 0.3], [0.4, 0.5]]))
    given = panel(shares=False, strands=[strands], at=[At(2.5, "here", low=0.5)], legend=None)
    figure = sheet([given] * 3, height=[1.5, 1.5], below=Below(0, 2))
    assert len(figure.axes) == 3
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["own", "published"]
    assert all(axes.get_legend() is None for axes in figure.axes)
    lines = [np.asarray(line.get_xydata(), dtype=float).tolist() for line in figure.axes[0].lines]
    assert [[1.0, 0.2], [3.0, 0.4]] in lines
    assert [[1.0, 0.3], [3.0, 0.5]] in lines
    assert [[2.5, 0.5], [2.5, 1.0]] in lines
    assert "here" in texts(figure)
    assert overhang(figure) < 0.5


def test_radii_are_linear_in_the_log_norm_and_end_at_the_circle() -> None:
    logs = np.log([1e-9, 1e-4, 1e-1, 1e1, 1e5])
    np.testing.assert_allclose(
        radii([-math.inf, *logs], 1e-4, 10.0), [0.0, 0.0, 0.0, 0.6, 1.0, 1.0], atol=1e-15
    )
    with pytest.raises(ValueError, match=r"^low, high: expected 0 < low < high, got 1.0 and 1.0$"):
        radii([0.0], 1.0, 1.0)


def test_what_does_not_fit_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"^frames: expected at least one$"):
        sheet([], height=[])
    for heights in ([], [1.0], [1.0, 1.0, 1.0]):
        with pytest.raises(ValueError, match=r"^height: expected one number, or one for each of 2 rows, got"):
            sheet([panel()] * 3, height=heights)
    for place in (-1, 3):
        with pytest.raises(ValueError, match=rf"^below: expected a frame from 0 to 2, got {place}$"):
            sheet([panel()] * 3, below=Below(place, 2))
    with pytest.raises(ValueError, match=r"^frames: expected 1 to 6 curves in each, got 0$"):
        sheet([Curves([], "step")])


def test_a_toy_plane_has_its_three_cones() -> None:
    data = toy_plane(8, 3)
    nothing = np.zeros(8, dtype=bool)
    for own in (data.labels > 0.0, data.labels < 0.0, nothing):
        assert len(arcs(data.inputs, own)) == 1
