"""A network kept as directions and log-norms is the network: outputs, loss, pulls and velocity."""

from __future__ import annotations

import math
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.base.arrays import to_numpy
from gradflow.networks.two_layer.data import Dataset, toy_plane
from gradflow.networks.two_layer.losses import LOSSES, Objective
from gradflow.networks.two_layer.network import (
    TwoLayer,
    as_network,
    balanced,
    directions,
    forces,
    gates,
    gaussian,
    log_norms,
    loss,
    normalize,
    predict,
    pulls,
    velocity,
)

SEEDS = st.integers(0, 10_000)


def plain(network: TwoLayer) -> tuple[np.ndarray, np.ndarray]:
    """Return the true weights."""
    scale = np.exp(network.log_scale)
    return network.weights * scale[..., None], network.outputs * scale


def reference(w: np.ndarray, v: np.ndarray, data: Dataset, name: str) -> float:
    """Return the sum of the losses, one number at a time."""
    total = 0.0
    for x, y in zip(data.inputs, data.labels, strict=True):
        f = math.fsum(v[j] * max(float(w[j] @ x), 0.0) for j in range(v.size))
        total += {
            "exponential": math.exp(-y * f),
            "logistic": 2.0 * math.log1p(math.exp(-y * f)),
            "squared": (f - y) ** 2,
        }[name]
    return total


@given(seed=SEEDS, name=st.sampled_from(sorted(LOSSES)), mean=st.booleans(), h=st.integers(1, 4))
def test_the_objective_is_that_of_the_true_weights(seed: int, name: str, mean: bool, h: int) -> None:
    data = toy_plane(5, seed)
    network = gaussian(h, 2, -0.5, seed=seed)
    expected = reference(*plain(network), data, name) / (data.n if mean else 1)
    assert loss(network, Objective(data, LOSSES[name], mean)) == pytest.approx(expected, rel=1e-13)


@settings(max_examples=50)
@given(seed=SEEDS, name=st.sampled_from(sorted(LOSSES)), mean=st.booleans())
def test_the_velocity_is_minus_the_gradient_of_the_true_weights(seed: int, name: str, mean: bool) -> None:
    data, network = toy_plane(6, seed), gaussian(3, 2, -0.3, seed=seed)
    objective = Objective(data, LOSSES[name], mean)
    force = forces(gates(network, data.inputs), pulls(network, objective), data.inputs)
    moved = velocity(network, force)
    scale = np.exp(network.log_scale)
    # d(r a)/dt = r (ȧ + a ṙ/r), and so for v.
    found_w = scale[:, None] * (moved.weights + network.weights * moved.log_scale[:, None])
    found_v = scale * (moved.outputs + network.outputs * moved.log_scale)
    w, v = plain(network)
    weight = objective.weight

    def at(w: np.ndarray, v: np.ndarray) -> float:
        return weight * reference(w, v, data, name)

    step = 1e-5
    for j in range(3):
        for i in range(2):
            e = np.zeros_like(w)
            e[j, i] = step
            assert found_w[j, i] == pytest.approx((at(w - e, v) - at(w + e, v)) / (2 * step), abs=3e-8)
        e = np.zeros_like(v)
        e[j] = step
        assert found_v[j] == pytest.approx((at(w, v - e) - at(w, v + e)) / (2 * step), abs=3e-8)


@given(seed=SEEDS, log_scale=st.sampled_from([-30_000.0, -700.0, 0.0, 40.0]))
def test_directions_have_length_one_and_keep_it(seed: int, log_scale: float) -> None:
    data, network = toy_plane(6, seed), gaussian(4, 2, log_scale, seed=seed)
    length = np.sum(network.weights**2, axis=-1) + network.outputs**2
    np.testing.assert_allclose(length, 1.0, rtol=1e-15)
    moved = velocity(network, forces(gates(network, data.inputs), data.labels, data.inputs))
    along = np.sum(network.weights * moved.weights, axis=-1) + network.outputs * moved.outputs
    np.testing.assert_allclose(along, 0.0, atol=1e-14)


def test_the_scale_is_kept_however_small() -> None:
    tiny, one = (balanced(5, 3, log_scale, seed=1) for log_scale in (-30_000.0, 0.0))
    np.testing.assert_array_equal(tiny.weights, one.weights)
    np.testing.assert_allclose(tiny.log_scale + 30_000.0, one.log_scale, atol=1e-11)
    np.testing.assert_allclose(log_norms(tiny) + 30_000.0, log_norms(one), atol=1e-11)
    objective = Objective(Dataset(np.eye(3), np.array([1.0, -1.0, 1.0])))
    assert loss(tiny, objective) == 3.0
    np.testing.assert_array_equal(pulls(tiny, objective), [1.0, -1.0, 1.0])


def test_balanced_neurons_have_equal_norms_on_both_layers() -> None:
    network = balanced(500, 7, -3.0, seed=3, networks=(2,))
    assert network.weights.shape == (2, 500, 7)
    np.testing.assert_allclose(network.outputs**2, 0.5, rtol=1e-14)
    assert 400 < np.sum(network.outputs > 0) < 600


def test_zero_and_extreme_neurons_are_normalised_without_a_warning() -> None:
    weights = np.array([[0.0, 0.0], [1e-200, 0.0], [1e200, 1e200], [0.0, 0.0]])
    network = as_network(weights, np.array([0.0, 0.0, 0.0, -2.0]))
    np.testing.assert_allclose(network.weights, [[0, 0], [1, 0], [0.5**0.5, 0.5**0.5], [0, 0]], rtol=1e-15)
    np.testing.assert_array_equal(network.outputs, [0, 0, 0, -1])
    np.testing.assert_allclose(
        network.log_scale[1:], [math.log(1e-200), math.log(2**0.5 * 1e200), math.log(2)]
    )
    np.testing.assert_array_equal(log_norms(network)[[0, 3]], -np.inf)
    np.testing.assert_array_equal(directions(network)[[0, 3]], 0.0)
    again = normalize(network)
    np.testing.assert_allclose(again.weights, network.weights, rtol=1e-15)


@pytest.mark.parametrize("name", sorted(LOSSES))
@given(y=st.sampled_from([-1.0, 1.0]), f=st.floats(-600.0, 600.0))
def test_the_pull_is_minus_the_slope_of_the_loss(name: str, y: float, f: float) -> None:
    kind = LOSSES[name]
    one = np.array([f])
    if name == "exponential":
        expected = y * math.exp(-y * f)
    elif name == "logistic":
        e = math.exp(-abs(f))
        expected = 2.0 * y * (e if y * f > 0 else 1.0) / (1.0 + e)
    else:
        expected = 2.0 * (y - f)
    assert kind.pull(y, one)[0] == pytest.approx(expected, rel=1e-13)
    assert kind.pull(y, np.zeros(1))[0] == kind.at_zero * y


def test_float32_stays_float32() -> None:
    data = Dataset(np.eye(2, dtype=np.float32), np.array([1, -1]))
    network = TwoLayer(*(part.astype(np.float32) for part in gaussian(3, 2, -1.0)))
    objective = Objective(data, LOSSES["logistic"])
    for value in (predict(network, data.inputs), loss(network, objective), pulls(network, objective)):
        assert value.dtype == np.float32


def test_other_array_libraries_compute_the_same() -> None:
    data, network = toy_plane(6, 1), gaussian(4, 2, -1.0, seed=1, networks=(3,))
    there = TwoLayer(*(strict.asarray(part) for part in network))
    for name in LOSSES:
        objective = Objective(data, LOSSES[name])
        for function in (loss, pulls):
            found: Any = function(there, objective)
            np.testing.assert_allclose(to_numpy(found), function(network, objective), rtol=1e-14)


def test_bad_networks_and_objectives_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"expected shapes \(..., h, D\) and \(..., h\), got \(2, 2\) and \(3,\)"
    ):
        as_network(np.ones((2, 2)), np.ones(3))
    with pytest.raises(ValueError, match="outputs: expected finite numbers"):
        as_network(np.ones((2, 2)), np.array([1.0, np.nan]))
    data = Dataset(np.eye(2), np.array([0.5, 1.0]))
    with pytest.raises(
        ValueError, match=r"labels: the exponential loss needs labels of -1 and 1, got 0\.5; .*"
    ):
        Objective(data)
    with pytest.raises(TypeError, match=r"loss: expected a Loss, LOSSES\['squared'\], got 'squared'"):
        Objective(data, "squared")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="loss: expected a Loss, such as those of LOSSES, got 'hinge'"):
        Objective(data, "hinge")  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"^data: expected a Dataset, for arrays write Dataset\(inputs, labels\)"
    ):
        Objective((np.eye(2), np.ones(2)))  # type: ignore[arg-type]


def test_three_classes_are_told_that_there_is_one_output() -> None:
    with pytest.raises(
        ValueError, match=r"got 0; .* one output, so two classes, .*write 0 as -1.*real-valued"
    ):
        Objective(Dataset(np.eye(3), np.array([0.0, 1.0, 2.0])))
    data = Dataset(np.eye(2), np.array([0.5, 1.0]))
    assert Objective(data, LOSSES["squared"], mean=True).weight == 0.5
