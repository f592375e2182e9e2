"""Lemmas 3 and 4 and the dwell bound along computed flows, and where ζ = max and other constants fail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.networks.two_layer.bounds import (
    alignment_times,
    dwell,
    lemma3_log_epsilon,
    lemma3_logs,
    lemma3_time,
    lemma4,
    paper_alpha,
    paper_dwell,
    paper_fit_time,
    paper_log_epsilon,
    paper_log_rank_excess,
    paper_time,
)
from gradflow.networks.two_layer.data import Dataset, cone, equiangular, toy_plane, two_points
from gradflow.networks.two_layer.geometry import Setting, angles, separation, setting, xi, zeta1, zeta2
from gradflow.networks.two_layer.network import as_network, balanced
from tests.networks.two_layer.flows import network_field, plain
from tests.networks.two_layer.patterns import Starts, follow, random_starts

DATA = (two_points(0.3), toy_plane(6), cone(4, 0.3, 3, seed=2), equiangular(3, 0.2))
LOSSES = ("exponential", "logistic")


def trajectory(data: Dataset, loss: str, log_epsilon: float, seed: int = 0) -> tuple[Setting, np.ndarray]:
    """Return the setting and states (w, v flattened) at 60 times up to Lemma 3's."""
    network = balanced(8, data.dimension, log_epsilon, seed=seed)
    s = setting(data, network, log_epsilon)
    w, v = plain(network)
    start = np.concatenate([w.ravel(), v])
    until = lemma3_time(s, log_epsilon)
    end = solve_ivp(
        network_field(data, 8, loss),
        (0.0, until),
        start,
        t_eval=np.linspace(0.0, until, 60),
        rtol=1e-8,
        atol=1e-12 * float(np.max(np.abs(start))),
    )
    return s, end.y


def norms_and_outputs(data: Dataset, state: np.ndarray, h: int = 8) -> tuple[float, float]:
    w, v = state[: h * data.dimension].reshape(h, -1), state[h * data.dimension :]
    f = v @ np.maximum(w @ data.inputs.T, 0.0)
    return float(np.max(np.sum(w * w, axis=1))), float(np.max(np.abs(f)))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", DATA, ids=lambda d: d.name)
@pytest.mark.parametrize("below", [0.0, 10.0])
def test_lemma_3_holds_with_half_the_papers_bounds(data: Dataset, loss: str, below: float) -> None:
    probe = setting(data, balanced(8, data.dimension, 0.0), 0.0)
    log_epsilon = lemma3_log_epsilon(probe) - below
    s, states = trajectory(data, loss, log_epsilon)
    log_square, log_output = lemma3_logs(s, log_epsilon)
    for state in states.T:
        square, output = norms_and_outputs(data, state)
        assert math.log(square) <= log_square - math.log(2.0) + 1e-6
        assert output <= 0.5 * math.exp(log_output) * (1.0 + 1e-6)


def test_beyond_its_time_lemma_3_fails() -> None:
    data = two_points(0.3)
    network = balanced(8, 2, -8.0)
    s = setting(data, network, -8.0)
    w, v = plain(network)
    end = solve_ivp(
        network_field(data, 8, "exponential"), (0.0, 4 * lemma3_time(s, -8.0)), np.append(w, v), rtol=1e-8
    )
    assert math.log(norms_and_outputs(data, end.y[:, -1])[0]) > lemma3_logs(s, -8.0)[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", DATA, ids=lambda d: d.name)
def test_lemma_4_bounds_the_change_of_direction(data: Dataset, loss: str) -> None:
    network = balanced(8, data.dimension, 0.0, seed=3)
    s = setting(data, network, 0.0)
    field = network_field(data, 8, loss)
    x, y, d = data.inputs, data.labels, data.dimension
    largest = 0.0
    for size in np.logspace(-4, 0.5, 40):
        w, v = plain(balanced(8, d, math.log(size), seed=int(1000 * size)))
        output = norms_and_outputs(data, np.append(w, v))[1]
        if output > 1.0:
            continue
        moved = field(0.0, np.append(w, v))[: 8 * d].reshape(8, d)
        length = np.linalg.norm(w, axis=1, keepdims=True)
        u = w / length
        turned = (moved - np.sum(moved * u, axis=1, keepdims=True) * u) / length
        total = (w @ x.T > 0.0) * y @ x
        wanted = np.sign(v)[:, None] * (total - np.sum(total * u, axis=1, keepdims=True) * u)
        difference = float(np.max(np.linalg.norm(turned - wanted, axis=1)))
        assert difference <= lemma4(s, output) * (math.e - 1.0) / 2.0
        largest = max(largest, difference / lemma4(s, output))
    assert largest > 0.02
    with pytest.raises(ValueError, match=r"output: Lemma 4 needs max\|f\| in \[0, 1\], got 1.5"):
        lemma4(s, 1.5)


def test_lemma_4_is_nearly_attained_by_one_datum() -> None:
    # One datum, w almost orthogonal to it, and f = −1: (e − 1)/2 of the paper's bound.
    data = Dataset(np.array([[1.0, 0.0]]), -np.ones(1))
    # Two neurons: one makes f = 1 while y = −1, the other is observed.
    w, v = np.array([[1.0, 0.0], [1e-6, 1e-3]]), np.array([1.0, 1e-3])
    s = setting(data, as_network(w, v), 0.0)
    moved = network_field(data, 2, "exponential")(0.0, np.append(w, v))[2:4]
    limit = -1e-3 * np.array([1.0, 0.0])
    difference = np.linalg.norm(moved - limit) / 1e-3
    assert difference / lemma4(s, 1.0) == pytest.approx((math.e - 1.0) / 2.0, rel=1e-2)


def test_patterns_last_no_longer_than_the_dwell_bounds() -> None:
    rng = np.random.default_rng(7)
    hit = 0.0
    for n, dimension in ((2, 2), (3, 3), (5, 3)):
        starts = random_starts(rng, 300, n, dimension)
        ends = follow(starts)
        for i in range(starts.v.size):
            labels = starts.labels[i]
            data = Dataset(labels[:, None] * starts.z[i], labels)
            network = as_network(starts.w[i][None], starts.v[i][None])
            s = setting(data, network, 0.0)
            for length, count in zip(ends.lengths, ends.counts, strict=True):
                if count[i]:
                    ours = dwell(s, int(count[i]))
                    assert length[i] <= ours * (1.0 + 1e-9)
                    assert ours <= paper_dwell(s, int(count[i]))
                    hit = max(hit, length[i] / ours)
    assert hit > 0.4


@pytest.mark.parametrize("mu", [0.9, 0.95, 0.99])
def test_the_papers_time_fails_with_the_larger_zeta(mu: float) -> None:
    # Derivation 24, (5).
    z, labels = np.array([[1.0, 0.0], [mu, math.sqrt(1.0 - mu * mu)]]), np.array([-1.0, 1.0])
    data = Dataset(labels[:, None] * z, labels)
    assert (zeta1(data), xi(data)) == pytest.approx((mu * mu, mu * mu), rel=1e-12)
    # What is printed, with max{ζ1, ζ2} = μ² for a start as close to −z_1 as this.
    printed = 16.0 * math.log(2.0) / (mu * mu * math.sqrt(mu))
    sine = math.exp(-printed)
    w = np.array([-math.sqrt(1.0 - sine * sine), -sine])
    start = as_network(w[None], np.ones(1))
    assert angles(data, start).opposite[0]
    assert zeta2(data, start) < zeta1(data)
    ends = follow(Starts(z[None], labels[None], w[None], np.ones(1)))
    assert ends.dead[0]
    assert ends.time[0] == pytest.approx(math.acosh(1.0 / sine), rel=1e-3)
    assert ends.time[0] > printed
    # With the minimum it is right, and ours.
    s = setting(data, start, 0.0)
    assert paper_time(s) > ends.time[0]
    assert alignment_times(s, angles(data, start))[0] > ends.time[0]


def test_the_papers_numbers_for_two_points() -> None:
    data = two_points(0.1)
    network = as_network(np.array([[1.0, 1.0], [1.0, 1.0]]), math.sqrt(2.0) * np.array([1.0, 1.0]))
    s = setting(data, network, 0.0)
    mu = math.sin(0.1)
    # No negative data: ζ is that of x₊ alone.
    assert (s.mu, s.xi, s.zeta) == pytest.approx((mu, mu**2, (1.0 + mu) / 2.0), rel=1e-12)
    grip = mu**2 * math.sqrt(mu)
    assert paper_time(s) == pytest.approx(16 * math.log(2) / grip, rel=1e-12)
    eight, four = paper_log_epsilon(s), paper_log_epsilon(s, 4.0)
    assert eight.second == pytest.approx(-0.5 * math.log(2) - 128 * math.log(2) / grip, rel=1e-12)
    assert four.first - eight.first == pytest.approx(math.log(2.0), rel=1e-12)
    assert eight.least == eight.second < -28_000
    assert paper_alpha(s) == pytest.approx(mu**2 / 32, rel=1e-12)
    assert paper_log_rank_excess(s, -5.0) == pytest.approx(math.log(4 * math.sqrt(2) * 2) - 5.0, rel=1e-12)
    assert paper_fit_time(s, -1000.0, 1) > paper_fit_time(s, -900.0, 1) > paper_time(s)
    assert paper_fit_time(s, -1000.0, -1) == math.inf


def test_bounds_move_as_they_should() -> None:
    settings = []
    for mu in (0.2, 0.4, 0.6, 0.8):
        data = equiangular(4, mu)
        assert separation(data).mu == pytest.approx(mu)
        settings.append(setting(data, balanced(4, 5, 0.0, seed=1), 0.0)._replace(zeta=mu**2))
    for function in (paper_time, lambda s: paper_dwell(s, 2), lambda s: dwell(s, 2)):
        values = [function(s) for s in settings]
        assert values == sorted(values, reverse=True)
    for function in (paper_alpha, lambda s: paper_log_epsilon(s).least):
        values = [function(s) for s in settings]
        assert values == sorted(values)
    one = settings[0]
    assert lemma3_time(one, -20.0) > lemma3_time(one, -10.0) > 0.0
    assert dwell(one, 1) > dwell(one, 2)
    flat = one._replace(mu=0.0, xi=0.0)
    assert math.isinf(paper_time(flat))
    assert math.isinf(dwell(flat, 1))
    assert paper_log_epsilon(flat).least == -math.inf
    assert paper_fit_time(flat, -5.0, 1) == math.inf
