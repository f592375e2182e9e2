"""The arithmetic of compiled code, read from its assembly."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator

UNREAD = "" if platform.machine() in ("x86_64", "AMD64") else "only x86-64's instructions are known"
"""Why no assembly is read here, if it is not."""

WIDTHS = {"zmm": 8, "ymm": 4, "xmm": 2}
INSTRUCTION = r"^\s+v?([a-z]+[0-9]*)(pd|sd)\s+(.*)$"
STATEMENTS = "sqrt|div|mul|add|sub|min|max|and|andn|or|xor|blendv?|blendm|cmp[a-z]+|f[a-z]+[0-9]*"


def instructions(text: str) -> Iterator[tuple[str, int]]:
    """Yield what is done with numbers in double precision, and with how many at once.

    Statements have their own names. What moves numbers from and to memory, whatever else it does with them,
    is a "load" or a "store".
    """
    for operation, kind, operands in re.findall(INSTRUCTION, text, flags=re.MULTILINE):
        numbers = 1 if kind == "sd" else next(n for r, n in WIDTHS.items() if r in operands)
        if re.fullmatch(STATEMENTS, operation):
            yield operation, numbers
        if "(" in operands:
            yield "store" if operands.rstrip().endswith(")") else "load", numbers
