"""Verdicts on success, activity and the post's observations for networks follow what the runs come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradflow.networks.line.decay import cubic_limit
from gradflow.study.claims.networks import cubic, landscape, minimisers, observations, splines, width

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize(
    ("losses", "expected"), [((0.0,), "reproduced"), ((1.0,), "refuted"), ((0.0, 1.0), "conditional")]
)
def test_of_success(losses: tuple[float, ...], expected: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(width, "TARGETS", dict(list(landscape.TARGETS.items())[: len(losses)]))
    values = iter(value for value in losses for _ in width.QUICK_WIDTHS)

    def ended(method: str, rows: np.ndarray, *_: Any) -> Any:
        return SimpleNamespace(loss=np.full(rows.shape[1], next(values)))

    monkeypatch.setattr(width, "ended", ended)
    assert width.success("gd", True).verdict == expected


@pytest.mark.parametrize(
    "check",
    [
        observations.hyperactive,
        observations.large_bias,
        observations.large_rate,
    ],
)
def test_of_observations(check: Any, monkeypatch: Patch) -> None:
    for share, expected in ((0.0, "reproduced"), (1.0, "refuted")):
        monkeypatch.setattr(
            observations, "learnt", lambda *_, share=share: {"learnt": share, "median": 1.0 - share}
        )
        assert check(True).verdict == expected
    # One width comes out otherwise.
    monkeypatch.setattr(observations, "learnt", lambda _, m, *__: {"learnt": float(m == 20), "median": 1.0})
    assert check(True).verdict == "conditional"


@pytest.mark.parametrize(
    ("start", "fewest"), [(observations.one_is(-1.1), 1), (observations.one_is(-1.1, True), 5)]
)
def test_starts_with_dead_neurons_have_as_many_as_they_say(start: Any, fewest: int) -> None:
    rows = start(5, 40)
    dead = (rows[:5] == 1.0) & (rows[5:10] <= -1.1)
    assert np.all(np.sum(dead, axis=0) == fewest)
    assert np.array_equal(rows[10:], observations.plain(5, 40)[10:])


def test_of_remedies(monkeypatch: Patch) -> None:
    shares = iter([0.0, 1.0, 1.0, 1.0, 1.0] * 3)
    monkeypatch.setattr(observations, "learnt", lambda *_: {"learnt": next(shares)})
    assert observations.remedies(True).verdict == "reproduced"
    monkeypatch.setattr(observations, "learnt", lambda *_: {"learnt": 0.5})
    assert observations.remedies(True).verdict == "refuted"


def test_of_activity(monkeypatch: Patch) -> None:
    monkeypatch.setattr(width, "trained", lambda rows, *_: SimpleNamespace(rows=rows))
    assert width.activity(True).verdict == "reproduced"

    def dies(rows: np.ndarray, *_: Any) -> Any:
        m = rows.shape[0] // 3
        after = rows.copy()
        after[m : 2 * m] = -10.0
        return SimpleNamespace(rows=after)

    monkeypatch.setattr(width, "trained", dies)
    assert width.activity(True).verdict == "conditional"


def test_of_splines(monkeypatch: Patch) -> None:
    found = {"to_cubic": 0.1, "to_linear": 0.9, "at_inputs": 0.9, "at_first": 0.1, "moved": 0.0}
    runs: list[dict[str, float]] = []
    monkeypatch.setattr(splines, "learnt", lambda rows, *_: rows)
    monkeypatch.setattr(splines, "compared", lambda *_: runs.pop(0))
    half, other = {**found, "to_cubic": 0.3}, {**found, "to_cubic": 0.9, "to_linear": 0.1}
    for some, expected in (
        ((half, found), "reproduced"),
        ((half, half), "conditional"),
        ((found, other), "refuted"),
    ):
        runs[:] = [dict(row) for row in some]
        assert splines.kernel(True).verdict == expected
    middle, spread = {**other, "to_linear": 0.3}, {**other, "at_inputs": 0.2}
    for some, expected in (
        ((middle, other), "reproduced"),
        ((middle, middle), "conditional"),
        ((middle, spread), "conditional"),
        ((other, found), "refuted"),
    ):
        runs[:] = [dict(row) for row in some]
        assert splines.adaptive(True).verdict == expected


def test_the_cubic_spline_is_the_kernels() -> None:
    """What output weights come to from 0: the interpolant of the least sum of their squares."""
    places = (np.arange(20_000) + 0.5) / 10_000 - 1.0

    def features(x: np.ndarray) -> np.ndarray:
        away = x - places[:, None]
        both = np.concatenate([np.maximum(away, 0.0), np.maximum(-away, 0.0)])
        return np.asarray(both / np.sqrt(2.0 * len(places)))

    x = np.linspace(-0.9, 0.9, 31)
    many, at = features(x), features(splines.X)
    scale = 500.0
    least = (1.0 + scale * many.T @ at) @ np.linalg.solve(1.0 + scale * at.T @ at, splines.Y)
    assert np.allclose(splines.cubic(scale, x), least, rtol=0, atol=1e-6)


def test_of_minimisers(monkeypatch: Patch) -> None:
    def runs(revive: bool, low: float) -> None:
        def ended(_: str, rows: np.ndarray, *__: Any) -> Any:
            last = rows.copy()
            m = len(rows) // 3
            last[m : 2 * m] += 10.0 * revive
            return SimpleNamespace(rows=last)

        monkeypatch.setattr(minimisers, "ended", ended)
        monkeypatch.setattr(minimisers, "LEARNT", low)

    for revive, low, expected in (
        (False, 0.0, "reproduced"),
        (False, 1e9, "conditional"),
        (True, 0.0, "refuted"),
    ):
        runs(revive, low)
        assert minimisers.minimisers("sgd", True).verdict == expected


def test_of_the_cubic_law(monkeypatch: Patch) -> None:
    """Two neurons' t³ L is compared with the limit at the last time, and every condition counts."""
    ends = {rows: np.array([1.0] * rows + [0.0] * rows + [1.0 / rows] * rows + [0.0]) for rows in (1, 2, 3)}
    constant = cubic_limit(ends[2]).loss

    def verdict(pair: float = 1.0, three: float = 1.0, gd: float = 1.0, one: bool = True) -> str:
        def followed(rows: Any, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            m = len(rows) // 3
            law = {1: np.exp(-times) if one else times**-3.0, 2: pair * constant * times**-3.0}
            return times, law.get(m, times ** (-3.0 * three)), ends[m]

        monkeypatch.setattr(cubic, "followed", followed)
        steps = {"steps": 5000, "gradient_descent": [gd], "adam": [1.0]}
        monkeypatch.setattr(cubic, "_steps", lambda _: steps)
        return cubic.cubic(True).verdict

    assert verdict() == "reproduced"
    assert [verdict(pair=value) for value in (0.985, 1.015)] == ["open"] * 2
    assert [verdict(gd=value) for value in (0.55, 1.45)] == ["open"] * 2
    assert verdict(three=1.01) == verdict(one=False) == "refuted"
