"""Every constant that claims are checked with is that of a table: none changes by a slip of the finger."""

from __future__ import annotations

import json

from tests.study.claims.constants import TABLE, constants


def test_all_are_in_the_table() -> None:
    table, found = json.loads(TABLE.read_text(encoding="utf-8")), constants()
    assert found.keys() == table.keys()
    for module, entries in found.items():
        assert entries == table[module], f"{module}: if it is meant, python -m tests.study.claims.constants"
