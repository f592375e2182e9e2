"""The coefficients satisfy the order conditions on tall and bushy trees, and are SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import DOP853

from gradflow.flow.tableau import DENSE, EXTRA, FIFTH, STAGES, STEP, THIRD, Row


def dense(row: Row, n: int = 16) -> np.ndarray:
    full = np.zeros(n)
    for j, weight in row:
        full[j] = weight
    return full


A = np.array([np.zeros(16), *(dense(row) for row in STAGES), dense(STEP), *(dense(row) for row in EXTRA)])
C = np.sum(A, axis=1)


@pytest.mark.parametrize("k", range(1, 9))
def test_quadrature_and_tall_trees_up_to_order_eight(k: int) -> None:
    b = dense(STEP)
    assert abs(b @ C ** (k - 1) - 1 / k) < 1e-14
    power = b
    for _ in range(k - 1):
        power = power @ A
    assert abs(power.sum() - 1 / np.prod(np.arange(1, k + 1, dtype=float))) < 1e-14


def test_the_embedded_methods_have_orders_five_and_three() -> None:
    assert max(abs(dense(FIFTH) @ C**k) for k in range(5)) < 1e-14
    assert max(abs((dense(STEP) - dense(THIRD)) @ C**k) for k in range(3)) < 1e-14


def test_every_coefficient_is_scipys() -> None:
    np.testing.assert_array_equal(A[:12, :12], DOP853.A)
    np.testing.assert_array_equal(dense(STEP, 12), DOP853.B)
    np.testing.assert_array_equal(A[13:], DOP853.A_EXTRA)
    np.testing.assert_array_equal([dense(row) for row in DENSE], DOP853.D)
    np.testing.assert_array_equal(dense(FIFTH, 13), DOP853.E5)
    np.testing.assert_array_equal(dense(STEP, 13) - dense(THIRD, 13), DOP853.E3)
