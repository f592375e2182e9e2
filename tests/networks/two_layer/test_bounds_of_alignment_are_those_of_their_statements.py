"""Bounds at finite ε, whose slack hides a factor e^δ from flows, have a second copy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradflow.networks.two_layer import bounds
from gradflow.networks.two_layer.geometry import Angles, Setting

DATA = {
    "n": 9,
    "h": 4,
    "x_min": 0.8,
    "x_max": 1.3,
    "mu": 0.3,
    "zeta": 0.2,
    "xi": 0.4,
    "w_min": 0.5,
    "w_max": 1.1,
}
SETTING = Setting(**DATA, w_square=3.7, positives=5, negatives=4)  # type: ignore[arg-type]
ANGLES = Angles(
    np.array([0.5, 0.6, 0.9, 0.1]),
    np.array([False, False, False, True]),
    np.array([0.7, 0.9, 1.0, 0.35]),
    np.array([2, 1, 4, 0]),
)


def least_sine(j: int, delta: float) -> float:
    """Return s of a balanced neuron: the distance from −σK, and of one in S₋σ also that from its force."""
    if not ANGLES.opposite[j]:
        return float(max(ANGLES.cone[j], DATA["mu"]))
    turn = math.asin((math.exp(delta) - 1.0) / math.sqrt(DATA["mu"]))
    return max(float(ANGLES.cone[j]), DATA["mu"] * math.sin(math.asin(ANGLES.force[j]) - turn))


@pytest.mark.parametrize("delta", [1e-9, 1e-5, 1e-3])
def test_the_time_and_the_scale_of_alignment(delta: float) -> None:
    n, x_max, x_min, mu = 9, DATA["x_max"], DATA["x_min"], DATA["mu"]
    times, rates = [], []
    for j in range(4):
        m = max(int(ANGLES.own[j]), 1)
        square = x_min**2 * m * (1.0 + (m - 1) * mu) * math.exp(-2.0 * delta)
        rates.append(math.sqrt(square - 2.0 * n**2 * x_max**2 * math.exp(2.0 * delta) * delta))
        times.append((math.acosh(1.0 / least_sine(j, delta)) + math.acosh(1.0 / mu)) / rates[-1])
        assert float(bounds.finite_rate(SETTING, delta, m)) == pytest.approx(rates[-1], rel=1e-13)
    found = bounds.alignment(SETTING, ANGLES, delta)
    assert found.rate == pytest.approx(min(rates), rel=1e-13)
    assert found.time == pytest.approx(max(times), rel=1e-10)
    # ε² Σ‖w0_j‖² X_max exp(2 n X_max e^δ T) = δ.
    left = 2.0 * found.log_epsilon + math.log(3.7 * x_max) + 2.0 * n * x_max * math.exp(delta) * found.time
    assert left == pytest.approx(math.log(delta), rel=1e-10)


@pytest.mark.parametrize("label", [1, -1])
def test_the_time_to_fit(label: int) -> None:
    count, x_max = (5 if label == 1 else 4), DATA["x_max"]
    for log_square, target in ((-8.0, 0.01), (-3.0, 0.4)):
        reach = math.acosh(math.sqrt(target / math.exp(log_square)))
        length = DATA["x_min"] * math.sqrt(count * (1.0 + (count - 1) * DATA["mu"]))
        expected = reach * math.exp(x_max * target) / length
        assert bounds.fit_time(SETTING, log_square, target, label) == pytest.approx(expected, rel=1e-12)
