"""Networks train as PyTorch's autograd does with exact quadrature, and for m = 1 as the neuron."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.descent import OPTIMIZERS, Cosine
from gradflow.networks.line import start, train
from gradflow.runs import crossings

NAMES = ("w1", "b1", "w2", "b2")


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_one_neuron_trains_as_the_neuron(name: str) -> None:
    thetas = gf.Neuron(*np.random.default_rng(0).normal(size=(4, 20)))
    problem = gf.Problem(teacher=gf.Neuron(1.0, 0.2, 1.0, 0.1))
    config = OPTIMIZERS[name](lr=0.01)
    one = train(thetas, problem, config, 40, schedule=Cosine(60))
    other = gf.train(thetas, problem, config, 40, schedule=Cosine(60))
    for parameter in NAMES:
        found = one[parameter].values[:, 0] if parameter != "b2" else one[parameter].values
        assert np.allclose(found, other[parameter].values, rtol=0, atol=1e-11)
    assert np.array_equal(one["activity"].values[:, 0], other["activity"].values)
    assert crossings(one)["step"].values.tolist() == crossings(other)["step"].values.tolist()
    assert (
        crossings(one)["batch_0_index"].values.tolist() == crossings(other)["batch_0_index"].values.tolist()
    )


@pytest.mark.parametrize("name", ["adam", "gd"])
def test_of_autograd(name: str) -> None:
    torch: Any = pytest.importorskip("torch")
    network = start("uniform", 8, 3)
    at, share = np.polynomial.legendre.leggauss(3)
    parts = [torch.tensor(np.array(getattr(network, p)), requires_grad=True) for p in NAMES]
    make = {"adam": torch.optim.Adam, "gd": torch.optim.SGD}[name]
    optimizer = make(parts, lr=0.02)
    for _ in range(30):
        optimizer.zero_grad()
        w1, b1, w2, b2 = parts
        # Between breakpoints the integrand is a parabola, and it is continuous where they move.
        inner = (-b1 / w1).detach().numpy()
        ends = np.sort(np.clip(np.concatenate([[-1.0, 0.0, 1.0], inner]), -1.0, 1.0))
        half = 0.5 * np.diff(ends)[:, None]
        x = torch.as_tensor((0.5 * (ends[1:] + ends[:-1])[:, None] + half * at).reshape(-1, 1))
        weight = torch.as_tensor((half * share * 0.5).ravel())
        loss = (weight * (torch.relu(x * w1 + b1) @ w2 + b2 - x[:, 0].abs()) ** 2).sum()
        loss.backward()
        optimizer.step()
    run = train(network, gf.Problem(target="abs"), OPTIMIZERS[name](lr=0.02), 30)
    for part, parameter in zip(parts, NAMES, strict=True):
        assert np.allclose(part.detach().numpy(), run[parameter].values[-1], rtol=0, atol=1e-12)


def test_networks_of_an_array_do_not_touch_each_other() -> None:
    networks = start("he", 5, 2, (3,))
    rates = np.array([0.01, 0.03, 1e9])
    run = train(networks, gf.Problem(target="hat"), gf.GD(rates), 25)
    assert run["diverged"].values.tolist() == [0, 0, 1]
    for i in range(2):
        alone = train(networks.rows[:, i], gf.Problem(target="hat"), gf.GD(rates[i]), 25)
        assert np.array_equal(run["w1"].values[..., i], alone["w1"].values)


def test_frozen_parameters_stay() -> None:
    network = start("kernel", 4, 1)
    run = train(network, gf.Problem(target="abs"), gf.AdamW(0.1, weight_decay=0.1), 20, frozen=("w2", "b2"))
    assert np.array_equal(run["w2"].values[-1], network.w2)
    assert run["b2"].values[-1] == network.b2
    assert not np.any(run["w1"].values[-1] == network.w1)
    with pytest.raises(ValueError, match="frozen: expected some of w1, b1, w2, b2, got 'w3'"):
        train(network, frozen=("w3",))
    with pytest.raises(ValueError, match=r"frozen: .*each once, got \('w1', 'w1'\)"):
        train(network, frozen=("w1", "w1"))
    with pytest.raises(TypeError, match="in a tuple, got 'w2'"):
        train(network, frozen="w2")


def test_records_are_where_they_are_asked_for() -> None:
    run = train(start("he", 3, 0), gf.Problem(), gf.GD(0.1), 7, record_every=3)
    assert run["step"].values.tolist() == [0, 3, 6, 7]
    assert train(start("he", 3, 0), steps=0)["step"].values.tolist() == [0]


@pytest.mark.parametrize("name", ["he", "glorot", "uniform", "kernel"])
def test_starts_are_drawn_by_name_and_seed(name: str) -> None:
    some = start(name, 2000, 5)
    assert np.array_equal(some.rows, start(name, 2000, 5).rows)
    assert not np.array_equal(some.rows, start(name, 2000, 6).rows)
    w1 = {"he": 2.0, "glorot": 2.0 / 2001, "uniform": 1.0 / 3, "kernel": 1.0}[name]
    w2 = {"he": 2.0 / 2000, "glorot": 2.0 / 2001, "uniform": 1.0 / 6000, "kernel": 1.0 / 2000}[name]
    assert np.var(some.w1) == pytest.approx(w1, rel=0.15)
    assert np.var(some.w2) == pytest.approx(w2, rel=0.15)
    with pytest.raises(ValueError, match="start: expected he, glorot, uniform or kernel, got 'xavier'"):
        start("xavier", 2)
    with pytest.raises(ValueError, match="neurons: expected an integer >= 1, got 0"):
        start(name, 0)
