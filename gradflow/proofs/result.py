"""A result: what is stated, under which hypotheses, why it holds, and what was checked by machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from gradflow.base.checks import one_of
from gradflow.base.scripts import describe
from gradflow.proofs.cells import Expr
from gradflow.proofs.parts import parts_of
from gradflow.proofs.proof import Check, Proof
from gradflow.proofs.stated import Stated

STATUSES = ("proved", "checked numerically", "conjecture")

PARTS = ("STATUS", "STATEMENT", "HYPOTHESES", "PROOF", "NOT_CLAIMED", "prove", "formulas")
"""The names that the script of a derivation has: constants, and two functions (see `derive`)."""

PROVED_BY, RELATED = "PROVED_BY", "RELATED"
"""The names of the constants that say how each part of the statement is proved (`gradflow.proofs.parts`), and
what others have found that is near to it: texts, one for each work."""


@dataclass(frozen=True)
class Result(Stated):
    """One derivation, carried out.

    Parameters
    ----------
    number, slug, title, status, statement, hypotheses, proof, not_claimed, parts, related
        As of `Stated`; the status is one of `STATUSES`.
    formulas : tuple of (str, expression)
        Each a label and a SymPy expression or equation.
    checks : tuple of Check
        What was computed while deriving; a result without any is not proved.

    Raises
    ------
    ValueError
        If the status is not one of `STATUSES`.
    """

    formulas: tuple[tuple[str, Expr], ...]
    checks: tuple[Check, ...] = field(repr=False)

    def __post_init__(self) -> None:
        one_of("status", self.status, STATUSES)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.holds)

    @property
    def holds(self) -> bool:
        """Whether there are checks and all of them hold."""
        return bool(self.checks) and not self.failures


def derive(script: Mapping[str, Any]) -> Result:
    """Carry out a derivation.

    Parameters
    ----------
    script : mapping
        The names of its script, `globals()` or `vars(module)`: the constants of `PARTS`, which become the
        result's attributes of the same name; `prove`, which records checks in the `Proof` that it is given;
        and `formulas`, which returns labelled formulas. `PROVED_BY` and `RELATED`, if they are
        there, become the parts and the related work.

    Raises
    ------
    ValueError
        If the script lacks one of them, its status is not one of `STATUSES`, or the entries of `PROVED_BY`
        are not those of the statement's numbers.
    """
    number, slug, title, path = describe(script["__file__"])
    missing = [name for name in PARTS if name not in script]
    if missing:
        raise ValueError(f"{path}: expected {', '.join(PARTS)}; there is no {', '.join(missing)}")
    parts = parts_of(script[PROVED_BY], script["STATEMENT"]) if PROVED_BY in script else ()
    proof = Proof()
    script["prove"](proof)
    return Result(
        number,
        slug,
        title,
        status=script["STATUS"],
        statement=script["STATEMENT"],
        hypotheses=script["HYPOTHESES"],
        proof=script["PROOF"],
        not_claimed=script["NOT_CLAIMED"],
        formulas=script["formulas"](),
        checks=tuple(proof.checks),
        parts=parts,
        related=script.get(RELATED, ()),
    )


def verdict(result: Result) -> str:
    """Return the status, or that the proof failed."""
    if not result.checks:
        return "NOT PROVED: nothing was checked"
    failed = len(result.failures)
    return f"NOT PROVED: {failed} of {len(result.checks)} checks fail" if failed else result.status


def summary(checks: Sequence[Check]) -> list[str]:
    """Return one line for each claim: in how many cases it holds, and in which it does not."""
    lines = []
    for claim in dict.fromkeys(check.claim for check in checks):
        cases = [check for check in checks if check.claim == claim]
        failing = "; ".join(check.case or "in general" for check in cases if not check.holds)
        lines.append(f"{claim}: " + (f"FAILS ({failing})" if failing else f"holds ({len(cases)} checked)"))
    return lines


def sides(equation: Expr) -> tuple[Expr, list[Expr]]:
    """Return the left side of an equation, and the terms of its right side."""
    left, right = equation.args
    return left, list(right.as_ordered_terms()) if isinstance(right, sympy.Add) else [right]
