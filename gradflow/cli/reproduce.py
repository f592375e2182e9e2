"""`gradflow reproduce`: check the claims, draw the figures, write the report."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gradflow.base.files import to_json, write_text
from gradflow.base.progress import progress_bar
from gradflow.base.version import __version__
from gradflow.cli import resume
from gradflow.cli.completion import claims as ids
from gradflow.cli.options import JSON, check_directory
from gradflow.cli.study import FIGURE, Study
from gradflow.cli.workers import interrupts_held

DEFAULT_OUT = Path("study")


def reproduce(
    quick: Annotated[bool, typer.Option("--quick", help="Coarser sweeps and thresholds.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help=f"Where report.html, claims.json and figures/ go. [default: {DEFAULT_OUT}]"
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            autocompletion=ids,
            help="Check this claim only, or all of obs1; may be repeated. Writes nothing without --out.",
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="As many runs as published where claims take fewer: networks.inconsistent, about 5 minutes.",
        ),
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the claims and run nothing.")] = False,
    json: JSON = False,
) -> None:
    """Check the claims, draw the figures, report.

    Writes report.html (one file that needs no network), claims.json, and the figures as PDF, SVG and
    PNG; prints the table of claims.
    """
    from gradflow.study.claims import LEDGER, UNTESTABLE, describe, select

    claims = select(LEDGER, only or [])
    if whole and quick:
        raise ValueError("--whole: does not go with --quick, which takes fewer runs")
    if whole and not any(claim.whole for claim in claims):
        raise ValueError(f"--whole: {' and '.join(only or [])} has as many runs as published already")
    if list_:
        entries = [describe(claim) for claim in claims]
        width = 2 + max(len(entry["id"]) for entry in entries)
        lines = (f"{entry['id']:<{width}}{entry['claim']}" for entry in entries)
        print(to_json({"claims": entries}) if json else "\n".join(lines))
        return
    if out is None and not only:
        out = DEFAULT_OUT
    if out is not None:
        held = resume.studied(out)
        if only:
            work = {work.name for claim in claims for work in claim.needs(quick)}
            _keep_others(out, held, {claim.id for claim in claims} | work)
        _make(out)
    begin = time.perf_counter()
    plots = []
    if out is not None:
        if not only:
            from gradflow.base.scripts import script_paths

            plots = script_paths("plots")
        resume.keep_foreign(out, (path.stem for path in plots))
        if not only:
            _make(out / "figures")
    results = _run(Study(claims, plots, quick, out, whole), out)
    document: dict[str, Any] = {
        "claims": [results[claim.id] for claim in claims],
        "untestable": [] if only else [sentence._asdict() for sentence in UNTESTABLE],
        "quick": quick,
        "whole": whole,
        "source": f"gradflow {__version__}",
        "code": resume.digest(),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    if out is not None:
        from gradflow.study.report import Figure, report

        drawn = [drawing for path in plots if (drawing := results[FIGURE + path.stem])]
        figures = [Figure(d["title"], d["caption"], [out / file for file in d["files"]]) for d in drawn]
        write_text(out / resume.CLAIMS, to_json(document, indent=1) + "\n")
        write_text(out / resume.REPORT, report(document, figures))
        resume.clear(out)
    if json:
        print(to_json(document))
        return
    _table(document)
    if out is not None:
        print(f"\n{out / resume.REPORT}  {out / resume.CLAIMS}" + ("" if only else f"  {out / 'figures'}/"))


def _run(study: Study, out: Path | None) -> dict[str, Any]:
    """Do what an interrupted run into `out` has not finished; return all results by name."""
    asked = {"quick": study.quick, "whole": study.whole}
    header = {"source": f"gradflow {__version__}", "code": resume.digest(), **asked}
    names = study.names()
    found = {} if out is None else resume.load(out, header)
    found = {name: result for name, result in found.items() if name in names}
    if found:
        print(f"{out}: found {len(found)} of {len(names)} results", file=sys.stderr)

    def keep(results: dict[str, Any]) -> None:
        if out is not None:
            with interrupts_held():
                for name, result in results.items():
                    resume.save(out, header, name, result)

    with progress_bar("reproduce", len(names)) as advance:
        return study.run(found, keep, advance)


def _keep_others(out: Path, held: set[str], names: set[str]) -> None:
    """Refuse a directory that holds, finished or not, a study of claims that are not among `names` only."""
    if held - names:
        raise ValueError(
            f"--out: {str(out)!r} holds a study of {len(held - names)} more, {min(held - names)} among them, "
            "which --only would replace; choose another directory, or leave out --only"
        )


def _make(out: Path) -> None:
    """Make the output directory, or refuse it in one line."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out: cannot make the directory {str(out)!r}: {error.strerror}") from error
    check_directory(out)
    for name in (resume.CLAIMS, resume.REPORT):
        if (out / name).is_dir():
            raise ValueError(f"--out: {str(out / name)!r} is a directory, where a file is to go")


def _table(document: dict[str, Any]) -> None:
    """Print the ledger, one claim a row, the finding under it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    colours = {"reproduced": "green", "conditional": "yellow", "refuted": "red", "open": "magenta"}
    console = _Console(file=sys.stdout, highlight=False, soft_wrap=False)
    for entry in document["claims"]:
        verdict = entry["verdict"]
        rows = Table.grid(padding=(0, 1))
        rows.add_column(min_width=11)
        rows.add_row(
            Text(verdict, style=f"bold {colours[verdict]}"),
            Text.assemble((f"{entry['id']}  ", "bold"), entry["claim"]),
        )
        rows.add_row("", Text(entry["evidence"]["summary"], style="dim"))
        console.print(rows, "")
    counts = {v: sum(e["verdict"] == v for e in document["claims"]) for v in colours}
    told = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
    checked = len(document["claims"])
    console.print(f"{checked} claim{'s' if checked != 1 else ''}: {told}; {document['seconds']:.0f} s")
