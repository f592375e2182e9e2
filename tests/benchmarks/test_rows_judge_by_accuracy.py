"""Flows and basins are timed at the accuracy that programs reach, and errors stand beside the ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.harness import Contender, Measured
from benchmarks.rows import basins, flow, inputs, scaling
from gradflow.ends.outcome import GLOBAL, LINEAR

RIGHT = np.zeros((4, 8))


def result(peer: str, form: str, errors: list[float], seconds: float) -> Measured:
    """Return a program whose trajectories are off by these errors, in the first parameter."""
    answer = RIGHT[:, : len(errors)].copy()
    answer[0] = errors
    return Measured(Contender(peer, form, "", {}), answer, (seconds, seconds))


GOOD, ONE_OFF, BAD = [1e-9] * 8, [1e-9] * 7 + [1e-4], [1e-5] * 8


def test_the_fastest_tolerance_with_every_trajectory_right_counts() -> None:
    forms = [result("p", "bad", BAD, 1.0), result("p", "one", ONE_OFF, 2.0), result("p", "good", GOOD, 3.0)]
    assert flow.chosen(forms, RIGHT).contender.form == "good"
    assert flow.chosen([*forms, result("p", "fast", GOOD, 2.5)], RIGHT).contender.form == "fast"


def test_without_one_the_fastest_with_a_right_median_counts() -> None:
    forms = [
        result("p", "bad", BAD, 1.0),
        result("p", "one", ONE_OFF, 2.0),
        result("p", "same", ONE_OFF, 3.0),
    ]
    assert flow.chosen(forms, RIGHT).contender.form == "one"
    assert flow.chosen(forms[:1], RIGHT).contender.form == "bad"


def test_failed_trajectories_are_infinitely_wrong() -> None:
    assert flow.errors(result("p", "", [math.nan, 1e-3], 1.0), RIGHT).tolist() == [math.inf, 1e-3]


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "has_fused_flow", lambda: True)


@pytest.mark.usefixtures("fused")
def test_a_peers_errors_stand_beside_the_ratio() -> None:
    measured = [result("gradflow fused", "", GOOD, 1.0), result("heyoka batch", "tol", ONE_OFF, 3.0)]
    line = flow._line(measured, RIGHT, "heyoka batch", "fused", 2.0)
    assert (line.value, line.met, line.error) == (3.0, True, 1e-9)
    assert "12.5% by > 1e-06, 0.0% by > 0.001" in line.note
    measured[1] = result("heyoka batch", "tol", GOOD, 3.0)
    assert "no tolerance" not in flow._line(measured, RIGHT, "heyoka batch", "fused", 2.0).note


@pytest.mark.usefixtures("fused")
def test_gradflow_is_not_timed_when_its_own_answer_is_wrong() -> None:
    measured = [result("gradflow fused", "", ONE_OFF, 1.0), result("heyoka batch", "tol", GOOD, 3.0)]
    line = flow._line(measured, RIGHT, "heyoka batch", "fused", 2.0)
    assert math.isnan(line.value)
    assert (line.met, line.error) == (False, 1e-4)


def test_labels_are_compared_where_the_peer_is_right() -> None:
    # The teacher, and a hyperactive neuron on the best line; the third end is wrong and not compared.
    ends = np.array([[1.0, 0.0, 1.0, 0.0], [0.5, 3.0, 1.0, -2.75], [1.0, 0.0, 1.0, 0.0]]).T
    right = ends.copy()
    right[0, 2] = 2.0
    peer = Measured(Contender("diffrax", "vmap", "", {}), ends, (120.0,))
    ours = Measured(Contender("gradflow", "", "", {}), np.zeros(3), (1.0,))
    line = basins._line(ours, [peer], np.array([GLOBAL, LINEAR, LINEAR]), right, "diffrax")
    assert (line.value, line.error, line.met) == (120.0, 0.0, True)
    line = basins._line(ours, [peer], np.array([GLOBAL, GLOBAL, LINEAR]), right, "diffrax")
    assert line.error == 0.5
    assert math.isnan(line.value)
    assert line.met is False


def test_linear_means_the_same_time_a_trajectory_and_the_same_bits() -> None:
    counts = [1000, 10_000, 100_000]
    measured = [result("g", "", GOOD, n * 1e-6) for n in counts]
    assert scaling._linear("Adam", counts, measured).value == pytest.approx(1.0)
    measured[1] = result("g", "", GOOD, 0.013)
    line = scaling._linear("Adam", counts, measured)
    assert line.value == pytest.approx(1.3)
    assert line.met is False
    measured[1] = result("g", "", [2e-9, *GOOD[1:]], 0.01)
    assert scaling._linear("Adam", counts, measured).met is False


def test_the_time_of_a_step_leaves_the_set_up_out() -> None:
    seconds = (1.0, 1.5, 9.0, 9.75)
    line = inputs._line("", [result("g", "", GOOD, s) for s in seconds], 1000, 100)
    assert line.value == pytest.approx(1.5)
    lost = inputs._line("", [result("g", "", GOOD, s) for s in (1.0, 1.5, 9.0, 8.9)], 1000, 100)
    assert math.isnan(lost.value)
    assert lost.met is False
