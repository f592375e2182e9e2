"""The built-in data sets have the correlation, the angles and the labels that their docstrings state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.networks.two_layer.data import (
    Dataset,
    centred,
    cone,
    digits_data,
    equiangular,
    garments_data,
    toy_plane,
    two_points,
)


def products(data: Dataset) -> np.ndarray:
    unit = data.signed / np.linalg.norm(data.inputs, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)


@given(n=st.integers(1, 12), mu=st.floats(0.0, 0.99), share=st.floats(0.0, 1.0))
def test_equiangular_pairs_all_have_the_same_product(n: int, mu: float, share: float) -> None:
    data = equiangular(n, mu, positives=round(share * n))
    found = products(data)
    np.testing.assert_allclose(found[~np.eye(n, dtype=bool)], mu, atol=1e-15)
    np.testing.assert_allclose(np.diag(found), 1.0, rtol=1e-15)
    assert np.sum(data.labels > 0) == round(share * n)


@given(n=st.integers(2, 30), mu=st.floats(0.0, 0.95), dimension=st.integers(2, 40), seed=st.integers(0, 99))
def test_the_least_product_of_a_cone_is_mu(n: int, mu: float, dimension: int, seed: int) -> None:
    sides = np.random.default_rng(seed).normal(size=(n, dimension - 1))
    sides /= np.linalg.norm(sides, axis=1, keepdims=True)
    if np.min(sides @ sides.T) > mu:
        with pytest.raises(ValueError, match="reach"):
            cone(n, mu, dimension, seed)
        return
    found = products(cone(n, mu, dimension, seed))
    assert np.min(found) == pytest.approx(mu, abs=1e-14)


@given(seed=st.integers(0, 999), n=st.integers(2, 20))
def test_the_toy_plane_keeps_the_papers_angles(seed: int, n: int) -> None:
    data = toy_plane(n, seed)
    angles = np.degrees(np.arctan2(data.inputs[:, 1], data.inputs[:, 0]))
    positive = data.labels > 0
    assert np.sum(positive) in (n // 2, n - n // 2)
    assert np.all(np.abs(angles[positive]) <= 15.0)
    assert np.all((angles[~positive] >= 133.0) & (angles[~positive] <= 157.0))
    assert np.min(products(data)) > 0.0


@pytest.mark.parametrize("delta", [0.1, 1e-3, 0.0])
def test_two_points_have_mu_sin_delta(delta: float) -> None:
    assert products(two_points(delta))[0, 1] == pytest.approx(np.sin(delta), abs=1e-16)


def test_images_are_centred_and_labelled() -> None:
    for data, n in ((digits_data(), 400), (garments_data("t-shirt", "shirt"), 300), (digits_data(50), 50)):
        assert data.inputs.shape == (n, 784)
        assert data.is_binary
        np.testing.assert_allclose(np.mean(data.inputs, axis=0), 0.0, atol=1e-14)
    assert np.sum(garments_data("trouser", "shirt").labels) == 0.0


def test_a_centred_set_has_mean_zero() -> None:
    inputs = np.random.default_rng(0).normal(3.0, 1.0, (7, 3))
    np.testing.assert_allclose(np.sum(centred(inputs), axis=0), 0.0, atol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: equiangular(0, 0.5), "n: expected an integer >= 1, got 0"),
        (lambda: equiangular(3, 1.0), r"mu: expected a number in \[0, 1\), got 1.0"),
        (lambda: equiangular(3, float("nan")), "mu: expected a finite number, got nan"),
        (lambda: equiangular(3, 0.5, positives=4), "positives: expected an integer from 0 to 3, got 4"),
        (lambda: cone(5, 1.5, 3), r"mu: expected a number in \(-1, 1\), got 1.5"),
        (lambda: cone(2, -0.999, 3), "mu: 2 points drawn in 3 dimensions reach"),
        (lambda: two_points(float("inf")), "delta: expected a finite number"),
        (lambda: digits_data(401), "n: the file holds 400 images, got 401"),
        (lambda: garments_data("hat", "shirt"), "expected two different ones of t-shirt, trouser, shirt"),
        (lambda: garments_data("shirt", "shirt"), "expected two different ones of t-shirt, trouser, shirt"),
        (
            lambda: Dataset(np.zeros((2, 2)), np.ones(2)),
            "inputs: expected no zero vector, got one in row 0; there are no biases",
        ),
        (
            lambda: Dataset(np.array([[-1.0], [0.0], [1.0]]), np.ones(3)),
            "no zero vector, got one in row 1; .* append a bias column of ones to the inputs$",
        ),
        (
            lambda: Dataset(np.ma.masked_array(np.eye(2), np.eye(2) == 1.0), np.ones(2)),
            "inputs: expected numbers without masked entries, got a masked array",
        ),
        (lambda: Dataset(np.ones((2, 2)), np.ones((2, 1))), r"labels: expected shape \(2,\)"),
        (lambda: Dataset(np.ones((2, 2), dtype=complex), np.ones(2)), "inputs: expected real numbers"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_what_is_not_an_integer_is_refused() -> None:
    for value in (2.0, True, "3"):
        with pytest.raises(TypeError, match="n: expected an integer"):
            equiangular(value, 0.5)  # type: ignore[arg-type]
