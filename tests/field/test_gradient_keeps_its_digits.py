"""Gradient and Hessian are right to 1e-13 of the integral of their terms' absolute values, float64.

Measured on the random and adversarial neurons of `neurons.py`, against 50-digit integrals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.field import gradient, hessian, loss, loss_and_gradient
from gradflow.neuron.problem import Neuron, Problem
from tests.field.measure import SETTINGS, computed, drawn, errors, exact, problem_of, worst
from tests.field.neurons import DOUBLE
from tests.field.oracle import integrate

BOUND = 1e-13


def test_the_neurons_are_at_least_ten_thousand_and_hit_every_hard_case() -> None:
    everything = list(drawn(DOUBLE).values())
    theta = np.concatenate([s.theta for s in everything], axis=1)
    lo, hi = (np.concatenate([getattr(s, end) for s in everything]) for end in ("lo", "hi"))
    w1, b1 = theta[0], theta[1]
    assert theta.shape[1] >= 10_000
    assert np.sum((w1 == 0) & (b1 == 0)) >= 400
    assert np.sum((w1 == 0) & (b1 != 0)) >= 400
    bend = w1 != 0
    p = -b1[bend] / w1[bend]
    for place in (-1.0, 0.0, 1.0):
        assert np.sum(p == place) >= 300
        assert np.sum((p != place) & (np.abs(p - place) < 1e-14)) >= 300
    width = np.minimum(np.abs(p - lo[bend]), np.abs(p - hi[bend])) / (hi - lo)[bend]
    inside = (p > lo[bend]) & (p < hi[bend])
    for decade in range(-12, -1):
        assert np.sum(inside & (width > 10.0**decade) & (width < 10.0 ** (decade + 1))) >= 60
    size = np.abs(theta[theta != 0])
    assert np.sum(size < 1e-7) >= 300
    assert np.sum(size > 1e7) >= 300


@pytest.mark.some(8)
@pytest.mark.parametrize("quantity", ["gradient", "hessian", "loss"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_error_is_below_the_bound(setting: str, quantity: str, record_property: Any) -> None:
    measured = worst(DOUBLE, setting, quantity)
    record_property("largest_error", measured.error)
    print(f"float64, {setting}, {quantity}: largest error {measured.error:.2e} at {measured.neuron}")
    assert measured.error <= BOUND


def test_both_at_once_equal_each_alone() -> None:
    for setting in drawn(DOUBLE).values():
        value, slope = loss_and_gradient(setting.theta, problem_of(setting))
        np.testing.assert_array_equal(value, loss(setting.theta, problem_of(setting)))
        np.testing.assert_array_equal(slope, gradient(setting.theta, problem_of(setting)))


def naive_gradient(theta: Any) -> Any:
    """Return the default problem's gradient with the active width computed as 1 − (−b1/w1)."""
    w1, b1, w2, b2 = theta
    start = np.clip(-b1 / w1, -1.0, 1.0)  # w1 > 0
    total = np.zeros((4, w1.size))
    for left, right in ((-np.ones_like(start), np.zeros_like(start)), (0 * start, 0 * start + 1.0)):
        for a, b, s in ((left, np.clip(start, left, right), 0.0), (np.clip(start, left, right), right, 1.0)):
            ends = []
            for x in (a, 0.5 * (a + b), b):
                z = s * (w1 * x + b1)
                r = w2 * z + b2 - np.maximum(x, 0.0)
                ends.append(np.stack([2 * r * w2 * s * x, 2 * r * w2 * s, 2 * r * z, 2 * r]))
            total += (b - a) / 2 * (ends[0] + 4 * ends[1] + ends[2]) / 6
    return total


def test_the_naive_width_violates_the_bound_on_the_same_neurons() -> None:
    # Without this the bound could be one that any formula meets.
    setting = drawn(DOUBLE)["default"]
    n = setting.lo.size // 13
    easy, narrow = (
        np.flatnonzero((np.arange(setting.lo.size) // n == k) & (setting.theta[0] > 0)) for k in (0, 8)
    )
    truth = exact(DOUBLE, "default")
    naive_easy, naive, ours = (
        errors(values, [truth[i] for i in rows], "gradient").max()
        for values, rows in (
            (naive_gradient(setting.theta[:, easy]), easy),
            (naive_gradient(setting.theta[:, narrow]), narrow),
            (computed(setting, "gradient")[:, narrow], narrow),
        )
    )
    print(f"active width to 1e-12: naive {naive:.2e}, gradflow {ours:.2e}")
    assert naive_easy <= 1e-14
    assert naive > 1e4 * BOUND
    assert ours <= BOUND


@pytest.mark.parametrize("teacher", [(1.0, 0.5, 1.0, 0.0), (1.0, 2.0, 0.5, 1.0), (-2.0, -3.0, 1.0, 0.1)])
@pytest.mark.parametrize("distance", [1e-300, 1e-30, 1e-17, 1e-12, -1e-9, -1e-3])
def test_hessian_next_to_zero_with_a_small_output_weight(teacher: tuple[float, ...], distance: float) -> None:
    # w2² is negligible beside w2 b2, so only the point mass at the breakpoint is left in this entry.
    neuron = (1.0, -distance, 1e-8, 1e8)
    truth = integrate(neuron, teacher, -1.0, 1.0, (0.0, 1.0))
    value = hessian(np.asarray(neuron)[:, None], Problem(Neuron(*teacher)))
    assert errors(value, [truth], "hessian").max() <= BOUND


@pytest.mark.parametrize("wall", [(1.0, -1.0), (-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
def test_hessian_on_a_wall_is_that_of_the_dead_or_hyperactive_side(wall: tuple[float, float]) -> None:
    # b1 < 0: dead outside the wall; b1 > 0: hyperactive. The balanced side's limit differs by the mass.
    w1, b1, w2, b2 = *wall, 0.75, 0.5
    on, outer, inner = (hessian(np.asarray([w1, b1 * (1.0 + d), w2, b2])) for d in (0.0, 1e-9, -1e-9))
    np.testing.assert_allclose(on, outer, rtol=0, atol=1e-8)
    p = -b1 / w1
    mass = w2 * (b2 - max(p, 0.0))
    np.testing.assert_allclose((inner - on)[1, 1], mass, rtol=0, atol=1e-8)
    np.testing.assert_allclose((inner - on)[0, 1], mass * p, rtol=0, atol=1e-8)
