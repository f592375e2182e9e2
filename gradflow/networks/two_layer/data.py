"""Data sets with labels, and the built-in ones: points in the plane, sets of given correlation, digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflow.base.checks import in_interval, integer, number
from gradflow.data import GARMENTS, digits, garments


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs x_i and labels y_i.

    Parameters
    ----------
    inputs : array, shape (n, D)
        The x_i, finite; n ≥ 1 and D ≥ 1. float32 stays float32, everything else becomes float64.
    labels : array, shape (n,)
        The y_i, finite; ±1 for the exponential and the logistic loss, any number for the squared loss.
    name : str
        What a figure's title calls the set.

    Raises
    ------
    ValueError
        If a shape or a value is not as described, or an input is the zero vector (it never moves anything).
    """

    inputs: np.ndarray
    labels: np.ndarray
    name: str = "data"

    def __post_init__(self) -> None:
        for name in ("inputs", "labels"):
            if np.ma.is_masked(getattr(self, name)):
                raise ValueError(f"{name}: expected numbers without masked entries, got a masked array")
        x, y = np.asarray(self.inputs), np.asarray(self.labels)
        for name, value in (("inputs", x), ("labels", y)):
            if not (np.issubdtype(value.dtype, np.floating) or np.issubdtype(value.dtype, np.integer)):
                raise ValueError(f"{name}: expected real numbers, got dtype {value.dtype}")
        if x.ndim != 2 or 0 in x.shape:
            raise ValueError(f"inputs: expected shape (n, D) with n, D >= 1, got {x.shape}")
        if y.shape != x.shape[:1]:
            raise ValueError(f"labels: expected shape {x.shape[:1]}, one for each input, got {y.shape}")
        dtype = np.float32 if x.dtype == np.float32 else np.float64
        x, y = x.astype(dtype), y.astype(dtype)
        for name, value in (("inputs", x), ("labels", y)):
            if not np.all(np.isfinite(value)):
                where = np.argwhere(~np.isfinite(value))[0].tolist()
                raise ValueError(f"{name}: expected finite numbers, got {value[tuple(where)]} at {where}")
        zero = np.flatnonzero(~np.any(x != 0.0, axis=1))
        if zero.size:
            raise ValueError(
                f"inputs: expected no zero vector, got one in row {zero[0]}; there are no biases: append a "
                "bias column of ones to the inputs"
            )
        x.flags.writeable = y.flags.writeable = False
        object.__setattr__(self, "inputs", x)
        object.__setattr__(self, "labels", y)

    @property
    def n(self) -> int:
        """The number of inputs."""
        return int(self.inputs.shape[0])

    @property
    def dimension(self) -> int:
        """D, the dimension of an input."""
        return int(self.inputs.shape[1])

    @property
    def is_binary(self) -> bool:
        """Whether all labels are ±1."""
        return bool(np.all(np.abs(self.labels) == 1.0))

    @property
    def signed(self) -> np.ndarray:
        """z_i = y_i x_i, shape (n, D): under Assumption 1 all in one narrow cone."""
        return np.asarray(self.labels[:, None] * self.inputs)

    def total(self, label: int) -> np.ndarray:
        """Return x₊ (label 1) or x₋ (label −1): the sum of the inputs of that sign of label, shape (D,)."""
        return np.asarray(np.sum(self.inputs[np.sign(self.labels) == label], axis=0))


def check_binary(data: Dataset, why: str, name: str = "labels", hint: str = "") -> None:
    """Raise a one-line ValueError that begins with `name` unless all labels are ±1."""
    if not data.is_binary:
        wrong = data.labels[np.abs(data.labels) != 1.0][0]
        raise ValueError(f"{name}: {why} needs labels of -1 and 1, got {wrong:g}{hint}")


def in_plane(positive: Any, negative: Any, name: str = "points of the unit circle") -> Dataset:
    """Return points of the unit circle at the given angles in degrees, positives first.

    Raises
    ------
    ValueError
        If there is no angle at all.
    """
    angles = np.radians(np.concatenate([np.ravel(positive), np.ravel(negative)]).astype(float))
    labels = np.concatenate([np.ones(np.size(positive)), -np.ones(np.size(negative))])
    return Dataset(np.stack([np.cos(angles), np.sin(angles)], axis=1), labels, name)


def toy_plane(n: int = 10, seed: int = 0, positives: int | None = None) -> Dataset:
    """Return n points on the unit circle as in the paper's Figures 1 and 6.

    Positive points at angles within ±15° of 0, negative ones at 133° to 157°. The paper gives the ranges, not
    the angles and not their numbers: the angles are drawn uniformly.

    Parameters
    ----------
    n : int
        ≥ 2.
    seed : int
    positives : int, optional
        How many are positive; by default half, rounded up.

    Raises
    ------
    ValueError
        If a number is not allowed.
    """
    n = integer("n", n, 2)
    positives = n - n // 2 if positives is None else integer("positives", positives, 0, n)
    rng = np.random.default_rng(integer("seed", seed, 0))
    positive, negative = rng.uniform(-15.0, 15.0, positives), rng.uniform(133.0, 157.0, n - positives)
    return in_plane(positive, negative, "toy plane")


def two_points(delta: float) -> Dataset:
    """Return x₁ = (1, 0) and x₂ = (sin δ, cos δ), both positive: μ = sin δ (the paper's Figures 7 to 9)."""
    delta = number("delta", delta)
    return Dataset(
        np.array([[1.0, 0.0], [math.sin(delta), math.cos(delta)]]), np.ones(2), f"two points, δ = {delta:g}"
    )


def equiangular(n: int, mu: float, positives: int | None = None) -> Dataset:
    """Return n unit vectors with ⟨y_i x_i, y_j x_j⟩ = μ for every pair; D = n + 1 (n if μ = 0).

    y_i x_i = √μ e₀ + √(1 − μ) e_i.

    Parameters
    ----------
    n : int
        ≥ 1.
    mu : float
        In [0, 1).
    positives : int, optional
        How many of the labels are +1 (the first ones); by default half, rounded up.

    Raises
    ------
    ValueError
        If an argument is not allowed.
    """
    n, mu = integer("n", n, 1), in_interval("mu", mu, "[0, 1)")
    positives = n - n // 2 if positives is None else integer("positives", positives, 0, n)
    signed = math.sqrt(1.0 - mu) * np.eye(n)
    if mu > 0.0:
        signed = np.concatenate([np.full((n, 1), math.sqrt(mu)), signed], axis=1)
    labels = np.where(np.arange(n) < positives, 1.0, -1.0)
    return Dataset(labels[:, None] * signed, labels, f"{n} equiangular points, μ = {mu:g}")


def cone(n: int, mu: float, dimension: int, seed: int = 0) -> Dataset:
    """Return n random unit vectors with min ⟨y_i x_i, y_j x_j⟩ = μ exactly (to rounding); labels alternate.

    y_i x_i = cos φ e₀ + sin φ s_i with s_i uniform on the sphere of the other D − 1 directions, and φ such
    that the smallest product is μ.

    Raises
    ------
    ValueError
        If an argument is not allowed, or no two of the s_i differ (n = 1, or D = 1).
    """
    n, dimension = integer("n", n, 2), integer("dimension", dimension, 2)
    mu = in_interval("mu", mu, "(-1, 1)")
    sides = np.random.default_rng(integer("seed", seed, 0)).normal(size=(n, dimension - 1))
    sides /= np.linalg.norm(sides, axis=1, keepdims=True)
    lowest = float(np.min(sides @ sides.T))
    if lowest >= 1.0 or (1.0 - mu) / (1.0 - lowest) > 1.0:
        raise ValueError(
            f"mu: {n} points drawn in {dimension} dimensions reach {max(lowest, -1):g} at least, got {mu}"
        )
    # cos²φ + sin²φ · lowest = μ.
    sine = math.sqrt((1.0 - mu) / (1.0 - lowest))
    signed = np.concatenate([np.full((n, 1), math.sqrt(1.0 - sine * sine)), sine * sides], axis=1)
    labels = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    return Dataset(
        labels[:, None] * signed, labels, f"{n} points of a cone in {dimension} dimensions, μ = {mu:g}"
    )


def centred(inputs: np.ndarray) -> np.ndarray:
    """Return the inputs minus their mean, as the paper does with images."""
    return np.asarray(inputs - np.mean(inputs, axis=0))


def digits_data(n: int | None = None, path: Any = None) -> Dataset:
    """Return MNIST's zeros (label −1) and ones (label 1), each image minus the mean image.

    Parameters
    ----------
    n : int, optional
        How many images: the first n of the file, n ≥ 2; by default all. The mean is that of these n.
    path : path, optional
        As `gradflow.data.digits`; by default the 400 images that come with the package.

    Raises
    ------
    ValueError, OSError
        As `gradflow.data.digits`, and if the file holds fewer than n images.
    """
    images, labels = digits(path)
    n = labels.size if n is None else integer("n", n, 2)
    if n > labels.size:
        raise ValueError(f"n: the file holds {labels.size} images, got {n}")
    return Dataset(centred(images[:n]), 2.0 * labels[:n] - 1.0, f"{n} MNIST zeros and ones")


def garments_data(negative: str, positive: str) -> Dataset:
    """Return two classes of Fashion-MNIST that come with the package, centred like `digits_data`.

    Parameters
    ----------
    negative, positive : str
        Names from `gradflow.data.GARMENTS`, for the labels −1 and 1.

    Raises
    ------
    ValueError
        If there are no two such classes.
    """
    if negative == positive or not {negative, positive} <= set(GARMENTS):
        known = ", ".join(GARMENTS)
        raise ValueError(
            f"garments: expected two different ones of {known}, got {negative!r} and {positive!r}"
        )
    images, classes = garments()
    chosen = np.isin(classes, (GARMENTS[negative], GARMENTS[positive]))
    labels = np.where(classes[chosen] == GARMENTS[positive], 1.0, -1.0)
    return Dataset(centred(images[chosen]), labels, f"{negative} against {positive}")
