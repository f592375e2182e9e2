"""A page for each document whose claims the ledger checks, made from the tables of claims."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reference import keep

from gradflow.proofs.tex import markdown
from gradflow.study.claims.documents import LEDGER, UNTESTABLE
from gradflow.study.claims.ledger import VERDICTS, Claim

FOLDER = "claims"
MEANING = {
    "reproduced": "no case that was tried is against it",
    "conditional": "true in some of the settings that the sentence allows",
    "refuted": "false in the setting it names, or no setting was found in which it holds",
    "open": "what was computed does not decide it",
}


def documents() -> dict[str, list[Claim]]:
    """Return the claims by document: what stands before the first comma of their source."""
    found: dict[str, list[Claim]] = {}
    for claim in LEDGER:
        found.setdefault(claim.source.partition(", ")[0], []).append(claim)
    return found


def verdicts(root: Path) -> dict[str, list[str]]:
    """Return the verdicts of a quick and of a full check, which CI compares with what is computed."""
    path = root / "tests" / "study" / "claims" / "sources.toml"
    found: dict[str, list[str]] = tomllib.loads(path.read_text(encoding="utf-8"))["verdicts"]
    return found


def write(app: Any) -> None:
    """Write the pages and their index."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    known = verdicts(Path(app.srcdir).parent)
    pages = {}
    for title, claims in documents().items():
        name = "".join(c if c.isalnum() else "-" for c in title.lower())
        pages[title] = "-".join(filter(None, name.split("-")))
        keep(folder / f"{pages[title]}.md", _page(title, claims, known))
    keep(folder / "index.md", _index(pages, known))


def _index(pages: dict[str, str], known: dict[str, list[str]]) -> str:
    lines = [
        "# The claims",
        "",
        "What sources say of dying, stuck and aligning neurons, sentence by sentence, and whether it holds. `gradflow",
        "reproduce --out study` recomputes all of it and writes a report with the numbers, figures and conditions; the",
        "verdicts below are those of a full run, which the tests compare with what is computed.",
        "",
        "| document | claims | " + " | ".join(VERDICTS) + " |",
        "|---|---:|" + "---:|" * len(VERDICTS),
    ]
    for title, claims in documents().items():
        counts = [sum(_full(claim, known) == verdict for claim in claims) for verdict in VERDICTS]
        numbers = " | ".join(str(count) if count else "" for count in counts)
        lines.append(f"| [{markdown(title)}]({pages[title]}.md) | {len(claims)} | {numbers} |")
    lines += ["", *(f"- *{verdict}*: {meaning}." for verdict, meaning in MEANING.items()), ""]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *pages.values(), "```", ""])


def _page(title: str, claims: Iterable[Claim], known: dict[str, list[str]]) -> str:
    lines = [f"# {markdown(title)}", ""]
    place = ""
    for claim in claims:
        _, _, where = claim.source.partition(", ")
        if where != place:
            place = where
            lines += [f"## {markdown(where or 'Elsewhere')}", ""]
        verdict = _full(claim, known)
        lines += [
            f":::{{admonition}} {verdict or 'not in the table of verdicts'}",
            f":class: claim {verdict}",
            "",
            f"({claim.id})=",
            markdown(claim.claim),
            "",
            f"`gradflow reproduce --only {claim.id}`",
            ":::",
            "",
        ]
    untestable = [entry for entry in UNTESTABLE if entry.source == title]
    if untestable:
        lines += ["## Sentences that no computation decides", ""]
        lines += [f"- {markdown(entry.sentence)} *{markdown(entry.reason)}*" for entry in untestable]
    return "\n".join([*lines, ""])


def _full(claim: Claim, known: dict[str, list[str]]) -> str:
    return known.get(claim.id, ["", ""])[1]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
