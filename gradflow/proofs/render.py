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
from gradflow.proofs.stated import WIDTH, headed, item, section, wrapped

_TEACHER_TEXT = {s: sympy.Symbol(f"{s.name[0]}{'₁₂'[int(s.name[1]) - 1]}ᵀ") for s in TEACHER}


def as_text(result: Result) -> str:
    """Return the result as plain text, prose wrapped at 88 columns."""
    blocks = [*headed(result, verdict(result)), section("Statement"), *wrapped(result.statement)]
    blocks += [section("Hypotheses"), *(item(entry) for entry in result.hypotheses), ""]
    blocks += [section("Formulas")]
    for label, formula in result.formulas:
        blocks += [textwrap.fill(f"{label}:", WIDTH), "", textwrap.indent(text_formula(formula), "    "), ""]
    blocks += [section("Proof"), *wrapped(result.proof)]
    if result.parts:
        blocks += [section("How it is proved"), *(item(str(part)) for part in result.parts), ""]
    blocks += [section("Checked by machine"), *(item(line) for line in summary(result.checks)), ""]
    blocks += [section("Not claimed"), *(item(entry) for entry in result.not_claimed)]
    if result.related:
        blocks += ["", section("Related work"), *(item(entry) for entry in result.related)]
    return "\n".join(blocks)


def as_both(result: Result) -> str:
    """Return the result as text, and below it as LaTeX."""
    return f"{as_text(result)}\n\n{section('LaTeX')}\n{document(result)}"


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
