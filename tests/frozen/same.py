"""The comparison of a run with what was frozen."""

from __future__ import annotations

import pytest

from tests.frozen.compare import differences, told
from tests.frozen.fixtures import MACHINE, facts, read
from tests.frozen.studies import SYMBOLIC
from tests.frozen.tasks import Run

SAME = facts() == read(MACHINE)


def assert_as_frozen(run: Run) -> None:
    """Fail where a run computes something else than was frozen; skip where the machine may do it."""
    if run.group == SYMBOLIC and facts()["sympy"] != read(MACHINE)["sympy"]:
        pytest.skip("another SymPy may write the same formula otherwise")
    lines = differences(read(run.group)[run.name], run.result(), None if SAME else run.elsewhere)
    if lines and not SAME:
        pytest.skip(f"{run.name} was frozen on another platform, here it differs:\n{told(lines)}")
    assert not lines, f"{run.name} is not what was frozen (`python -m tests.frozen`):\n{told(lines)}"
