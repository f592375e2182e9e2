"""The derivations: which there are, and one of them by number or name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradflow.scripts import Script, describe, load_script, script_paths

if TYPE_CHECKING:
    from gradflow.symbolic.result import Result


def catalogue() -> list[Script]:
    """Return number, slug, title and path of every derivation, without running one."""
    return [describe(path) for path in script_paths("derivations")]


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
    allowed = ", ".join(f"{script.number} ({script.slug})" for script in scripts)
    raise ValueError(f"result: there is no derivation {result!r}; choose from {allowed}")


def load(result: str) -> Result:
    """Carry out the derivation with the given number or slug and return its result.

    Raises
    ------
    ValueError
        If there is none.
    """
    derived: Result = load_script(find(result).path).derive()
    return derived
