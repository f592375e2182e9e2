"""The ε → 0 limit: what Assumption 1 forces, what fails without it, and where directions end."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from gradflow.networks.two_layer.data import Dataset, cone, equiangular, in_plane, toy_plane
from gradflow.networks.two_layer.limit import (
    LimitPath,
    entry_times,
    final_directions,
    limit_flow,
    state_at,
    tangential_pull,
)
from gradflow.networks.two_layer.losses import EXPONENTIAL, LOGISTIC, SQUARED, Objective
from gradflow.networks.two_layer.network import balanced, gaussian
from gradflow.networks.two_layer.patterns import ACTIVE, INACTIVE, SLIDING
from gradflow.networks.two_layer.status import DEAD, SETTLED
from tests.networks.two_layer.limits import mixed, pulls


@st.composite
def narrow(draw: Any) -> Dataset:
    """Draw data with μ > 0: equal angles, a random cone, or an arc of the plane less than 90° wide."""
    kind = draw(st.sampled_from(["equiangular", "cone", "plane"]))
    n = draw(st.integers(2, 7))
    seed = draw(st.integers(0, 10**6))
    if kind == "equiangular":
        return equiangular(n, draw(st.floats(0.02, 0.9)), draw(st.integers(0, n)))
    if kind == "cone":
        try:
            return cone(n, draw(st.floats(0.02, 0.9)), draw(st.integers(3, 7)), seed)
        except ValueError:
            # The drawn sides were closer to each other than that.
            reject()
    rng = np.random.default_rng(seed)
    return in_plane(rng.uniform(-40.0, 40.0, n), 180.0 + rng.uniform(-40.0, 40.0, draw(st.integers(0, 5))))


def biggest_fall(path: LimitPath, data: Dataset, points: int = 40) -> float:
    """Return by how much a σ y_i x_i·w/‖x_i‖ falls at most between two times, in units of the norm."""
    finite = path.times[np.isfinite(path.times)]
    times = np.union1d(np.linspace(0.0, float(finite.max()) + 0.5, points), finite)
    sigma = np.sign(path.outputs[:, :1])
    units = data.signed / np.linalg.norm(data.signed, axis=1, keepdims=True)
    states = [state_at(path, float(time)) for time in times]
    worst = -np.inf
    for one, other in itertools.pairwise(states):
        grown = np.exp(np.clip(other.log_scale - one.log_scale, None, 600.0))[:, None]
        fall = sigma * (one.weights - grown * other.weights) @ units.T / np.maximum(1.0, grown)
        worst = max(worst, float(np.max(fall)))
    return worst


@settings(max_examples=60)
@given(narrow(), st.integers(0, 10**6))
def test_all_margins_rise_under_assumption_1(data: Dataset, seed: int) -> None:
    path = limit_flow(balanced(6, data.dimension, -2000.0, seed=seed), Objective(data))
    assert biggest_fall(path, data) < 1e-12
    assert not np.any(path.patterns == SLIDING)
    assert np.all(path.events <= data.n)
    assert np.all((path.status == SETTLED) | (path.status == DEAD))
    # A neuron gains data of its sign and loses the others; each wall is crossed once.
    change = np.diff(path.patterns.astype(int), axis=1)
    counts = np.arange(1, path.patterns.shape[1])[None, :] <= path.events[:, None]
    sign = np.sign(path.outputs[:, :1, None] * data.labels)
    assert np.all((sign * change)[counts] >= 0)


def test_margins_fall_without_assumption_1() -> None:
    falls = []
    for seed in range(6):
        data = mixed(8, 4, seed)
        path = limit_flow(balanced(10, 4, -2000.0, seed=seed), Objective(data))
        falls.append(biggest_fall(path, data))
    assert min(falls) > 1e-2
    # By degrees: z_i within 120° of each other is enough.
    data = cone(6, -0.5, 3, seed=1)
    path = limit_flow(balanced(40, 3, -2000.0, seed=1), Objective(data))
    assert biggest_fall(path, data) > 1e-2
    assert np.any(path.patterns == SLIDING)


@settings(max_examples=60)
@given(narrow(), st.integers(0, 10**6))
def test_balanced_neurons_align_or_die_by_the_bound(data: Dataset, seed: int) -> None:
    network = balanced(6, data.dimension, -2000.0, seed=seed)
    path = limit_flow(network, Objective(data))
    entries = entry_times(path)
    sigma = np.sign(network.outputs)
    own = np.where(sigma > 0.0, entries.positive, entries.negative)
    aligned = np.minimum(own, entries.dead)
    z = data.signed
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    mu, shortest = float(np.min(unit @ unit.T)), float(np.min(np.linalg.norm(z, axis=1)))
    for j in range(6):
        w = network.weights[j] / np.linalg.norm(network.weights[j])
        apart = nnls(z.T, -sigma[j] * w)[1]
        if apart < 1e-6:
            continue
        bound = (np.arccosh(1.0 / min(apart, 1.0)) + np.arcsinh(1.0 / mu)) / shortest
        assert aligned[j] <= bound * (1.0 + 1e-12)
        # Both sets trap.
        first = int(np.searchsorted(path.times[j], aligned[j]))
        assert first == path.events[j]


def ends(data: Dataset, objective: Objective, seed: int) -> tuple[LimitPath, np.ndarray]:
    path = limit_flow(gaussian(25, data.dimension, -2000.0, seed=seed), objective)
    return path, final_directions(path).directions


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC, SQUARED])
@pytest.mark.parametrize(
    "data", [mixed(10, 4, 1), cone(9, 0.1, 5, 2), equiangular(8, 0.0)], ids=lambda d: d.name
)
def test_directions_end_at_critical_points_of_the_alignment_objective(data: Dataset, loss: Any) -> None:
    if loss is SQUARED:
        data = Dataset(data.inputs, np.random.default_rng(0).normal(size=data.n))
    objective = Objective(data, loss, mean=True)
    path, directions = ends(data, objective, 3)
    settled = path.status == SETTLED
    assert np.sum(settled) > 10
    pull = tangential_pull(directions[settled], objective)
    assert np.max(pull) < 1e-14
    # A turned direction is none, unless it is in S_dead.
    turned = directions[settled] + 0.05 * np.random.default_rng(1).normal(size=directions[settled].shape)
    alive = np.any(turned @ data.inputs.T > 0.0, axis=1)
    assert np.min(tangential_pull(turned[alive], objective)) > 1e-4


def test_a_settled_neuron_grows_at_the_rate_stated() -> None:
    data = mixed(10, 4, 1)
    path, directions = ends(data, Objective(data), 3)
    rates = final_directions(path).rates
    early, late = state_at(path, 40.0), state_at(path, 41.0)
    np.testing.assert_allclose(late.log_scale - early.log_scale, rates, atol=1e-12)
    assert np.all(rates > 0.0)
    np.testing.assert_allclose(late.weights * np.sqrt(2.0), directions, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_sliding_keeps_the_margin_at_zero_and_each_side_points_at_the_wall(seed: int) -> None:
    data = mixed(9, 4, seed)
    objective = Objective(data)
    path = limit_flow(gaussian(20, 4, 0.0, seed=seed), objective)
    g = pulls(objective)
    found = 0
    for j, k, i in np.argwhere(path.patterns == SLIDING):
        found += 1
        force, x = path.force[j, k], data.inputs[i]
        assert abs(x @ force) < 1e-13 * np.linalg.norm(x) * np.sum(np.abs(g)[:, None] * np.abs(data.inputs))
        assert abs(x @ path.weights[j, k]) < 1e-14 * np.linalg.norm(x)
        sigma = np.sign(path.outputs[j, k])
        # G is that of the active data and gates in [0, 1] on the walls, and σ g < 0.
        assert sigma * g[i] < 0.0
        active = path.patterns[j, k] == ACTIVE
        slides = path.patterns[j, k] == SLIDING
        columns = g[slides, None] * data.inputs[slides]
        gates, *_ = np.linalg.lstsq(columns.T, force - g[active] @ data.inputs[active], rcond=None)
        np.testing.assert_allclose(gates @ columns + g[active] @ data.inputs[active], force, atol=1e-12)
        assert np.all((gates > 0.0) & (gates < 1.0))
    assert found > 10


def test_v_changes_its_sign_at_most_once_and_never_if_balanced() -> None:
    for data in (mixed(9, 4, 0), cone(9, 0.1, 5, 2)):
        path = limit_flow(gaussian(100, data.dimension, 0.0, seed=5), Objective(data))
        signs = np.sign(np.where(np.isnan(path.outputs), path.outputs[:, :1], path.outputs))
        last = path.outputs[np.arange(100), path.events]
        assert np.all(np.sum(path.kinds == 2, axis=1) <= 1)
        assert np.array_equal(np.sum(path.kinds == 2, axis=1) == 1, np.sign(last) != signs[:, 0])
        path = limit_flow(balanced(100, data.dimension, 0.0, seed=5), Objective(data))
        assert not np.any(path.kinds == 2)


def test_the_dead_are_active_nowhere() -> None:
    data = toy_plane()
    path = limit_flow(balanced(200, 2, 0.0, seed=5), Objective(data))
    dead = path.status == DEAD
    assert np.sum(dead) > 5
    last = path.weights[np.arange(200), path.events]
    assert np.all(last[dead] @ data.inputs.T < 1e-15)
    assert np.all(path.patterns[np.arange(200), path.events][dead] == INACTIVE)
    assert np.all(np.isfinite(entry_times(path).dead) == dead)
