"""What moves upstream of a dead neuron follows its closed form, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.theory.upstream import Network, Task, gradient, limit, path

# The degenerate cases of the formula: no target, a² + c² = d², at a saddle's door, at rest.
SPECIAL = {
    "random": (0.7, -1.2, 0.4, 0.9, 0.6),
    "random, κ < 0": (0.3, 0.2, -1.4, 0.9, -0.6),
    "balanced": (0.6, 0.8, 1.0, 0.5, -0.3),
    "nearly balanced": (0.6, 0.8, 1.0 + 1e-9, 0.5, -0.3),
    "no target, κ > 0": (0.7, -1.2, 0.4, 0.0, 0.0),
    "no target, κ < 0": (0.3, -0.2, 1.4, 0.0, 0.0),
    "no target, balanced": (0.6, 0.8, 1.0, 0.0, 0.0),
    "one input direction": (0.7, 0.0, 0.4, 0.9, 0.0),
    "the other": (0.0, 0.7, 0.4, 0.0, 0.9),
    "towards 0": (0.6, 0.8, -1.0, 0.6, 0.8),
    "towards a saddle": (-0.8, 0.6, 0.0, 0.6, 0.8),
    "at rest": (0.0, 0.0, 0.0, 0.5, 0.5),
    "far from balance": (30.0, 20.0, 1e-3, 0.5, 0.5),
}


def flow(_: float, y: np.ndarray, slope: float, level: float) -> np.ndarray:
    a, c, d = y
    return -2.0 * np.array(
        [d * (d * a - slope), d * (d * c - level), a * (d * a - slope) + c * (d * c - level)]
    )


@pytest.mark.parametrize("name", list(SPECIAL))
def test_the_path_is_that_of_an_integration(name: str) -> None:
    a, c, d, slope, level = SPECIAL[name]
    t = np.linspace(0.0, 3.0, 31)
    run = solve_ivp(flow, (0.0, 3.0), [a, c, d], "DOP853", t, rtol=1e-12, atol=1e-13, args=(slope, level))
    found = path(Network(a, c, d=d), Task(slope=slope, level=level), t)
    np.testing.assert_allclose(np.stack(found), run.y, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.stack(found)[:, 0], [a, c, d], rtol=1e-14)


@pytest.mark.parametrize("name", [name for name in SPECIAL if name != "no target, balanced"])
def test_the_limit_is_where_the_path_goes(name: str) -> None:
    a, c, d, slope, level = SPECIAL[name]
    network, task = Network(a, c, d=d), Task(slope=slope, level=level)
    # Late, but before rounding leads away from the saddles.
    late = path(network, task, 12.0 if "towards" in name else 1e6)
    np.testing.assert_allclose(np.stack(late), np.stack(limit(network, task)), atol=1e-7)


def test_random_limits_are_minima_with_the_conserved_difference() -> None:
    rng = np.random.default_rng(0)
    a, c, d, slope, level = rng.normal(size=(5, 10_000)) * np.exp(rng.normal(size=(5, 10_000)))
    network, task = Network(a, c, d=d), Task(slope=slope, level=level)
    end = limit(network, task)
    scale = 1.0 + a * a + c * c + d * d
    np.testing.assert_allclose(end.d * end.a, slope, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(end.d * end.c, level, rtol=1e-9, atol=1e-9)
    kept = a * a + c * c - d * d
    for state in (end, path(network, task, rng.exponential(size=10_000))):
        assert np.max(np.abs(state.a**2 + state.c**2 - state.d**2 - kept) / scale) < 1e-12
    np.testing.assert_allclose(np.stack(path(network, task, 1e12)), np.stack(end), rtol=1e-7, atol=1e-7)


def test_the_gradient_is_the_derivative_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    theta, u, g = rng.normal(size=(6, 200)), rng.normal(size=9), rng.normal(size=9)

    def loss(theta: np.ndarray) -> np.ndarray:
        a, c, w1, b1, w2, d = theta[..., None]
        x = a * u + c
        z = w1 * x + b1
        return np.asarray(np.mean((w2 * np.where(z.real > 0, z, 0.0) + d * x - g) ** 2, axis=-1))

    # Complex steps: exact to rounding away from the kink.
    derivatives = [loss(theta + 1e-30j * row[:, None]).imag / 1e-30 for row in np.eye(6)]
    np.testing.assert_allclose(gradient(Network(*theta), u, g), derivatives, rtol=1e-12, atol=1e-12)


def test_a_dead_neuron_sends_nothing_back() -> None:
    rng = np.random.default_rng(2)
    a, c, w1, w2, d = rng.normal(size=(5, 1000))
    u, g = rng.normal(size=50), rng.normal(size=50)
    b1 = -np.max(w1 * (a * u[:, None] + c), axis=0) - rng.exponential(size=1000)
    found = gradient(Network(a, c, w1, b1, w2, d), u, g)
    assert np.all(found[2:5] == 0.0), "not to w1, b1, w2"
    assert np.all(found[[0, 1, 5]] != 0.0)
    # What reaches the layer below comes through d alone, whatever w2.
    alone = gradient(Network(a, c, w1, b1, 100.0 * w2, 0.0), u, g)
    assert np.all(alone[:5] == 0.0)
    assert np.all(alone[5] != 0.0)
    np.testing.assert_array_equal(found, gradient(Network(a, c, w1, b1, -w2, d), u, g))
