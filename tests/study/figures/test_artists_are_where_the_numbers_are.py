"""Points, bars and files are where the numbers are: targets, shares in their rows, endings of names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

import gradflow as gf
from gradflow.descent import train_arrays
from gradflow.ends.outcome import OUTCOMES
from gradflow.study.figures import (
    Diagram,
    Layer,
    Orders,
    Panel,
    Row,
    Rows,
    Series,
    Trajectory,
    loss_against,
    loss_curves,
    phase_diagram,
    phase_plane,
    proved_regions,
    remedies,
    save,
    sheet,
    snapshots,
)
from gradflow.study.figures.phase_diagram import COLORS
from gradflow.study.figures.remedies import ORDER
from gradflow.study.figures.style import DOUBLE, MARKERS, ORANGE, SINGLE
from tests.study.figures.examples import STATES, overhang

X, Y = np.array([0.5, -1.0, 2.0]), np.array([3.0, 1.0, -2.0])
TARGETS = gf.Problem(inputs=gf.Sample(X, targets=Y))
TAUGHT = gf.Problem(inputs=gf.Sample(X))


def shapes(axes: Axes) -> list[list[list[float]]]:
    return [np.asarray(line.get_xydata(), dtype=float).tolist() for line in axes.lines]


def test_targets_of_a_sample_are_points_and_no_teacher() -> None:
    axes = snapshots(STATES[:, :2], [0, 1], TARGETS).axes[0]
    points = axes.lines[0]
    assert (points.get_linestyle(), points.get_marker()) == ("None", "o")
    assert shapes(axes)[0] == np.c_[X, Y].tolist()
    # The teacher's graph is max(x, 0).
    assert not any([0.0, 0.0] in shape and [2.0, 2.0] in shape for shape in shapes(axes))
    low, high = axes.get_ylim()
    assert low < -2.0
    assert high > 3.0
    taught = snapshots(STATES[:, 1:2], [0], TAUGHT).axes[0]
    assert shapes(taught)[0] == [[-1.0, 0.0], [0.0, 0.0], [2.0, 2.0]]


def test_targets_on_the_ends_of_the_input_are_seen_whole() -> None:
    axes = snapshots(STATES[:, :2], [0, 1], TARGETS).axes[0]
    assert axes.get_xlim() == (X.min(), X.max())
    assert not axes.lines[0].get_clip_on()


@pytest.mark.some(2)
@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_the_axes_labels_are_at_the_middle_of_the_panels(count: int) -> None:
    figure = snapshots(STATES[:, np.arange(count) % 4], np.arange(count))
    figure.draw_without_rendering()
    places = [axes.get_position() for axes in figure.axes[:count]]
    below, beside = (next(t for t in figure.texts if t.get_text() == s) for s in ("input $x$", "output"))
    assert below.get_position()[0] == pytest.approx(0.5 * (places[0].x0 + max(p.x1 for p in places)))
    assert beside.get_position()[1] == pytest.approx(0.5 * (places[-1].y0 + places[0].y1))
    assert overhang(figure) < 0.5


@pytest.mark.parametrize(
    ("b1", "names"),
    [
        ([0.0, 0.5], ["target", "student", "breakpoint"]),
        ([3.0, 2.0], ["target", "student", "outside"]),
        ([0.0, -2.0], ["target", "student", "breakpoint", "outside"]),
    ],
)
def test_the_key_of_snapshots_names_what_is_there(b1: list[float], names: list[str]) -> None:
    figure = snapshots(np.array([[1.0, 1.0], b1, [1.0, 1.0], [0.0, 0.0]]), [0, 1])
    legend = figure.axes[2].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == names
    outside = (
        [line.get_marker() for line in legend.get_lines()][names.index("outside") :]
        if "outside" in names
        else []
    )
    assert outside == [">" if b1[1] == -2.0 else "<"] * len(outside)


def test_a_run_is_answered_with_what_to_write_and_that_draws() -> None:
    run = gf.train(gf.Neuron(b2=-1.0), gf.Problem(), gf.GD(0.1), 3)
    given: Any = run
    with pytest.raises(
        TypeError, match=r"^theta: .* got a Dataset; write part = run\.isel\(step=\[0, -1\]\)"
    ) as told:
        snapshots(given, [0])
    code = str(told.value).partition("write ")[2].replace(" and ", "; figure = ")
    names: dict[str, Any] = {"run": run, "snapshots": snapshots, "problem": gf.Problem()}
    exec(code, names)
    assert [axes.get_title() for axes in names["figure"].axes[:2]] == ["step 0", "step 3"]


def test_one_input_has_a_panel_around_it() -> None:
    axes = snapshots(STATES[:, :1], [0], gf.Problem(inputs=gf.Sample([0.5], targets=[2.0]))).axes[0]
    assert axes.get_xlim() == (0.0, 1.0)
    with pytest.raises(
        ValueError, match=r"^problem: the plane needs inputs at two places at least, got 0\.5"
    ):
        phase_plane([], gf.Problem(inputs=gf.Sample([0.5])))


def test_the_plane_has_no_teacher_where_targets_take_its_place() -> None:
    def dotted(problem: gf.Problem) -> list[list[float]]:
        lines = phase_plane([Trajectory(STATES)], problem).axes[0].lines
        return [np.asarray(x.get_xdata(), dtype=float).tolist() for x in lines if x.get_linestyle() == ":"]

    # The middle between -1 and 2 is 0 of the axis, so the teacher's 0 is at -1/3.
    np.testing.assert_allclose(dotted(TAUGHT), [[-1 / 3, -1 / 3]])
    assert dotted(TARGETS) == []


def test_no_neuron_passes_a_teacher_that_is_not_there() -> None:
    x = np.linspace(-1.0, 1.0, 21)
    start, optimizer = gf.Neuron(b1=0.3, b2=-0.2), gf.Adam(0.1)
    taught = train_arrays(start, gf.Problem(inputs=gf.Sample(x)), optimizer, 60)
    same = train_arrays(start, gf.Problem(inputs=gf.Sample(x, targets=np.maximum(x, 0.0))), optimizer, 60)
    np.testing.assert_allclose(same.final, taught.final, rtol=1e-12)
    passes = [[e for e in run.events if e.event == "passes teacher"] for run in (taught, same)]
    assert len(passes[0]) > 0
    assert passes[1] == []
    assert [e for e in taught.events if e not in passes[0]] == same.events


SHARES = [
    {"global": 0.1, "local": 0.25, "undecided": 0.05, "linear": 0.3, "constant": 0.2, "diverged": 0.1},
    None,
    {"global": 0.5, "penalised": 0.125, "local": 0.375},
]


def test_bars_have_their_shares_in_the_rows_of_their_names() -> None:
    names = ["none", "warmup", "leaky"]
    figure = remedies(names, {"flow": SHARES, "gd": SHARES[::-1], "adam": SHARES, "sign": SHARES}, columns=3)
    figure.draw_without_rendering()
    colors = {name.upper(): end for end, name in ({**COLORS, "penalised": ORANGE}).items()}
    first = figure.axes[0]
    rows = dict(zip(first.get_yticks(), [t.get_text() for t in first.get_yticklabels()], strict=True))
    assert list(rows.values()) == names
    for axes, given in zip(figure.axes, (SHARES, SHARES[::-1], SHARES, SHARES), strict=False):
        assert axes.get_xlim() == (0.0, 1.0)
        for place, name in rows.items():
            bars: list[Any] = [p for p in axes.patches if abs(p.get_y() + 0.39 - place) < 1e-12]  # type: ignore[attr-defined]
            shares = given[names.index(name)]
            found = {
                colors[to_hex(bar.get_facecolor()).upper()]: bar for bar in bars if bar.get_width() > 0.0
            }
            widths = {end: bar.get_width() for end, bar in found.items()}
            assert widths == pytest.approx(shares or {})
            ends = sorted(found, key=ORDER.index)
            np.testing.assert_allclose(
                [found[end].get_x() for end in ends], np.cumsum([0.0, *(widths[end] for end in ends)])[:-1]
            )
    # The last line holds one panel: the label is under it, and the panels above the gap keep their ticks.
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "share of the starts"]
    labelled = [any(t.get_visible() and t.get_text() for t in axes.get_xticklabels()) for axes in figure.axes]
    assert labelled == [False, True, True, True]


def test_every_outcome_has_its_mark_and_its_place() -> None:
    assert list(MARKERS) == list(OUTCOMES)
    assert len(set(MARKERS.values())) == len(OUTCOMES)
    assert set(OUTCOMES) < set(ORDER)


def test_means_are_in_the_rows_of_their_names() -> None:
    rows = [Row("he", [(0.2, 0.05), (0.4, 0.1)]), Row("rai", [None, (0.1, 0.02)])]
    axes = sheet([Rows(rows, ["one", "two"], "share")], height=2.0).axes[0]
    names = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    bars = [c for c in axes.containers if isinstance(c, ErrorbarContainer)]
    places = [np.asarray(bar[0].get_xydata()).tolist() for bar in bars]
    for j, own in enumerate(places):
        given = [(row.name, row.values[j]) for row in rows if row.values[j] is not None]
        for (x, y), (name, value) in zip(own, given, strict=True):
            assert value is not None
            assert x == value[0]
            assert abs(y - names[name]) <= 0.2


@pytest.mark.parametrize(
    ("name", "formats", "files"),
    [
        ("p", "pdf", ["p.pdf"]),
        ("p", ["png", "svg"], ["p.png", "p.svg"]),
        ("p.pdf", None, ["p.pdf"]),
        ("p.PNG", None, ["p.png"]),
        ("p.pdf", "png", ["p.png"]),
        ("v1.2", None, ["v1.2.pdf", "v1.2.svg", "v1.2.png"]),
    ],
)
def test_files_are_called_as_they_were_asked_for(
    name: str, formats: Any, files: list[str], tmp_path: Path
) -> None:
    figure = Figure(figsize=(1.0, 1.0))
    written = save(figure, str(tmp_path / name), formats)
    assert [path.name for path in written] == files
    assert {path.name for path in tmp_path.iterdir()} == set(files)


SERIES: Any = Series("a", [1.0, 2.0], [1.0, 2.0])
PANEL: Any = Panel([SERIES])
PAIR: Any = ([1.0], [1.0])
PATH: Any = STATES


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: loss_curves([SERIES]), r"panels: expected a sequence of Panel\(…\), got a Series in it"),
        (lambda: loss_curves(PANEL), r"panels: expected a sequence of Panel\(…\), got one Panel"),
        (
            lambda: loss_curves([Panel([PAIR])]),
            r"series: expected a sequence of Series\(…\), got a tuple",
        ),
        (lambda: loss_against([SERIES], xlabel="x"), "panels: expected a sequence of Panel"),
        (lambda: sheet([PANEL]), r"frames: expected a sequence of Frame\(…\) or Curves\(…\).*, got a Panel"),
        (lambda: sheet(Orders([])), r"frames: expected a sequence of Frame\(…\) or .*, got one Orders"),  # type: ignore[arg-type]
        (
            lambda: phase_plane([PATH]),
            r"trajectories: expected a sequence of Trajectory\(…\), got a ndarray",
        ),
        (lambda: proved_regions([SERIES], Panel([]), xlabel="", ylabel=""), "diagrams: expected a sequence"),
        (lambda: sheet([Rows([], ["a"], "x")], columns=0), "columns: "),
        (lambda: remedies(["none"], {"flow": [None]}, columns=0), "columns: "),
        (lambda: save(Figure(), Path("p"), "gif"), "formats: expected pdf, svg or png, got 'gif'"),
    ],
)
def test_other_things_are_answered_with_what_to_write(draw: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{words}") as caught:
        draw()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("width", [SINGLE, DOUBLE])
def test_legends_of_every_outcome_fit(width: float) -> None:
    codes = xr.DataArray(np.arange(-1, 6).reshape(1, 7).repeat(2, axis=0), dims=["a", "b"])
    layers = [
        Layer(name, codes == 0, hatch="//") for name in ("killed by steps", "by the first step", "faded")
    ]
    every = dict.fromkeys(ORDER, 1.0 / len(ORDER))
    for figure in (
        phase_diagram([Diagram("", codes, layers=layers)], width=width),
        remedies(["no remedy at all"], {"flow": [every], "gd": [every]}, width=width),
    ):
        assert overhang(figure) < 0.5
        rows = {round(t.get_window_extent().y0) for t in figure.legends[0].get_texts()}
        assert len(rows) <= (2 if width == DOUBLE else 8)
