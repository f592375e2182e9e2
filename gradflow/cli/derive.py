"""`gradflow derive`: the derivations, stated, proved and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gradflow.base.files import to_json
from gradflow.cli.completion import derivations
from gradflow.cli.options import JSON

if TYPE_CHECKING:
    from gradflow.proofs.stated import Stated


def derive(
    result: Annotated[
        str | None,
        typer.Argument(
            metavar="RESULT",
            autocompletion=derivations,
            help="Number or name of a derivation; without it, a list: what each claims, how it is proved.",
        ),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX document that compiles.")] = False,
    statement: Annotated[
        bool,
        typer.Option(
            "--statement", help="Print only what is stated and how to cite it; nothing is proved anew."
        ),
    ] = False,
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
    if statement:
        _state(result, latex, json)
        return
    from gradflow.proofs.latex import document
    from gradflow.proofs.render import as_both
    from gradflow.proofs.result import verdict

    derived = load(result)
    if json:
        summary = {
            **_texts(derived, verdict(derived)),
            "holds": derived.holds,
            "checks": len(derived.checks),
            "latex": document(derived),
        }
        print(to_json(summary))
    else:
        print(document(derived) if latex else as_both(derived))
    if not derived.holds:
        raise typer.Exit(1)


def _state(result: str, latex: bool, json: bool) -> None:
    """Print what a derivation states, and how to cite it."""
    from gradflow.proofs.catalogue import stated
    from gradflow.proofs.stated import as_text, bibtex, label

    found = stated(result)
    if json:
        print(to_json({**_texts(found, found.status), "label": label(found), "bibtex": bibtex(found)}))
    elif latex:
        from gradflow.proofs.latex import alone

        print(alone(found))
    else:
        print(as_text(found))


def _texts(stated: Stated, status: str) -> dict[str, object]:
    return {
        "number": stated.number,
        "name": stated.slug,
        "title": stated.title,
        "status": status,
        "statement": stated.statement,
        "hypotheses": stated.hypotheses,
        "not_claimed": stated.not_claimed,
        "related": stated.related,
        "proved_by": [{**part._asdict(), "way": part.way} for part in stated.parts],
    }
