"""The figures of one run, and of outcomes along a line, show the numbers that they are given."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh

import gradflow as gf
from gradflow.study.figures import Mark, Panel, Series, one_run, outcomes_along
from gradflow.study.figures.loss_axis import LOWEST
from gradflow.study.figures.one_run import moments


def test_moments_part_the_way_equally() -> None:
    states = np.zeros((4, 101))
    states[0] = np.linspace(0.0, 1.0, 101) ** 2
    found = moments(states)
    assert found[[0, -1]].tolist() == [0, 100]
    np.testing.assert_allclose(states[0, found], np.linspace(0.0, 1.0, 5), atol=0.02)
    assert moments(np.ones((4, 7))).tolist() == [0]
    assert moments(np.ones((4, 0))).tolist() == []
    assert moments(np.array([[1e300, -1e300]] * 4)).tolist() == [0, 1]


def test_a_runs_loss_and_crossings_are_where_they_are() -> None:
    run = gf.train(gf.Neuron(b2=-2.0), gf.Problem(inputs=gf.grid(30)), gf.Adam(lr=0.01), steps=600)
    axes, *panels = one_run(run, gf.Problem(inputs=gf.grid(30))).get_axes()
    loss = next(line for line in axes.get_lines() if np.size(line.get_xdata()) == 601)
    np.testing.assert_array_equal(loss.get_ydata(), run.loss.values)
    step = int(gf.crossings(run).step[0])
    assert any(np.array_equal(line.get_xdata(), [step, step]) for line in axes.get_lines())
    assert axes.get_title() == f"outcome: {run.outcome_name.item()}"
    titles = [panel.get_title() for panel in panels if panel.get_title()]
    assert (titles[0], titles[-1], len(titles)) == ("step 0", "step 600", 5)


def test_a_loss_below_the_axis_stands_on_its_end_and_says_so() -> None:
    run = gf.gradient_flow(gf.Neuron(b2=-1.2), t_end=200.0)
    assert float(run.loss[-1]) < LOWEST
    axes = one_run(run).get_axes()[0]
    loss = next(line for line in axes.get_lines() if np.size(line.get_xdata()) == run.sizes["time"])
    assert np.min(loss.get_ydata()) == pytest.approx(LOWEST)
    assert axes.yaxis.get_major_formatter()(LOWEST, 0) == r"$\leq 10^{-16}$"


def test_a_batch_is_refused() -> None:
    run = gf.train(gf.Neuron(b2=np.array([-1.0, 0.0])), steps=3)
    with pytest.raises(ValueError, match="run: expected one neuron"):
        one_run(run)


def test_the_strip_changes_where_outcomes_do() -> None:
    values = np.array([-1.0, -0.5, -0.25, 0.0])
    outcomes = xr.DataArray(np.array([1, 1, 0, 0], dtype=np.int8), {"b1": values}, ("b1",))
    panel = Panel([Series("", values, [1.0, 0.1, 0.0, np.inf], "dots")])
    figure = outcomes_along(outcomes, panel, xlabel="b", mark=Mark("here", -0.375))
    strip, plane = figure.get_axes()
    cells = strip.collections[0]
    assert isinstance(cells, QuadMesh)
    np.testing.assert_array_equal(np.ravel(np.asarray(cells.get_array())), [1, 1, 0, 0])
    edges = np.unique(np.asarray(cells.get_coordinates())[..., 0])
    np.testing.assert_allclose(edges, [-1.25, -0.75, -0.375, -0.125, 0.125])
    assert strip.get_xlim() == plane.get_xlim()
    drawn = plane.get_lines()[0].get_ydata()
    np.testing.assert_array_equal(drawn, [1.0, 0.1, 0.01, np.nan])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["global", "linear"]


def test_a_plane_is_no_line() -> None:
    with pytest.raises(ValueError, match="outcomes: expected one dimension, got 2"):
        outcomes_along(xr.DataArray(np.zeros((2, 2))), Panel([]), xlabel="b")
