"""In float32 the field is right to 64 units of float32's epsilon (7.6e-6) of the same scales.

The neurons are float32 numbers with |θ| from 1e-4 to 1e4 and active widths down to 1e-5; the oracle
integrates those very numbers, so nothing is lost to the conversion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.field import gradient, hessian, loss
from tests.field.measure import SETTINGS, computed, drawn, problem_of, worst
from tests.field.neurons import SINGLE

BOUND = 64 * float(np.finfo(np.float32).eps)


@pytest.mark.some(8)
@pytest.mark.parametrize("quantity", ["gradient", "hessian", "loss"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_error_is_below_the_bound(setting: str, quantity: str, record_property: Any) -> None:
    assert computed(drawn(SINGLE)[setting], quantity).dtype == np.float32
    measured = worst(SINGLE, setting, quantity)
    record_property("largest_error", measured.error)
    print(f"float32, {setting}, {quantity}: largest error {measured.error:.2e} at {measured.neuron}")
    assert measured.error <= BOUND


@pytest.mark.parametrize("setting", SETTINGS)
def test_float32_is_really_computed_in_float32(setting: str) -> None:
    # Were it computed in float64 and rounded, every value would be the nearest float32.
    single = drawn(SINGLE)[setting]
    double = single._replace(
        **{k: getattr(single, k).astype(np.float64) for k in ("theta", "teacher", "lo", "hi")}
    )
    for field in (loss, gradient, hessian):
        rounded = field(double.theta, problem_of(double)).astype(np.float32)
        assert np.any(field(single.theta, problem_of(single)) != rounded)
