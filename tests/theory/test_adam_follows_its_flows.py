"""Measured orders of Adam against its ODE, the sign flow and its correction; where the last is of no use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import Adam, train_arrays
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron, Problem
from gradflow.theory.adaptive_flows import AdamState, adam_correction_field, adam_field, mean_age, sign_field
from gradflow.theory.solve import solve
from tests.theory.orders import PROBLEMS, adam_inside, in_one_cell, rk4, size, slope

CASES = [pytest.param(name, marks=() if name == "default" else pytest.mark.slow) for name in PROBLEMS]
T = 0.25


def adam_ends(start: np.ndarray, problem: Problem, config: Any, counts: np.ndarray, t: float = T) -> Any:
    runs = [
        train_arrays(start, problem, config(t / n), int(n), events=False, first_change=False) for n in counts
    ]
    return np.stack([np.asarray(run.final) for run in runs], axis=1)


def sign_starts(problem: Problem, n: int = 8) -> np.ndarray:
    """Return starts on whose sign flow no component of the gradient comes near 0."""
    start = in_one_cell(problem, lambda y: y + 0.0125 * sign_field(y, problem, 1e-2), 21, 16 * n, 0)
    kept, y = np.ones(start.shape[1], bool), start
    for _ in range(21):
        kept &= np.min(np.abs(gradient(y, problem)), axis=0) > 0.15
        y = y + 0.0125 * sign_field(y, problem, 1e-2)
    found = start[:, kept][:, :n]
    assert found.shape[1] == n, f"only {found.shape[1]} such starts"
    return found


def ode_end(start: np.ndarray, problem: Problem, a: Any, b: Any, eps: float, t: float = T) -> np.ndarray:
    """Return θ at t by Adam's ODE."""
    state = np.stack([start, 0.0 * start, 0.0 * start])
    return np.asarray(solve(lambda t, y: np.stack(adam_field(y, t, problem, a, b, eps)), state, t)[0])


@pytest.mark.parametrize("eps", [1e-2, 1e-8])
@pytest.mark.parametrize("name", CASES)
def test_adam_follows_its_ode_to_first_order(name: str, eps: float) -> None:
    problem, a, b, counts = PROBLEMS[name], 10.0, 0.1, 2 ** np.arange(6, 11)
    start, rates = sign_starts(problem), T / counts
    reached = adam_ends(start, problem, lambda rate: Adam(rate, 1 - a * rate, 1 - b * rate, eps), counts)

    def errors(a: float, b: float) -> list[float]:
        end = ode_end(start, problem, a, b, eps)
        return [size(end - reached[:, i]) for i in range(counts.size)]

    assert slope(rates, errors(a, b)) == pytest.approx(1.0, abs=0.05)
    # Another memory is another limit: the error stays.
    assert abs(slope(rates, errors(2.0 * a, b))) < 0.3


def test_adam_follows_its_ode_through_a_wall() -> None:
    problem, a, b, eps, counts = PROBLEMS["default"], 10.0, 0.1, 1e-2, 2 ** np.arange(6, 11)
    start = np.array([1.0, 0.8, 0.9, -1.0])
    reached = adam_ends(start, problem, lambda rate: Adam(rate, 1 - a * rate, 1 - b * rate, eps), counts, 1.0)
    assert start[1] - start[0] < 0.0 < np.min(reached[1] - reached[0]), "balanced, then hyperactive"
    end = ode_end(start, problem, a, b, eps, 1.0)
    found = [size(end - reached[:, i]) for i in range(counts.size)]
    assert slope(1.0 / counts, found) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_sign_flow_is_that_of_its_statement(name: str) -> None:
    start = sign_starts(PROBLEMS[name])
    g = np.asarray(gradient(start, PROBLEMS[name]))
    expected = {False: -g / (np.abs(g) + 0.3), True: -g / np.sqrt(g**2 + 0.3)}
    for inside, velocity in expected.items():
        np.testing.assert_allclose(
            sign_field(start, PROBLEMS[name], 0.3, inside=inside), velocity, rtol=1e-14
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "inside"), [("default", True), ("default", False), ("downwards", True), ("leaky", False)]
)
def test_adam_with_a_short_memory_follows_the_corrected_sign_flow(name: str, inside: bool) -> None:
    problem, betas, eps, counts = PROBLEMS[name], (0.8, 0.9), 1e-2, 2 ** np.arange(9, 13)
    start, rates = sign_starts(problem), T / counts
    if inside:
        runs = [adam_inside(start, problem, T / n, betas, eps, int(n)) for n in counts]
        reached = np.stack(runs, axis=1)
    else:
        reached = adam_ends(start, problem, lambda rate: Adam(rate, *betas, eps), counts)
    many, lr = np.broadcast_to(start[:, None, :], reached.shape), rates[:, None]

    def order(velocity: Any) -> float:
        end = solve(lambda _, y: velocity(y), many, T)
        return slope(rates, np.max(np.abs(end - reached), axis=(0, 2)))

    def corrected(y: Any) -> Any:
        return adam_correction_field(y, problem, lr, *betas, eps, inside=inside)

    assert order(lambda y: sign_field(y, problem, eps, inside=inside)) == pytest.approx(1.0, abs=0.06)
    assert order(corrected) == pytest.approx(2.0, abs=0.1)
    # Nine tenths of the correction are not enough.
    assert order(lambda y: 0.9 * corrected(y) + 0.1 * sign_field(y, problem, eps, inside=inside)) < 1.6


@pytest.mark.slow
def test_ages_of_the_transient_make_the_error_smaller() -> None:
    problem, betas, eps, n = PROBLEMS["default"], (0.8, 0.95), 1e-2, 128
    start = sign_starts(problem)
    reached = adam_inside(start, problem, T / n, betas, eps, n)
    ends = []
    for known in (True, False):
        y = start
        for k in range(n):
            step = k if known else None
            y = rk4(
                lambda y, step=step: adam_correction_field(  # type: ignore[misc]
                    y, problem, T / n, *betas, eps, step=step, inside=True
                ),
                y, T / n,
            )  # fmt: skip
        ends.append(size(y - reached))
    assert ends[0] < 0.5 * ends[1]


@pytest.mark.slow
def test_at_the_default_memory_the_correction_is_worse_than_none() -> None:
    problem, start = PROBLEMS["default"], np.array([1.5, 0.6, -1.5, -1.5])
    t, rate = 0.5, 0.01
    reached = np.asarray(train_arrays(start, problem, Adam(rate), 50, events=False).final)
    sign = size(solve(lambda _, y: sign_field(y, problem), start, t) - reached)
    corrected = size(solve(lambda _, y: adam_correction_field(y, problem, rate), start, t) - reached)
    ode = size(ode_end(start, problem, 0.1 / rate, 0.001 / rate, 1e-8, t) - reached)
    assert ode < 0.1 * sign < 0.1 * 0.1 * corrected
    # With η small against 1 − β2 it is the other way round.
    rate = 4e-5
    reached = np.asarray(
        train_arrays(start, problem, Adam(rate), 12_500, events=False, first_change=False).final
    )
    sign = size(solve(lambda _, y: sign_field(y, problem), start, t) - reached)
    corrected = size(solve(lambda _, y: adam_correction_field(y, problem, rate), start, t) - reached)
    assert corrected < 0.2 * sign


def test_mean_ages_are_those_of_the_weights() -> None:
    for beta in (0.0, 0.5, 0.9, 0.999):
        for step in (0, 1, 7, 300):
            weights = beta ** np.arange(step + 1.0)
            found = float(mean_age(beta, step))
            assert found == pytest.approx(weights @ np.arange(step + 1.0) / np.sum(weights), abs=1e-9)
        assert mean_age(beta, 10**6) == pytest.approx(beta / (1.0 - beta), rel=1e-12)


@pytest.mark.parametrize("n", [6000, pytest.param(30_000, marks=pytest.mark.slow)])
def test_one_step_of_a_stationary_memory_is_the_corrected_flow(n: int) -> None:
    # The history θ_(k−i) is put on the flow itself, so the claim is checked for one step.
    problem, beta1, beta2, eps = PROBLEMS["downwards"], 0.3, 0.4, 1e-2
    theta = np.random.default_rng(5).normal(size=(4, n))
    g = gradient(theta, problem)
    mild = (np.min(np.abs(theta[:1]), axis=0) > 0.3) & (np.max(np.abs(g), axis=0) < 10.0)
    for node in (-0.7, 0.375, 2.3):
        mild &= np.abs(theta[0] * node + theta[1]) > 0.1
    theta = theta[:, mild]
    lost = []
    for rate in (2e-4, 1e-4):

        def flow(y: np.ndarray, rate: float = rate) -> Any:
            return adam_correction_field(y, problem, rate, beta1, beta2, eps, inside=True)

        m = v = 0.0 * theta
        past = theta
        for i in range(30):
            g = gradient(past, problem)
            m = m + (1.0 - beta1) * beta1**i * g
            v = v + (1.0 - beta2) * beta2**i * g * g
            past = rk4(flow, past, -rate)
        step = -rate * m / np.sqrt(v + eps)
        lost.append(np.max(np.abs(theta + step - rk4(flow, theta, rate)), axis=0))
    assert theta.shape[1] > 0.4 * n
    for quantile in (0.5, 0.9, 0.99):
        sizes = np.quantile(lost, quantile, axis=1)
        assert np.log2(sizes[0] / sizes[1]) == pytest.approx(3.0, abs=0.05)


def test_arrays_of_any_shape_and_bad_input() -> None:
    empty = np.zeros((4, 2, 0))
    assert adam_field(AdamState(empty, empty, empty), 0.5).theta.shape == (4, 2, 0)
    assert sign_field(Neuron(b1=np.zeros((2, 3)))).shape == (4, 2, 3)
    assert adam_correction_field(Neuron(), lr=np.ones(3)).shape == (4, 3)
    assert sign_field(np.ones((4, 3), np.float32)).dtype == np.float32
    dead = np.array([1.0, -2.0, 0.5, 1.25])
    np.testing.assert_array_equal(sign_field(dead, eps=0.0), [0.0, 0.0, 0.0, -1.0])
    zero = np.zeros(4)
    np.testing.assert_array_equal(adam_field((dead, zero, zero), 0.0, eps=0.0).theta, [0.0, 0.0, 0.0, -1.0])
    g = gradient(np.ones(4))
    start = adam_field((np.ones(4), zero, zero), 0.0, Problem(), 10.0, 0.1, 0.5)
    np.testing.assert_allclose(start.theta, -g / (np.abs(g) + 0.5))
    near = adam_field((np.ones(4), 10.0 * 1e-9 * g, 0.1 * 1e-9 * g * g), 1e-9, Problem(), 10.0, 0.1, 0.5)
    np.testing.assert_allclose(near.theta, start.theta, rtol=1e-7)
    for call, words in (
        (lambda: adam_field((zero, zero, zero), -1.0), "t: expected"),
        (lambda: adam_field((zero, zero, zero), 0.0, a=0.0), "a: expected"),
        (lambda: adam_field((zero, zero, zero), 0.0, b=np.nan), "b: must be finite"),
        (lambda: sign_field(zero, eps=-1.0), "eps: expected a number >= 0"),
        (lambda: adam_correction_field(zero, eps=0.0), "eps: expected a positive"),
        (lambda: adam_correction_field(zero, beta2=1.0), "beta2: expected"),
        (lambda: adam_correction_field(zero, step=-1), "step: expected"),
    ):
        with pytest.raises(ValueError, match=f"^{words}"):
            call()
