"""Bad input is a one-line ValueError or TypeError that names the argument; good input is kept as given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradflow.field import gradient, hessian, loss
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, as_neuron, grid

NAN, INF = math.nan, math.inf


def assert_one_line_naming(function: Any, name: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        function()
    message = str(caught.value)
    assert message.count("\n") == 0
    assert name in message


@pytest.mark.parametrize(
    "bad",
    [
        (NAN, 0, 1, 0),
        (0, INF, 1, 0),
        (1, 0, -INF, 0),
        (1, 0, 1, np.asarray([0.0, NAN])),
        (1, 0, 1),
        (1, 0, 1, 0, 2),
        np.ones((3, 4)),
        np.asarray(1.0),
        5,
        None,
        "abcd",
        ("1", 0, 1, 0),
        (1j, 0, 1, 0),
        (None, 0, 1, 0),
        np.ones(4, complex),
        np.asarray(["a", "b", "c", "d"]),
    ],
    ids=repr,
)
def test_teacher(bad: Any) -> None:
    # A wrong count may be named by what it should have been: a neuron.
    with pytest.raises((ValueError, TypeError)) as caught:
        Problem(teacher=bad)
    assert "\n" not in str(caught.value)
    assert "teacher" in str(caught.value) or "neuron" in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [(1, 2, 3), np.ones((3, 2)), np.asarray(1.0), 5, None, "abcd", (1j, 0, 0, 0), np.ones((4, 2), complex)],
    ids=repr,
)
@pytest.mark.parametrize("function", [loss, gradient, hessian, activity])
def test_neuron(function: Any, bad: Any) -> None:
    assert_one_line_naming(lambda: function(bad), "neuron")


@pytest.mark.parametrize(
    "bad",
    [
        (1.0, 1.0),
        (2.0, 1.0),
        (NAN, 1.0),
        (0.0, INF),
        (-INF, 0.0),
        (np.asarray([0.0, 1.0]), 1.0),
        (np.asarray([0.0, NAN]), 1.0),
        ("a", 1.0),
        ("0", "1"),
        (1j, 2.0),
        (np.asarray([0j]), 1.0),
        (None, 1.0),
    ],
    ids=repr,
)
def test_interval(bad: Any) -> None:
    assert_one_line_naming(lambda: Uniform(*bad), "interval")


@pytest.mark.parametrize(
    "bad",
    [
        [],
        np.empty((0,)),
        [[1.0]],
        3.0,
        None,
        [NAN],
        [0.0, INF],
        np.asarray([NAN, 1.0], np.float32),
        "ab",
        ["1"],
        [1j],
        np.asarray([1j]),
        np.asarray(["a"]),
        np.asarray([True, False]),
        [None],
        [[1.0], [1.0, 2.0]],
    ],
    ids=repr,
)
def test_inputs_of_a_sample(bad: Any) -> None:
    assert_one_line_naming(lambda: Sample(bad), "inputs")


@pytest.mark.parametrize(
    "bad",
    [
        [1.0],
        [1.0, 1.0, 1.0],
        [[1.0, 1.0]],
        2.0,
        [-1.0, 2.0],
        [0.0, 0.0],
        [NAN, 1.0],
        [INF, 1.0],
        "ab",
        ["1", "2"],
        [1j, 1.0],
        np.asarray([1j, 1.0]),
    ],
    ids=repr,
)
def test_weights(bad: Any) -> None:
    assert_one_line_naming(lambda: Sample([0.0, 1.0], weights=bad), "weights")


@pytest.mark.parametrize("bad", [1, 0, -3, 2.5, "a", None], ids=repr)
def test_number_of_inputs_of_a_grid(bad: Any) -> None:
    assert_one_line_naming(lambda: grid(bad), "samples")


@pytest.mark.parametrize("bad", [(1.0, 1.0), (2.0, 1.0), (NAN, 1.0), (0.0, INF)], ids=repr)
def test_interval_of_a_grid(bad: Any) -> None:
    assert_one_line_naming(lambda: grid(5, *bad), "interval")


@pytest.mark.parametrize(
    "bad",
    [(1.0,), (0.0, 1.0, 2.0), (NAN, 1.0), (0.0, INF), ("a", 1.0), ("0", "1"), (1j, 1.0), 1.0, None],
    ids=repr,
)
def test_slopes(bad: Any) -> None:
    assert_one_line_naming(lambda: Problem(activation=bad), "slopes")


@pytest.mark.parametrize("bad", [3, None, "grid", np.linspace(-1, 1, 5)], ids=repr)
def test_inputs_of_a_problem(bad: Any) -> None:
    assert_one_line_naming(lambda: loss(Neuron(), Problem(inputs=bad)), "inputs")


def test_defaults_are_relu_on_the_unit_interval() -> None:
    problem = Problem()
    assert problem.teacher == (1.0, 0.0, 1.0, 0.0)
    assert (problem.lo, problem.hi) == (-1.0, 1.0)
    assert problem.slopes == (0.0, 1.0)
    assert loss(Neuron()) == 0


@pytest.mark.parametrize(
    "given",
    [
        Neuron(1.0, 2.0, 3.0, 4.0),
        (1.0, 2.0, 3.0, 4.0),
        [1.0, 2.0, 3.0, 4.0],
        np.asarray([1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_a_neuron_is_any_four_parameters(given: Any) -> None:
    assert tuple(float(v) for v in as_neuron(given)) == (1.0, 2.0, 3.0, 4.0)
    assert loss(given) == loss(Neuron(1.0, 2.0, 3.0, 4.0))
    assert tuple(float(v) for v in Problem(teacher=given).teacher) == (1.0, 2.0, 3.0, 4.0)


def test_a_grid_includes_both_ends() -> None:
    x = grid(5, -2.0, 2.0).x
    np.testing.assert_array_equal(x, [-2.0, -1.0, 0.0, 1.0, 2.0])
    assert (grid(2).lo, grid(2).hi) == (-1.0, 1.0)


def test_a_sample_normalises_its_weights_and_knows_its_range() -> None:
    sample = Sample([3.0, -2.0, 0.5], weights=[1, 2, 1])
    np.testing.assert_array_equal(sample.weights, [0.25, 0.5, 0.25])
    assert (sample.lo, sample.hi) == (-2.0, 3.0)
    assert Sample([1.0]).weights is None


def test_records_cannot_be_changed() -> None:
    for record, name in ((Problem(), "slopes"), (Uniform(), "lo"), (grid(3), "x")):
        with pytest.raises(AttributeError):
            setattr(record, name, 1.0)


def test_a_number_of_inputs_that_is_out_of_reach_is_shown_in_short() -> None:
    with pytest.raises(ValueError, match=r"^samples: 10{60,90}… inputs do not fit into memory$"):
        grid(10**300)
