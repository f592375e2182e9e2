"""two_sum and two_product lose nothing; affine and determinant are rounded about once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.base.error_free import affine, determinant, distilled, splitter, two_product, two_sum

EPS = {64: Fraction(1, 2**52), 32: Fraction(1, 2**23)}
TYPE: dict[int, Any] = {64: np.float64, 32: np.float32}


def reals(width: int) -> Any:
    """Zero and numbers whose products' errors neither overflow nor underflow."""
    small, large = {64: (2.0**-400, 2.0**400), 32: (2.0**-30, 2.0**30)}[width]  # type: tuple[float, float]
    size = st.floats(small, large, width=64 if width == 64 else 32)
    return st.one_of(st.just(0.0), size, size.map(lambda v: -v)).map(TYPE[width])


def close(width: int) -> Any:
    """Numbers of one binade, of which products and sums cancel."""
    return st.floats(1.0, 2.0, width=64 if width == 64 else 32).map(TYPE[width])


def exactly(value: Any) -> Fraction:
    return Fraction(float(value))


def check_sum(a: Any, b: Any) -> None:
    s, e = two_sum(a, b)
    assert s == a + b
    assert exactly(s) + exactly(e) == exactly(a) + exactly(b)


def check_product(a: Any, b: Any) -> None:
    p, e = two_product(a, b, splitter(a.dtype))
    assert p == a * b
    assert exactly(p) + exactly(e) == exactly(a) * exactly(b)


def check_affine(w: Any, x: Any, b: Any, width: int) -> None:
    value, exact = affine(w, x, b, splitter(w.dtype)), exactly(w) * exactly(x) + exactly(b)
    assert value.dtype == TYPE[width]
    assert abs(exactly(value) - exact) <= 2 * EPS[width] * abs(exact)
    assert np.sign(value) == (exact > 0) - (exact < 0)


def check_determinant(a: Any, b: Any, c: Any, d: Any, width: int) -> None:
    value = determinant(a, b, c, d, splitter(a.dtype))
    exact = exactly(a) * exactly(b) - exactly(c) * exactly(d)
    assert value.dtype == TYPE[width]
    assert abs(exactly(value) - exact) <= 2 * EPS[width] * abs(exact)
    assert np.sign(value) == (exact > 0) - (exact < 0)


@given(reals(64), reals(64))
def test_sum_and_product_in_float64(a: Any, b: Any) -> None:
    check_sum(a, b)
    check_product(a, b)


@given(reals(32), reals(32))
def test_sum_and_product_in_float32(a: Any, b: Any) -> None:
    check_sum(a, b)
    check_product(a, b)


@given(reals(64), reals(64), reals(64))
def test_affine_in_float64(w: Any, x: Any, b: Any) -> None:
    check_affine(w, x, b, 64)


@given(reals(32), reals(32), reals(32))
def test_affine_in_float32(w: Any, x: Any, b: Any) -> None:
    check_affine(w, x, b, 32)


@pytest.mark.parametrize("width", [64, 32])
@given(data=st.data())
def test_affine_that_cancels(data: Any, width: int) -> None:
    # b is the rounded product, or a few floats from it: nothing but the product's error is left.
    w, x = data.draw(close(width)), data.draw(close(width))
    b, steps = -(w * x), data.draw(st.integers(-3, 3))
    for _ in range(abs(steps)):
        b = np.nextafter(b, TYPE[width](np.copysign(np.inf, steps)))
    check_affine(w, x, b, width)


@pytest.mark.parametrize("width", [64, 32])
@given(data=st.data())
def test_determinant_that_cancels(data: Any, width: int) -> None:
    # d is the float nearest to a b/c, or a few from it.
    a, b, c = (data.draw(close(width)) for _ in range(3))
    d, steps = a * b / c, data.draw(st.integers(-3, 3))
    for _ in range(abs(steps)):
        d = np.nextafter(d, TYPE[width](np.copysign(np.inf, steps)))
    check_determinant(a, b, c, d, width)


@given(reals(64), reals(64), reals(64), reals(64))
def test_determinant_in_float64(a: Any, b: Any, c: Any, d: Any) -> None:
    check_determinant(a, b, c, d, 64)


@given(reals(32), reals(32), reals(32), reals(32))
def test_determinant_in_float32(a: Any, b: Any, c: Any, d: Any) -> None:
    check_determinant(a, b, c, d, 32)


@pytest.mark.parametrize("width", [64, 32])
def test_many_cancelling_cases_at_once(width: int) -> None:
    # Arrays, not scalars, and far more cases than hypothesis tries.
    dtype, rng = TYPE[width], np.random.default_rng(5)
    w, x, c = (rng.uniform(1, 2, 20_000).astype(dtype) for _ in range(3))
    split = splitter(dtype(0).dtype)
    b = -(w * x)
    for value, other in ((affine(w, x, b, split), -b), (determinant(w, x, c, w * x / c, split), None)):
        assert value.dtype == dtype
        worst = Fraction(0)
        for i in range(w.size):
            second = exactly(other[i]) if other is not None else exactly(c[i]) * exactly((w * x / c)[i])
            exact = exactly(w[i]) * exactly(x[i]) - second
            error = abs(exactly(value[i]) - exact)
            assert exact != 0 or error == 0
            worst = max(worst, error / abs(exact) if exact else Fraction(0))
        print(f"float{width}: largest relative error {float(worst / EPS[width]):.3f} eps")
        assert worst <= 2 * EPS[width]


def test_the_plain_expression_would_fail() -> None:
    rng = np.random.default_rng(6)
    w, x = rng.uniform(1, 2, 100), rng.uniform(1, 2, 100)
    b = -(w * x)
    assert np.all(w * x + b == 0)
    assert np.count_nonzero(affine(w, x, b, splitter(w.dtype))) > 90


@pytest.mark.parametrize(
    ("dtype", "constant"),
    [(np.float32, 2**12 + 1), (np.float64, 2**27 + 1), ("float32", 2**12 + 1), ("float64", 2**27 + 1)],
)
def test_the_splitter_is_veltkamps(dtype: Any, constant: int) -> None:
    assert splitter(dtype) == constant
    assert splitter(np.zeros(1, dtype).dtype) == constant


@given(st.lists(reals(64), min_size=2, max_size=6), st.lists(st.integers(0, 5), max_size=4))
def test_distilled_keeps_the_sum_and_leaves_little_beside_it(terms: list[Any], again: list[int]) -> None:
    # Some of them once more with the other sign, so that they cancel.
    terms = [*terms, *(-terms[i % len(terms)] for i in again)]
    *rest, last = distilled(terms)
    total = sum(map(exactly, terms), Fraction(0))
    assert sum(map(exactly, rest), exactly(last)) == total
    left = sum((abs(exactly(term)) for term in rest), Fraction(0))
    assert left <= EPS[64] * abs(exactly(last))
    if last != 0.0:
        assert (exactly(last) > 0) == (total > 0)
