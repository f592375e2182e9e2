"""μ, ζ1, ζ2, ξ and the angles to cones against their definitions, by sampling and by other solvers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gradflow.networks.two_layer.data import Dataset, cone, equiangular, in_plane, toy_plane, two_points
from gradflow.networks.two_layer.geometry import (
    angles,
    norms,
    separation,
    setting,
    sine_between,
    xi,
    zeta1,
    zeta2,
)
from gradflow.networks.two_layer.network import as_network, balanced


def random_set(seed: int, n: int, dimension: int, spread: float) -> Dataset:
    """Return inputs whose z are an axis plus sideways parts."""
    rng = np.random.default_rng(seed)
    z = np.eye(dimension)[0] + spread * rng.normal(size=(n, dimension))
    y = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    return Dataset(y[:, None] * z * rng.uniform(0.5, 2.0, (n, 1)), y)


SETS = st.builds(
    random_set,
    st.integers(0, 10**6),
    st.integers(1, 6),
    st.sampled_from([2, 3]),
    st.sampled_from([0.02, 0.2, 0.4, 1.0]),
)


def in_set(data: Dataset, w: np.ndarray, label: int) -> np.ndarray:
    """Whether each row of w is on exactly for the data of a label."""
    return np.asarray(np.all((w @ data.inputs.T > 0.0) == (data.labels == label), axis=1))


def directions(rng: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    w = rng.normal(size=(count, dimension))
    return np.asarray(w / np.linalg.norm(w, axis=1, keepdims=True))


@given(SETS)
@settings(max_examples=40, deadline=None)
def test_mu_is_the_smallest_cosine_of_a_pair(data: Dataset) -> None:
    found = separation(data)
    pairs = {
        (i, j): float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
        for i, a in enumerate(data.signed)
        for j, b in enumerate(data.signed)
        if i < j
    }
    least = min(pairs.values(), default=1.0)
    assert found.mu == pytest.approx(least, abs=1e-12)
    assert found.holds == (least > 0.0)
    if pairs:
        assert pairs[found.pair] == pytest.approx(least, abs=1e-12)


@given(SETS, st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_xi_bounds_and_is_approached_by_samples(data: Dataset, seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = data.signed / np.linalg.norm(data.signed, axis=1, keepdims=True)
    inside = np.concatenate([z, (rng.random((200, data.n)) ** 6) @ z])
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    # Directions anywhere, and next to the foot of each ray on each wall.
    feet = (z[:, None] - np.einsum("kd,id->ki", z, z)[..., None] * z[None]).reshape(-1, data.dimension)
    sides = np.tile(z, (data.n, 1))
    outside = np.concatenate([directions(rng, 4000, data.dimension), feet - 1e-7 * sides, feet])
    outside = outside[np.linalg.norm(outside, axis=1) > 1e-6]
    outside /= np.linalg.norm(outside, axis=1, keepdims=True)
    outside = outside[~in_set(data, outside, 1) & ~in_set(data, outside, -1)]
    allowed = math.sqrt(1.0 - xi(data))
    largest = float(np.max(np.abs(inside @ outside.T), initial=0.0))
    assert largest <= allowed + 1e-9
    if data.n > 1 and xi(data) > 0.0:
        assert largest == pytest.approx(allowed, abs=1e-5)


@given(SETS, st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_the_cap_of_zeta1_touches_a_wall(data: Dataset, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for label in (1, -1):
        total = data.total(label)
        zeta = zeta1(data, label)
        if not np.any(data.labels == label):
            assert zeta == 1.0
            continue
        centre = total / np.linalg.norm(total)
        if not in_set(data, centre[None], label)[0]:
            assert zeta == 0.0
            continue
        # On the rim of a slightly smaller cap all are inside, on that of a larger one some are not.
        away = np.concatenate([directions(rng, 500, data.dimension), -data.inputs, data.inputs])
        away = away - (away @ centre)[:, None] * centre
        length = np.linalg.norm(away, axis=1, keepdims=True)
        away = away[length[:, 0] > 1e-9] / length[length[:, 0] > 1e-9]
        for factor, all_inside in ((0.999, True), (1.001, False)):
            sine = math.sqrt(zeta) * factor
            if sine < 1.0:
                rim = math.sqrt(1.0 - sine * sine) * centre + sine * away
                assert bool(np.all(in_set(data, rim, label))) == all_inside
    if separation(data).holds:
        assert zeta1(data) >= separation(data).mu ** 2 * (1.0 - 1e-12)


def test_zeta2_is_the_largest_that_its_definition_allows() -> None:
    data = toy_plane(8)
    for seed in range(20):
        network = balanced(6, 2, -700.0, seed=seed)
        value = zeta2(data, network)
        cosines = []
        for w, v in zip(network.weights, network.outputs, strict=True):
            total = data.total(-1 if v > 0 else 1)
            cosines.append(float(w @ total) / np.linalg.norm(w) / np.linalg.norm(total))
        assert all(c <= math.sqrt(1.0 - value) + 1e-12 for c in cosines)
        assert not all(c < math.sqrt(1.0 - min(value + 1e-6, 1.0)) for c in cosines) or value == 1.0


def test_the_angle_to_the_cone_is_that_of_another_solver() -> None:
    for seed in range(12):
        data = random_set(seed, 4, 3, 0.4)
        w = directions(np.random.default_rng(seed), 1, 3)
        for sign in (1.0, -1.0):
            found = angles(data, as_network(w, np.array([sign]))).cone[0]
            rays = -sign * data.signed

            def distance(c: np.ndarray, rays: np.ndarray = rays, w: np.ndarray = w) -> float:
                return float(np.sum((w[0] - c @ rays) ** 2))

            best = minimize(distance, np.full(4, 0.1), bounds=[(0, None)] * 4, options={"ftol": 1e-15})
            assert found == pytest.approx(math.sqrt(best.fun), abs=2e-5)


@given(SETS, st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_outside_the_opposite_set_the_cone_is_at_least_mu_away(data: Dataset, seed: int) -> None:
    mu = separation(data).mu
    if mu <= 0.0:
        return
    network = balanced(20, data.dimension, 0.0, seed=seed)
    at = angles(data, network)
    for j, (w, v) in enumerate(zip(network.weights, network.outputs, strict=True)):
        label = -1 if v > 0 else 1
        assert at.opposite[j] == (in_set(data, w[None], label)[0] and bool(np.any(w @ data.inputs.T > 0)))
        if not in_set(data, w[None], label)[0]:
            assert at.cone[j] >= mu * (1.0 - 1e-9)


def test_without_assumption_1_there_is_no_room() -> None:
    data = in_plane([0.0, 100.0], [])
    assert not separation(data).holds
    assert separation(data).pair == (0, 1)
    assert xi(data) == 0.0


def test_numbers_of_known_sets() -> None:
    assert separation(two_points(0.1)).mu == pytest.approx(math.sin(0.1), rel=1e-14)
    assert xi(two_points(0.1)) == pytest.approx(math.sin(0.1) ** 2, rel=1e-13)
    assert separation(equiangular(5, 0.3)).mu == pytest.approx(0.3, rel=1e-12)
    data = Dataset(np.array([[3.0, 4.0], [0.0, 0.1]]), np.array([1, 1]))
    assert norms(data) == (0.1, 5.0)
    network = balanced(7, 3, -1000.0, seed=2)
    s = setting(cone(4, 0.5, 3), network, -1000.0)
    weights = np.linalg.norm(network.weights, axis=1) * np.exp(network.log_scale + 1000.0)
    assert (s.w_min, s.w_max) == pytest.approx((weights.min(), weights.max()), rel=1e-12)
    assert s.w_square == pytest.approx(np.sum(weights**2), rel=1e-12)
    assert (s.n, s.positives, s.negatives, s.h) == (4, 2, 2, 7)
    assert s.zeta <= zeta1(cone(4, 0.5, 3))


def test_small_angles_keep_their_digits() -> None:
    for angle in (1e-12, 1e-5, 0.3, 1.5):
        a, b = np.array([1.0, 0.0]), np.array([math.cos(angle), math.sin(angle)])
        assert sine_between(a, b) == pytest.approx(math.sin(angle), rel=1e-9)
    assert sine_between(np.array([1.0, 0.0]), np.array([-1.0, 0.0])) == 1.0


def test_bad_input_is_named() -> None:
    data = two_points(0.3)
    with pytest.raises(ValueError, match="labels: Assumption 1 needs labels of -1 and 1, got 2"):
        separation(Dataset(np.eye(2), np.array([1.0, 2.0])))
    with pytest.raises(ValueError, match="network: expected one network"):
        angles(data, balanced(3, 2, 0.0, networks=(2,)))
    with pytest.raises(ValueError, match="no w_j = 0"):
        angles(data, as_network(np.zeros((1, 2)), np.ones(1)))
    with pytest.raises(ValueError, match="log_epsilon: expected a finite number, got -inf"):
        setting(data, balanced(3, 2, 0.0), -math.inf)
