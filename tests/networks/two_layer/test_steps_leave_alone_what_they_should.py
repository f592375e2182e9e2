"""Frozen outputs and dead neurons do not move; networks do not touch each other; dtype and library stay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.base.tables import read, write
from gradflow.descent import GD, Adam, HeavyBall
from gradflow.networks.two_layer.data import Dataset, toy_plane, two_points
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced, gaussian, predict
from gradflow.networks.two_layer.steps import _batches, train

OBJECTIVE = Objective(toy_plane(), mean=True)
DEAD = as_network(np.array([[-1.0, 0.0], [1.0, 0.3], [-0.5, 0.0]]), np.array([1.0, -1.0, -0.3]), -2.0)
ONE_SIDE = Objective(Dataset(np.array([[1.0, 0.2], [1.0, -0.4], [0.7, 0.1]]), np.array([1.0, -1.0, 1.0])))


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("scale", [0.0, -3.0, -900.0])
def test_frozen_outputs_stay_to_the_bit(grouped: bool, scale: float) -> None:
    start = gaussian(12, 2, scale)
    run = train(start, OBJECTIVE, GD(0.01), 300, freeze_outputs=True, grouped=grouped)
    np.testing.assert_array_equal(run.final.outputs, start.outputs)
    np.testing.assert_array_equal(run.final.log_scale, start.log_scale)
    assert np.max(np.abs(run.final.weights - start.weights)) > 0.1


@pytest.mark.parametrize("optimizer", [GD(0.05), HeavyBall(0.01), Adam(0.01)], ids=repr)
@pytest.mark.parametrize("batch", [None, 2])
def test_the_dead_stay_dead(optimizer: Any, batch: int | None) -> None:
    run = train(DEAD, ONE_SIDE, optimizer, 200, batch_size=batch, record_every=20)
    codes = run.history["membership"].values
    assert np.all(codes[:, [0, 2]] == 3)
    assert np.all(run.history["count_dead"] >= 2)
    size = np.exp(run.final.log_scale)[:, None]
    expected = DEAD.weights * np.exp(DEAD.log_scale)[:, None]
    np.testing.assert_allclose((run.final.weights * size)[[0, 2]], expected[[0, 2]], rtol=1e-14)
    assert np.max(np.abs(run.final.weights * size - expected)[1]) > 0.01


@pytest.mark.parametrize("size", [1, 3, 4, 10])
def test_batches_cover_every_epoch_once(size: int) -> None:
    batches, orders = _batches(10, size, 7), []
    for _ in range(4):
        order: list[int] = []
        while len(order) < 10:
            batch = next(batches)
            assert batch is not None
            order.extend(batch.tolist())
        assert sorted(order) == list(range(10))
        orders.append(order)
    if size < 10:
        assert orders[0] != orders[1]
    again = _batches(10, size, 7)
    np.testing.assert_array_equal(np.concatenate([next(again) for _ in range(-(-10 // size))]), orders[0])


def test_the_mean_over_an_epoch_of_equal_batches_is_the_whole_gradient() -> None:
    # Steps so small that the gradients of all batches are taken at one state, and add up.
    start, rate = gaussian(6, 2, math.log(0.3)), 1e-9
    whole = train(start, OBJECTIVE, GD(rate), 1).final
    epoch = train(start, OBJECTIVE, GD(rate / 5), 5, batch_size=2).final
    moved = [
        (end.weights * np.exp(end.log_scale)[:, None] - start.weights * np.exp(start.log_scale)[:, None])
        / rate
        for end in (whole, epoch)
    ]
    np.testing.assert_allclose(moved[0], moved[1], atol=1e-5)
    assert np.max(np.abs(moved[0])) > 0.05


@pytest.mark.parametrize("optimizer", [GD(0.05), Adam(0.01)], ids=repr)
@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("frozen", [False, True])
def test_float32_stays_float32(optimizer: Any, batch: int | None, frozen: bool) -> None:
    double = gaussian(8, 2, -3.0)
    single = TwoLayer(*(value.astype(np.float32) for value in double))
    how: Any = {"batch_size": batch, "freeze_outputs": frozen, "record_every": 50, "states": True}
    runs = [train(network, OBJECTIVE, optimizer, 100, **how) for network in (single, double)]
    assert all(value.dtype == np.float32 for value in runs[0].final)
    assert runs[0].history["loss"].dtype == np.float32
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=2e-4)


@pytest.mark.parametrize("optimizer", [GD, HeavyBall, Adam])
@pytest.mark.parametrize("batch", [None, 3])
def test_networks_do_not_touch_each_other(optimizer: Any, batch: int | None) -> None:
    start = balanced(5, 2, -2.0, networks=(2, 3))
    rates = np.array([0.01, 0.05, 0.02])
    together = train(start, OBJECTIVE, optimizer(rates), 60, batch_size=batch, record_every=20)
    assert together.history["loss"].dims == ("step", "network_0", "network_1")
    for i in range(2):
        for j in range(3):
            one = TwoLayer(*(value[i, j] for value in start))
            alone = train(one, OBJECTIVE, optimizer(float(rates[j])), 60, batch_size=batch, record_every=20)
            np.testing.assert_allclose(together.history["loss"][:, i, j], alone.history["loss"], rtol=1e-10)
            np.testing.assert_allclose(together.final.weights[i, j], alone.final.weights, rtol=0, atol=1e-10)


def test_a_network_that_diverges_stays_where_it_was() -> None:
    start = balanced(5, 2, 0.0, networks=(2,), seed=2)
    run = train(start, Objective(toy_plane()), GD(np.array([0.01, 50.0])), 40, record_every=1)
    assert run.history["lr"].dims == ("network",)
    assert run.history["lr"].values.tolist() == [0.01, 50.0]
    labelled = train(start, Objective(toy_plane()), GD(xr.DataArray([0.01, 50.0])), 40, record_every=1)
    assert labelled.history.identical(run.history)
    failed = run.history["diverged_step"].values
    assert failed[0] == -1
    assert 1 <= failed[1] < 40
    losses = run.history["loss"].values
    np.testing.assert_array_equal(losses[failed[1] :, 1], losses[failed[1] - 1, 1])
    alone = train(TwoLayer(*(value[0] for value in start)), Objective(toy_plane()), GD(0.01), 40)
    np.testing.assert_allclose(losses[-1, 0], alone.history["loss"][-1], rtol=1e-12)


@pytest.mark.parametrize("optimizer", [GD(0.05), HeavyBall(0.01), Adam(np.array([0.01, 0.02]))], ids=repr)
@pytest.mark.parametrize("batch", [None, 3])
def test_the_strict_array_library_trains_too(optimizer: Any, batch: int | None) -> None:
    strict = pytest.importorskip("array_api_strict")
    start = gaussian(6, 3, -3.0, networks=(2,))
    inputs = np.concatenate([toy_plane().inputs, np.zeros((10, 1))], axis=1)
    objective = Objective(Dataset(inputs, toy_plane().labels))
    how: Any = {"batch_size": batch, "record_every": 10, "states": True}
    expected = train(start, objective, optimizer, 40, **how)
    found = train(TwoLayer(*map(strict.asarray, start)), objective, optimizer, 40, **how)
    assert isinstance(found.final.weights, type(strict.asarray(0.0)))
    for name in expected.history.data_vars:
        np.testing.assert_allclose(found.history[name], expected.history[name], rtol=1e-9, atol=1e-12)


def test_the_strict_array_library_groups_too() -> None:
    strict = pytest.importorskip("array_api_strict")
    start = gaussian(20, 2, -3.0)
    expected = train(start, OBJECTIVE, GD(0.05), 300, record_every=100, grouped=True).history
    found = train(
        TwoLayer(*map(strict.asarray, start)), OBJECTIVE, GD(0.05), 300, record_every=100, grouped=True
    )
    for name in expected.data_vars:
        np.testing.assert_allclose(found.history[name], expected[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("grouped", [False, True])
def test_one_neuron_and_one_input(grouped: bool) -> None:
    """w and v of one neuron on x = y = 1, both from a: by a loop of two numbers."""
    objective = Objective(Dataset(np.ones((1, 1)), np.ones(1)))
    run = train(as_network(np.array([[0.1]]), np.array([0.3])), objective, GD(0.05), 500, grouped=grouped)
    w, v = 0.1, 0.3
    for _ in range(500):
        pull = math.exp(-w * v)
        w, v = w + 0.05 * v * pull, v + 0.05 * w * pull
    size = math.exp(run.final.log_scale[0])
    np.testing.assert_allclose(
        [run.final.weights[0, 0] * size, run.final.outputs[0] * size], [w, v], rtol=1e-12
    )
    np.testing.assert_allclose(predict(run.final, np.ones((1, 1))), [w * v], rtol=1e-12)


def test_a_zero_neuron_stays_zero() -> None:
    start = as_network(np.array([[0.0, 0.0], [0.1, 0.2]]), np.array([0.0, 0.1]))
    run = train(start, OBJECTIVE, GD(0.05), 50, record_every=10)
    assert np.all(run.final.weights[0] == 0.0)
    assert np.all(run.history["log_norm"][:, 0] == -np.inf)
    assert np.all(np.isfinite(run.history["stable_rank"]))


def test_what_is_recorded_does_not_depend_on_how_often(tmp_path: Any) -> None:
    start = gaussian(8, 2, -6.0)
    seen: list[int] = []
    often = train(start, OBJECTIVE, GD(0.05), 90, record_every=1, states=True, progress=seen.append).history
    seldom = train(start, OBJECTIVE, GD(0.05), 90, record_every=40, record_at=[17, 3], states=True).history
    assert seldom["step"].values.tolist() == [0, 3, 17, 40, 80, 90]
    assert seen == list(range(1, 91))
    for name in seldom.data_vars:
        if "step" in seldom[name].dims:
            np.testing.assert_array_equal(seldom[name], often[name].sel(step=seldom["step"]))
    write(seldom, tmp_path / "a.nc")
    assert read(tmp_path / "a.nc").identical(seldom)
    assert {"source", "configuration", "seed"} <= set(seldom.attrs)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"steps": -1}, "steps: "),
        ({"batch_size": 0}, "batch_size: expected an integer from 1 to 2, got 0"),
        ({"batch_size": 3}, "batch_size: expected an integer from 1 to 2, got 3"),
        ({"batch_size": 1.5}, "batch_size: "),
        ({"record_at": [11]}, "record_at: expected an integer from 0 to 10, got 11"),
        ({"record_every": 0}, "record_every: "),
        ({"optimizer": GD(-1.0)}, "lr: "),
        ({"optimizer": GD(np.ones(3))}, "lr: expected a shape that broadcasts to"),
        ({"optimizer": "gd"}, "optimizer: "),
        ({"grouped": True, "batch_size": 1}, "grouped: "),
        ({"grouped": True, "optimizer": Adam()}, "grouped: "),
    ],
)
def test_bad_input_is_named(how: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"optimizer": GD(0.1), "steps": 10} | how
    with pytest.raises((ValueError, TypeError)) as caught:
        train(gaussian(3, 2, -1.0), Objective(two_points(0.1)), **arguments)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
