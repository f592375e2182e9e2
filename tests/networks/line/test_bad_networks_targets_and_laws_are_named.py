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
from gradflow.networks import deep, line
from gradflow.neuron.activity import activity, wall_distances
from gradflow.neuron.targets import Polynomials, Sine
from gradflow.theory import critical_points, energy, hyperactive, signs, stability, steps, survival

PAIR = gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])
ANY: Any = PAIR
KNOTS: Any = gf.Knots([0.0, 1.0], [0.0, 1.0])


def on_grid(**given: Any) -> gf.Problem:
    return gf.Problem(inputs=gf.grid(5), **given)


DEEP: Any = deep.Network(2, (4, 4))
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
    "a name": (lambda: gf.Problem(target="sinus"), "target: expected abs, hat, step, sine, got 'sinus'"),
    "a number": (lambda: gf.Problem(target=3.0), "target: expected a Network, a Neuron, Knots"),
    "twice": (lambda: gf.Problem(gf.Neuron(2.0), target="abs"), "expected a target or a teacher, got both"),
    "two laws": (lambda: gf.Problem(inputs=gf.grid(5), law=gf.Normal()), "a law or inputs, got both"),
    "no law": (lambda: gf.Problem(law="flat"), "law: expected Uniform, Steps, Normal, Sample or one of"),
    "no loss": (lambda: on_grid(loss="hinge"), "loss: expected squared, absolute, huber[=HUBER]"),
    "no size": (lambda: on_grid(loss="huber=x"), "huber[=HUBER], logistic, exponential, got 'huber=x'"),
    "a size of 0": (lambda: on_grid(loss="huber=0"), "loss: expected a number > 0 for huber"),
    "a size too many": (lambda: on_grid(loss="absolute=2"), "absolute has no number of its own"),
    "a loss of a law": (lambda: gf.Problem(loss="huber"), "expected squared where the inputs are no sample"),
    "no signs": (
        lambda: line.loss(PAIR, gf.Problem(inputs=gf.grid(3), target="abs", loss="logistic")),
        "loss: logistic takes targets -1 and 1, got 0",
    ),
    "targets twice": (
        lambda: gf.Problem(inputs=gf.Sample([0.0], targets=[1.0]), target="abs"),
        "target: expected a target or a sample with targets, got both",
    ),
    "unsorted pieces": (lambda: Polynomials([1.0, 0.0], [[1.0]]), "x: must increase, got 1 before 0"),
    "a piece too few": (lambda: Polynomials([0.0, 1.0, 2.0], [[1.0]]), "for each of 2 pieces, got shape"),
    "a degree": (lambda: Polynomials([0.0, 1.0], np.ones((1, 21))), "a row of 1 to 20 for each of 1 pieces"),
    "a fast sine": (lambda: Sine(1e5), "omega: expected a number from -10000 to 10000, got 100000.0"),
    "many teachers": (
        lambda: line.loss(PAIR, gf.Problem(gf.Neuron(b1=np.zeros(3)))),
        "target: networks on the line take one teacher",
    ),
    "a bare target": (lambda: references(KNOTS), "write Problem(target="),
    "a network as neuron": (lambda: stability.sharpness(ANY), "neuron: expected 4 parameters"),
    "a deep network to train": (lambda: gf.train(DEEP), "networks.deep.train takes it"),
    "a deep network in the flow": (lambda: gf.gradient_flow(DEEP), "networks.deep.train takes it"),
    "a deep network's loss": (lambda: gf.loss(DEEP), "networks.deep.train takes it"),
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
    "problem",
    [gf.Problem(target="abs"), gf.Problem(law=gf.Normal()), gf.Problem(inputs=gf.grid(5), loss="huber")],
    ids=["target", "law", "loss"],
)
def test_nothing_ignores_a_target_a_law_or_a_loss(name: str, problem: gf.Problem) -> None:
    what = (
        "the squared loss"
        if problem.loss.name == "huber"
        else "a teacher neuron and uniform inputs or a sample"
    )
    with pytest.raises(ValueError, match=f"this is for {what} only"):
        NEURON_ONLY[name](problem)
    NEURON_ONLY[name](gf.Problem())


def test_activity_is_on_the_laws_inputs() -> None:
    neuron, wide = gf.Neuron(1.0, -1.5), gf.Steps([-1.0, 0.0, 2.0], [1.0, 0.5])
    assert int(activity(neuron)) == int(activity(neuron, gf.Problem(target="abs"))) == 0
    for problem in (gf.Problem(law=wide), gf.Problem(target="abs", law=wide), gf.Problem(law=gf.Normal())):
        assert int(activity(neuron, problem)) == 1
    assert np.allclose(
        wall_distances(neuron, gf.Problem(law=wide)), [-2.5 / np.sqrt(2.0), 0.5 / np.sqrt(5.0)]
    )
    assert (gf.Problem(law=wide).lo, gf.Problem(law=wide).hi) == (-1.0, 2.0)


@pytest.mark.parametrize(
    "problem",
    [gf.Problem(target="abs"), gf.Problem(law=gf.Normal()), gf.Problem(inputs=gf.grid(5), loss="huber")],
    ids=["target", "law", "loss"],
)
def test_basins_of_neurons_name_what_takes_such_problems(problem: gf.Problem) -> None:
    with pytest.raises(ValueError, match=r"only, got the .*; gradflow\.networks\.line\.basins takes it$"):
        gf.basins(problem, method="gd", b2=(-1.0, 1.0, 2))
    found = gf.networks.line.basins(gf.Neuron(), [gf.Axis("b2", -1.0, 1.0, 2)], problem, gf.GD(0.1), 5)
    assert found["outcome"].shape == (2,)


def test_old_spellings_mean_the_same() -> None:
    start, teacher = gf.Neuron(1.0, 0.3, 1.0, -0.2), gf.Neuron(1.0, 0.5, 2.0, 0.0)
    old = gf.Problem(teacher, gf.Uniform(0.0, 2.0))
    new = gf.Problem(target=teacher, law=gf.Uniform(0.0, 2.0))
    assert old == new
    assert gf.loss(start, old) == gf.loss(start, new)
    assert gf.Problem(law=gf.grid(5)).inputs.lo == -1.0
