"""A theorem as it is stated, and how to cite it; nothing is proved anew for it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradflow.base.version import __version__
from gradflow.proofs.tex import latex, plain, plain_paragraphs

if TYPE_CHECKING:
    from gradflow.proofs.parts import Part

YEAR = 2026
"""The year of this version."""

WIDTH = 88
"""Columns of text for a terminal."""


@dataclass(frozen=True)
class Stated:
    """The texts of a derivation.

    Parameters
    ----------
    number, slug, title
        Of the script (`gradflow.base.scripts.describe`).
    status : str
        What the script claims if every check holds.
    statement : str
        Paragraphs are separated by blank lines, here and in `proof`.
    hypotheses : tuple of str
    proof : str
    not_claimed : tuple of str
        What a reader might take for part of the result and is not.
    parts : tuple of Part
        How each numbered part of the statement is proved.
    related : tuple of str
        What others have found that is near to it: texts, one for each work.
    """

    number: int
    slug: str
    title: str
    status: str
    statement: str
    hypotheses: tuple[str, ...]
    proof: str
    not_claimed: tuple[str, ...]
    parts: tuple[Part, ...] = field(default=(), repr=False, kw_only=True)
    related: tuple[str, ...] = field(default=(), kw_only=True)


def label(stated: Stated) -> str:
    r"""Return the name that `\\label` and `\\ref` call a theorem by."""
    return f"gradflow:{stated.slug}"


def bibtex(stated: Stated) -> str:
    """Return an entry for a bibliography: the theorem, in the version that states it so."""
    # A document that cites it need not have amsmath, which \operatorname is of.
    title = latex(stated.title).replace(r"\operatorname{", r"\mathrm{")
    return "\n".join(
        [
            f"@misc{{gradflow-{stated.slug.replace('_', '-')},",
            "  author = {{The gradflow developers}},",
            f"  title = {{{{{title}}}}},",
            f"  year = {{{YEAR}}},",
            f"  howpublished = {{gradflow {__version__}, derivation {stated.number}}},",
            f"  note = {{\\texttt{{gradflow derive {stated.number}}} states and proves it}},",
            "}",
        ]
    )


def as_text(stated: Stated) -> str:
    """Return statement, hypotheses and how to cite them as text for a terminal."""
    lines = [*headed(stated, f"{stated.status} (not proved anew here)"), *wrapped(stated.statement)]
    lines += [section("Hypotheses"), *(item(entry) for entry in stated.hypotheses), ""]
    return "\n".join([*lines, section("To cite it"), f"label: {label(stated)}", "", bibtex(stated)])


def headed(stated: Stated, status: str) -> list[str]:
    """Return number, title and status."""
    heading = f"{stated.number}. {stated.title}"
    return [heading, "=" * len(heading), f"Status: {status}", ""]


def section(title: str) -> str:
    """Return the title of a section."""
    return f"{title}\n{'-' * len(title)}"


def wrapped(prose: str) -> list[str]:
    """Return the paragraphs of a text, an empty line after each."""
    return [line for paragraph in plain_paragraphs(prose) for line in (textwrap.fill(paragraph, WIDTH), "")]


def item(text: str) -> str:
    """Return an entry of a list."""
    return textwrap.fill(plain(text), WIDTH, initial_indent="* ", subsequent_indent="  ")
