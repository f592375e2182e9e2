"""The derivations: which there are, and one of them by number or name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from gradflow.base.scripts import Script, describe, load_script, script_paths

if TYPE_CHECKING:
    from gradflow.proofs.result import Result


def catalogue() -> list[Script]:
    """Return number, slug, title and path of every derivation, without running one."""
    return [describe(path) for path in script_paths("derivations")]


def stated_status(path: Path | str) -> str:
    """Return the status that a derivation claims for its result, without running it.

    It stands in the script as text, `Result(…, status="proved")`. When the script runs, the result has this
    status if all its checks hold, and is not proved if one fails.

    Raises
    ------
    ValueError
        If the script does not make exactly one `Result`, with a status written out.
    """
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _makes_result(node.func)]
    found = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "status"]
    if len(calls) == len(found) == 1 and isinstance(found[0], ast.Constant):
        status = found[0].value
        if isinstance(status, str) and status:
            return status
    raise ValueError(f'{path}: expected one Result(..., status="...") with the status written out')


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


def _makes_result(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "Result"
