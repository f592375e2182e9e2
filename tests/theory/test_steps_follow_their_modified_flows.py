"""Measured orders of gradient descent and heavy ball against their flows, and what a wall does to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.base.scripts import load_script, script_paths
from gradflow.descent import GD, HeavyBall, train_arrays
from gradflow.field import gradient, hessian
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.proofs.render import main
from gradflow.theory.modified import gd_field, heavy_ball_field, heavy_ball_start, wall_defect
from gradflow.theory.solve import solve, solve_across
from tests.theory.orders import (
    PROBLEMS,
    crossing_starts,
    heavy_ball,
    in_one_cell,
    places,
    rk4,
    size,
    slope,
    wall_points,
)

CASES = [pytest.param(name, marks=() if name == "default" else pytest.mark.slow) for name in PROBLEMS]
T = 0.5


def ends(start: np.ndarray, problem: Problem, config: Any, counts: np.ndarray) -> np.ndarray:
    """Return the parameters at T for each number of steps, shape (4, K, N)."""
    runs = [
        train_arrays(start, problem, config(T / n), int(n), events=False, first_change=False) for n in counts
    ]
    return np.stack([np.asarray(run.final) for run in runs], axis=1)


def gd_starts(problem: Problem, n: int = 8, reach: float = 1.0) -> np.ndarray:
    return in_one_cell(problem, lambda y: y - 0.02 * reach * gradient(y, problem), 26, n, 0)


def errors(velocity: Any, start: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """Return for each rate the largest distance from a flow that all rates start at the same place."""
    many = np.broadcast_to(start[:, None, :], reached.shape) if start.ndim == 2 else start
    end = solve(velocity, many, T)
    return np.asarray(np.max(np.abs(end - reached), axis=(0, 2)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_gradient_descent_has_the_orders_one_two_and_three(name: str) -> None:
    problem, counts = PROBLEMS[name], 2 ** np.arange(5, 10)
    start, rates = gd_starts(problem), T / counts
    reached, lr = ends(start, problem, GD, counts), rates[:, None]
    for order in (1, 2, 3):
        found = errors(lambda _, y, order=order: gd_field(y, problem, lr, order), start, reached)
        assert slope(rates, found) == pytest.approx(order, abs=0.05)
    # A wrong second or third term costs an order, so the slopes measure the terms.
    half = errors(
        lambda _, y: 0.5 * (gd_field(y, problem, lr, 2) + gd_field(y, problem, lr, 1)), start, reached
    )
    assert slope(rates, half) == pytest.approx(1.0, abs=0.05)
    wrong = errors(
        lambda _, y: 0.9 * gd_field(y, problem, lr, 3) + 0.1 * gd_field(y, problem, lr, 2), start, reached
    )
    assert slope(rates, wrong) < 2.3


def test_a_sample_has_the_same_orders_within_a_cell() -> None:
    problem, counts = Problem(inputs=grid(4)), 2 ** np.arange(5, 10)
    start, rates = np.array([[1.2], [0.3], [0.8], [-0.6]]), T / counts
    reached = ends(start, problem, GD, counts)
    for order in (1, 2, 3):
        found = errors(lambda _, y, order=order: gd_field(y, problem, rates[:, None], order), start, reached)
        assert slope(rates, found) == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize("name", CASES)
def test_one_step_is_as_close_to_the_flow_as_its_order_says(name: str) -> None:
    problem = PROBLEMS[name]
    theta = np.random.default_rng(1).normal(size=(4, 30_000))
    g, curvature = gradient(theta, problem), np.linalg.norm(hessian(theta, problem), axis=(0, 1))
    nodes = places(problem)
    distance = np.abs(np.stack([*(theta[0] * e + theta[1] for e in nodes), theta[0]]))
    speed = np.abs(np.stack([*(g[0] * e + g[1] for e in nodes), g[0]]))
    reach = np.min(distance / np.maximum(speed, 1e-300), axis=0)
    rate = np.minimum(0.02 * reach, 0.02 / (1.0 + curvature))
    for order in (1, 2, 3):

        def error(lr: np.ndarray, order: int = order) -> np.ndarray:
            flow = rk4(lambda y: gd_field(y, problem, lr, order), theta, lr)
            return np.asarray(np.linalg.norm(theta - lr * g - flow, axis=0))

        whole, part = error(rate), error(0.5 * rate)
        clear = part > 1e-13 * (1.0 + np.linalg.norm(theta, axis=0))
        assert np.mean(clear) > 0.95
        exponents = np.log2(whole[clear] / part[clear])
        assert np.max(np.abs(exponents - (order + 1))) < 0.25


@pytest.mark.parametrize("wall", ["lo", "hi"])
@pytest.mark.parametrize("name", CASES)
def test_a_wall_adds_what_is_stated_to_one_step(name: str, wall: str) -> None:
    problem, n = PROBLEMS[name], 17_000
    at, before, behind = wall_points(problem, wall, n, 2)
    s = np.random.default_rng(3).uniform(0.1, 0.9, n)
    entering = np.asarray(behind[0] != behind[2])
    lost = []
    for rate in (1e-3, 5e-4):

        def velocity(y: np.ndarray, cell: Any, rate: float = rate) -> np.ndarray:
            return np.asarray(gd_field(y, problem, rate, 3, cell=cell))

        # Backwards from the wall, so that the crossing is known: no event has to be located.
        start = rk4(lambda y: velocity(y, before), at, -s * rate)
        flow = rk4(lambda y: velocity(y, behind), at, (1.0 - s) * rate)
        difference = flow - (start - rate * gradient(start, problem))
        gain = np.where(entering, 1.0, -1.0) * wall_defect(at, problem, rate, wall, entering=True)
        lost.append(np.linalg.norm(difference - s * (1.0 - s) * gain, axis=0))
        leading = np.linalg.norm(gain, axis=0) * s * (1.0 - s)
        assert np.median(lost[-1] / leading) < 0.01, "the rest is of the next order"
        assert np.median(leading) > 0.01 * rate**2, "and within a cell there would be no such term"
    for quantile in (0.5, 0.9, 0.99):
        sizes = np.quantile(lost, quantile, axis=1)
        assert np.log2(sizes[0] / sizes[1]) > 2.9


def errors_across(velocity: Any, start: np.ndarray, problem: Problem, wall: str, reached: np.ndarray) -> Any:
    """Return for each rate the largest distance at T from flows of K rates that each start N times."""
    count, n = reached.shape[1:]
    many = np.broadcast_to(start[:, None, :], (4, count, n)) if start.ndim == 2 else start
    end, _, _ = solve_across(velocity, many.reshape(4, -1), problem, wall, T)
    return np.max(np.abs(end.reshape(4, count, n) - reached), axis=(0, 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wall"),
    [
        *(("default", wall) for wall in ("lo", "hi", "teacher")),
        *(("downwards", "hi"), ("leaky", "lo"), ("leaky", "teacher")),
    ],
)
def test_a_crossing_costs_the_third_order_at_an_end_only(name: str, wall: str) -> None:
    problem, counts, last = PROBLEMS[name], 2 ** np.arange(7, 11), 3.0 if wall == "teacher" else 2.0
    start, rates = crossing_starts(problem, wall, T, 16), T / counts
    reached, lr = ends(start, problem, GD, counts), np.repeat(rates, 16)
    for order, expected in ((1, 1.0), (2, 2.0), (3, last)):

        def velocity(y: np.ndarray, cell: Any, order: int = order) -> Any:
            return gd_field(y, problem, lr, order, cell=cell)

        found = errors_across(velocity, start, problem, wall, reached)
        assert slope(rates, found) == pytest.approx(expected, abs=0.12)


@pytest.mark.some(1)
@pytest.mark.parametrize("wall", ["lo", "hi"])
def test_the_error_behind_a_wall_is_the_one_stated(wall: str) -> None:
    problem, rate = PROBLEMS["default"], T / 4096
    start = crossing_starts(problem, wall, T, 24)
    end, times, at = solve_across(
        lambda y, cell: gd_field(y, problem, rate, 3, cell=cell), start, problem, wall, T
    )
    reached = ends(start, problem, GD, np.array([4096]))[:, 0]
    # Whether a start is balanced before the wall; each takes half a step's gain from there to T.
    balanced = (start[0] * float(problem.lo) + start[1]) * (start[0] * float(problem.hi) + start[1]) < 0.0
    gain = np.where(balanced, -1.0, 1.0) * wall_defect(at, problem, rate, wall, entering=True)
    share, left = (times / rate) % 1.0, T - times
    moved = [
        solve(lambda _, y: left * gd_field(y, problem, order=1), at + c * 1e-4 / rate**2 * gain, 1.0)
        for c in (0.0, 1.0)
    ]
    predicted = share * (1.0 - share) * (moved[1] - moved[0]) * rate**2 / 1e-4
    assert size(end - reached - predicted) < 0.02 * size(predicted)
    assert size(end - reached - 2.0 * predicted) > 0.9 * size(predicted)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_heavy_ball_is_late_by_a_time_that_does_not_fade(name: str) -> None:
    problem, mu, counts = PROBLEMS[name], 0.6, 2 ** np.arange(7, 12)
    start, rates = gd_starts(problem, reach=2.5), T / counts
    reached, lr = ends(start, problem, lambda rate: HeavyBall(rate, mu), counts), rates[:, None]
    many = np.broadcast_to(start[:, None, :], reached.shape)

    def flow(order: int) -> Any:
        return lambda _, y: heavy_ball_field(y, problem, lr, mu, order)

    moved = heavy_ball_start(many, problem, lr, mu)
    assert slope(rates, errors(flow(1), start, reached)) == pytest.approx(1.0, abs=0.05)
    assert slope(rates, errors(flow(2), start, reached)) == pytest.approx(1.0, abs=0.05)
    assert slope(rates, errors(flow(2), moved, reached)) == pytest.approx(2.0, abs=0.05)
    # The same delay in time; the flow of order 1 takes no advantage of it.
    late = 1.0 - lr * mu / (1.0 - mu) / T
    assert slope(rates, errors(lambda t, y: late * flow(2)(t, y), start, reached)) == pytest.approx(
        2.0, abs=0.05
    )
    assert slope(rates, errors(flow(1), moved, reached)) == pytest.approx(1.0, abs=0.05)
    # With the buffer full from the start there is no delay.
    full = gradient(start, problem) / (1.0 - mu)
    runs = [heavy_ball(start, problem, T / n, mu, int(n), full) for n in counts]
    assert slope(rates, errors(flow(2), start, np.stack(runs, axis=1))) == pytest.approx(2.0, abs=0.05)


@pytest.mark.slow
def test_heavy_ball_keeps_its_order_behind_a_wall() -> None:
    problem, mu, counts = PROBLEMS["default"], 0.5, 2 ** np.arange(7, 11)
    # The flow is 1/(1 − μ) times as fast, so the path of gradient descent to 2 T is taken in T.
    start, rates = crossing_starts(problem, "lo", T / (1.0 - mu), 8), T / counts
    reached = ends(start, problem, lambda rate: HeavyBall(rate, mu), counts)
    lr = np.repeat(rates, 8)
    many = np.broadcast_to(start[:, None, :], reached.shape)

    def velocity(y: np.ndarray, cell: Any) -> Any:
        return heavy_ball_field(y, problem, lr, mu, 2, cell=cell)

    for begin, expected in ((heavy_ball_start(many, problem, rates[:, None], mu), 2.0), (many, 1.0)):
        found = errors_across(velocity, begin, problem, "lo", reached)
        assert slope(rates, found) == pytest.approx(expected, abs=0.12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["second_term", "third_term", "heavy_ball_term", "correction", "wall_gain"])
def test_a_wrong_formula_fails_the_proof(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = (path for path in script_paths("derivations") if path.stem.endswith("steps_against_flow"))
    module = load_script(path)
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: right(*arguments) / 2)
    assert main(vars(module), ["--latex"]) == 1


def test_arrays_of_any_shape_and_bad_input() -> None:
    assert gd_field(np.zeros((4, 2, 0)), order=3).shape == (4, 2, 0)
    assert gd_field(np.ones((4, 3), np.float32), Problem(), 0.1, 3).dtype == np.float32
    assert heavy_ball_field(Neuron(b1=np.zeros(3)), lr=np.ones((2, 1))).shape == (4, 2, 3)
    assert heavy_ball_start(Neuron(), lr=0.1).shape == (4,)
    assert np.all(np.isfinite(gd_field(np.zeros(4), Problem(), 0.1, 3))), "w1 = b1 = 0"
    on_wall = Neuron(1.0, 1.0, 0.7, np.zeros((2, 3)))
    assert wall_defect(on_wall, Problem(), 0.1, "lo", entering=True).shape == (4, 2, 3)
    dead = np.array([1.0, -2.0, 0.5, 1.25])
    np.testing.assert_allclose(gd_field(dead, Problem(), 0.3, 3), [0, 0, 0, -2.0 * (1 + 0.3 + 0.09 * 4 / 3)])
    for call, words in (
        (lambda: gd_field(Neuron(), order=4), "order: expected 1, 2 or 3"),
        (lambda: heavy_ball_field(Neuron(), order=3), "order: expected 1 or 2"),
        (lambda: heavy_ball_field(Neuron(), momentum=1.0), "momentum: expected"),
        (lambda: wall_defect(Neuron(), Problem(), 0.1, "q", entering=True), "wall: expected lo or hi"),
        (lambda: wall_defect(Neuron(0.0), Problem(), 0.1, "lo", entering=True), "theta: expected neurons"),
        (
            lambda: solve_across(lambda y, _: 0.0 * y, np.ones((4, 1)), Problem(), "lo", 1.0),
            "wall: expected one that",
        ),
        (lambda: solve_across(lambda y, _: y, np.ones((4, 1)), Problem(), "up", 1.0), "wall: expected lo or"),
    ):
        with pytest.raises(ValueError, match=f"^{words}"):
            call()


@pytest.mark.parametrize("b1", [0.5, 1.0], ids=["does not come there", "begins on it"])
def test_a_wall_that_is_not_crossed_is_named(b1: float) -> None:
    start = np.array([[1.0], [b1], [1.0], [-0.3]])
    with pytest.raises(
        ValueError, match=r"^wall: expected one that all trajectories cross before t = 0\.001"
    ):
        solve_across(lambda y, cell: gd_field(y, Problem(), 0.01, 1, cell=cell), start, Problem(), "lo", 1e-3)
