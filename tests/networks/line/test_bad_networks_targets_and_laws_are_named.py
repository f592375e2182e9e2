"""Networks, targets and laws that are none are refused with one line, and none is ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.ends import descent_outcomes, flow_outcomes
from gradflow.ends.outcome import outcome, references
from gradflow.field.baselines import best_line
from gradflow.networks import line
from gradflow.neuron.activity import activity, wall_distances
from gradflow.theory import critical_points, energy, hyperactive, signs, stability, steps, survival

PAIR = gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])
ANY: Any = PAIR
KNOTS: Any = gf.Knots([0.0, 1.0], [0.0, 1.0])

BAD: dict[str, tuple[Callable[[], object], str]] = {
    "no neuron": (lambda: gf.Network([], [], []), "with m >= 1, got shape"),
    "one number": (lambda: gf.Network(1.0, 0.0, 1.0), "with m >= 1, got shape"),
    "shapes": (lambda: gf.Network([1.0, 2.0], [0.0, 0.0, 1.0], [1.0, 1.0]), "do not broadcast"),
    "NaN": (lambda: gf.Network([1.0, np.nan], [0.0, 0.0], [1.0, 1.0]), "w1: must be finite"),
    "text": (lambda: gf.Network("ab", [0.0], [1.0]), "w1: "),
    "rows": (lambda: line.loss(np.ones(5)), "expected 3m + 1 parameters"),
    "no network": (lambda: line.loss("abs"), "network: expected a Network, got 'abs'"),
    "falling knots": (lambda: gf.Knots([0.0, -1.0], [0.0, 0.0]), "knots: x must not fall, got 0 before -1"),
    "one knot": (lambda: gf.Knots([0.0], [0.0]), "knots: expected at least 2 numbers"),
    "a knot without y": (lambda: gf.Knots([0.0, 1.0], [0.0, 1.0, 2.0]), "expected a y for each x"),
    "three times": (
        lambda: gf.Knots([-1.0, 0.0, 0.0, 0.0, 1.0], np.zeros(5)),
        "got 0 three times",
    ),
    "an outer jump": (lambda: gf.Knots([0.0, 0.0, 1.0], np.zeros(3)), "got 0 twice"),
    "no mass": (lambda: gf.Steps([0.0, 1.0], [0.0]), "law: its mass must be positive"),
    "a negative density": (lambda: gf.Steps([0.0, 1.0, 2.0], [1.0, -1.0]), "expected a density >= 0, got -1"),
    "unsorted steps": (lambda: gf.Steps([1.0, 0.0], [1.0]), "law: x must increase, got 1 before 0"),
    "a density too few": (lambda: gf.Steps([0.0, 1.0, 2.0], [1.0]), "a density for each of 2 steps, got 1"),
    "no width": (lambda: gf.Normal(0.0, 0.0), "std: expected a number > 0"),
    "a name": (lambda: gf.Problem(target="sinus"), "target: expected abs, hat, step, got 'sinus'"),
    "a number": (lambda: gf.Problem(target=3.0), "target: expected Knots, a Network"),
    "twice": (lambda: gf.Problem(gf.Neuron(2.0), target="abs"), "expected a target or a teacher, got both"),
    "two laws": (lambda: gf.Problem(inputs=gf.grid(5), law=gf.Normal()), "a law or inputs, got both"),
    "no law": (lambda: gf.Problem(law="normal"), "law: expected Uniform, Steps, Normal or Sample"),
    "smooth": (lambda: line.loss(PAIR, gf.Problem(activation="silu")), "activation: networks on the line"),
    "a sample": (lambda: line.loss(PAIR, gf.Problem(inputs=gf.grid(5))), "inputs: networks on the line"),
    "many teachers": (
        lambda: line.loss(PAIR, gf.Problem(gf.Neuron(b1=np.zeros(3)))),
        "target: networks on the line take one teacher",
    ),
    "a bare target": (lambda: references(KNOTS), "write Problem(target="),
    "a network as neuron": (lambda: stability.sharpness(ANY), "neuron: expected 4 parameters"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_one_line_says_so(name: str) -> None:
    call, line_ = BAD[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert line_ in str(caught.value)
    assert "\n" not in str(caught.value)


# Functions that know one neuron, a teacher neuron, and uniform inputs or a sample only.
NEURON_ONLY: dict[str, Callable[[Any], object]] = {
    "outcome": lambda p: outcome(gf.Neuron(), p),
    "references": references,
    "best_line": best_line,
    "train_arrays": lambda p: gf.train_arrays(gf.Neuron(), p, gf.GD(), 1),
    "flow_outcomes": lambda p: flow_outcomes(gf.Neuron(), p),
    "descent_outcomes": lambda p: descent_outcomes(gf.Neuron(), p, gf.GD(), 1),
    "basins": lambda p: gf.basins(p, b1=(0.0, 1.0, 2), b2=(0.0, 1.0, 2)),
    "activity": lambda p: activity(gf.Neuron(), p),
    "wall_distances": lambda p: wall_distances(gf.Neuron(), p),
    "family": lambda p: critical_points.family(gf.Neuron(), p),
    "barriers": energy.barriers,
    "trapped": lambda p: hyperactive.trapped(gf.Neuron(), p),
    "trapped_by_signs": lambda p: signs.trapped_by_signs(gf.Neuron(), p),
    "sharpness": lambda p: stability.sharpness(gf.Neuron(), p),
    "killing_rates": lambda p: steps.killing_rates(gf.Neuron(), p),
    "survives_until": lambda p: survival.survives_until(gf.Neuron(), p),
}


@pytest.mark.parametrize("name", list(NEURON_ONLY))
@pytest.mark.parametrize(
    "problem", [gf.Problem(target="abs"), gf.Problem(law=gf.Normal())], ids=["target", "law"]
)
def test_nothing_ignores_a_target_or_a_law(name: str, problem: gf.Problem) -> None:
    with pytest.raises(ValueError, match="this is for a teacher neuron and uniform inputs or a sample only"):
        NEURON_ONLY[name](problem)
    NEURON_ONLY[name](gf.Problem())


def test_old_spellings_mean_the_same() -> None:
    start, teacher = gf.Neuron(1.0, 0.3, 1.0, -0.2), gf.Neuron(1.0, 0.5, 2.0, 0.0)
    old = gf.Problem(teacher, gf.Uniform(0.0, 2.0))
    new = gf.Problem(target=teacher, law=gf.Uniform(0.0, 2.0))
    assert old == new
    assert gf.loss(start, old) == gf.loss(start, new)
    assert gf.Problem(law=gf.grid(5)).inputs.lo == -1.0
