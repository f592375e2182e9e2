"""The flow in directions and log-norms ends where SciPy's events, and descent by tiny steps, end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.exits import stuck
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.losses import SQUARED, Objective
from gradflow.networks.two_layer.network import as_network, balanced
from gradflow.networks.two_layer.path import Switch
from gradflow.networks.two_layer.status import CHATTERING, REACHED
from tests.networks.two_layer.plain import Case, descend, integrate, parameters, random_case

T_END = 3.0
CROSSING = [("exponential", 9), ("exponential", 13), ("logistic", 22), ("squared", 1), ("squared", 16)]


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize(("loss", "seed"), CROSSING)
def test_crossings_and_ends_are_those_of_plain_parameters(loss: str, seed: int, mean: bool) -> None:
    case = random_case(seed, loss, mean)
    end, crossings = integrate(case, T_END)
    path = gradient_flow(case.network, case.objective, T_END, rtol=1e-11)
    np.testing.assert_allclose(parameters(path)[-1], end, rtol=0, atol=5e-10)
    assert len(crossings) >= 3
    assert [(s.neuron, s.datum) for s in path.crossings] == [(j, i) for _, j, i in crossings]
    np.testing.assert_allclose([s.t for s in path.crossings], [t for t, _, _ in crossings], atol=5e-10)


def test_an_implicit_method_agrees() -> None:
    case = random_case(13, "logistic", True)
    end, _ = integrate(case, 1.0, "Radau")
    path = gradient_flow(case.network, case.objective, 1.0, rtol=1e-11)
    np.testing.assert_allclose(parameters(path)[-1], end, rtol=0, atol=5e-10)


@pytest.mark.parametrize("seed", [7, 12])
def test_more_digits_are_asked_and_given(seed: int) -> None:
    # Sliding ones: no other integrator at hand knows them, so the flow is compared with itself.
    case = random_case(seed, "squared", False)
    ends = [
        parameters(gradient_flow(case.network, case.objective, T_END, rtol=r))[-1]
        for r in (1e-12, 1e-9, 1e-6)
    ]
    fine, coarse = (float(np.max(np.abs(end - ends[0]))) for end in ends[1:])
    assert fine < 1e-7
    assert coarse < 1e-4
    assert fine < 0.1 * coarse


@pytest.mark.parametrize(
    ("loss", "mean", "seed"),
    [("exponential", False, 9), ("logistic", True, 44), ("squared", False, 11), ("squared", True, 29)],
)
def test_gradient_descent_converges_to_it_with_order_one(loss: str, mean: bool, seed: int) -> None:
    case = random_case(seed, loss, mean)
    path = gradient_flow(case.network, case.objective, T_END)
    assert path.crossings
    errors = [
        np.max(np.abs(descend(case, T_END, eta) - parameters(path)[-1])) for eta in (4e-3, 1e-3, 2.5e-4)
    ]
    # The constant depends on where in a step the crossings come, so the ratio is 16 only roughly.
    assert errors[0] < 0.02
    assert 6.0 < errors[0] / errors[2] < 40.0
    assert errors[2] < errors[1] < errors[0]


@pytest.mark.some(2)
@pytest.mark.parametrize(
    ("loss", "mean", "seed"),
    [("exponential", False, 32), ("logistic", False, 50), ("logistic", True, 7), ("squared", True, 12),
     ("squared", False, 45)],
)  # fmt: skip
def test_gradient_descent_zigzags_along_a_slide(loss: str, mean: bool, seed: int) -> None:
    case = random_case(seed, loss, mean)
    path = gradient_flow(case.network, case.objective, T_END)
    kinds = {switch.kind for switch in path.crossings}
    assert "slides" in kinds
    assert kinds & {"leaves on", "leaves off"}
    error = [np.max(np.abs(descend(case, T_END, eta) - parameters(path)[-1])) for eta in (1e-3, 2e-4)]
    assert error[1] < 2e-3
    assert error[1] < 0.6 * error[0]


@pytest.mark.some(1)
@pytest.mark.parametrize("problem", ["two data", "six data"])
def test_neurons_whose_wall_no_longer_pulls_do_not_come_and_go(problem: str) -> None:
    # What the others have fitted pushes a neuron to and off its wall by rounding only.
    if problem == "two data":
        data = Dataset(np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.3, -2.2]))
        start = balanced(4, 2, -5.0)
    else:
        rng = np.random.default_rng(12)
        n, d = int(rng.integers(3, 8)), int(rng.integers(2, 4))
        data, start = Dataset(rng.normal(size=(n, d)), rng.normal(size=n)), balanced(5, d, -5.0, seed=12)
    objective = Objective(data, SQUARED)
    path = gradient_flow(start, objective, 30.0, max_steps=600)
    assert path.status == REACHED
    assert len(path.crossings) < 30
    assert path.rise < 1e-12
    scale = np.exp(start.log_scale)
    case = Case(scale[:, None] * start.weights, scale * start.outputs, objective)
    np.testing.assert_allclose(parameters(path)[-1], descend(case, 30.0, 5e-4), rtol=0, atol=5e-4)


def test_a_gate_that_changes_for_ever_ends_the_run() -> None:
    often = [Switch(1.0 + 1e-9 * k, 0, 3, ("slides", "leaves off")[k % 2]) for k in range(300)]
    assert stuck([]) is None
    assert stuck(often[:150]) is None
    assert stuck(often) == CHATTERING
    assert stuck([*often, Switch(2.0, 0, 2, "on")]) is None


def test_a_slide_is_the_closed_form() -> None:
    # Off x₂ the force is x₁, on it x₁ − x₂; between, x₁ − x₂/2 keeps ⟨x₂, w⟩ = 0.
    x1, x2 = np.array([1.0, 0.0]), np.array([0.5, np.sqrt(0.75)])
    objective = Objective(Dataset(np.stack([x1, x2]), np.array([1.0, -1.0])))
    w, v = np.array([0.1, -1.0]), float(np.hypot(0.1, 1.0))
    path = gradient_flow(as_network(w[None], np.array([v]), -500.0), objective, 3.0, rtol=1e-11)

    def first(t: float) -> float:
        return float(w[0] * np.cosh(t) + v * np.sinh(t))

    hit = brentq(lambda t: first(t) * x2[0] + w[1] * x2[1], 0.0, 5.0, xtol=1e-15)
    (switch,) = path.crossings
    assert switch[1:] == (0, 1, "slides")
    assert switch.t == pytest.approx(hit, abs=1e-9)
    force = x1 - 0.5 * x2
    size = np.sqrt(0.75)
    along = (first(hit) * force[0] + w[1] * force[1]) / size
    speed = w[0] * np.sinh(hit) + v * np.cosh(hit)
    grown = (along + speed) / 2 * np.exp(size * (3.0 - hit))
    shrunk = (along - speed) / 2 * np.exp(-size * (3.0 - hit))
    end = np.array([*((grown + shrunk) * force / size), grown - shrunk])
    np.testing.assert_allclose(
        parameters(path._replace(log_scale=path.log_scale + 500.0))[-1, 0], end, rtol=1e-9
    )
    assert path.patterns[-1].tolist() == [[1, 2]]
    assert abs(path.weights[-1, 0] @ x2) < 1e-15


def test_a_neuron_that_slides_into_the_origin_leaves_where_descent_leaves() -> None:
    case = random_case(32, "exponential", False)
    path = gradient_flow(case.network, case.objective, T_END)
    (i,) = np.flatnonzero(path.log_scale[:, 0] + np.log(np.linalg.norm(path.weights[:, 0], axis=1)) < -12)[:1]
    assert 1.3 < path.t[i] < 1.32
    np.testing.assert_allclose(parameters(path)[-1], descend(case, T_END, 3e-4), atol=2e-3)


def test_a_neuron_that_slides_into_the_origin_stays_if_nothing_drives_it_out() -> None:
    case = random_case(124, "logistic", False)
    path = gradient_flow(case.network, case.objective, T_END)
    assert np.all(path.weights[-1, 1] == 0.0)
    assert not path.patterns[-1, 1].any()
    assert "slides" in {s.kind for s in path.crossings if s.neuron == 1}
    np.testing.assert_allclose(parameters(path)[-1], descend(case, T_END, 3e-4), atol=2e-3)


def test_twins_share_their_wall() -> None:
    # Multiples of one input, also negative ones, change together.
    case = random_case(9, "exponential", False)
    x, y = case.objective.data.inputs, case.objective.data.labels
    data = Dataset(np.concatenate([x, 2.0 * x[:1], -0.5 * x[1:2]]), np.concatenate([y, y[:1], -y[1:2]]))
    twins = Case(case.w, case.v, Objective(data))
    path = gradient_flow(twins.network, twins.objective, T_END)
    np.testing.assert_allclose(descend(twins, T_END, 3e-4), parameters(path)[-1], atol=2e-3)
    np.testing.assert_array_equal(path.patterns[..., len(y)], path.patterns[..., 0])
    np.testing.assert_array_equal(path.patterns[..., len(y) + 1], 1 - path.patterns[..., 1])
    assert {s.datum for s in path.crossings} & {0, 1}
