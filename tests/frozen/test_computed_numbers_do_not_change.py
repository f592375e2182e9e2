"""What is computed is what was frozen, to the bit where it was computed.

Elsewhere another processor's rounding may grow along a run, so a difference beyond the tolerance is shown as
a skipped test and proves nothing; freeze anew there before you rearrange code.
"""

from __future__ import annotations

import pytest

from tests.frozen.fixtures import FOLDER, MACHINE, read
from tests.frozen.runs import RUNS
from tests.frozen.same import assert_as_frozen
from tests.frozen.studies import derivations
from tests.frozen.tasks import Run
from tests.study.claims.test_findings_are_valid import FROZEN

GROUPS = sorted({run.group for run in RUNS})
ELSEWHERE = {run.name for run in derivations()} | FROZEN.keys()
"""What derivations and claims tell is compared where they are proved and checked: once is enough."""


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(run, id=run.name, marks=[pytest.mark.slow] if run.slow else [])
        for run in RUNS
        if run.name not in ELSEWHERE
    ],
)
def test_computed_numbers_do_not_change(run: Run) -> None:
    assert_as_frozen(run)


def test_every_run_is_frozen_and_nothing_else() -> None:
    assert len({run.name for run in RUNS}) == len(RUNS)
    frozen = {group: sorted(read(group)) for group in GROUPS}
    assert frozen == {group: sorted(run.name for run in RUNS if run.group == group) for group in GROUPS}
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted((*GROUPS, MACHINE))


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.json")) < 300_000
