"""A call on a sorted sample does the same work for a hundred thousand inputs as for a hundred."""

from __future__ import annotations

import tracemalloc
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest

from gradflow.field import evaluator
from gradflow.neuron.problem import Neuron, Problem, Sample

THETA = np.random.default_rng(1).normal(size=(4, 5, 3))


def problem(n: int) -> Problem:
    rng = np.random.default_rng(2)
    return Problem(inputs=Sample(rng.uniform(-1, 1, n), targets=rng.normal(size=n)))


@pytest.mark.parametrize("quantity", ["loss", "gradient", "loss_and_gradient", "hessian"])
def test_in_memory(quantity: str) -> None:
    peaks = []
    for n in (100, 100_000):
        call = getattr(evaluator(problem(n), THETA, sorted_from=1), quantity)
        call(THETA)
        tracemalloc.start()
        call(THETA)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert abs(peaks[1] - peaks[0]) < 4096
    assert peaks[1] < 8 * 100_000


@pytest.mark.parametrize("quantity", ["loss", "gradient", "loss_and_gradient", "hessian"])
def test_in_operations(quantity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every array that array-api-strict makes passes through `_new`; none has an axis over the inputs.
    cls: Any = type(strict.asarray(0.0))
    made: list[tuple[int, ...]] = []
    original = cls._new.__func__

    def counted(kind: Any, x: Any, /, device: Any) -> Any:
        made.append(tuple(x.shape))
        return original(kind, x, device)

    theta = strict.asarray(THETA.tolist())
    counts = []
    for n in (100, 3000):
        rng = np.random.default_rng(2)
        x, y = (strict.asarray(rng.uniform(-1, 1, n).tolist()) for _ in range(2))
        call = getattr(evaluator(Problem(inputs=Sample(x, targets=y)), theta, sorted_from=1), quantity)
        with monkeypatch.context() as patch:
            patch.setattr(cls, "_new", classmethod(counted))
            made.clear()
            call(theta)
        assert made
        assert max(int(np.prod(shape)) for shape in made) < n * 15
        assert all(n not in shape for shape in made)
        counts.append(len(made))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("device", ["CPU_DEVICE", "device1"])
def test_the_strict_array_api_gives_numpys_bits(dtype: str, device: str) -> None:
    rng = np.random.default_rng(3)
    x, weights, targets = rng.normal(size=300).round(1), rng.uniform(size=300), rng.normal(size=300)
    weights[:20] = 0.0
    theta = np.concatenate([THETA, np.zeros((4, 1, 3))], axis=1)
    theta[0, 0], theta[1, 1] = 0.0, -theta[0, 1] * x[0]
    place = strict.Device(device)

    def put(values: Any) -> Any:
        values = np.asarray(values, dtype=dtype)
        return strict.asarray(values.tolist(), dtype=getattr(strict, dtype), device=place)

    teachers = rng.normal(size=(4, 6, 1))
    for teacher, given in (((1.0, 0.0, 1.0, 0.0), targets), ((0.5, 0.1, 1.0, 0.0), None), (teachers, None)):
        here = [np.asarray(v, dtype=dtype) for v in teacher] if given is None else teacher
        there = [put(v) for v in teacher] if given is None else teacher
        arrays = {"x": x, "weights": weights, **({} if given is None else {"targets": given})}
        cast: dict[str, Any] = {name: np.asarray(values, dtype=dtype) for name, values in arrays.items()}
        sample, other = Sample(**cast), Sample(**{name: put(values) for name, values in cast.items()})
        expected = evaluator(Problem(Neuron(*here), sample), theta.astype(dtype), sorted_from=1)
        result = evaluator(Problem(Neuron(*there), other), put(theta), sorted_from=1)
        for quantity in ("loss", "gradient", "hessian"):
            one = getattr(expected, quantity)(theta.astype(dtype))
            two = getattr(result, quantity)(put(theta))
            assert two.device == place
            two = np.asarray(two.to_device(strict.Device("CPU_DEVICE")))
            assert two.dtype == one.dtype == dtype
            np.testing.assert_array_equal(two, one)
