"""A hunt for starts that are said to die at w1 = b1 = 0 and do not, and for deaths where none are to be."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends.decision import ORIGIN, decide
from gradflow.ends.outcome import CONSTANT
from gradflow.field import gradient
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.theory import origin
from gradflow.theory.origin import dies, dies_by
from gradflow.theory.survival import survives_until

WIDE = {
    "[-4, 4]": Problem(inputs=Uniform(-4.0, 4.0)),
    "[-3, 6]": Problem(Neuron(-1.2, 0.6, 0.8, 0.1), Uniform(-3.0, 6.0)),
    "slope -2": Problem(Neuron(1.0, -0.5, 1.0, 0.3), Uniform(-5.0, 4.0), (0.0, -2.0)),
    "leaky teacher": Problem(
        Neuron(1.0, 0.0, 1.0, 0.0), Uniform(-5.0, 5.0), teacher_activation=PiecewiseLinear(0.1, 1.0)
    ),
}


def candidates(problem: Problem, n: int, seed: int) -> np.ndarray:
    """Return balanced neurons near w1 = b1 = 0 with Q < 0."""
    rng = np.random.default_rng(seed)
    lo, hi = float(problem.lo), float(problem.hi)
    size = 10.0 ** rng.uniform(-4.0, -0.2, n)
    at, side = rng.uniform(lo, hi, n), rng.choice([-1.0, 1.0], n)
    w1 = side * size / np.hypot(1.0, at)
    w2 = rng.choice([-1.0, 1.0], n) * np.exp(rng.normal(0.3, 0.5, n))
    return np.stack([w1, -at * w1, w2, rng.normal(0.0, 3.0, n)])


def gone(theta: np.ndarray, problem: Problem, until: np.ndarray) -> np.ndarray:
    """Return which neurons have come to w1 = b1 = 0 by their own times."""
    found = np.zeros(theta.shape[1], dtype=bool)
    for k, end in enumerate(until):
        run = integrate_ensemble(theta[:, k : k + 1], problem, float(end), rtol=1e-9)
        size = np.hypot(run.final[0], run.final[1]) / np.hypot(*theta[:2, k])
        found[k] = bool(size < 1e-6)
    return found


def ends_dead(theta: np.ndarray, problem: Problem, until: float) -> np.ndarray:
    """Return which neurons are at w1 = b1 = 0 by a time (and rest there)."""
    final = integrate_ensemble(theta, problem, until, rtol=1e-9).final
    return np.asarray(np.hypot(final[0], final[1]) < 1e-6 * np.hypot(theta[0], theta[1]))


def hunt(problem: Problem, n: int, seed: int, most: int) -> int:
    """Look for neurons that are not dead by the time stated; return how many there are with a time."""
    theta = candidates(problem, n, seed)
    time = np.concatenate([np.asarray(dies_by(part, problem)) for part in np.array_split(theta, 20, axis=1)])
    theta, time = theta[:, time < np.inf], time[time < np.inf]
    # √(w1² + b1²) falls, and its rate at the start is that of the gradient.
    pull = np.asarray(gradient(theta, problem))
    assert np.all(pull[0] * theta[0] + pull[1] * theta[1] > 0.0)
    assert np.all(time >= np.asarray(survives_until(theta, problem)) * (1.0 - 1e-9))
    assert np.all(ends_dead(theta, problem, float(np.max(time))))
    assert np.all(gone(theta[:, :most], problem, time[:most] * (1.0 + 1e-6)))
    return int(theta.shape[1])


def test_the_example() -> None:
    problem, start = WIDE["[-4, 4]"], np.array([-0.194, 0.568, -1.0, -3.0])
    bound = float(dies_by(start, problem))
    assert 0.117 < bound < 0.16
    assert gone(start[:, None], problem, np.array([0.1176]))[0]
    assert not gone(start[:, None], problem, np.array([0.1172]))[0]
    found = decide(start, problem)
    assert (int(found.outcome), int(found.theorem)) == (CONSTANT, ORIGIN)
    # The same in the other views.
    assert (
        float(dies_by(start * [-1.0, 1.0, 1.0, 1.0], Problem(Neuron(w1=-1.0), Uniform(-4.0, 4.0)))) == bound
    )
    down = Problem(Neuron(w2=-1.0), Uniform(-4.0, 4.0))
    assert float(dies_by(start * [1.0, 1.0, -1.0, -1.0], down)) == bound


def test_no_counterexample() -> None:
    assert hunt(WIDE["[-4, 4]"], 300, 1, 2) > 5


@pytest.mark.slow
@pytest.mark.parametrize("name", WIDE)
def test_no_counterexample_among_many(name: str) -> None:
    assert hunt(WIDE[name], 12_000, 2, 6) > 300


@pytest.mark.slow
def test_the_hunt_finds_counterexamples(monkeypatch: pytest.MonkeyPatch) -> None:
    # If the flow did not have to point into the sector, starts would be called dead that live.
    def pointing(y: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(1e6 * np.where(p == np.min(p), 1.0, -1.0) * (1.0 + 0.0 * y))

    problem = WIDE["[-4, 4]"]
    monkeypatch.setattr(origin, "_turning", pointing)
    theta = candidates(problem, 600, 5)
    time = np.asarray(dies_by(theta, problem))
    theta, time = theta[:, time < np.inf], time[time < np.inf]
    assert np.any(~ends_dead(theta, problem, min(float(np.max(time)), 3.0)))


@pytest.mark.slow
@pytest.mark.parametrize("width", [1.0, 4.0])
def test_on_narrow_inputs_none_dies(width: float) -> None:
    # Derivation 30 (3): where lo hi ≥ −1 starts that die have measure zero; on [-4, 4] a part of them dies.
    problem = Problem(inputs=Uniform(-width, width))
    rng, n = np.random.default_rng(3), 2_000
    w1, b1 = rng.uniform(-0.3, 0.3, (2, n))
    theta = np.stack(
        [w1, b1, rng.choice([-1.0, 1.0], n) * rng.uniform(1.0, 2.0, n), rng.uniform(-2.0, 2.0, n)]
    )
    theta = theta[:, np.asarray(activity(theta, problem)) != DEAD]
    run = integrate_ensemble(theta, problem, 30.0, rtol=1e-8)
    dead = np.hypot(run.final[0], run.final[1]) == 0.0
    assert bool(np.any(dead)) == (width > 1.0)
    known = np.asarray(dies(theta, problem))
    assert not np.any(known & ~dead)
    assert bool(np.any(known)) == (width > 1.0)


def test_directions_in_which_one_could_die_repel() -> None:
    # (2), numerically: critical directions with H > 0 are maxima of H where lo hi ≥ −1, not so elsewhere.
    x, weight = np.polynomial.legendre.leggauss(120)
    for half, repels in ((0.5, True), (1.0, True), (2.5, False)):
        y = half * x
        angle = np.linspace(-np.pi, np.pi, 1_001)
        psi = np.maximum(y * np.cos(angle)[:, None] + np.sin(angle)[:, None], 0.0)
        b2 = np.linspace(-6.0, 3.0, 61)[:, None]
        for sign in (1.0, -1.0):
            H = sign * ((b2 - np.maximum(y, 0.0)) * weight) @ psi.T / 2.0
            inner = H[:, 1:-1]
            lowest = (inner < H[:, :-2] - 1e-13) & (inner < H[:, 2:] - 1e-13) & (inner > 1e-6)
            assert repels or np.any(lowest) or sign > 0.0
            assert not (repels and np.any(lowest))


def test_others_and_shapes() -> None:
    start = Neuron(-0.194, 0.568, -1.0, -3.0)
    for problem in (Problem(), Problem(inputs=grid(50)), Problem(activation="silu")):
        assert dies_by(start, problem) == np.inf
    wide = WIDE["[-4, 4]"]
    assert dies_by(np.ones((4, 0)), wide).shape == (0,)
    assert dies_by(np.ones((4, 3, 2), np.float32), wide).dtype == np.float32
    assert not dies(Neuron(0.0, 0.0, 1.0, 0.0), wide)
    assert not dies(Neuron(0.5, 0.1, 0.4, -3.0), wide), "Q > 0"
    both = Problem(inputs=Uniform(np.array([-1.0, -4.0]), np.array([1.0, 4.0])))
    assert dies(start, both).tolist() == [False, True]
    assert np.asarray(activity(np.array([-0.194, 0.568, -1.0, -3.0]), wide)) == BALANCED


def test_any_array_library() -> None:
    strict = pytest.importorskip("array_api_strict")
    theta = candidates(WIDE["[-4, 4]"], 60, 3)
    expected = dies_by(theta, WIDE["[-4, 4]"])
    np.testing.assert_array_equal(np.from_dlpack(dies_by(strict.asarray(theta), WIDE["[-4, 4]"])), expected)
