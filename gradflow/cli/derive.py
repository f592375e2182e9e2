"""`gradflow derive`: the derivations, stated, proved and printed."""

from __future__ import annotations

from typing import Annotated

import typer

from gradflow.cli.options import JSON
from gradflow.results import to_json


def derive(
    result: Annotated[
        str | None,
        typer.Argument(metavar="RESULT", help="Number or name of a derivation; without it, a list."),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print only the LaTeX.")] = False,
    json: JSON = False,
) -> None:
    """Derive, prove and print the closed forms.

    Exit code 1 if a proof fails.
    """
    from gradflow.symbolic.catalogue import catalogue, load

    if result is None:
        entries = [{"number": s.number, "name": s.slug, "title": s.title} for s in catalogue()]
        if json:
            print(to_json({"results": entries}))
            return
        for entry in entries:
            print(f"{entry['number']:>3}  {entry['name']:<22} {entry['title']}")
        return
    from gradflow.symbolic.render import as_latex, as_text, verdict

    derived = load(result)
    if json:
        summary = {
            "number": derived.number,
            "name": derived.slug,
            "title": derived.title,
            "status": verdict(derived),
            "statement": derived.statement,
            "hypotheses": derived.hypotheses,
            "not_claimed": derived.not_claimed,
            "holds": derived.holds,
            "checks": len(derived.checks),
            "latex": as_latex(derived),
        }
        print(to_json(summary))
    elif latex:
        print(as_latex(derived))
    else:
        print(f"{as_text(derived)}\n\nLaTeX\n-----\n{as_latex(derived)}")
    if not derived.holds:
        raise typer.Exit(1)
