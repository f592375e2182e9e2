"""Every program that is timed solves the same problem: its answers are gradflow's, by another formula."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import gradflow as gf
from benchmarks import starts
from benchmarks.closed_form import gradient, loss
from benchmarks.peers import ours, plain_numpy, scipy_loop

THETA = starts.normal(48)
STEPS, RATE = 40, 0.01
INPUTS = np.random.default_rng(2).uniform(-1.0, 1.0, 300)


def peer(module: str, needs: str) -> Any:
    """Return a peer's module, or skip where the program is not installed."""
    pytest.importorskip(needs)
    return importlib.import_module(f"benchmarks.peers.{module}")


def assert_same(answer: np.ndarray, expected: np.ndarray, tolerance: float = 1e-11) -> None:
    np.testing.assert_allclose(answer, expected, rtol=0.0, atol=tolerance)


@pytest.fixture(scope="module")
def trained() -> np.ndarray:
    return ours.adam(THETA, STEPS, RATE, "numpy")()


@pytest.fixture(scope="module")
def trained_on_sample() -> np.ndarray:
    return ours.adam_on_sample(THETA, INPUTS, STEPS, RATE, "numpy")()


def test_the_closed_form_is_the_gradient_and_the_loss() -> None:
    theta = starts.normal(2000, seed=5)
    assert_same(np.stack(gradient(theta, plain_numpy.ends, plain_numpy.ramp)), gf.gradient(theta), 1e-12)
    assert_same(loss(theta, plain_numpy.ends, plain_numpy.ramp), gf.loss(theta), 1e-12)


def test_numpy(trained: np.ndarray) -> None:
    assert_same(plain_numpy.adam(THETA, STEPS, RATE)(), trained)


def test_numpy_on_a_sample(trained_on_sample: np.ndarray) -> None:
    assert_same(plain_numpy.adam_on_sample(THETA, INPUTS, STEPS, RATE)(), trained_on_sample)


@pytest.mark.parametrize("form", ["adam_eager", "adam_autograd"])
def test_torch(form: str, trained: np.ndarray) -> None:
    assert_same(getattr(peer("torch_adam", "torch"), form)(THETA, STEPS, RATE)(), trained)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from inside its compiler
def test_torch_compiled(trained: np.ndarray) -> None:
    assert_same(peer("torch_adam", "torch").adam_compiled(THETA, STEPS, RATE, unroll=4)(), trained)


@pytest.mark.parametrize("form", ["adam_autograd", "adam_vmap"])
def test_torch_on_a_sample(form: str, trained_on_sample: np.ndarray) -> None:
    answer = getattr(peer("torch_samples", "torch"), form)(THETA, INPUTS, STEPS, RATE)()
    assert_same(answer, trained_on_sample)


def test_torch_on_a_two_layer_network() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 6)), np.where(rng.random(30) < 0.5, 1.0, -1.0)
    work = (0.3 * rng.normal(size=(8, 6)), 0.3 * rng.normal(size=8), x, y, STEPS, RATE)
    assert_same(peer("torch_two_layer", "torch").gd_autograd(*work)(), ours.two_layer(*work)())


NETWORKS = gf.networks.line.start("uniform", 6, 0, (5,)).rows


def test_torch_on_networks() -> None:
    answer = peer("torch_networks", "torch").gd_autograd(NETWORKS, INPUTS, STEPS, 0.05)()
    assert_same(answer, ours.networks(NETWORKS, STEPS, 0.05, INPUTS)())


def test_jax_on_networks() -> None:
    assert_same(
        peer("jax_networks", "jax").gd(NETWORKS, STEPS, 0.05)(), ours.networks(NETWORKS, STEPS, 0.05)()
    )


@pytest.mark.parametrize("form", [{}, {"unroll": 4}, {"chunk": 7, "threads": 2}])
def test_jax(form: dict[str, int], trained: np.ndarray) -> None:
    assert_same(peer("jax_adam", "jax").adam(THETA, STEPS, RATE, **form)(), trained)


def test_scipy_follows_the_flow() -> None:
    theta = THETA[:, :6]
    expected = ours.flow(theta, 5.0, 1e-12, "numpy")()
    assert_same(scipy_loop.loop(theta, 5.0, 1e-11, "DOP853")(), expected, 1e-8)


@pytest.mark.parametrize("solver", ["Tsit5", "Dopri8"])
def test_diffrax_follows_the_flow(solver: str) -> None:
    theta = THETA[:, :6]
    answer = peer("diffrax_flow", "diffrax").flow(theta, 5.0, 1e-9, solver)()
    assert_same(answer, ours.flow(theta, 5.0, 1e-12, "numpy")(), 1e-6)


@pytest.mark.parametrize("kind", ["scalar", "batch"])
def test_heyoka_follows_the_flow_inside_a_cell(kind: str) -> None:
    # Breakpoints that stay between -1 and 0: across a kink heyoka is wrong without noticing.
    theta = np.array([[1.2, 0.9, 1.1], [0.3, 0.2, 0.25], [1.0, 1.3, 0.8], [0.0, -0.1, 0.1]])
    answer = getattr(peer("heyoka_flow", "heyoka"), kind)(theta, 1.0, 1e-13)()
    assert_same(answer, ours.flow(theta, 1.0, 1e-12, "numpy")(), 1e-10)


def test_starts_for_heyoka_keep_the_sign_of_w1() -> None:
    theta = starts.one_sided(24, 5.0)
    assert theta.shape == (4, 24)
    for start in theta.T:
        run = gf.gradient_flow(gf.Neuron(*start), t_end=5.0, rtol=1e-8)
        assert float(np.min(run["w1"].values)) > 0.0


def test_the_first_starts_do_not_depend_on_their_number() -> None:
    assert np.array_equal(starts.normal(7), starts.normal(starts.PIECE + 5)[:, :7])
