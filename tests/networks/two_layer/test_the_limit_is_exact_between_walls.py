"""The ε → 0 limit equals 50-digit arithmetic, SciPy's integrator with events, and steps as they shrink."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.networks.two_layer.data import Dataset, cone, equiangular, in_plane, toy_plane
from gradflow.networks.two_layer.limit import TURN, LimitPath, limit_flow, state_at
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, balanced, gaussian
from gradflow.networks.two_layer.patterns import ACTIVE, SLIDING
from tests.networks.two_layer.limits import exactly, mixed, pulls, stepped


def compare(path: LimitPath, objective: Objective) -> tuple[float, int, int]:
    """Return the largest error of times, states and log-norms, how many neurons slid, and how many events."""
    worst, slid, events = 0.0, 0, 0
    for j in range(path.times.shape[0]):
        # From the very state the path starts from, so that only its motion is judged.
        exact = exactly(path.weights[j, 0], _output(path, j), objective)
        count = len(exact.times)
        slid += any(2 in pattern for pattern in exact.patterns)
        events += count - 1
        assert (exact.open and count <= path.events[j]) or count == path.events[j] + 1
        for k in range(count):
            w = np.array([float(entry) for entry in exact.weights[k]])
            v = float(exact.outputs[k])
            size = np.sqrt(w @ w + v * v)
            time = float(exact.times[k])
            scale = float(path.log_scale[j, k] - path.log_scale[j, 0])
            errors = [
                abs(path.times[j, k] - time) / max(time, 1.0),
                float(np.max(np.abs(path.weights[j, k] - w / size))),
                abs(path.outputs[j, k] - v / size),
                abs(scale - np.log(size)) / max(1.0, abs(scale)),
            ]
            worst = max(worst, *errors)
            assert np.array_equal(path.patterns[j, k], exact.patterns[k])
    return worst, slid, events


def only(path: LimitPath, j: int) -> LimitPath:
    arrays = {name: field[j : j + 1] for name, field in path._asdict().items() if name != "t_end"}
    return path._replace(**arrays)


def _output(path: LimitPath, j: int) -> Any:
    """Return v(0); of a balanced neuron to 50 digits, as √½ is no float64."""
    w, v = path.weights[j, 0], float(path.outputs[j, 0])
    if abs(v * v - float(w @ w)) > 1e-15:
        return mpmath.mpf(v)
    with mpmath.workdps(50):
        return mpmath.sign(v) * mpmath.norm(mpmath.matrix([mpmath.mpf(float(entry)) for entry in w]))


SETS = [
    toy_plane(),
    in_plane([0.0, 40.0], [200.0, 160.0, 100.0], "sliding in the plane"),
    equiangular(6, 0.2),
    cone(8, 0.05, 4, seed=3),
    replace(cone(8, -0.4, 4, seed=4), name="sliding at some"),
    replace(mixed(8, 5, 5), name="sliding"),
    replace(mixed(7, 3, 2), name="sliding into death"),
]


@pytest.mark.parametrize("data", SETS, ids=lambda data: data.name)
@pytest.mark.parametrize("start", [balanced, gaussian])
def test_events_are_those_of_fifty_digits(data: Dataset, start: Any) -> None:
    objective = Objective(data)
    network = start(12, data.dimension, -500.0, seed=7)
    worst, slid, events = compare(limit_flow(network, objective), objective)
    assert events > 0
    assert (slid > 0) == data.name.startswith("sliding")
    assert worst < 2e-13


def test_unbalanced_neurons_pass_v_equal_zero_as_fifty_digits_do() -> None:
    objective = Objective(cone(8, 0.05, 4, seed=3))
    network = gaussian(40, 4, 0.0, seed=1)
    path = limit_flow(network, objective)
    turns = np.sum(path.kinds == TURN, axis=1)
    assert np.max(turns) == 1
    assert np.sum(turns) > 4
    assert compare(path, objective)[0] < 2e-13


def test_a_neuron_almost_antiparallel_to_its_pull_keeps_its_digits() -> None:
    # cosh τ grows to 1e8 before the wall: P² + V² and what is left of it would lose all digits.
    objective = Objective(in_plane([0.0, 20.0], []))
    angles = np.radians(10.0) + np.array([1e-8, -1e-8, 1e-4, -1e-4])
    weights = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    network = TwoLayer(weights, -np.ones(4), np.zeros(4))
    path = limit_flow(network, objective)
    assert np.all(path.events >= 1)
    for j in range(4):
        exact = exactly(path.weights[j, 0], _output(path, j), objective)
        # The angle itself is known to 1e-16 only: a relative error 1e-8 of it, and so of e^τ.
        assert path.times[j, 1] == pytest.approx(
            float(exact.times[1]), abs=1e-15 / abs(angles[j] - np.radians(10))
        )


@pytest.mark.parametrize("seed", range(3))
def test_scipy_with_events_finds_the_same_crossings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = in_plane(rng.uniform(-20.0, 20.0, 3), rng.uniform(120.0, 160.0, 3))
    objective = Objective(data)
    x, g = data.inputs, pulls(objective)
    network = gaussian(6, 2, 0.0, seed=seed) if seed else balanced(6, 2, 0.0, seed=seed)
    path = limit_flow(network, objective)
    for j in range(6):
        state = np.append(path.weights[j, 0], path.outputs[j, 0]) * np.exp(path.log_scale[j, 0])
        time = 0.0
        active = x @ state[:2] > 0.0
        for k in range(1, path.events[j] + 1):
            force = np.where(active, g, 0.0) @ x

            def field(_: float, y: np.ndarray, force: np.ndarray = force) -> np.ndarray:
                return np.append(y[2] * force, y[:2] @ force)

            def event(_: float, y: np.ndarray, j: int = j, k: int = k) -> float:
                return float(y[2] if path.kinds[j, k] == TURN else x[path.data[j, k]] @ y[:2])

            end = float(path.times[j, k])
            solution = solve_ivp(
                field, (time, end + 0.1), state, method="DOP853", rtol=1e-12, atol=1e-14, events=event
            )
            found = solution.t_events[0]
            found = found[np.argmin(np.abs(found - end))]
            assert found == pytest.approx(end, rel=1e-9, abs=1e-10)
            state = solve_ivp(field, (time, end), state, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
            others = np.arange(data.n) != path.data[j, k]
            # Nothing else was crossed on the way.
            assert np.array_equal((x @ state[:2] > 0.0)[others], active[others])
            assert np.all(np.sign(x @ state[:2])[others] == np.where(active, 1.0, -1.0)[others])
            active = path.patterns[j, k] == ACTIVE
            time = end


@pytest.mark.parametrize(("data", "slides"), [(cone(8, 0.05, 4, seed=3), False), (mixed(10, 3, 2), True)])
def test_steps_tend_to_the_limit_in_proportion_to_their_size(data: Dataset, slides: bool) -> None:
    objective = Objective(data)
    network = gaussian(30, data.dimension, 0.0, seed=2)
    path = limit_flow(network, objective)
    assert bool(np.any(path.patterns == SLIDING)) == slides
    t_end = 0.6
    limit = state_at(path, t_end)
    radius = np.exp(limit.log_scale)
    scale = np.exp(network.log_scale)
    errors = []
    for steps in (4000, 16000):
        w, v = stepped(network.weights * scale[:, None], network.outputs * scale, objective, t_end, steps)
        off = np.abs(w - limit.weights * radius[:, None]).max(axis=1) + np.abs(v - limit.outputs * radius)
        errors.append(off / radius)
    assert np.all(errors[1] < 1e-3)
    assert np.max(errors[1]) < 0.4 * np.max(errors[0])


def test_the_state_at_a_time_joins_the_events() -> None:
    for data in SETS:
        path = limit_flow(gaussian(8, data.dimension, -700.0, seed=3), Objective(data))
        for j in range(8):
            for k in range(1, path.events[j] + 1):
                one = only(path, j)
                before = state_at(one, float(np.nextafter(path.times[j, k], 0.0)))
                after = state_at(one, float(path.times[j, k]))
                np.testing.assert_allclose(before.weights, after.weights, atol=1e-12)
                np.testing.assert_allclose(before.outputs, after.outputs, atol=1e-12)
                np.testing.assert_allclose(before.log_scale, after.log_scale, atol=1e-12)


def test_states_stay_finite_however_late() -> None:
    data = SETS[-1]
    path = limit_flow(gaussian(8, data.dimension, -700.0, seed=3), Objective(data))
    late = state_at(path, 1e9)
    assert all(np.all(np.isfinite(part)) for part in late)
    np.testing.assert_allclose(np.sum(late.weights**2, axis=1) + late.outputs**2, 1.0, rtol=1e-14)
