"""Basins of networks are the outcomes of their runs; a threshold is where they change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.ends import bracket, descent_outcomes
from gradflow.networks import line

PAIR = gf.Network([1.0, -1.0], [0.1, 0.2], [0.5, 0.5])
ABS = gf.Problem(target="abs")


def test_of_an_optimiser() -> None:
    axes = [gf.Axis("scale", -1.0, 1.0, 3), gf.Axis("w2_1", -0.5, 0.5, 2)]
    found = line.basins(PAIR, axes, ABS, gf.GD(0.1), 400)
    assert found["outcome"].dims == ("scale", "w2_1")
    for i, scale in enumerate((-1.0, 0.0, 1.0)):
        for j, w2 in enumerate((-0.5, 0.5)):
            start = gf.Network(scale * PAIR.w1, scale * PAIR.b1, scale * np.array([0.5, w2]))
            run = gf.train(start, ABS, gf.GD(0.1), 400)
            assert found["outcome_name"].values[i, j] == str(run["outcome_name"].values)
            assert found["loss"].values[i, j] == float(run["loss"][-1])


def test_of_the_flow() -> None:
    found = line.basins(PAIR, [gf.Axis("b2", -1.0, 1.0, 2)], ABS, t_end=5.0)
    for i, b2 in enumerate((-1.0, 1.0)):
        run = gf.gradient_flow(gf.Network(PAIR.w1, PAIR.b1, PAIR.w2, b2), ABS, t_end=5.0)
        assert found["outcome_name"].values[i] == str(run["outcome_name"].values)
        assert found["loss"].values[i] == pytest.approx(float(run["loss"][-1]), rel=1e-6)


def test_of_a_rate() -> None:
    found = line.threshold(PAIR, "lr", (0.01, 3.0), ABS, gf.GD(), 200, tol=1e-3, change=-1)
    assert found.above == "diverged"
    ends = gf.Axis("lr", found.value - found.uncertainty, found.value + found.uncertainty, 2)
    codes = line.basins(PAIR, [ends], ABS, gf.GD(), 200)
    assert codes["outcome_name"].values.tolist() == [found.below, "diverged"]


def test_one_neuron_has_the_neurons_threshold() -> None:
    start, config = gf.Neuron(1.0, 0.0, 1.0, 0.0), gf.Adam(0.05)
    mine = line.threshold(start, "b2", (-2.0, -1.0), gf.Problem(), config, 400, tol=1e-4, scan=9)

    def decide(values: np.ndarray) -> np.ndarray:
        return descent_outcomes(start._replace(b2=values), gf.Problem(), config, 400)

    own = bracket(decide, (-2.0, -1.0), tol=1e-4, sections=32, scan=9)
    assert abs(mine.value - own.value) < 2e-4
    assert mine.above == own.above == "global"


WRONG: Any = [3]
NAMES = "vary: expected one of scale, b2, w1_0 to w2_1, got "
BAD: dict[str, tuple[Any, str]] = {
    "a name": (lambda: line.threshold(PAIR, "w3", (0, 1), ABS), f"{NAMES}'w3'"),
    "a neuron": (lambda: line.threshold(PAIR, "w1_2", (0, 1), ABS), f"{NAMES}'w1_2'; neurons count from 0"),
    "a rate of the flow": (lambda: line.threshold(PAIR, "lr", (0, 1), ABS), f"{NAMES}'lr'"),
    "no axis": (lambda: line.basins(PAIR, [], ABS), "axes: expected some Axis in a list, got []"),
    "a number": (lambda: line.basins(PAIR, WRONG, ABS), "axes: expected some Axis in a list, got 3"),
    "twice": (lambda: line.basins(PAIR, 2 * [gf.Axis("b2", 0, 1, 2)], ABS), "each once, got b2, b2"),
    "an axis": (
        lambda: line.basins(PAIR, [gf.Axis("w1", 0, 1, 2)], ABS),
        "grid: expected one of scale, b2, w1_0 to w2_1, got 'w1'",
    ),
    "many": (lambda: line.basins(np.ones((4, 3)), [gf.Axis("b2", 0, 1, 2)]), "network: expected one network"),
    "no change": (
        lambda: line.threshold(PAIR, "scale", (0.9, 1.0), ABS, gf.GD(0.1), 400),
        "between: the outcome is global",
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_input_is_named(name: str) -> None:
    call, told = BAD[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
