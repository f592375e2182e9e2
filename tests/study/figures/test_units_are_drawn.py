"""The lines of a network's neurons add up to the student; paths of two end where their breakpoints are."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.study.figures import two_neurons, units
from tests.study.figures.examples import overhang, texts

ABS = gf.Problem(target="abs")


def test_units_add_up_to_the_student() -> None:
    network = gf.Network([1.0, -1.0, 1.0], [0.2, 0.1, -2.0], [0.5, 0.4, 1.0], 0.3)
    run = gf.train(network, ABS, gf.GD(0.1), 20)
    figure = units(run, ABS, at=[0, 7, 20])
    assert overhang(figure) < 0.5
    assert {"step 0", "step 7", "step 20", "target", "student", "neuron, dead", "input $x$"} <= set(
        texts(figure)
    )
    last = figure.axes[2]
    lines = {line.get_label(): line for line in last.lines}
    added = np.sum([np.asarray(line.get_ydata()) for line in last.lines[1:4]], axis=0)
    student = lines["student"]
    assert np.allclose(added + float(run["b2"][-1]), np.asarray(student.get_ydata()), rtol=0, atol=1e-13)
    assert len(units(run, ABS).axes) <= 5
    with pytest.raises(ValueError, match="at: expected moments from 0 to 20, got"):
        units(run, ABS, at=[30])
    with pytest.raises(ValueError, match="run: expected a run of one network, got"):
        units(gf.train(gf.Neuron(), optimizer=gf.GD([0.1, 0.2]), steps=3))
    assert len(units(gf.train(gf.Neuron(b1=0.2), ABS, steps=3), ABS, at=[0]).axes[0].lines) == 3


def test_two_neurons_are_where_their_breakpoints_are() -> None:
    pair = gf.Network([1.0, -2.0], [0.3, 0.4], [1.0, 0.5])
    run = gf.train(pair, ABS, gf.GD(0.1), 10, frozen=("w1", "w2", "b2"))
    path = np.concatenate([run[name].values.T.reshape(-1, 11) for name in ("w1", "b1", "w2", "b2")])
    figure = two_neurons(pair, [path], ABS, points=9)
    line = next(line for line in figure.axes[0].lines if len(np.atleast_1d(line.get_xdata())) == 11)
    assert np.array_equal(line.get_xdata(), run["breakpoint"].values[:, 0])
    assert np.array_equal(line.get_ydata(), run["breakpoint"].values[:, 1])
    assert {"first breakpoint", "second breakpoint", "loss"} <= set(texts(figure))
    with pytest.raises(ValueError, match="network: expected one of two neurons"):
        two_neurons(gf.networks.line.start("he", 3), [], ABS)
