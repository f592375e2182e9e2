"""Every registered optimiser is pure, broadcasts, keeps the dtype and runs on any array library."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import array_api_strict
import numpy as np
import pytest

from gradflow.base.arrays import to_numpy
from gradflow.descent import OPTIMIZERS, init, optimizer, update

NAMES = list(OPTIMIZERS)
BATCHES: list[tuple[int, ...]] = [(), (0,), (1,), (5,), (3, 2), (2, 0)]


def descend(config: Any, theta: Any, gradients: Any, lr: Any = None) -> tuple[Any, Any]:
    """Return parameters and state after one update per gradient."""
    state = init(config, theta)
    for gradient in gradients:
        theta, state = update(config, gradient, state, theta, lr)
    return theta, state


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2.0, 2.0, shape)


def sequence(shape: tuple[int, ...], steps: int = 6) -> list[np.ndarray]:
    return [numbers(shape, seed) for seed in range(1, steps + 1)]


def hyper_parameters(name: str) -> list[str]:
    return [key for key, value in optimizer(name)._asdict().items() if not isinstance(value, bool)]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_changed_in_place(name: str) -> None:
    config = optimizer(name)
    theta, gradient = numbers((4, 3)), numbers((4, 3), 1)
    state = init(config, theta)
    for _ in range(2):
        kept = copy.deepcopy((theta, gradient, state))
        new, after = update(config, gradient, state, theta)
        for before, now in zip((kept[0], kept[1], *kept[2]), (theta, gradient, *state), strict=True):
            np.testing.assert_array_equal(before, now)
        assert not np.shares_memory(new, theta)
        theta, state = new, after


FLAGS = [(n, key) for n in NAMES for key, value in optimizer(n)._asdict().items() if value is False]


@pytest.mark.parametrize(("name", "key"), FLAGS)
def test_a_flag_keeps_shapes_dtypes_and_the_strict_array_api(name: str, key: str) -> None:
    strict = array_api_strict.asarray
    theta, gradients = numbers((4, 3)), sequence((4, 3))
    plain, _ = descend(optimizer(name, eps=1e-2, lr=0.1), theta, gradients)
    config = optimizer(name, **{"eps": 1e-2, "lr": 0.1, key: True})
    new, state = descend(config, theta, gradients)
    assert np.any(new != plain)
    other, _ = descend(config, strict(theta), [strict(g) for g in gradients])
    np.testing.assert_array_equal(to_numpy(other), new)
    small, state = descend(config, theta.astype("float32"), [g.astype("float32") for g in gradients])
    assert {array.dtype for array in (small, *state) if array.shape} == {np.dtype("float32")}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_call_gives_the_same_answer(name: str) -> None:
    theta, gradients = numbers((4, 3)), sequence((4, 3))
    first, second = (descend(optimizer(name), theta, gradients) for _ in range(2))
    for a, b in zip((first[0], *first[1]), (second[0], *second[1]), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "key"), [(n, key) for n in NAMES for key in hyper_parameters(n)])
def test_a_hyper_parameter_broadcasts_to_the_bit(name: str, key: str) -> None:
    values = np.geomspace(1e-4, 0.9, 7).reshape(7, 1)
    theta, gradients = numbers((4, 7, 5)), sequence((4, 7, 5))
    swept, _ = descend(optimizer(name, **{key: values}), theta, gradients)
    for i in range(7):
        config = optimizer(name, **{key: float(values[i, 0])})
        alone, _ = descend(config, theta[:, i, :], [g[:, i, :] for g in gradients])
        np.testing.assert_array_equal(swept[:, i, :], alone)
        one, _ = descend(config, theta[:, i, 3], [g[:, i, 3] for g in gradients])
        np.testing.assert_array_equal(swept[:, i, 3], one)


@pytest.mark.parametrize("hyper", ["default", "number", "scalar", "array"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_the_dtype_is_kept(name: str, dtype: str, hyper: str) -> None:
    lr = {"number": 0.1, "scalar": np.float64(0.1), "array": np.asarray([0.1, 0.2, 0.3])}.get(hyper, 0.01)
    config = optimizer(name) if hyper == "default" else optimizer(name, lr=lr)
    theta = numbers((4, 3)).astype(dtype)
    new, state = descend(config, theta, [g.astype(dtype) for g in sequence((4, 3))])
    assert new.dtype == dtype
    assert all(array.dtype == dtype for array in state if array.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_without_gradient_and_decay_nothing_moves(name: str, dtype: str) -> None:
    config = optimizer(name)
    if hasattr(config, "weight_decay"):
        config = config._replace(weight_decay=0.0)
    if hasattr(config, "eps"):
        config = config._replace(eps=np.asarray([[0.0], [1e-8]]))
    theta = numbers((4, 2, 3)).astype(dtype)
    new, _ = descend(config, theta, [np.zeros_like(theta)] * 3)
    np.testing.assert_array_equal(new, theta)


@pytest.mark.parametrize("shape", BATCHES)
@pytest.mark.parametrize("name", NAMES)
def test_any_batch_shape_works(name: str, shape: tuple[int, ...]) -> None:
    theta = numbers((4, *shape))
    new, _ = descend(optimizer(name), theta, sequence((4, *shape), 2))
    assert new.shape == theta.shape
    assert np.all(np.isfinite(new))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_need_no_axis(name: str) -> None:
    theta, gradients = numbers((4,)), sequence((4,), 3)
    whole, _ = descend(optimizer(name), theta, gradients)
    alone, _ = descend(optimizer(name), theta[0, ...], [g[0, ...] for g in gradients])
    assert alone == whole[0]


@pytest.mark.parametrize("sweep", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_strict_array_api_gives_numpys_bits(name: str, sweep: bool) -> None:
    strict = array_api_strict.asarray
    theta, gradients = numbers((4, 3)), sequence((4, 3))
    lr = np.asarray([0.1, 0.01, 0.3])
    expected, _ = descend(optimizer(name, lr=lr if sweep else 0.1), theta, gradients)
    config = optimizer(name, lr=strict(lr) if sweep else 0.1)
    new, _ = descend(config, strict(theta), [strict(g) for g in gradients])
    assert isinstance(new, type(strict(theta)))
    np.testing.assert_array_equal(to_numpy(new), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_of_the_call_replaces_the_configs(name: str) -> None:
    theta, gradients = numbers((4, 3)), sequence((4, 3))
    np.testing.assert_array_equal(
        descend(optimizer(name, lr=0.7), theta, gradients, lr=0.05)[0],
        descend(optimizer(name, lr=0.05), theta, gradients)[0],
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_zero_rate_stands_still(name: str) -> None:
    theta = numbers((4, 3))
    np.testing.assert_array_equal(descend(optimizer(name, lr=0.0), theta, sequence((4, 3)))[0], theta)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_tiny_and_huge_gradients_raise_no_warning(name: str, dtype: str) -> None:
    config = optimizer(name)
    if hasattr(config, "eps"):
        config = config._replace(eps=0.0)
    largest = float(np.finfo(dtype).max)
    sizes = np.asarray([0.0, largest**-0.9, largest**-0.5, 1.0, 0.4 * largest**0.5], dtype=dtype)
    theta = np.ones((4, 5), dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new, _ = descend(config, theta, [sizes * theta, -sizes * theta, 0 * theta])
    assert np.all(np.isfinite(new))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_do_not_mix(name: str) -> None:
    theta, gradients = numbers((4, 3)), sequence((4, 3))
    order = [2, 0, 3, 1]
    expected, _ = descend(optimizer(name), theta, gradients)
    permuted, _ = descend(optimizer(name), theta[order], [g[order] for g in gradients])
    np.testing.assert_array_equal(permuted, expected[order])
