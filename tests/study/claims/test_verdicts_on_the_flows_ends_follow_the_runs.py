"""What is said of the ends of the flow, and of Adam's thresholds, follows what is computed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, UNDECIDED
from gradflow.study.claims.theory import adam_thresholds
from gradflow.study.claims.theory import ends_of_the_flow as ends

Patch = pytest.MonkeyPatch


def of_deaths(patch: Patch, *rows: tuple[int, int, int, int]) -> str:
    """Return the verdict if so many starts live, die, are known to and do not, by half-width."""
    by = dict(zip(ends.WIDTHS, (ends.Deaths(*row) for row in rows), strict=True))
    patch.setattr(ends, "deaths", lambda width, n: by[width])
    return ends.dies_in_finite_time(True).verdict


def test_deaths_decide(monkeypatch: Patch) -> None:
    monkeypatch.setattr(ends, "death_at", lambda: 0.1174)
    none, some = (100, 0, 0, 0), (100, 7, 2, 0)
    assert of_deaths(monkeypatch, none, none, some) == "conditional"
    assert of_deaths(monkeypatch, none, none, none) == "reproduced"
    # Against the theorem on narrow inputs, and against the trap.
    assert of_deaths(monkeypatch, (100, 1, 0, 0), none, some) == "open"
    assert of_deaths(monkeypatch, none, none, (100, 7, 2, 1)) == "open"
    monkeypatch.setattr(ends, "death_at", lambda: 0.2)
    assert of_deaths(monkeypatch, none, none, some) == "open"


def test_the_direction_of_the_wall_attracts_beyond_the_root_of_3() -> None:
    assert ends.bend(math.sqrt(3.0)) == pytest.approx(0.0, abs=1e-13)
    for width in (1.0, 1.7, 1.8, 4.0):
        polynomial = width**4 - 2.5 * width**2 - 1.5
        assert ends.bend(width) == pytest.approx(polynomial * math.hypot(1.0, width) / 12.0, rel=1e-12)


@pytest.mark.slow
def test_the_example_dies_when_another_integrator_says() -> None:
    """Its rates written out: a mean over [−4, 4] of the residual, by quadrature."""
    node, weight = np.polynomial.legendre.leggauss(2000)
    x, mean = 4.0 * node, 0.5 * weight
    theta, t, step = np.array(ends.DIES), 0.0, 1e-5
    while np.hypot(*theta[:2]) > 1e-3:
        w1, b1, w2, b2 = theta
        on = w1 * x + b1 > 0.0
        z = np.where(on, w1 * x + b1, 0.0)
        r = mean * (w2 * z + b2 - np.maximum(x, 0.0))
        through = w2 * on * r
        theta = theta - 2.0 * step * np.array([through @ x, np.sum(through), r @ z, np.sum(r)])
        t += step
    assert ends.death_at() == pytest.approx(t, abs=1e-3)


def test_a_share_that_is_not_larger_refutes_and_a_contradiction_opens(monkeypatch: Patch) -> None:
    def said(code: int, of: float) -> Any:
        def decide(theta: np.ndarray, *_: Any) -> Any:
            known = np.arange(theta.shape[1]) < of * theta.shape[1]
            return SimpleNamespace(outcome=np.where(known, code, UNDECIDED), theorem=np.where(known, 1, 0))

        return decide

    none = SimpleNamespace(outcome=UNDECIDED)
    monkeypatch.setattr(ends, "enclose", lambda *_, **__: none)
    monkeypatch.setattr(ends, "flow_outcomes", lambda neuron, *_, **__: np.full(len(neuron.b1), LINEAR))
    for code, of, expected in ((LINEAR, 0.5, "reproduced"), (LINEAR, 0.3, "refuted"), (GLOBAL, 0.5, "open")):
        monkeypatch.setattr(ends, "decide", said(code, of))
        assert ends.decided_at_once(True).verdict == expected
    # An enclosure that is wrong.
    none.outcome = GLOBAL
    monkeypatch.setattr(ends, "decide", said(LINEAR, 0.5))
    assert ends.decided_at_once(True).verdict == "open"


def test_a_door_without_a_margin_leaves_it_open(monkeypatch: Patch) -> None:
    assert ends.door(True).verdict == "reproduced"
    monkeypatch.setattr(ends, "door_margin", lambda Q: np.cos(Q))
    assert ends.door(True).verdict == "open"
    monkeypatch.setattr(ends, "door_margin", lambda Q: np.nan * Q)
    assert ends.door(True).verdict == "open"


@pytest.mark.slow
def test_what_fades_makes_it_conditional_and_a_low_one_that_fades_opens(monkeypatch: Patch) -> None:
    assert ends.measured_rate() == pytest.approx((-1.5758, -1.5758), abs=1e-3)
    monkeypatch.setattr(ends, "FAR", 30.0)
    monkeypatch.setattr(ends, "measured_rate", lambda: (-1.6, -1.6))
    assert ends.fading(True).verdict == "conditional"
    with monkeypatch.context() as patch:
        patch.setattr(ends, "loss", lambda theta, problem: np.zeros(theta.shape[1]))
        assert ends.fading(True).verdict == "open"
    monkeypatch.setattr(ends, "measured_rate", lambda: (-1.5, -1.6))
    assert ends.fading(True).verdict == "open"
    monkeypatch.setattr(ends, "measured_rate", lambda: (-1.6, -1.6))
    monkeypatch.setattr(ends, "CONSTANT", CONSTANT + 100)
    monkeypatch.setattr(ends, "fades", lambda theta, problem: np.zeros(theta.shape[1], dtype=bool))
    assert ends.fading(True).verdict == "reproduced"


def test_thresholds_are_counted(monkeypatch: Patch) -> None:
    for counts, expected in (
        ((1, 1, 9), "conditional"),
        ((1, 1, 1), "reproduced"),
        ((3, 1, 9), "refuted"),
        ((0, 1, 9), "open"),
    ):
        rows = {
            str(step): {"changes": some, "linear": 5, "neither": 0}
            for step, some in zip(adam_thresholds.STEPS, counts, strict=True)
        }
        monkeypatch.setattr(adam_thresholds, "changes", lambda n, rows=rows: rows)
        assert adam_thresholds.one_threshold(True).verdict == expected
