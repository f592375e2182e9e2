"""Adaptive steps take b2 of the dead no further than proved: a hunt, and states that are none of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, RMSProp
from gradflow.descent.optimisers.registry import init, update
from gradflow.field import gradient
from gradflow.neuron.problem import Problem
from gradflow.theory.b2_of_the_dead import farthest, farthest_in_the_end

MEAN = 0.25
"""E f* of the default problem."""

CONFIGS = [
    RMSProp(0.1), RMSProp(0.02, alpha=0.9), RMSProp(0.05, momentum=0.9), RMSProp(0.1, eps=0.3, momentum=0.5),
    Adam(0.1), Adam(0.05, beta1=0.5, beta2=0.9), Adam(0.1, beta1=0.0), Adam(0.2, amsgrad=True),
    Adam(0.1, eps_hat=True), AdamW(0.1, beta1=0.9, beta2=0.99, weight_decay=0.0), Adam(0.3, eps=0.01),
]  # fmt: skip


def dead(n: int) -> np.ndarray:
    """Return dead neurons, far from their walls, with b2 near the best constant and far from it."""
    draw = np.random.default_rng(0)
    theta = np.stack([draw.normal(size=n), np.full(n, -50.0), draw.normal(size=n), np.zeros(n)])
    theta[3] = MEAN + draw.choice([-1.0, 1.0], n) * 10.0 ** draw.uniform(-6.0, 1.0, n)
    return theta


def pushed(config: Any, n: int, steps: int) -> tuple[np.ndarray, Any]:
    """Return states after some steps under random gradients, as before death, which training may lead to."""
    theta, draw = dead(n), np.random.default_rng(1)
    state = init(config, theta)
    size = 10.0 ** draw.uniform(-3.0, 1.0, n)
    for _ in range(steps):
        pull = np.zeros_like(theta)
        pull[3] = size * (draw.normal(size=n) + draw.choice([-2.0, 2.0], n))
        theta, state = update(config, pull, state, theta)
    return theta, state


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize(
    ("n", "before"),
    [(50, 1), *(pytest.param(3_500, steps, marks=pytest.mark.slow) for steps in (0, 1, 30))],
)
def test_no_dead_neuron_goes_further(config: Any, n: int, before: int) -> None:
    theta, state = pushed(config, n, before)
    bound, end = np.asarray(farthest(theta, Problem(), config, state)), float(farthest_in_the_end(config))
    assert np.all(np.isfinite(bound))
    far = np.zeros(n)
    for _ in range(600 if n > 50 else 250):
        theta, state = update(config, gradient(theta, Problem()), state, theta)
        far = np.maximum(far, np.abs(theta[3] - MEAN))
    assert np.all(far <= bound * (1.0 + 1e-12))
    late = np.abs(theta[3] - MEAN)
    near = np.abs(dead(n)[3] - MEAN) < 1.0
    assert np.mean(late[near] <= end) > 0.9
    # It is no empty statement: some go to and fro, and some go on before they turn round.
    assert np.any(far > np.abs(dead(n)[3] - MEAN)) or before == 0


def test_rmsprop_attains_its_bound() -> None:
    """The first step, of the length η/√(1 − α), from close by: the other side is reached."""
    config, theta = RMSProp(0.1, eps=0.0), dead(1)
    theta[3] = MEAN + 1e-6
    theta, _ = update(config, gradient(theta, Problem()), init(config, theta), theta)
    assert abs(theta[3, 0] - MEAN) == pytest.approx(float(farthest_in_the_end(config)), rel=1e-5)


@pytest.mark.parametrize(
    ("config", "growth", "part"),
    [
        (RMSProp(1e-6, momentum=0.9, eps=0.0), 1e3, 0.88),
        # ρ B, with the gradients of which Cauchy and Schwarz's inequality is an equality.
        (Adam(1e-6, beta1=0.5, beta2=0.9, eps=0.0), 1.8, 0.52),
    ],
    ids=str,
)
def test_growing_gradients_before_death_come_near_the_bound(config: Any, growth: float, part: float) -> None:
    theta, steps = dead(1), 80
    state = init(config, theta)
    for k in range(steps):
        pull = np.zeros_like(theta)
        pull[3] = growth ** (k + 1.0 - steps)
        theta, state = update(config, pull, state, theta)
    theta[3], far = MEAN + 1e-12, 0.0
    bound = float(farthest(theta, Problem(), config, state)[0])
    for _ in range(100):
        theta, state = update(config, gradient(theta, Problem()), state, theta)
        far = max(far, abs(float(theta[3, 0]) - MEAN))
    assert part * bound < far < bound


@pytest.mark.parametrize("config", [RMSProp(0.05, momentum=0.9), Adam(0.1)], ids=str)
def test_states_that_training_did_not_lead_to_go_further(config: Any) -> None:
    """The hypothesis that fails: a large momentum, towards the best constant, beside small squares."""
    theta = dead(500)
    theta[3] = MEAN + 1e-3
    state = init(config, theta)
    if isinstance(config, Adam):
        second = np.full_like(theta, 1e-6)
        state = type(state)(np.asarray(50.0), np.ones_like(theta), second)
    else:
        state = state._replace(buffer=np.full_like(theta, 1e3))
    bound = np.asarray(farthest(theta, Problem(), config, state))
    far = np.zeros(500)
    for _ in range(50):
        theta, state = update(config, gradient(theta, Problem()), state, theta)
        far = np.maximum(far, np.abs(theta[3] - MEAN))
    assert np.all(far > bound)


def test_of_others_nothing_is_said() -> None:
    for config in (RMSProp(0.1, centered=True), Adam(0.1, beta2=0.5), Adam(0.1, weight_decay=0.1)):
        assert np.isinf(farthest_in_the_end(config))
    assert float(farthest_in_the_end(Adam(0.01))) == pytest.approx(0.7303180782, rel=1e-9)
    with pytest.raises(TypeError, match="optimizer: expected RMSProp, Adam or AdamW, got GD"):
        farthest_in_the_end(GD(0.1))


@pytest.mark.parametrize("config", [RMSProp(0.05, momentum=0.9), Adam(0.1)], ids=str)
def test_of_what_is_no_number_there_is_no_bound(config: Any) -> None:
    theta, state = pushed(config, 3, 2)
    name = "first" if isinstance(config, Adam) else "buffer"
    momentum = getattr(state, name).copy()
    theta[3, 0], momentum[3, 1] = np.nan, np.nan
    bound = np.asarray(farthest(theta, Problem(), config, state._replace(**{name: momentum})))
    assert np.isnan(bound).tolist() == [True, True, False]


@pytest.mark.parametrize("config", [RMSProp(0.05, momentum=0.9), Adam(0.1)], ids=str)
def test_any_array_library(config: Any) -> None:
    strict = pytest.importorskip("array_api_strict")
    theta, state = pushed(config, 3, 2)
    parts = {name: strict.asarray(part) for name, part in state._asdict().items() if np.ndim(part)}
    found = farthest(strict.asarray(theta), Problem(), config, state._replace(**parts))
    np.testing.assert_array_equal(np.from_dlpack(found), farthest(theta, Problem(), config, state))
