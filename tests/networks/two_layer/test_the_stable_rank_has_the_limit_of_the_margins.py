"""The stable rank tends to what two margins and an angle give, and V₊/ln t to 1/γ₊; hunts for exceptions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize

from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.margins import cross_cosine, margin, rank_limit
from tests.networks.two_layer.patterns import random_starts, smallest_cosine

SLOW_OR_NOT = (pytest.param(2_000, id="quick"), pytest.param(20_000, id="long", marks=pytest.mark.slow))


class Tail(NamedTuple):
    """Linear networks of one label, of two layers: W v (B, D), V = |v|² (B,) and ln t (B,)."""

    beta: np.ndarray
    square: np.ndarray
    log_time: np.ndarray


def tail(z: np.ndarray, goal: float, power: float = math.inf, steps: int = 4000) -> Tail:
    """Follow one balanced neuron a data set, from V = 1, until the least margin is `goal`.

    The pull is exp(−m), or (1 + m/power)^(−power − 1), that of a loss whose tail is no exponential. Steps are
    of the time in which the pulls add to 1, as short as V makes the pulls' shares change fast.
    """
    w = 0.3 * np.mean(z, axis=1) + 0.2 * z[:, 0]
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    log_time = np.full(z.shape[0], -np.inf)
    square = np.max(np.sum(z * z, axis=-1), axis=1)

    def margins(w: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.norm(w, axis=1, keepdims=True) * np.einsum("bnd,bd->bn", z, w))

    def turned(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        m = margins(w)
        logs = -m if math.isinf(power) else -(power + 1.0) * np.log1p(m / power)
        most = logs.max(axis=1)
        pulls = np.exp(logs - most[:, None])
        total = pulls.sum(axis=1)
        force = np.einsum("bn,bnd->bd", pulls / total[:, None], z)
        # w′ = v G with v = |w|, divided by the sum of the pulls, which is how fast t runs.
        return np.linalg.norm(w, axis=1, keepdims=True) * force, most + np.log(total)

    for _ in range(steps):
        going = margins(w).min(axis=1) < goal
        if not going.any():
            break
        step = np.where(going, 0.25 / (1.0 + square * np.sum(w * w, axis=1)), 0.0)[:, None]
        half = w + 0.5 * step * turned(w)[0]
        velocity, log_sum = turned(half)
        w = w + step * velocity
        with np.errstate(divide="ignore"):
            log_time = np.logaddexp(log_time, np.log(step[:, 0]) - log_sum)
    size = np.linalg.norm(w, axis=1)
    return Tail(size[:, None] * w, size * size, log_time)


def directions(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the margins (B,) and their directions (B, D)."""
    found = [margin(Dataset(one, np.ones(len(one))), 1) for one in z]
    return np.array([m.size for m in found]), np.array([m.direction for m in found])


def cases(rng: np.random.Generator, count: int, n: int, dimension: int) -> np.ndarray:
    """Return signed data with Assumption 1, whose least cosine is not tiny: else the way is long."""
    z = np.concatenate([random_starts(rng, count, n, dimension).z for _ in range(3)])
    z = z[smallest_cosine(z) > 0.05][:count]
    return np.asarray(z * (rng.uniform(0.8, 1.25, z.shape[:2]) / np.linalg.norm(z, axis=-1))[..., None])


def angles_left(z: np.ndarray, end: Tail) -> tuple[np.ndarray, np.ndarray]:
    """Return γ V and 1 − cos of the angle to the margin's direction."""
    size, direction = directions(z)
    cosine = np.einsum("bd,bd->b", end.beta, direction) / np.linalg.norm(end.beta, axis=1)
    return size * end.square, 1.0 - cosine


@pytest.mark.parametrize("count", SLOW_OR_NOT)
def test_every_label_tends_to_the_direction_of_its_margin(count: int) -> None:
    rng, tried = np.random.default_rng(count), 0
    for n, dimension in ((1, 2), (2, 2), (3, 2), (3, 3), (5, 4)):
        z = cases(rng, count // 4, n, dimension)
        end = tail(z, 25.0)
        far, left = angles_left(z, end)
        # 1 − ω is of the order of ln(2n)/(γ ρ), ln t that of γ V, to a logarithm of it.
        assert np.all(left < (1.0 + math.log(2 * n)) / far)
        assert np.all(np.abs(far - end.log_time) < 3.0 * np.log(far))
        tried += z.shape[0]
    assert tried > count


def test_another_loss_tends_elsewhere() -> None:
    """A tail that is no exponential: the hypothesis that fails is found at once."""
    z = cases(np.random.default_rng(3), 100, 3, 3)
    far, left = angles_left(z, tail(z, 400.0, power=1.0))
    assert np.mean(left > (1.0 + math.log(6)) / far) > 0.2


def limits_of_pairs(z: np.ndarray) -> np.ndarray:
    """Return the limits for two data of either label, (B, 4, D): their hulls are segments."""
    points = []
    for first, second in ((z[:, 0], z[:, 1]), (z[:, 2], z[:, 3])):
        along = second - first
        share = -np.einsum("bd,bd->b", first, along) / np.einsum("bd,bd->b", along, along)
        points.append(first + np.clip(share, 0.0, 1.0)[:, None] * along)
    sizes = [np.linalg.norm(point, axis=1) for point in points]
    cosine = np.einsum("bd,bd->b", *points) / (sizes[0] * sizes[1])
    p, q = (1.0 / size for size in sizes)
    return np.asarray(2.0 * (p + q) / (p + q + np.sqrt((p - q) ** 2 + 4.0 * p * q * cosine**2)))


def test_the_limit_is_at_most_that_of_the_least_cosine_across_labels() -> None:
    """And a mean cosine in place of the least one, or that of one label, is too large for many data."""
    rng, labels = np.random.default_rng(7), np.array([1.0, 1.0, -1.0, -1.0])
    tried = 0
    for dimension in (2, 3, 4, 6):
        z = random_starts(rng, 60_000, 4, dimension).z
        limits, units = limits_of_pairs(z), z / np.linalg.norm(z, axis=-1, keepdims=True)
        across = np.einsum("bid,bkd->bik", units[:, :2], units[:, 2:]).reshape(-1, 4)
        own = np.einsum("bd,bd->b", units[:, 0], units[:, 1])
        assert np.all(limits >= 1.0 - 1e-12)
        assert np.all(limits <= 2.0 / (1.0 + across.min(axis=1)) + 1e-9)
        for too_large in (across.mean(axis=1), own):
            assert np.mean(limits > 2.0 / (1.0 + too_large) + 1e-9) > 0.1
        # The least cosine of all pairs is often less, and its bound is above this one.
        assert np.mean(across.min(axis=1) > smallest_cosine(z) + 1e-6) > 0.1
        for one, limit in zip(z[:200], limits, strict=False):
            data = Dataset(labels[:, None] * one, labels)
            assert rank_limit(data) == pytest.approx(limit, rel=1e-9)
            assert rank_limit(data) <= 2.0 / (1.0 + cross_cosine(data)) + 1e-9
        tried += z.shape[0]
    assert tried > 100_000


def test_the_rank_of_a_network_approaches_the_limit() -> None:
    """Data of both labels, each with its network in the tail: the stable rank comes near, and nearer."""
    rng = np.random.default_rng(5)
    for _ in range(3):
        z, y = cases(rng, 40, 5, 3)[-1], np.array([1.0, 1.0, 1.0, -1.0, -1.0])
        data = Dataset(y[:, None] * z, y)
        missed: list[float] = []
        for goal in (5.0, 20.0, 80.0):
            square, parts = 0.0, []
            for label in (1.0, -1.0):
                end = tail(z[None, y == label], goal)
                # At one ln t for both.
                part = end.beta[0] / math.sqrt(end.square[0] * end.log_time[0])
                square += float(part @ part)
                parts.append(part)
            missed.append(abs(square / float(np.linalg.norm(np.stack(parts), 2)) ** 2 - rank_limit(data)))
        assert missed[-1] < min(0.01, missed[0])


def test_margins_are_those_of_another_solver() -> None:
    rng = np.random.default_rng(1)
    for n, dimension in ((1, 3), (3, 2), (4, 3), (9, 5)):
        z = random_starts(rng, 20, n, dimension).z[0]
        found = margin(Dataset(-z, -np.ones(n)), -1)
        hull = minimize(
            lambda weights, z=z: float(np.sum((weights @ z) ** 2)),
            np.full(n, 1.0 / n),
            jac=lambda weights, z=z: 2.0 * z @ (weights @ z),
            bounds=[(0.0, 1.0)] * n,
            constraints={"type": "eq", "fun": lambda weights: np.sum(weights) - 1.0},
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 500},
        )
        assert found.size == pytest.approx(math.sqrt(hull.fun), rel=1e-6)
        assert np.min(z @ found.direction) == pytest.approx(found.size, rel=1e-10)


def test_data_without_a_margin_are_refused() -> None:
    around = Dataset(np.array([[1.0, 0.0], [-1.0, 1e-14], [0.0, -1.0]]), np.ones(3))
    with pytest.raises(ValueError, match=r"label: expected data on one side of a hyperplane through 0"):
        margin(around, 1)
    with pytest.raises(ValueError, match=r"label: expected one that data have, got -1"):
        margin(around, -1)
    with pytest.raises(ValueError, match=r"label: expected 1 or -1, got 0"):
        margin(around, 0)
    with pytest.raises(ValueError, match=r"data: expected all cosines of pairs of y_i x_i above 0, got -1"):
        rank_limit(around)
    assert rank_limit(Dataset(np.eye(2) + 0.1, np.ones(2))) == 1.0
    assert cross_cosine(Dataset(np.eye(2) + 0.1, np.ones(2))) == 1.0


@pytest.mark.parametrize("size", [1e-200, 1e160])
def test_extreme_data_have_margins_and_angles(size: float) -> None:
    z, y = np.array([[1.0, 0.2], [0.3, 1.0], [1.0, 0.9]]), np.array([1.0, 1.0, -1.0])
    data, small = Dataset(y[:, None] * z, y), Dataset(y[:, None] * z * size, y)
    for label in (1, -1):
        found, wanted = margin(small, label), margin(data, label)
        assert found.size == pytest.approx(wanted.size * size, rel=1e-12, abs=0.0)
        assert found.direction == pytest.approx(wanted.direction, rel=1e-12)
    assert cross_cosine(small) == pytest.approx(cross_cosine(data), rel=1e-14)
    assert rank_limit(small) == pytest.approx(rank_limit(data), rel=1e-12)
