"""The margins of either label's data, and the limit of the stable rank that they give (derivation 25).

Let z_i = y_i x_i. A label's margin is the largest value of min z_i·d over unit vectors d, the distance of 0
from the convex hull of its z_i; the network of that label tends to the direction d that has it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from gradflow.base.checks import shown
from gradflow.networks.two_layer.data import Dataset, check_binary
from gradflow.networks.two_layer.geometry import separation, units


class Margin(NamedTuple):
    """The margin γ > 0 of the data of a label, and the unit vector d that has it."""

    size: float
    direction: np.ndarray


def margin(data: Dataset, label: int) -> Margin:
    """Return the margin of the data of a label, for hyperplanes through 0.

    The point of the convex hull of the z_i that is next to 0 is a problem of non-negative least squares,
    solved by Lawson and Hanson's active sets to rounding.

    Parameters
    ----------
    data : Dataset
        Labels ±1.
    label : int
        1 or −1.

    Raises
    ------
    ValueError
        If there are no data of the label, or no hyperplane through 0 has them all on one side.

    Examples
    --------
    >>> from gradflow.networks.two_layer.data import two_points
    >>> round(margin(two_points(0.1), 1).size, 4)
    0.7416
    """
    check_binary(data, "the margin")
    if label not in (1, -1):
        raise ValueError(f"label: expected 1 or -1, got {shown(label)}")
    z = data.signed.astype(np.float64)[data.labels == label]
    if z.size == 0:
        raise ValueError(f"label: expected one that data have, got {label}")
    # Squares of extreme data leave the range of floats; a power of 2 costs no digits.
    power = math.frexp(float(np.max(np.abs(z))))[1]
    z = np.ldexp(z, -power)
    scale = float(np.linalg.norm(z, axis=1).max())
    # Where the weights' sum is s, |Σ λ z|² + (1 − s)² is least over s for the weights of the nearest point.
    weights = nnls(np.vstack([z.T / scale, np.ones(len(z))]), np.append(np.zeros(z.shape[1]), 1.0))[0]
    nearest = weights @ z / weights.sum()
    size = float(np.linalg.norm(nearest))
    if size <= 1e-12 * scale:
        raise ValueError(f"label: expected data on one side of a hyperplane through 0, got those of {label}")
    return Margin(math.ldexp(size, power), nearest / size)


def cross_cosine(data: Dataset) -> float:
    """Return μ×, the least cosine of z_i and z_k with y_i = 1 and y_k = −1; 1 if a label has no data."""
    check_binary(data, "the least cosine")
    z = units(data)
    cosines = z[data.labels == 1.0] @ z[data.labels == -1.0].T
    return float(np.clip(np.min(cosines, initial=1.0), -1.0, 1.0))


def rank_limit(data: Dataset) -> float:
    """Return the limit of ‖W‖_F²/‖W‖_2² if neither S₊ nor S₋ is empty after alignment; at most 2/(1 + μ×).

    1 if only one label has data. The limit is that of the flow, with the exponential or the logistic loss,
    from balanced neurons that are all in S_σ or S_dead at some time. It is approached like 1/ln t.

    Parameters
    ----------
    data : Dataset
        Labels ±1.

    Raises
    ------
    ValueError
        If Assumption 1 does not hold.
    """
    found = separation(data)
    if not found.holds:
        raise ValueError(
            f"data: expected all cosines of pairs of y_i x_i above 0, got {found.mu:.3g} for {found.pair}"
        )
    if np.unique(data.labels).size < 2:
        return 1.0
    plus, minus = (margin(data, label) for label in (1, -1))
    p, q, c = 1.0 / plus.size, 1.0 / minus.size, float(plus.direction @ minus.direction)
    power = math.frexp(max(p, q))[1]
    p, q = math.ldexp(p, -power), math.ldexp(q, -power)
    return 2.0 * (p + q) / (p + q + math.hypot(p - q, 2.0 * math.sqrt(p * q) * c))
