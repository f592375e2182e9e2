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
            help="Number or name of a derivation; without it, a list: what each claims, how it is proved.",
        ),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print only the LaTeX.")] = False,
    json: JSON = False,
) -> None:
    """Derive, prove and print the closed forms.

    Without RESULT nothing is derived: the list shows what each script claims to have proved, and whether by
    machine, by prose, or by both. Exit code 1 if a proof fails.
    """
    from gradflow.proofs.catalogue import catalogue, load, stated_parts, stated_status
    from gradflow.proofs.parts import way_of

    if result is None:
        entries = [
            {
                "number": s.number,
                "name": s.slug,
                "status": stated_status(s.path),
                "proved_by": way_of(stated_parts(s.path)),
                "title": s.title,
            }
            for s in catalogue()
        ]
        if json:
            print(to_json({"results": entries}))
            return
        columns = ("name", "status", "proved_by")
        widths = {key: max(len(str(entry[key])) for entry in entries) for key in columns}
        for entry in entries:
            cells = (str(entry[key]).ljust(width) for key, width in widths.items() if width)
            print(f"{entry['number']:>3}", *cells, entry["title"], sep="  ")
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
            "related": derived.related,
            "proved_by": [{**part._asdict(), "way": part.way} for part in derived.parts],
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
