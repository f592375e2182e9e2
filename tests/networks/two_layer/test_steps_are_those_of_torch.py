"""Steps are those of torch's autograd and optimisers, and of a computation by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, HeavyBall, Nesterov, RMSProp
from gradflow.descent.schedules import Warmup
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.losses import LOSSES, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, gaussian
from gradflow.networks.two_layer.steps import train

RNG = np.random.default_rng(5)
DATA = Dataset(RNG.normal(size=(9, 4)), np.where(RNG.random(9) < 0.5, 1.0, -1.0))
TRUE: dict[str, Any] = {
    "exponential": lambda t, y, f: t.exp(-y * f),
    "logistic": lambda t, y, f: 2.0 * t.nn.functional.softplus(-y * f),
    "squared": lambda t, y, f: (f - y) ** 2,
}


def true(network: TwoLayer) -> tuple[np.ndarray, np.ndarray]:
    """Return the w_j and v_j themselves."""
    size = np.exp(network.log_scale)
    return network.weights * size[..., None], network.outputs * size


def torch_run(
    start: TwoLayer,
    objective: Objective,
    make: Any,
    steps: int,
    *,
    batches: Any = None,
    frozen: bool = False,
    rates: Any = None,
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Train by torch, and return weights, outputs and the losses before every step and at the end."""
    torch = pytest.importorskip("torch")
    w, v = (torch.tensor(value, requires_grad=True) for value in true(start))
    x, y = torch.tensor(objective.data.inputs), torch.tensor(objective.data.labels)
    optimizer = make(torch, [w] if frozen else [w, v])
    value = TRUE[objective.loss.name]
    losses = []

    def total(index: Any) -> Any:
        each = value(torch, y[index], torch.relu(x[index] @ w.T) @ v)
        return torch.mean(each) * (1.0 if objective.mean else objective.data.n)

    everything = np.arange(objective.data.n)
    for step in range(steps):
        losses.append(total(everything).item())
        if rates is not None:
            optimizer.param_groups[0]["lr"] = rates(step)
        optimizer.zero_grad()
        total(everything if batches is None else batches(step)).backward()
        optimizer.step()
    losses.append(total(everything).item())
    return w.detach().numpy(), v.detach().numpy(), losses


@pytest.mark.parametrize("loss", sorted(TRUE))
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("batch", [None, 4])
def test_gradient_descent(loss: str, mean: bool, batch: int | None) -> None:
    objective, start = Objective(DATA, LOSSES[loss], mean), gaussian(7, 4, math.log(0.5), seed=3)
    run = train(start, objective, GD(0.02), 12, batch_size=batch, seed=8, record_every=1)
    rng, orders = np.random.default_rng(8), []

    def batches(step: int) -> np.ndarray:
        # Three batches an epoch: 4, 4 and 1 of the 9.
        if step % 3 == 0:
            orders.append(rng.permutation(9))
        return np.array_split(orders[-1], [4, 8])[step % 3]

    w, v, losses = torch_run(
        start, objective, lambda t, p: t.optim.SGD(p, lr=0.02), 12, batches=batches if batch else None
    )
    for found, expected in zip(true(run.final), (w, v), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-11)
    np.testing.assert_allclose(
        run.history["log_norm"][-1], np.log(np.linalg.norm(w, axis=1)), rtol=0, atol=1e-11
    )


OPTIMIZERS: list[tuple[Any, Any]] = [
    (HeavyBall(0.02, 0.8), lambda t, p: t.optim.SGD(p, lr=0.02, momentum=0.8)),
    (Nesterov(0.02, 0.8), lambda t, p: t.optim.SGD(p, lr=0.02, momentum=0.8, nesterov=True)),
    (Adam(0.02), lambda t, p: t.optim.Adam(p, lr=0.02)),
    (AdamW(0.02, weight_decay=0.1), lambda t, p: t.optim.AdamW(p, lr=0.02, weight_decay=0.1)),
    (RMSProp(0.01), lambda t, p: t.optim.RMSprop(p, lr=0.01)),
]


@pytest.mark.parametrize(("ours", "theirs"), OPTIMIZERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("frozen", [False, True])
def test_every_optimiser(ours: Any, theirs: Any, frozen: bool) -> None:
    # An input that is always 0: no gradient, but decay.
    data = Dataset(np.concatenate([DATA.inputs, np.zeros((9, 1))], axis=1), DATA.labels)
    objective, start = Objective(data, mean=True), gaussian(6, 5, math.log(0.4), seed=1)
    run = train(start, objective, ours, 40, freeze_outputs=frozen, record_every=1)
    w, v, losses = torch_run(start, objective, theirs, 40, frozen=frozen)
    for found, expected in zip(true(run.final), (w, v), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-7)


def test_schedules_set_the_rate() -> None:
    objective, start = Objective(DATA), gaussian(6, 4, math.log(0.3))
    run = train(start, objective, GD(0.01), 20, schedule=Warmup(10))
    w, _, _ = torch_run(
        start, objective, lambda t, p: t.optim.SGD(p, lr=0.01), 20, rates=lambda k: 0.01 * min(k, 10) / 10
    )
    np.testing.assert_allclose(true(run.final)[0], w, rtol=1e-11, atol=1e-13)


def test_one_step_by_hand() -> None:
    """w = (3, −1), v = 2, one input (1, 2) with label −1: f = 2·1 = 2, g = −e² under the exponential loss."""
    objective = Objective(Dataset(np.array([[1.0, 2.0]]), np.array([-1.0])))
    start = as_network(np.array([[3.0, -1.0]]), np.array([2.0]))
    run = train(start, objective, GD(0.01), 1)
    pull = -math.exp(2.0)
    w, v = true(run.final)
    np.testing.assert_allclose(w, [[3.0 + 0.02 * pull, -1.0 + 0.04 * pull]], rtol=1e-14)
    np.testing.assert_allclose(v, [2.0 + 0.01 * pull * 1.0], rtol=1e-14)
    np.testing.assert_allclose(run.history["loss"][0], math.exp(2.0), rtol=1e-14)


def test_a_margin_of_zero_does_not_move() -> None:
    objective = Objective(Dataset(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([1.0, -1.0])))
    start = as_network(np.array([[0.0, 1.0]]), np.array([1.0]))
    run = train(start, objective, GD(0.5), 10)
    np.testing.assert_array_equal(run.final.weights, start.weights)
    assert run.history["count_dead"].values.tolist() == [1, 1]
