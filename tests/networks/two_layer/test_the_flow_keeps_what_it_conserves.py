"""Balancedness, energy and a falling loss along the flow, at any scale; the dead stay."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.networks.two_layer.data import Dataset, equiangular, in_plane, toy_plane
from gradflow.networks.two_layer.exits import WALL, Step, exits
from gradflow.networks.two_layer.flow import gradient_flow, many
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import as_network, balanced, gaussian, predict
from gradflow.networks.two_layer.path import pack
from gradflow.networks.two_layer.small_steps import flow_by_steps
from gradflow.networks.two_layer.status import BELOW, REACHED, TOO_MANY_STEPS
from gradflow.networks.two_layer.walls import cell_of, system
from tests.networks.two_layer.plain import parameters, random_case


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    loss=st.sampled_from(["exponential", "logistic", "squared"]),
    mean=st.booleans(),
    log_scale=st.sampled_from([0.0, -3.0, -50.0]),
)
def test_identities_hold(seed: int, loss: str, mean: bool, log_scale: float) -> None:
    case = random_case(seed, loss, mean)
    path = gradient_flow(as_network(case.w, case.v, log_scale), case.objective, 2.0)
    assert path.status == REACHED
    assert path.drift < 1e-6
    assert path.energy_error < 1e-7
    assert path.rise < 1e-9
    assert path.t[0] == 0.0
    assert path.t[-1] == 2.0
    np.testing.assert_allclose(np.sum(path.weights**2, axis=-1) + path.outputs**2, 1.0, atol=1e-12)
    # The patterns are the signs of the margins, but for those at rounding.
    x, y = case.objective.data.inputs, case.objective.data.labels
    margins = path.weights @ x.T / np.linalg.norm(x, axis=1)
    clear = (np.abs(margins) > 1e-7) & (path.patterns < 2)
    np.testing.assert_array_equal((margins > 0)[clear], (path.patterns == 1)[clear])
    assert np.all(np.abs(margins[path.patterns == 2]) < 1e-14)
    f = predict(path.network, x)
    np.testing.assert_allclose(
        path.loss,
        case.objective.weight * np.sum(case.objective.loss.value(y, f), axis=-1),
        rtol=1e-7,
        atol=1e-14,
    )


@pytest.mark.parametrize("start", [balanced, gaussian])
def test_the_smallest_networks_move_as_small_ones_do(start: Any) -> None:
    objective = Objective(toy_plane(6))
    tiny, small = (gradient_flow(start(8, 2, scale, seed=3), objective, 4.0) for scale in (-3e4, -60.0))
    assert len(tiny.crossings) >= 3
    assert [s[1:] for s in tiny.crossings] == [s[1:] for s in small.crossings]
    np.testing.assert_allclose(
        [s.t for s in tiny.crossings], [s.t for s in small.crossings], rtol=0, atol=1e-8
    )
    np.testing.assert_allclose(tiny.weights[-1], small.weights[-1], rtol=0, atol=1e-7)
    np.testing.assert_allclose(tiny.log_scale[-1] + 3e4, small.log_scale[-1] + 60.0, rtol=0, atol=1e-7)


def test_one_neuron_of_any_scale_turns_hyperbolically_and_waits() -> None:
    # (w·Ĝ, v) turns by the angle |G| t: w = (cosh t + sinh t, 0.5)/… for G = (1, 0).
    objective = Objective(Dataset(np.array([[1.0, 0.0]]), np.array([1.0])))
    path = gradient_flow(as_network(np.array([[0.3, 0.5]]), np.array([0.4]), -3e4), objective, 29_000.0)
    p = 0.35 * 1.0 + -0.05 * np.exp(-2.0 * path.t)
    v = 0.35 + 0.05 * np.exp(-2.0 * path.t)
    shape = np.stack([p, 0.5 * np.exp(-path.t), v], axis=-1)
    size = np.linalg.norm(shape, axis=-1)
    np.testing.assert_allclose(path.weights[:, 0], shape[:, :2] / size[:, None], rtol=0, atol=1e-9)
    np.testing.assert_allclose(path.log_scale[:, 0], np.log(size) + path.t - 3e4, rtol=0, atol=1e-7)
    assert path.steps < 100
    later = gradient_flow(as_network(np.array([[0.3, 0.5]]), np.array([0.4]), -3e4), objective, 30_100.0)
    assert later.loss[-1] < 0.02
    # Half the loss is reached where 0.7² exp(2t)/4 ~ 1.
    half = float(np.interp(-0.5, -later.loss, later.t))
    assert half == pytest.approx(3e4, abs=2.0)


def test_the_toy_plane_is_fitted_and_its_margins_change_once() -> None:
    objective = Objective(toy_plane(10), mean=True)
    path = gradient_flow(balanced(20, 2, math.log(1e-6), seed=1), objective, 1e4, below=1e-2)
    assert path.status == BELOW
    assert path.loss[-1] <= 1e-2 < path.loss[-2]
    walls = [(s.neuron, s.datum) for s in path.crossings]
    assert len(walls) == len(set(walls)) > 20
    assert {s.kind for s in path.crossings} == {"on", "off"}
    assert path.drift < 1e-7


def test_orthogonal_walls_are_never_reached() -> None:
    # ⟨x₂, w⟩ < 0 stays what it is while w grows along x₁ by exp(700): in the direction it is below rounding.
    objective = Objective(equiangular(2, 0.0, 2))
    path = gradient_flow(as_network(np.array([[0.6, -0.8]]), np.array([1.0]), -700.0), objective, 800.0)
    assert path.crossings == []
    assert path.patterns[-1].tolist() == [[1, 0]]
    assert path.log_scale[-1, 0] > -1.0


def test_the_dead_stay() -> None:
    objective = Objective(Dataset(np.array([[1.0, 0.1], [1.0, -0.1]]), np.array([1.0, -1.0])))
    network = as_network(np.array([[-1.0, 0.2], [0.0, 0.0], [1.0, 0.0]]), np.array([0.5, 1.0, 0.3]))
    path = gradient_flow(network, objective, 5.0)
    for values, first in zip(path.network, network, strict=True):
        np.testing.assert_allclose(values[:, :2], np.broadcast_to(first[:2], values[:, :2].shape), atol=1e-15)
    assert not path.patterns[:, :2].any()
    assert not np.allclose(path.weights[-1, 2], path.weights[0, 2])


def test_a_neuron_that_loses_its_last_input_is_dead_at_its_wall() -> None:
    objective = Objective(Dataset(np.array([[1.0, 0.0]]), np.array([-1.0])))
    path = gradient_flow(as_network(np.array([[0.2, 0.3]]), np.array([0.5])), objective, 3.0)
    (switch,) = path.crossings
    assert switch[1:] == (0, 0, "off")
    after = path.t >= switch.t
    assert np.ptp(path.weights[after], axis=0).max() < 1e-15
    assert np.all(path.weights[after, 0, 0] <= 0.0)
    assert path.loss[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-7])
def test_two_crossings_within_a_step_are_seen(gap: float) -> None:
    # A step whose margin is (s − 0.4)(s − 0.4 − gap), given as a polynomial.
    what = system(Objective(Dataset(np.array([[1.0]]), np.array([1.0]))))
    cell = cell_of(what, np.ones((1, 1), dtype=np.int8), np.zeros(1, dtype=bool))

    def dense(s: float) -> np.ndarray:
        network = as_network(np.ones((1, 1)), np.ones(1))
        return pack(network._replace(weights=np.array([[(s - 0.4) * (s - 0.4 - gap)]])), 0.0)

    step = Step(0.0, 1.0, dense, np.zeros(4))
    (found,) = exits(what, cell, step, np.zeros((1, 1), dtype=bool), 1e-9)
    assert found.key[:3] == (WALL, 0, 0)
    # A double root is known to the square root of rounding.
    assert found.t == pytest.approx(0.4, abs=1e-15 + 1e-15 / gap)
    assert found.certain == (gap**2 / 4 > 1e-8 * 0.36)


def test_recording_does_not_change_the_run() -> None:
    case = random_case(50, "logistic", False)
    full = gradient_flow(case.network, case.objective, 3.0)
    times = np.array([0.0, full.crossings[0].t, 0.5, 1.7, 3.0])
    some = gradient_flow(case.network, case.objective, 3.0, times=times)
    few = gradient_flow(case.network, case.objective, 3.0, max_records=4)
    np.testing.assert_array_equal(some.t, times)
    assert (some.crossings, some.steps, some.drift) == (full.crossings, full.steps, full.drift)
    assert few.crossings == full.crossings
    assert len(few.t) == 4
    for path in (some, few):
        np.testing.assert_allclose(path.weights[-1], full.weights[-1], rtol=0, atol=1e-15)
        assert path.t[0] == 0.0
        assert path.t[-1] == 3.0
    between = gradient_flow(case.network, case.objective, 1.7)
    np.testing.assert_allclose(parameters(some)[3], parameters(between)[-1], rtol=0, atol=1e-8)


def test_many_are_each_one() -> None:
    case = random_case(50, "logistic", False)
    networks = [random_case(seed, "logistic", False).network for seed in (50,)] + [
        gaussian(2, case.objective.data.dimension, -1.0, seed=s) for s in range(3)
    ]
    plain = many(networks, case.objective, 1.0)
    with ThreadPoolExecutor(2) as pool:
        pooled = many(networks, case.objective, 1.0, executor=pool)
    for network, a, b in zip(networks, plain, pooled, strict=True):
        alone = gradient_flow(network, case.objective, 1.0)
        for path in (a, b):
            np.testing.assert_array_equal(path.weights, alone.weights)
            assert path.crossings == alone.crossings


def test_the_step_limit_is_kept() -> None:
    case = random_case(9, "exponential", False)
    seen: list[float] = []
    path = gradient_flow(case.network, case.objective, 3.0, max_steps=3, progress=seen.append)
    assert (path.status, path.steps) == (TOO_MANY_STEPS, 3)
    assert 0.0 < path.t[-1] < 3.0
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_end": -1.0}, "t_end: expected a finite number >= 0, got -1.0"),
        ({"rtol": 1e-14}, "rtol: expected a number from 1e-12 to 0.001, got 1e-14"),
        ({"times": [2.0, 1.0]}, "times: expected one or more sorted numbers in"),
        ({"times": [4.0]}, "times: expected one or more sorted numbers in"),
        ({"max_steps": 0}, "max_steps: expected an integer >= 1, got 0"),
        ({"max_records": 1}, "max_records: expected an integer >= 2, got 1"),
        ({"network": balanced(2, 3, 0.0)}, "network: expected h >= 1 neurons with D = 2"),
        ({"network": balanced(2, 2, 0.0, networks=(2,))}, "network: expected one, with weights of"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], message: str) -> None:
    arguments = {
        "network": balanced(2, 2, 0.0),
        "objective": Objective(toy_plane(4)),
        "t_end": 3.0,
        **options,
    }
    with pytest.raises(ValueError, match=message):
        gradient_flow(**arguments)


def test_balanced_neurons_that_fade_along_a_wall_keep_their_sign() -> None:
    """Their imbalance relative to r² would grow like exp(2|G|t), from the tolerance to a change of sign."""
    data = in_plane([-60.0, 0.0, 60.0], [80.0, 200.0])
    path = gradient_flow(balanced(8, 2, -14.0, seed=2), Objective(data), 200.0, max_records=100)
    assert np.min(path.log_scale[-1]) < -25.0
    np.testing.assert_array_equal(np.sign(path.outputs[-1]), np.sign(path.outputs[0]))
    np.testing.assert_allclose(path.outputs**2, 0.5, rtol=1e-12)
    assert path.drift < 1e-6


def test_a_network_that_has_fitted_everything_stays() -> None:
    """Here the loss and all forces underflow."""
    start = balanced(8, 2, 5.0, seed=0)
    path = gradient_flow(start, Objective(toy_plane(10, 0)), 100.0, times=[0.0, 30.0, 100.0])
    assert path.status == REACHED
    np.testing.assert_array_equal(path.t, [0.0, 30.0, 100.0])
    np.testing.assert_array_equal(path.loss, 0.0)
    np.testing.assert_array_equal(path.weights[-1], path.weights[0])


def test_a_start_whose_loss_overflows_is_refused() -> None:
    start = as_network(np.array([[1.0, 0.0]]), np.array([-1.0]), 20.0)
    for follow in (gradient_flow, flow_by_steps):
        with pytest.raises(ValueError, match="network: the loss at the start is inf, too large"):
            follow(start, Objective(toy_plane(10, 0)), 1.0)
