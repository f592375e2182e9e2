"""Along the flow each kind conserves its own quantity, to the integrator's tolerance; others drift."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradflow.field.kinds import KINDS
from gradflow.flow.of_kind import flow
from gradflow.flow.status import CONVERGED, REACHED
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.field.kinds.reference import random_neurons

Law = Callable[[np.ndarray], np.ndarray]

# By derivation 21, part 3; ψ in the order of Kind.parameters.
LAWS: dict[str, Law] = {
    "plain": lambda s: s[0] ** 2 + s[1] ** 2 - s[2] ** 2,
    "shifted": lambda s: s[0] ** 2 - s[2] ** 2,
    "bounded": lambda s: s[0] ** 2 - s[2] ** 2,
    "solved-bias": lambda s: s[0] ** 2 + s[1] ** 2 - s[2] ** 2,
    "solved-output": lambda s: s[0] ** 2 + s[1] ** 2,
    "bounded-solved-bias": lambda s: s[0] ** 2 - s[2] ** 2,
    "gated": lambda s: s[0] ** 2 + s[1] ** 2 - s[2] ** 2 - s[3] ** 2,
}

WRONG: dict[str, Law] = {
    "plain": lambda s: s[0] ** 2 - s[2] ** 2,
    "shifted": lambda s: s[0] ** 2 + (s[0] * s[1]) ** 2 - s[2] ** 2,
    "bounded": lambda s: s[0] ** 2 + s[1] ** 2 - s[2] ** 2,
    "solved-bias": lambda s: s[0] ** 2 - s[2] ** 2,
    "solved-output": lambda s: s[0] ** 2 - s[1] ** 2,
    "bounded-solved-bias": lambda s: s[0] ** 2 + s[1] ** 2 - s[2] ** 2,
    "gated": lambda s: s[0] ** 2 + s[1] ** 2 - s[3] ** 2,
}

PROBLEMS = {
    "population": Problem(),
    "sample": Problem(inputs=grid(15)),
    "leaky, another teacher and interval": Problem(
        Neuron(-0.8, 0.3, 1.2, 0.4), Uniform(-0.5, 2.0), "leaky-relu=0.1"
    ),
}


def ends(kind: str, problem: Problem, t_end: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the parameters of random neurons at the start and at the end of a flow."""
    theta = random_neurons(np.random.default_rng(1), 5, problem)
    run = flow(KINDS[kind], Neuron(*theta), problem, t_end, rtol=1e-10)
    assert np.all(np.isin(run.status, (REACHED, CONVERGED)))
    return np.asarray(KINDS[kind].start(theta, problem)), run.final


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [name if name == "population" else pytest.param(name, marks=pytest.mark.slow) for name in PROBLEMS],
)
def test_the_derived_quantity_stays(kind: str, name: str) -> None:
    # A sample's gradient jumps at its inputs, which the error control has to find.
    first, last = ends(kind, PROBLEMS[name], 1.0 if name == "sample" else 3.0)
    assert np.max(np.abs(last - first)) > 0.05, "nothing moved: nothing is shown"
    drift = np.abs(LAWS[kind](last) - LAWS[kind](first))
    assert np.max(drift) < (1e-7 if name == "sample" else 1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_law_fails(kind: str) -> None:
    first, last = ends(kind, PROBLEMS["population"])
    assert np.max(np.abs(WRONG[kind](last) - WRONG[kind](first))) > 1e-3


@pytest.mark.parametrize("name", ["silu", "tanh", "softplus"])
def test_smooth_neurons_conserve_none_of_it_but_change_at_the_derived_rate(name: str) -> None:
    problem = Problem(activation=name)
    theta = random_neurons(np.random.default_rng(2), 5, problem)
    h = 1e-4
    ahead = flow(KINDS["plain"], Neuron(*theta), problem, h, rtol=1e-12).final
    g = np.asarray(KINDS["plain"].evaluator(problem, theta).gradient(theta))
    # dQ/dt = −4 E[r w2 (z φ′ − φ)], the mean taken here on a fine grid of midpoints.
    x = (np.arange(20_000) + 0.5) / 10_000 - 1.0
    z = theta[0][:, None] * x + theta[1][:, None]
    formulas: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
        "silu": lambda z: (z / (1 + np.exp(-z)), (1 + np.exp(-z) * (1 + z)) / (1 + np.exp(-z)) ** 2),
        "tanh": lambda z: (np.tanh(z), 1 - np.tanh(z) ** 2),
        "softplus": lambda z: (np.log1p(np.exp(z)), 1 / (1 + np.exp(-z))),
    }
    value, slope = formulas[name](z)
    residual = theta[2][:, None] * value + theta[3][:, None] - formulas[name](x)[0]
    rate = -4.0 * np.mean(residual * theta[2][:, None] * (z * slope - value), axis=1)
    law = LAWS["plain"]
    np.testing.assert_allclose((law(ahead) - law(theta)) / h, rate, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(
        -2 * (theta[0] * g[0] + theta[1] * g[1] - theta[2] * g[2]), rate, rtol=1e-6, atol=1e-8
    )
    assert np.min(np.abs(rate)) > 1e-5
