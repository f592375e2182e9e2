"""Loss and gradient of networks use the array standard only: its strict implementation gives NumPy's bits.

CuPy's arrays are NumPy's in this respect; no GPU was at hand.
"""

from __future__ import annotations

from typing import Any

import array_api_strict as strict
import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line

DEVICES = [strict.Device("CPU_DEVICE"), strict.Device("device1")]
STEPS: Any = gf.Steps([-1.0, -0.3, 0.2, 1.5], [1.0, 0.0, 3.0])
PROBLEMS = {
    "abs": gf.Problem(target="abs"),
    "a jump": gf.Problem(target="step", law=gf.Uniform(-1.0, 2.0)),
    "a teacher": gf.Problem(gf.Neuron(1.0, 0.2, 0.7, 0.1)),
    "a network on steps": gf.Problem(target=line.start("kernel", 3, 1), law=STEPS, activation=(0.1, 1.0)),
    "normal": gf.Problem(target="hat", law=gf.Normal(0.1, 0.6)),
}


def some_rows(dtype: str) -> np.ndarray:
    """Return networks with neurons that are dead, flat, tiny and alike, and breakpoints on knots and ends."""
    rows = np.random.default_rng(2).normal(size=(22, 3, 2))
    rows[0, 0], rows[:7, 1, 1], rows[8, 1, 0] = 0.0, 0.0, rows[1, 1, 0]
    rows[2], rows[9], rows[3], rows[10] = 1e-30, 1e-31, rows[4], rows[11]
    return rows.astype(dtype)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_the_strict_one_returns_numpys_bits(name: str, dtype: str, device: Any) -> None:
    problem, rows = PROBLEMS[name], some_rows(dtype)
    there = strict.asarray(rows.tolist(), dtype=getattr(strict, dtype), device=device)
    found = [
        line.loss(there, problem),
        line.gradient(there, problem),
        *gf.networks.line.loss_and_gradient(there, problem),
    ]
    known = [line.loss(rows, problem), line.gradient(rows, problem), *line.loss_and_gradient(rows, problem)]
    for mine, its in zip(found, known, strict=True):
        assert mine.device == device
        back = np.asarray(mine if device == DEVICES[0] else mine.to_device(DEVICES[0]))
        assert back.dtype == its.dtype == dtype
        # The standard says nothing of the order of sums over nodes.
        assert np.array_equal(back, its) or (
            name == "normal" and np.allclose(back, its, rtol=1e-5, atol=1e-6)
        )


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_single_precision_is_as_good_as_its_numbers(name: str) -> None:
    rows = some_rows("float32")
    loss, gradient = line.loss_and_gradient(rows, PROBLEMS[name])
    exact, slope = line.loss_and_gradient(rows.astype(np.float64), PROBLEMS[name])
    assert loss.dtype == gradient.dtype == np.float32
    assert np.max(np.abs(loss - exact)) <= 1e-5
    assert np.max(np.abs(gradient - slope)) <= 1e-5
    assert np.any(gradient != slope)


def test_what_has_no_closed_form_says_so() -> None:
    rows = some_rows("float32")
    assert line.loss(rows, gf.Problem(target="sine")).dtype == np.float64
    with pytest.raises(
        TypeError, match="network: sums over samples and nodes take arrays of NumPy's, got one"
    ):
        line.loss(strict.asarray(rows.tolist()), gf.Problem(target="sine"))
    for wrong, told in (
        (strict.ones((5, 2)), "3m \\+ 1 parameters"),
        (strict.full((4,), strict.nan), "finite"),
    ):
        with pytest.raises(ValueError, match=f"network: .*{told}"):
            line.gradient(wrong, PROBLEMS["abs"])
