"""Backpropagation by hand equals torch's autograd, and differences, for all activations and normalised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.networks.deep import Network, forward, initial, loss, loss_and_gradient
from gradflow.networks.deep.network import layout
from gradflow.neuron.activations import GELU, RELU, SILU, TANH, Activation, PiecewiseLinear

ACTIVATIONS: dict[str, Activation] = {
    "relu": RELU,
    "leaky": PiecewiseLinear(0.01, 1.0),
    "silu": SILU,
    "gelu": GELU,
    "tanh": TANH,
}


def data(n: int, inputs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, inputs)), rng.normal(size=n)


def perturbed(network: Network, count: int, seed: int = 0) -> np.ndarray:
    """Return starts whose biases, gains and shifts are not their defaults."""
    theta = initial(network, count, seed=seed)
    moved: np.ndarray = theta + 0.1 * np.random.default_rng(seed).normal(size=theta.shape)
    return moved


def torch_model(network: Network, column: np.ndarray) -> Any:
    torch = pytest.importorskip("torch")
    kinds = {
        "relu": torch.nn.ReLU,
        "leaky-relu=0.01": torch.nn.LeakyReLU,
        "silu": torch.nn.SiLU,
        "gelu": torch.nn.GELU,
        "tanh": torch.nn.Tanh,
    }
    modules: list[Any] = []
    before = network.inputs
    for width in network.widths:
        modules.append(torch.nn.Linear(before, width))
        if network.normalize:
            modules.append(torch.nn.BatchNorm1d(width))
        modules.append(kinds[str(network.activation)]())
        before = width
    modules.append(torch.nn.Linear(before, 1))
    model = torch.nn.Sequential(*modules).double()
    with torch.no_grad():
        for block, parameter in zip(layout(network), model.parameters(), strict=True):
            parameter.copy_(torch.tensor(column[block.start : block.stop].reshape(block.shape)))
    return model


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_of_torch(name: str, normalize: bool) -> None:
    torch = pytest.importorskip("torch")
    network = Network(3, (5, 4, 6), ACTIVATIONS[name], normalize)
    x, y = data(11, 3)
    theta = perturbed(network, 3)
    found = loss_and_gradient(network, theta, x, y)
    for i in range(3):
        model = torch_model(network, theta[:, i])
        output = model(torch.tensor(x))[:, 0]
        value = torch.mean((output - torch.tensor(y)) ** 2)
        value.backward()
        gradient = np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])
        np.testing.assert_allclose(found.passed.output[i], output.detach().numpy(), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.loss[i], value.item(), rtol=1e-12)
        scale = np.max(np.abs(gradient))
        np.testing.assert_allclose(found.gradient[:, i], gradient, rtol=1e-10, atol=1e-13 * scale)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["silu", "gelu", "tanh"]),
    normalize=st.booleans(),
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
def test_of_differences(name: str, normalize: bool, widths: list[int], seed: int) -> None:
    network = Network(2, tuple(widths), ACTIVATIONS[name], normalize)
    x, y = data(7, 2, seed)
    theta = perturbed(network, 2, seed)
    direction = np.random.default_rng(seed + 1).normal(size=theta.shape)
    h = 1e-5
    # Two central differences, so that the error is O(h⁴).
    near, far = (
        (loss(network, theta + k * h * direction, x, y) - loss(network, theta - k * h * direction, x, y))
        / (2 * k * h)
        for k in (1, 2)
    )
    expected = (4.0 * near - far) / 3.0
    found = np.sum(loss_and_gradient(network, theta, x, y).gradient * direction, axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_in_float32_it_stays_float32() -> None:
    network = Network(2, (4, 4), RELU, True)
    x, y = (a.astype(np.float32) for a in data(9, 2))
    found = loss_and_gradient(network, initial(network, 2, dtype="float32"), x, y)
    assert {found.loss.dtype, found.gradient.dtype, found.passed.output.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("normalize", [False, True])
def test_of_the_strict_array_library(normalize: bool) -> None:
    strict = pytest.importorskip("array_api_strict")
    network = Network(2, (4, 3), RELU, normalize)
    x, y = data(6, 2)
    theta = perturbed(network, 3)
    expected = loss_and_gradient(network, theta, x, y)
    found = loss_and_gradient(network, *(strict.asarray(np.ascontiguousarray(a)) for a in (theta, x, y)))
    np.testing.assert_allclose(np.asarray(found.gradient), expected.gradient, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(np.asarray(found.loss), expected.loss, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network(1, ()), "widths: expected at least one"),
        (lambda: Network(1, (3, 0)), "widths: expected an integer >= 1, got 0"),
        (lambda: Network(0, (3,)), "inputs: expected an integer >= 1, got 0"),
        (lambda: forward(Network(1, (3,)), np.zeros((9, 2)), np.zeros((4, 1))), "theta: expected shape"),
        (lambda: forward(Network(1, (3,)), np.zeros((10, 2)), np.zeros((4, 2))), "x: expected shape"),
        (
            lambda: loss_and_gradient(Network(1, (3,)), np.zeros((10, 2)), np.zeros((4, 1)), np.zeros(3)),
            "y: expected",
        ),
    ],
)
def test_bad_input_is_one_line(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
