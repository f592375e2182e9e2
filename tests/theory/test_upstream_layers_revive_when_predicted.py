"""A hunt for dead neurons that a learning upstream layer brings back at another time than predicted."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.theory.steps import NEVER
from gradflow.theory.upstream import (
    Network,
    Task,
    earliest_revival,
    gradient,
    limit,
    path,
    preactivation,
    revival_steps,
    revival_time,
    sample_task,
)


class Blocks(NamedTuple):
    """Inputs uniform on [edge 0, edge 1] with the first mass, and on [edge 1, edge 2] with the second."""

    edges: np.ndarray
    mass: tuple[float, float] = (0.25, 0.75)


# Mean 0, variance 1, not symmetric: on [−3, 0] with the mass 1/4, on [0, 1] with 3/4; and three such inputs.
POPULATION = Blocks(np.array([-3.0, 0.0, 1.0]))
SAMPLE = np.array([-3.0, 1.0, 2.0]) / np.sqrt(14.0 / 3.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(3)
Field = Callable[[np.ndarray], np.ndarray]


def teacher(g: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.asarray(g[0] + g[1] * u + g[2] * u * u)


def cases(n: int, seed: int, ends: tuple[float, float] = (-3.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
    """Return dead networks (6, m), and quadratic teachers (3, m)."""
    rng = np.random.default_rng(seed)
    theta, g = 1.3 * rng.normal(size=(6, 5 * n)), rng.normal(size=(3, 5 * n))
    dead = highest(theta, ends) <= 0.0
    assert np.sum(dead) > n // 2
    return theta[:, dead][:, :n], g[:, dead][:, :n]


def highest(theta: np.ndarray, inputs: tuple[float, ...] | np.ndarray) -> np.ndarray:
    """Return the largest pre-activation at some inputs."""
    return np.asarray(np.max([theta[2] * (theta[0] * u + theta[1]) + theta[3] for u in inputs], axis=0))


def predicted(theta: np.ndarray, g: np.ndarray, inputs: Blocks | np.ndarray) -> tuple[Network, Task]:
    """Return the network, and the task with the moments of the inputs as they are."""
    slope = mean(inputs, lambda u: u * teacher(g, u))
    level = mean(inputs, lambda u: teacher(g, u))
    ends = inputs.edges if isinstance(inputs, Blocks) else inputs
    return Network(*theta[:6]), Task(np.min(ends), np.max(ends), slope, level)


def mean(inputs: Blocks | np.ndarray, function: Callable[..., np.ndarray]) -> np.ndarray:
    if not isinstance(inputs, Blocks):
        return np.asarray(np.mean([function(u) for u in inputs], axis=0))
    return over(inputs, function, -np.inf, np.inf)


def over(
    inputs: Blocks, function: Callable[..., np.ndarray], left: np.ndarray | float, right: np.ndarray | float
) -> np.ndarray:
    """Return the integral of a polynomial of degree ≤ 5 over the part of the inputs from left to right."""
    total = np.asarray(0.0)
    for lo, hi, mass in zip(inputs.edges[:-1], inputs.edges[1:], inputs.mass, strict=True):
        a, b = np.clip(left, lo, hi), np.clip(right, lo, hi)
        half = 0.5 * (b - a)
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            total = total + mass / (hi - lo) * half * weight * function(0.5 * (a + b) + half * node)
    return np.asarray(total)


def field(theta: np.ndarray, g: np.ndarray, inputs: Blocks | np.ndarray, bias: float = 0.0) -> np.ndarray:
    """Return −∇L of the whole network, written out with NumPy and nothing of the package.

    With `bias` there is a seventh parameter, an output bias that moves.
    """
    a, c, w1, b1, w2, d = theta[:6]
    rest = theta[6] if bias else 0.0

    def idle(u: np.ndarray) -> np.ndarray:
        x = a * u + c
        r, no = d * x + rest - teacher(g, u), 0.0 * x
        return np.stack([d * r * u, d * r, no, no, no, x * r, r])

    def active(u: np.ndarray) -> np.ndarray:
        x = a * u + c
        z = w1 * x + b1
        more = w2 * z
        r = d * x + rest + more - teacher(g, u)
        of_x = d * more + r * w2 * w1
        return np.stack([of_x * u, of_x, r * w2 * x, r * w2, r * z, x * more, more])

    if isinstance(inputs, Blocks):
        slope = w1 * a
        safe = np.where(slope == 0.0, 1.0, slope)
        kink = np.where(slope == 0.0, np.where(w1 * c + b1 > 0.0, -np.inf, np.inf), -(w1 * c + b1) / safe)
        on = over(inputs, active, np.where(slope < 0.0, -np.inf, kink), np.where(slope < 0.0, kink, np.inf))
    else:
        on = np.mean([np.where(w1 * (a * u + c) + b1 > 0.0, active(u), 0.0) for u in inputs], axis=0)
    return np.asarray(-2.0 * (mean(inputs, idle) + on)[: 7 if bias else 6])


def first_return(
    theta: np.ndarray, move: Field, step: float, t_end: float, inputs: Blocks | np.ndarray
) -> np.ndarray:
    """Return the time after which a Runge–Kutta integration finds z > 0, ∞ if it does not until `t_end`."""
    found = np.full(theta.shape[1], np.inf)
    ends = inputs.edges if isinstance(inputs, Blocks) else inputs
    for k in range(1, round(t_end / step) + 1):
        k1 = move(theta)
        k2 = move(theta + step / 2 * k1)
        k3 = move(theta + step / 2 * k2)
        k4 = move(theta + step * k3)
        theta = theta + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        found = np.where(np.isinf(found) & (highest(theta, ends) > 0.0), k * step, found)
    return found


def wrong(found: np.ndarray, time: np.ndarray, step: float, t_end: float) -> np.ndarray:
    """Return which were found at another step than the predicted time's.

    Within 1e-6 of a step either is right.
    """
    early = np.isfinite(found) & (time < found - step - 1e-6)
    late = np.where(np.isinf(found), time < t_end - step, time > found + 1e-6)
    return np.asarray(early | late)


def hunt(n: int, seed: int, step: float, t_end: float) -> None:
    theta, g = cases(n, seed)
    time = revival_time(*predicted(theta, g, POPULATION))
    found = first_return(theta, lambda y: field(y, g, POPULATION), step, t_end, POPULATION)
    assert not np.any(np.isnan(time))
    bad = np.flatnonzero(wrong(found, time, step, t_end))
    assert bad.size < n // 50
    # Some are pushed back to their wall at once: finer steps see them.
    for _ in range(3):
        step /= 10.0
        last = min(t_end, float(np.max(time[bad], initial=0.0)) + 2.0 * step)
        its = functools.partial(field, g=g[:, bad], inputs=POPULATION)
        again = first_return(theta[:, bad], its, step, last, POPULATION)
        bad = bad[wrong(again, time[bad], step, last)]
    assert not bad.size, (theta[:, bad], g[:, bad], time[bad])
    assert np.sum(np.isfinite(found)) > n // 10
    assert np.sum(np.isinf(time)) > n // 10
    # Trajectories that first move away from their wall are among those that come back.
    ends = POPULATION.edges
    away = highest(theta + 1e-3 * field(theta, g, POPULATION), ends) < highest(theta, ends)
    assert np.sum(away & np.isfinite(time)) > n // 200


def test_the_whole_network_comes_back_when_predicted() -> None:
    hunt(1_000, 0, 0.01, 2.0)


@pytest.mark.slow
def test_the_whole_network_comes_back_when_predicted_in_many() -> None:
    hunt(12_000, 1, 0.005, 4.0)


def test_the_wall_is_reached_then_and_not_before() -> None:
    theta, g = cases(200, 2)
    time = revival_time(*predicted(theta, g, POPULATION))
    soon = np.flatnonzero(time < 5.0)[:10]
    assert soon.size == 10
    for i in soon:
        run = solve_ivp(
            lambda _, y, target: field(y, target, POPULATION),
            (0.0, time[i]),
            theta[:, i],
            method="DOP853",
            t_eval=np.linspace(0.0, time[i], 101),
            args=(g[:, i],),
            rtol=1e-12,
            atol=1e-13,
        )
        z = highest(run.y, POPULATION.edges)
        assert abs(z[-1]) < 1e-9
        assert np.all(z[:-1] < 0.0)


@pytest.mark.parametrize("broken", ["variance", "mean", "output bias", "atoms"])
def test_without_the_hypotheses_the_time_is_another(broken: str) -> None:
    inputs: Blocks | np.ndarray = POPULATION
    if broken == "atoms":
        # The field jumps where an input of positive weight is activated, and may push it back at once.
        inputs = SAMPLE
    elif broken == "variance":
        inputs = Blocks(0.6 * POPULATION.edges)
    elif broken == "mean":
        inputs = Blocks(POPULATION.edges + 0.5)
    ends = inputs.edges if isinstance(inputs, Blocks) else inputs
    theta, g = cases(400, 3, (float(np.min(ends)), float(np.max(ends))))
    bias = 1.0 if broken == "output bias" else 0.0
    if bias:
        theta = np.concatenate([theta, np.zeros((1, theta.shape[1]))])
    time = revival_time(*predicted(theta, g, inputs))
    found = first_return(theta, lambda y: field(y, g, inputs, bias), 0.01, 2.0, inputs)
    assert np.mean(wrong(found, time, 0.01, 2.0)) > 0.02


def test_a_neuron_whose_inputs_all_cross_at_once_is_held_at_its_wall() -> None:
    # Derivation 18 (4) without a ≠ 0: the time is that of the wall, and no return.
    network, task = Network(0.0, 0.0, 1.0, -0.3, -2.0, 1.0), Task(slope=0.0, level=1.0)
    u = np.linspace(-np.sqrt(3.0), np.sqrt(3.0), 101)
    u /= np.sqrt(np.mean(u * u))
    wall = float(revival_time(network, task))
    assert wall == pytest.approx(0.176, abs=1e-3)
    highest_seen = []
    for rate in (1e-3, 1e-4):
        theta, tops, active = np.array(network), [], []
        for _ in range(round((wall + 0.1) / rate)):
            theta = theta - rate * gradient(Network(*theta), u, np.ones_like(u))
            z = theta[2] * theta[1] + theta[3]
            assert theta[0] == pytest.approx(0.0, abs=1e-12)
            tops.append(z)
            active.append(z > 0.0)
        first = int(np.argmax(active))
        assert first * rate == pytest.approx(wall, abs=2.0 * rate)
        assert 0.1 < np.mean(active[first:]) < 0.5, "dead and active take turns"
        highest_seen.append(max(tops))
    assert highest_seen[0] == pytest.approx(10.0 * highest_seen[1], rel=0.5), "it is a matter of the step"
    assert highest_seen[1] < 1e-3


def test_none_comes_back_before_the_earliest_time() -> None:
    theta, g = cases(3_000, 4)
    network, task = predicted(theta, g, POPULATION)
    time, earliest = revival_time(network, task), earliest_revival(network, task)
    assert np.all(earliest <= time * (1.0 + 1e-12))
    near = np.isfinite(time)
    assert np.max(earliest[near] / time[near]) > 0.5, "the bound is close somewhere"


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.4, 1.0])
def test_training_comes_back_at_the_step_of_the_reduced_one(rate: float) -> None:
    theta, g = cases(1500, 5, (SAMPLE[0], SAMPLE[-1]))
    steps = revival_steps(*predicted(theta, g, SAMPLE), rate, 300)
    found = np.full(theta.shape[1], NEVER)
    with np.errstate(all="ignore"):
        for k in range(1, 301):
            theta = theta + rate * field(theta, g, SAMPLE)
            found = np.where((found == NEVER) & (highest(theta, SAMPLE) > 0.0), k, found)
    assert np.mean(steps != found) < 2e-3, "but for rounding at a wall and in chaos they agree"
    assert min(np.sum(steps == NEVER), np.sum(steps > 0)) > 15


def test_small_rates_come_back_at_the_flows_time() -> None:
    theta, g = cases(1500, 6)
    network, task = predicted(theta, g, POPULATION)
    time, horizon, apart = revival_time(network, task), 3.0, []
    for rate in (0.02, 0.01, 0.005):
        steps = revival_steps(network, task, rate, round(horizon / rate))
        clear = np.abs(time - horizon) > 0.2
        differ = clear & ((steps > 0) != (time < horizon))
        both = (steps > 0) & (time < horizon - 0.2)
        apart.append(float(np.median(np.abs(rate * steps[both] - time[both]))))
        assert np.mean(differ) < 0.5 * rate, "those that graze their wall"
    # To first order in the rate.
    assert 1.6 < apart[0] / apart[1] < 2.4
    assert 1.6 < apart[1] / apart[2] < 2.4


def test_what_moves_nothing_never_comes_back() -> None:
    rng = np.random.default_rng(7)
    w1, b1 = rng.normal(size=100), -10.0 - rng.exponential(size=100)
    learned = Network(a=0.5, c=3**0.5 / 4, w1=w1, b1=b1, d=1.0)
    assert np.all(revival_time(learned, Task()) == np.inf)
    assert np.all(earliest_revival(learned, Task()) == np.inf)
    assert np.all(revival_steps(learned, Task(), 0.1, 50) == NEVER)
    still = Network(a=0.0, c=0.0, w1=w1, b1=b1, d=0.0)
    assert np.all(revival_time(still, Task()) == np.inf)
    assert np.all(revival_time(Network(w1=0.0, b1=-1.0), Task()) == np.inf)


def test_a_target_that_is_zero() -> None:
    # |v|, |d| fade together, as 1/√t: b1 > 0 decides in the end, at w1 x = −b1.
    network = Network(a=0.0, c=2.0, w1=-1.0, b1=1.0, d=2.0)
    task = Task(slope=0.0, level=0.0)
    # x² obeys (x²)' = −4 x⁴: 1/x² = 1/4 + 4t.
    assert revival_time(network, task) == pytest.approx((1.0 - 0.25) / 4.0, rel=1e-12)
    assert revival_time(network._replace(b1=-1.0), task) == np.inf


def test_those_that_are_not_dead_are_told() -> None:
    network = Network(b1=np.array([-1.0, 1.0, np.nan]))
    assert preactivation(network)[1] > 0.0
    assert revival_time(network).tolist()[1] == 0.0
    assert np.isnan(revival_time(network)).tolist() == [False, False, True]
    assert earliest_revival(network)[1] == 0.0
    assert revival_steps(network, Task(), 0.1, 5)[1] == 0


def test_arrays_of_any_shape() -> None:
    assert revival_time(Network(b1=np.full((2, 0), -9.0))).shape == (2, 0)
    assert revival_time(Network(b1=-9.0)).shape == ()
    assert revival_time(Network(b1=np.full((3, 1), -9.0), d=np.ones(4))).shape == (3, 4)
    assert revival_time(Network(b1=np.float32(-9.0))).dtype == np.float64
    assert revival_steps(Network(b1=-9.0), Task(), np.full((2, 3), 0.1), 5).shape == (2, 3)


@pytest.mark.slow
def test_the_largest_and_smallest_raise_no_warning() -> None:
    values = np.array([0.0, 1e-300, 1.0, -3.0, 1e50, -1e50])
    network = Network(*np.random.default_rng(7).choice(values, size=(6, 500)))
    found = (earliest_revival(network), *limit(network), *path(network, Task(), 1e300))
    assert all(np.shape(value) == (500,) for value in found)
    time = revival_time(Network(*(np.asarray(value)[:40] for value in network)))
    assert np.all(np.isnan(time) | (time >= 0.0))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"^rate: expected a finite number >= 0, got -1"):
        revival_steps(Network(), Task(), -1.0)
    allowed = r"expected a number between -1e\+50 and 1e\+50, got"
    for call, name in (
        (lambda: revival_time(Network(a=np.inf)), "a"),
        (lambda: revival_time(Network(w1=[1.0, 1e200])), "w1"),
        (lambda: earliest_revival(Network(b1=-1e200)), "b1"),
        (lambda: revival_steps(Network(c=-np.inf), Task(), 0.1), "c"),
        (lambda: limit(Network(d=1e51)), "d"),
        (lambda: path(Network(), Task(level=np.inf), 1.0), "level"),
    ):
        with pytest.raises(ValueError, match=f"^{name}: {allowed}"):
            call()
    for t in (-1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"^t: expected a finite number >= 0, got"):
            path(Network(), Task(), t)
    assert np.isnan(revival_time(Network(a=np.nan)))
    with pytest.raises(ValueError, match=r"^u: expected mean 0 and variance 1 to 1e-13, got 0 and 0.666"):
        sample_task(np.array([-1.0, 0.0, 1.0]), np.zeros(3))
    with pytest.raises(ValueError, match=r"^targets: expected one for each input"):
        sample_task(np.array([-1.0, 1.0]), np.zeros(3))
    assert sample_task(np.array([-1.0, 1.0]), np.array([0.0, 2.0])) == Task(-1.0, 1.0, 1.0, 1.0)
