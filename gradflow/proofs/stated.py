"""A theorem as it is stated, and how to cite it; nothing is proved anew for it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from gradflow.base.version import __version__

if TYPE_CHECKING:
    from gradflow.proofs.parts import Part
    from gradflow.proofs.result import Result

YEAR = 2026
"""The year of this version."""


class Stated(NamedTuple):
    """The texts of a derivation (see `gradflow.proofs.result.Result`)."""

    number: int
    slug: str
    title: str
    status: str
    statement: str
    hypotheses: tuple[str, ...]
    proof: str
    parts: tuple[Part, ...]
    not_claimed: tuple[str, ...]
    related: tuple[str, ...]


def label(stated: Stated | Result) -> str:
    r"""Return the name that `\\label` and `\\ref` call a theorem by."""
    return f"gradflow:{stated.slug}"


def bibtex(stated: Stated) -> str:
    """Return an entry for a bibliography: the theorem, in the version that states it so."""
    from gradflow.proofs.tex import latex

    return "\n".join(
        [
            f"@misc{{gradflow-{stated.slug.replace('_', '-')},",
            "  author = {{The gradflow developers}},",
            f"  title = {{{{{latex(stated.title)}}}}},",
            f"  year = {{{YEAR}}},",
            f"  howpublished = {{gradflow {__version__}, derivation {stated.number}}},",
            f"  note = {{\\texttt{{gradflow derive {stated.number}}} states and proves it}},",
            "}",
        ]
    )


def as_text(stated: Stated, width: int = 88) -> str:
    """Return statement, hypotheses and how to cite them as text for a terminal."""
    from gradflow.proofs.tex import plain, plain_paragraphs

    heading = f"{stated.number}. {stated.title}"
    lines = [heading, "=" * len(heading), f"Status: {stated.status} (not proved anew here)", ""]
    for paragraph in plain_paragraphs(stated.statement):
        lines += [textwrap.fill(paragraph, width), ""]
    lines += ["Hypotheses", "----------"]
    for entry in stated.hypotheses:
        lines.append(textwrap.fill(plain(entry), width, initial_indent="* ", subsequent_indent="  "))
    return "\n".join([*lines, "", "To cite it", "----------", bibtex(stated)])
