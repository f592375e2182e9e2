"""Formulas as one types them, as TeX; and TeX as one types it, for a terminal."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from gradflow.proofs.markup import APPLIED, FUNCTIONS, PRODUCTS, Node, is_script, paragraphs, parse, spans

_COMMANDS = frozenset({
    "exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "det", "max",
    "min", "sup", "inf", "lim",
})  # fmt: skip
_ROMAN = {"lo": r"\mathrm{lo}", "hi": r"\mathrm{hi}"}
# Where mathematics wants another sign than text does, or pylatexenc has none.
_SIGNS = {
    "·": r"\cdot ", "×": r"\times ", "→": r"\to ", "←": r"\leftarrow ", "…": r"\dots ", "½": r"\tfrac{1}{2}",
    "Σ": r"\sum ", "±": r"\pm ", "≤": r"\leq ", "≥": r"\geq ", "≠": r"\ne ", "'": r"^{\prime}", "∼": r"\sim ",
    "√": r"\surd ", "{": r"\{", "}": r"\}", "%": r"\%", "~": r"\sim ",
}  # fmt: skip
RELATIONS = frozenset("=≠<>≤≥→←∈")
_SCRIPTS = {
    "′": r"\prime ",
    "'": r"\prime ",
    "’": r"\prime ",
    "″": r"\prime\prime ",
    "*": "*",
    "⊥": r"\perp ",
}
_ACCENTS = {"\u0307": r"\dot", "\u0308": r"\ddot", "\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar"}


def tex(formula: str) -> str:
    """Return a formula as TeX, without marks around it; what is TeX already stays.

    Raises
    ------
    ValueError
        If a character has no counterpart in TeX.
    """
    formula = formula[1:-1] if formula.startswith("$") and formula.endswith("$") else formula
    if "\\" in formula:
        return formula
    # An accented letter is a letter and its accent.
    letters = (unicodedata.normalize("NFD", c) if c.isalpha() else c for c in formula)
    return _joined(_Row(parse("".join(letters))).atoms())


def plain(text: str) -> str:
    """Return a paragraph for a terminal: without dollar signs, and TeX in them as characters."""

    def typed(match: re.Match[str]) -> str:
        return _text_of_tex(match[0]) if "\\" in match[0] else match[0][1:-1]

    return re.sub(r"\$[^$]+\$", typed, text)


def latex(text: str) -> str:
    r"""Return a paragraph as LaTeX: prose, formulas between dollar signs, code as `\texttt`.

    Raises
    ------
    ValueError
        If a character has no counterpart in LaTeX.
    """
    written = {"prose": latex_prose, "math": lambda formula: f"${tex(formula)}$", "code": _typewriter}
    return "".join(written[kind](part) for kind, part in spans(text))


def markdown(text: str) -> str:
    """Return a paragraph as Markdown with formulas between dollar signs (MyST's `dollarmath`)."""

    def prose(part: str) -> str:
        return re.sub(r"([\\*_`\[\]<>#|$~^{}])", r"\\\1", part)

    def code(part: str) -> str:
        return f"`{part.strip('`')}`"

    def math(formula: str) -> str:
        return " ".join(f"${tex(part).strip()}$" for part in breakable(formula))

    written = {"prose": prose, "math": math, "code": code}
    return "".join(written[kind](part) for kind, part in spans(text))


def breakable(formula: str, length: int = 24) -> list[str]:
    """Return a long formula in parts between which a line may end, before a relation or a sign.

    A page breaks no line inside of a formula, and may be as narrow as a telephone.
    """
    if len(formula) <= length or formula.startswith("$"):
        return [formula]
    parts = [""]
    nodes = parse(formula)
    for place, node in enumerate(nodes):
        around = nodes[max(place - 1, 0)].text, nodes[min(place + 1, len(nodes) - 1)].text
        between = place > 0 and around == (" ", " ")
        related = node.text in RELATIONS or (node.text in "+−" and len(parts[-1]) > length)
        if between and related and parts[-1].strip():
            parts.append("")
        parts[-1] += node.text
    return [part.strip() for part in parts]


def displayed(text: str) -> str:
    r"""Return a paragraph that is nothing but formulas and commas as TeX to be set apart; "" for others."""
    tagged = re.fullmatch(r"(.*[.,]) +(\(\w\))", text, re.DOTALL)
    if tagged:
        body = displayed(tagged[1])
        return body and rf"{body} \qquad {tagged[2]}"
    parts = spans(text)
    if any(kind != "math" and part.strip() not in ("", ",", ".") for kind, part in parts):
        return ""
    return "".join(
        tex(part).strip() if kind == "math" else re.sub("([,.]) +", r"\1 \\qquad ", part)
        for kind, part in parts
    )


def latex_prose(text: str) -> str:
    """Return words, without formulas, as LaTeX in ASCII.

    Raises
    ------
    ValueError
        If a character has no counterpart in LaTeX.
    """
    try:
        return str(_encoder().unicode_to_latex(text))
    except ValueError as error:
        raise ValueError(f"prose: no LaTeX for a character of {text!r}") from error


def plain_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each for a terminal."""
    return [plain(paragraph) for paragraph in paragraphs(text)]


class _Atom:
    """A sign with what is lowered and raised beside it."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.below: list[str] = []
        self.above: list[str] = []

    def __str__(self) -> str:
        below = f"_{{{''.join(self.below).strip()}}}" if self.below else ""
        above = f"^{{{''.join(self.above).strip()}}}" if self.above else ""
        return f"{self.base.rstrip() if below or above else self.base}{below}{above}"


class _Row:
    """Tokens of a formula, read from left to right."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)
        self.place = 0

    def atoms(self) -> list[_Atom]:
        """Return all atoms; a space is one."""
        found: list[_Atom] = []
        while self.place < len(self.nodes):
            self.read(found)
        return found

    def read(self, found: list[_Atom]) -> None:
        """Add the next token to what was found, or to the last of it."""
        node = self.nodes[self.place]
        self.place += 1
        text = node.text
        if node.kind == "space":
            found.append(_Atom(" "))
        elif node.kind == "group":
            found.append(_Atom(_bracketed(node)))
        elif node.kind == "sub":
            names = [_subscript(name) for name in text[1:].split(",")]
            last = _script(found)
            last.below.append(("," if last.below else "") + ",".join(names))
        elif text == "^" and self.place < len(self.nodes):
            _script(found).above.append(self.argument())
        elif text == "_" and self.place < len(self.nodes):
            _script(found).below.append(self.argument())
        elif text == "√" and self.place < len(self.nodes):
            found.append(_Atom(rf"\sqrt{{{self.argument(with_scripts=True)}}}"))
        elif text in _ACCENTS and found:
            found[-1].base = f"{_ACCENTS[text]}{{{found[-1].base.strip()}}}"
        elif text == "⊥" and found and found[-1].base == " ":
            found.append(_Atom(r"\perp "))
        elif text in _SCRIPTS:
            _script(found).above.append(_SCRIPTS[text])
        elif node.kind == "character" and is_script(text):
            kind, _, code = unicodedata.decomposition(text).partition(" ")
            last = _script(found)
            (last.above if kind == "<super>" else last.below).append(_sign(chr(int(code, 16))).strip())
        else:
            found += _named(node)

    def argument(self, with_scripts: bool = False) -> str:
        """Return the next atom, without brackets that join it; for a root, with scripts and an operand."""
        node = self.nodes[self.place]
        if node.kind == "group" and node.text[0] in "({":
            self.place += 1
            return _joined(_Row(node.inside).atoms()).strip()
        found: list[_Atom] = []
        if node.text == "|":
            ends = [i for i in range(self.place + 1, len(self.nodes)) if self.nodes[i].text == "|"]
            end = ends[0] if ends else self.place
            inner = _Row(self.nodes[self.place : end + 1])
            self.place = end + 1
            return _joined(inner.atoms())
        self.read(found)
        while self.place < len(self.nodes) and (
            (with_scripts and (self._script_follows() or self.nodes[self.place].kind == "group"))
            or (node.text == "−" and len(found) == 1)
        ):
            self.read(found)
        return _joined(found).strip()

    def _script_follows(self) -> bool:
        node = self.nodes[self.place]
        return node.kind == "sub" or node.text in ("^", *_SCRIPTS) or is_script(node.text)


def _script(found: list[_Atom]) -> _Atom:
    """Return the atom that a script belongs to."""
    if not found:
        found.append(_Atom("{}"))
    return found[-1]


def _named(node: Node) -> list[_Atom]:
    text = node.text
    if node.kind == "name":
        match = re.fullmatch(r"(d?)(.)(\d+)", text)
        assert match is not None
        atom = _Atom(_sign(match[2]))
        atom.below.append(match[3])
        return [_Atom("d"), atom] if match[1] else [atom]
    if node.kind == "power":
        digits, _, power = text.partition("e")
        ten = _Atom("10")
        ten.above.append(power.replace("−", "-"))
        return [ten] if digits == "1" else [_Atom(rf"{digits} \cdot "), ten]
    if node.kind == "word" and len(text) > 1:
        if text in _ROMAN:
            return [_Atom(_ROMAN[text])]
        if text in _COMMANDS:
            return [_Atom(rf"\{text} ")]
        if text in FUNCTIONS or text in APPLIED:
            return [_Atom(rf"\operatorname{{{text}}}")]
        return [_Atom(text) if len(text) == 2 or PRODUCTS.fullmatch(text) else _Atom(rf"\mathrm{{{text}}}")]
    return [_Atom(_sign(text))]


def _bracketed(node: Node) -> str:
    inside = _joined(_Row(node.inside).atoms())
    return f"{_sign(node.text[0])}{inside}{_sign(node.text[-1])}"


def _subscript(name: str) -> str:
    if name in ("max", "min"):
        return rf"\{name}"
    # Two indices, as in H_ij, are no word.
    if len(name) > 1 and name.isalpha() and name.isascii() and not re.fullmatch("(?!in)[i-n]{2}", name):
        return rf"\mathrm{{{name}}}"
    match = re.fullmatch(r"([a-z])(\d)", name)
    return f"{match[1]}_{{{match[2]}}}" if match else "".join(map(_sign, name)).strip()


def _joined(atoms: Sequence[_Atom]) -> str:
    code = "".join(map(str, atoms))
    # Two words that are multiplied do not run together.
    return re.sub(r"(\\mathrm\{\w+\}) +(?=\\mathrm)", r"\1\\,", re.sub(r"  +", " ", code))


@functools.cache
def _sign(character: str) -> str:
    """Return a sign or a word in mathematics; a command ends with a space.

    Raises
    ------
    ValueError
        If it has no counterpart in TeX.
    """
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isascii():
        return character
    try:
        code = _encoder().unicode_to_latex(character)
    except ValueError as error:
        raise ValueError(f"formula: no TeX for {character!r}") from error
    code = re.sub(
        r"^\\ensuremath\{(.*)\}$", r"\1", str(code).strip("{}") if "ensuremath" not in code else code
    )
    return f"{code} " if re.search(r"\\[A-Za-z]+$", code) else code


@functools.cache
def _encoder() -> Any:
    from pylatexenc.latexencode import UnicodeToLatexEncoder

    return UnicodeToLatexEncoder(unknown_char_policy="fail", replacement_latex_protection="braces")


def _text_of_tex(code: str) -> str:
    from pylatexenc.latex2text import LatexNodes2Text

    return str(LatexNodes2Text(math_mode="text").latex_to_text(code))


def _typewriter(code: str) -> str:
    return rf"\texttt{{{latex_prose(code.strip('`'))}}}"
