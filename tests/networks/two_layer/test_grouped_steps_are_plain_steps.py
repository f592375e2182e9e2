"""Sharing products among neurons of (almost) one pattern changes nothing but rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, HeavyBall
from gradflow.descent.schedules import Cosine
from gradflow.networks.two_layer import grouped as module
from gradflow.networks.two_layer.data import Dataset, cone, digits_data, toy_plane
from gradflow.networks.two_layer.grouped import Grouped, leaders, pays
from gradflow.networks.two_layer.losses import LOSSES, Objective
from gradflow.networks.two_layer.network import TwoLayer, balanced, gaussian
from gradflow.networks.two_layer.steps import train

NOISY = Dataset(
    cone(60, 0.3, 30, seed=1).inputs + 0.3 * np.random.default_rng(4).normal(size=(60, 30)) / math.sqrt(30),
    cone(60, 0.3, 30, seed=1).labels,
)


def assert_same(network: TwoLayer, objective: Objective, lr: float, steps: int, **how: Any) -> Any:
    runs = [
        train(network, objective, GD(lr), steps, record_every=max(1, steps // 40), grouped=grouped, **how)
        for grouped in (False, True)
    ]
    plain, shared = (run.history for run in runs)
    np.testing.assert_array_equal(plain["patterns"], shared["patterns"])
    np.testing.assert_array_equal(plain["membership"], shared["membership"])
    np.testing.assert_allclose(shared["loss"], plain["loss"], rtol=1e-9)
    for name in ("log_norm", "cos_positive", "cos_negative", "stable_rank"):
        np.testing.assert_allclose(shared[name], plain[name], rtol=0, atol=1e-9, err_msg=name)
    return plain


@pytest.mark.some(2)
@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
@pytest.mark.parametrize("mean", [False, True])
def test_through_alignment_and_fit(loss: str, mean: bool) -> None:
    objective = Objective(NOISY, LOSSES[loss], mean)
    history = assert_same(gaussian(40, 30, -12.0), objective, 0.2 if mean else 0.2 / 60, 3000)
    assert float(history["patterns"][0]) == 40
    assert float(history["patterns"][-1]) < 20
    assert float(history["loss"][-1]) < 0.3 * float(history["loss"][0])


@pytest.mark.parametrize("how", [{"freeze_outputs": True}, {"schedule": Cosine(1500)}], ids=str)
def test_frozen_and_scheduled(how: dict[str, Any]) -> None:
    assert_same(gaussian(40, 30, -2.0), Objective(NOISY, mean=True), 0.05, 1500, **how)


def test_at_any_scale() -> None:
    assert_same(balanced(40, 30, -3e4), Objective(NOISY, mean=True), 0.2, 2000)


@pytest.mark.slow
def test_on_digits() -> None:
    objective = Objective(digits_data(), mean=True)
    history = assert_same(gaussian(50, 784, math.log(1e-6)), objective, 2e-3, 3500)
    assert float(history["loss"][-1]) < 0.5


@pytest.mark.slow
def test_all_ways_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[str] = []
    move = Grouped._move

    def watched(self: Grouped, *arguments: Any) -> None:
        ways.append("all" if self.flips is None else "flips" if self.flips.shape[1] else "groups")
        move(self, *arguments)

    monkeypatch.setattr(Grouped, "_move", watched)
    train(
        gaussian(30, 784, math.log(1e-4)),
        Objective(digits_data(100), mean=True),
        GD(2e-3),
        2000,
        grouped=True,
    )
    assert {way for way in ways if ways.count(way) > 50} >= {"all", "flips"}
    ways.clear()
    train(gaussian(40, 2, -12.0), Objective(toy_plane(), mean=True), GD(0.2), 500, grouped=True)
    assert ways.count("groups") > 50


def test_weights_can_be_read_at_any_step_without_a_trace() -> None:
    start, objective = gaussian(40, 30, -12.0), Objective(NOISY, mean=True)
    often = train(start, objective, GD(0.2), 700, record_every=1, grouped=True).history
    seldom = train(start, objective, GD(0.2), 700, grouped=True).history
    np.testing.assert_allclose(often["loss"][-1], seldom["loss"][-1], rtol=1e-11)


def test_float32_stays_float32() -> None:
    double = gaussian(40, 30, -3.0)
    single = TwoLayer(*(value.astype(np.float32) for value in double))
    objective = Objective(NOISY, mean=True)
    found, expected = (train(n, objective, GD(0.2), 500, grouped=True) for n in (single, double))
    assert all(value.dtype == np.float32 for value in found.final)
    np.testing.assert_allclose(found.history["loss"], expected.history["loss"], rtol=1e-3)


def test_it_is_chosen_where_it_pays() -> None:
    objective = Objective(digits_data())
    large, small = gaussian(50, 784, -3.0), gaussian(2, 784, -3.0)
    many = gaussian(50, 784, -3.0, networks=(2,))
    assert pays(large, objective, GD(0.1))
    assert not pays(small, objective, GD(0.1))
    assert not pays(many, objective, GD(0.1))
    assert not pays(large, objective, HeavyBall(0.1))
    assert not pays(large, objective, GD(np.array(0.1)))
    runs = [train(large, objective, GD(0.01), 1, batch_size=size) for size in (None, 400)]
    assert '"grouped": true' in runs[0].history.attrs["configuration"]
    assert '"grouped": false' in runs[1].history.attrs["configuration"]


def test_leaders_divide_the_neurons() -> None:
    rng = np.random.default_rng(0)
    bases = rng.random((3, 100)) < 0.5
    of = rng.integers(0, 3, 40)
    active = bases[of] ^ (rng.random((40, 100)) < 0.01)
    found = leaders(active)
    assert found is not None
    columns, patterns = found
    assert np.all(columns.sum(axis=1) == 1)
    assert columns.shape[1] == 3
    np.testing.assert_array_equal(patterns[np.argmax(columns, axis=1)], bases[of])
    assert leaders(rng.random((40, 100)) < 0.5) is None
    assert module.GROUPS < 40


def test_a_step_too_large_stops_both() -> None:
    objective = Objective(NOISY)
    runs = [train(gaussian(40, 30, 0.0), objective, GD(50.0), 20, grouped=g).history for g in (False, True)]
    assert int(runs[0]["diverged_step"]) == int(runs[1]["diverged_step"]) > 0
    np.testing.assert_allclose(runs[0]["loss"], runs[1]["loss"], rtol=1e-9)
