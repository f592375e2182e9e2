"""Starts and problems of every kind, and a comparison of whole ensembles."""

from __future__ import annotations

import numpy as np

from gradflow.flow.ensemble import Ensemble
from tests.flow.ensemble.cases import Batch, batch

SLOPES = {"relu": (0.0, 1.0), "leaky": (0.1, 1.0), "other": (-0.2, 0.8)}


def starts(n: int, seed: int, slopes: tuple[float, float], *, default: bool) -> Batch:
    """Return random starts, of which the first twelve are flat, on a wall, dead, huge, tiny or NaN."""
    cases = batch(n, seed, slopes, default=default)
    theta = cases.theta
    theta[:2, 0] = 0.0
    theta[1, 1:4] = theta[0, 1:4] * np.array([1.0, -1.0, 0.0])
    theta[:2, 4] = (1.0, -5.0)
    theta[:, 5] = np.nan
    theta[2, 6] = 1e200
    theta[:2, 7] = (1e-200, 0.0)
    theta[:, 8] *= 1e100
    theta[:, 9] = (1.0, 0.0, 1.0, 0.0)
    theta[:, 10] = (-0.0055, -0.0045, -2.0, -3.0)
    theta[:, 11] = (0.0055, -0.0045, -2.0, -3.0)
    return cases


def assert_same(run: Ensemble, expected: Ensemble) -> None:
    """Compare all fields to the bit, but for signs of zeros.

    The closed form of a fading neuron calls exp, expm1 and log, in which libraries differ by rounding.
    """
    for name, a, b in zip(run._fields, run, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), name
        close = np.isclose(a, b, rtol=1e-13, atol=0.0, equal_nan=True)
        assert np.all(close), (name, np.flatnonzero(~close.reshape(-1, close.shape[-1]).all(axis=0)))
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        assert np.sum(~same) <= 0.03 * same.size, name
