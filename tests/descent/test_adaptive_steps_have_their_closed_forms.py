"""Where the gradients are simple enough, Adam, AdamW, RMSProp and sign descent have closed forms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.base.arrays import to_numpy
from gradflow.descent import Adam, AdamW, RMSProp, Sign, init, update
from gradflow.descent.optimisers.hyper import bias_correction

GRADIENT = np.asarray([-3.0, 1e-3, 0.5, 20.0])


def descend(config: Any, gradients: Any, theta: np.ndarray | None = None) -> np.ndarray:
    """Return the parameters after each update, shape (steps + 1, 4); from 0 by default."""
    theta = np.zeros(4) if theta is None else theta
    state, path = init(config, theta), [theta]
    for gradient in gradients:
        theta, state = update(config, gradient, state, theta)
        path.append(theta)
    return np.asarray(path)


@settings(max_examples=60, deadline=None)
@given(beta=st.floats(0.0, 1.0, exclude_max=True), step=st.integers(1, 3000))
def test_the_bias_correction_is_accurate_for_every_beta(beta: float, step: int) -> None:
    exact = 1 - Fraction(beta) ** step if beta < 1e-3 or step < 60 else None
    if exact is None:
        # Through the logarithm in exact arithmetic the numbers grow without need: use the powers' identity.
        half = bias_correction(beta, np.asarray(float(step // 2)))
        rest = bias_correction(beta, np.asarray(float(step - step // 2)))
        expected = float(half + rest - half * rest)
    else:
        expected = float(exact)
    assert float(bias_correction(beta, np.asarray(float(step)))) == pytest.approx(expected, rel=4e-15)


def test_the_bias_correction_keeps_what_the_textbook_form_loses() -> None:
    beta, step = 0.9999999, 2
    exact = float(1 - Fraction(beta) ** step)
    assert abs((1 - beta**step) / exact - 1) > 1e-11
    assert abs(float(bias_correction(beta, np.asarray(2.0))) / exact - 1) < 1e-15


def test_the_bias_correction_takes_arrays() -> None:
    betas = np.asarray([0.0, 1e-300, 0.5, 0.999])
    swept = bias_correction(betas, np.asarray(3.0))
    assert swept[0] == swept[1] == 1.0
    for beta, value in zip(betas, swept, strict=True):
        assert float(bias_correction(float(beta), np.asarray(3.0))) == value


@pytest.mark.parametrize("config", [Adam(lr=0.1, eps=0.0), AdamW(lr=0.1, eps=0.0, weight_decay=0.0)])
def test_under_a_constant_gradient_adam_steps_by_the_rate(config: Any) -> None:
    path = descend(config, [GRADIENT] * 50)
    expected = -0.1 * np.sign(GRADIENT) * np.arange(51)[:, None]
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-300)


def test_the_first_step_of_adam_does_not_depend_on_the_betas() -> None:
    for beta in (0.0, 0.3, 0.999):
        config = Adam(lr=0.1, beta1=beta, beta2=beta, eps=1e-2)
        expected = -0.1 * GRADIENT / (np.abs(GRADIENT) + 1e-2)
        np.testing.assert_allclose(descend(config, [GRADIENT])[1], expected, rtol=1e-14)


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.9), (0.9, 0.9)])
def test_adam_drifts_on_after_the_gradient_vanishes(beta1: float, beta2: float) -> None:
    # Constant gradient for n steps, then none: m = (1 − β1^n) β1^j g, v = (1 − β2^n) β2^j g².
    n, later, lr = 20, 30, 0.01
    path = descend(Adam(lr, beta1, beta2, eps=0.0), [GRADIENT] * n + [0 * GRADIENT] * later)
    j = np.arange(1, later + 1)
    first = (1 - beta1**n) * beta1**j / (1 - beta1 ** (n + j))
    second = (1 - beta2**n) * beta2**j / (1 - beta2 ** (n + j))
    steps = -lr * first / np.sqrt(second)
    expected = path[n] + np.cumsum(steps)[:, None] * np.sign(GRADIENT)
    np.testing.assert_allclose(path[n + 1 :], expected, rtol=1e-12)


def test_adamw_without_gradient_decays_geometrically() -> None:
    start = np.asarray([1.0, -2.0, 0.5, 3.0])
    path = descend(AdamW(lr=0.1, weight_decay=0.2), [0 * start] * 40, start)
    np.testing.assert_allclose(path, 0.98 ** np.arange(41)[:, None] * start, rtol=1e-13)


def test_without_decay_adamw_is_adam_to_the_bit() -> None:
    gradients = np.random.default_rng(3).standard_normal((30, 4))
    hyper: dict[str, Any] = {"lr": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 1e-4, "weight_decay": 0.0}
    start = np.ones(4)
    np.testing.assert_array_equal(
        descend(Adam(**hyper), gradients, start), descend(AdamW(**hyper), gradients, start)
    )


def test_under_a_constant_gradient_rmsprop_starts_large() -> None:
    alpha, lr, n = 0.9, 0.1, 40
    path = descend(RMSProp(lr, alpha, eps=0.0), [GRADIENT] * n)
    sizes = lr / np.sqrt(1 - alpha ** np.arange(1, n + 1))
    np.testing.assert_allclose(np.diff(path, axis=0), -np.outer(sizes, np.sign(GRADIENT)), rtol=1e-11)


def test_the_centred_variance_of_a_constant_gradient_keeps_its_digits() -> None:
    # v − a² = α^k (1 − α^k) g²: it falls below the rounding error of v long before it is 0.
    alpha, n = 0.9, 400
    config = RMSProp(alpha=alpha, centered=True)
    theta, state = np.zeros(4), init(config, np.zeros(4))
    for _ in range(n):
        theta, state = update(config, GRADIENT, state, theta)
    np.testing.assert_allclose(state.square, alpha**n * (1 - alpha**n) * GRADIENT**2, rtol=1e-10)


@pytest.mark.parametrize(
    "config",
    [
        Adam(lr=0.1, beta1=0.0, beta2=0.0, eps=0.0),
        RMSProp(lr=0.1, alpha=0.0, eps=0.0),
        Sign(lr=0.1),
    ],
)
def test_adam_and_rmsprop_without_memory_are_sign_descent(config: Any) -> None:
    gradients = np.random.default_rng(5).standard_normal((25, 4))
    gradients[3:7, 1] = 0.0
    expected = np.concatenate([np.zeros((1, 4)), np.cumsum(-0.1 * np.sign(gradients), axis=0)])
    np.testing.assert_allclose(descend(config, gradients), expected, rtol=1e-12, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(scale=st.sampled_from([2.0**-40, 2.0**-3, 2.0**20]), seed=st.integers(0, 1000))
def test_without_epsilon_the_scale_of_the_gradient_does_not_matter(scale: float, seed: int) -> None:
    gradients = np.random.default_rng(seed).standard_normal((12, 4))
    for config in (Adam(eps=0.0), RMSProp(eps=0.0), RMSProp(eps=0.0, centered=True, alpha=0.5), Sign()):
        np.testing.assert_array_equal(descend(config, gradients), descend(config, scale * gradients))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_mirror_image_of_the_gradients_mirrors_the_path(seed: int) -> None:
    gradients = np.random.default_rng(seed).standard_normal((12, 4))
    for config in (Adam(weight_decay=0.1), AdamW(), RMSProp(centered=True, momentum=0.5), Sign()):
        np.testing.assert_array_equal(descend(config, gradients), -descend(config, -gradients))


def test_the_size_of_adams_step_is_bounded() -> None:
    # |m̂|/√v̂ ≤ √((1 − β1)²/((1 − β2)(1 − β1²/β2))), up to the corrections (Cauchy and Schwarz).
    config = Adam(lr=1.0, eps=0.0)
    gradients = np.random.default_rng(7).standard_cauchy((4000, 4))
    steps = np.abs(np.diff(descend(config, gradients), axis=0))[3000:]
    bound = np.sqrt(0.1**2 / (0.001 * (1 - 0.9**2 / 0.999)))
    assert np.max(steps) <= bound
    assert to_numpy(steps).shape == (1000, 4)
