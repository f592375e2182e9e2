"""Every start of a phase diagram is seen at its place in its outcome's colour, whatever the grid."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from gradflow.ends.outcome import OUTCOMES
from gradflow.study.figures import Diagram, Layer, Panel, Series, phase_diagram, proved_regions
from gradflow.study.figures.cells import edges, scale
from gradflow.study.figures.phase_diagram import COLORS, NOTHING, check, draw_diagram
from gradflow.study.figures.proved_regions import PALE_COLORS
from tests.study.figures.pixels import color_at, rendered
from tests.study.figures.test_every_kind_draws import luminance

B1 = np.array([-2.0, -0.5, 0.0, 3.0])
RATE = np.geomspace(1e-4, 10.0, 6)
CODES = np.array([[k % 5, (k + 1) % 5, 4, 0, (2 * k) % 5, 5] for k in range(4)])
UPPER = {name: color.upper() for name, color in COLORS.items()}


def outcomes(codes: np.ndarray = CODES, b1: np.ndarray = B1, rate: np.ndarray = RATE) -> xr.DataArray:
    return xr.DataArray(codes, {"b1": b1, "lr": rate}, ["b1", "lr"])


def seen(figure: Figure, axes_index: int, b1: np.ndarray, rate: np.ndarray) -> list[list[str]]:
    """Return the colours at the starts."""
    pixels, axes = rendered(figure), figure.axes[axes_index]
    return [[color_at(pixels, axes, x, y) for y in rate] for x in b1]


def expected(codes: np.ndarray) -> list[list[str]]:
    return [[UPPER[OUTCOMES[code]] for code in row] for row in codes]


def test_starts_at_unequal_distances_are_in_their_cells() -> None:
    figure = phase_diagram([Diagram("", outcomes())], width=3.0, height=5.0)
    axes = figure.axes[0]
    assert seen(figure, 0, B1, RATE) == expected(CODES)
    # Cells end midway between starts, on the axis as it is drawn.
    assert axes.get_xlim() == (-2.75, 4.5)
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    np.testing.assert_allclose(axes.get_ylim(), [1e-4 / 10**0.5, 10.0 * 10**0.5])
    pixels = rendered(figure)
    for x, column in ((-1.3, 0), (-1.2, 1), (-0.3, 1), (-0.2, 2), (1.4, 2), (1.6, 3), (4.4, 3)):
        assert color_at(pixels, axes, x, RATE[0]) == UPPER[OUTCOMES[CODES[column, 0]]]


@pytest.mark.parametrize("turned", [False, True])
def test_names_of_dimensions_say_which_is_horizontal(turned: bool) -> None:
    given = outcomes().T if turned else outcomes()
    figure = phase_diagram([Diagram("", given)], xlabel="initial $b_1$", ylabel="rate lr")
    assert seen(figure, 0, B1, RATE) == expected(CODES)
    # Without labels the first dimension is horizontal, and the axes are called what they are.
    plain = phase_diagram([Diagram("", given), Diagram("", outcomes())])
    horizontal = "lr" if turned else "b1"
    assert (plain.get_supxlabel(), plain.get_supylabel()) == (horizontal, "b1" if turned else "lr")
    for axes in plain.axes:
        assert axes.get_xscale() == ("log" if turned else "linear")


def test_masks_are_turned_with_their_outcomes_or_refused() -> None:
    mask = outcomes() == 0
    for over in (mask, mask.T):
        figure = phase_diagram([Diagram("", outcomes(), layers=[Layer("zero", over, "#123456")])])
        shown = seen(figure, 0, B1, RATE)
        assert [[color == "#123456" for color in row] for row in shown] == mask.values.tolist()
    square = xr.DataArray(np.ones((4, 6), dtype=bool), dims=["w1", "lr"])
    with pytest.raises(
        ValueError, match=r"^diagrams: the masks of layers must lie over .* b1, lr, got w1, lr$"
    ):
        phase_diagram([Diagram("", outcomes(), layers=[Layer("other", square)])])


@pytest.mark.parametrize("nothing", [-1, np.nan])
def test_what_is_not_computed_is_no_outcome(nothing: float) -> None:
    codes = CODES.astype(float)
    codes[1, 2] = codes[3, 5] = nothing
    figure = phase_diagram([Diagram("", outcomes(codes))], width=3.0, height=5.0)
    shown = seen(figure, 0, B1, RATE)
    for i, row in enumerate(shown):
        for j, color in enumerate(row):
            assert (color in UPPER.values()) == (codes[i, j] >= 0), (i, j, color)
    entries = [text.get_text() for x in figure.findobj(Legend) for text in x.get_texts()]
    assert entries == [*OUTCOMES, NOTHING]
    assert NOTHING not in [
        text.get_text()
        for x in phase_diagram([Diagram("", outcomes())]).findobj(Legend)
        for text in x.get_texts()
    ]


def test_panels_over_other_ranges_are_seen_whole() -> None:
    wide = outcomes(b1=10.0 * B1)
    figure = phase_diagram([Diagram("", wide), Diagram("", outcomes())], width=6.0, height=3.0)
    assert seen(figure, 0, 10.0 * B1, RATE) == expected(CODES)
    assert seen(figure, 1, B1, RATE) == expected(CODES)
    # Beyond a panel's own grid nothing is computed.
    assert color_at(rendered(figure), figure.axes[1], 20.0, 0.1) not in UPPER.values()


def test_names_of_outcomes_are_as_good_as_codes() -> None:
    names = xr.DataArray(np.array([*OUTCOMES, NOTHING])[CODES], outcomes().coords, outcomes().dims)
    assert seen(phase_diagram([Diagram("", names)]), 0, B1, RATE) == expected(CODES)


def test_ticks_are_labelled_above_an_empty_place() -> None:
    figure = phase_diagram([Diagram("", outcomes())] * 4, columns=3, width=6.0, height=4.0)
    figure.draw_without_rendering()
    bottom = [
        any(t.get_visible() and t.get_text() for t in axes.get_xticklabels()) for axes in figure.axes[:4]
    ]
    assert bottom == [False, True, True, True]


COORDINATES = st.lists(st.integers(-30, 30), min_size=1, max_size=5, unique=True)


@settings(max_examples=9, deadline=None)
@given(COORDINATES, COORDINATES, st.booleans(), st.booleans(), st.data())
def test_any_grid_has_its_starts_in_their_colours(
    first: list[int], second: list[int], falling: bool, log: bool, data: st.DataObject
) -> None:
    x, y = (np.array(sorted(v, reverse=falling), dtype=float) for v in (first, second))
    if log:
        x = 10.0 ** (x / 10.0)
    codes = np.array(
        data.draw(st.lists(st.integers(0, 5), min_size=x.size * y.size, max_size=x.size * y.size))
    )
    codes = codes.reshape(x.size, y.size)
    figure = Figure(figsize=(9.0, 4.0))
    axes = figure.subplots()
    draw_diagram(axes, check([Diagram("", outcomes(codes, x, y))])[0])
    assert axes.get_xlim()[0] < axes.get_xlim()[1]
    corners = [edges(x, axes.get_xscale()), edges(y, axes.get_yscale())]
    inside = [np.full(corners[1].size, x[0]), np.full(corners[0].size, y[0])]
    across = axes.transData.transform(np.c_[corners[0], inside[1]])[:, 0]
    up = axes.transData.transform(np.c_[inside[0], corners[1]])[:, 1]
    # The middle of a narrower cell may be another's pixel.
    if min(np.min(np.abs(np.diff(across))), np.min(np.abs(np.diff(up)))) > 3.0:
        pixels = rendered(figure)
        assert [[color_at(pixels, axes, u, v) for v in y] for u in x] == expected(codes)


def test_scales_are_those_of_the_most_equal_steps() -> None:
    assert scale(np.array([1.0, 10.0, 100.0])) == "log"
    assert scale(np.array([1.0, 10.0])) == scale(np.array([0.0, 10.0, 20.0])) == "linear"
    assert scale(np.array([1e-3, 3e-3, 1e-2, 3e-2])) == scale(np.array([90.0, 10.0, 1.0])) == "log"
    # Where they do not span a decade, or are more equal as they are.
    assert scale(np.array([1.0, 2.0, 4.0, 7.0])) == scale(np.array([1.0, 5.0, 11.0])) == "linear"
    np.testing.assert_allclose(edges(np.array([1.0, 10.0, 100.0]), "log"), 10.0 ** np.arange(-0.5, 2.6))
    np.testing.assert_array_equal(edges(np.array([4.0]), "linear"), [3.5, 4.5])


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: phase_diagram([outcomes()]), "diagrams: expected a sequence of Diagram"),  # type: ignore[list-item]
        (lambda: phase_diagram(Diagram("", outcomes())), "diagrams: expected a sequence of Diagram"),  # type: ignore[arg-type]
        (lambda: phase_diagram([Diagram("", CODES)]), "diagrams: outcomes: expected"),  # type: ignore[arg-type]
        (lambda: phase_diagram([Diagram("", outcomes(CODES + 3))]), "diagrams: expected outcomes, codes or"),
        (
            lambda: phase_diagram([Diagram("", outcomes(b1=B1[[0, 2, 1, 3]]))]),
            "diagrams: the values of b1 must",
        ),
        (lambda: phase_diagram([Diagram("", outcomes())], columns=0), "columns: "),
    ],
)
def test_what_is_no_grid_of_outcomes_is_refused(draw: object, words: str) -> None:
    assert callable(draw)
    with pytest.raises((TypeError, ValueError), match=f"^{words}") as caught:
        draw()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("colors", "apart"), [(COLORS, 13.0), (PALE_COLORS, 5.0)])
def test_outcomes_are_told_apart_in_grey(colors: dict[str, str], apart: float) -> None:
    assert set(colors) == set(OUTCOMES)
    lightness = [116.0 * luminance(color) ** (1 / 3) - 16.0 for color in colors.values()]
    assert min(abs(a - b) for a, b in combinations(lightness, 2)) > apart


def test_regions_are_turned_too() -> None:
    shares = Panel([Series("all", [0.1, 1.0], [0.2, 0.9])])
    figure = proved_regions([Diagram("", outcomes().T)], shares, xlabel="b1", ylabel="lr")
    pale = {name: color.upper() for name, color in PALE_COLORS.items()}
    assert seen(figure, 0, B1, RATE) == [[pale[OUTCOMES[code]] for code in row] for row in CODES]
