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
