"""The derivations: which there are, and one of them by number or name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradflow.base.checks import nearest, shown
from gradflow.base.scripts import Script, describe, load_script, parsed, script_paths
from gradflow.proofs.stated import Stated

if TYPE_CHECKING:
    from gradflow.proofs.parts import Part
    from gradflow.proofs.result import Result


def catalogue() -> list[Script]:
    """Return number, slug, title and path of every derivation, without running one."""
    return [describe(path) for path in script_paths("derivations")]


def stated_status(path: Path | str) -> str:
    """Return the status that a derivation claims for its result, without running it.

    It stands in the script as text, `STATUS = "proved"`. When the script runs, the result has this status if
    all its checks hold, and is not proved if one fails.

    Raises
    ------
    ValueError
        If the script does not assign `STATUS` exactly once, at its top level, a text written out.
    """
    found = _written_out(path, "STATUS")
    if len(found) == 1 and isinstance(found[0], str) and found[0]:
        return found[0]
    raise ValueError(f'{path}: expected one line STATUS = "...", with the status written out')


def stated_parts(path: Path | str) -> tuple[Part, ...]:
    """Return how a derivation says that each part of its statement is proved, without running it.

    Raises
    ------
    ValueError
        If the script assigns `PROVED_BY` or `STATEMENT` in another way than written out once, or the entries
        are not those of the statement's numbers.
    """
    from gradflow.proofs.parts import parts_of

    entries, statement = _written_out(path, "PROVED_BY"), _written_out(path, "STATEMENT")
    if not entries:
        return ()
    if not (len(entries) == len(statement) == 1 and entries[0] and statement[0]):
        raise ValueError(f"{path}: expected PROVED_BY = (...) and STATEMENT once each, written out")
    try:
        return parts_of(entries[0], statement[0])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def stated(result: str) -> Stated:
    """Return what a derivation states, by number or slug, without proving it.

    Raises
    ------
    ValueError
        If there is none, or its script does not write out what it states.
    """
    script = find(result)
    texts = {
        name: _written_out(script.path, name) for name in ("STATEMENT", "HYPOTHESES", "PROOF", "NOT_CLAIMED")
    }
    unwritten = [name for name, found in texts.items() if len(found) != 1 or not found[0]]
    if unwritten:
        raise ValueError(f"{script.path}: expected {', '.join(unwritten)} once each, written out")
    statement, hypotheses, proof, not_claimed = (found[0] for found in texts.values())
    related = _written_out(script.path, "RELATED")
    return Stated(
        *script[:3],
        stated_status(script.path),
        statement,
        tuple(hypotheses),
        proof,
        tuple(not_claimed),
        parts=stated_parts(script.path),
        related=tuple(related[0]) if related and related[0] else (),
    )


def find(result: str) -> Script:
    """Return the derivation with the given number ("3" or "03") or slug ("hessian").

    Raises
    ------
    ValueError
        If there is none.
    """
    scripts = catalogue()
    wanted = str(result).strip()
    for script in scripts:
        if wanted == script.slug or (wanted.isdecimal() and int(wanted) == script.number):
            return script
    first, last = scripts[0], scripts[-1]
    raise ValueError(
        f"result: expected a number from {first.number} ({first.slug}) to {last.number} ({last.slug}), "
        f"or such a name, got {shown(result)}{nearest(wanted, (script.slug for script in scripts))}"
    )


def load(result: str) -> Result:
    """Carry out the derivation with the given number or slug and return its result.

    Raises
    ------
    ValueError
        If there is none.
    """
    from gradflow.proofs.result import derive

    return derive(vars(load_script(find(result).path)))


def _written_out(path: Path | str, name: str) -> list[Any]:
    """Return what is assigned to a name at the top level of a script; None where it is not a literal."""
    top = parsed(Path(path)).body
    values = [node.value for node in top if isinstance(node, ast.Assign) and _names(node) == [name]]
    return [_literal(value) for value in values]


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return None


def _names(assignment: ast.Assign) -> list[str]:
    return [getattr(target, "id", "") for target in assignment.targets]
