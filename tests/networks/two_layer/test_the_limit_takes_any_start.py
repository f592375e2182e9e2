"""The ε → 0 limit: one of everything, walls at the start, nothing at all, ties, types, batches, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.networks.two_layer.data import Dataset, cone, digits_data, equiangular, in_plane
from gradflow.networks.two_layer.limit import entry_times, final_directions, limit_flow, state_at
from gradflow.networks.two_layer.losses import SQUARED, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced, gaussian
from gradflow.networks.two_layer.patterns import ACTIVE, INACTIVE, SLIDING
from gradflow.networks.two_layer.status import DEAD, REACHED, SETTLED, TOO_MANY_EVENTS
from tests.networks.two_layer.limits import mixed, stepped


def network(weights: object, outputs: object) -> TwoLayer:
    return as_network(np.array(weights, dtype=float), np.array(outputs, dtype=float))


def line(labels: list[float], inputs: list[float]) -> Objective:
    return Objective(Dataset(np.array(inputs)[:, None], np.array(labels)))


def test_one_neuron_on_one_datum_moves_as_its_hyperbola() -> None:
    # x = 2, y = 1, w = 0.3, v = 0.5: (w, v) turn at the rate 2.
    path = limit_flow(network([[0.3]], [0.5]), line([1.0], [2.0]))
    assert path.status.tolist() == [SETTLED]
    assert path.events.tolist() == [0]
    state = state_at(path, 0.7)
    w = 0.3 * math.cosh(1.4) + 0.5 * math.sinh(1.4)
    v = 0.3 * math.sinh(1.4) + 0.5 * math.cosh(1.4)
    assert float(state.weights[0, 0] * np.exp(state.log_scale[0])) == pytest.approx(w, rel=1e-14)
    assert float(state.outputs[0] * np.exp(state.log_scale[0])) == pytest.approx(v, rel=1e-14)
    assert final_directions(path).rates.tolist() == [2.0]


def test_on_a_line_a_balanced_neuron_against_its_datum_shrinks_for_ever() -> None:
    path = limit_flow(network([[0.5]], [0.5]), line([-1.0], [1.0]))
    assert path.status.tolist() == [SETTLED]
    assert final_directions(path).rates.tolist() == [-1.0]
    late = state_at(path, 2000.0)
    assert float(late.log_scale[0]) == pytest.approx(math.log(math.sqrt(0.5)) - 2000.0)
    np.testing.assert_allclose(late.weights[0], [math.sqrt(0.5)])
    # v larger: w reaches 0 after atanh(w/v), and the neuron is dead; v smaller: v does, after atanh(v/w).
    path = limit_flow(network([[0.3], [0.5]], [0.5, 0.3]), line([-1.0], [1.0]))
    np.testing.assert_allclose(path.times[:, 1], math.atanh(0.6), rtol=1e-15)
    assert path.status.tolist() == [DEAD, SETTLED]
    assert path.kinds[:, 1].tolist() == [1, 2]
    # With a datum on the other side it passes through w = 0.
    path = limit_flow(network([[0.3]], [0.5]), line([-1.0, 1.0], [1.0, -1.0]))
    assert path.status.tolist() == [SETTLED]
    assert path.patterns[0].tolist() == [[1, 0], [0, 1]]


def near_a_tie(data: Dataset) -> np.ndarray:
    """Return a w that gains all positive data at once, then loses all negative ones at once."""
    return np.concatenate([[-0.3], np.where(data.labels > 0.0, 0.15, 0.02)])


def test_a_tie_of_many_is_one_event() -> None:
    data = equiangular(9, 0.25)
    w = near_a_tie(data)
    path = limit_flow(network([w], [np.linalg.norm(w)]), Objective(data))
    assert path.status.tolist() == [SETTLED]
    assert path.patterns[0].tolist() == [[0] * 5 + [1] * 4, [1] * 9, [1] * 5 + [0] * 4]
    assert entry_times(path).positive[0] == path.times[0, 2]


def test_ties_agree_with_starts_that_break_them() -> None:
    data = equiangular(8, 0.25)
    w = near_a_tie(data)
    w = np.stack([w, *(w + 1e-9 * np.random.default_rng(0).normal(size=(20, 9)))])
    path = limit_flow(network(w, np.linalg.norm(w, axis=1)), Objective(data))
    last = path.times[np.arange(21), path.events]
    np.testing.assert_allclose(last, last[0], rtol=1e-7)
    assert path.events.tolist() == [2] + [8] * 20
    late = state_at(path, 2.0)
    np.testing.assert_allclose(late.weights, np.broadcast_to(late.weights[0], late.weights.shape), atol=1e-6)


def test_equal_data_slide_as_one_of_their_sum() -> None:
    data = mixed(8, 4, 0)
    twice = Dataset(np.concatenate([data.inputs, data.inputs]), np.concatenate([data.labels, data.labels]))
    start = balanced(30, 4, 0.0, seed=2)
    path, other = limit_flow(start, Objective(data)), limit_flow(start, Objective(twice, mean=True))
    assert np.any(path.patterns == SLIDING)
    assert np.array_equal(path.events, other.events)
    ends = path.times[np.arange(30), path.events]
    # The mean over 16 is the sum over 8, eight times slower.
    np.testing.assert_allclose(other.times[np.arange(30), other.events], 8.0 * ends, rtol=1e-12)
    np.testing.assert_allclose(
        final_directions(other).directions, final_directions(path).directions, atol=1e-12
    )


def test_on_a_wall_the_gate_is_zero_unless_the_others_move_it() -> None:
    # x₁ = e₁ pulls; the neuron stands on the wall of x₂. It gains a positive x₂ with x₂·x₁ > 0 and leaves a
    # negative one to the inactive side; alone on walls it is dead.
    for angle, label, code in ((45.0, 1.0, ACTIVE), (135.0, 1.0, INACTIVE), (135.0, -1.0, INACTIVE)):
        turn = np.radians(angle - 90.0)
        data = Dataset(
            np.array([[1.0, 0.0], [math.cos(math.radians(angle)), math.sin(math.radians(angle))]]),
            np.array([1.0, label]),
        )
        path = limit_flow(network([[math.cos(turn), math.sin(turn)]], [1.0]), Objective(data))
        assert path.patterns[0, 0].tolist() == [ACTIVE, code]
    # A negative one with x₂·x₁ > 0 small enough keeps it sliding: G ⟂ x₂.
    data = Dataset(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([1.0, -1.0]))
    path = limit_flow(network([[0.8, -0.6]], [1.0]), Objective(data))
    assert path.patterns[0].tolist() == [[ACTIVE, SLIDING]]
    np.testing.assert_allclose(final_directions(path).directions, [[0.8, -0.6]], atol=1e-15)
    assert float(final_directions(path).rates[0]) == pytest.approx(0.8)
    alone = limit_flow(network([[0.8, -0.6]], [1.0]), Objective(Dataset(data.inputs[1:], np.array([1.0]))))
    assert alone.status.tolist() == [DEAD]


def test_a_balanced_neuron_that_slides_against_its_pull_in_the_plane_shrinks_for_ever() -> None:
    # On a wall of the plane w and G are on one line. Rounding would turn it round after e^36.
    rng = np.random.default_rng(0)
    shrinks = 0
    for _ in range(40):
        data = Dataset(rng.normal(size=(7, 2)), rng.choice([-1.0, 1.0], 7))
        path = limit_flow(balanced(10, 2, 0.0, seed=rng), Objective(data))
        rates = final_directions(path).rates
        shrinks += int(np.sum(rates < 0.0))
        assert np.all(path.times[np.isfinite(path.times)] < 30.0)
        slides = np.any(path.patterns[np.arange(10), path.events] == SLIDING, axis=1)
        assert np.all(slides[rates < 0.0])
    assert shrinks > 20


def test_an_unbalanced_neuron_slides_through_zero_weights_as_small_steps_do() -> None:
    data = mixed(7, 3, 0)
    objective = Objective(data)
    path = limit_flow(TwoLayer(*(part[11:] for part in gaussian(12, 3, 0.0, seed=0))), objective)
    assert np.linalg.norm(path.weights[0, 4]) < 1e-13
    assert np.sum(path.patterns[0, 3] == SLIDING) == 2
    w, v = stepped(path.weights[:, 0], path.outputs[:, 0], objective, 0.6, 30_000)
    end = state_at(path, 0.6)
    radius = np.exp(end.log_scale - path.log_scale[:, 0])
    np.testing.assert_allclose(w, end.weights * radius[:, None], atol=2e-3)
    np.testing.assert_allclose(v, end.outputs * radius, atol=2e-3)


@settings(max_examples=100)
@given(st.integers(0, 10**9))
def test_patterns_fit_margins_and_rates_on_any_lattice(seed: int) -> None:
    """Small integers: equal, opposite and dependent data, walls at the start, v = 0, ties everywhere."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (rng.integers(1, 9), rng.integers(1, 5))).astype(float)
    x = np.concatenate([x[np.any(x != 0.0, axis=1)], np.ones((1, x.shape[1]))])
    objective = Objective(Dataset(x, rng.choice([-1.0, 0.0, 1.0, 2.0], len(x))), SQUARED)
    w = rng.integers(-2, 3, (8, x.shape[1])).astype(float)
    v = np.where(rng.random(8) < 0.5, rng.choice([-1.0, 0.0, 1.0, 2.0], 8), np.linalg.norm(w, axis=1))
    path = limit_flow(as_network(w, v), objective, max_events=1000)
    assert np.all((path.status == SETTLED) | (path.status == DEAD))
    norms = np.linalg.norm(x, axis=1)
    for j in range(8):
        for k in range(path.events[j] + 1):
            pattern, force = path.patterns[j, k], path.force[j, k]
            margins = path.weights[j, k] @ x.T / norms
            sigma = np.sign(path.outputs[j, k])
            if sigma == 0.0:
                growth = path.weights[j, k] @ force
                sigma = np.sign(growth) if abs(growth) > 1e-13 else 0.0
            speed = sigma * (x @ force) / norms
            assert np.all(margins[pattern == ACTIVE] > -1e-12)
            assert np.all(margins[pattern == INACTIVE] < 1e-12)
            assert np.all(np.abs(margins[pattern == SLIDING]) < 1e-12)
            assert np.all(np.abs(speed[pattern == SLIDING]) < 1e-11)
            on = (np.abs(margins) < 1e-13) & np.any(pattern != INACTIVE)
            assert np.all(speed[on & (pattern == ACTIVE)] > -1e-11)
            assert np.all(speed[on & (pattern == INACTIVE)] < 1e-11)


def test_zero_weights_are_dead_and_zero_outputs_start_where_the_data_push() -> None:
    data = in_plane([0.0], [90.0])
    objective = Objective(data)
    path = limit_flow(network([[0.0, 0.0], [0.0, 0.0]], [1.0, 0.0]), objective)
    assert path.status.tolist() == [DEAD, DEAD]
    assert np.all(entry_times(path).dead == 0.0)
    # v = 0: dv/dt = w·G decides; at w·G = 0 the neuron rests.
    path = limit_flow(network([[2.0, 1.0], [1.0, 2.0], [1.0, 1.0], [-1.0, -1.0]], np.zeros(4)), objective)
    assert path.status.tolist() == [SETTLED, SETTLED, SETTLED, DEAD]
    after = state_at(path, 1e-3)
    assert np.sign(after.outputs).tolist() == [1.0, -1.0, 0.0, 0.0]
    assert final_directions(path).rates[2] == 0.0


def test_float32_is_computed_in_float64_and_stays_balanced() -> None:
    data = cone(8, 0.2, 4, seed=1)
    single = Dataset(data.inputs.astype(np.float32), data.labels)
    start = balanced(20, 4, -30.0, seed=3)
    low = TwoLayer(*(part.astype(np.float32) for part in start))
    path = limit_flow(low, Objective(single))
    assert path.times.dtype == path.weights.dtype == np.float64
    np.testing.assert_allclose(np.abs(path.outputs[:, 0]), math.sqrt(0.5), rtol=1e-15)
    same = limit_flow(
        TwoLayer(*(part.astype(np.float64) for part in low)),
        Objective(Dataset(single.inputs.astype(np.float64), data.labels)),
    )
    np.testing.assert_allclose(path.times, same.times, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("data", [mixed(12, 5, 3), cone(12, 0.1, 5, seed=1)], ids=["mixed", "cone"])
def test_no_neuron_sees_the_others(data: Dataset) -> None:
    start = gaussian(40, 5, -9.0, seed=4)
    objective = Objective(data)
    path = limit_flow(start, objective)
    for j in range(40):
        one = limit_flow(TwoLayer(*(part[j : j + 1] for part in start)), objective)
        length = one.times.shape[1]
        assert one.events[0] == path.events[j]
        assert np.array_equal(one.patterns[0], path.patterns[j, :length])
        np.testing.assert_allclose(one.times[0], path.times[j, :length], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(one.weights[0], path.weights[j, :length], atol=1e-13)
    grid = limit_flow(TwoLayer(*(part.reshape(8, 5, *part.shape[1:]) for part in start)), objective)
    assert np.array_equal(grid.times, path.times)


def test_what_is_not_recorded_ends_the_same() -> None:
    data = mixed(12, 5, 3)
    start = gaussian(40, 5, -9.0, seed=4)
    full, short = (limit_flow(start, Objective(data), record=flag) for flag in (True, False))
    assert short.weights.shape == (40, 1, 5)
    for name in ("times", "kinds", "data", "events", "status", "entries"):
        assert np.array_equal(getattr(full, name), getattr(short, name))
    late = float(np.max(full.times[np.isfinite(full.times)])) + 1.0
    for one, other in zip(state_at(full, late), state_at(short, late), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(final_directions(full).directions, final_directions(short).directions)
    with pytest.raises(ValueError, match=r"^t: expected a time from"):
        state_at(short, 0.0)


def test_stopping_early_is_said_and_nothing_is_told_beyond() -> None:
    data = cone(12, 0.1, 5, seed=1)
    start = balanced(20, 5, 0.0, seed=4)
    full = limit_flow(start, Objective(data))
    path = limit_flow(start, Objective(data), 0.05)
    reached = path.status == REACHED
    assert np.sum(reached) > 0
    assert np.max(path.times[np.isfinite(path.times)]) <= 0.05
    for one, other in zip(state_at(full, 0.04), state_at(path, 0.04), strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(ValueError, match=r"^t: expected a time from 0 to 0\.05"):
        state_at(path, 0.06)
    assert np.all(np.isnan(final_directions(path).rates) == reached)
    few = limit_flow(start, Objective(data), max_events=2)
    assert np.array_equal(few.status == TOO_MANY_EVENTS, full.events > 2)
    assert np.max(few.events) == 2


def test_images_keep_their_margins_to_the_last_digits() -> None:
    data = digits_data(60)
    start = balanced(10, data.dimension, -100.0, seed=0)
    path = limit_flow(start, Objective(data))
    assert np.max(path.events) > 30
    norms = np.linalg.norm(data.inputs, axis=1)
    for j in range(10):
        for k in range(1, path.events[j] + 1):
            size = np.linalg.norm(path.weights[j, k])
            assert (
                abs(path.weights[j, k] @ data.inputs[path.data[j, k]]) < 1e-14 * norms[path.data[j, k]] * size
            )
            margins = path.weights[j, k] @ data.inputs.T / (norms * size)
            off = np.abs(margins) > 1e-13
            assert np.array_equal((margins > 0.0)[off], (path.patterns[j, k] == ACTIVE)[off])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_end": 0.0}, "t_end: expected a time > 0, got 0.0"),
        ({"t_end": math.nan}, "t_end: expected a finite number, got nan"),
        ({"max_events": 0}, "max_events: expected an integer >= 1, got 0"),
    ],
)
def test_bad_options_give_one_line(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        limit_flow(balanced(2, 5, 0.0), Objective(cone(4, 0.1, 5)), **options)  # type: ignore[arg-type]


def test_wrong_dimensions_give_one_line() -> None:
    with pytest.raises(ValueError, match=r"^network: expected h >= 1 neurons with D = 5, got \(2, 3\)$"):
        limit_flow(balanced(2, 3, 0.0), Objective(cone(4, 0.1, 5)))
