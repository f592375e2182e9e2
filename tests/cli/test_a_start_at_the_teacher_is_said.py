"""A start that has nothing to learn is said to be one, to people, on standard error."""

from __future__ import annotations

import pytest

from gradflow.cli import run

LINES = {
    "flow --t-end 1": True,
    "train --steps 3": True,
    "train --steps 3 --json": False,
    "train --steps 3 --b1 0.5": False,
    "train --steps 3 --teacher 1 0 2 0": False,
    "train --steps 3 --w1 -2 --b1 1 --teacher -2 1 1 0 --samples 5": True,
    "basins --grid lr 0.1 1 3 --method gd --steps 2": True,
    "basins --grid lr 0.1 1 3 --method gd --steps 2 --b1 0.5": False,
    "basins --grid lr 0.1 1 2 --grid b1 0 1 2 --method gd --steps 2": False,
    "basins --grid lr 0.1 1 3 --method gd --steps 2 --json": False,
}


@pytest.mark.parametrize("line", LINES)
def test_it_is_said_where_it_is_so(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == 0
    out, err = capsys.readouterr()
    assert out
    assert err.count("\n") == LINES[line]
    if LINES[line]:
        assert err.startswith("gradflow: the start (w1 = ")
        assert "is as good as the teacher, its loss is 0" in err
