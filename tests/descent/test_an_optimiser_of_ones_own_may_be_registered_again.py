"""A cell that registers an optimiser may run twice; the package's own names stay what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradflow as gf
from gradflow.descent import OPTIMIZERS, optimizer
from gradflow.descent.optimisers import registry
from gradflow.descent.optimisers.hyper import NON_NEGATIVE
from gradflow.descent.optimisers.registry import register
from gradflow.theory.decay import coupled_revival


class Halved(NamedTuple):
    lr: float = 0.1


class Rate(NamedTuple):
    lr: float


def define(name: str, factor: float, **options: Any) -> type[Any]:
    """Register gradient descent with a part of the rate, in a class of its own as a cell makes one."""
    config: type[Any] = type("Halved", (Halved,), {})
    register(
        name,
        config,
        lambda config, theta: (),
        lambda config, k: Rate(config.lr),
        lambda ops, numbers, gradient, memory, theta: (theta - factor * numbers.lr * gradient, ()),
        {"lr": NON_NEGATIVE},
        **options,
    )
    return config


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    names, rules = dict(OPTIMIZERS), dict(registry._RULES)
    yield
    OPTIMIZERS.clear()
    OPTIMIZERS.update(names)
    registry._RULES.clear()
    registry._RULES.update(rules)


def end(config: Any) -> np.ndarray:
    return np.asarray(gf.train_arrays(gf.Neuron(b2=-1.0), gf.Problem(), config, 3).theta[-1])


def test_a_second_one_takes_the_name_if_told_so() -> None:
    first = define("halved", 0.5)
    with pytest.raises(ValueError, match="'halved' is taken by Halved; write replace=True"):
        define("halved", 1.0)
    np.testing.assert_allclose(end(optimizer("halved", lr=0.2)), end(gf.GD(0.1)), rtol=1e-15)
    define("halved", 1.0, replace=True)
    np.testing.assert_allclose(end(optimizer("halved", lr=0.2)), end(gf.GD(0.2)), rtol=1e-15)
    np.testing.assert_allclose(end(first(lr=0.2)), end(gf.GD(0.1)), rtol=1e-15)


def test_the_packages_own_cannot_be_replaced() -> None:
    with pytest.raises(ValueError, match=r"'adam' is taken by Adam$"):
        define("adam", 1.0, replace=True)


def test_a_class_defined_anew_is_told_to_be_registered_again() -> None:
    define("halved", 0.5)
    again: Any = type("Halved", (Halved,), {})()
    with pytest.raises(
        TypeError, match=r"Halved, got Halved.*; its class was defined anew: register it again"
    ):
        gf.train(gf.Neuron(), gf.Problem(), again, 3)


@pytest.mark.parametrize(
    "returned", [lambda theta: theta, lambda theta: (theta,), lambda theta: (theta, theta)]
)
def test_what_a_rule_returns_is_named(returned: Any) -> None:
    register(
        "odd",
        Halved,
        lambda config, theta: (),
        lambda config, k: Rate(config.lr),
        lambda ops, numbers, gradient, memory, theta: returned(theta),
        {"lr": NON_NEGATIVE},
    )
    with pytest.raises(
        TypeError, match=r"^rule: that of Halved must return theta and a tuple of what it remem"
    ):
        gf.train(gf.Neuron(), gf.Problem(), Halved(), 3)


def slowing() -> Any:
    """Register gradient descent at the rate η/(1 + k), which remembers nothing."""
    config: Any = type("Slowing", (Halved,), {})
    register(
        "slowing",
        config,
        lambda config, theta: (),
        lambda config, k: Rate(config.lr / (1.0 + k)),
        lambda ops, numbers, gradient, memory, theta: (theta - numbers.lr * gradient, ()),
        {"lr": NON_NEGATIVE},
    )
    return config


def test_what_decays_ever_slower_comes_back_at_the_step_of_its_products() -> None:
    # b1 = −3.5 is multiplied by 1/2, 3/4, 5/6, 7/8: −1.094 after three steps, −0.957 after four.
    dead = gf.Neuron(1.0, -3.5, 1.0, 0.0)
    only_b1 = np.array([0.0, 1.0, 0.0, 0.0])
    found = coupled_revival(dead, gf.Problem(), slowing()(lr=0.5), (), 10, penalty=only_b1)
    assert found == 4


@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=pytest.mark.slow)])
def test_updates_are_counted_whether_or_not_the_state_does(backend: str) -> None:
    config = slowing()
    start, theta = gf.Neuron(b2=-1.0), np.array([1.0, 0.0, 1.0, -1.0])
    run = gf.train_arrays(
        start, gf.Problem(), config(lr=0.2), 3, record_every=1, events=False, backend=backend
    )
    for k in range(3):
        np.testing.assert_allclose(run.theta[k], theta, rtol=1e-13)
        theta = theta - 0.2 / (1.0 + k) * gf.gradient(theta)
    np.testing.assert_allclose(run.final, theta, rtol=1e-13)
    # One update by itself is the first.
    theta, _ = registry.update(config(lr=0.2), gf.gradient(run.theta[0]), (), run.theta[0])
    np.testing.assert_allclose(theta, run.theta[1], rtol=1e-13)
