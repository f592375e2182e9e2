"""What training promises holds for any two of its features together, also for pairs that nobody thought of.

A batch has the bits of its single runs; what is recorded changes nothing; a run goes on from its state as if
it had not been left, and who has diverged stays where that was; compiled code has NumPy's bits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from gradflow.descent import Descent, update
from gradflow.descent.modifiers import adjusted, decayed
from gradflow.descent.prepared import prepare
from tests.covering import Row, named
from tests.descent.products import COMPILED, HALF, ROWS, STEPS, Case, case

EVERY_ROW = pytest.mark.parametrize("number", range(len(ROWS)), ids=[named(row) for row in ROWS])


@cache
def whole(number: int) -> tuple[Case, Descent]:
    """Return the case of a row, and its run."""
    some = case(ROWS[number])
    return some, some.train()


def assert_same(one: Any, other: Any) -> None:
    """Compare bits, but for the sign of zeros."""
    assert (one is None) == (other is None)
    if one is not None:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@EVERY_ROW
def test_a_batch_has_the_bits_of_its_single_runs(number: int) -> None:
    some, run = whole(number)
    batch = run.diverged.shape
    for index in list(np.ndindex(batch))[number % 3 :: 3] or [()]:
        alone = some.lane(batch, index).train()
        for name in ("theta", "loss", "final", "diverged"):
            assert_same(getattr(run, name)[(..., *index)], getattr(alone, name))
        if run.first_change is not None:
            assert_same(run.first_change[index], alone.first_change)
        ours = [(crossing.step, crossing.event) for crossing in run.events if crossing.index == index]
        assert ours == [(crossing.step, crossing.event) for crossing in alone.events]


@pytest.mark.some(15)
@EVERY_ROW
def test_what_is_recorded_changes_nothing(number: int) -> None:
    some, run = whole(number)
    other = some.train(
        record_every=1 if some.records["record_every"] is None else None,
        events=not some.records["events"],
        first_change=not some.records["first_change"],
        last=True,
        state=True,
        progress=lambda step: None,
    )
    for name in ("final", "diverged"):
        assert_same(getattr(run, name), getattr(other, name))
    for name in ("theta", "loss"):
        assert_same(getattr(run, name)[[0, -1]], getattr(other, name)[[0, -1]])


@EVERY_ROW
def test_a_run_goes_on_from_its_state_and_who_has_diverged_stays(number: int) -> None:
    some, run = whole(number)
    half = some.train(HALF, state=True)
    theta, problem, config = prepare(some.start, some.problem, some.config, some.how["dtype"])
    evaluator = some.how["kind"].evaluator(problem, theta)
    largest = float(np.finfo(theta.dtype).max)
    theta, state, alive = half.final, half.state, ~half.diverged
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(HALF, STEPS):
            rate = config.lr * some.how["schedule"](step)
            gradient = evaluator.gradient(theta)
            seen = adjusted(some.how["modifiers"], gradient, theta)
            new, state = update(config, seen, state, theta, rate)
            new = decayed(some.how["modifiers"], new, theta, rate)
            safe = (np.abs(new) <= largest ** (1 / 7)) & (np.abs(gradient) <= 0.5 * largest**0.5)
            alive = alive & np.all(safe, axis=0)
            theta = np.where(alive, new, theta)
    assert_same(run.final, theta)
    assert_same(run.diverged, ~alive)


@pytest.mark.slow
@pytest.mark.parametrize("row", COMPILED, ids=named)
def test_compiled_code_has_the_bits_of_numpys(row: Row) -> None:
    some = case(row)
    plain, compiled = some.train(), some.train(backend="numba")
    for name in ("theta", "loss", "final", "diverged", "first_change"):
        assert_same(getattr(plain, name), getattr(compiled, name))


def test_the_rows_hold_what_has_to_be_seen() -> None:
    runs = [whole(number)[1] for number in range(len(ROWS))]
    assert any(np.any(run.diverged) and not np.all(run.diverged) for run in runs)
    assert sum(bool(run.events) for run in runs) > 5
    assert sum(bool(np.any(run.final != run.theta[0])) for run in runs) > 0.8 * len(runs)
