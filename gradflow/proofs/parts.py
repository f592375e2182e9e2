"""How the parts of a statement are proved: each by checks of a machine, by prose, or by both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gradflow.proofs.proof import Check

MACHINE, BOTH, PROSE = WAYS = ("machine", "machine and prose", "prose")

_NUMBER = re.compile(r"(?:\A|\n\n)(\(\d+\)) ")


class Part(NamedTuple):
    """A numbered part of a statement, and what its proof rests on.

    Parameters
    ----------
    name : str
        As the statement has it: "(1)".
    checks : tuple of str
        The claims that a machine checks for this part (`gradflow.proofs.proof.Check`). One that ends with
        "…" stands for all that begin like it.
    prose : str
        The steps that no check covers, or "" if there are none but definitions and the theorems that every
        check uses (an antiderivative gives the integral, two rational functions are equal if their difference
        expands to 0).
    """

    name: str
    checks: tuple[str, ...]
    prose: str

    @property
    def way(self) -> str:
        """One of `WAYS`."""
        if not self.checks:
            return PROSE
        return BOTH if self.prose else MACHINE

    def __str__(self) -> str:
        checked = f"Checked: {'; '.join(self.checks)}." if self.checks else ""
        prose = f"By prose: {self.prose}." if self.prose else ""
        return " ".join(filter(None, (f"{self.name} {self.way}.", checked, prose)))


def parts_of(entries: Iterable[Any], statement: str) -> tuple[Part, ...]:
    """Return the parts of a statement from the entries (name, checks, prose) of its script.

    Raises
    ------
    ValueError
        If the entries are not one for each number of the statement, in its order, or one of them names
        neither a check nor a step of prose.
    """
    parts = tuple(Part(name, tuple(checks), prose) for name, checks, prose in entries)
    names, numbers = [part.name for part in parts], numbers_of(statement)
    if names != numbers:
        allowed = ", ".join(numbers) or "none, as the statement has no numbers"
        raise ValueError(f"PROVED_BY: expected an entry for each of {allowed}; got {', '.join(names)}")
    for part in parts:
        if not (part.checks or part.prose):
            raise ValueError(f"PROVED_BY: expected checks or prose for {part.name}, got neither")
    return parts


def numbers_of(statement: str) -> list[str]:
    """Return the numbers, "(1)" and so on, that paragraphs of a statement begin with."""
    return _NUMBER.findall(statement.strip())


def way_of(parts: Sequence[Part]) -> str:
    """Return how a whole statement is proved, one of `WAYS`; "" if nothing is said of parts."""
    ways = {part.way for part in parts}
    return ways.pop() if len(ways) == 1 else BOTH if ways else ""


def unsupported(parts: Iterable[Part], checks: Sequence[Check]) -> list[str]:
    """Return the claims that parts rely on and that are not among the checks that were made."""
    made = {check.claim for check in checks}
    named = [claim for part in parts for claim in part.checks]
    return [claim for claim in named if not any(_stands_for(claim, found) for found in made)]


def _stands_for(claim: str, made: str) -> bool:
    return made.startswith(claim.removesuffix("…")) if claim.endswith("…") else made == claim
