"""After alignment loss, stable rank and growth keep their bounds along flows, and a matrix is conserved."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflow.networks.two_layer.bounds import (
    GAIN,
    conserved,
    decay_rate,
    fit_time,
    loss_bound,
    loss_bound_log,
    paper_alpha,
    rank_bound,
)
from gradflow.networks.two_layer.data import Dataset, equiangular, toy_plane
from gradflow.networks.two_layer.geometry import Setting, setting
from gradflow.networks.two_layer.network import as_network
from tests.networks.two_layer.flows import network_field

LOSSES = ("exponential", "logistic")
DATA = (toy_plane(6), equiangular(4, 0.3), equiangular(3, 0.05))


class Run(NamedTuple):
    """A flow from aligned neurons: times, w (T, h, D), v (T, h), losses of either label (T, 2)."""

    data: Dataset
    setting: Setting
    times: np.ndarray
    w: np.ndarray
    v: np.ndarray
    losses: np.ndarray


def run(data: Dataset, loss: str, size: float = 0.05, until: float = 400.0, h: int = 6) -> Run:
    """Follow h balanced neurons, the even ones in S₊ and the odd ones in S₋, and a dead one."""
    rng = np.random.default_rng(1)
    x, y, d = data.inputs, data.labels, data.dimension
    signs = np.where(np.arange(h) % 2 == 0, 1.0, -1.0)
    w = np.empty((h + 1, d))
    for j, sign in enumerate(signs):
        while True:
            w[j] = sign * data.signed.mean(axis=0) + 0.5 * rng.normal(size=d)
            if np.array_equal(x @ w[j] > 0.0, y == sign):
                break
    # A direction that no datum sees.
    candidates = rng.normal(size=(200_000, d))
    dead = candidates[~np.any(candidates @ x.T > 0.0, axis=1)]
    w[h] = dead[0]
    signs = np.append(signs, 1.0)
    w *= size * rng.uniform(0.5, 1.5, (h + 1, 1))
    v = signs * np.linalg.norm(w, axis=1)
    times = np.concatenate([[0.0], np.geomspace(1e-2, until, 120)])
    end = solve_ivp(
        network_field(data, h + 1, loss),
        (0.0, until),
        np.append(w, v),
        method="LSODA",
        t_eval=times,
        rtol=1e-9,
        atol=1e-12,
    ).y.T
    w, v = end[:, : (h + 1) * d].reshape(-1, h + 1, d), end[:, (h + 1) * d :]
    f = np.einsum("th,thn->tn", v, np.maximum(w @ x.T, 0.0))
    values = np.exp(-y * f) if loss == "exponential" else 2.0 * np.log1p(np.exp(-y * f))
    losses = np.stack([values[:, y > 0].sum(axis=1), values[:, y < 0].sum(axis=1)], axis=1)
    s = setting(data, as_network(w[0], v[0]), 0.0)
    return Run(data, s, times, w, v, losses)


def occupied(r: Run, sign: int) -> np.ndarray:
    """Return which neurons have the sign and are on for some datum."""
    on = np.any(r.w[0] @ r.data.inputs.T > 0.0, axis=1)
    return np.asarray(on & (np.sign(r.v[0]) == sign))


@pytest.fixture(
    scope="module", params=[(d, loss) for d in DATA for loss in LOSSES], ids=lambda p: f"{p[0].name}-{p[1]}"
)
def flow(request: pytest.FixtureRequest) -> tuple[Run, str]:
    data, loss = request.param
    return run(data, loss), loss


def test_the_loss_of_each_label_falls_as_proved(flow: tuple[Run, str]) -> None:
    r, loss = flow
    for column, sign in enumerate((1, -1)):
        squares = np.sum(r.v[:, occupied(r, sign)] ** 2, axis=1)
        assert np.all(np.diff(squares) >= -1e-9)
        for k in (0, 40, 80, 100):
            rate = decay_rate(r.setting, float(squares[k]), gain=GAIN[loss])
            bound = loss_bound(r.losses[k, column], rate, r.times[k:] - r.times[k])
            assert np.all(r.losses[k:, column] <= bound * (1.0 + 1e-7))


def test_the_whole_loss_falls_as_proved_and_the_papers_alpha_follows(flow: tuple[Run, str]) -> None:
    r, loss = flow
    plus, minus = (np.sum(r.v[:, occupied(r, sign)] ** 2, axis=1) for sign in (1, -1))
    total = r.losses.sum(axis=1)
    for k in (0, 40, 80, 100):
        rate = decay_rate(r.setting, float(plus[k]), float(minus[k]), GAIN[loss])
        assert np.all(total[k:] <= loss_bound(total[k], rate, r.times[k:] - r.times[k]) * (1.0 + 1e-7))
        enough = min(plus[k], minus[k]) >= r.setting.mu / (16.0 * GAIN[loss] ** 2 * r.setting.x_max)
        if enough:
            assert rate >= paper_alpha(r.setting)
    assert enough


def test_the_loss_falls_like_one_over_t_log_t(flow: tuple[Run, str]) -> None:
    r, loss = flow
    gain = GAIN[loss]
    for column in (0, 1):
        start = int(np.argmax(r.losses[:, column] * gain < 0.5))
        assert start > 0
        bounds = [
            loss_bound_log(r.setting, r.losses[start, column], t - r.times[start], gain)
            for t in r.times[start:]
        ]
        assert np.all(r.losses[start:, column] <= np.array(bounds) * (1.0 + 1e-7))
        # The order is that of 1/(t ln t): R/(t ln R) settles between bounds that are a factor apart.
        late = r.times > 50.0
        R = 1.0 / (gain * r.losses[late, column])
        ratio = R / (r.times[late] * np.log(R))
        assert ratio.max() / ratio.min() < 1.7
    with pytest.raises(ValueError, match="loss: expected less than"):
        loss_bound_log(r.setting, 3.0, 1.0, gain)


def test_the_log_bound_solves_its_equation() -> None:
    s = setting(toy_plane(6), as_network(np.ones((1, 2)), np.ones(1)), 0.0)
    c = s.mu * s.x_min**2 / s.x_max
    end = solve_ivp(lambda t, r: c * np.log(r), (0.0, 1e4), [2.0], rtol=1e-11, method="DOP853")
    assert loss_bound_log(s, 0.5, 1e4) == pytest.approx(1.0 / end.y[0, -1], rel=1e-8)
    assert loss_bound_log(s, 0.5, 0.0) == 0.5


def test_the_stable_rank_is_below_its_bound(flow: tuple[Run, str]) -> None:
    r, _ = flow
    plus, minus = occupied(r, 1), occupied(r, -1)
    start = float(np.sum(r.w[0] ** 2))
    for w, v in zip(r.w, r.v, strict=True):
        square, spectral = float(np.sum(w * w)), float(np.linalg.norm(w, 2) ** 2)
        a, b = v[plus] @ w[plus], v[minus] @ w[minus]
        cosine = abs(float(a @ b)) / float(np.linalg.norm(a) * np.linalg.norm(b))
        for c in (0.0, cosine):
            assert square / spectral <= rank_bound(square, start, c) * (1.0 + 1e-9)
            assert square <= 2.0 * spectral / (1.0 + c) + start * (1.0 + 1e-9)
    # The end is close to the limit: the bound is no empty statement.
    assert cosine >= r.setting.mu * 0.98
    assert square / spectral <= 2.0 / (1.0 + r.setting.mu) * 1.02


def test_one_label_alone_becomes_rank_one() -> None:
    r = run(toy_plane(6), "exponential")
    w = r.w[:, occupied(r, 1)]
    start = float(np.sum(w[0] ** 2))
    for k in (20, 60, 120):
        square = float(np.sum(w[k] ** 2))
        assert square / np.linalg.norm(w[k], 2) ** 2 <= rank_bound(square, start, 1.0) * (1.0 + 1e-9)
    assert square / np.linalg.norm(w[-1], 2) ** 2 < 1.01
    assert math.isinf(rank_bound(1.0, 1.0))


def test_the_matrix_is_conserved_among_aligned_neurons_only(flow: tuple[Run, str]) -> None:
    r, _ = flow
    for sign in (1, -1):
        who = occupied(r, sign)
        first = conserved(r.w[0][who], r.v[0][who])
        assert np.max(np.abs(np.diag(first))) < 1e-12
        assert np.min(np.linalg.eigvalsh(first)) >= -np.sum(r.v[0][who] ** 2)
        for w, v in zip(r.w, r.v, strict=True):
            np.testing.assert_allclose(conserved(w[who], v[who]), first, atol=2e-6)
    # Across the two labels it is not.
    both = occupied(r, 1) | occupied(r, -1)
    changed = conserved(r.w[-1][both], r.v[-1][both]) - conserved(r.w[0][both], r.v[0][both])
    assert np.max(np.abs(changed)) > 0.1


@pytest.mark.parametrize("loss", LOSSES)
def test_an_aligned_network_grows_within_its_time(loss: str) -> None:
    data = equiangular(4, 0.3)
    r = run(data, loss, size=1e-4, until=40.0)
    for sign in (1, -1):
        squares = np.sum(r.v[:, occupied(r, sign)] ** 2, axis=1)
        for target in (1e-5, 1e-2, 0.1, 0.5):
            bound = fit_time(r.setting, math.log(squares[0]), target, sign)
            reached = float(np.interp(math.log(target), np.log(squares), r.times))
            assert reached <= bound
            if target == 1e-5:
                assert reached > 0.5 * bound
    assert fit_time(r.setting, 0.0, 0.5, 1) == 0.0
    assert fit_time(r.setting._replace(positives=0), 0.0, 0.5, 1) == math.inf


def test_before_alignment_the_bounds_may_fail() -> None:
    # Two positive data, neurons that are on for one of them only: the other's loss stays for long.
    mu = 0.05
    data = Dataset(np.array([[1.0, 0.0], [mu, math.sqrt(1.0 - mu * mu)]]), np.ones(2))
    w = np.array([[1.0, -2.0], [1.0, -2.0]])
    v = np.linalg.norm(w, axis=1)
    s = setting(data, as_network(w, v), 0.0)
    end = solve_ivp(network_field(data, 2, "exponential"), (0.0, 300.0), np.append(w, v), rtol=1e-9).y[:, -1]
    w1, v1 = end[:4].reshape(2, 2), end[4:]

    def losses(w: np.ndarray, v: np.ndarray) -> float:
        return float(np.sum(np.exp(-(v @ np.maximum(w @ data.inputs.T, 0.0)))))

    assert losses(w1, v1) > loss_bound(losses(w, v), decay_rate(s, float(np.sum(v**2))), 300.0)
