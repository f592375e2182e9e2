"""A result as a LaTeX document: a numbered theorem of `amsthm` with a label, and its proof."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import sympy

from gradflow.proofs.cells import TEACHER, Expr, hi, lo
from gradflow.proofs.markup import paragraphs
from gradflow.proofs.result import sides, summary, verdict
from gradflow.proofs.stated import Stated, label
from gradflow.proofs.tex import displayed, latex

if TYPE_CHECKING:
    from gradflow.proofs.result import Result

_SYMBOLS = {s: f"{s.name[0]}_{{{s.name[1]}}}^{{T}}" for s in TEACHER}
_SYMBOLS |= {lo: r"\mathrm{lo}", hi: r"\mathrm{hi}"}

PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb,amsthm}
\newtheorem{theorem}{Theorem}
\newenvironment{hypotheses}{\par\medskip\noindent\textbf{Hypotheses.}\begin{itemize}}{\end{itemize}}
\sloppy"""
"""The packages and environments that `theorem` and `document` use."""


def theorem(stated: Stated) -> str:
    r"""Return the statement as an `amsthm` environment with number, title and label, and hypotheses.

    Raises
    ------
    ValueError
        If a character has no counterpart in LaTeX.
    """
    return "\n".join(
        [
            rf"\setcounter{{theorem}}{{{stated.number - 1}}}",
            rf"\begin{{theorem}}[{{{latex(stated.title)}}}]\label{{{label(stated)}}}",
            *_written(stated.statement),
            r"\end{theorem}",
            r"\begin{hypotheses}",
            *(rf"\item {latex(entry)}" for entry in stated.hypotheses),
            r"\end{hypotheses}",
        ]
    )


def alone(stated: Stated) -> str:
    """Return a document with the theorem and nothing else."""
    return "\n".join([PREAMBLE, r"\begin{document}", theorem(stated), r"\end{document}"])


def document(result: Result) -> str:
    """Return a whole document in ASCII: theorem, hypotheses, formulas, proof, and what was checked.

    Raises
    ------
    ValueError
        If a character has no counterpart in LaTeX.
    """
    lines = [PREAMBLE, r"\begin{document}", theorem(result)]
    lines += [rf"\par\noindent\textit{{Status: {latex(verdict(result))}.}}", r"\paragraph{Formulas.}"]
    for name, formula in result.formulas:
        lines += [latex(name) + ":", r"\begin{align*}", latex_formula(formula), r"\end{align*}"]
    lines += [r"\begin{proof}", *_written(result.proof), r"\end{proof}"]
    if result.parts:
        lines += [r"\paragraph{How it is proved.}", *_itemize(str(part) for part in result.parts)]
    lines += [r"\paragraph{Checked by machine.}", *_itemize(summary(result.checks))]
    lines += [r"\paragraph{Not claimed.}", *_itemize(result.not_claimed)]
    if result.related:
        lines += [r"\paragraph{Related work.}", *_itemize(result.related)]
    return "\n".join([*lines, r"\end{document}"])


def latex_formula(formula: Expr, terms: int = 3) -> str:
    """Return a formula for an `align*`; a long sum is broken after every few terms."""
    left, right = sides(formula)
    code = [sympy.latex(term, symbol_names=_SYMBOLS) for term in right]
    rows = [code[i : i + terms] for i in range(0, len(code), terms)]
    joined = [" ".join(("" if c.startswith("-") else "+ ") + c for c in row) for row in rows]
    body = (r" \\" + "\n" + r"&\quad ").join(joined).removeprefix("+ ")
    return f"{sympy.latex(left, symbol_names=_SYMBOLS)} &= {body}"


def _written(prose: str) -> list[str]:
    """Return paragraphs; those that are formulas only are set apart, and the numbers of parts are upright."""
    lines: list[str] = []
    for paragraph in paragraphs(prose):
        formulas = displayed(paragraph)
        text = re.sub(r"^(\(\d+\)) ", r"\\textup{\1} ", latex(paragraph))
        lines += [r"\[", formulas, r"\]", ""] if formulas else [text, ""]
    return lines


def _itemize(entries: Iterable[str]) -> list[str]:
    items = [rf"\item {latex(entry)}" for entry in entries]
    return [r"\begin{itemize}", *items, r"\end{itemize}"] if items else []
