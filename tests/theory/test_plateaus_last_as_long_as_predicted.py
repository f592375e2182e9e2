"""The best line lies at infinity, and the wait close to it is that of the flow with the line held."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import null_space

from gradflow.descent import Adam
from gradflow.descent.optimisers.registry import init, update
from gradflow.field import gradient, loss
from gradflow.field.baselines import best_line
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from gradflow.theory import waiting
from gradflow.theory.waiting import (
    best_outer,
    defect,
    least_wait,
    line_at_infinity,
    nodes,
    onto_lines,
    plateau,
    predicted_wait,
    residual,
    slow_velocity,
    updates_of,
)

SILU = Problem(activation="silu")
PROBLEMS = (
    SILU,
    Problem(inputs=grid(100), activation="silu"),
    Problem(Neuron(-1.3, 0.4, 0.7, 0.2), Uniform(-0.5, 2.0), activation="gelu"),
    Problem(
        Neuron(0.8, -0.3, 2.0, 1.0),
        Sample(np.array([-1.0, 0.2, 0.9, 1.7]), weights=np.array([1.0, 2.0, 1.0, 0.5])),
        "tanh",
    ),
    Problem(inputs=Sample(np.linspace(-1, 1, 9), targets=np.linspace(-1, 1, 9) ** 2), activation="softplus"),
)


def some_neurons(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, count))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: str(p.activation))
def test_nodes_are_the_expectation(problem: Problem) -> None:
    at = nodes(problem)
    for theta in some_neurons(50).T:
        r, df = residual(theta, at)
        assert at.weights @ (r * r) == pytest.approx(float(loss(theta, problem)), rel=1e-12, abs=1e-15)
        np.testing.assert_allclose(
            2.0 * df @ (at.weights * r), gradient(theta, problem), rtol=1e-11, atol=1e-13
        )


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: str(p.activation))
def test_without_defect_the_regression_lines_agree(problem: Problem) -> None:
    at = nodes(problem)
    theta = onto_lines(Neuron(0.3, 0.6, 1.1, -0.4), problem)
    np.testing.assert_allclose(defect(theta, problem), 0.0, atol=1e-13)
    r, _ = residual(theta, at)
    # The square roots of the weights, as polyfit squares them.
    lines = [np.polyfit(at.x, y, 1, w=np.sqrt(at.weights)) for y in (r + at.target, at.target)]
    np.testing.assert_allclose(lines[0], lines[1], atol=1e-11)


@pytest.mark.parametrize("scale", [np.ones(4), np.array([0.3, 2.0, 0.05, 1.0])], ids=["plain", "scaled"])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: str(p.activation))
def test_the_held_flow_is_the_steepest_descent_that_keeps_the_line(
    problem: Problem, scale: np.ndarray
) -> None:
    for theta in some_neurons(20, 1).T:
        velocity = slow_velocity(theta, problem, scale)
        step = 1e-6
        kept = (defect(theta + step * velocity, problem) - defect(theta - step * velocity, problem)) / (
            2 * step
        )
        np.testing.assert_allclose(kept, 0.0, atol=1e-7 * (1.0 + float(np.linalg.norm(velocity))))
        # Among the directions u that keep it, the one with D u = −∇L on all of them.
        rows = [defect(theta + step * e, problem) - defect(theta - step * e, problem) for e in np.eye(4)]
        jacobian = np.stack(rows, axis=1) / (2 * step)
        basis = null_space(jacobian, rcond=1e-6)
        along = basis.T @ (scale * velocity + np.asarray(gradient(theta, problem)))
        np.testing.assert_allclose(along, 0.0, atol=1e-6 * (1.0 + float(np.linalg.norm(velocity))))


def silu(z: mpmath.mpf) -> mpmath.mpf:
    return z / (1 + mpmath.exp(-z))


@pytest.mark.parametrize("b1", [-3.0, 0.0, 1.0, 4.0])
def test_the_gradient_falls_towards_infinity_as_derived(b1: float) -> None:
    line = best_line(SILU)
    with mpmath.workdps(30):
        one, two, three = (float(mpmath.diff(silu, b1, n)) for n in (1, 2, 3))
        slope, intercept = float(line.slope), float(line.intercept)
        moment = float(mpmath.quad(lambda x: (slope * x + intercept - silu(x)) * x * x / 2, [-1, 1]))
    by_b2 = 2.0 * moment * (two**2 / one**2 - three / (2.0 * one))
    by_w2 = float(silu(mpmath.mpf(b1))) * by_b2 - two * moment
    for w1, close in ((1e-2, 0.1), (1e-3, 1e-2)):
        neuron = line_at_infinity(b1, w1, SILU)
        g = np.asarray(gradient(neuron, SILU)) / w1**2
        size = abs(by_b2) + abs(by_w2)
        # Of b2, which cancels against w2 φ(b1), times w2 in the gradient.
        rounding = 1e-15 * float(neuron.w2) ** 2 * (1.0 + abs(float(silu(mpmath.mpf(b1))))) / w1**2
        np.testing.assert_allclose(g, [0.0, 0.0, by_w2, by_b2], atol=close * size + rounding)
        rise = (float(loss(neuron, SILU)) - float(best_line(SILU).loss)) / w1
        assert rise == pytest.approx(moment * slope * two / one, rel=close, abs=close * abs(moment))


def test_where_the_activation_is_flat_there_is_no_such_point() -> None:
    flat = float(mpmath.findroot(lambda z: mpmath.diff(silu, z), -1.278))
    sizes = []
    for w1 in (1e-2, 1e-3, 1e-4):
        g = np.asarray(gradient(line_at_infinity(flat, w1, SILU), SILU))
        sizes.append(np.linalg.norm(g))
    assert min(sizes) > 1e-4, "without φ′(b) ≠ 0 the gradient does not fade"
    with pytest.raises(ValueError, match=r"^w1: "):
        line_at_infinity(1.0, 0.0, SILU)


def test_the_best_outer_weights_have_no_gradient() -> None:
    rng = np.random.default_rng(2)
    theta = best_outer(rng.uniform(-3, 3, 200), rng.uniform(-3, 3, 200), SILU)
    g = np.asarray(gradient(theta, SILU))
    np.testing.assert_allclose(g[2:] / (1.0 + np.abs(theta[2])), 0.0, atol=1e-10)
    np.testing.assert_array_equal(best_outer(np.array(0.0), np.array(1.0), SILU)[2], 0.0)


def plain_wait(b2: float, level: float) -> float:
    """Return the wait of the flow from formulas written out here, on a trapezoidal rule with 4001 points."""
    x = np.linspace(-1.0, 1.0, 4001)
    weight = np.full(x.size, 1.0 / 4000.0)
    weight[[0, -1]] *= 0.5
    target = x / (1.0 + np.exp(-x))

    def both(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z = y[0] * x + y[1]
        s = 1.0 / (1.0 + np.exp(-z))
        return z, s, y[2] * z * s + y[3] - target

    def velocity(_: float, y: np.ndarray) -> np.ndarray:
        z, s, r = both(y)
        bent = y[2] * s * (1.0 + z * (1.0 - s))
        return np.array([-2.0 * np.sum(weight * r * d) for d in (bent * x, bent, z * s, np.ones_like(x))])

    def passes(value: float) -> Callable[[float, np.ndarray], float]:
        return lambda _, y: float(np.sum(weight * both(y)[2] ** 2)) - value

    events = [passes(float(best_line(SILU).loss)), passes(level)]
    run = solve_ivp(
        velocity, (0.0, 1500.0), [1.0, 0.0, 1.0, b2], method="BDF", rtol=1e-8, atol=1e-10, events=events
    )
    return float(run.t_events[1][0] - run.t_events[0][0])


@pytest.mark.parametrize("b2", [-2.0, -3.0])
def test_the_flow_waits_as_long_as_predicted(b2: float) -> None:
    found = plateau(Neuron(b2=b2), SILU, 1e-3, float(best_line(SILU).loss), 1e4)
    measured = found.exit - found.entry
    assert measured == pytest.approx(plain_wait(b2, 1e-3), rel=1e-4)
    assert predicted_wait(found.start, SILU, 1e-3) == pytest.approx(measured, rel=0.04)
    assert least_wait(found.start, found.end, float(best_line(SILU).loss), 1e-3) <= measured


def test_a_wait_that_does_not_end_is_no_number() -> None:
    assert np.isnan(predicted_wait(Neuron(0.3, 1.0, 1.6, -1.1), SILU, 1e-3, longest=1.0))
    assert predicted_wait(Neuron(0.3, 1.0, 1.6, -1.1), SILU, 1.0) == 0.0
    never = plateau(Neuron(b2=-2.0), SILU, 1e-3, float(best_line(SILU).loss), 10.0)
    assert np.isnan(never.exit)
    assert never.entry < 10.0


def test_no_flow_is_faster_than_its_distance_allows() -> None:
    rng = np.random.default_rng(3)
    many = 100_000
    rates, start = rng.normal(size=(4, many)), rng.normal(size=(4, many))
    time = rng.exponential(1.0, many)
    end = start * np.exp(-rates * time)
    fall = 0.5 * np.sum(rates * (start**2 - end**2), axis=0)
    bound = np.sum((end - start) ** 2, axis=0) / fall
    assert np.all(bound <= time * (1.0 + 1e-9))
    assert least_wait(start[:, 0], end[:, 0], float(fall[0]), 0.0) == pytest.approx(bound[0])
    # With momentum it does not hold: at rest at first, θ = cosh t on L = −θ²/2.
    assert (np.cosh(3.0) - 1.0) ** 2 / (0.5 * (np.cosh(3.0) ** 2 - 1.0)) < 3.0
    # A flow twice as fast breaks it.
    assert np.any(bound > 0.5 * time)
    with pytest.raises(ValueError, match=r"^loss_after: "):
        least_wait(start[:, 0], end[:, 0], 1.0, 1.0)


def test_updates_cover_the_time_and_no_more() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        lr, beta2 = 10.0 ** rng.uniform(-3, -1), 1.0 - 10.0 ** rng.uniform(-3, -1)
        time, step = 10.0 ** rng.uniform(-1, 4), int(rng.integers(1, 3000))
        n = int(updates_of(time, lr, beta2, step))
        covered, k = 0.0, 0
        while covered < time:
            k += 1
            covered += lr * (1.0 - beta2 ** (step + k)) ** 0.5 * beta2 ** (-0.5 * k)
        assert n == k
        q = beta2**-0.5
        closed = np.log1p(time * (q - 1.0) / (lr * q)) / np.log(q)
        assert updates_of(time, lr, beta2) == np.ceil(closed * (1.0 - 1e-12))
    assert updates_of(0.0) == 0.0
    assert np.isnan(updates_of(float("nan")))
    assert updates_of(1e300, beta2=1.0 - 1e-9) == np.inf
    with pytest.raises(ValueError, match=r"^time: "):
        updates_of(-1.0)


@pytest.mark.parametrize(
    ("time", "lr", "beta2"),
    [
        (1e270, 0.01, 0.999),
        (1e259, 1e-8, 0.9),
        (1e308, 1e-8, 0.9),
        (1e308, 1e3, 0.5),
        (1e308, 1e-300, 0.99),
    ],
)
def test_updates_cover_times_whose_sum_overflows(time: float, lr: float, beta2: float) -> None:
    with mpmath.workdps(40):
        q = 1 / mpmath.sqrt(mpmath.mpf(beta2))
        closed = mpmath.ceil(mpmath.log(1 + time * (q - 1) / (lr * q)) / mpmath.log(q))
    assert updates_of(time, lr, beta2) == closed
    # The correction makes every step shorter, by less and less.
    later = updates_of(time, lr, beta2, 0)
    assert closed <= later <= closed + 1.0


def test_adam_moves_no_further_than_its_memory_allows() -> None:
    rng = np.random.default_rng(5)
    many, beta1, beta2, lr = 25_000, 0.9, 0.99, 0.01
    config = Adam(lr, beta1, beta2, 0.0)
    theta = np.zeros((4, many))
    state = init(config, theta)
    for _ in range(5):
        theta, state = update(config, rng.normal(size=(4, many)), state, theta, lr)
    before, second = theta, np.asarray(state.second)
    largest, bound = np.zeros((4, many)), np.zeros((4, many))
    scale = 10.0 ** rng.uniform(-3, 1, size=(4, many))
    for j in range(1, 61):
        theta, state = update(config, scale * rng.normal(size=(4, many)), state, theta, lr)
        mean = np.abs(np.asarray(state.first)) / (1.0 - beta1 ** float(state.step))
        largest = np.maximum(largest, mean)
        bound = bound + lr * beta2 ** (-0.5 * j)
        assert np.all(np.abs(theta - before) <= bound * largest / np.sqrt(second) * (1.0 + 1e-12))
    # Not with half of the memory: the bound says something.
    assert np.any(np.abs(theta - before) > 0.1 * bound * largest / np.sqrt(second))


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: nodes(Problem()), "activation"),
        (lambda: nodes(Problem(activation="silu", teacher_activation="relu")), "teacher_activation"),
        (lambda: nodes(Problem(Neuron(b2=np.zeros(3)), activation="silu")), "problem"),
        (lambda: slow_velocity(np.ones(4), SILU, -1.0), "scale"),
        (lambda: onto_lines(Neuron(0.0, 0.0, 0.0, 0.0), SILU), "theta"),
        (lambda: updates_of(1.0, 0.0), "lr, beta2"),
        (lambda: updates_of(1.0, step=-5), "step"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], names: str) -> None:
    with pytest.raises(ValueError, match=rf"^{names}: "):
        call()
    assert waiting.NODES > 16
