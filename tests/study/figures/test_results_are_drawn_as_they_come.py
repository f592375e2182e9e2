"""One line draws a result: losses with their names, students, parameters, outcomes, trajectories, a film."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

import gradflow as gf
from gradflow.study.figures.style import CYCLE, SINGLE
from tests.study.figures.examples import overhang, texts

START = gf.Neuron(b2=-1.2)
NONE: Any = "none"
RATES = (0.05, 0.1, 0.2)


@cache
def flow() -> xr.Dataset:
    return gf.gradient_flow(START, t_end=20.0)


@cache
def descent() -> xr.Dataset:
    return gf.train(START, gf.Problem(), gf.GD(lr=list(RATES)), 100)


@cache
def adam() -> xr.Dataset:
    return gf.train(START, gf.Problem(), gf.Adam(0.01), 2500)


@cache
def network() -> xr.Dataset:
    start = gf.networks.line.start("uniform", 3, seed=1)
    return gf.train(start, gf.Problem(target="abs"), gf.GD(0.1), 20)


@cache
def plane() -> xr.Dataset:
    return gf.basins(b1=(-2, 2, 5), b2=(-2, 2, 4), method="gd", steps=50)


def data(line: Line2D) -> tuple[np.ndarray, np.ndarray]:
    """Return where a line goes."""
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_flow_and_descent_share_the_axis_of_time_and_keep_their_rates() -> None:
    figure = gf.figures.loss({"flow": flow(), "GD": descent()})
    (axes,) = figure.axes
    names = [str(line.get_label()) for line in axes.lines[:4]]
    assert names == ["flow", *(f"GD, $\\eta$ {rate:g}" for rate in RATES)]
    for rate, line in zip(RATES, axes.lines[1:4], strict=True):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        np.testing.assert_allclose(x, rate * np.arange(101))
        np.testing.assert_array_equal(y, descent()["loss"].sel(lr=rate))
    looks = {(to_hex(line.get_color()), line.get_linestyle()) for line in axes.lines[:4]}
    assert len(looks) == 4
    assert {"flow", *names} <= set(texts(figure))


def test_a_run_that_diverged_says_so_ends_there_and_does_not_rule_the_axes() -> None:
    run = gf.train(gf.Neuron(b2=-1.0), gf.Problem(), gf.GD(lr=[0.2, 1.2]), steps=400)
    assert run["diverged"].values.tolist() == [0, 1]
    (axes,) = gf.figures.loss(run).axes
    kept, gone = axes.lines[:2]
    assert [kept.get_label(), gone.get_label()] == ["$\\eta$ 0.2", "$\\eta$ 1.2, diverged"]
    np.testing.assert_array_equal(data(kept)[1], run["loss"].values[:, 0])
    losses, drawn = run["loss"].values[:, 1], data(gone)[1]
    end = int(np.flatnonzero(losses != losses[-1])[-1]) + 1
    assert end < 400
    np.testing.assert_array_equal(drawn, losses[: end + 1])
    assert axes.get_ylim()[1] == pytest.approx(1e3 * run["loss"].values[0, 0])
    assert axes.get_xlim() == (0.0, 400.0)
    (alone,) = gf.figures.loss(run.isel(lr=1)).axes
    assert alone.lines[0].get_label() == "diverged"
    assert alone.get_ylim()[1] > losses[-1]
    assert alone.get_xlim() == (0.0, end)
    (both,) = gf.figures.loss({"slow": run.isel(lr=0), "fast": run.isel(lr=1)}, against="time").axes
    assert both.get_xlim()[1] == pytest.approx(0.2 * 400.0)
    assert both.lines[1].get_label() == "fast, diverged"


def test_steps_stay_steps_where_all_are_steps() -> None:
    axes = gf.figures.loss([adam(), adam()]).axes[0]
    assert axes.get_xlabel() == "step"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), adam()["step"])


def test_the_student_is_drawn_from_the_first_moment_to_the_last() -> None:
    titles = texts(gf.figures.students(adam(), count=3))
    assert {"step 0", "step 2500", "target"} <= set(titles)
    figure = gf.figures.students(network(), gf.Problem(target="abs"), count=2)
    target, first, last = figure.axes[0].lines
    for line, k in ((first, 0), (last, -1)):
        state = gf.Network(*(network()[name].values[k] for name in ("w1", "b1", "w2", "b2")))
        x, y = data(line)
        np.testing.assert_allclose(y, state(x))
    x, y = data(target)
    np.testing.assert_allclose(y, np.abs(x), atol=1e-15)


def test_functions_are_drawn_over_the_target() -> None:
    problem = gf.Problem(activation="silu", teacher_activation="relu", inputs=gf.Uniform(0.0, 2.0))
    target, student = gf.figures.functions(gf.Neuron(2.0), problem).axes[0].lines
    x, y = data(student)
    assert (x[0], x[-1]) == (0.0, 2.0)
    np.testing.assert_allclose(y, gf.Neuron(2.0)(x, "silu"))
    np.testing.assert_allclose(*data(target))
    sample = gf.Problem(inputs=gf.Sample([0.0, 1.0], targets=[2.0, 3.0]))
    dots = gf.figures.functions({"one": gf.Neuron()}, sample).axes[0].lines[0]
    np.testing.assert_array_equal(dots.get_xydata(), [[0.0, 2.0], [1.0, 3.0]])


def test_parameters_are_drawn_where_they_are() -> None:
    axes = gf.figures.parameters(flow(), ["b1", "loss"]).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), flow()["b1"])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), flow()["loss"])


def test_outcomes_over_a_plane_have_anothers_boundary_over_them() -> None:
    other = plane().assign(outcome_name=(plane()["outcome"].dims, np.full((5, 4), "global")))
    other["outcome_name"][:2] = "constant"
    figure = gf.figures.outcomes(plane(), over={"the flow": other}, walls=(-1.0, 1.0))
    assert {"initial $b_1$", "initial $b_2$", "global under the flow"} <= set(texts(figure))
    two = gf.figures.outcomes({"a": plane(), "b": plane()})
    assert {"a", "b"} <= set(texts(two))
    strip = gf.figures.outcomes(plane().isel(b2=0))
    assert "final loss" in texts(strip)
    assert "loss when decided" in texts(gf.figures.outcomes(gf.basins(b2=[-2.0, 0.5])))


def test_trajectories_are_drawn_in_the_plane() -> None:
    figure = gf.figures.trajectories({"flow": flow(), "GD": descent(), "mine": adam()})
    assert {"flow", "GD", "mine", "end: linear"} <= set(texts(figure))


@pytest.mark.slow
def test_a_film_moves_and_is_shown(tmp_path: Path) -> None:
    film = gf.figures.movie(adam(), count=4)
    path = film.save(tmp_path / "a.gif")
    with Image.open(path) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
    assert film._repr_html_().startswith("<img")
    with pytest.raises(ValueError, match=r"path: expected a name that ends in \.gif"):
        film.save(tmp_path / "a.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]


def test_a_film_that_nobody_watches_is_no_warning() -> None:
    gf.figures.movie(adam(), count=2)
    gc.collect()


def test_a_figure_is_seen_in_a_notebook() -> None:
    data, about = gf.figures.parameters(flow())._repr_png_()  # type: ignore[attr-defined]
    assert data.startswith(b"\x89PNG")
    assert about["width"] == round(110 * SINGLE)


def test_what_theorems_decide_is_drawn_for_any_teacher() -> None:
    problem = gf.Problem(gf.Neuron(1.0, -0.5, 1.0, 0.5), gf.Uniform(-1.0, 1.5))
    figure = gf.figures.decided(problem, n=30)
    assert {"sign trap", "dead", "undecided", "initial $b_1$"} <= set(texts(figure))
    assert overhang(figure) < 0.5
    wrong: dict[str, Any] = {"b1": (1.0, 1.0), "b2": 5, "n": 1, "w1": np.nan}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=f"^{name}: "):
            gf.figures.decided(problem, **{name: value})
    with pytest.raises(TypeError, match=r"^activation: theorems about ends are of piecewise linear ones"):
        gf.figures.decided(gf.Problem(activation="silu"))
    with pytest.raises(ValueError, match=r"^window: expected two numbers, the first below the second, got"):
        gf.figures.trajectories(descent(), window=5)  # type: ignore[arg-type]


def test_of_runs_over_rates_it_is_said_how_to_choose_one() -> None:
    rates = gf.train(gf.Neuron(b2=-0.5), gf.Problem(), gf.GD([0.1, 0.2]), steps=20)
    one: tuple[Callable[[xr.Dataset], object], ...] = (
        gf.figures.students,
        gf.figures.one_run,
        gf.figures.movie,
        gf.figures.parameters,
    )
    for draw in one:
        with pytest.raises(ValueError, match=r"^run: expected one neuron.* choose one, say \.isel\(lr=0\)$"):
            draw(rates)
    with pytest.raises(ValueError, match=r"^found: .* got runs along step; their ends are "):
        gf.figures.outcomes(rates)
    assert "final loss" in texts(gf.figures.outcomes(rates.isel(step=-1)))


KINDS: dict[str, tuple[int, Callable[[Any], Figure]]] = {
    "loss": (1, lambda ax: gf.figures.loss(adam(), ax=ax)),
    "students": (3, lambda ax: gf.figures.students(adam(), count=3, ax=ax)),
    "students of a network": (
        1,
        lambda ax: gf.figures.students(network(), gf.Problem(target="abs"), ax=ax),
    ),
    "functions": (1, lambda ax: gf.figures.functions(START, ax=ax)),
    "parameters": (1, lambda ax: gf.figures.parameters(flow(), ax=ax)),
    "outcomes": (1, lambda ax: gf.figures.outcomes(plane(), ax=ax)),
    "outcomes of two": (2, lambda ax: gf.figures.outcomes({"a": plane(), "b": plane()}, ax=ax)),
    "outcomes along a line": (2, lambda ax: gf.figures.outcomes(plane().isel(b2=0), ax=ax)),
    "trajectories": (1, lambda ax: gf.figures.trajectories(descent(), ax=ax)),
    "decided": (1, lambda ax: gf.figures.decided(n=8, ax=ax)),
    "one_run": (1, lambda ax: gf.figures.one_run(adam(), ax=ax)),
    "network_runs": (
        3,
        lambda ax: gf.figures.network_runs({"GD": network()}, gf.Problem(target="abs"), ax=ax),
    ),
    "loss_against": (
        2,
        lambda ax: gf.figures.loss_against(
            2 * [gf.figures.Panel([gf.figures.Series("", [1.0, 2.0], [0.1, 0.2])])], xlabel="x", ax=ax
        ),
    ),
    "remedies": (1, lambda ax: gf.figures.remedies(["none"], {"flow": [{"global": 1.0}]}, ax=ax)),
    "proved_regions": (
        2,
        lambda ax: gf.figures.proved_regions(
            [gf.figures.Diagram("", plane()["outcome"])], gf.figures.Panel([]), xlabel="x", ylabel="y", ax=ax
        ),
    ),
}


@pytest.mark.some(6)
@pytest.mark.parametrize("kind", KINDS)
def test_axes_of_ones_own_are_drawn_into(kind: str) -> None:
    count, draw = KINDS[kind]
    mine = Figure(figsize=(3.0 * count, 3.0), layout="constrained")
    every = list(np.ravel(np.asarray(mine.subplots(1, count + 1))))
    assert draw(every[0] if count == 1 else every[:count]) is mine
    assert len(mine.axes) == count + 1
    for axes in every[:count]:
        assert axes.has_data() or axes.patches or axes.get_xlabel()
    assert not every[-1].has_data()
    mine.draw_without_rendering()
    with pytest.raises(ValueError, match=f"^ax: expected {count} axes"):
        draw([*every, *every])
    with pytest.raises(TypeError, match=r"^ax: expected Matplotlib axes"):
        draw("here")


@pytest.mark.parametrize("width", [SINGLE, 2.0])
def test_no_key_is_cut_off(width: float) -> None:
    words = "where the gradient flow goes, over what is drawn by other means"
    figures = [
        gf.figures.outcomes(plane(), over={words: plane()}, outcome="undecided", width=width),
        gf.figures.trajectories(
            {"the gradient descent of one": descent(), "two of them": adam()}, width=width
        ),
    ]
    for figure in figures:
        assert overhang(figure) < 0.5


def test_series_without_a_look_take_turns() -> None:
    series = [gf.figures.Series(str(k), [0.0, 1.0], [1.0, 0.5]) for k in range(3)]
    mixed = [series[0], series[1]._replace(look="adam"), series[2]]
    lines = gf.figures.loss_curves([gf.figures.Panel(mixed)]).axes[0].lines
    assert [line.get_color() for line in lines] == [CYCLE[0].color, "#D55E00", CYCLE[1].color]
    alone = gf.figures.loss_curves([gf.figures.Panel(series[:1])]).axes[0].lines[0]
    assert alone.get_color() == "#000000"


def test_the_style_is_usable_by_hand() -> None:
    import matplotlib.style

    with matplotlib.style.context(gf.figures.STYLE):
        assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert matplotlib.rcParams["font.family"] == ["STIXGeneral"]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: gf.figures.loss(NONE), "runs: expected runs, got 'none'"),
        (lambda: gf.figures.loss({}), "runs: expected at least one"),
        (lambda: gf.figures.loss(flow(), against="step"), "against: a flow has no steps"),
        (lambda: gf.figures.loss(flow(), against="epoch"), "against: expected step or time, got 'epoch'$"),
        (lambda: gf.figures.loss(xr.Dataset()), "runs: expected what gradient_flow"),
        (lambda: gf.figures.students(descent()), "run: expected one neuron"),
        (lambda: gf.figures.students(adam(), count=1), "count: "),
        (lambda: gf.figures.functions({}), "students: expected 1 to 12"),
        (lambda: gf.figures.functions("f"), "students: expected a Network"),
        (lambda: gf.figures.parameters(flow(), ["w3"]), "names: expected"),
        (lambda: gf.figures.parameters(descent()), "run: expected one neuron"),
        (lambda: gf.figures.outcomes(flow()), "found: expected outcomes over one or two axes"),
        (lambda: gf.figures.outcomes(NONE), "found: expected outcomes over one or two axes"),
        (lambda: gf.figures.trajectories(network()), "runs: expected runs of neurons"),
        (lambda: gf.figures.movie(network()), "run: expected one neuron"),
        (lambda: gf.figures.movie(NONE), "run: expected what gradient_flow or train returned, got 'none'"),
        (lambda: gf.figures.one_run(NONE), "run: expected what gradient_flow or train returned, got 'none'"),
        (lambda: gf.figures.students(NONE), "run: expected what gradient_flow or train returned"),
        (lambda: gf.figures.movie(flow(), count=2).save(cast(Any, 3)), "path: expected a path, got 3"),
        (lambda: gf.figures.outcomes({}), "found: expected at least one"),
        (
            lambda: gf.figures.outcomes({"a": flow()}),
            r"found: expected outcomes over one or two axes as a, got a Dataset with dimensions \(time\)$",
        ),
        (
            lambda: gf.figures.outcomes(xr.Dataset()),
            r"found: expected outcomes over one or two axes, got a Dataset with dimensions \(\)$",
        ),
    ],
)
def test_bad_input_is_named_in_one_line(draw: Callable[[], object], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}") as caught:
        draw()
    assert "\n" not in str(caught.value)
