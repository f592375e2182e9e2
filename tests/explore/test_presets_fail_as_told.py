"""Every famous failure fails as its story says, is saved by its remedy, and names what explains it."""

from __future__ import annotations

import pytest

from gradflow.explore.presets import PRESETS, Preset, preset
from gradflow.explore.state import query, read_query
from gradflow.explore.tasks import check
from gradflow.explore.trajectories import runs
from gradflow.proofs.catalogue import catalogue
from gradflow.study.claims import LEDGER


def test_there_are_ten_with_names_of_their_own() -> None:
    assert len({one.key for one in PRESETS}) == len({one.title for one in PRESETS}) == 10
    for one in PRESETS:
        assert preset(one.key) is one
        for state in (one.state, one.saved):
            assert check(state) == {}
            assert read_query(query(state)).state == state


def test_an_unknown_one_is_told() -> None:
    with pytest.raises(ValueError, match=r"^preset: expected one of large-b2, .*, got 'x'$"):
        preset("x")


def test_what_explains_it_is_there() -> None:
    numbers = {str(int(script.number)) for script in catalogue()}
    claims = {claim.id for claim in LEDGER}
    for one in PRESETS:
        assert one.because in numbers | claims, one.key
        assert one.because in one.html


@pytest.mark.slow
@pytest.mark.parametrize("one", PRESETS, ids=[one.key for one in PRESETS])
def test_runs_end_as_told(one: Preset) -> None:
    for state, told in ((one.state, one.fails), (one.saved, one.ends)):
        ends = {run.name: run.outcome for run in runs(state)}
        assert {name: ends[name] for name in told} == told
