"""Every kind of figure draws what it is given, labelled, at its size, without warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.study.figures import (
    DOUBLE,
    SINGLE,
    Panel,
    Series,
    Trajectory,
    fraction,
    loss_against,
    loss_curves,
    phase_plane,
    remedies,
    snapshots,
)
from gradflow.study.figures.panels import points
from gradflow.study.figures.phase_plane import compress
from gradflow.study.figures.snapshots import graph
from gradflow.study.figures.style import BLACK, PALETTE
from tests.study.figures.examples import FINAL, KINDS, STATES, VALUES, overhang, texts

WIDTHS = {
    "loss_curves": DOUBLE,
    "loss_against": SINGLE,
    "snapshots": DOUBLE,
    "phase_plane": SINGLE,
    "remedies": DOUBLE,
    "phase_diagram": DOUBLE,
    "network_runs": DOUBLE,
}
WRITTEN = {
    "loss_curves": ["step", "loss", "(a)", "(b)", "$b_2 = -1$", "best line, 1/48", "one", "two"],
    "loss_against": ["rate", "final loss", "(a)", "dead", "balanced", "best constant, 5/48", "0.5", "Adam"],
    "snapshots": ["step 0", "step 150", "hyperactive", "target", "student", "breakpoint", "output"],
    "phase_plane": ["$b_2$", "hyperactive", "balanced", "dead", "the flow", "Adam", "end: linear"],
    "phase_diagram": ["one", "two", "b1", "rate lr", "global", "local", "not computed", "reached", "lost"],
    "network_runs": ["the flow", "Adam", "breakpoints", "dead", "balanced", "loss", "best constant"],
    "remedies": ["none", "another activation", "flow", "as without", "share of the starts", "undecided"],
}


@pytest.mark.some(3)
@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_there_and_within_the_figure(kind: str) -> None:
    figure = KINDS[kind]()
    assert isinstance(figure, Figure)
    assert figure.get_size_inches()[0] == WIDTHS[kind]
    assert set(WRITTEN[kind]) <= set(texts(figure))
    assert overhang(figure) < 0.5


@pytest.mark.parametrize("width", [SINGLE, DOUBLE])
def test_the_width_is_the_callers(width: float) -> None:
    panel = Panel([Series("", VALUES, FINAL)])
    for figure in (
        loss_curves([panel], width=width),
        loss_against([panel], xlabel="x", width=width),
        phase_plane([Trajectory(STATES)], width=width),
        snapshots(STATES[:, :2], np.arange(2), columns=3, width=width),
    ):
        assert figure.get_size_inches()[0] == width
        assert overhang(figure) < 0.5


@pytest.mark.some(2)
@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [0.0, 0.0], [1.0, np.nan], [np.inf, 1.0]])
def test_series_without_finite_or_positive_values_draw(values: list[float]) -> None:
    """Zeros stand on the ends of the range, NaN nowhere, and the axes have ends."""
    series = Series("empty", np.arange(len(values)), np.array(values))
    figures = [loss_curves([Panel([series])]), loss_curves([Panel([])])]
    figures += [loss_against([Panel([series])], xlabel="x", xscale=scale) for scale in ("linear", "log")]
    for figure in figures:
        figure.draw_without_rendering()
        axes = figure.axes[0]
        low, high = axes.get_ylim()
        assert 0.0 < low < high < np.inf
        assert np.all(np.isfinite(axes.get_xlim()))
        drawn = np.concatenate([[], *(np.asarray(line.get_ydata(), dtype=float) for line in axes.lines)])
        seen = drawn[np.isfinite(drawn)]
        assert np.all((seen >= low) & (seen <= high))
    finite = np.isfinite(values).sum() if values else 0
    for figure in figures[2:]:
        lines = figure.axes[0].lines
        inside = np.asarray(lines[0].get_ydata(), dtype=float) if lines else np.array([])
        assert np.isfinite(inside).sum() == finite


def test_trajectories_that_are_empty_or_leave_the_numbers_draw() -> None:
    bad = STATES.copy()
    bad[:, 1] = np.nan
    bad[3, 2] = np.inf
    bare = len(phase_plane([]).axes[0].lines)
    figure = phase_plane([Trajectory(np.empty((4, 0))), Trajectory(np.zeros((4, 2)))])
    figure.draw_without_rendering()
    for line in figure.axes[0].lines[bare:]:
        assert not np.any(np.isfinite(np.asarray(line.get_xydata(), dtype=float)).all(axis=1))
    figure = phase_plane([Trajectory(bad)])
    figure.draw_without_rendering()
    way, first, last = figure.axes[0].lines[bare:]
    # Of states that left the numbers nothing is seen, and the rest is where it is without them.
    assert np.asarray(way.get_ydata()).tolist() == bad[3, [0, 3]].tolist()
    assert [np.asarray(end.get_ydata()).item() for end in (first, last)] == bad[3, [0, 3]].tolist()
    nothing = snapshots(np.empty((4, 0)), np.empty(0))
    nothing.draw_without_rendering()
    assert not any(axes.lines or axes.get_legend() for axes in nothing.axes)
    still = snapshots(np.zeros((4, 1)), [0])
    still.draw_without_rendering()
    target, student = still.axes[0].lines
    np.testing.assert_array_equal(target.get_xydata(), [[-1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(student.get_xydata(), [[-1.0, 0.0], [1.0, 0.0]])


def test_losses_beyond_the_range_stand_on_its_ends() -> None:
    series = Series("", VALUES, FINAL, "dots")
    axes = loss_against([Panel([series])], xlabel="x", floor=1e-8, ceiling=1.0).axes[0]
    inside, above = axes.lines
    np.testing.assert_array_equal(inside.get_ydata(), [1e-8, 1e-8, 1e-3, np.nan, 5 / 48, np.nan, np.nan])
    np.testing.assert_array_equal(above.get_xdata(), VALUES[-2:])
    np.testing.assert_array_equal(above.get_ydata(), [1.0, 1.0])
    assert above.get_marker() == "^"


def test_a_line_is_interrupted_where_the_outcome_changes() -> None:
    x, y = points(Series("", [0.0, 1.0, 2.0], [1.0, 2.0, 3.0], breaks=[0.5, 2.0, 7.0]))
    np.testing.assert_array_equal(x, [0.0, np.nan, 1.0, np.nan, 2.0])
    np.testing.assert_array_equal(y, [1.0, np.nan, 2.0, np.nan, 3.0])


def test_the_axis_beyond_the_walls_is_continuous_and_ends_at_infinity() -> None:
    x = np.array([-np.inf, -4.0, -1.0, 0.0, 1.0, 2.0, np.inf])
    np.testing.assert_array_equal(compress(x, -1.0, 1.0), [-2.0, -1.75, -1.0, 0.0, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(compress(np.array([2.0, 3.0, 4.0, 5.0]), 2.0, 4.0), [-1.0, 0.0, 1.0, 1.5])
    near = compress(np.array([1.0 - 1e-6, 1.0 + 1e-6]), -1.0, 1.0)
    np.testing.assert_allclose(np.diff(near), 2e-6, rtol=1e-5)


def test_a_trajectory_through_an_infinite_breakpoint_is_interrupted() -> None:
    state = np.array([[0.1, -0.1], [1.0, 1.0], [1.0, 1.0], [0.0, 0.5]])
    line = next(
        x for x in phase_plane([Trajectory(state)]).axes[0].lines if len(np.asarray(x.get_xdata())) == 3
    )
    np.testing.assert_allclose(np.asarray(line.get_xdata()), [-1.9, np.nan, 1.9])


@pytest.mark.parametrize(
    ("w1", "names"),
    [(1.0, ["hyperactive", "balanced", "dead"]), (-1.0, ["dead", "balanced", "hyperactive"])],
)
def test_regions_are_named_for_the_sign_of_the_input_weight(w1: float, names: list[str]) -> None:
    state = np.array([[w1, w1], [0.0, 0.1], [1.0, 1.0], [0.0, 0.5]])
    axes = phase_plane([Trajectory(state)]).axes[0]
    shown = sorted((t.xy[0], t.get_text()) for t in axes.texts)  # type: ignore[attr-defined]
    assert [name for _, name in shown] == names


def test_the_graph_of_a_neuron_has_its_kink_as_a_vertex() -> None:
    x, y = graph(Neuron(2.0, -1.0, 3.0, 0.5), Problem())
    np.testing.assert_array_equal(x, [-1.0, 0.5, 1.0])
    np.testing.assert_array_equal(y, [0.5, 0.5, 3.5])
    x, y = graph(Neuron(1.0, 3.0, 1.0, 0.0), Problem(inputs=Uniform(0.0, 2.0), activation=(0.1, 1.0)))
    np.testing.assert_array_equal(x, [0.0, 2.0])
    np.testing.assert_array_equal(y, [3.0, 5.0])


def test_the_graph_of_a_smooth_neuron_is_a_curve_beside_its_teachers() -> None:
    problem = Problem(activation="silu", teacher_activation="relu")
    x, y = graph(Neuron(2.0, 0.5, 1.5, -0.3), problem)
    z = 2.0 * x + 0.5
    np.testing.assert_allclose(y, 1.5 * z / (1.0 + np.exp(-z)) - 0.3)
    corners, _ = graph(problem.teacher, problem, problem.teacher_activation)
    np.testing.assert_array_equal(corners, [-1.0, 0.0, 1.0])
    assert snapshots(STATES, np.arange(4), problem).axes


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1 / 48, "1/48"),
        (5 / 48, "5/48"),
        (0.0, "0"),
        (0.0212478, "0.02125"),
        (np.pi, "3.142"),
        (np.inf, "inf"),
    ],
)
def test_a_reference_loss_is_written_as_the_fraction_that_it_is(value: float, written: str) -> None:
    assert fraction(value) == written


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (({},), "value: expected "),
        (("1/3",), "value: expected "),
        (([0.5],), "value: expected one number, got \\[0.5\\]"),
        ((0.5, 0), "largest: expected an integer >= 1, got 0"),
        ((0.5, 2.0), "largest: expected an integer >= 1, got 2.0"),
    ],
)
def test_what_is_no_fraction_is_named(given: tuple[Any, ...], line: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{line}"):
        fraction(*given)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: loss_curves([]), "panels: "),
        (lambda: loss_curves([Panel([Series("a", [1.0], [1.0, 2.0])])]), "series 'a': "),
        (lambda: loss_curves([Panel([Series("a", [1.0], [1.0], "pink")])]), "look: "),
        (lambda: loss_curves([Panel([])], floor=1.0, ceiling=0.1), "ceiling: "),
        (lambda: loss_against([], xlabel="x"), "panels: "),
        (lambda: loss_against([Panel([])], xlabel="x", floor=0.0), "floor: "),
        (lambda: loss_against([Panel([])], xlabel="x", xscale="cubic"), "xscale: "),
        (lambda: snapshots(np.zeros((3, 2)), [0, 1]), "theta: "),
        (lambda: snapshots(STATES, [0]), "theta: "),
        (lambda: snapshots(STATES, np.arange(4), columns=0), "columns: "),
        (lambda: phase_plane([Trajectory(np.zeros(4))]), "theta: "),
        (lambda: phase_plane([Trajectory(STATES, "flow", "lost")]), "outcome: "),
        (lambda: phase_plane([], window=(1.0, 1.0)), "window: "),
        (lambda: remedies(["none"], {}), "panels: "),
        (lambda: remedies(["none", "some"], {"flow": [None]}), "panels: "),
    ],
)
def test_bad_input_is_named_in_one_line(draw: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}") as caught:
        draw()
    assert "\n" not in str(caught.value)


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_the_palette_is_ordered_by_lightness() -> None:
    assert PALETTE[0] == BLACK
    values = [luminance(color) for color in PALETTE]
    assert values == sorted(values)
    assert max(values) < 0.5


def test_the_words_of_a_legend_are_read_over_a_line() -> None:
    """Series everywhere: wherever the legend is, it is over one, which it makes paler."""
    x = np.arange(50.0)
    every = [Series(f"series {k}", x, np.full(50, 10.0**-k)) for k in range(6)]
    legend = loss_curves([Panel(every)], width=SINGLE).axes[0].get_legend()
    assert legend is not None
    frame = legend.get_frame()
    assert frame.get_visible()
    *color, alpha = to_rgba(frame.get_facecolor())
    assert color == [1.0, 1.0, 1.0]
    assert 0.7 <= alpha < 1.0
