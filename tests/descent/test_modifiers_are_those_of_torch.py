"""Clipping and decay of single parameters equal torch's, per-parameter groups and all, on any sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, train_arrays
from gradflow.descent.modifiers import NONE, Modifiers, adjusted, decayed
from gradflow.descent.optimisers.registry import init, update
from gradflow.field import gradient
from gradflow.field.kinds import KINDS
from gradflow.neuron.problem import Neuron, Problem, grid

torch: Any = pytest.importorskip("torch")

STEPS = 40
LAMBDAS = (0.3, 0.0, 0.05, 1.0)


def gradients(seed: int = 0) -> np.ndarray:
    """Return gradients of four parameters, shape (STEPS, 4): noise of any size, and exact zeros."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((STEPS, 4)) * 10.0 ** rng.uniform(-3, 2, (STEPS, 1))
    noise[::7] = 0.0
    noise[:, 1] *= rng.random(STEPS) < 0.5
    return noise


def ours(config: Any, modifiers: Modifiers, sequence: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the parameters after the sequence."""
    theta, state = start, init(config, start)
    for g in sequence:
        new, state = update(config, adjusted(modifiers, g, theta), state, theta)
        theta = decayed(modifiers, new, theta, config.lr)
    return theta


def theirs(
    name: str, hyper: dict[str, Any], decay: tuple[float, ...], clip: float | None, sequence: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return torch's, with one parameter group for each parameter."""
    parts = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in start]
    groups = [{"params": [part], "weight_decay": lam} for part, lam in zip(parts, decay, strict=True)]
    optimiser = getattr(torch.optim, name)(groups, **hyper)
    for g in sequence:
        for part, value in zip(parts, g, strict=True):
            part.grad = torch.tensor(value, dtype=torch.float64)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parts, clip)
        optimiser.step()
    return np.array([part.item() for part in parts])


def close(found: np.ndarray, expected: np.ndarray, clip: float | None) -> None:
    # torch clips by max/(norm + 1e-6), so its clipped gradients are smaller by at most that.
    tolerance = 1e-13 if clip is None else 1e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


START = np.array([1.2, -0.7, 0.9, 2.0])


@pytest.mark.parametrize(("clip", "decay"), [(None, LAMBDAS), (0.5, LAMBDAS), (10.0, (0.0,) * 4)])
def test_coupled_decay_and_clipping(clip: float | None, decay: tuple[float, ...]) -> None:
    modifiers = Modifiers(clip=clip, coupled=decay)
    sequence = gradients()
    close(
        ours(Adam(lr=0.02), modifiers, sequence, START),
        theirs("Adam", {"lr": 0.02}, decay, clip, sequence, START),
        clip,
    )
    close(
        ours(GD(lr=0.02), modifiers, sequence, START),
        theirs("SGD", {"lr": 0.02}, decay, clip, sequence, START),
        clip,
    )


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("decay", [LAMBDAS, (0.2,) * 4])
def test_decoupled_decay_is_adamws(clip: float | None, decay: tuple[float, ...]) -> None:
    modifiers = Modifiers(clip=clip, decoupled=decay)
    sequence = gradients(1)
    expected = theirs("AdamW", {"lr": 0.02}, decay, clip, sequence, START)
    close(ours(Adam(lr=0.02), modifiers, sequence, START), expected, clip)


def test_clipping_is_the_norm_over_one_neuron() -> None:
    g = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = adjusted(Modifiers(clip=1.0), g, np.ones_like(g))
    np.testing.assert_allclose(found[:, 0], [0.6, 0.8, 0.0, 0.0], rtol=1e-15)
    assert np.array_equal(found[:, 1:], g[:, 1:]), "smaller gradients, and none, are not touched"
    assert np.all(adjusted(Modifiers(clip=0.0), g, np.ones_like(g)) == 0.0)


def test_the_same_decay_on_all_is_the_optimisers_own() -> None:
    start, problem = Neuron(1.0, np.linspace(-0.5, 0.5, 5), 1.0, 0.4), Problem()
    own = train_arrays(start, problem, AdamW(lr=0.01, weight_decay=0.2), 200).final
    apart = train_arrays(start, problem, Adam(lr=0.01), 200, modifiers=Modifiers(decoupled=(0.2,) * 4)).final
    np.testing.assert_allclose(apart, own, rtol=1e-12, atol=1e-14)
    own = train_arrays(start, problem, Adam(lr=0.01, weight_decay=0.2), 200).final
    apart = train_arrays(start, problem, Adam(lr=0.01), 200, modifiers=Modifiers(coupled=(0.2,) * 4)).final
    np.testing.assert_allclose(apart, own, rtol=1e-12, atol=1e-14)


def test_training_with_modifiers_is_a_plain_loop() -> None:
    problem, lam, clip, rate = Problem(inputs=grid(11)), np.array([0.0, 0.5, 0.0, 0.1]), 0.3, 0.05
    theta = np.array([1.0, 0.4, 1.0, -2.0])
    run = train_arrays(theta, problem, GD(lr=rate), 60, modifiers=Modifiers(clip=clip, decoupled=tuple(lam)))
    schedule = train_arrays(
        theta,
        problem,
        GD(lr=rate),
        60,
        modifiers=Modifiers(clip=clip, decoupled=tuple(lam)),
        schedule=lambda k: 0.0 if k >= 30 else 1.0,
    )
    for step in range(60):
        if step == 30:
            np.testing.assert_allclose(schedule.final, theta, rtol=1e-13)
        g = gradient(theta, problem)
        g = g * min(1.0, clip / np.linalg.norm(g))
        theta = theta * (1.0 - rate * lam) - rate * g
    np.testing.assert_allclose(run.final, theta, rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_no_run_sees_the_others(kind: Any) -> None:
    rng = np.random.default_rng(5)
    start = rng.standard_normal((4, 8))
    n = len(kind.parameters)
    modifiers = Modifiers(0.7, (0.1,) * n, tuple(np.linspace(0.0, 0.3, n)))
    many = train_arrays(start, Problem(), Adam(lr=0.05), 40, kind=kind, modifiers=modifiers)
    for i in (0, 7):
        one = train_arrays(start[:, i], Problem(), Adam(lr=0.05), 40, kind=kind, modifiers=modifiers)
        np.testing.assert_allclose(many.final[:, i], one.final, rtol=1e-11, atol=1e-13)


def test_float32_stays_float32() -> None:
    modifiers = Modifiers(0.5, LAMBDAS, LAMBDAS)
    run = train_arrays(Neuron(b2=-1.0), Problem(), Adam(lr=0.01), 50, modifiers=modifiers, dtype="float32")
    double = train_arrays(Neuron(b2=-1.0), Problem(), Adam(lr=0.01), 50, modifiers=modifiers)
    assert run.final.dtype == np.float32
    np.testing.assert_allclose(run.final, double.final, rtol=1e-4)


def test_none_changes_no_bit() -> None:
    start = Neuron(1.0, np.linspace(-0.5, 0.5, 5), 1.0, 0.4)
    plain = train_arrays(start, Problem(), Adam(lr=0.01), 50)
    again = train_arrays(start, Problem(), Adam(lr=0.01), 50, modifiers=NONE)
    zero = train_arrays(
        start, Problem(), Adam(lr=0.01), 50, modifiers=Modifiers(None, (0.0,) * 4, (0.0,) * 4)
    )
    assert np.array_equal(plain.final, again.final)
    assert np.array_equal(plain.final, zero.final)
