"""The arithmetic of compiled code, read from its assembly."""

from __future__ import annotations

import re
from collections.abc import Iterator

WIDTHS = {"zmm": 8, "ymm": 4, "xmm": 2}
INSTRUCTION = r"^\s+v?([a-z]+[0-9]*)(pd|sd)\s+(.*)$"
STATEMENTS = "sqrt|div|mul|add|sub|min|max|and|andn|or|xor|blendv?|blendm|cmp[a-z]+|f[a-z]+[0-9]*"


def instructions(text: str) -> Iterator[tuple[str, int]]:
    """Yield every statement on numbers in double precision, and on how many it works; stores as "store"."""
    for operation, kind, operands in re.findall(INSTRUCTION, text, flags=re.MULTILINE):
        numbers = 1 if kind == "sd" else next(n for r, n in WIDTHS.items() if r in operands)
        if re.fullmatch(STATEMENTS, operation):
            yield operation, numbers
        elif re.fullmatch(r"%[xyz]mm\d+, .*\)", operands):
            yield "store", numbers
