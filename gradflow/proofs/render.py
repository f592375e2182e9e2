"""A result as text, and the command line of a derivation."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from gradflow.proofs.cells import TEACHER, Expr
from gradflow.proofs.latex import document
from gradflow.proofs.result import Result, derive, sides, summary, verdict
from gradflow.proofs.tex import plain, plain_paragraphs

WIDTH = 88
_TEACHER_TEXT = {s: sympy.Symbol(f"{s.name[0]}{'₁₂'[int(s.name[1]) - 1]}ᵀ") for s in TEACHER}


def as_text(result: Result) -> str:
    """Return the result as plain text, prose wrapped at 88 columns."""
    heading = f"{result.number}. {result.title}"
    blocks = [heading, "=" * len(heading), f"Status: {verdict(result)}", "", _section("Statement")]
    blocks += _wrapped(result.statement)
    blocks += [_section("Hypotheses"), *(_item(entry) for entry in result.hypotheses), ""]
    blocks += [_section("Formulas")]
    for label, formula in result.formulas:
        blocks += [textwrap.fill(f"{label}:", WIDTH), "", textwrap.indent(text_formula(formula), "    "), ""]
    blocks += [_section("Proof"), *_wrapped(result.proof)]
    if result.parts:
        blocks += [_section("How it is proved"), *(_item(str(part)) for part in result.parts), ""]
    blocks += [_section("Checked by machine"), *(_item(line) for line in summary(result.checks)), ""]
    blocks += [_section("Not claimed"), *(_item(entry) for entry in result.not_claimed)]
    if result.related:
        blocks += ["", _section("Related work"), *(_item(entry) for entry in result.related)]
    return "\n".join(blocks)


def as_both(result: Result) -> str:
    """Return the result as text, and below it as LaTeX."""
    return f"{as_text(result)}\n\n{_section('LaTeX')}\n{document(result)}"


def text_formula(formula: Expr, width: int = WIDTH - 4) -> str:
    """Return a formula as text; a sum wider than `width` is broken between its terms."""
    formula = formula.xreplace(_TEACHER_TEXT)
    left, terms = sides(formula)
    rows: list[str] = []
    while terms:
        count = len(terms)
        while True:
            margin = [] if left is not None else [sympy.Symbol("     ")]
            total = sympy.Add(*margin, *terms[:count], evaluate=False) if margin or count > 1 else terms[0]
            row = total if left is None else sympy.Eq(left, total, evaluate=False)
            shown = sympy.pretty(row, use_unicode=True, num_columns=10 * width, order="none")
            if count == 1 or max(map(len, shown.splitlines())) <= width:
                break
            count -= 1
        rows.append(shown)
        left, terms = None, terms[count:]
    return "\n\n".join(rows)


def main(script: Mapping[str, Any], arguments: Sequence[str] | None = None) -> int:
    """Carry out the derivation of a script, given as its `globals()`, and print it as text and as LaTeX.

    Returns the exit status, 1 if a check fails.
    """
    parser = argparse.ArgumentParser(description="State, prove and print one result.")
    parser.add_argument("--latex", action="store_true", help="print only a LaTeX document")
    only_latex = parser.parse_args(arguments).latex
    return show(derive(script), only_latex)


def show(result: Result, only_latex: bool = False) -> int:
    """Print a result, and on the error stream that it failed; return the exit status."""
    print(document(result) if only_latex else as_both(result))
    if not result.holds:
        print(f"{result.slug}: {verdict(result)}", file=sys.stderr)
    return 0 if result.holds else 1


def _section(title: str) -> str:
    return f"{title}\n{'-' * len(title)}"


def _wrapped(prose: str) -> list[str]:
    return [line for paragraph in plain_paragraphs(prose) for line in (textwrap.fill(paragraph, WIDTH), "")]


def _item(text: str) -> str:
    return textwrap.fill(plain(text), WIDTH, initial_indent="* ", subsequent_indent="  ")
