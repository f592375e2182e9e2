"""A ReLU unit that is dead on all inputs gets no gradient, in or out; what can move it nevertheless."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.descent import GD, AdamW, HeavyBall
from gradflow.networks.deep import (
    Network,
    Start,
    dead_units,
    initial,
    loss_and_gradient,
    norms,
    teacher_task,
    train,
    zero_share,
)
from gradflow.networks.deep.measure import by_layer, dead_share, layer_of_unit
from gradflow.networks.deep.network import pack, unpack
from gradflow.neuron.activations import GELU, SILU, Activation, PiecewiseLinear

TASK = teacher_task(16)
NETWORK = Network(1, (6, 6, 6))


def killed(seed: int, layer: int, unit: int) -> np.ndarray:
    """Return a start whose given unit is dead on [−1, 1], by its bias."""
    theta = initial(NETWORK, 2, seed=seed)
    layers = unpack(NETWORK, theta)
    layers[layer]["bias"][:, unit] = -100.0
    start: np.ndarray = pack(NETWORK, layers)
    return start


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100), layer=st.integers(0, 2), unit=st.integers(0, 5))
def test_neither_its_weights_nor_the_ones_that_leave_it(seed: int, layer: int, unit: int) -> None:
    theta = killed(seed, layer, unit)
    found = loss_and_gradient(NETWORK, theta, TASK.x, TASK.y)
    assert np.all(dead_units(found.passed)[:, 6 * layer + unit])
    gradient = unpack(NETWORK, found.gradient)
    assert np.all(gradient[layer]["weight"][:, unit] == 0.0)
    assert np.all(gradient[layer]["bias"][:, unit] == 0.0)
    assert np.all(gradient[layer + 1]["weight"][:, :, unit] == 0.0)


@pytest.mark.parametrize("activation", [PiecewiseLinear(0.01, 1.0), SILU, GELU], ids=str)
def test_a_leaky_or_smooth_unit_that_is_off_gets_one(activation: Activation) -> None:
    network = Network(1, (6, 6, 6), activation)
    layers = unpack(network, initial(network, 2, seed=1))
    layers[1]["bias"][:, 3] = -2.5
    theta = pack(network, layers)
    found = loss_and_gradient(network, theta, TASK.x, TASK.y)
    assert np.all(found.passed.layers[1].z[:, 3] < 0.0)
    assert not np.any(dead_units(found.passed)[:, 9])
    assert np.all(unpack(network, found.gradient)[1]["bias"][:, 3] != 0.0)


def test_plain_descent_keeps_both_norms_while_a_unit_is_dead() -> None:
    run = train(Network(1, (8,) * 4), TASK, GD(0.3), 100, start=Start(6, seed=2), record_every=1, units=True)
    dead = run["reach"].values <= 0.0
    still = dead[:-1] & dead[1:]
    assert np.sum(still) > 1000
    for name in ("incoming", "outgoing"):
        values = run[name].values
        assert np.all(values[1:][still] == values[:-1][still])
    moving = ~dead[:-1] & ~dead[1:]
    assert np.mean(run["incoming"].values[1:][moving] != run["incoming"].values[:-1][moving]) > 0.9


def test_the_first_layer_does_not_come_back_under_plain_descent() -> None:
    run = train(
        Network(1, (8,) * 4), TASK, GD(np.linspace(0.1, 0.6, 30)), 150, start=Start(30), record_every=1
    )
    assert run["deaths"][-1, 0].sum() > 20
    assert np.all(run["revivals"][:, 0] == 0)
    # Deeper units do, because what enters them changes.
    assert run["revivals"][-1, 1:].sum() > 20


def test_decay_shrinks_dead_units_and_momentum_moves_them() -> None:
    theta = killed(0, 1, 2)
    decayed = train(NETWORK, TASK, AdamW(0.01, weight_decay=0.5), 10, start=theta, record_every=1, units=True)
    ratio = decayed["incoming"].values[1:, 8] / decayed["incoming"].values[:-1, 8]
    np.testing.assert_allclose(ratio, 1.0 - 0.01 * 0.5, rtol=1e-12)
    # Momentum is there only after a unit has been alive.
    run = train(
        Network(1, (8,) * 4), TASK, HeavyBall(0.1, 0.9), 60, start=Start(10), record_every=1, units=True
    )
    dead = run["reach"].values <= 0.0
    died = ~dead[:-2] & dead[1:-1] & dead[2:]
    assert np.sum(died) > 20
    incoming = run["incoming"].values
    assert np.all(incoming[2:][died] != incoming[1:-1][died])


def test_shares_and_norms_are_those_of_plain_loops() -> None:
    network = Network(2, (3, 5))
    theta = initial(network, 2, scheme="torch")
    x = np.random.default_rng(0).normal(size=(7, 2))
    found = loss_and_gradient(network, theta, x, np.zeros(7))
    layers = unpack(network, theta)
    incoming, outgoing = norms(network, theta)
    for i in range(2):
        first, second = layers[0]["weight"][i], layers[1]["weight"][i]
        for unit in range(3):
            assert incoming[i, unit] == pytest.approx(
                np.hypot(np.linalg.norm(first[unit]), layers[0]["bias"][i, unit])
            )
            assert outgoing[i, unit] == pytest.approx(np.linalg.norm(second[:, unit]))
        assert outgoing[i, 7] == pytest.approx(abs(layers[2]["weight"][i, 0, 4]))
        active = np.maximum(first @ x.T + layers[0]["bias"][i][:, None], 0.0)
        assert zero_share(found.passed)[i, 0] == np.mean(active == 0.0)
    assert layer_of_unit(network).tolist() == [1, 1, 1, 2, 2, 2, 2, 2]
    assert by_layer(network, np.ones((2, 8))).tolist() == [[3.0, 5.0], [3.0, 5.0]]
    run = train(network, TASK._replace(x=np.repeat(TASK.x, 2, axis=1)), GD(0.1), 0, start=theta)
    share = (3 * run["off"][:, 0] + 5 * run["off"][:, 1]) / 8
    np.testing.assert_allclose(dead_share(run), share)
