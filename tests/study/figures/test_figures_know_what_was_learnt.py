"""A figure of a run is drawn over what the run was trained on, unless it is told otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line
from gradflow.study.figures.told import problem_of

PROBLEMS: dict[str, Any] = {
    "default": gf.Problem(),
    "silu": gf.Problem(gf.Neuron(1.0, 0.5, -1.0, 0.25), gf.Uniform(0.0, 2.0), "silu"),
    "leaky under relu": gf.Problem(activation="leaky-relu=0.1", teacher_activation="relu"),
    "abs, normal": gf.Problem(target="abs", law=gf.Normal(0.5, 2.0)),
    "steps": gf.Problem(law=gf.Steps([-1.0, 0.0, 1.0], [1.0, 2.0])),
    "sine": gf.Problem(target=gf.Sine()),
    "polynomials": gf.Problem(target=gf.Polynomials([-1.0, 0.0, 1.0], [[0.0, 1.0], [0.5, 2.0]])),
    "a network": gf.Problem(target=line.start("kernel", 3, 1)),
}


def run_of(problem: gf.Problem, neurons: int = 1) -> Any:
    start = gf.Neuron() if neurons == 1 else line.start("kernel", neurons, 1)
    return gf.train(start, problem, gf.GD(lr=0.1), 20)


@pytest.mark.parametrize("neurons", [1, 2])
@pytest.mark.parametrize("name", PROBLEMS)
def test_it_is_read_from_the_run(name: str, neurons: int) -> None:
    problem = PROBLEMS[name]
    found = problem_of(run_of(problem, neurons), None)
    x = np.linspace(0.1, 0.9, 7)
    np.testing.assert_allclose(found.target_at(x), problem.target_at(x), rtol=1e-14)
    assert (found.activation, found.teacher_activation) == (problem.activation, problem.teacher_activation)
    assert (str(found.law), found.inputs) == (str(problem.law), problem.inputs)


def target_of(figure: Any) -> np.ndarray:
    """Return the heights of what is drawn as the target."""
    lines = [one for axes in figure.axes for one in axes.get_lines()]
    return np.asarray(next(one for one in lines if one.get_linewidth() == 2.4).get_ydata())


def test_figures_draw_it() -> None:
    problem = PROBLEMS["abs, normal"]
    run = run_of(problem, 2)
    for figure in (
        gf.figures.students(run),
        gf.figures.network_runs({"GD": run}),
        gf.figures.units(run),
    ):
        assert np.min(target_of(figure)) < 0.1
        assert np.max(target_of(figure)) > 5.0
    silu = run_of(PROBLEMS["silu"])
    for figure in (gf.figures.students(silu), gf.figures.movie(silu, count=2).figure):
        assert np.max(np.diff(target_of(figure))) < 0.0


def test_a_sample_must_be_given() -> None:
    sample = gf.Problem(inputs=gf.grid(9))
    run = gf.train(gf.Neuron(), sample, gf.GD(lr=0.1), 3)
    with pytest.raises(ValueError, match=r"^problem: expected the problem that the run was trained on, got"):
        gf.figures.students(run)
    gf.figures.students(run, sample)


def test_sizes_levels_and_layers_are_named() -> None:
    run = gf.train(gf.Neuron(), gf.Problem(), gf.GD(lr=0.1), 3)
    found = gf.basins(b1=(-1, 1, 3), b2=(-1, 1, 3), method="gd", lr=0.1, steps=3)
    draw: Any = gf.figures
    calls: Any = (
        (lambda: draw.loss(run, width="wide"), "width: expected a number from 0.5 to 100, got 'wide'"),
        (lambda: draw.loss(run, height=-1), "height: expected a number from 0.5 to 100"),
        (lambda: draw.loss(run, levels=0.1), "levels: expected a mapping of names to losses, got 0.1"),
        (lambda: draw.loss(run, levels={"a": "b"}), "levels: expected"),
        (lambda: draw.outcomes(found, walls="left"), "walls: expected"),
        (lambda: draw.outcomes(found, walls=1.0), "walls: expected numbers in a sequence, got 1.0"),
        (lambda: draw.outcomes(found, over=found), "over: expected a mapping of names to results"),
        (lambda: draw.outcomes(found, over={"f": run}), "over: expected outcomes over one or two axes as f"),
        (lambda: draw.outcomes(found, over={"f": found}, outcome="teacher"), "outcome: expected"),
        (lambda: draw.students(run, width=-1), "width: expected"),
        (lambda: draw.network_runs(run), "runs: expected a mapping of names to runs"),
    )
    for call, words in calls:
        with pytest.raises((TypeError, ValueError), match=f"^{words}"):
            call()


def test_no_word_is_cut_and_no_curve_hidden() -> None:
    some = gf.train(gf.Neuron(b2=1.5), gf.Problem(), gf.GD(lr=[0.02, 0.1, 0.3, 0.6]), 60)
    figure = gf.figures.loss(some)
    assert figure.legends
    assert figure.axes[0].get_legend() is None
    alone = gf.figures.loss({"GD, rate 0.02": some.isel(lr=0)})
    assert alone.axes[0].get_title() == "GD, rate 0.02"
    narrow = gf.figures.students(some.isel(lr=0), width=3.25)
    narrow.draw_without_rendering()
    right = narrow.bbox.x1
    for axes in narrow.axes:
        key = axes.get_legend()
        assert key is None or key.get_window_extent().x1 <= right
        assert all(word.get_window_extent().x1 <= axes.bbox.x1 for word in axes.texts)


def test_words_below_a_level_stand_above_the_axis() -> None:
    run = gf.train(gf.Neuron(b2=1.0), gf.Problem(), gf.GD(lr=50.0), 50)
    figure = gf.figures.one_run(run)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    word = next(text for text in axes.texts if text.get_text() == "best line")
    assert word.get_window_extent().y0 >= axes.bbox.y0
    # What diverged ends where it did.
    assert max(float(np.max(one.get_xdata())) for one in axes.get_lines()[:1]) < 50.0
