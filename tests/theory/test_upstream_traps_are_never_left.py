"""Neurons behind a learning layer that are called never revived are not, at any rate up to the named one."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.theory.steps import NEVER
from gradflow.theory.upstream import (
    UNIFORM,
    Network,
    gradient,
    limit,
    never_revived,
    preactivation,
    revival_steps,
    sample_task,
)

COUNTS = (pytest.param(20_000, id="quick"), pytest.param(150_000, id="long", marks=pytest.mark.slow))


def near_rest(n: int, seed: int) -> Network:
    """Return dead networks near where their upstream layer rests, of all distances from rest and wall."""
    draw = np.random.default_rng(seed)
    a, c, w1, w2, d = draw.normal(size=(5, n))
    rest = limit(Network(a, c, w1, 0.0, w2, d))
    size = 10.0 ** draw.uniform(-4.0, 0.0, n)
    a, c, d = (part + size * draw.normal(size=n) for part in rest)
    top = np.maximum(w1 * (a * UNIFORM.lo + c), w1 * (a * UNIFORM.hi + c))
    return Network(a, c, w1, -top - np.abs(w1) * size * 10.0 ** draw.uniform(-2.0, 1.0, n), w2, d)


@pytest.mark.parametrize("count", COUNTS)
def test_none_that_is_held_comes_back(count: int) -> None:
    networks, rate = near_rest(count, 1), 10.0 ** np.random.default_rng(2).uniform(-2.0, 0.5, count)
    assert np.all(preactivation(networks) <= 0.0)
    held = never_revived(networks, UNIFORM, rate)
    assert 0.05 * count < np.sum(held) < 0.9 * count
    for share in (1.0, 0.5):
        back = revival_steps(networks, UNIFORM, share * rate, 300) != NEVER
        assert not np.any(held & back)
        # Of the others many come back.
        assert np.sum(~held & back) > 0.02 * count


def test_at_a_larger_rate_than_named_some_come_back() -> None:
    """The hypothesis that fails: held at a small rate, and trained at one that is many times as large."""
    networks = near_rest(40_000, 3)
    held = never_revived(networks, UNIFORM, 0.01)
    back = revival_steps(networks, UNIFORM, 1.0, 300) != NEVER
    assert np.sum(held & back) > 100
    assert not np.any(never_revived(networks, UNIFORM, 1.0) & back)


def test_what_is_not_dead_or_on_its_wall_is_not_held() -> None:
    assert not never_revived(Network(1.0, 0.0, 1.0, 0.0), UNIFORM, 0.1)
    rest = limit(Network(0.5, 0.2, 1.0, -5.0, 1.0, 1.0))
    wall = -(float(rest.a) * UNIFORM.hi + float(rest.c))
    assert not never_revived(Network(rest.a, rest.c, 1.0, wall, 1.0, rest.d), UNIFORM, 0.1)
    assert never_revived(Network(rest.a, rest.c, 1.0, wall - 0.1, 1.0, rest.d), UNIFORM, 0.1)
    with pytest.raises(ValueError, match="rate: expected"):
        never_revived(Network(), UNIFORM, -1.0)


def test_a_sample_that_is_standardised_to_some_digits_only_may_bring_it_back() -> None:
    # At rest for a mean of exactly 0, and so close to its wall that the sample's mean makes the difference.
    u = np.array([-1.0, 1.0]) - 9e-14
    targets = 0.5 * u + 0.4
    task = sample_task(u, targets)
    p, q = float(np.asarray(task.slope)), float(np.asarray(task.level))
    wall = -(p * float(np.asarray(task.hi)) + q)
    theta = np.array([p, q, 1.0, wall - 3e-14, -1.0, 1.0])
    assert preactivation(Network(*theta), task) < 0.0
    assert not never_revived(Network(*theta), task, 0.05)
    assert never_revived(Network(p, q, 1.0, wall - 1e-9, -1.0, 1.0), task, 0.05)
    back = False
    for _ in range(200):
        theta = theta - 0.05 * gradient(Network(*theta), u, targets)
        back = back or bool(preactivation(Network(*theta), task) > 0.0)
    assert back


def test_a_sample_that_is_off_by_more_than_rounding_is_refused() -> None:
    """The closed form says that this one never comes back; its own flow brings it back."""
    u = np.array([-1.0, 1.0]) - 9e-10
    with pytest.raises(ValueError, match=r"u: expected mean 0 and variance 1 to 1e-13, got -9e-10 and 1$"):
        sample_task(u, 0.5 * u + 0.4)
    many = np.random.default_rng(0).lognormal(1.0, 2.0, 10_000) + 1e4
    for _ in range(2):
        many = (many - np.mean(many)) / np.std(many)
    assert sample_task(many, many).slope == pytest.approx(1.0, rel=1e-13)
