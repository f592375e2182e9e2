"""Two neurons that face the teacher's way follow derivation 33's law; where its hypotheses fail, others."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks.line.decay import cubic_limit
from gradflow.networks.line.field import cut, gradient_of, loss_of
from gradflow.networks.line.task import task_of
from gradflow.neuron.laws import Normal, Steps

TASK = task_of(gf.Problem())

RATE = 0.15
"""Below 2/λ at all the minima near the starts; at 0.3 some of mixed signs oscillate for ever."""

BOUND = 25.0
"""The constant of O(h) in the region the starts are from."""


def near(rng: np.random.Generator, n: int, sign: int, size: float) -> np.ndarray:
    """Return starts near global minima with w1 > 0 and s1 s2 of a sign; rows w1, b1, w2, b2."""
    w = rng.uniform(0.6, 1.4, (2, n))
    s = sign * rng.uniform(0.3, 0.7, n)
    a = np.stack([1.0 - s, s]) / w
    return np.concatenate([w, size * rng.uniform(-1, 1, (2, n)), a, size * rng.uniform(-1, 1, (1, n))])


def descended(rows: np.ndarray, rate: float, steps: int, task: object = TASK) -> np.ndarray:
    for _ in range(steps):
        rows = rows - rate * gradient_of(cut(rows, task))  # type: ignore[arg-type]
    return rows


def slow(rows: np.ndarray) -> np.ndarray:
    """Return h = a1 a2 (a2 b1 − a1 b2)/|a|²."""
    _, (b1, b2), (a1, a2) = rows[:6].reshape(3, 2, -1)
    return np.asarray(a1 * a2 * (a2 * b1 - a1 * b2) / (a1 * a1 + a2 * a2))


def deviations(rows: np.ndarray, rate: float, wait: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return after some steps how far (1/|h|)′/K and L/(C |h|³) are from 1, over |h|: the proof has O(h)."""
    middle = descended(rows, rate, wait)
    last = descended(middle, rate, steps)
    limits = [cubic_limit(network) for network in last.T]
    before, after = np.abs(slow(middle)), np.abs(slow(last))
    speed = (1.0 / after - 1.0 / before) / (rate * steps) / np.array([x.rate for x in limits])
    share = loss_of(cut(last, TASK)) / (np.array([x.share for x in limits]) * after**3)
    return np.abs(speed - 1.0) / before, np.abs(share - 1.0) / after


def test_the_constant_is_that_of_hand() -> None:
    limit = cubic_limit(gf.Network([1.0, 1.0], [0.0, 0.0], [0.5, 0.5]))
    assert np.allclose(limit, (0.25, 128.0 / 3.0, 2.0 / 3.0), rtol=1e-15)
    for size in (1e-200, 1e-40, 1e40):
        scaled = cubic_limit(gf.Network([1.0 / size, 1.0 / size], [0.0, 0.0], [0.5 * size, 0.5 * size]))
        assert scaled.rate == pytest.approx(0.25 * size * size, rel=1e-12)
        assert scaled.loss == (np.inf if size < 1e-100 else pytest.approx(limit.loss / size**6, rel=1e-12))
    # s = (2, −1): C = 1/(6 · 4 · 1), K = 3 C · 4/5.
    mixed = cubic_limit(gf.Network([1.0, 1.0], [0.0, 0.0], [2.0, -1.0]))
    assert np.allclose(mixed, (0.1, 1000.0 / 24.0, 1.0 / 24.0), rtol=1e-15)
    assert cubic_limit(gf.Network([1.0, 1.0], [0.0, 0.0], [-1.0, 2.0])) == mixed
    pair = gf.Network([1.0, 1.0], [0.0, 0.0], [0.5, 0.5])
    # The density at 0 scales C and K, so the limit of t³ L as its square's inverse.
    for law, density in (
        (Normal(0.0, 1.0), 1.0 / np.sqrt(2.0 * np.pi)),
        (Steps([-1, 1, 2], [0.3, 0.4]), 0.3),
    ):
        other = cubic_limit(pair, gf.Problem(law=law))
        assert np.allclose(other.loss * density**2, limit.loss * 0.25, rtol=1e-14)


def test_steps_follow_the_law() -> None:
    rng = np.random.default_rng(1)
    for sign in (1, -1):
        for deviation in deviations(near(rng, 20, sign, 0.03), RATE, 1500, 200):
            assert np.max(deviation) < BOUND


@pytest.mark.slow
def test_no_start_near_the_minima_is_against_the_law() -> None:
    rng = np.random.default_rng(2)
    for sign in (1, -1):
        rows = near(rng, 200, sign, 0.03)
        for wait in (1500, 4500):
            rows = descended(rows, RATE, wait)
            w, b, a = rows[:6].reshape(3, 2, -1)
            fast = np.abs([np.sum(w * a, axis=0) - 1.0, np.sum(a * b, axis=0), rows[6]])
            # The proof's R; a start beside the exponential ones comes late.
            inside = np.max(fast, axis=0) < 100.0 * slow(rows) ** 2
            assert np.mean(inside) > 0.9
            assert np.max(np.array(deviations(rows, RATE, 0, 300))[:, inside]) < BOUND
        assert np.all(inside)
        assert np.max(np.abs(slow(rows))) < 0.02


@pytest.mark.slow
def test_equal_neurons_fall_exponentially() -> None:
    rows = near(np.random.default_rng(3), 20, 1, 0.1)
    rows[1::2][:3] = rows[0:6:2]
    rows[4:6] *= 0.5 / (rows[0] * rows[4])
    last = descended(rows, 0.3, 1500)
    assert np.max(loss_of(cut(last, TASK))) < 1e-20


def test_where_products_cancel_another_minimum_is_near() -> None:
    # s = (1, ½, −½): the last two may go anywhere together, and the loss stays 0 with h ≠ 0.
    rows = np.array([1.0, 1.0, 1.0, 0.0, 0.2, 0.2, 1.0, 0.5, -0.5, 0.0])
    assert float(loss_of(cut(rows, TASK))) < 1e-30


@pytest.mark.slow
def test_three_neurons_have_a_limit() -> None:
    rng = np.random.default_rng(4)
    w, share = rng.uniform(0.5, 1.5, (3, 20)), rng.uniform(0.5, 1.0, (3, 20))
    a = share / share.sum(axis=0) / w
    rows = np.concatenate([w, rng.uniform(-0.1, 0.1, (3, 20)), a, np.zeros((1, 20))])
    rows = descended(rows, 0.3, 2000)
    losses = []
    for steps in (1000, 2000, 4000):
        rows = descended(rows, 0.3, steps)
        losses.append(loss_of(cut(rows, TASK)))
    # L^(−1/3) becomes a line in t, of a positive slope: t³ L has a limit. Its slopes come together.
    slopes = np.diff(np.array(losses) ** (-1.0 / 3.0), axis=0) / np.array([600.0, 1200.0])[:, None]
    assert np.all(slopes > 0.0)
    assert np.max(np.abs(slopes[1] / slopes[0] - 1.0)) < 0.25
    assert np.median(np.abs(slopes[1] / slopes[0] - 1.0)) < 0.05


@pytest.mark.slow
def test_a_neuron_that_fades_falls_cubically_too() -> None:
    # Its law: t³ L → w²/(6 a⁴), ζ its pre-activation at the end, (1/ζ)′ → a²/|w|.
    for sign in (1.0, -1.0):
        rows = np.array([[1.0], [0.5 * sign], [0.0], [-0.45], [1.0], [1.2], [0.0]])
        middle = descended(rows, 0.3, 1000)
        last = descended(middle, 0.3, 200)
        zeta = [float((state[1] * sign + state[3])[0]) for state in (middle, last)]
        w, a = abs(float(last[1, 0])), float(last[5, 0])
        assert (1.0 / zeta[1] - 1.0 / zeta[0]) / 60.0 == pytest.approx(a * a / w, rel=0.02)
        assert float(loss_of(cut(last, TASK))[0]) == pytest.approx(a * a * zeta[1] ** 3 / (6.0 * w), rel=0.02)


@pytest.mark.parametrize(
    ("network", "problem", "words"),
    [
        (gf.Network([1.0], [0.0], [1.0]), gf.Problem(), "network: expected one network of two neurons"),
        (gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0]), gf.Problem(), "network: expected w1 > 0"),
        (gf.Network([1.0, 1.0], [0.0, 0.0], [1.0, 0.0]), gf.Problem(), "network: expected w1 > 0"),
        (gf.Network([1.0, 1.0], [0.0, 0.0], [0.5, 0.5]), gf.Problem(target="abs"), "problem: expected the"),
        (
            gf.Network([1.0, 1.0], [0.0, 0.0], [0.5, 0.5]),
            gf.Problem(law=Steps([-1, 0, 1], [0.2, 0.8])),
            "problem: expected inputs with a continuous",
        ),
    ],
)  # fmt: skip
def test_others_have_no_constant(network: gf.Network, problem: gf.Problem, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        cubic_limit(network, problem)
