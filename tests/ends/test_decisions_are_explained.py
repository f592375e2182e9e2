"""An explanation has the decision's outcome, and conditions that hold where the theorem applies."""

from __future__ import annotations

import doctest
import re

import numpy as np
import pytest

import gradflow as gf
from gradflow.ends import explained
from gradflow.ends.decision import THEOREMS, decide, decide_descent
from gradflow.ends.outcome import OUTCOMES

PROBLEMS = (
    gf.Problem(),
    gf.Problem(gf.Neuron(2.0, -1.0, 0.5, 0.3), gf.Uniform(-0.5, 1.5)),
    gf.Problem(activation=(0.3, 1.0)),
    gf.Problem(inputs=gf.grid(7)),
)
RNG = np.random.default_rng(11)
FAR = "far outside"


@pytest.mark.some(2)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_conditions_hold_where_the_theorem_applies(problem: gf.Problem) -> None:
    applied = set()
    for theta in [*RNG.uniform(-2.5, 2.5, (100, 4)), *RNG.normal([1.0, 0.0, 1.0, 0.0], 0.05, (10, 4))]:
        neuron = gf.Neuron(*map(float, theta))
        found, expected = gf.explain(neuron, problem), decide(neuron, problem)
        assert found.outcome == OUTCOMES[int(expected.outcome)]
        assert found.decided_by == THEOREMS[int(expected.theorem)]
        assert (found.decided_by != "simulation") == any(theorem.applies for theorem in found.considered)
        for theorem in found.considered:
            if theorem.applies:
                applied.add(theorem.name)
                assert all(c.holds for c in theorem.conditions if FAR not in c.says)
            elif theorem.conditions:
                assert not all(c.margin > 1e-6 for c in theorem.conditions)
    assert applied or problem is not PROBLEMS[0]


def test_a_decision_explains_itself() -> None:
    told = str(decide(gf.Neuron(b1=1.5, b2=-2.0)).explain())
    assert "sign trap (gradflow derive 13): applies" in told
    assert "  so the breakpoint never enters the input" in told
    assert "margin 0.5" in told
    with pytest.raises(ValueError, match="an explanation takes one, got an array"):
        decide(gf.Neuron(b2=np.zeros(3))).explain()
    with pytest.raises(ValueError, match="not those about an optimiser"):
        decide_descent(gf.Neuron(), gf.Problem(), gf.GD(0.1)).explain()


def test_numbers_are_those_of_the_neuron() -> None:
    (theorem,) = gf.explain(gf.Neuron(b1=-2.0)).considered
    assert [condition.left for condition in theorem.conditions] == [-3.0, -1.0]
    (barrier, _) = gf.explain(gf.Neuron(b2=0.1)).considered
    assert barrier.conditions[0].left == pytest.approx(float(gf.loss(gf.Neuron(b2=0.1))))
    assert barrier.conditions[0].right == pytest.approx(1 / 48)


def test_what_is_named_on_either_side_is_shown() -> None:
    problem = gf.Problem(gf.Neuron(1.0, -0.3, 0.8, 0.1))
    (signs,) = (t for t in gf.explain(gf.Neuron(1.0, 1.6, 1.0, -2.0), problem).considered if "sign" in t.name)
    _, rises, steep, mean = signs.conditions
    line = np.polynomial.Polynomial.fit(x := np.linspace(-1, 1, 20_001), problem.target_at(x), 1).convert()
    assert steep.left == 1.0
    assert steep.right == pytest.approx(line.coef[1], rel=1e-3)
    assert rises.left == steep.right
    assert steep.margin == pytest.approx(steep.left - steep.right)
    assert "at least as steep as the best line: 1 against 0.2254" in str(steep)
    assert mean.says.startswith("on average it is above that line")
    assert mean.left == pytest.approx(-2.0 + 1.6 - line.coef[0], rel=1e-3)
    below = gf.explain(gf.Neuron(1.0, 1.6, -1.0, 2.0), gf.Problem(gf.Neuron(1.0, -0.3, -0.8, -0.1)))
    (mirrored,) = (t for t in below.considered if "sign" in t.name)
    assert str(mirrored.conditions[2]) == str(steep)
    assert mirrored.conditions[3].says.startswith("on average it is below that line")


def test_an_explanation_alone_is_one_short_line() -> None:
    told = repr(gf.explain(gf.Neuron(b1=1.5, b2=-2.0)))
    assert told == "<Explanation: linear, decided by sign trap; print it for the reasons>"


HUGE = (
    gf.Neuron(w1=1e200, b2=1e200),
    gf.Neuron(b1=1.5, b2=1e200),
    gf.Neuron(b1=1e180, w2=1e180),
    gf.Neuron(w2=0.0),
    gf.Neuron(w1=1e-200, b1=1e-200, w2=1e-200),
)


def test_no_number_of_an_explanation_is_nan_or_infinite() -> None:
    for neuron in (*HUGE, *(gf.Neuron(*map(float, theta)) for theta in RNG.uniform(-2.5, 2.5, (60, 4)))):
        for problem in PROBLEMS:
            assert not re.search(
                r"(?<![a-z])-?(nan|inf)(?![a-z])", told := str(gf.explain(neuron, problem))
            ), told


def test_all_conditions_of_a_proof_hold_where_it_applies_and_only_there() -> None:
    for theta in RNG.uniform([-2.0, -2.0, -2.0, -3.0], [2.0, 2.0, 2.0, 3.0], (60, 4)):
        for theorem in gf.explain(gf.Neuron(*map(float, theta))).considered:
            if theorem.name in ("fading", "path trap"):
                assert theorem.applies == all(c.margin > 0.0 for c in theorem.conditions)


def test_others_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^activation: "):
        gf.explain(gf.Neuron(), gf.Problem(activation="silu"))
    with pytest.raises(ValueError, match=r"^teacher: an explanation takes one problem"):
        gf.explain(gf.Neuron(), gf.Problem(gf.Neuron(b1=np.zeros(2))))
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"^neuron: must be finite, got (nan|inf)$"):
            gf.explain(gf.Neuron(b2=value))


def test_it_is_shown_in_a_notebook_and_in_its_docstring() -> None:
    assert gf.explain(gf.Neuron())._repr_html_().startswith("<pre>balanced neuron")
    assert doctest.testmod(explained, extraglobs={"gf": gf}).failed == 0
