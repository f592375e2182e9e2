"""Training equals torch's, network by network; what is counted is what a plain loop counts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, HeavyBall, init, update
from gradflow.descent.schedules import Warmup
from gradflow.networks.deep import Network, Start, Task, initial, loss_and_gradient, teacher_task, train
from gradflow.networks.deep.network import layout
from gradflow.neuron.activations import RELU
from tests.networks.deep.test_gradients_are_those_of_autograd import torch_model

TASK = teacher_task(20)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_losses_are_those_of_torch(name: str, normalize: bool) -> None:
    torch = pytest.importorskip("torch")
    rates = np.array([0.01, 0.03])
    optimizer: Any = {"SGD": GD(rates), "Adam": Adam(rates), "AdamW": AdamW(rates, weight_decay=0.1)}[name]
    network = Network(1, (6, 5), RELU, normalize)
    run = train(network, TASK, optimizer, 25, start=Start(2, seed=4), record_every=1)
    theta = initial(network, 2, seed=4)
    x, y = torch.tensor(TASK.x), torch.tensor(TASK.y)
    for i, rate in enumerate(rates):
        model = torch_model(network, theta[:, i])
        options = {"weight_decay": 0.1} if name == "AdamW" else {}
        oracle = getattr(torch.optim, name)(model.parameters(), lr=float(rate), **options)
        losses = []
        for _ in range(26):
            value = torch.mean((model(x)[:, 0] - y) ** 2)
            losses.append(value.item())
            oracle.zero_grad()
            value.backward()
            oracle.step()
        np.testing.assert_allclose(run["loss"][:, i], losses, rtol=1e-6, atol=1e-12)


def plain(network: Network, task: Task, optimizer: Any, steps: int, start: Start) -> dict[str, np.ndarray]:
    """Train without the module under test's loop, and count with plain loops over inputs and units."""
    theta = initial(network, start.networks, scheme=start.scheme, seed=start.seed)
    state = init(optimizer, theta)
    off = []
    for step in range(steps + 1):
        off.append([_off(network, theta[:, i], task) for i in range(theta.shape[1])])
        if step < steps:
            gradient = loss_and_gradient(network, theta, task.x, task.y).gradient
            theta, state = update(optimizer, gradient, state, theta)
    off_units = np.array(off)
    went = np.zeros((network.depth, theta.shape[1]), dtype=int)
    came = np.zeros_like(went)
    for before, after in itertools.pairwise(off_units):
        for i in range(theta.shape[1]):
            for layer in range(network.depth):
                for unit in range(network.widths[0]):
                    pair = before[i, layer, unit], after[i, layer, unit]
                    went[layer, i] += pair == (False, True)
                    came[layer, i] += pair == (True, False)
    return {"off": off_units.mean(axis=-1).transpose(0, 2, 1), "deaths": went, "revivals": came}


def _off(network: Network, column: np.ndarray, task: Task) -> list[list[bool]]:
    """Return which units are off, one input at a time, by the formulas of a plain network."""
    rows = {(b.layer, b.name): column[b.start : b.stop].reshape(b.shape) for b in layout(network)}
    off = np.ones((network.depth, network.widths[0]), dtype=bool)
    for x in task.x:
        a = x
        for layer in range(network.depth):
            z = rows[layer, "weight"] @ a + rows[layer, "bias"]
            a = np.maximum(z, 0.0)
            off[layer] &= a == 0.0
    return [list(map(bool, row)) for row in off]


@pytest.mark.parametrize(
    "optimizer", [GD(0.3), Adam(0.05), HeavyBall(0.1, 0.9)], ids=lambda o: type(o).__name__
)
def test_deaths_and_revivals_are_counted(optimizer: Any) -> None:
    network, start = Network(1, (6, 6, 6)), Start(4, seed=3)
    run = train(network, TASK, optimizer, 40, start=start, record_every=1)
    expected = plain(network, TASK, optimizer, 40, start)
    np.testing.assert_array_equal(run["deaths"][-1], expected["deaths"])
    np.testing.assert_array_equal(run["revivals"][-1], expected["revivals"])
    np.testing.assert_allclose(run["off"], expected["off"], atol=1e-15)
    np.testing.assert_array_equal(run["off"], run["dead"])
    assert expected["deaths"].sum() > 0
    assert expected["revivals"].sum() > 0


def test_what_is_recorded_does_not_depend_on_how_often() -> None:
    network, start = Network(1, (8, 8)), Start(3)
    often = train(network, TASK, Adam(0.05), 30, start=start, record_every=1, units=True)
    seldom = train(network, TASK, Adam(0.05), 30, start=start, record_every=15, units=True)
    assert seldom["step"].values.tolist() == [0, 15, 30]
    for name in ("loss", "off", "deaths", "revivals", "reach", "incoming", "outgoing"):
        np.testing.assert_array_equal(seldom[name], often[name].sel(step=seldom["step"]))


def test_the_strict_array_library_trains_too() -> None:
    strict = pytest.importorskip("array_api_strict")
    network = Network(1, (6, 6, 6))
    theta = initial(network, 3)
    optimizer = Adam(np.array([0.01, 0.05, 0.1]))
    expected = train(network, TASK, optimizer, 20, start=theta, record_every=10, units=True)
    found = train(
        network, TASK, optimizer, 20,
        start=strict.asarray(np.ascontiguousarray(theta)), record_every=10, units=True,
    )  # fmt: skip
    for name in expected.data_vars:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-9, err_msg=str(name))


def test_progress_and_provenance() -> None:
    seen: list[int] = []
    run = train(
        Network(1, (4,)),
        TASK,
        GD(0.1),
        250,
        start=Start(2, "torch", 7),
        schedule=Warmup(10),
        progress=seen.append,
    )
    assert seen[-1] == 250
    assert 50 < len(seen) <= 101
    assert run.attrs["seed"] == "7"
    assert all(word in run.attrs["configuration"] for word in ("Warmup", "GD", '"torch"', "relu"))
