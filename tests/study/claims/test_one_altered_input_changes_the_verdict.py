"""A verdict on several runs hangs on each of them: one that comes out otherwise, and the verdict is another.

Runs, flows and thresholds are replaced by their results here, written down; only the verdict is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradflow.ends import Threshold
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, OUTCOMES, UNDECIDED
from gradflow.field.baselines import best_line
from gradflow.study.claims.single_neuron import observation0, observation1, observation2
from gradflow.study.claims.single_neuron.settings import SAMPLE, SETTINGS, reference_losses

Patch = pytest.MonkeyPatch
LABELS = [label for label, *_ in SETTINGS]


def in_each(patch: Patch, module: ModuleType, name: str, runs: dict[str, Any]) -> None:
    """Let a run come out as written down for its setting."""
    label = {(problem, dtype): label for label, problem, dtype in SETTINGS}

    def run(start: Any, problem: Any, *_: Any, dtype: str = "float64", **__: Any) -> Any:
        return runs[label[problem, dtype]]

    patch.setattr(module, name, run)


def in_turn(patch: Patch, module: ModuleType, name: str, results: list[Any]) -> None:
    """Let calls return results one after the other."""
    left: Iterator[Any] = iter(results)
    patch.setattr(module, name, lambda *_, **__: next(left))


def ended(code: int, loss: Any = 1 / 48, theta: Any = (1.0, 2.0, 0.5, -0.75)) -> Any:
    """Return a run that ended so, and was elsewhere before."""
    last = np.asarray(loss, dtype=float)
    return SimpleNamespace(
        outcome=np.full(last.shape, code),
        loss=np.stack([last + 1.0, last]),
        theta=np.array([np.add(theta, 3.0), theta]),
        run=None,
    )


def at(value: float, below: str = "global", above: str = "linear") -> Threshold:
    """Return a threshold."""
    return Threshold(value, 1e-3, below, above, 1)


def except_one(usual: Any, other: Any, which: str) -> dict[str, Any]:
    """Return the same for every setting but one."""
    return {label: other if label == which else usual for label in LABELS}


@pytest.mark.parametrize("label", LABELS)
def test_b2_that_works(label: str, monkeypatch: Patch) -> None:
    works = ended(GLOBAL, 1e-15)
    for other, expected in (
        (works, "reproduced"),
        (ended(UNDECIDED, 1e-15), "refuted"),
        (ended(GLOBAL, 1e-6), "refuted"),
    ):
        in_each(monkeypatch, observation1, "final", except_one(works, other, label))
        assert observation1.small_bias_works(True).verdict == expected


@pytest.mark.parametrize("label", LABELS)
def test_b2_that_is_stuck(label: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(observation1, "flow_outcomes", lambda *_: np.array([GLOBAL]))
    for other, expected in ((LINEAR, "reproduced"), (GLOBAL, "refuted"), (UNDECIDED, "refuted")):
        in_each(monkeypatch, observation1, "final", except_one(ended(LINEAR), ended(other), label))
        assert observation1.large_bias_is_stuck(True).verdict == expected


def curves(crosses: int = 200, reaches: int = 240, read: dict[int, float] | None = None) -> list[Any]:
    """Return the curves of the post's figure: from b2 = −1.1, from −1.2, and the first in float64."""
    line = reference_losses(SAMPLE)["best_line"]
    step = np.arange(5001)
    works, stuck = np.where(step < crosses, 1.0, 0.9 * line), np.where(step < reaches, 1.0, line)
    for at_step, value in ({500: -2.75, 1000: -7.0, 1400: -12.4, 5000: -14.8} | (read or {})).items():
        works[at_step] = 10.0**value
    return [SimpleNamespace(loss=loss) for loss in (works, stuck, works)]


@pytest.mark.parametrize(
    ("altered", "expected"),
    [
        ({}, "reproduced"),
        ({"crosses": 210, "reaches": 230}, "reproduced"),
        ({"crosses": 211}, "refuted"),
        ({"crosses": 189}, "refuted"),
        ({"reaches": 251}, "refuted"),
        ({"reaches": 229}, "refuted"),
        ({"read": {500: -2.95}}, "reproduced"),
        ({"read": {500: -3.05}}, "refuted"),
        ({"read": {1000: -6.7}}, "refuted"),
        ({"read": {1000: -7.3}}, "refuted"),
        ({"read": {1400: -12.0}}, "refuted"),
    ],
)
def test_the_curves_of_the_figure(altered: dict[str, Any], expected: str, monkeypatch: Patch) -> None:
    in_turn(monkeypatch, observation1, "curve", curves(**altered))
    assert observation1.loss_figure(True).verdict == expected


def test_curves_that_never_meet_the_line(monkeypatch: Patch) -> None:
    for i in (0, 1):
        found = curves()
        found[i] = SimpleNamespace(loss=np.ones(5001))
        in_turn(monkeypatch, observation1, "curve", found)
        assert observation1.loss_figure(True).verdict == "refuted"


@pytest.mark.parametrize("label", LABELS)
def test_a_breakpoint_that_moves_left(label: str, monkeypatch: Patch) -> None:
    def moved(leaves: int, back: int | None = None) -> Any:
        path = -np.arange(401) / (leaves - 0.5)
        if back is not None:
            path[back] += 0.02
        return SimpleNamespace(breakpoint=path)

    late = "refuted" if label == LABELS[0] else "reproduced"
    for other, expected in (
        (moved(247), "reproduced"),
        (moved(250), "reproduced"),
        (moved(251), late),
        (moved(247, back=100), "refuted"),
        (moved(402), "refuted"),
    ):
        in_each(monkeypatch, observation1, "curve", except_one(moved(247), other, label))
        assert observation1.breakpoint_moves_left(True).verdict == expected


@pytest.mark.parametrize("label", LABELS)
def test_a_limit_that_is_the_line(label: str, monkeypatch: Patch) -> None:
    lines = {name: best_line(problem) for name, problem, _ in SETTINGS}

    def line(name: str, tilt: float = 0.0, lift: float = 0.0) -> Any:
        slope, intercept = float(lines[name].slope), float(lines[name].intercept)
        return ended(LINEAR, theta=(1.0, 1.5, slope + tilt, intercept - 1.5 * (slope + tilt) + lift))

    for change, expected in (
        ({}, "reproduced"),
        ({"tilt": 2e-5}, "refuted"),
        ({"tilt": -2e-5}, "refuted"),
        ({"lift": 2e-5}, "refuted"),
        ({"lift": -2e-5}, "refuted"),
    ):
        runs = {name: line(name, **(change if name == label else {})) for name in LABELS}
        in_each(monkeypatch, observation1, "final", runs)
        assert observation1.limit_is_regression_line(True).verdict == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Adam in float32, on the inputs and on the population; gradient descent; the flow.
        ((-1.15, -1.15, -1.15, -1.15, -1.15), "reproduced"),
        ((-1.15, -1.15, -1.15, -1.19, -1.15), "reproduced"),
        ((-1.15, -1.15, -1.15, -1.21, -1.15), "conditional"),
        ((-1.15, -1.15, -1.15, -1.15, -1.21), "conditional"),
        ((-1.12, -1.18, -1.12, -1.15, -1.15), "conditional"),
        ((-1.15, -1.15, -1.15, -1.85, -1.57), "conditional"),
        ((-1.21, -1.15, -1.15, -1.85, -1.57), "refuted"),
        ((-1.15, -1.09, -1.15, -1.85, -1.57), "refuted"),
        ((-1.15, -1.15, -1.21, -1.21, -1.21), "refuted"),
    ],
)
def test_the_threshold_in_b2(values: tuple[float, ...], expected: str, monkeypatch: Patch) -> None:
    in_turn(monkeypatch, observation1, "bracket", [at(value) for value in values])
    assert observation1.thresholds(True).verdict == expected


@pytest.mark.parametrize(
    ("raised", "lowered", "expected"),
    [
        (at(1.15), at(-1.15), "reproduced"),
        (at(1.1515), at(-1.15), "reproduced"),
        (at(1.153), at(-1.15), "conditional"),
        (at(1.15), at(-1.147), "conditional"),
        (at(1.15, above="constant"), at(-1.15), "refuted"),
        (at(1.15, below="linear"), at(-1.15), "refuted"),
    ],
)
def test_the_teachers_bias(raised: Any, lowered: Any, expected: str, monkeypatch: Patch) -> None:
    in_turn(monkeypatch, observation1, "bracket", [raised, lowered])
    assert observation1.teacher_bias(True).verdict == expected


@pytest.mark.parametrize(
    ("sample", "population", "flow", "expected"),
    [
        ("constant", "constant", GLOBAL, "conditional"),
        ("constant", "constant", LINEAR, "reproduced"),
        ("linear", "constant", GLOBAL, "refuted"),
        ("constant", "linear", GLOBAL, "refuted"),
    ],
)
def test_a_large_b2(sample: str, population: str, flow: int, expected: str, monkeypatch: Patch) -> None:
    in_turn(monkeypatch, observation1, "bracket", [at(2.0, above=sample), at(2.1, above=population)])
    monkeypatch.setattr(
        observation1, "_adam_outcomes", lambda problem, b2: np.where(b2 < 2.0, GLOBAL, CONSTANT)
    )
    monkeypatch.setattr(observation1, "flow_outcomes", lambda *_: np.array([GLOBAL, GLOBAL, GLOBAL, flow]))
    assert observation1.large_positive_bias(True).verdict == expected


def many(code: int, loss: float, altered: dict[str, Any]) -> Any:
    """Return eight runs that ended alike, but for what is altered of one."""
    run = ended(code, np.full(8, loss))
    run.outcome[3] = altered.get("code", code)
    run.loss[-1, 3] = altered.get("loss", loss)
    run.theta = np.zeros((2, 4, 8))
    run.theta[1, altered.get("parameter", 3), 3] = altered.get("move", 0.25)
    return run


@pytest.mark.parametrize(
    ("sample", "population", "expected"),
    [
        ({}, {}, "reproduced"),
        ({"code": GLOBAL}, {}, "refuted"),
        ({}, {"code": CONSTANT}, "refuted"),
        ({}, {"loss": 1 / 48 + 2e-6}, "refuted"),
        ({}, {"loss": 1 / 48 - 2e-6}, "refuted"),
    ],
)
def test_a_hyperactive_start(sample: Any, population: Any, expected: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(observation0, "flow_outcomes", lambda *_: np.array([GLOBAL, LINEAR]))
    in_turn(monkeypatch, observation0, "final", [many(LINEAR, 1 / 48, some) for some in (sample, population)])
    assert observation0.hyperactive_start(True).verdict == expected


@pytest.mark.parametrize(
    ("sample", "population", "flow", "expected"),
    [
        ({}, {}, CONSTANT, "reproduced"),
        ({"code": LINEAR}, {}, CONSTANT, "refuted"),
        ({}, {"code": UNDECIDED}, CONSTANT, "refuted"),
        ({}, {}, GLOBAL, "refuted"),
        ({}, {"loss": 5 / 48 + 2e-6}, CONSTANT, "refuted"),
        ({}, {"parameter": 0, "move": 1e-300}, CONSTANT, "refuted"),
        ({}, {"parameter": 1, "move": -1e-300}, CONSTANT, "refuted"),
        ({}, {"parameter": 2, "move": 1e-300}, CONSTANT, "refuted"),
    ],
)
def test_a_dead_start(sample: Any, population: Any, flow: int, expected: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(observation0, "flow_outcomes", lambda *_: np.array([CONSTANT, flow]))
    runs = [many(CONSTANT, 5 / 48, some) for some in (sample, population)]
    in_turn(monkeypatch, observation0, "final", runs)
    assert observation0.dead_start(True).verdict == expected


@pytest.mark.parametrize("upper", [None, 0, 1, 2])
@pytest.mark.parametrize("lower", [None, 3, 4, 5])
def test_thresholds_in_b1(upper: int | None, lower: int | None, monkeypatch: Patch) -> None:
    for off in (3e-3, -3e-3):
        values = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
        for i in (upper, lower):
            if i is not None:
                values[i] += off
        in_turn(monkeypatch, observation0, "bracket", [at(value) for value in values])
        wrong = (upper is not None) + (lower is not None)
        assert observation0.thresholds(True).verdict == ("reproduced", "conditional", "refuted")[wrong]


@pytest.mark.parametrize("label", LABELS)
def test_a_rate_that_works(label: str, monkeypatch: Patch) -> None:
    def reached(*others: int, first: int = GLOBAL) -> Any:
        run = ended(GLOBAL, np.full(10, 1e-15))
        run.outcome[0] = first
        run.outcome[list(others)] = CONSTANT
        return run

    for other, expected in (
        (reached(), "reproduced"),
        (reached(7), "conditional"),
        (reached(first=CONSTANT), "conditional"),
        (reached(first=UNDECIDED), "conditional"),
    ):
        in_each(monkeypatch, observation2, "final", except_one(reached(), other, label))
        assert observation2.rate_that_works(True).verdict == expected
    # That it can be done is refuted only if no setting does it.
    in_each(monkeypatch, observation2, "final", except_one(reached(first=CONSTANT), reached(), label))
    assert observation2.rate_that_works(True).verdict == "conditional"
    monkeypatch.setattr(observation2, "final", lambda *_, **__: reached(first=CONSTANT))
    assert observation2.rate_that_works(True).verdict == "refuted"


@pytest.mark.parametrize("label", LABELS)
def test_a_rate_that_kills(label: str, monkeypatch: Patch) -> None:
    def died(code: int = CONSTANT, step: int | None = 9) -> Any:
        run = ended(code, 5 / 48)
        run.run = step
        return run

    monkeypatch.setattr(observation2, "death_step", lambda step: step)
    for other, expected in (
        (died(), "reproduced"),
        (died(code=GLOBAL), "refuted"),
        (died(step=None), "refuted"),
    ):
        in_each(monkeypatch, observation2, "final", except_one(died(), other, label))
        assert observation2.rate_that_kills(True).verdict == expected


@pytest.mark.parametrize("label", LABELS)
def test_rates_between(label: str, monkeypatch: Patch) -> None:
    def swept(deaths: Callable[[int], int | None]) -> Any:
        run = ended(CONSTANT, np.zeros(12))
        run.run = [deaths(i) for i in range(12)]
        return run

    usual = swept(lambda i: 9 if i >= 8 else None)
    monkeypatch.setattr(observation2, "death_step", lambda steps, index: steps[index[0]])
    for other, expected in (
        (usual, "reproduced"),
        (swept(lambda i: 9 if i >= 8 and i != 10 else None), "conditional"),
        (swept(lambda i: 9 if i >= 8 else 900 if i == 2 else None), "conditional"),
        (swept(lambda i: None), "refuted"),
        (swept(lambda i: 900 if i >= 8 else None), "refuted"),
    ):
        in_each(monkeypatch, observation2, "final", except_one(usual, other, label))
        assert observation2.rates_between(True).verdict == expected


@pytest.mark.parametrize(
    ("ends", "step", "expected"),
    [
        ((GLOBAL, CONSTANT), 3, "reproduced"),
        ((GLOBAL, CONSTANT), None, "reproduced"),
        ((GLOBAL, GLOBAL), 3, "conditional"),
        ((CONSTANT, CONSTANT), 3, "conditional"),
        ((GLOBAL, GLOBAL), None, "refuted"),
    ],
)
def test_gradient_descent(ends: Any, step: int | None, expected: str, monkeypatch: Patch) -> None:
    run = ended(GLOBAL, [1e-9, 0.05])
    run.outcome[:] = ends
    monkeypatch.setattr(observation2, "final", lambda *_: run)
    monkeypatch.setattr(observation2, "train_arrays", lambda *_: None)
    monkeypatch.setattr(observation2, "death_step", lambda _: step)
    monkeypatch.setattr(observation2, "bracket", lambda *_, **__: at(0.6))
    finding = observation2.gradient_descent(True)
    assert finding.verdict == expected
    assert f"loss 1e-09; 0.4: {OUTCOMES[ends[1]]}, 5e-02)" in finding.summary


@pytest.mark.parametrize(
    ("moves", "revived", "expected"),
    [(0.0, 1, "conditional"), (0.0, 0, "reproduced"), (1e-9, 1, "refuted"), (1e-9, 0, "refuted")],
)
def test_what_stays_frozen(moves: float, revived: int, expected: str, monkeypatch: Patch) -> None:
    still = np.zeros((20, 4))
    moved = still.copy()
    moved[15, 1] = moves
    runs = [SimpleNamespace(theta=moved, run=10), SimpleNamespace(theta=still + 1.0, run=10)]
    in_turn(monkeypatch, observation2, "curve", runs)
    monkeypatch.setattr(observation2, "death_step", lambda step: step)
    monkeypatch.setattr(observation2, "_drift", lambda *_, **__: np.ones(3))
    monkeypatch.setattr(observation2, "_revivals", lambda quick: (5, revived))
    assert observation2.once_dead_frozen(True).verdict == expected
