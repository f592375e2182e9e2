"""Every neuron is in S₊, S₋ or S_dead by the proved time; hunts for exceptions, and where there are some."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradflow.networks.two_layer.bounds import (
    alignment,
    alignment_time,
    alignment_times,
    finite_rate,
    limit_rate,
    paper_log_epsilon,
    paper_time,
    start_sine,
)
from gradflow.networks.two_layer.data import Dataset, cone, equiangular, toy_plane, two_points
from gradflow.networks.two_layer.geometry import Angles, angles, norms, separation, setting
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced
from tests.networks.two_layer.flows import aligned, full_flow, one_neuron
from tests.networks.two_layer.patterns import Starts, follow, random_starts, smallest_cosine

SLOW_OR_NOT = (pytest.param(4_000, id="quick"), pytest.param(30_000, id="long", marks=pytest.mark.slow))


def bounds_of(starts: Starts, ratio: np.ndarray | None = None) -> np.ndarray:
    """Return the limit bound of each case; `ratio` is that of |w| to v."""
    mu = smallest_cosine(starts.z)
    out = np.empty(starts.v.size)
    least = np.linalg.norm(starts.z, axis=-1).min(axis=-1)
    for i, (z, labels, w) in enumerate(zip(starts.z, starts.labels, starts.w, strict=True)):
        at = angles(Dataset(labels[:, None] * z, labels), as_network(w[None], np.ones(1)))
        excess = 1.0 if ratio is None else float(ratio[i])
        m = max(int(at.own[0]), 1)
        rate = least[i] * math.sqrt(m * (1.0 + (m - 1) * mu[i]))
        out[i] = alignment_time(start_sine(at, mu[i], ratio=excess), mu[i], rate)[0]
    return out


def four_data(mu: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z, labels and the start of derivation 23, (4) (b), moved a little."""
    z = equiangular(4, mu).signed
    angle = math.atan(mu * math.sqrt(2.0 / (1.0 - mu)))
    w = -math.cos(angle) * z[0] + math.sin(angle) * (z[3] - z[1]) / math.sqrt(2.0 - 2.0 * mu)
    push = np.linalg.lstsq(z, np.array([0.0, 0.0, 1.0, 1e-3]), rcond=None)[0]
    return z, np.array([-1.0, 1.0, 1.0, -1.0]), w + 1e-9 * mu * push


@pytest.mark.parametrize("count", SLOW_OR_NOT)
def test_no_random_neuron_is_later_than_the_bound(count: int) -> None:
    rng = np.random.default_rng(count)
    shapes = [(1, 2), (2, 2), (2, 3), (3, 3), (4, 2), (5, 4), (8, 3)]
    largest = 0.0
    for n, dimension in shapes:
        starts = random_starts(rng, count // len(shapes), n, dimension)
        time = follow(starts).time
        ratio = time / bounds_of(starts)
        assert ratio.max() <= 1.0
        largest = max(largest, float(ratio.max()))
    # Most of the bound is used by some: it is no empty statement, and nine tenths of it would be a false one.
    assert largest > 0.9


def test_heavier_outputs_align_by_the_bound_too() -> None:
    rng = np.random.default_rng(3)
    starts = random_starts(rng, 1500, 3, 3)
    ratio = rng.uniform(0.01, 1.0, starts.v.size)
    heavier = starts._replace(v=starts.v / ratio)
    time = follow(heavier).time
    assert np.all(time <= bounds_of(starts, ratio))


def test_outside_the_opposite_set_the_bound_does_not_know_the_start() -> None:
    rng = np.random.default_rng(4)
    for n, dimension in ((3, 3), (6, 3), (12, 5)):
        starts = random_starts(rng, 20_000, n, dimension)
        on = np.einsum("bnd,bd->bn", starts.z, starts.w) * starts.labels > 0
        opposite = np.all(on == (starts.labels < 0), axis=1)
        time = follow(starts).time[~opposite]
        mu = smallest_cosine(starts.z)[~opposite]
        least = np.linalg.norm(starts.z, axis=-1).min(axis=-1)[~opposite]
        assert np.all(time <= 2.0 * np.arccosh(1.0 / mu) / least)


def test_starts_near_the_worst_are_within_the_bound_and_half_of_it_is_too_little() -> None:
    """Four data turned a little at random, and the start that takes longest moved a little."""
    rng, count, tried = np.random.default_rng(1), 220_000, 0
    used = []
    for mu in np.geomspace(1e-3, 0.9, 20):
        z, labels, w = four_data(mu)
        size = np.geomspace(1e-6, 0.3, count // 20)[:, None]
        near = z + size[:, :, None] * mu * rng.normal(size=(count // 20, 4, 5))
        near /= np.linalg.norm(near, axis=-1, keepdims=True)
        start = w + size * mu * rng.normal(size=(count // 20, 5))
        # Only data that obey Assumption 1, and starts outside the opposite set.
        on = np.einsum("bnd,bd->bn", near, start) * labels > 0
        kept = (smallest_cosine(near) > 0.0) & ~np.all(on == (labels < 0), axis=1)
        near, start = near[kept], start[kept]
        time = follow(
            Starts(near, np.broadcast_to(labels, near.shape[:2]), start, np.linalg.norm(start, axis=-1))
        ).time
        bound = 2.0 * np.arccosh(1.0 / smallest_cosine(near))
        assert np.all(time <= bound)
        used.append(np.max(time / bound))
        tried += time.size
    assert tried > 100_000
    assert min(used) > 0.5
    assert max(used) > 0.9


def test_data_that_are_further_apart_than_stated_are_later_than_the_bound() -> None:
    z, labels, w = four_data(0.01)
    time = follow(Starts(z[None], labels[None], w[None], np.array([np.linalg.norm(w)]))).time[0]
    assert 2.0 * math.acosh(1.0 / 0.02) < time < 2.0 * math.acosh(1.0 / 0.01)


def test_the_patterns_are_those_of_plain_integration() -> None:
    rng = np.random.default_rng(5)
    checked = 0
    starts = random_starts(rng, 60, 3, 3)
    ends = follow(starts)
    for i in np.flatnonzero(np.isfinite(ends.time) & (ends.time > 0.1) & (ends.time < 8.0))[:12]:
        z, labels = starts.z[i], starts.labels[i]
        for factor, expected in ((0.999, False), (1.001, True)):
            w, _ = one_neuron(labels[:, None] * z, labels, starts.w[i], starts.v[i], factor * ends.time[i])
            assert aligned(labels[:, None] * z, labels, w, 1.0) == expected
        checked += 1
    assert checked >= 8


@pytest.mark.parametrize("mu", [0.5, 0.1, 1e-3, 1e-6])
def test_two_data_need_the_logarithm_of_mu(mu: float) -> None:
    side = math.sqrt(1.0 - mu * mu)
    w = np.array([1e-9 * mu, -1.0])
    starts = Starts(
        np.array([[[1.0, 0.0], [mu, side]]]), np.ones((1, 2)), w[None], np.array([np.linalg.norm(w)])
    )
    time = float(follow(starts).time[0])
    assert time == pytest.approx(math.acosh(1.0 / mu), abs=1e-6)
    assert time <= bounds_of(starts)[0]


@pytest.mark.parametrize("mu", [0.5, 0.1, 1e-2, 1e-4])
def test_four_data_need_all_but_a_little_of_the_bound(mu: float) -> None:
    z, labels, w = four_data(mu)
    starts = Starts(z[None], labels[None], w[None], np.array([np.linalg.norm(w)]))
    ends = follow(starts)
    wanted = 2.0 * math.asinh(math.sqrt((1.0 - mu) / 2.0) / mu)
    assert not ends.dead[0]
    assert ends.time[0] == pytest.approx(wanted, abs=1e-4)
    bound = 2.0 * math.acosh(1.0 / mu)
    assert 0.0 < bound - wanted <= math.log(2.5)
    if mu < 1e-3:
        assert bound - wanted == pytest.approx(math.log(2.0), rel=1e-3)
    assert ends.time[0] <= bounds_of(starts)[0] <= bound * (1 + 1e-12)


@pytest.mark.parametrize("mu", [0.1, 1e-2, 1e-4])
@pytest.mark.parametrize("before", [1e-3, 1.0])
def test_in_the_opposite_set_the_sine_of_the_force_is_not_enough(mu: float, before: float) -> None:
    # The start of four_data, earlier by what z_1 + z_4 does to it: on for all data of the other label.
    z, labels, w = four_data(mu)
    w = w - before * (z[0] + z[3])
    at = angles(Dataset(labels[:, None] * z, labels), as_network(w[None], np.ones(1)))
    assert at.opposite[0]
    starts = Starts(z[None], labels[None], w[None], np.array([np.linalg.norm(w)]))
    time = follow(starts).time[0]
    assert time <= bounds_of(starts)[0]
    # Derivation 23, (2) has μ s₁, and s₁ alone would not do.
    assert time > float(alignment_time(at.force[0], mu, 1.0))


@pytest.mark.parametrize("sine", [0.5, 1e-2, 1e-5])
def test_a_start_close_to_the_wrong_data_fades_first(sine: float) -> None:
    w = np.array([-math.sqrt(1.0 - sine * sine), sine])
    starts = Starts(np.array([[[2.0, 0.0]]]), -np.ones((1, 1)), w[None], np.ones(1))
    ends = follow(starts)
    assert ends.dead[0]
    assert ends.time[0] == pytest.approx(math.acosh(1.0 / sine) / 2.0, rel=1e-7)
    # The bound itself.
    assert ends.time[0] == pytest.approx(bounds_of(starts)[0], rel=1e-7)


def test_more_data_on_means_less_time() -> None:
    s = setting(equiangular(6, 0.3, 6), balanced(3, 7, 0.0), 0.0)
    force = np.sum(equiangular(6, 0.3, 6).inputs[:4], axis=0)
    assert float(limit_rate(s, 4)) == pytest.approx(np.linalg.norm(force), rel=1e-12)
    assert float(limit_rate(s)) == pytest.approx(1.0)
    # A neuron that starts on for k of its own data; the others are far behind their walls.
    data = equiangular(8, 0.1, 8)
    times, bounds = [], []
    for k in (1, 2, 4, 7):
        margins = np.where(np.arange(8) < k, 0.1, -1.0)
        w = np.linalg.lstsq(data.inputs, margins, rcond=None)[0]
        network = as_network(w[None], np.array([np.linalg.norm(w)]))
        at = angles(data, network)
        assert at.own[0] == k
        bounds.append(float(alignment_times(setting(data, network, 0.0), at)[0]))
        starts = Starts(data.signed[None], data.labels[None], w[None], np.array([np.linalg.norm(w)]))
        times.append(float(follow(starts).time[0]))
    assert bounds == sorted(bounds, reverse=True)
    assert times == sorted(times, reverse=True)
    assert all(time <= bound for time, bound in zip(times, bounds, strict=True))


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize(
    "data",
    [two_points(0.1), two_points(0.7), toy_plane(6), cone(4, 0.2, 3, seed=2), equiangular(3, 0.3)],
    ids=lambda d: d.name,
)
def test_at_the_largest_scale_allowed_every_neuron_is_aligned_in_time(data: Dataset, loss: str) -> None:
    start = balanced(6, data.dimension, 0.0, seed=1)
    s, at = setting(data, start, 0.0), angles(data, start)
    found = alignment(s, at)
    assert math.isfinite(found.log_epsilon)
    network = balanced(6, data.dimension, found.log_epsilon, seed=1)
    w, v, outputs = full_flow(data, network, found.time, loss)
    assert all(aligned(data.inputs, data.labels, w[j], v[j]) for j in range(v.size))
    assert np.max(np.abs(outputs)) <= found.delta
    assert np.linalg.norm(data.inputs, axis=1).max() * np.sum(v**2) <= found.delta
    # And later.
    w, v, _ = full_flow(data, network, found.time + 3.0, loss)
    assert all(aligned(data.inputs, data.labels, w[j], v[j]) for j in range(v.size))


def test_at_a_large_scale_neurons_are_late() -> None:
    data = two_points(0.1)
    weights = np.array([[0.02, -1.0]])
    start = as_network(weights, np.linalg.norm(weights, axis=1))
    found = alignment(setting(data, start, 0.0), angles(data, start))
    for log_epsilon, in_time in ((found.log_epsilon, True), (1.0, False)):
        network = TwoLayer(start.weights, start.outputs, start.log_scale + log_epsilon)
        w, v, _ = full_flow(data, network, found.time, "exponential")
        assert aligned(data.inputs, data.labels, w[0], v[0]) == in_time


def test_without_assumption_1_the_aligned_set_is_left() -> None:
    x, y = np.array([[2.0, 0.0], [-1.0, 0.5]]), np.ones(2)
    assert not separation(Dataset(x, y)).holds
    w0 = np.array([0.1, 1.0])
    assert aligned(x, y, w0, 1.0)
    w, _ = one_neuron(x, y, w0, float(np.linalg.norm(w0)), 1.0)
    assert not aligned(x, y, w, 1.0)
    s = setting(Dataset(x, y), as_network(w0[None], np.ones(1)), 0.0)
    none = Angles(np.ones(1), np.zeros(1, bool), np.ones(1), np.ones(1, int))
    assert np.isinf(alignment_times(s, none)).all()
    assert alignment(s, none).log_epsilon == -math.inf


def test_with_light_outputs_a_neuron_may_never_align() -> None:
    x, y = np.array([[1.0, 0.0]]), -np.ones(1)
    for v0, expected in ((1.0, True), (0.9, False)):
        # The balanced one is off the axis by a little, as on it it would fade for ever.
        w, v = one_neuron(x, y, np.array([0.99, math.sqrt(1 - 0.99**2)]) * 1.0, v0, 12.0)
        assert aligned(x, y, w, 1.0) == expected
        assert (v > 0) == expected


def test_the_papers_time_and_scale_are_always_worse() -> None:
    for seed in range(40):
        n, dimension = 2 + seed % 5, 2 + seed % 4
        case = random_starts(np.random.default_rng(seed), 20, n, dimension)
        data = Dataset(case.labels[0][:, None] * case.z[0], case.labels[0])
        network = balanced(5, dimension, 0.0, seed=seed)
        s, at = setting(data, network, 0.0), angles(data, network)
        ours = alignment_times(s, at).max()
        assert paper_time(s) > 5.0 * ours
        assert paper_log_epsilon(s).least < alignment(s, at).log_epsilon


def test_the_rate_and_the_scale_have_their_limits() -> None:
    data = toy_plane(6)
    network = balanced(6, 2, 0.0, seed=1)
    s, at = setting(data, network, 0.0), angles(data, network)
    assert finite_rate(s, 0.0) == norms(data)[0]
    assert finite_rate(s, 0.1) == 0.0
    assert alignment(s, at, 1.0).log_epsilon == -math.inf
    best = alignment(s, at)
    for delta in best.delta * np.logspace(-6, 2, 200):
        assert alignment(s, at, float(delta)).log_epsilon <= best.log_epsilon + 1e-6
    small = alignment(s, at, 1e-12)
    assert small.time == pytest.approx(alignment_times(s, at).max(), rel=1e-6)
    assert math.isinf(float(alignment_time(0.0, 0.5, 1.0)))


def test_solve_ivp_solves_the_closed_form() -> None:
    # The oracle itself, on one datum.
    x, y, t = np.array([[0.0, 2.0]]), np.ones(1), 0.7
    w, v = one_neuron(x, y, np.array([0.3, 0.4]), 0.5, t)
    np.testing.assert_allclose(w, [0.3, 0.4 * math.cosh(2 * t) + 0.5 * math.sinh(2 * t)], rtol=1e-8)
    assert v == pytest.approx(0.4 * math.sinh(2 * t) + 0.5 * math.cosh(2 * t), rel=1e-8)
