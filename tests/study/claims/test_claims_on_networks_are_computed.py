"""Claims on networks rest on runs that agree with plain loops, and their verdicts follow what is measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks.line.task import task_of
from gradflow.study.claims.networks import cubic, flat, inconsistent, landscape
from gradflow.study.claims.networks.many import flowed, interval, trained

Patch = pytest.MonkeyPatch


def plainly(a: np.ndarray, w: np.ndarray, weights: np.ndarray, shift: float, rate: float) -> tuple[int, int]:
    """Return code and steps of one network, neuron by neuron and input by input."""
    x = np.array([1.0, 2.0, 3.0, -1.0, -2.0, -3.0])
    y = np.array([1.0, -2.0, 1.0, -1.0, 2.0, -1.0]) + shift
    p, b, c, first = weights.ravel(), np.zeros_like(a), 0.0, 0.0
    for step in range(1, inconsistent.MOST):
        z = np.outer(x, a) + b
        on = z > 0
        r = p * ((z * on) @ w + c - y)
        moments = [abs(f) for side in (r[:3], r[3:]) for f in (side.sum(), side @ [1.0, 2.0, 3.0])]
        a, b, w, c = (
            a - rate * w * ((r * x) @ on),
            b - rate * w * (r @ on),
            w - rate * (r @ (z * on)),
            c - rate * r.sum(),
        )
        if np.any(np.abs(b) >= np.abs(a)):
            return inconsistent.CROSSED, step
        first = first or max(moments)
        if max(moments) <= inconsistent.SMALL * first:
            return inconsistent.SETTLED, step
    return inconsistent.UNFINISHED, step


@pytest.mark.slow
def test_two_vectors_a_side_stand_for_all_neurons() -> None:
    n, width, shift = 12, 8, 0.1
    # The function draws so, in this order.
    rng = np.random.default_rng([5, width])
    moments, ratios, weights = inconsistent.drawn(rng, width, n)
    rng = np.random.default_rng([5, width])
    a = np.sqrt(2.0) * rng.normal(size=(n, width))
    w = np.sqrt(2.0 / width) * rng.normal(size=(n, width))
    fair = [
        i for i in range(n) if np.all(np.isfinite(ratios[i])) and np.all((weights[i] > 0).sum(axis=1) > 1)
    ]
    rates = inconsistent._rates(moments, weights)
    found = [plainly(a[i], w[i], weights[i], shift, rates[i]) for i in fair]
    codes, taken = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    inconsistent.descend(  # type: ignore[no-untyped-call]
        moments[fair], ratios[fair], weights[fair], rates[fair], shift,
        np.array(inconsistent.PUBLISHED_LABELS), inconsistent.SMALL, 100_000, codes, taken,
    )  # fmt: skip
    assert {code for code, _ in found} == {inconsistent.SETTLED, inconsistent.CROSSED}
    assert codes[: len(fair)].tolist() == [code for code, _ in found]
    assert np.max(np.abs(taken[: len(fair)] - [steps for _, steps in found])) <= 1


def test_a_share_that_does_not_fall_changes_the_verdict(monkeypatch: Patch) -> None:
    def rows(last: dict[float, int]) -> list[dict[str, Any]]:
        return [
            {"width": width, "shift": shift, "runs": 100, "crossed": n, "unfinished": 0, "share": n / 100}
            for shift in inconsistent.PUBLISHED_SHIFTS
            for width, n in ((16, 40), (2048, last[shift]))
        ]

    for last, expected in (
        ({0.0: 5, 0.01: 5, 0.1: 5}, "reproduced"),
        ({0.0: 5, 0.01: 5, 0.1: 60}, "conditional"),
        ({0.0: 38, 0.01: 39, 0.1: 60}, "refuted"),
    ):
        monkeypatch.setattr(inconsistent, "curve", lambda *_, last=last: rows(last))
        assert inconsistent.inconsistent(False).verdict == expected


def test_a_curvature_below_the_bound_refutes_it(monkeypatch: Patch) -> None:
    monkeypatch.setattr(flat, "WIDTHS", (1,))
    monkeypatch.setattr(flat, "_held", lambda _, rate: rate < 1.456)
    assert flat.flat(True).verdict == "reproduced"
    bound = flat.bound
    monkeypatch.setattr(flat, "bound", lambda rows: 1.3 * bound(rows))
    assert flat.flat(True).verdict == "refuted"


def test_a_point_that_is_no_minimum_refutes_that_there_are_spurious_ones(monkeypatch: Patch) -> None:
    monkeypatch.setattr(landscape, "TARGETS", {"|x|": gf.Problem(target="abs")})
    assert landscape.spurious(True).verdict == "reproduced"
    monkeypatch.setattr(landscape, "critical_point", lambda *_: SimpleNamespace(kind="saddle"))
    assert landscape.spurious(True).verdict == "refuted"


def test_a_product_that_grows_leaves_the_bound_open(monkeypatch: Patch) -> None:
    monkeypatch.setattr(landscape, "TARGETS", {"|x|": gf.Problem(target="abs")})
    # The third falls, and grows in the end.
    laws = lambda t: 1.0 / t, lambda t: 1.0 - t / 1e3, {6.25: 0.16, 12.5: 0.04, 25.0: 0.06, 50.0: 0.0}.get
    for law, expected in zip(laws, ("reproduced", "open", "open"), strict=True):
        clock = [0.0]

        def moved(rows: Any, _: Any, time: float, law: Any = law, clock: list[float] = clock) -> Any:
            clock[0] += time
            return SimpleNamespace(rows=rows, loss=np.full(rows.shape[1], law(clock[0])))

        monkeypatch.setattr(landscape, "flowed", moved)
        assert landscape.bounded(True).verdict == expected


def test_many_networks_go_as_each_does() -> None:
    problem = gf.Problem(target="hat")
    starts = gf.networks.line.start("uniform", 3, 2, (4,))
    together = flowed(starts.rows, task_of(problem), 5.0, tolerance=1e-7)
    for i in range(4):
        alone = gf.gradient_flow(gf.networks.line.of_rows(starts.rows[:, i]), problem, t_end=5.0, rtol=1e-9)
        assert together.loss[i] == pytest.approx(float(alone["loss"][-1]), rel=1e-4)
    steps = trained(starts.rows, task_of(problem), gf.Adam(lr=0.01), 200)
    other = gf.train(starts, problem, gf.Adam(lr=0.01), 200)
    assert np.allclose(steps.loss, other["loss"].values[-1], rtol=1e-12, atol=0)
    # Those that are low enough are left, and the others go on as before.
    low = float(np.sort(steps.loss)[1])
    some = trained(starts.rows, task_of(problem), gf.Adam(lr=0.01), 200, 1.5 * low)
    slow = some.taken == 200
    assert np.any(slow)
    assert not np.all(slow)
    assert np.allclose(
        some.loss[slow & (steps.loss > 1.5 * low)], steps.loss[slow & (steps.loss > 1.5 * low)]
    )


def test_intervals_are_exact() -> None:
    low, high = interval(0, 10)
    assert low == 0.0
    assert (1.0 - high) ** 10 == pytest.approx(0.025)


def test_the_power_is_that_of_the_second_half_of_the_time() -> None:
    times = np.array([1.0, 2.0, 3.0, 4.0])
    losses = np.where(times < 2.0, times**-2.0, 0.25 * (times / 2.0) ** -3.0)
    assert cubic._power(times, losses) == pytest.approx(-3.0, abs=1e-12)
