"""The theorem, its exponents, its scales: every branch of a verdict is reached by runs that call for it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradflow.networks.two_layer import bounds
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.judged import Check
from gradflow.networks.two_layer.limit import ACTIVE, INACTIVE, SLIDING, LimitPath
from gradflow.study.claims.alignment import neighbours, questions, scales, theorem
from tests.networks.two_layer.synthetic import checked, found

HOLDS = (True, True, 0.5)
FAILS = (True, False, -0.25)
OUTSIDE = (False, True, 0.25)
FAILS_OUTSIDE = (False, False, -1.0)
SILENT = (True, None, math.nan)


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ((HOLDS, HOLDS), "reproduced"),
        # Outside its hypotheses a statement may fail.
        ((HOLDS, FAILS_OUTSIDE), "reproduced"),
        # Numbers against a theorem decide nothing.
        ((HOLDS, FAILS), "open"),
        ((OUTSIDE, SILENT), "conditional"),
        ((OUTSIDE, FAILS_OUTSIDE), "open"),
        ((SILENT, SILENT), "open"),
    ],
)
def test_statements_with_hypotheses(flows: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(monkeypatch, *({"trapped": flow} for flow in flows))
    assert found("trapping").verdict == expected
    # And one of several statements decides for all.
    others = {"lemma 3": HOLDS}
    checked(monkeypatch, *({**others, "lemma 4": flow} for flow in flows))
    assert found("lemmas").verdict == expected
    # Of a bound that is not proved again here an exception refutes.
    checked(monkeypatch, *({"dwell (paper)": flow} for flow in flows))
    assert found("dwell").verdict == ("refuted" if FAILS in flows else expected)


def test_counts_and_margins_are_those_of_the_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    checked(monkeypatch, *({"once": one} for one in (HOLDS, (True, True, 0.25), FAILS_OUTSIDE, SILENT)))
    assert theorem.tally("once", True) == (2, 2, 3, 1, 0.25)
    checked(monkeypatch, {"once": FAILS_OUTSIDE}, {"once": OUTSIDE})
    assert theorem.tally("once", True) == (0, 0, 2, 1, -1.0)
    checked(monkeypatch, {"once": SILENT})
    assert math.isnan(theorem.tally("once", True).margin)
    checked(monkeypatch, {"monotone": (True, True, 0.0), "once": (True, False, -3.0), "living": HOLDS})
    finding = found("monotone")
    assert finding.verdict == "open"
    assert "monotone activation 0, walls crossed twice 3, " in finding.summary


@pytest.mark.parametrize(
    ("paper", "ours", "expected"),
    [
        (HOLDS, HOLDS, "reproduced"),
        (OUTSIDE, HOLDS, "conditional"),
        (FAILS, HOLDS, "refuted"),
        (FAILS_OUTSIDE, HOLDS, "open"),
        (SILENT, HOLDS, "open"),
        (OUTSIDE, FAILS, "open"),
        # Ours was not covered by these flows: that says nothing of the paper's.
        (OUTSIDE, FAILS_OUTSIDE, "conditional"),
    ],
)
def test_the_papers_time(paper: Any, ours: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(monkeypatch, {"time (paper)": paper, "time (ours)": ours})
    assert found("time").verdict == expected


@pytest.mark.parametrize(("name", "check"), [("rate", "loss (paper)"), ("rank", "rank (paper)")])
def test_after_alignment(name: str, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theorem, "tail_slope", lambda quick: (1e6, 0.01, 0.1))
    for one, expected in ((HOLDS, "reproduced"), (FAILS, "open"), (OUTSIDE, "conditional")):
        checked(monkeypatch, {"loss (ours)": HOLDS, check: one})
        assert found(name).verdict == expected


def test_hypotheses_broken_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {name: Check(name, "", False, holds, 0.0) for name, holds in (("a", False), ("b", None))}
    monkeypatch.setattr(theorem, "checked", lambda case: (rows["a"], rows["b"]))
    finding = found("hypotheses")
    assert finding.verdict == "conditional"
    assert finding.summary.count("a in 1 of 1") == 4
    monkeypatch.setattr(theorem, "checked", lambda case: (rows["b"],))
    assert found("hypotheses").verdict == "open"
    assert found("hypotheses").summary.count("nothing fails") == 4


@pytest.mark.parametrize(
    ("with_min", "with_max", "expected"),
    [(1e9, 1.0, "refuted"), (1e9, 1e9, "open"), (1.0, 1.0, "open")],
)
def test_the_printed_maximum(
    with_min: float, with_max: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_zeta = {True: with_min, False: with_max}
    seen = []

    def time(s: Any) -> float:
        seen.append(s.zeta)
        return at_zeta[len(seen) % 2 == 0]

    monkeypatch.setattr(bounds, "paper_time", time)
    finding = found("zeta")
    assert finding.verdict == expected
    assert ("NOT bounded" in finding.summary) == (with_min == 1.0)
    # Of each start the larger zeta comes first, the same for all; the smaller one sees the start.
    assert len(set(seen[0::2])) == 1
    assert seen[1::2] == sorted(set(seen[1::2]), reverse=True)
    assert seen[1] < seen[0]


def law(n: float, mu: float, noise: float = 0.0) -> list[tuple[int, float, float]]:
    rng = np.random.default_rng(0)
    return [
        (count, least, 3.0 * count**n * least**mu * math.exp(noise * rng.normal()))
        for count in (4, 8, 16, 32)
        for least in (0.01, 0.03, 0.1, 0.3)
    ]


def test_exponents_are_recovered() -> None:
    one = questions.fit(law(0.7, -0.5))
    assert one.n == pytest.approx(0.7, abs=1e-12)
    assert one.mu == pytest.approx(-0.5, abs=1e-12)
    assert max(one.n_error, one.mu_error, one.residual) < 1e-12


def test_intervals_of_exponents_cover_as_often_as_they_say() -> None:
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rows = [(n, mu, t * math.exp(0.2 * rng.normal())) for n, mu, t in law(0.3, -0.4)]
        one = questions.fit(rows)
        hits += abs(one.n - 0.3) < one.n_error
    assert 192 <= hits <= 200


@pytest.mark.parametrize(
    ("rows", "papers", "ours", "expected"),
    [
        (law(0.44, -0.5, 0.01), 0.1, 0.9, "reproduced"),
        (law(-1.0, -0.5), 0.1, 0.9, "conditional"),
        (law(0.44, -0.1), 0.1, 0.9, "conditional"),
        (law(0.44, -0.5, 0.01), 1.1, 0.9, "refuted"),
        # Beyond what is proved: something is wrong.
        (law(0.44, -0.5, 0.01), 0.1, 1.1, "open"),
    ],
)
def test_exponents(
    rows: Any, papers: float, ours: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "times", lambda *_: questions.Times(rows, papers, ours))
    finding = found("scaling")
    assert finding.verdict == expected
    assert ("it FAILS" in finding.summary) == (papers > 1.0)


def violation(mu: float, aligned: float = 1.0, wrong: float = 0.0, slid: float = 0.0) -> questions.Violation:
    return questions.Violation(mu, aligned, 0.0, wrong, slid)


@pytest.mark.parametrize(
    ("rows", "expected", "begin"),
    [
        ((violation(0.2), violation(-0.2), violation(-0.6, 0.3, 0.1, 0.2)), "conditional", "outlasts"),
        ((violation(0.2), violation(-0.2, 0.9)), "conditional", "ends with"),
        ((violation(0.2, 0.9), violation(-0.2)), "open", "outlasts"),
        ((violation(0.2, wrong=0.1), violation(-0.2)), "open", "outlasts"),
        ((violation(0.2, slid=0.1), violation(-0.2)), "open", "outlasts"),
        ((violation(0.2),), "open", "ends with"),
        ((violation(-0.2),), "open", "outlasts"),
    ],
)
def test_violations(rows: Any, expected: str, begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "violations", lambda quick: rows)
    finding = found("violations")
    assert finding.verdict == expected
    assert finding.summary.startswith(f"Alignment {begin} Assumption 1")


def test_steps_back_are_seen() -> None:
    data = Dataset(np.eye(2), np.array([1.0, -1.0]))
    on, off, slides, none = ACTIVE, INACTIVE, SLIDING, -1
    # v > 0 gains its datum and loses the other; the same backwards; slides; has no event.
    patterns = [
        [[off, on], [on, on], [on, off]],
        [[on, off], [on, on], [off, on]],
        [[off, on], [slides, on], [none, none]],
        [[on, on], [none, none], [none, none]],
    ]
    path = LimitPath(**dict.fromkeys(LimitPath._fields))  # type: ignore[arg-type]
    path = path._replace(patterns=np.array(patterns, dtype=np.int8))
    assert questions.count_wrong_direction(path, data, np.ones(4)).tolist() == [0, 2, 0, 0]
    assert questions.count_wrong_direction(path, data, -np.ones(4)).tolist() == [2, 0, 0, 0]


def powers(order: float, floor: float = 1e-9, missing: int = 0) -> list[scales.Shift]:
    rows = [scales.Shift(-20.0, floor, missing)]
    return rows + [scales.Shift(log, math.exp(order * log), 0) for log in (-6.0, -5.0, -4.0)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (powers(2.0), "reproduced"),
        (powers(1.0), "refuted"),
        (powers(2.0, floor=1e-3), "refuted"),
        (powers(2.0, missing=1), "refuted"),
        (powers(2.0)[1:], "open"),
        (powers(2.0)[:2], "open"),
    ],
)
def test_the_scale_of_the_start(rows: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "shifts", lambda quick: rows)
    finding = found("epsilon")
    assert finding.verdict == expected
    # Steps of 1 in ln ε: what a power adds to ln of the shift. One that is too large is part of the fit.
    if rows[0].shift < 1e-7 and len(rows) > 2:
        order = math.log(rows[-1].shift / rows[-2].shift)
        assert finding.values["order"] == pytest.approx(order, rel=1e-9)


@pytest.mark.parametrize(
    ("unaligned", "expected", "told"),
    [
        (
            {-6.0: 0.0, -3.0: 0.0, -1.0: 0.1},
            "conditional",
            "up to ln ε = -3, and more than 5% do not from -1",
        ),
        # What aligns beyond the first failure does not count.
        (
            {-6.0: 0.0, -3.0: 0.1, -1.0: 0.0},
            "conditional",
            "up to ln ε = -6, and more than 5% do not from -3",
        ),
        ({-6.0: 0.0, -3.0: 0.0}, "open", "up to ln ε = -3"),
        ({-6.0: 0.1, -3.0: 0.0}, "open", "from -6 on"),
    ],
)
def test_the_breakdown(
    unaligned: dict[float, float], expected: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [scales.Scale(log, share, 0.5, 1.1) for log, share in unaligned.items()]
    monkeypatch.setattr(scales, "scales", lambda quick: rows)
    for power, verdict in (
        (-0.5, expected),
        (0.5, "open" if expected == "open" else "refuted"),
        (math.nan, "open"),
    ):
        monkeypatch.setattr(scales, "broken_at", lambda h, quick, power=power: power * math.log(h))
        finding = scales.breakdown(quick=False)
        assert finding.verdict == verdict
        assert told in finding.summary
    assert scales.breakdown(quick=True).verdict == "open"


def test_the_scale_of_breakdown_is_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    def followed(seed: int, log_epsilon: float, below: float, h: int) -> Any:
        unaligned = np.arange(20) < 2.0 * (log_epsilon + 1.0) - 1.0
        return SimpleNamespace(patterns=[unaligned])

    monkeypatch.setattr(scales, "followed", followed)
    monkeypatch.setattr(scales, "memberships", lambda unaligned, labels: np.where(unaligned, scales.NONE, 1))
    # Shares 0, 0, 0, 1/20, 3/20 at ln ε = −3, …, 1: a tenth halfway between the last two.
    assert scales.broken_at.__wrapped__(7, False) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0.01, 0.004, 0.005, 1.0), (1.0, 9.0, 0.4, 0.2)], "conditional"),
        ([(0.01, 0.5, 0.005, 1.0)], "refuted"),
        ([(0.01, -0.5, 0.005, 1.0)], "refuted"),
        ([(0.01, math.inf, 0.005, 0.9)], "refuted"),
        ([(1.0, 0.4, 0.4, 1.0)], "open"),
    ],
)
def test_gradient_descent(rows: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "steps", lambda quick: [scales.AtRate._make((*row, 0.01)) for row in rows])
    finding = found("gd")
    assert finding.verdict == expected
    assert ("NOT as predicted" in finding.summary) == (expected == "refuted")


def test_the_loss_falls_faster_than_1_over_t_by_a_logarithm() -> None:
    until, with_log, without = theorem.tail_slope(True)
    # (1 − without) log t = (1 ± with_log) log(t/10), whichever sign it has.
    ratio = (1.0 - without) * math.log(until) / math.log(0.1 * until)
    assert abs(ratio - 1.0) == pytest.approx(with_log, rel=1e-9)
    assert 0.0 < with_log < 0.05 < without < 0.2


def test_gd_is_slower_by_a_logarithm() -> None:
    # One step multiplies by 1 + x what the flow multiplies by e^x.
    rate = np.array([0.01, 0.5, 3.0])
    np.testing.assert_allclose(np.exp(rate * scales.slowed(rate)), 1.0 + rate, rtol=1e-14)


def test_times_of_a_path_are_those_of_the_own_set() -> None:
    data = Dataset(np.eye(2), np.array([1.0, -1.0]))
    # Both end active on the positive datum only; that aligns v > 0 alone. The third dies.
    path = SimpleNamespace(
        patterns=np.array([[[1, 1], [1, 1], [0, 1]]], dtype=np.int8),
        outputs=np.array([[1.0, -1.0, 1.0]]),
        crossings=[(0.5, 2, 1, "off"), (1.0, 0, 1, "off"), (2.0, 1, 1, "off")],
    )
    assert scales.times(path, data).tolist() == [1.0, math.inf, 0.5]  # type: ignore[arg-type]


def test_the_data_of_one_teacher_are_in_its_cone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is less than 40° from the teacher, so that no two are 90° apart, and they fill that cone."""

    class DrawnError(Exception):
        pass

    def objective(data: Dataset, *_: Any, **__: Any) -> None:
        raise DrawnError(data.inputs, data.labels)

    monkeypatch.setattr(neighbours, "Objective", objective)
    with pytest.raises(DrawnError) as caught:
        neighbours.taught.__wrapped__(True)
    inputs, labels = caught.value.args
    angles = np.degrees(np.arctan(np.linalg.norm(inputs[:, 1:], axis=1)))
    assert np.all(angles < 40.0)
    assert np.max(angles) > 30.0
    assert np.all(inputs[:, 0] == labels)
