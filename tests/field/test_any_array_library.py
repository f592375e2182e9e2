"""The array API standard is all the field uses: its strict implementation gives NumPy's bits.

array-api-strict has a second device from which nothing can be copied by accident, so the tests on it
also show that every array stays where its neuron is.
"""

from __future__ import annotations

from typing import Any

import array_api_strict as strict
import numpy as np
import pytest

from gradflow.field import gradient, hessian, loss, loss_and_gradient
from gradflow.neuron import activity as act
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid

DEVICES = [strict.Device("CPU_DEVICE"), strict.Device("device1")]
RNG = np.random.default_rng(11)
THETA = RNG.normal(size=(4, 5, 3))
THETA[:2, 0] = 0.0
THETA[0, 1] = 0.0
THETA[1, 2] = -THETA[0, 2]
TEACHER, LO, HI = RNG.normal(size=(4, 3)), RNG.uniform(-2, 0, (5, 1)), RNG.uniform(0.5, 3, (5, 1))
X, WEIGHTS = RNG.normal(size=200), RNG.uniform(0, 1, 200)


def moved(values: Any, dtype: str, device: Any) -> Any:
    return strict.asarray(
        np.asarray(values, dtype=dtype).tolist(), dtype=getattr(strict, dtype), device=device
    )


def back(array: Any) -> Any:
    cpu = strict.Device("CPU_DEVICE")
    return np.asarray(array if array.device == cpu else array.to_device(cpu))


def assert_same(result: Any, expected: Any, device: Any) -> None:
    assert result.device == device
    there = back(result)
    assert there.dtype == expected.dtype
    assert there.shape == expected.shape
    assert there.tobytes() == np.ascontiguousarray(expected).tobytes()


def fields(neuron: Any, problem: Problem) -> list[Any]:
    return [
        loss(neuron, problem),
        *loss_and_gradient(neuron, problem),
        gradient(neuron, problem),
        hessian(neuron, problem),
    ]


def problem_named(name: str, put: Any) -> Problem:
    """Return a problem whose arrays are made by `put`."""
    teacher = Neuron(*(put(t) for t in TEACHER)) if "teachers" in name else Neuron()
    if "sample" in name:
        return Problem(teacher, Sample(put(X), weights=put(WEIGHTS) if "weighted" in name else None))
    if "interval" in name:
        return Problem(teacher, Uniform(put(LO), 4.0 if "half" in name else put(HI)))
    return Problem(
        put(TEACHER) if "stacked" in name else teacher,
        activation=(0.01, 1.0) if "leaky" in name else (0.0, 1.0),
    )


NAMES = [
    "default",
    "leaky",
    "teachers",
    "stacked teachers",
    "intervals",
    "half given intervals",
    "sample",
    "weighted sample",
    "weighted sample and teachers",
]


@pytest.mark.parametrize("device", DEVICES, ids=["cpu", "device1"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_the_field_equals_numpys_to_the_bit(name: str, dtype: str, device: Any) -> None:
    here = problem_named(name, lambda values: np.asarray(values, dtype=dtype))
    there = problem_named(name, lambda values: moved(values, dtype, device))
    expected = fields(THETA.astype(dtype), here)
    for result, value in zip(fields(moved(THETA, dtype, device), there), expected, strict=True):
        assert_same(result, value, device)


@pytest.mark.parametrize("device", DEVICES, ids=["cpu", "device1"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_grid_follows_the_neurons_library_dtype_and_device(dtype: str, device: Any) -> None:
    problem = Problem(inputs=grid(50))
    expected = fields(THETA.astype(dtype), problem)
    for result, value in zip(fields(moved(THETA, dtype, device), problem), expected, strict=True):
        assert_same(result, value, device)


@pytest.mark.parametrize("device", DEVICES, ids=["cpu", "device1"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sample_decides_the_library_when_the_neuron_is_four_numbers(dtype: str, device: Any) -> None:
    here = Problem(inputs=Sample(X.astype(dtype)))
    there = Problem(inputs=Sample(moved(X, dtype, device)))
    expected = fields(Neuron(1.5, 0.25, 0.5, 0.1), here)
    for result, value in zip(fields(Neuron(1.5, 0.25, 0.5, 0.1), there), expected, strict=True):
        assert value.dtype == dtype
        assert_same(result, value, device)


@pytest.mark.parametrize("device", DEVICES, ids=["cpu", "device1"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["activity", "end_preactivations", "wall_distances", "breakpoint_position"])
def test_activity_functions_equal_numpys_to_the_bit(name: str, dtype: str, device: Any) -> None:
    function: Any = getattr(act, name)
    here, there = THETA.astype(dtype), moved(THETA, dtype, device)
    expected, result = function(here), function(there)
    pairs = (
        [(result, expected)]
        if name in ("activity", "breakpoint_position")
        else zip(result, expected, strict=True)
    )
    for one, value in pairs:
        assert value.dtype == ("int8" if name == "activity" else dtype)
        assert_same(one, value, device)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("device", DEVICES, ids=["cpu", "device1"])
def test_fields_of_a_neuron_may_mix_arrays_and_numbers(dtype: str, device: Any) -> None:
    expected = fields(Neuron(THETA[0].astype(dtype), 0.5, 1, -0.25), Problem())
    results = fields(Neuron(moved(THETA[0], dtype, device), 0.5, 1, -0.25), Problem())
    for result, value in zip(results, expected, strict=True):
        assert_same(result, value, device)


def test_two_libraries_at_once_are_refused() -> None:
    with pytest.raises(TypeError):
        loss(Neuron(np.ones(3), strict.asarray([1.0, 1.0, 1.0]), 1.0, 0.0))
