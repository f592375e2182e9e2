"""Neurons, networks and targets are functions of x, and show themselves as well-formed HTML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import array_api_strict
import numpy as np
import pytest
import sympy

import gradflow as gf
from gradflow.neuron.activity import breakpoint_position
from gradflow.neuron.drawn import MOST_ROWS, Graph, drawing

X = np.linspace(-1.5, 1.5, 13)


def test_a_neuron_is_evaluated() -> None:
    w1, b1, w2, b2 = 1.5, -0.3, -2.0, 0.25
    expected = w2 * np.maximum(w1 * X + b1, 0.0) + b2
    np.testing.assert_allclose(gf.Neuron(w1, b1, w2, b2)(X), expected, rtol=1e-15)
    leaky = w2 * np.where(w1 * X + b1 > 0.0, w1 * X + b1, 0.1 * (w1 * X + b1)) + b2
    np.testing.assert_allclose(gf.Neuron(w1, b1, w2, b2)(X, (0.1, 1.0)), leaky, rtol=1e-15)
    np.testing.assert_allclose(gf.Neuron()(2.0, "tanh"), np.tanh(2.0), rtol=1e-15)


def test_a_neuron_knows_its_breakpoint() -> None:
    assert float(gf.Neuron(2.0, -1.0).breakpoint) == 0.5
    many = gf.Neuron(w1=np.array([2.0, 0.0, 0.0, -1e-200]), b1=np.array([-1.0, 1.0, 0.0, 1e200]))
    np.testing.assert_array_equal(many.breakpoint, [0.5, -np.inf, np.nan, np.inf])
    np.testing.assert_array_equal(many.breakpoint, breakpoint_position(many))


def test_an_array_of_neurons_has_the_inputs_first() -> None:
    neurons = gf.Neuron(b1=np.zeros((3, 1)), b2=np.arange(4.0))
    found = neurons(X[:, None])
    assert found.shape == (13, 1, 3, 4)
    np.testing.assert_array_equal(found[5, 0, 1, 2], gf.Neuron(b2=2.0)(X[5]))


def test_other_libraries_are_kept() -> None:
    given = array_api_strict.asarray([0.5, 1.0])
    assert isinstance(gf.Neuron()(given), type(given))


def test_a_network_is_the_sum_of_its_neurons() -> None:
    network = gf.Network([1.0, -2.0], [0.1, 0.3], [0.5, 1.5], -0.2)
    parts = [
        gf.Neuron(w1, b1, w2, 0.0)(X) for w1, b1, w2 in zip(network.w1, network.b1, network.w2, strict=True)
    ]
    np.testing.assert_allclose(network(X), sum(parts) - 0.2, rtol=1e-14)
    assert network(0.5).shape == ()
    assert gf.Network(np.ones((2, 5)), 0.0 * np.ones((2, 5)), np.ones((2, 5)), 0.0)(
        np.ones((3, 4))
    ).shape == (3, 4, 5)


def test_a_target_is_evaluated_whatever_it_is() -> None:
    np.testing.assert_allclose(gf.Problem(target="abs").target_at(X), np.abs(X), atol=1e-15)
    np.testing.assert_array_equal(gf.Problem(target="step").target_at([-0.1, 0.0, 1e-300, 2.0]), [0, 0, 1, 1])
    taught = gf.Problem(teacher=gf.Neuron(2.0), teacher_activation="silu")
    np.testing.assert_allclose(taught.target_at(X), 2.0 * X / (1.0 + np.exp(-2.0 * X)), rtol=1e-14)
    network = gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])
    leaky = gf.Problem(target=network, teacher_activation=(0.5, 1.0))
    np.testing.assert_allclose(leaky.target_at(X), 0.5 * np.abs(X), rtol=1e-15)


def test_a_sample_says_its_targets_only_where_they_are() -> None:
    problem = gf.Problem(inputs=gf.Sample([0.0, 1.0], targets=[1.0, 2.0]))
    with pytest.raises(ValueError, match="known at its inputs only"):
        problem.target_at(0.5)


@pytest.mark.parametrize(
    "function", [gf.Neuron(), gf.Network([1.0], [0.0], [1.0]), gf.Knots([0.0, 1.0], [0.0, 1.0])]
)
def test_bad_inputs_are_named(function: Any) -> None:
    with pytest.raises(ValueError, match=r"^x: "):
        function([0.0, np.nan])
    with pytest.raises(TypeError, match=r"^x: "):
        function("nought")


SHOWN = {
    "neuron": gf.Neuron(b2=-1.2),
    "a dead one": gf.Neuron(0.0, 0.0),
    "far out": gf.Neuron(1e-300, 1.0, 1e300),
    "not finite": gf.Neuron(np.inf),
    "none": gf.Neuron(b1=np.zeros(0)),
    "neurons": gf.Neuron(b1=np.zeros((2, 3))),
    "symbols": gf.Neuron(*sympy.symbols("w1 b1 w2 b2")),
    "problem": gf.Problem(),
    "teachers": gf.Problem(teacher=gf.Neuron(b1=np.linspace(0.0, 0.5, 4))),
    "intervals": gf.Problem(inputs=gf.Uniform(-1.0, np.array([1.0, 2.0]))),
    "a grid": gf.Problem(inputs=gf.grid(5), activation="silu"),
    "data": gf.Problem(inputs=gf.Sample([0.0, 1.0], weights=[1.0, 2.0], targets=[1.0, -1.0])),
    "one datum": gf.Problem(inputs=gf.Sample([0.5], targets=[1.0])),
    "normal inputs": gf.Problem(target="hat", law=gf.Normal(1.0, 2.0)),
    "steps": gf.Problem(law=gf.Steps([-1.0, 0.0, 1.0], [1.0, 3.0])),
    "a network's": gf.Problem(target=gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])),
    "network": gf.networks.line.start("uniform", 2 * MOST_ROWS, seed=1),
    "flat network": gf.Network([0.0], [0.0], [1.0]),
    "networks": gf.Network(np.ones((2, 3)), 0.0, 1.0),
    "another loss": gf.Problem(inputs=gf.Sample([0.0, 1.0], targets=[1.0, -1.0]), loss="huber=0.5"),
    "knots": gf.Knots([0.0, 0.5, 0.5, 1.0], [0.0, 1.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_is_well_formed(name: str) -> None:
    thing: Any = SHOWN[name]
    html = thing._repr_html_()
    ElementTree.fromstring(f"<div>{html}</div>")
    assert "nan," not in html
    assert "inf," not in html


def test_a_graph_is_drawn_where_it_is() -> None:
    root = ElementTree.fromstring(gf.Neuron()._repr_html_())
    line = next(node for node in root.iter() if node.tag == "polyline").attrib["points"]
    places = np.array([[float(v) for v in point.split(",")] for point in line.split()])
    np.testing.assert_allclose(places, [[6.0, 94.0], [90.0, 94.0], [174.0, 6.0]], atol=0.06)
    assert "points" not in drawing([Graph([np.nan], [1.0])], "nothing")


def test_a_problem_shows_a_loss_that_is_not_squared() -> None:
    html = SHOWN["another loss"]._repr_html_()  # type: ignore[attr-defined]
    assert "loss" in html
    assert "huber=0.5" in html
    assert "loss" not in SHOWN["data"]._repr_html_()  # type: ignore[attr-defined]


def test_a_table_says_what_it_leaves_out() -> None:
    html = SHOWN["network"]._repr_html_()  # type: ignore[attr-defined]
    assert f"and {MOST_ROWS} more" in html
