"""The symbolic loss, gradient and Hessian of a problem equal the numeric ones in every cell."""

from __future__ import annotations

import doctest
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy

import gradflow as gf
from gradflow.proofs import symbolic

PROBLEMS = {
    "default": gf.Problem(),
    "leaky on [0, 2]": gf.Problem(gf.Neuron(1.5, -0.9, 0.7, 0.2), gf.Uniform(0.0, 2.0), (0.1, 1.0)),
    "falling": gf.Problem(gf.Neuron(-1.0, 0.25, 2.0, -1.0), gf.Uniform(-1.0, 3.0)),
    "a dead teacher": gf.Problem(gf.Neuron(1.0, -2.0, 1.0, 0.5)),
    "a line, leaky": gf.Problem(gf.Neuron(1.0, 2.0, 1.0, 0.5), activation=(-0.5, 1.0)),
    "at the end": gf.Problem(gf.Neuron(1.0, 1.0, 1.0, 0.0)),
}
CHEAP = ("default", "leaky on [0, 2]")
RNG = np.random.default_rng(5)
THETA = RNG.uniform(-2.0, 2.0, (4, 400))


@cache
def lambdified(name: str, what: str) -> Any:
    expression = getattr(symbolic, what)(PROBLEMS[name])
    return sympy.lambdify(list(symbolic.symbols.values()), expression, "numpy")


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in PROBLEMS if name not in CHEAP]


@pytest.mark.parametrize("name", [*CHEAP, *OTHERS])
def test_the_gradient_is_the_numeric_one(name: str) -> None:
    problem = PROBLEMS[name]
    found = np.squeeze(lambdified(name, "gradient")(*THETA))
    np.testing.assert_allclose(found, gf.gradient(THETA, problem), rtol=1e-9, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_loss_and_the_hessian_are_the_numeric_ones(name: str) -> None:
    problem = PROBLEMS[name]
    np.testing.assert_allclose(
        lambdified(name, "loss")(*THETA), gf.loss(THETA, problem), rtol=1e-9, atol=1e-11
    )
    few = THETA[:, :60]
    found = np.stack(
        [np.asarray(lambdified(name, "hessian")(*theta), dtype=float) for theta in few.T], axis=-1
    )
    np.testing.assert_allclose(found, gf.hessian(few, problem), rtol=1e-8, atol=1e-9)


def inside(name: str) -> np.ndarray:
    """Return the number of random neurons in each cell, decided by the conditions in their order."""
    found = symbolic.cells(PROBLEMS[name])
    w1, b1 = symbolic.symbols["w1"], symbolic.symbols["b1"]
    left = np.ones(THETA.shape[1], dtype=bool)
    counts = []
    for condition in found.values():
        here = left & np.asarray(sympy.lambdify([w1, b1], condition, "numpy")(*THETA[:2]), dtype=bool)
        counts.append(int(here.sum()))
        left &= ~here
    assert not left.any()
    return np.array(counts)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_neuron_is_in_a_named_cell(name: str) -> None:
    counts = inside(name)
    assert counts.min() > 0
    assert counts.size == (6 if name in ("default", "leaky on [0, 2]", "falling") else 4)


def test_one_cell_is_what_stands_there() -> None:
    names = list(symbolic.cells())
    assert names == [
        "dead",
        "hyperactive",
        "balanced, w1 > 0; -b1/w1 < 0",
        "balanced, w1 > 0; 0 < -b1/w1",
        "balanced, w1 < 0; -b1/w1 < 0",
        "balanced, w1 < 0; 0 < -b1/w1",
    ]
    theta = {"w1": 2, "b1": sympy.Rational(1, 2), "w2": 1, "b2": -1}
    everywhere = symbolic.loss().subs(theta)
    assert everywhere == symbolic.loss(cell=names[2]).subs(theta)
    assert everywhere.is_Rational
    assert float(everywhere) == pytest.approx(float(gf.loss(gf.Neuron(2.0, 0.5, 1.0, -1.0))), rel=1e-14)
    assert r"\begin{cases}" in sympy.latex(symbolic.loss())


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (gf.Problem(inputs=gf.grid(5)), "inputs: "),
        (gf.Problem(gf.Neuron(b1=np.zeros(2))), "teacher: "),
        (gf.Problem(activation="silu"), "activation: "),
        (gf.Problem(activation=(0.1, 1.0), teacher_activation="relu"), "activation: "),
        (gf.Problem(target="abs"), "problem: "),
    ],
)
def test_other_problems_are_refused(problem: gf.Problem, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}"):
        symbolic.gradient(problem)


def test_another_cell_is_named() -> None:
    with pytest.raises(ValueError, match=r"^cell: expected 'dead', 'hyperactive', 'balanced, w1 > 0; "):
        symbolic.loss(cell="alive")


def test_the_examples_of_the_docstrings_are_so() -> None:
    assert doctest.testmod(symbolic, extraglobs={"gf": gf}).failed == 0
