"""Spectra, memberships, phases and entries of networks, against NumPy and by hand, at any scale."""

from __future__ import annotations

import math
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.networks.two_layer.data import Dataset, in_plane, toy_plane
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced, gaussian, predict
from gradflow.networks.two_layer.record import measure
from gradflow.networks.two_layer.watch import (
    cosines,
    entries,
    imbalance,
    log_largest_output,
    memberships,
    phases,
    spectrum,
    summary,
)

NONE, POSITIVE, NEGATIVE, DEAD = range(4)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), h=st.integers(1, 6), d=st.integers(1, 5), scale=st.floats(-60.0, 60.0))
def test_singular_values_are_those_of_w(seed: int, h: int, d: int, scale: float) -> None:
    network = gaussian(h, d, scale, seed=seed, networks=(2,))
    w = np.exp(network.log_scale)[..., None] * network.weights
    values = np.linalg.svd(w, compute_uv=False)
    found = spectrum(network)
    np.testing.assert_allclose(np.exp(found.log_largest), values[:, 0], rtol=1e-12)
    np.testing.assert_allclose(found.ratios, values / values[:, :1], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(found.stable_rank, np.sum(w * w, axis=(1, 2)) / values[:, 0] ** 2, rtol=1e-12)


def test_spectra_do_not_see_the_scale() -> None:
    usual, tiny = (spectrum(gaussian(5, 4, scale, seed=1)) for scale in (0.0, -3e4))
    np.testing.assert_allclose(tiny.ratios, usual.ratios, rtol=1e-10)
    assert float(tiny.log_largest) == pytest.approx(float(usual.log_largest) - 3e4, abs=1e-9)
    # Neurons of other orders of magnitude: each has its own.
    uneven = as_network(np.eye(2), np.zeros(2), np.array([-700.0, -1000.0]))
    assert spectrum(uneven).ratios.tolist() == pytest.approx([1.0, math.exp(-300.0)])
    nothing = spectrum(as_network(np.zeros((2, 3)), np.ones(2)))
    assert float(nothing.log_largest) == -math.inf
    assert math.isnan(float(nothing.stable_rank))


def test_two_neurons_by_hand() -> None:
    data = in_plane([0.0, 60.0], [180.0])
    network = as_network(
        np.array([[1.0, math.sqrt(3.0)], [-1.0, 0.0], [0.0, 0.0]]), np.array([2.0, 1.0, 1.0])
    )
    plus, minus = cosines(network, data)
    # x₊ points to 30°, x₋ to 180°; the neurons to 60°, to 180° and nowhere.
    np.testing.assert_allclose(plus, [math.cos(math.pi / 6), -math.cos(math.pi / 6), np.nan], atol=1e-15)
    np.testing.assert_allclose(minus, [-0.5, 1.0, np.nan], atol=1e-15)
    assert measure(network, Objective(data))["membership"].tolist() == [POSITIVE, NEGATIVE, DEAD]
    assert np.all(np.isnan(cosines(network, in_plane([0.0], []))[1]))
    # r² = 8, 2 and 1; w² − v² = 0, 0 and −1.
    np.testing.assert_allclose(imbalance(network).relative, [0.0, 0.0, -1.0], atol=1e-15)
    assert float(imbalance(network).log_size[2]) == pytest.approx(0.0, abs=1e-15)


def test_imbalance_is_conserved_as_long_as_it_can_be_seen() -> None:
    path = gradient_flow(gaussian(6, 2, -700.0, seed=2), Objective(toy_plane(6)), 2.0)
    found = imbalance(path.network)
    np.testing.assert_allclose(
        found.log_size, np.broadcast_to(found.log_size[0], found.log_size.shape), atol=1e-5
    )
    assert np.ptp(found.relative, axis=0).max() > 0.1


def test_the_largest_output_is_known_where_it_underflows() -> None:
    objective = Objective(toy_plane(6))
    network = balanced(5, 2, -3.0, seed=1)
    expected = math.log(np.max(np.abs(predict(network, objective.data.inputs))))
    for shift in (0.0, 3e4):
        found = log_largest_output(network._replace(log_scale=network.log_scale - shift), objective)
        assert float(found) == pytest.approx(expected - 2.0 * shift, abs=1e-7)
    dead = as_network(np.array([[0.0, 0.0]]), np.ones(1))
    assert float(log_largest_output(dead, objective)) == -math.inf


def test_phases_of_a_turn_and_a_growth() -> None:
    # A quarter turn by t = 2 at constant norm, then growth by e³ by t = 4; the other neuron is tiny.
    t = np.linspace(0.0, 4.0, 401)
    angle = np.minimum(t, 2.0) * math.pi / 4
    weights = np.zeros((t.size, 2, 2))
    weights[:, 0] = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    weights[:, 1] = [0.0, 1.0]
    scales = np.stack([np.maximum(t - 2.0, 0.0) * 1.5, np.full(t.size, -50.0)], axis=-1) - 900.0
    course = phases(t, TwoLayer(weights, np.zeros((t.size, 2)), scales))
    assert np.sum(course.turned, axis=0).tolist() == pytest.approx([math.pi / 2, 0.0])
    assert np.sum(course.growth, axis=0).tolist() == pytest.approx([3.0, 0.0])
    assert course.log_norm[0] == pytest.approx(-900.0)
    found = summary(course)
    assert float(found.turned) == pytest.approx(math.pi / 2)
    assert (float(found.half_turned), float(found.mostly_turned)) == pytest.approx((1.0, 1.8))
    grown = 2.0 + math.log(1.0 + 0.9 * (math.exp(3.0) - 1.0)) / 1.5
    assert float(found.mostly_grown) == pytest.approx(grown, abs=1e-4)
    assert float(found.turned_before_growth) == pytest.approx(1.0)


def test_nothing_moves_nothing_is_reached() -> None:
    still = gaussian(2, 2, 0.0)
    found = summary(phases(np.arange(3.0), TwoLayer(*(np.stack([values] * 3) for values in still))))
    assert float(found.turned) == 0.0
    assert all(np.isnan(value) for value in found[1:])
    with pytest.raises(ValueError, match=r"t: expected shape \(3,\), got \(2,\)"):
        phases(np.arange(2.0), TwoLayer(*(np.stack([values] * 3) for values in still)))


def test_entries_are_those_of_the_records() -> None:
    data = toy_plane(10)
    path = gradient_flow(balanced(12, 2, -14.0, seed=4), Objective(data), 3.0)
    found = entries(path.patterns[0], path.crossings, data.labels)
    codes = memberships(path.patterns, data.labels)
    for j in range(12):
        for code, times in ((POSITIVE, found.positive), (NEGATIVE, found.negative), (DEAD, found.dead)):
            inside = np.flatnonzero(codes[:, j] == code)
            assert times[j] == (path.t[inside[0]] if inside.size else math.inf)
    assert np.isfinite(found.positive).any()
    assert np.isfinite(found.negative).any()


def test_entries_by_hand() -> None:
    labels = np.array([1.0, 1.0, -1.0])
    first = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 2]], dtype=np.int8)
    history = [(0.5, 2, 2, "leaves off"), (1.0, 0, 1, "on"), (1.0, 0, 2, "off"), (2.0, 2, 2, "slides")]
    found = entries(first, history, labels)
    assert found.positive.tolist() == [1.0, math.inf, 0.5]
    assert found.dead.tolist() == [math.inf, 0.0, math.inf]
    with pytest.raises(ValueError, match="switches: expected a kind of off, on, slides, got 'dies'"):
        entries(first, [(1.0, 0, 0, "dies")], labels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_array_library(dtype: str) -> None:
    xp: Any = array_api_strict
    network = gaussian(5, 2, -900.0, seed=1, networks=(4, 2))
    other = TwoLayer(*(xp.asarray(values.astype(dtype)) for values in network))
    usual = TwoLayer(*(values.astype(dtype) for values in network))
    data = Dataset(toy_plane(6).inputs.astype(dtype), toy_plane(6).labels.astype(dtype))
    objective = Objective(data)
    t = np.arange(4.0)
    for function in (
        lambda n: cosines(n, data), lambda n: (measure(n, objective)["membership"],), spectrum, imbalance,
        lambda n: (log_largest_output(n, objective),), lambda n: phases(t, n)[1:],
        lambda n: summary(phases(t, n)),
    ):  # fmt: skip
        for a, b in zip(function(other), function(usual), strict=True):
            np.testing.assert_allclose(np.asarray(a), b, rtol=1e-5 if dtype == "float32" else 1e-12)
