"""Networks on a sample have PyTorch's loss, gradient and Hessian, for every loss and activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line
from gradflow.neuron.losses import LOSSES

M, N = 5, 40
RNG = np.random.default_rng(0)
X, Y, WEIGHTS = RNG.uniform(-1, 1, N), np.sign(RNG.normal(size=N)), RNG.uniform(0, 1, N)
WEIGHTS[3] = 0.0
NETWORK = line.start("kernel", M, 4)
ACTIVATIONS = ("relu", "leaky-relu=0.1", "silu", "gelu", "softplus", "tanh")
SPELLINGS = ("squared", "absolute", "huber=0.5", "huber", "logistic", "exponential")


def of_torch(torch: Any, activation: str, loss: str, theta: Any) -> Any:
    """Return the loss of the sample as PyTorch computes it."""
    functional = torch.nn.functional
    phi = {
        "relu": torch.relu,
        "leaky-relu=0.1": lambda z: functional.leaky_relu(z, 0.1),
        "silu": functional.silu,
        "gelu": functional.gelu,
        "softplus": functional.softplus,
        "tanh": torch.tanh,
    }[activation]
    x, y, weights = (torch.tensor(v) for v in (X, Y, WEIGHTS / WEIGHTS.sum()))
    f = phi(x[:, None] * theta[:M] + theta[M : 2 * M]) @ theta[2 * M : 3 * M] + theta[3 * M]
    size = float(loss.partition("=")[2] or 1.0)
    losses = {
        "squared": lambda: (f - y) ** 2,
        "absolute": lambda: (f - y).abs(),
        "huber": lambda: 2.0 * functional.huber_loss(f, y, reduction="none", delta=size),
        "logistic": lambda: functional.softplus(-y * f),
        "exponential": lambda: torch.exp(-y * f),
    }
    return (weights * losses[loss.partition("=")[0]]()).sum()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_of_every_loss(activation: str) -> None:
    torch: Any = pytest.importorskip("torch")
    for loss in SPELLINGS:
        theta = torch.tensor(NETWORK.rows, requires_grad=True)
        value = of_torch(torch, activation, loss, theta)
        value.backward()
        bend = torch.autograd.functional.hessian(
            lambda t, loss=loss: of_torch(torch, activation, loss, t), torch.tensor(NETWORK.rows)
        )
        problem = gf.Problem(
            inputs=gf.Sample(X, weights=WEIGHTS, targets=Y), activation=activation, loss=loss
        )
        assert abs(gf.loss(NETWORK, problem) - value.item()) < 1e-14, loss
        assert np.allclose(gf.gradient(NETWORK, problem), theta.grad.numpy(), rtol=0, atol=1e-13), loss
        assert np.allclose(gf.hessian(NETWORK, problem), bend.numpy(), rtol=0, atol=1e-12), loss
    assert {name.partition("=")[0] for name in SPELLINGS} == set(LOSSES)


def test_far_outputs_neither_overflow_nor_lose_digits() -> None:
    far = gf.Network([1.0], [0.0], [0.0], -800.0)
    points = gf.Sample([0.5], targets=[1.0])
    assert gf.loss(far, gf.Problem(inputs=points, loss="logistic")) == 800.0
    near = gf.Network([1.0], [0.0], [0.0], 700.0)
    assert gf.loss(near, gf.Problem(inputs=points, loss="logistic")) == pytest.approx(
        np.exp(-700.0), rel=1e-12
    )
    assert gf.gradient(near, gf.Problem(inputs=points, loss="logistic"))[-1] == pytest.approx(
        -np.exp(-700.0), rel=1e-12
    )


@pytest.mark.parametrize("activation", ["relu", "leaky-relu=0.1", "tanh"])
@pytest.mark.parametrize("teacher", ["relu", "gelu"])
def test_one_neuron_is_the_neuron(activation: str, teacher: str) -> None:
    thetas = np.random.default_rng(1).uniform(-1.5, 1.5, (4, 60))
    for inputs in (gf.grid(101), gf.Uniform(-1.0, 0.8)):
        problem = gf.Problem(gf.Neuron(1.0, 0.2, 0.7, 0.1), inputs, activation, teacher)
        for mine, own in (
            (line.loss(thetas, problem), gf.loss(thetas, problem)),
            (line.gradient(thetas, problem), gf.gradient(thetas, problem)),
            (line.hessian(thetas, problem), gf.hessian(thetas, problem)),
        ):
            assert np.max(np.abs(np.squeeze(mine) - np.squeeze(own))) < 1e-13


def test_networks_of_an_array_do_not_depend_on_each_other() -> None:
    networks = line.start("kernel", 6, 2, (3, 7))
    for problem in (
        gf.Problem(inputs=gf.grid(33), target="abs", loss="huber"),
        gf.Problem(target="sine", activation="silu"),
        gf.Problem(target="sine"),
    ):
        whole = line.gradient(networks, problem)
        for i, j in ((0, 0), (2, 5)):
            assert np.array_equal(whole[..., i, j], line.gradient(networks.rows[:, i, j], problem))
        assert line.gradient(np.zeros((4, 0)), problem).shape == (4, 0)
        assert line.hessian(np.zeros((4, 0)), problem).shape == (4, 4, 0)


def test_an_array_too_large_for_one_piece_is_the_same() -> None:
    problem = gf.Problem(inputs=gf.grid(2001), target="hat")
    networks = line.start("kernel", 6, 2, (40,))
    whole = line.gradient(networks, problem)
    assert np.array_equal(whole[:, 39], line.gradient(networks.rows[:, 39], problem))
