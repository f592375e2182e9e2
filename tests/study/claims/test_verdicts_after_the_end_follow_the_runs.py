"""What is said of Adam after the end follows the runs: other methods give another verdict."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import pytest

from gradflow.descent import Adam
from gradflow.study.claims.shared import forget
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.theory import adam_after_the_end as claims
from gradflow.theory.after_the_end import escape_steps


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start without what is remembered, with shorter runs."""
    forget()
    monkeypatch.setattr(claims, "RATES", (0.1,))
    yield
    forget()


@pytest.mark.slow
def test_a_stable_method_that_leaves_refutes_the_theory(monkeypatch: pytest.MonkeyPatch) -> None:
    free = claims.Dynamics(Adam(0.1, beta2=0.99))
    monkeypatch.setattr(claims, "METHODS", dict.fromkeys(("Adam", *claims.HELD), free))
    found = claims.methods_after_the_end(True)
    assert found.verdict == "refuted"
    assert all(found.values["left"].values())


@pytest.mark.slow
def test_methods_that_all_hold_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    some = {name: claims.METHODS[name] for name in ("gradient descent", "heavy ball")}
    monkeypatch.setattr(claims, "METHODS", some)
    found = claims.methods_after_the_end(True)
    assert (found.verdict, found.values["left"]) == ("open", dict.fromkeys(some, 0))


@pytest.mark.slow
def test_a_rate_at_which_none_leaves_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims.who_is_left(True).verdict == "refuted"
    monkeypatch.setattr(claims, "QUICK", claims.QUICK._replace(starts=8, longest=20_000))
    monkeypatch.setattr(claims, "RATES", (0.001,))
    found = claims.who_is_left(True)
    assert found.verdict == "open"
    assert found.values["linear"]["0.001"].keys() == {"5000", "20000"}


@pytest.mark.slow
def test_a_run_that_does_not_leave_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = claims.course()
    still = one._replace(
        excess=np.zeros_like(one.excess),
        breakpoint=np.full_like(one.breakpoint, one.breakpoint[claims.WHILE]),
    )
    monkeypatch.setattr(claims, "course", lambda: still)
    found = claims.after_the_end(True)
    assert found.verdict == "open"
    assert "period" not in found.values["one_start"]


@pytest.mark.slow
def test_shaken_neurons_take_the_predicted_steps_from_the_first_burst_on() -> None:
    predicted, measured = claims.ways(claims.escape(5, 40_000, 0.02))
    assert predicted.size == 5
    assert np.all(np.abs(measured / predicted - 1.0) < 0.08)


def test_what_claims_need_is_plain_and_named_once() -> None:
    work = [*claims.needs_one(False), *claims.needs_many(False), *claims.needs_methods(False)]
    assert len({one.name for one in work}) == len(work) == 11
    assert all(hash(one) and pickle.loads(pickle.dumps(one)) == one for one in work)


def test_bursts_are_counted_once() -> None:
    excess = np.zeros(1000)
    excess[[100, 102, 104, 500, 501]] = [1e-6, 3e-6, 2e-6, 1e-5, 1e-7]
    assert claims.bursts(excess, np.arange(1000)).tolist() == [102, 500]
    assert claims.bursts(np.zeros(10), np.arange(10)).size == 0


@pytest.mark.slow
def test_the_drift_of_one_neuron_comes_to_the_input_when_it_is_predicted() -> None:
    start = claims.course().theta[:, claims.WHILE]
    steps = np.linspace(0.0, float(escape_steps(start, POPULATION, 0.01)), 60)
    breakpoint_at = claims.drifting(start, steps)
    assert np.all(np.diff(breakpoint_at) > 0.0)
    assert breakpoint_at[-1] == pytest.approx(-1.0, abs=1e-5)
