"""How many different local ends a grid has, and which, whatever the parts it is counted in."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.cli import run
from gradflow.ends import flow_run
from gradflow.ends.outcome import GLOBAL, LOCAL, UNDECIDED
from gradflow.ends.places import Place, found, joined, places
from gradflow.neuron.problem import Neuron, Problem
from tests.cli.command import answer


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_parts_in_any_order_give_the_whole(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    losses, kinks = np.array([0.3, 0.3, 0.1, 1e-9]), np.array([0.2, -0.2, 0.2, np.inf])
    which, n = rng.integers(0, 4, 200), np.arange(200)
    codes = rng.choice([LOCAL, GLOBAL, UNDECIDED], 200)
    loss = losses[which] * (1.0 + 1e-8 * rng.normal(size=200))
    kink = kinks[which] + 1e-7 * rng.normal(size=200)
    cuts = np.array_split(rng.permutation(200), parts)
    whole = places(joined([found(codes[cut], loss[cut], kink[cut], n[cut], -1.0, 1.0) for cut in cuts]))
    assert whole == places(found(codes, loss, kink, n, -1.0, 1.0))
    expected = [np.flatnonzero((which == k) & (codes == LOCAL)) for k in range(4)]
    assert sorted((p.n, p.first) for p in whole) == sorted((len(e), int(e[0])) for e in expected if len(e))
    assert [p.n for p in whole] == sorted((p.n for p in whole), reverse=True)


def test_the_two_ends_of_one_neuron_on_an_even_target() -> None:
    w1, b1 = (axis.ravel() for axis in np.meshgrid([-1.0, 1.0], np.linspace(-0.6, 0.6, 5)))
    ends = flow_run(Neuron(w1, b1, 1.0, 0.1), Problem(teacher_activation="slopes=-1,1"))
    seen = places(found(ends.outcome, ends.loss, ends.breakpoint, np.arange(10), -1.0, 1.0))
    known = math.sqrt(2.0) - 1.0
    assert sorted(place.breakpoint for place in seen) == pytest.approx([-known, known], abs=1e-8)
    assert [place.n for place in seen] == [5, 5]
    assert seen[0].loss == pytest.approx(seen[1].loss, rel=1e-12)
    assert [place.first for place in seen] == [0, 1]


@pytest.mark.slow
def test_a_grid_and_a_store_tell_the_same_whatever_the_blocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    axes = ["--grid", "w1", "-1", "1", "2", "--grid", "b1", "-0.6", "0.6", "5"]
    grid = ["basins", "--teacher-activation", "slopes=-1,1", *axes]
    whole = answer(capsys, *grid)
    known = math.sqrt(2.0) - 1.0
    assert [(e["outcome"], e["n"]) for e in whole["ends"]] == [("local", 5), ("local", 5)]
    assert [e["first"] for e in whole["ends"]] == [{"w1": -1.0, "b1": -0.6}, {"w1": 1.0, "b1": -0.6}]
    assert [e["breakpoint"] for e in whole["ends"]] == pytest.approx([-known, known], abs=1e-8)
    assert whole["counts"]["local"] == 10
    assert answer(capsys, *grid, "--block", "3") == whole
    stored = [*grid, "--json", "--block", "4", "--out", str(tmp_path / "s.zarr")]
    for _ in range(2):
        assert run(stored) == 0
        assert json.loads(capsys.readouterr().out) == whole


def test_no_local_end_no_place() -> None:
    nothing = np.empty(0)
    assert places(found(nothing, nothing, nothing, nothing, -1.0, 1.0)) == []
    assert places(joined([])) == []


def test_ends_far_from_zero_are_told_apart() -> None:
    lo, hi = 1e12, 1e12 + 1e-2
    breakpoints = lo + np.array([0.2, 0.8]) * (hi - lo)
    codes = np.full(2, LOCAL, dtype=np.int8)
    assert len(places(found(codes, np.ones(2), breakpoints, np.arange(2), lo, hi))) == 2


def test_ends_next_to_each_other_are_one_however_many() -> None:
    chain = {(k, 0): Place(0.1, 0.5, 1, k) for k in range(4)} | {
        (3, k): Place(0.1, 0.5, 1, k) for k in range(4, 7)
    }
    apart = {(9, 0): Place(0.2, 0.5, 2, 7), (3, 9): Place(0.1, 0.9, 1, 8)}
    ends = [(place.n, place.first) for place in places(chain | apart)]
    assert ends == [(4, 0), (3, 4), (2, 7), (1, 8)]
