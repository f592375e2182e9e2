"""Adam with ε̂, and RMSProp with ε inside the root, move the parameters as Keras does.

Keras is not installed for this: its updates are written down below as its `update_step` has them
(version 3), in decimal numbers of 40 digits.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

from gradflow.descent import Adam, AdamW, RMSProp, init, update

STEPS = 300
TOLERANCE = 1e-13


def gradients() -> np.ndarray:
    """Return gradients, shape (STEPS, 4), of sizes where ε rules and of sizes where it does not."""
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((STEPS, 4)) * np.array([1e-8, 1e-4, 1.0, 1e3])
    noise[:, 3] *= np.exp(-np.arange(STEPS) / 30.0)
    return np.asarray(noise)


START = np.array([1.2, -0.7, 0.9, 2.0])


def ours(config: Any, sequence: np.ndarray) -> np.ndarray:
    theta, state = START, init(config, START)
    for gradient in sequence:
        theta, state = update(config, gradient, state, theta)
    return np.asarray(theta)


def keras_adam(config: Any, sequence: np.ndarray) -> np.ndarray:
    """`keras.optimizers.Adam`, entry by entry."""
    lr, beta1, beta2, eps = (Decimal(v) for v in (config.lr, config.beta1, config.beta2, config.eps))
    decay = Decimal(config.weight_decay)
    one, found = Decimal(1), []
    for entry, start in enumerate(START):
        variable, m, v, v_hat = Decimal(start), Decimal(0), Decimal(0), Decimal(0)
        for k, row in enumerate(sequence, start=1):
            gradient = Decimal(float(row[entry]))
            if isinstance(config, AdamW):
                variable -= variable * decay * lr
            alpha = lr * (one - beta2**k).sqrt() / (one - beta1**k)
            m += (gradient - m) * (one - beta1)
            v += (gradient * gradient - v) * (one - beta2)
            if config.amsgrad:
                v_hat = max(v_hat, v)
                v_used = v_hat
            else:
                v_used = v
            variable -= (m * alpha) / (v_used.sqrt() + eps)
        found.append(float(variable))
    return np.array(found)


def keras_rmsprop(config: Any, sequence: np.ndarray) -> np.ndarray:
    """`keras.optimizers.RMSprop`, entry by entry; its momentum is a displacement."""
    lr, rho, momentum, eps = (Decimal(v) for v in (config.lr, config.alpha, config.momentum, config.eps))
    one, found = Decimal(1), []
    for entry, start in enumerate(START):
        variable, velocity, average, moved = Decimal(start), Decimal(0), Decimal(0), Decimal(0)
        for row in sequence:
            gradient = Decimal(float(row[entry]))
            velocity = rho * velocity + (one - rho) * gradient * gradient
            if config.centered:
                average = rho * average + (one - rho) * gradient
                denominator = velocity - average * average + eps
            else:
                denominator = velocity + eps
            moved = momentum * moved + lr * gradient / denominator.sqrt()
            variable -= moved
        found.append(float(variable))
    return np.array(found)


@pytest.mark.parametrize(
    "config",
    [
        Adam(lr=0.01, eps=1e-7, eps_hat=True),
        Adam(lr=0.3, beta1=0.5, beta2=0.9, eps=1e-3, eps_hat=True),
        Adam(lr=0.01, eps=1e-7, amsgrad=True, eps_hat=True),
        AdamW(lr=0.01, eps=1e-7, weight_decay=0.3, eps_hat=True),
        RMSProp(lr=0.01, alpha=0.9, eps=1e-7, eps_inside=True),
        RMSProp(lr=0.01, alpha=0.9, eps=1e-3, momentum=0.9, eps_inside=True),
        RMSProp(lr=0.01, alpha=0.9, eps=1e-7, centered=True, eps_inside=True),
    ],
    ids=str,
)
def test_300_steps_agree(config: Any) -> None:
    sequence = gradients()
    with localcontext() as context:
        context.prec = 40
        reference = (keras_rmsprop if isinstance(config, RMSProp) else keras_adam)(config, sequence)
    np.testing.assert_allclose(ours(config, sequence), reference, rtol=TOLERANCE)


def test_the_place_of_epsilon_is_seen() -> None:
    sequence = gradients()
    plain = ours(Adam(lr=0.01, eps=1e-7), sequence)
    moved = ours(Adam(lr=0.01, eps=1e-7, eps_hat=True), sequence)
    assert np.all(abs(plain - moved)[:2] > 1e-3), "the gradients are no larger than ε"
    inside = ours(RMSProp(lr=0.01, eps=1e-7, eps_inside=True), sequence)
    assert abs(ours(RMSProp(lr=0.01, eps=1e-7), sequence) - inside)[1] > 0.1


@pytest.mark.parametrize("config", [Adam(eps=0.0, eps_hat=True), RMSProp(eps=0.0, eps_inside=True)], ids=str)
def test_without_epsilon_and_gradient_nothing_moves(config: Any) -> None:
    np.testing.assert_array_equal(ours(config, np.zeros((5, 4))), START)
