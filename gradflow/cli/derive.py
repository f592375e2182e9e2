"""`gradflow derive`: the derivations, stated, proved and printed."""

from __future__ import annotations

from typing import Annotated

import typer

from gradflow.base.files import to_json
from gradflow.cli.options import JSON


def derive(
    result: Annotated[
        str | None,
        typer.Argument(
            metavar="RESULT",
            help="Number or name of a derivation; without it, a list with the status that each claims.",
        ),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print only the LaTeX.")] = False,
    json: JSON = False,
) -> None:
    """Derive, prove and print the closed forms.

    Without RESULT nothing is derived: the list shows what each script claims to have proved. Exit code 1 if
    a proof fails.
    """
    from gradflow.proofs.catalogue import catalogue, load, stated_status

    if result is None:
        entries = [
            {"number": s.number, "name": s.slug, "status": stated_status(s.path), "title": s.title}
            for s in catalogue()
        ]
        if json:
            print(to_json({"results": entries}))
            return
        widths = {key: max(len(str(entry[key])) for entry in entries) for key in ("name", "status")}
        for entry in entries:
            name, status = (str(entry[key]).ljust(width) for key, width in widths.items())
            print(f"{entry['number']:>3}  {name}  {status}  {entry['title']}")
        return
    from gradflow.proofs.render import as_both, as_latex, verdict

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
        print(as_both(derived))
    if not derived.holds:
        raise typer.Exit(1)
