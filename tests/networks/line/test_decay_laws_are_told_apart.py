"""A record's decay is called exponential or cubic where it is, and neither where it shows neither."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.networks.line.decay import LAWS, decay_law


def record(time: np.ndarray, loss: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"loss": ("time", loss)}, {"time": time})


TIME = np.concatenate([[0.0], np.geomspace(0.01, 200.0, 300)])


@pytest.mark.parametrize(
    ("loss", "law", "power"),
    [
        (np.exp(-0.3 * TIME), "exponential", None),
        (np.exp(-0.05 * TIME) * (1.0 + 0.5 * np.exp(-TIME)), "exponential", 10.0),
        ((1.0 + TIME) ** -3, "cubic", 3.0),
        ((3.0 + TIME) ** -3 * (1.0 + 0.1 * np.log1p(TIME) / (1.0 + TIME)), "cubic", 3.0),
        ((1.0 + TIME) ** -1, "neither", 1.0),
        ((1.0 + TIME) ** -4, "neither", 4.0),
        ((1.0 + TIME) ** -6, "neither", 6.0),
        (0.02 + 0.1 * np.exp(-TIME), "neither", 0.0),
        (np.exp(-np.sqrt(TIME)), "neither", None),
    ],
)
def test_known_curves(loss: np.ndarray, law: str, power: float | None) -> None:
    found = decay_law(record(TIME, loss))
    assert found.law == law in LAWS
    assert 0.5 <= found.confidence <= 1.0
    if power is not None:
        assert found.power == pytest.approx(power, rel=0.05, abs=0.01)


def test_the_rate_and_the_floor() -> None:
    loss = np.maximum(np.exp(-1.5 * TIME), 1e-33)
    found = decay_law(record(TIME, loss))
    assert found.law == "exponential"
    assert found.rate == pytest.approx(1.5, rel=1e-9)
    assert found.window[1] < 60.0
    above = decay_law(record(TIME, 0.25 + np.exp(-0.1 * TIME)), limit=0.25)
    assert above.rate == pytest.approx(0.1, rel=1e-6)


def test_flows_of_one_and_of_two() -> None:
    one = gf.gradient_flow(gf.Network([1.0], [0.2], [0.6], 0.1), t_end=80.0, rtol=1e-8)
    assert decay_law(one).law == "exponential"
    two = gf.gradient_flow(gf.Network([1.0, 1.0], [0.05, -0.05], [0.5, 0.5]), t_end=200.0, rtol=1e-8)
    found = decay_law(two)
    assert found.law == "cubic"
    assert found.confidence > 0.999


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (3.0, TypeError, "run: expected the dataset"),
        (record(np.arange(4.0), np.exp(-np.arange(4.0))), ValueError, "run: expected at least 16 records"),
        (record(np.arange(20.0), np.zeros(20)), ValueError, "run: expected at least 16 records"),
        (xr.Dataset({"loss": (("step", "n"), np.ones((20, 2)))}), ValueError, "run: expected one network"),
    ],
)
def test_others_are_refused(run: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=f"^{words}"):
        decay_law(run)  # type: ignore[arg-type]
