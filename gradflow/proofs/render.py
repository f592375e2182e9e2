"""A result as text and as LaTeX, and the command line of a derivation."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from gradflow.proofs.cells import TEACHER, Expr, hi, lo
from gradflow.proofs.proof import Check
from gradflow.proofs.result import Result, derive

WIDTH = 88
_TEACHER_TEXT = {s: sympy.Symbol(f"{s.name[0]}{'₁₂'[int(s.name[1]) - 1]}ᵀ") for s in TEACHER}
_SYMBOLS_LATEX = {s: f"{s.name[0]}_{{{s.name[1]}}}^{{T}}" for s in TEACHER}
_SYMBOLS_LATEX |= {lo: r"\mathrm{lo}", hi: r"\mathrm{hi}"}

# What the prose uses beyond ASCII, as it reads in LaTeX's text mode.
_LATEX = {
    "ö": r"\"o", "–": "--", "—": "---", "’": "'", "“": "``", "”": "''", "…": r"\dots{}",
    "Ł": r"\L{}", "ć": r"\'c",
    **{character: rf"\ensuremath{{{code}}}" for character, code in {
        "φ": r"\varphi", "θ": r"\theta", "ρ": r"\rho", "η": r"\eta", "ε": r"\varepsilon", "σ": r"\sigma",
        "μ": r"\mu", "δ": r"\delta", "ℓ": r"\ell", "∇": r"\nabla", "∂": r"\partial", "∫": r"\int",
        "κ": r"\kappa", "Δ": r"\Delta", "√": r"\surd", "α": r"\alpha", "β": r"\beta", "λ": r"\lambda",
        "τ": r"\tau", "ζ": r"\zeta", "γ": r"\gamma", "χ": r"\chi", "π": r"\pi",
        "ϑ": r"\vartheta", "Ω": r"\Omega", "ψ": r"\psi", "ξ": r"\xi", "ω": r"\omega",
        "Λ": r"\Lambda", "Ψ": r"\Psi",
        "Σ": r"\textstyle\sum", "∈": r"\in", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "±": r"\pm",
        "−": "-", "·": r"\cdot", "×": r"\times", "→": r"\to", "←": r"\leftarrow",
        "∞": r"\infty", "′": "'", "″": "''",
        "¹": "^1", "²": "^2", "³": "^3", "⁴": "^4", "⁻": "^-", "ᵀ": "^T", "₀": "_0", "₁": "_1", "₂": "_2",
        "₃": "_3", "₄": "_4", "½": r"\tfrac{1}{2}", "₊": "_+", "₋": "_-", "ᵢ": "_i", "ⱼ": "_j",
    }.items()},
    **{character: rf"\{character}" for character in "#$%&_{}"},
    "^": r"\^{}", "~": r"\~{}", "\\": r"\textbackslash{}", "|": r"\ensuremath{|}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "\u0307": "",
}  # fmt: skip


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


def as_latex(result: Result) -> str:
    r"""Return the result as a fragment of LaTeX (for a document that loads amsmath), in ASCII.

    Raises
    ------
    ValueError
        If the prose has a character without a LaTeX counterpart.
    """
    lines = [rf"\section*{{{result.number}. {latex_prose(result.title)}}}"]
    lines += [rf"\textit{{Status: {latex_prose(verdict(result))}.}}", ""]
    lines += [r"\paragraph{Statement.}", *_paragraphs(result.statement)]
    lines += [r"\paragraph{Hypotheses.}", *_itemize(result.hypotheses), r"\paragraph{Formulas.}"]
    for label, formula in result.formulas:
        lines += [latex_prose(label) + ":", r"\begin{align*}", latex_formula(formula), r"\end{align*}"]
    lines += [r"\paragraph{Proof.}", *_paragraphs(result.proof)]
    if result.parts:
        lines += [r"\paragraph{How it is proved.}", *_itemize([str(part) for part in result.parts])]
    lines += [r"\paragraph{Checked by machine.}", *_itemize(summary(result.checks))]
    lines += [r"\paragraph{Not claimed.}", *_itemize(result.not_claimed)]
    if result.related:
        lines += [r"\paragraph{Related work.}", *_itemize(result.related)]
    return "\n".join(lines)


def as_both(result: Result) -> str:
    """Return the result as text, and below it as LaTeX."""
    return f"{as_text(result)}\n\n{_section('LaTeX')}\n{as_latex(result)}"


def verdict(result: Result) -> str:
    """Return the status, or that the proof failed."""
    if not result.checks:
        return "NOT PROVED: nothing was checked"
    failed = len(result.failures)
    return f"NOT PROVED: {failed} of {len(result.checks)} checks fail" if failed else result.status


def summary(checks: Sequence[Check]) -> list[str]:
    """Return one line for each claim: in how many cases it holds, and in which it does not."""
    lines = []
    for claim in dict.fromkeys(check.claim for check in checks):
        cases = [check for check in checks if check.claim == claim]
        failing = "; ".join(check.case or "in general" for check in cases if not check.holds)
        lines.append(f"{claim}: " + (f"FAILS ({failing})" if failing else f"holds ({len(cases)} checked)"))
    return lines


def latex_prose(text: str) -> str:
    """Return prose as LaTeX; parameters such as w1 and w1ᵀ become mathematics.

    Raises
    ------
    ValueError
        If a character has no LaTeX counterpart.
    """
    unknown = {c for c in text if not c.isascii() and c not in _LATEX}
    if unknown:
        raise ValueError(f"prose: no LaTeX for {' '.join(sorted(unknown))!r}")
    words = re.split(r"(?<![A-Za-z])((?:[wb][12]ᵀ?)+)(?![A-Za-z])", text)
    return "".join(
        _parameters(word) if i % 2 else "".join(_LATEX.get(c, c) for c in word)
        for i, word in enumerate(words)
    )


def _parameters(word: str) -> str:
    return r"\ensuremath{" + re.sub("([12])", r"_\1", word).replace("ᵀ", "^T") + "}"


def text_formula(formula: Expr, width: int = WIDTH - 4) -> str:
    """Return a formula as text; a sum wider than `width` is broken between its terms."""
    formula = formula.xreplace(_TEACHER_TEXT)
    left, terms = _sides(formula)
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


def latex_formula(formula: Expr, terms: int = 3) -> str:
    """Return a formula for an `align*`; a long sum is broken after every few terms."""
    left, right = _sides(formula)
    code = [sympy.latex(term, symbol_names=_SYMBOLS_LATEX) for term in right]
    rows = [code[i : i + terms] for i in range(0, len(code), terms)]
    joined = [" ".join(("" if c.startswith("-") else "+ ") + c for c in row) for row in rows]
    body = (r" \\" + "\n" + r"&\quad ").join(joined).removeprefix("+ ")
    return f"{sympy.latex(left, symbol_names=_SYMBOLS_LATEX)} &= {body}"


def _sides(equation: Expr) -> tuple[Expr, list[Expr]]:
    left, right = equation.args
    return left, list(right.as_ordered_terms()) if isinstance(right, sympy.Add) else [right]


def main(script: Mapping[str, Any], arguments: Sequence[str] | None = None) -> int:
    """Carry out the derivation of a script, given as its `globals()`, and print it as text and as LaTeX.

    Returns the exit status, 1 if a check fails.
    """
    parser = argparse.ArgumentParser(description="State, prove and print one result.")
    parser.add_argument("--latex", action="store_true", help="print only the LaTeX")
    only_latex = parser.parse_args(arguments).latex
    return show(derive(script), only_latex)


def show(result: Result, only_latex: bool = False) -> int:
    """Print a result, and on the error stream that it failed; return the exit status."""
    print(as_latex(result) if only_latex else as_both(result))
    if not result.holds:
        print(f"{result.slug}: {verdict(result)}", file=sys.stderr)
    return 0 if result.holds else 1


def _section(title: str) -> str:
    return f"{title}\n{'-' * len(title)}"


def _wrapped(prose: str) -> list[str]:
    return [line for paragraph in _split(prose) for line in (textwrap.fill(paragraph, WIDTH), "")]


def _item(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="* ", subsequent_indent="  ")


def _paragraphs(prose: str) -> list[str]:
    return [line for paragraph in _split(prose) for line in (latex_prose(paragraph), "")]


def _itemize(entries: Sequence[str]) -> list[str]:
    return [r"\begin{itemize}", *(rf"\item {latex_prose(entry)}" for entry in entries), r"\end{itemize}"]


def _split(prose: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in prose.strip().split("\n\n")]
