"""Dead neurons at their wall, or a hair below it: revival times against power series in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from gradflow.theory.upstream import Network, Task, path, revival_time

_ROOT3 = 3.0**0.5


def series(network: Network, task: Task, order: int = 18) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """Return the larger pre-activation as a function of time, by the power series of a, c and d."""
    A, C, D = ([mpmath.mpf(float(value))] for value in (network.a, network.c, network.d))
    p, q = mpmath.mpf(float(task.slope)), mpmath.mpf(float(task.level))
    U: list[mpmath.mpf] = []
    V: list[mpmath.mpf] = []
    for k in range(order):
        U.append(mpmath.fsum(D[i] * A[k - i] for i in range(k + 1)) - (p if k == 0 else 0))
        V.append(mpmath.fsum(D[i] * C[k - i] for i in range(k + 1)) - (q if k == 0 else 0))
        turn = mpmath.fsum(A[i] * U[k - i] + C[i] * V[k - i] for i in range(k + 1))
        A.append(-2 * mpmath.fsum(D[i] * U[k - i] for i in range(k + 1)) / (k + 1))
        C.append(-2 * mpmath.fsum(D[i] * V[k - i] for i in range(k + 1)) / (k + 1))
        D.append(-2 * turn / (k + 1))
    w1, b1 = mpmath.mpf(float(network.w1)), mpmath.mpf(float(network.b1))
    ends = [
        [
            w1 * (a * mpmath.mpf(float(e)) + c) + (b1 if k == 0 else 0)
            for k, (a, c) in enumerate(zip(A, C, strict=True))
        ]
        for e in (task.lo, task.hi)
    ]
    return lambda t: max(mpmath.polyval(terms[::-1], t) for terms in ends)


def first_zero(z: Callable[[mpmath.mpf], mpmath.mpf], horizon: float) -> mpmath.mpf | None:
    """Return the first time up to `horizon` with z > 0, from samples at falling distances from 0."""
    before = mpmath.mpf(0)
    for k in range(20, -1, -1):
        t = mpmath.mpf(horizon) * mpmath.mpf(10) ** -k
        if z(t) > 0:
            for _ in range(80):
                middle = (before + t) / 2
                before, t = (before, middle) if z(middle) > 0 else (middle, t)
            return t
        before = t
    return None


def test_a_start_on_its_wall_that_moves_inwards_never_comes_back() -> None:
    network = Network(2.0, 0.0, 1.0, -2.0 * _ROOT3, 1.0, 1.0)
    assert float(revival_time(network, Task(slope=0.5, level=0.0))) == np.inf
    # The same wall, outwards; and at rest there.
    assert float(revival_time(network, Task(slope=2.5, level=0.0))) == 0.0
    assert float(revival_time(network, Task(slope=2.0, level=0.0))) == np.inf
    # With d = 0 the second derivative decides.
    standing = network._replace(d=0.0)
    assert float(revival_time(standing, Task(slope=1.0, level=0.5))) == 0.0
    assert float(revival_time(standing, Task(slope=1.0, level=-3.0))) == np.inf


def test_a_crossing_that_bounds_alone_do_not_find() -> None:
    network = Network(
        a=-3.9399403122853984,
        c=-1.4861987010119804,
        w1=0.6082012672811214,
        b1=-3.2465683891941435,
        d=0.22438226800971622,
    )
    task = Task(slope=-0.553532217715408, level=0.8845028912491793)
    with mpmath.workdps(40):
        exact = first_zero(series(network, task), 1e-3)
        assert exact is not None
        assert float(revival_time(network, task)) == pytest.approx(float(exact), rel=1e-10)
        assert float(exact) == pytest.approx(1.898e-5, rel=1e-4)


@pytest.mark.slow
def test_starts_near_their_wall_are_those_of_power_series() -> None:
    rng, seen = np.random.default_rng(0), []
    with mpmath.workdps(40):
        for i in range(40):
            a, c, d, slope, level = rng.normal(size=5) * (
                10.0 ** rng.uniform(-2.0, 1.5) if i % 4 == 0 else 1.0
            )
            d, c = (0.0 if i % 7 == 0 else d), (0.0 if i % 11 == 0 else c)
            w1 = rng.normal() * 10.0 ** rng.uniform(-3.0, 3.0)
            ends = (-rng.uniform(0.5, 5.0), rng.uniform(0.5, 5.0)) if i % 3 else (-_ROOT3, _ROOT3)
            task = Task(ends[0], ends[1], slope, level)
            top = max(w1 * (a * end + c) for end in ends)
            network = Network(a, c, w1, -top - (i % 2) * abs(top) * 10.0 ** rng.uniform(-15.0, -1.0), 1.0, d)
            time, z = float(revival_time(network, task)), series(network, task)
            if z(mpmath.mpf(0)) > 0:
                assert time == 0.0, "rounding put it beyond its wall"
                continue
            size = np.hypot(a * a + c * c - d * d, 2.0 * np.hypot(slope, level))
            horizon = 0.02 / max(a * a + c * c + d * d, size)
            exact = first_zero(z, horizon)
            seen.append(exact is None)
            if exact is None:
                assert time >= horizon, (network, task)
            elif exact < 1e-19 * horizon:
                assert time < 1e-18 * horizon, (network, task)
            else:
                # With d = 0 the wall is approached with z′ = 0.
                assert time == pytest.approx(float(exact), rel=1e-9 if d else 1e-5), (network, task)
    assert 6 < sum(seen) < len(seen) - 6


def test_many_starts_near_their_wall_reach_it_and_not_before() -> None:
    rng, n = np.random.default_rng(5), 300
    a, c, w1, d, slope, level = rng.normal(size=(6, n))
    ends = np.array([-_ROOT3, _ROOT3])[:, None]
    top = np.max(w1 * (a * ends + c), axis=0)
    network = Network(a, c, w1, -top - np.abs(top) * 10.0 ** rng.uniform(-15.0, 0.5, n), 1.0, d)
    task = Task(slope=slope, level=level)
    time = revival_time(network, task)
    assert not np.any(np.isnan(time))
    back = np.isfinite(time)
    assert 0.2 < np.mean(back) < 0.9

    def highest(t: np.ndarray) -> np.ndarray:
        there = path(network, task, t)
        return np.asarray(np.max(w1 * (there.a * ends + there.c), axis=0) + network.b1)

    assert np.max(np.abs(highest(np.where(back, time, 0.0))[back])) < 1e-11
    for share in np.linspace(0.0, 0.99, 34):
        assert (
            np.max(highest(np.where(back, share * np.where(back, time, 0.0), share / (1.0 - share)))) < 1e-13
        )
