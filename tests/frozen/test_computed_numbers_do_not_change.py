"""What is computed is what was frozen, to the bit where it was computed.

Elsewhere another processor's rounding may grow along a run, so a difference beyond the tolerance is shown as
a skipped test and proves nothing; freeze anew there before you rearrange code.
"""

from __future__ import annotations

import pytest

from tests.frozen.compare import differences, told
from tests.frozen.fixtures import FOLDER, MACHINE, facts, read
from tests.frozen.runs import RUNS
from tests.frozen.studies import SYMBOLIC
from tests.frozen.tasks import Run

SAME = facts() == read(MACHINE)
GROUPS = sorted({run.group for run in RUNS})


@pytest.mark.parametrize(
    "run", [pytest.param(run, id=run.name, marks=[pytest.mark.slow] if run.slow else []) for run in RUNS]
)
def test_computed_numbers_do_not_change(run: Run) -> None:
    if run.group == SYMBOLIC and facts()["sympy"] != read(MACHINE)["sympy"]:
        pytest.skip("another SymPy may write the same formula otherwise")
    lines = differences(read(run.group)[run.name], run.result(), None if SAME else run.elsewhere)
    if lines and not SAME:
        pytest.skip(f"{run.name} was frozen on another platform, here it differs:\n{told(lines)}")
    assert not lines, f"{run.name} is not what was frozen (`python -m tests.frozen`):\n{told(lines)}"


def test_every_run_is_frozen_and_nothing_else() -> None:
    assert len({run.name for run in RUNS}) == len(RUNS)
    frozen = {group: sorted(read(group)) for group in GROUPS}
    assert frozen == {group: sorted(run.name for run in RUNS if run.group == group) for group in GROUPS}
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted((*GROUPS, MACHINE))


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.json")) < 300_000
