"""A time is compared only where answers agree; what could not be measured says why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from benchmarks import harness, starts
from benchmarks.harness import Contender, Measured, measure
from benchmarks.table import Line, Section, compare, markdown, text

WORK = {"theta": starts.normal(8), "steps": 5, "lr": 0.01}


def result(peer: str, form: str, answer: float, *seconds: float, problem: str = "") -> Measured:
    return Measured(Contender(peer, form, "", {}), np.array([answer]), seconds, problem=problem)


OURS = result("gradflow", "", 1.0, 2.0, 4.0)


def test_the_fastest_form_that_agrees_counts() -> None:
    forms = [result("peer", "slow", 1.0, 9.0, 9.0), result("peer", "fast", 1.0, 6.0, 8.0)]
    line = compare("row", "work", OURS, forms, goal=2.5, tolerance=1e-9)
    assert (line.against, line.value, line.low, line.high, line.error) == ("peer: fast", 3.0, 2.0, 3.0, 0.0)
    assert line.met is True
    assert compare("row", "work", OURS, forms, goal=3.5, tolerance=1e-9).met is False
    assert compare("row", "work", OURS, forms, goal=math.nan, tolerance=1e-9).met is None


def test_a_form_that_disagrees_is_left_out() -> None:
    forms = [result("peer", "slow", 1.0, 9.0, 9.0), result("peer", "wrong", 1.1, 6.0, 8.0)]
    assert compare("row", "work", OURS, forms, goal=2.0, tolerance=1e-9).against == "peer: slow"


@pytest.mark.parametrize("answer", [1.0 + 1e-8, math.nan, math.inf])
def test_a_peer_that_disagrees_is_not_timed(answer: float) -> None:
    line = compare("row", "work", OURS, [result("peer", "", answer, 9.0)], goal=2.0, tolerance=1e-9)
    assert math.isnan(line.value)
    assert line.met is False
    assert line.error > line.tolerance
    assert "disagree" in line.note


def test_an_upper_bound_is_met_from_below() -> None:
    line = Line("row", "work", "", 1.1, 1.0, 1.2, 1.2, 0.0, 0.0, at_most=True)
    assert line.met is True
    assert line._replace(value=1.3).met is False
    assert line._replace(error=1e-9).met is False


def test_programs_answer_from_processes_of_their_own() -> None:
    contenders = [
        Contender("gradflow", "numpy", "ours:adam", WORK | {"backend": "numpy"}),
        Contender("NumPy", "plain", "plain_numpy:adam", WORK),
        Contender("NumPy", "on half the work", "plain_numpy:adam", WORK, share=0.5),
        Contender("NumPy", "broken", "plain_numpy:adam", WORK | {"steps": "five"}),
        Contender("absent", "", "plain_numpy:adam", WORK, needs=("no_such_module",)),
    ]
    ours, plain, half, broken, absent = measure(contenders, threads=1, repetitions=2)
    assert ours.answer is not None
    assert plain.answer is not None
    np.testing.assert_allclose(plain.answer, ours.answer, rtol=0.0, atol=1e-12)
    assert len(ours.seconds) == len(plain.seconds) == len(half.seconds) == 2
    assert ours.peak > 1e7
    assert broken.problem.startswith("TypeError")
    assert broken.seconds == ()
    assert absent.problem == "no_such_module not installed; in a clone of gradflow: pip install '.[peers]'"


def test_the_table_says_what_failed() -> None:
    peer = result("peer", "form", math.nan, problem="ValueError: no|such thing")._replace(answer=None)
    line = compare("row", "work", OURS, [peer], goal=2.0, tolerance=1e-9)
    section = Section("row", "A row", [line], [OURS, peer], {})
    assert "not measured" in text([section])
    assert "ValueError: no|such thing" in text([section])
    assert "| peer | form | ValueError: no\\|such thing |" in markdown([section], {"date": "today"})


class Scripted:
    """A process that takes two seconds for everything, 31 for what is called long."""

    asked: list[tuple[str, str]]

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ask(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((kind, given["form"]))
        seconds = 31.0 if given["form"] == "long" else 2.0
        return {"seconds": seconds, "answer": np.zeros(1), "setup": 0.0, "peak": 1.0}


def test_runs_are_made_in_turn_and_scaled_to_the_whole_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "Worker", Scripted)
    monkeypatch.setattr(harness, "PAUSE", 0.0)
    Scripted.asked = []
    contenders = [
        Contender("one", "part", "", {}, share=0.25),
        Contender("one", "long", "", {}),
        Contender("two", "whole", "", {}),
    ]
    part, long, whole = measure(contenders, threads=1, repetitions=2)
    assert (part.seconds, long.seconds, whole.seconds) == ((8.0, 8.0), (31.0,), (2.0, 2.0))
    assert [form for kind, form in Scripted.asked if kind == "prepare"] == ["part", "long", "whole"]
    assert [form for kind, form in Scripted.asked if kind == "run"] == [
        "part",
        "long",
        "whole",
        "part",
        "whole",
    ]
