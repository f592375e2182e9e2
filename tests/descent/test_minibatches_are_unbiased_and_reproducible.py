"""Minibatches: every input once an epoch, unbiased sums, the same for one seed, for neurons and networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.descent.minibatches import Minibatches, of_law, of_sample
from gradflow.field.means import Inputs
from gradflow.networks import line

N = 10
RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.1, 1.0, N) / 5.0
POINTS = Inputs(RNG.normal(size=N), WEIGHTS / WEIGHTS.sum(), RNG.normal(size=N))


def test_an_epoch_has_every_input_once() -> None:
    draw = of_sample(Minibatches(4, 3), POINTS)
    drawn = [draw(k) for k in range(6)]
    assert [len(some.x) for some in drawn] == [4, 4, 2, 4, 4, 2]
    for epoch in (drawn[:3], drawn[3:]):
        assert sorted(np.concatenate([some.x for some in epoch])) == sorted(POINTS.x)
        whole = sum(len(some.x) / N * np.sum(some.weights * some.target) for some in epoch)
        assert whole == pytest.approx(np.sum(POINTS.weights * POINTS.target), rel=1e-14)
    assert not np.array_equal(drawn[0].x, drawn[3].x)
    # A step's inputs depend on the seed and the step alone.
    again = of_sample(Minibatches(4, 3), POINTS)
    assert np.array_equal(again(4).x, drawn[4].x)
    assert not np.array_equal(of_sample(Minibatches(4, 4), POINTS)(4).x, drawn[4].x)


def test_with_replacement_inputs_come_by_their_weights() -> None:
    draw = of_sample(Minibatches(50_000, 1, True), POINTS)(0)
    shares = np.array([np.mean(draw.x == x) for x in POINTS.x])
    assert np.max(np.abs(shares - POINTS.weights)) < 0.01
    assert np.sum(draw.weights) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "law", [gf.Uniform(-1.0, 3.0), gf.Normal(0.5, 2.0), gf.Steps([-1.0, 0.0, 2.0], [1.0, 3.0])]
)
def test_laws_are_drawn_from(law: Any) -> None:
    draw = of_law(Minibatches(100_000, 2), law.draw, np.abs)
    x = draw(0).x
    exact = {
        "Uniform": (1.0, 4.0 / 3.0), "Normal": (0.5, 4.0), "Steps": (11.0 / 14.0, None),
    }[type(law).__name__]  # fmt: skip
    assert np.mean(x) == pytest.approx(exact[0], abs=0.03)
    if exact[1] is not None:
        assert np.var(x) == pytest.approx(exact[1], rel=0.02)
    assert not np.array_equal(x, draw(1).x)
    assert np.array_equal(draw(0).target, np.abs(x))


def test_training_takes_the_gradients_of_minibatches() -> None:
    sample = gf.Sample(POINTS.x, weights=POINTS.weights, targets=POINTS.target)
    problem = gf.Problem(inputs=sample, activation="tanh")
    start = line.start("kernel", 3, 1)
    run = gf.train(start, problem, gf.GD(0.1), 7, batch=4, seed=3)
    rows, draw = start.rows, of_sample(Minibatches(4, 3), POINTS)
    for k in range(7):
        some = draw(k)
        half = line.gradient(
            rows,
            gf.Problem(
                inputs=gf.Sample(some.x, weights=some.weights, targets=some.target), activation="tanh"
            ),
        )
        rows = rows - 0.1 * half * np.sum(some.weights)
    assert np.allclose(run["w1"].values[-1], rows[:3], rtol=0, atol=1e-14)
    assert run["loss"].values[-1] == pytest.approx(float(line.loss(rows, problem)), rel=1e-13)
    assert run.attrs["seed"] == "3"


def test_a_whole_batch_is_no_minibatch() -> None:
    problem = gf.Problem(inputs=gf.grid(8))
    one = gf.train(gf.Neuron(b1=0.2), problem, gf.Adam(0.05), 20, batch=8, seed=1)
    other = gf.train(gf.Neuron(b1=0.2), problem, gf.Adam(0.05), 20)
    assert np.allclose(one["w1"].values, other["w1"].values, rtol=0, atol=1e-13)


def test_networks_of_an_array_see_the_same_inputs() -> None:
    problem = gf.Problem(target="abs")
    whole = gf.train(line.start("he", 4, 0, (3,)), problem, gf.GD(0.05), 15, batch=5, seed=2)
    alone = gf.train(line.start("he", 4, 0, (3,)).rows[:, 1], problem, gf.GD(0.05), 15, batch=5, seed=2)
    assert np.array_equal(whole["w1"].values[..., 1], alone["w1"].values)
    assert np.array_equal(whole["loss"].values[..., 1], alone["loss"].values)


@pytest.mark.parametrize(
    ("given", "line_"),
    [
        ({"batch": 0}, "batch: expected an integer >= 1, got 0"),
        ({"batch": 2.0}, "batch: expected an integer >= 1, got 2.0"),
        ({"batch": 9}, "batch: expected at most the sample's 8 inputs without replacement, got 9"),
        ({"batch": 2, "seed": -1}, "seed: expected an integer >= 0, got -1"),
        ({"seed": 1}, "seed: it has no meaning without batch, got 1"),
        ({"replacement": True}, "replacement: it has no meaning without batch, got True"),
        ({"batch": 2, "replacement": 1}, "replacement: expected True or False, got 1"),
    ],
)
def test_bad_input_is_named(given: dict[str, Any], line_: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        gf.train(gf.Neuron(), gf.Problem(inputs=gf.grid(8)), gf.GD(0.1), 3, **given)
    assert str(caught.value) == line_


def test_a_law_has_no_replacement() -> None:
    with pytest.raises(ValueError, match="replacement: it has no meaning for inputs drawn from a law"):
        gf.train(gf.Neuron(), gf.Problem(), gf.GD(0.1), 3, batch=4, replacement=True)


def test_frozen_parameters_have_no_say_in_the_outcome() -> None:
    """A network at rest but for a frozen bias is at a critical point of what moves."""
    run = gf.train(gf.Neuron(0.0, 0.0, 0.0, 0.5), gf.Problem(target="step"), gf.GD(0.1), 400, frozen=("b2",))
    assert np.all(run["b2"].values == 0.5)
    assert str(run["outcome_name"].values) == "constant"
    off = gf.train(gf.Neuron(0.0, 0.0, 0.0, 0.7), gf.Problem(target="step"), gf.GD(0.1), 3, frozen=("b2",))
    assert str(off["outcome_name"].values) == "local"
