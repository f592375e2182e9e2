"""`train` does what a loop in plain Python does, and what torch's autograd and optimisers do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow import field
from gradflow.descent import GD, Adam, Cosine, HeavyBall, init, optimizer, train_arrays, update
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

START = (1.0, 0.0, 1.0, -1.1)


def sample_gradient(theta: list[float], inputs: list[float]) -> list[float]:
    """Return the gradient of mean (f − ReLU)² over the inputs, from the textbook formulas."""
    w1, b1, w2, b2 = theta
    total = [0.0, 0.0, 0.0, 0.0]
    for x in inputs:
        z = w1 * x + b1
        active = 1.0 if z > 0 else 0.0
        r = w2 * active * z + b2 - max(x, 0.0)
        for i, factor in enumerate((w2 * active * x, w2 * active, active * z, 1.0)):
            total[i] += 2.0 * r * factor / len(inputs)
    return total


def plain_adam(theta: list[float], inputs: list[float], lr: float, steps: int) -> list[float]:
    m, v = [0.0] * 4, [0.0] * 4
    for k in range(1, steps + 1):
        g = sample_gradient(theta, inputs)
        for i in range(4):
            m[i] = 0.9 * m[i] + 0.1 * g[i]
            v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
            theta[i] -= lr * (m[i] / (1 - 0.9**k)) / ((v[i] / (1 - 0.999**k)) ** 0.5 + 1e-8)
    return theta


def plain_heavy_ball(theta: list[float], inputs: list[float], lr: float, steps: int) -> list[float]:
    m = [0.0] * 4
    for _ in range(steps):
        g = sample_gradient(theta, inputs)
        for i in range(4):
            m[i] = 0.9 * m[i] + g[i]
            theta[i] -= lr * m[i]
    return theta


INPUTS = Sample(np.asarray([-0.9, -0.31, 0.02, 0.25, 0.6, 0.97]))


@pytest.mark.parametrize(("config", "plain"), [(Adam(0.01), plain_adam), (HeavyBall(0.01), plain_heavy_ball)])
def test_a_sample_by_explicit_formulas(config: Any, plain: Any) -> None:
    expected = plain(list(START), INPUTS.x.tolist(), 0.01, 300)
    run = train_arrays(Neuron(*START), Problem(inputs=INPUTS), config, 300)
    np.testing.assert_allclose(run.final, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["gd", "heavy_ball", "nesterov", "rmsprop", "adam", "adamw", "sign"])
def test_the_population_by_calling_init_and_update(name: str) -> None:
    problem, schedule, theta = Problem(inputs=Uniform(-1.0, 2.0)), Cosine(50, 0.1), np.asarray(START)
    config = optimizer(name, lr=0.02)
    state, path = init(config, theta), [theta]
    for k in range(50):
        gradient = field.gradient(theta, problem)
        theta, state = update(config, gradient, state, theta, 0.02 * schedule(k))
        path.append(theta)
    run = train_arrays(Neuron(*START), problem, config, 50, schedule=schedule, record_every=1)
    np.testing.assert_array_equal(run.theta, path)
    np.testing.assert_array_equal(run.loss, [field.loss(t, problem) for t in path])
    np.testing.assert_array_equal(run.steps, np.arange(51))
    np.testing.assert_array_equal(run.final, theta)


def test_adam_on_a_grid_in_torchs_autograd() -> None:
    torch = pytest.importorskip("torch")
    inputs = grid(100)
    x = torch.tensor(inputs.x)
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theta], lr=0.01)
    losses = []
    for _ in range(300):
        optimiser.zero_grad()
        w1, b1, w2, b2 = theta
        loss = torch.mean((w2 * torch.relu(w1 * x + b1) + b2 - torch.relu(x)) ** 2)
        losses.append(loss.item())
        loss.backward()
        optimiser.step()
    run = train_arrays(Neuron(*START), Problem(inputs=inputs), Adam(lr=0.01), 300, record_every=1)
    np.testing.assert_allclose(run.final, theta.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(run.loss[:-1], losses, rtol=1e-9, atol=1e-15)


def test_small_rates_follow_the_gradient_flow() -> None:
    # One step of rate η advances the flow by η: halving η halves the distance to it.
    ends = [train_arrays(Neuron(*START), Problem(), GD(0.02 / n), 100 * n).final for n in (1, 2, 4)]
    ratio = np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1] - ends[2])
    assert ratio == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("inputs", [Uniform(), grid(50)])
def test_float32_stays_float32_and_near_float64(inputs: Any) -> None:
    problem = Problem(teacher=Neuron(np.asarray(1.0), 0.0, 1.0, np.float64(0.0)), inputs=inputs)
    wide = train_arrays(Neuron(*START), problem, Adam(0.01), 100, record_every=50)
    rates = np.asarray([0.01, 0.02])
    narrow = train_arrays(Neuron(*START), problem, Adam(rates), 100, record_every=50, dtype="float32")
    assert narrow.theta.dtype == narrow.loss.dtype == narrow.final.dtype == np.float32
    np.testing.assert_allclose(narrow.theta[..., 0], wide.theta, rtol=1e-3, atol=1e-3)
    assert np.any(narrow.theta[-1, ..., 0] != wide.theta[-1])


def test_the_dtype_is_that_of_the_start() -> None:
    start = np.asarray(START, dtype=np.float32)
    assert train_arrays(start, Problem(), GD(), 3).final.dtype == np.float32
    assert train_arrays(start, Problem(), GD(np.float64(0.01)), 3).final.dtype == np.float32
    assert train_arrays(start, Problem(), GD(), 3, dtype=np.float64).final.dtype == np.float64
    assert train_arrays(np.asarray([1, 0, 1, -1]), Problem(), GD(), 3).final.dtype == np.float64


def test_numpys_error_settings_are_left_alone() -> None:
    with np.errstate(all="raise"):
        before = np.geterr()
        run = train_arrays(Neuron(*START), Problem(), Adam(0.01), 20)
        assert np.geterr() == before
    assert np.all(np.isfinite(run.final))
