"""Prose with mathematics in it: which parts of a paragraph are formulas.

A derivation's text is written once, as one would type it: "the flow is w′ = v G, so |w|² − v² is constant".
`spans` finds the formulas in it; from them come the text of a terminal, LaTeX and the Markdown of the
documentation. Symbols, single letters, the names of parameters and of functions are mathematics; so are
brackets around nothing else, and what operators join. Where that is not what is meant, the text says so:
whatever stands between dollar signs is mathematics (typed in the same way, or in LaTeX), between backquotes
it is code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Kind = Literal["prose", "math", "code"]

FUNCTIONS = frozenset({
    "exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arsinh", "arcosh", "artanh",
    "atanh", "asinh", "acosh", "asin", "arctan", "det", "diag", "Var", "Cov", "relu", "erf", "li", "lo", "hi",
})  # fmt: skip
"""The words that are mathematics wherever they stand."""

APPLIED = frozenset({
    "max", "min", "sign", "sgn", "dist", "sup", "inf", "rank", "lim", "tr", "ReLU",
})  # fmt: skip
"""Those that are where brackets, a script or a bar follow at once, or where they are operated on."""

_DIFFERENTIALS = re.compile("d[A-Z]|d[bcgkmprstvwxyz]")
"""Letters after which a d is a differential wherever it stands: with others it may be a word, as "do" is."""

PRODUCTS = re.compile("H+[dguvx]")
"""Products of the Hessian and a vector."""

OPERATORS = frozenset("=≠<>≤≥+−·×/→←↦∈∉⊂⊆±∓∪∩∖≈≪≫⇒⇔∝≡∼∘^")
_ALONE = frozenset("aAI")
_NUMBERED = frozenset({
    "derivation", "derivations", "Assumption", "Lemma", "Theorem", "layer", "layers", "part",
    "page",
})  # fmt: skip
_LETTER, _GREEK = "A-Za-zÀ-ÖØ-öø-ž", "Α-Ωα-ωϑϕϵ"
_TOKEN = re.compile(
    rf"""
    (?P<dollar>\$[^$]+\$)
    | (?P<code>`[^`]+`
        | (?<![{_LETTER}\d_])(?:[A-Za-z]\w+(?:\.[A-Za-z_]\w+)+|[a-z]{{2,}}_[a-z_]{{2,}}))
    | (?P<space>\s+)
    | (?P<sub>_(?:[A-Za-z0-9]+(?:,[A-Za-z0-9]+)*|[{_GREEK}]+|∞))
    | (?P<name>(?<![{_LETTER}])d?[wb][12](?![0-9])|(?<![{_LETTER}])[A-Za-z]\d+(?![{_LETTER}\d])|[{_GREEK}]\d+)
    | (?P<short>(?<![{_LETTER}])(?:i\.e\.|e\.g\.|Ann\.|St\.)|['’]s(?![{_LETTER}]))
    | (?P<word>[{_LETTER}]+(?:[-–][{_LETTER}]+)*)
    | (?P<power>\d+(?:\.\d+)?e[-−]?\d+(?![\w.]))
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<character>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Span(NamedTuple):
    """A part of a paragraph; the texts of all spans, one after the other, are the paragraph."""

    kind: Kind
    text: str


class Node(NamedTuple):
    """A token, or a pair of brackets with what stands between them."""

    kind: str
    text: str
    inside: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return self.text


def spans(paragraph: str) -> list[Span]:
    """Return a paragraph's spans, neighbours of different kinds; marked ones keep their marks."""
    found: list[Span] = []
    for kind, text in _pieces(_classified(parse(paragraph))):
        if found and kind == found[-1].kind == "prose":
            found[-1] = Span("prose", found[-1].text + text)
        elif text:
            found.append(Span(kind, text))
    return found


def paragraphs(text: str) -> list[str]:
    """Return paragraphs, which blank lines separate, each on one line."""
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


def parse(text: str) -> tuple[Node, ...]:
    """Return the tokens of a text, brackets as nodes that hold others."""
    open_: list[tuple[str, list[Node]]] = [("", [])]
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _CLOSING:
            open_.append((token, []))
        elif token in _CLOSING.values() and len(open_) > 1:
            opening, inside = open_.pop()
            whole = f"{opening}{''.join(map(str, inside))}{token}"
            open_[-1][1].append(Node("group", whole, tuple(inside)))
        else:
            open_[-1][1].append(Node(str(match.lastgroup), token))
    while len(open_) > 1:  # Never closed: characters as others are.
        opening, inside = open_.pop()
        open_[-1][1].extend([Node("character", opening), *inside])
    return tuple(open_[0][1])


def is_script(character: str) -> bool:
    """Whether a character is raised or lowered, or a prime."""
    return len(character) == 1 and (
        character in "′″‴" or unicodedata.decomposition(character).startswith(("<super>", "<sub>"))
    )


def _classified(nodes: Sequence[Node]) -> list[Node]:
    """Return nodes of the kinds math, operator, number, mark, space, code, dollar, prose and group.

    A group that is not mathematics is taken apart.
    """
    given: list[Node] = []
    for node in nodes:
        last = given[-1].text if given else ""
        # e^(at), exp(Gt).
        product = last == "^" or (last in FUNCTIONS and len(node.inside) == 1)
        inside = tuple(_classified(_products(node.inside) if product else node.inside))
        given.append(Node("group", node.text, inside) if node.kind == "group" else node)
    answer: list[Node] = []
    for place, node in enumerate(given):
        before = answer[-1] if answer else None
        kind = _kind(node, before, answer, given[place + 1 :])
        if node.kind == "group" and kind == "prose":
            answer += [Node("prose", node.text[0]), *node.inside, Node("prose", node.text[-1])]
        elif kind == "group":
            # In the brackets everything is mathematics, numbers and commas too.
            answer.append(Node("math", node.text, node.inside))
        else:
            answer.append(Node(kind, node.text))
    return answer


def _products(nodes: Sequence[Node]) -> list[Node]:
    """Return nodes with words of two letters, such as "at" in an exponent, as products of letters."""
    return [
        Node(node.kind, part) if node.kind == "word" and len(node.text) == 2 else node
        for node in nodes
        for part in (node.text if node.kind == "word" and len(node.text) == 2 else [node.text])
    ]


def _kind(node: Node, before: Node | None, all_before: Sequence[Node], after: Sequence[Node]) -> str:
    text = node.text
    if node.kind in ("space", "dollar", "code"):
        return node.kind
    if node.kind == "short":
        return "prose"
    if node.kind in ("sub", "name", "power"):
        return "math"
    if node.kind == "number":
        words = [n for n in all_before if n.kind != "space"]
        return "prose" if words and words[-1].text in _NUMBERED else "number"
    if node.kind == "word":
        return _kind_of_word(text, before, all_before, after)
    if node.kind == "group":
        return _kind_of_group(node, before, all_before, after)
    return _kind_of_character(text, before, all_before, after)


def _kind_of_word(text: str, before: Node | None, all_before: Sequence[Node], after: Sequence[Node]) -> str:
    following = after[0] if after else None
    if text in _ALONE:
        attached = following is None or (following.kind != "space" and following.text not in ("-", "–"))
        other = _next(after)
        left = _last(all_before)
        operated = (other is not None and other.text in OPERATORS) or (
            left is not None and left.kind == "operator"
        )
        touches = before is not None and before.kind in ("math", "number")
        if other is not None and left is not None and left.kind in ("math", "number"):
            operated |= _kind(other, None, (), ()) == "math"
        return "math" if attached or operated or touches else "prose"
    if len(text) == 1 or text in FUNCTIONS or _DIFFERENTIALS.fullmatch(text) or PRODUCTS.fullmatch(text):
        return "math"
    if text in APPLIED:
        left = _last(all_before)
        applied = following is not None and (following.kind in ("group", "sub") or is_script(following.text))
        operated = left is not None and left.kind == "operator"
        if applied or operated or (following is not None and following.text in ("|", "/")):
            return "math"
    # du/dt, d · Hd/2.
    beside = {n.text for n in (before, following) if n is not None}
    return "math" if len(text) == 2 and "/" in beside else "prose"


def _kind_of_group(node: Node, before: Node | None, all_before: Sequence[Node], after: Sequence[Node]) -> str:
    kinds = {inner.kind for inner in node.inside} - {"space"}
    if kinds - {"math", "operator", "number", "mark"} or not kinds & {"math", "number", "operator"}:
        return "prose"
    attached = before is not None and before.kind in ("math", "number")
    left, right = _last(all_before), _next(after)
    operated = (left is not None and left.kind == "operator") or (
        right is not None and right.text in OPERATORS
    )
    content = node.text[1:-1]
    reference = node.text[0] == "(" and (content.isdecimal() or (len(content) == 1 and content.isalpha()))
    if reference and before is None:
        return "prose"
    return "prose" if reference and not (attached or operated) else "group"


def _kind_of_character(
    text: str, before: Node | None, all_before: Sequence[Node], after: Sequence[Node]
) -> str:
    following = after[0] if after else None
    if text == "/":
        if before is not None and before.kind == "space":
            before, following = _last(all_before), _next(after)
        sides = [n is not None and n.kind not in ("prose", "space") for n in (before, following)]
        word = following is not None and following.kind == "word" and len(following.text) > 2
        if following is not None and following.text in FUNCTIONS | APPLIED:
            word = False
        return "operator" if all(sides) and not word else "prose"
    if text in OPERATORS:
        return "operator"
    if text == "_":
        lowers = following is not None and (following.kind == "group" or following.text == "−")
        return "math" if lowers and before is not None and before.kind == "math" else "prose"
    if text in "*'’":
        letter = following is not None and following.kind in ("word",)
        return "math" if before is not None and before.kind == "math" and not letter else "prose"
    if text in ",;:":
        return "mark"
    if text == "…":
        return "number"
    if text == "|" or is_script(text) or unicodedata.category(text) == "Mn":
        return "math"
    if unicodedata.category(text) == "Sm" or text in "∇∂√∫∞½ℓ∅ℝℕℤ‖⟨⟩∀∃∏∑°" or re.match(f"[{_GREEK}]", text):
        return "math"
    return "prose"


def _last(nodes: Sequence[Node]) -> Node | None:
    return next((node for node in reversed(nodes) if node.kind != "space"), None)


def _next(nodes: Sequence[Node]) -> Node | None:
    return next((node for node in nodes if node.kind != "space"), None)


def _pieces(nodes: Sequence[Node]) -> Iterator[tuple[Kind, str]]:
    """Yield what is prose, and runs of mathematics without the spaces around them."""
    run: list[Node] = []
    for node in [*nodes, Node("prose", "")]:
        if node.kind in ("math", "operator", "number") or (node.kind == "space" and run):
            run.append(node)
            continue
        spaces = ""
        while run and run[-1].kind == "space":
            spaces = run.pop().text + spaces
        text = "".join(map(str, run))
        # A number alone is as good as a word.
        yield ("math" if any(n.kind != "number" and n.kind != "space" for n in run) else "prose", text)
        yield ("prose", spaces)
        run = []
        if node.kind == "dollar":
            yield ("math", node.text)
        elif node.kind == "code":
            yield ("code", node.text)
        else:
            yield ("prose", node.text)
