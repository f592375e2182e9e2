"""A page for each document whose claims the ledger checks: what it says, what is computed, the verdict.

The numbers are those of a study that this code has made: the one that `gradflow reproduce --out study` has left in
the repository, the one of an earlier build, or else one that is made meanwhile, in processes of its own
(`quick_study.py`), and is ready about when the examples are.
"""

from __future__ import annotations

import atexit
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from reference import keep
from sphinx.errors import ExtensionError

from gradflow.cli.resume import digest
from gradflow.proofs.tex import markdown
from gradflow.study.claims.documents import LEDGER, UNTESTABLE
from gradflow.study.claims.ledger import VERDICTS, Claim
from gradflow.study.report import flat, signed

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


def begin(app: Any) -> None:
    """Begin to check the claims, unless a study of this very code is there."""
    made = Path(app.doctreedir) / "claims.json"
    for path in (Path(app.srcdir).parent / "study" / "claims.json", made):
        if path.exists() and (found := json.loads(path.read_text(encoding="utf-8"))).get("code") == digest():
            app.gradflow_study = found
            return
    command = [sys.executable, str(Path(__file__).with_name("quick_study.py")), str(made)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    atexit.register(process.terminate)
    app.gradflow_study = process


def study(app: Any) -> dict[str, Any]:
    """Return the study, once it is there."""
    found = app.gradflow_study
    if isinstance(found, subprocess.Popen):
        _, told = found.communicate()
        if found.returncode:
            raise ExtensionError(f"the claims could not be checked:\n{told}")
        found = json.loads((Path(app.doctreedir) / "claims.json").read_text(encoding="utf-8"))
    return {**found, "claims": {entry["id"]: entry for entry in found["claims"]}}


def write(app: Any) -> None:
    """Write the pages and their index."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    known, found = verdicts(Path(app.srcdir).parent), study(app)
    pages = {}
    for title, claims in documents().items():
        name = "".join(c if c.isalnum() else "-" for c in title.lower())
        pages[title] = "-".join(filter(None, name.split("-")))
        keep(folder / f"{pages[title]}.md", _page(title, claims, known, found))
    keep(folder / "index.md", _index(pages, known, found["quick"]))


def _index(pages: dict[str, str], known: dict[str, list[str]], quick: bool) -> str:
    cases = (
        "a quick run, which has few cases: where its verdict is another, that is said"
        if quick
        else "a full run"
    )
    lines = [
        "# The claims",
        "",
        "What sources say of dying, stuck and aligning neurons, sentence by sentence, and whether it holds. `gradflow",
        "reproduce --out study` recomputes all of it and writes a report with figures and conditions. The verdicts here",
        "are those of a full run, which the tests compare with what is computed. The numbers beside them were computed for",
        f"these pages by {cases}.",
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


def _page(title: str, claims: Iterable[Claim], known: dict[str, list[str]], found: dict[str, Any]) -> str:
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
            f"**Says:** {markdown(claim.claim)}",
            "",
            *_computed(found["claims"][claim.id], verdict, found["quick"]),
            f"`gradflow reproduce --only {claim.id}`",
            ":::",
            "",
        ]
    untestable = [entry for entry in UNTESTABLE if entry.source == title]
    if untestable:
        lines += ["## Sentences that no computation decides", ""]
        lines += [f"- {markdown(entry.sentence)} *{markdown(entry.reason)}*" for entry in untestable]
    return "\n".join([*lines, ""])


def _computed(entry: dict[str, Any], verdict: str, quick: bool) -> list[str]:
    """Return what was computed of a claim, in a sentence or two and, folded up, as numbers."""
    evidence = dict(entry["evidence"])
    lines = [f"**Computed:** {markdown(_typed(evidence.pop('summary')))}", ""]
    if entry["verdict"] != verdict:
        run = (
            "quick run, whose numbers these are, leaves" if entry["verdict"] == "open" else "quick run finds"
        )
        lines += [f"*The {run} it {entry['verdict']}; the full one has more cases.*" if quick else "", ""]
    # The remedies have tables of their own.
    evidence.pop("table", None)
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in flat(evidence)
    )
    if rows:
        folded = f"<details><summary>The numbers</summary><table>{rows}</table></details>"
        lines += ["```{raw} html", folded, "```", ""]
    return lines


def _typed(text: str) -> str:
    """Return what a program prints as one would type it: minus signs, ≤, powers of ten."""

    def power(match: re.Match[str]) -> str:
        digits, sign, exponent = match.groups()
        raised = ("⁻" if sign == "-" else "") + exponent.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"10{raised}" if digits == "1" else f"{digits}·10{raised}"

    text = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-]?)0*(\d+)(?!\w)", power, text)
    return signed(text).replace("<=", "≤").replace(">=", "≥")


def _full(claim: Claim, known: dict[str, list[str]]) -> str:
    return known.get(claim.id, ["", ""])[1]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", begin)
    # After the examples, meanwhile.
    app.connect("builder-inited", write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
