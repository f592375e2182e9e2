"""Sines that delay alignment are right or too small: rounding makes no positive one of 0."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from gradflow.networks.two_layer.bounds import alignment_times
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.geometry import angles, distance_from_cone, setting, units
from gradflow.networks.two_layer.network import TwoLayer


def network(w: np.ndarray) -> TwoLayer:
    """Return one neuron with v > 0."""
    return TwoLayer(w[None], np.array([float(np.linalg.norm(w))]), 0.0)


def sets(n: int, size: int, seed: int) -> list[np.ndarray]:
    """Return sets of data in D = 3 that fulfil Assumption 1, all within some angle of one direction."""
    draw = np.random.default_rng(seed)
    return [np.array([1.0, 0.3, -0.2]) + 0.4 * draw.uniform(-1.0, 1.0, (size, 3)) for _ in range(n)]


def test_a_neuron_that_starts_opposite_to_its_force_is_never_aligned() -> None:
    for x in sets(200, 4, 0):
        data = Dataset(x, -np.ones(4))
        opposite = network(data.total(-1))
        at = angles(data, opposite)
        assert at.opposite[0]
        assert (at.cone[0], at.force[0]) == (0.0, 0.0)
        assert alignment_times(setting(data, opposite, 0.0), at)[0] == math.inf


def test_what_is_in_the_cone_has_no_distance_from_it() -> None:
    draw = np.random.default_rng(1)
    for x in sets(300, 6, 2):
        data = Dataset(x, -np.ones(6))
        inside = draw.exponential(1.0, 6) * (draw.uniform(size=6) < 0.5) @ x
        if np.any(inside):
            assert angles(data, network(inside)).cone[0] == 0.0


def test_a_distance_from_two_rays_is_below_the_exact_one() -> None:
    draw = np.random.default_rng(3)
    for k in range(300):
        x = np.array([[1.0, 0.0], [1.0, 1.0]]) * 2.0 ** draw.integers(-3, 3)
        # Every second one is close to the cone.
        angle = draw.uniform(0.0, math.pi) if k % 2 else 0.25 * math.pi + 10.0 ** draw.uniform(-16.0, -3.0)
        w = np.array([math.cos(angle), math.sin(angle)])
        rays = units(Dataset(x, np.ones(2)))
        found = distance_from_cone(w, rays)
        # From the ray (1, 1)/√2 or, up to 45° beyond, 0; in exact numbers of what w is.
        a, b = Fraction(float(w[0])), Fraction(float(w[1]))
        square = Fraction(0) if a >= b else ((a - b) ** 2 / 2 if a + b > 0 else a**2 + b**2)
        assert Fraction(found) ** 2 <= square * (1 + Fraction(1, 10**9))
        # The direction of what is left has as many digits as that has beside 1.
        exact = math.sqrt(square)
        assert found >= exact - 3e-14 - (4e-15 / exact if exact > 0.0 else 0.0)


def test_a_datum_within_rounding_of_the_wall_does_not_count_as_on() -> None:
    x = np.array([[1.0, 1.0, 0.0], [0.1, 0.2, 1.0]])
    w = np.array([0.1 + 0.2, -0.3, 0.0])
    at = angles(Dataset(x, np.ones(2)), network(w))
    assert float(x[0] @ w) > 0.0
    assert at.own[0] == 0
    w = np.array([0.3, -0.2, 0.0])
    assert angles(Dataset(x, np.ones(2)), network(w)).own[0] == 1
