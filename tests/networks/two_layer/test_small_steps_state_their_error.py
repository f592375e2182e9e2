"""The flow by small steps is the located flow, and no further from it than it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD
from gradflow.networks.two_layer.data import Dataset, cone, toy_plane
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.losses import LOGISTIC, LOSSES, SQUARED, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced, gaussian, log_norms
from gradflow.networks.two_layer.small_steps import flow_by_steps
from gradflow.networks.two_layer.steps import train

CASES: list[tuple[Objective, TwoLayer, float]] = [
    (Objective(toy_plane(), mean=True), gaussian(8, 2, math.log(1e-3), seed=2), 30.0),
    (Objective(toy_plane(), LOGISTIC), balanced(6, 2, math.log(1e-2), seed=3), 4.0),
    (Objective(cone(12, 0.2, 5), SQUARED, True), balanced(8, 5, -4.0, seed=1), 8.0),
    (Objective(cone(12, 0.1, 5)), balanced(8, 5, -40.0, seed=5), 5.0),
]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("tol", [1e-3, pytest.param(1e-5, marks=pytest.mark.slow)])
def test_true_errors_are_at_most_a_few_times_the_stated(case: int, tol: float) -> None:
    objective, start, t_end = CASES[case]
    times = np.linspace(0.0, t_end, 6)
    exact = gradient_flow(start, objective, t_end, rtol=1e-11, times=times)
    run = flow_by_steps(start, objective, t_end, tol=tol, record=times.tolist(), states=True).history
    np.testing.assert_allclose(run["time"], exact.t)
    direction = np.sqrt(
        np.sum((run["weights"].values - exact.weights) ** 2, axis=-1)
        + (run["outputs"].values - exact.outputs) ** 2
    ).max(axis=-1)
    log_norm = np.abs(run["log_scale"].values - exact.log_scale).max(axis=-1)
    loss = np.abs(run["loss"].values - exact.loss)
    for true, name in ((direction, "direction"), (log_norm, "log_norm"), (loss, "loss")):
        stated = run[f"error_{name}"].values
        # Both runs cross the same walls, each with an error of its own: at worst a few times apart.
        assert np.all(true <= 3.0 * stated + 1e-7), (name, true, stated)
        # And not on the safe side by orders of magnitude.
        assert stated.max() <= 100.0 * tol, name


@pytest.mark.slow
def test_true_errors_are_mostly_below_the_stated() -> None:
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n, dimension, h = int(rng.integers(3, 13)), int(rng.integers(2, 6)), int(rng.integers(3, 9))
        data = Dataset(rng.normal(size=(n, dimension)), np.where(rng.random(n) < 0.5, 1.0, -1.0))
        objective = Objective(data, list(LOSSES.values())[seed % 3], True)
        start, times = balanced(h, dimension, rng.uniform(-6.0, -1.0), seed=seed), np.linspace(0.0, 2.0, 5)
        exact = gradient_flow(start, objective, 2.0, rtol=1e-11, times=times)
        run = flow_by_steps(start, objective, 2.0, tol=2e-3, record=times.tolist(), states=True).history
        for values, name in ((exact.log_scale, "log_norm"), (exact.loss, "loss")):
            true = np.abs(run["log_scale" if name == "log_norm" else "loss"].values - values).max()
            ratios.append(true / (float(run[f"error_{name}"].max()) + 1e-9))
    assert np.median(ratios) < 0.6
    assert np.quantile(ratios, 0.9) < 2.0
    assert max(ratios) < 10.0


def test_the_final_networks_are_the_last_recorded() -> None:
    objective, start, t_end = CASES[0]
    run = flow_by_steps(start, objective, t_end, tol=1e-2, record=3, states=True)
    assert float(run.history["error_direction"][-1]) > 0.0
    for name, part in run.final._asdict().items():
        np.testing.assert_array_equal(part, run.history[name][-1])


def test_smaller_tolerances_have_smaller_errors() -> None:
    objective, start, t_end = CASES[0]
    runs = [flow_by_steps(start, objective, t_end, tol=tol).history for tol in (1e-3, 1e-5)]
    for name in ("direction", "log_norm", "loss"):
        assert 0.0 < runs[1][f"error_{name}"].max() < 0.1 * runs[0][f"error_{name}"].max()
    assert runs[1]["steps"][-1] > runs[0]["steps"][-1] > 0


def test_many_steps_of_gradient_descent_end_near_it() -> None:
    objective, start, t_end = CASES[0]
    flow = flow_by_steps(start, objective, t_end, tol=1e-5)
    far = []
    for steps in (1000, 4000):
        final = train(start, objective, GD(t_end / steps), steps).final
        far.append(float(np.max(np.abs(log_norms(final) - log_norms(flow.final)))))
    assert far[1] < 0.1
    assert far[0] / far[1] == pytest.approx(4.0, rel=0.3)


def test_one_neuron_in_closed_form() -> None:
    """One input 1 with label 1, w = v: d(w²)/dt = 2 w² e^(−w²) for the exponential loss, so Ei gives t."""
    from scipy.special import expi

    objective = Objective(Dataset(np.ones((1, 1)), np.ones(1)))
    start = as_network(np.array([[0.05]]), np.array([0.05]))
    run = flow_by_steps(start, objective, 6.0, tol=1e-7)
    square = 0.5 * math.exp(2.0 * float(run.final.log_scale[0]))
    assert (expi(square) - expi(0.05**2)) / 2.0 == pytest.approx(6.0, abs=1e-4)
    assert math.exp(-square) == pytest.approx(float(run.history["loss"][-1]), rel=1e-6)


def test_a_sliding_neuron_is_followed() -> None:
    # Both sides of x₁·w = 0 push towards the wall: x₁ pulls a positive neuron away from itself.
    data = Dataset(np.array([[1.0, 0.0], [0.8, 0.6]]), np.array([-1.0, 1.0]))
    objective, start = Objective(data), as_network(np.array([[0.3, 1.0]]), np.array([1.0]), -30.0)
    exact = gradient_flow(start, objective, 1.5, times=np.array([0.0, 1.5]))
    assert any(crossing.kind == "slides" for crossing in exact.crossings)
    run = flow_by_steps(start, objective, 1.5, tol=1e-3, record=2)
    np.testing.assert_allclose(run.final.weights, exact.weights[-1], rtol=0, atol=5e-3)
    np.testing.assert_allclose(run.final.log_scale, exact.log_scale[-1], rtol=0, atol=5e-3)


def test_networks_share_steps_and_nothing_else() -> None:
    objective, _, t_end = CASES[0]
    start = balanced(5, 2, -4.0, networks=(2,))
    together = flow_by_steps(start, objective, t_end, tol=1e-4).history
    assert together["error_loss"].dims == ("time", "network")
    for i in range(2):
        alone = flow_by_steps(TwoLayer(*(v[i] for v in start)), objective, t_end, tol=1e-4).history
        np.testing.assert_allclose(together["loss"][:, i], alone["loss"], atol=1e-3)


def test_the_strict_array_library_flows_too() -> None:
    strict = pytest.importorskip("array_api_strict")
    objective, start, _ = CASES[0]
    found = flow_by_steps(TwoLayer(*map(strict.asarray, start)), objective, 3.0, record=4, states=True)
    expected = flow_by_steps(start, objective, 3.0, record=4, states=True)
    for name in expected.history.data_vars:
        np.testing.assert_allclose(found.history[name], expected.history[name], rtol=1e-9, atol=1e-9)


def test_nothing_to_do() -> None:
    objective, start, _ = CASES[0]
    dead = as_network(np.array([[0.0, -1.0]]), np.array([1.0]))
    assert float(flow_by_steps(start, objective, 0.0).history["error_loss"].max()) == 0.0
    run = flow_by_steps(dead, Objective(Dataset(np.array([[0.0, 1.0]]), np.ones(1))), 10.0)
    np.testing.assert_allclose(run.final.weights, dead.weights, rtol=1e-15)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"t_end": -1.0}, "t_end: "),
        ({"t_end": math.inf}, "t_end: "),
        ({"tol": 0.0}, "tol: "),
        ({"tol": 2.0}, "tol: "),
        ({"record": 1}, "record: "),
        ({"record": [0.5, 3.0]}, "record: expected times from 0 to t_end = 1"),
        ({"max_steps": 3}, "max_steps: 3 steps reach time"),
    ],
)
def test_bad_input_is_named(how: dict[str, Any], message: str) -> None:
    objective, start, _ = CASES[0]
    with pytest.raises((ValueError, RuntimeError)) as caught:
        flow_by_steps(start, objective, **{"t_end": 1.0, **how})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
