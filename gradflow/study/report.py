"""The report of `gradflow reproduce`: one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from gradflow.study.report_page import SCRIPT, STYLE, is_narrow, picture
from gradflow.study.report_remedies import remedies
from gradflow.study.report_story import story, told

MEANINGS = {
    "reproduced": "holds as stated",
    "conditional": "holds under the conditions given with it",
    "refuted": "does not hold",
    "open": "could not be decided",
}


class Figure(NamedTuple):
    """A drawn figure: its title, what its caption says, and its files, an SVG among them."""

    title: str
    caption: str
    files: list[Path]


GENERATOR = '<meta name="generator" content="gradflow reproduce">'
"""Mark of every report, by which `gradflow reproduce` knows its own."""


def report(document: dict[str, Any], figures: Sequence[Figure]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    document : dict
        The content of ``claims.json``.
    figures : sequence
        Each with title, caption and files.
    """
    claims = document["claims"]
    drawn = _Drawn(figures)
    found = story(claims, drawn.take, _prose, _badge)
    parts = {
        title: entries for title in PARTS if (entries := [e for e in claims if _part(e["source"]) == title])
    }
    sections = [
        _section(number, title, entries, drawn) for number, (title, entries) in enumerate(parts.items(), 1)
    ]
    aside = [*remedies(claims)]
    if document.get("untestable"):
        aside += ['<h2 id="untestable">What cannot be tested</h2>', _untestable(document["untestable"])]
    if rest := drawn.rest():
        aside += ['<h2 id="figures">Further figures</h2>', *rest]
    body = [
        "<h1>What training does to a ReLU neuron, recomputed</h1>",
        f'<p class="lede">{escape(document["source"])}, <code>gradflow reproduce'
        f"{' --quick' if document['quick'] else ''}</code>; {len(claims)} claims in {document['seconds']:.0f} s.</p>",
        _introduction(claims),
        _contents(claims, list(parts), aside),
        *(['<h2 id="story">What was found</h2>', *found] if found else []),
        '<h2 id="ledger">The ledger</h2>',
        _controls(claims),
        _left_open(claims, document["quick"]),
        _ledger(claims),
        *sections,
        *aside,
        '<h2 id="method">How these numbers were made</h2>',
        _method(document),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{GENERATOR}'
        f"<title>What training does to a ReLU neuron, recomputed</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>{SCRIPT}</script></body></html>\n"
    )


PARTS = {
    "Training dynamics of a single ReLU neuron": ("Training dynamics of a single ReLU neuron",),
    "Learning rate and dead ReLU": ("Learning rate and dead ReLU",),
    "Dying ReLU": ("Dying ReLU",),
    "Early neuron alignment": ("Early neuron alignment",),
    "Neighbouring papers": ("",),
    "Asked here": ("Asked here",),
}
"""Parts of the ledger, and how the sources begin that belong to them; what begins otherwise is another paper."""

PLACES = {
    "12": "Learning rate and dead ReLU",
    "13": "Dying ReLU",
    **dict.fromkeys(("16", "17", "18", "19"), "Early neuron alignment"),
    **dict.fromkeys(("21", "22", "23", "24"), "Neighbouring papers"),
    **dict.fromkeys(
        ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "14", "15", "20"),
        "Training dynamics of a single ReLU neuron",
    ),
}
"""The part that a figure belongs to, by the number of its script."""


def _part(source: str) -> str:
    """Return the part of the ledger that a source belongs to."""
    return next(
        (title for title, starts in PARTS.items() if starts[0] and source.startswith(starts)),
        "Neighbouring papers",
    )


class _Drawn:
    """The figures: each is shown once, where it is asked for first."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self.figures = {_stem(figure): (k, figure) for k, figure in enumerate(figures, start=1)}
        self.shown: set[str] = set()

    def take(self, stem: str) -> str:
        """Return a figure's HTML, or a link to where it is; nothing if it is not drawn."""
        if stem not in self.figures:
            return ""
        number, figure = self.figures[stem]
        if stem in self.shown:
            return f'<p><a href="#figure-{number}">Figure {number}</a></p>'
        self.shown.add(stem)
        return _figure(number, figure)

    def of(self, part: str) -> list[str]:
        """Return the figures that belong to a part of the ledger and are not shown yet."""
        return [
            self.take(stem)
            for stem in self.figures
            if stem not in self.shown and PLACES.get(stem[:2]) == part
        ]

    def rest(self) -> list[str]:
        """Return the figures that are not shown yet."""
        return [self.take(stem) for stem in self.figures if stem not in self.shown]


def _stem(figure: Figure) -> str:
    return next(path.stem for path in figure.files if path.suffix == ".svg")


def _introduction(claims: list[dict[str, Any]]) -> str:
    counts = {verdict: sum(entry["verdict"] == verdict for entry in claims) for verdict in MEANINGS}
    told = ", ".join(f"{count} {verdict} ({MEANINGS[verdict]})" for verdict, count in counts.items() if count)
    return (
        "<p>One neuron, f(x) = w<sub>2</sub> ReLU(w<sub>1</sub>x + b<sub>1</sub>) + b<sub>2</sub>, learns "
        "f*(x) = ReLU(x) from inputs in [−1, 1] by gradient descent on the mean squared error. A neuron is <em>dead</em> "
        "if its pre-activation is nowhere positive, <em>hyperactive</em> if it is nowhere negative, <em>balanced</em> "
        "otherwise. Unless a claim says otherwise, training starts at w<sub>1</sub> = w<sub>2</sub> = 1, "
        "b<sub>1</sub> = b<sub>2</sub> = 0 and runs 5000 full-batch steps of Adam at rate 0.01; “100 inputs” are equally "
        "spaced with both ends included, “population” is the exact expectation over [−1, 1] in closed form, and “flow” is "
        f"its gradient flow. Covered are a blog post on one neuron, an article on dead neurons and their learning rate, a page on dying ReLU in deep networks, sentence by sentence, and a paper on two-layer networks "
        "f(x) = Σ v<sub>j</sub> ReLU(w<sub>j</sub>·x) from small initialisation, with a summary of it and four neighbours; what stands under "
        "“questions it raises” is not claimed there but asked by its claims. Each entry below was recomputed; the verdicts: "
        f"{told}. An entry’s conditions are stated in its text, with their numbers.</p>"
    )


def _untestable(sentences: list[dict[str, str]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(entry['source'])}</td><td>{_prose(entry['sentence'])}</td><td>{_prose(entry['reason'])}</td></tr>"
        for entry in sentences
    )
    return f"<table><thead><tr><th>Source</th><th>Sentence</th><th>Why not</th></tr></thead><tbody>{rows}</tbody></table>"


def _contents(claims: list[dict[str, Any]], parts: list[str], aside: list[str]) -> str:
    entries = []
    if questions := told(claims):
        asked = f"{len(questions)} questions, and what the claims answer"
        entries.append(f'<li><a href="#story">What was found</a>: {asked}</li>')
    entries.append('<li><a href="#ledger">The ledger</a>, searched and filtered</li>')
    entries += [f'<li><a href="#part-{k}">{escape(title)}</a></li>' for k, title in enumerate(parts, 1)]
    for name, title in re.findall(r'<h2 id="([^"]+)">([^<]+)</h2>', "".join(aside)):
        entries.append(f'<li><a href="#{name}">{title}</a></li>')
    entries.append('<li><a href="#method">How these numbers were made</a></li>')
    return f'<nav aria-label="Contents"><ol>{"".join(entries)}</ol></nav>'


def _controls(claims: list[dict[str, Any]]) -> str:
    """Return what searches and filters; hidden where nothing listens to it."""
    boxes = "".join(
        f'<label><input type="checkbox" value="{verdict}" checked> {_badge(verdict)}'
        f"{sum(entry['verdict'] == verdict for entry in claims)}</label>"
        for verdict in MEANINGS
    )
    return (
        '<form hidden><input type="search" name="words" aria-label="Words to search for" placeholder="Search the claims">'
        f"{boxes}<output></output></form>"
    )


def _left_open(claims: list[dict[str, Any]], quick: bool) -> str:
    """Return what is left open, and why."""
    left = [entry for entry in claims if entry["verdict"] == "open"]
    if not left:
        return ""
    why = (
        "A quick run has too few cases for most of these, which are decided without <code>--quick</code>"
        if quick
        else "The cases of this run do not decide these"
    )
    rows = "".join(
        f'<li><a href="#{escape(entry["id"])}"><code>{escape(entry["id"])}</code></a>: {_prose(entry["claim"])}</li>'
        for entry in left
    )
    return f"<h3>Left open: {len(left)}</h3><p>{why}; each says below what it saw.</p><ul>{rows}</ul>"


def _ledger(claims: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr data-of="{escape(entry["id"])}"><td>{_badge(entry["verdict"])}</td><td><a href="#{escape(entry["id"])}">'
        f"<code>{escape(entry['id'])}</code></a></td><td>{_prose(entry['claim'])}</td></tr>"
        for entry in claims
    )
    return (
        f"<details><summary>All {len(claims)} claims in one table</summary><table><thead><tr><th>Verdict</th><th>Id</th>"
        f"<th>Claim</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _section(number: int, title: str, claims: list[dict[str, Any]], drawn: _Drawn) -> str:
    """Return a part of the ledger: its claims by source, then the figures that belong to it."""
    body = [f'<h2 id="part-{number}">{escape(title)}</h2>']
    for source in dict.fromkeys(entry["source"] for entry in claims):
        entries = "".join(_claim(entry) for entry in claims if entry["source"] == source)
        body.append(f'<section class="source"><p class="says">{escape(source)}</p>{entries}</section>')
    return f'<section class="part">{"".join([*body, *drawn.of(title)])}</section>'


def _claim(entry: dict[str, Any]) -> str:
    evidence = dict(entry["evidence"])
    summary = evidence.pop("summary")
    # The remedies have a section of their own.
    evidence.pop("table", None)
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="number">{escape(value)}</td></tr>'
        for name, value in flat(evidence)
    )
    numbers = f"<details><summary>The numbers</summary><table>{rows}</table></details>" if rows else ""
    return (
        f'<article data-id="{escape(entry["id"])}" data-verdict="{escape(entry["verdict"])}">'
        f'<h3 id="{escape(entry["id"])}">{_badge(entry["verdict"])}<code>{escape(entry["id"])}</code></h3>'
        f"<blockquote>{_prose(entry['claim'])}</blockquote><p>{_prose(summary)}</p>{numbers}</article>"
    )


def flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Return nested evidence as rows of a name and a value."""
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in flat(item, f"{name} · {key}" if name else key)]
    if isinstance(value, (list, tuple)) and any(isinstance(item, (dict, list, tuple)) for item in value):
        return [row for i, item in enumerate(value, start=1) for row in flat(item, f"{name} · {i}")]
    if isinstance(value, (list, tuple)):
        return [(_words(name), ", ".join(_value(item) for item in value) or "none")]
    return [(_words(name), _value(value))]


def _prose(text: str) -> str:
    """Return a sentence as HTML, with minus signs where numbers have hyphens."""
    return escape(signed(text))


def signed(text: str) -> str:
    """Return text with minus signs where numbers have hyphens."""
    return re.sub(r"(?<![\w.)])-(?=[\d.bw])", "−", text)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _badge(verdict: str) -> str:
    return f'<span class="verdict {escape(verdict)}">{escape(verdict)}</span> '


def _figure(number: int, figure: Figure) -> str:
    narrow = ' class="narrow"' if is_narrow(figure.files) else ""
    return (
        f'<figure id="figure-{number}"{narrow}><img alt="{escape(figure.title)}" src="{picture(figure.files)}">'
        f"<figcaption><strong>Figure {number}. {escape(figure.title)}.</strong> {escape(figure.caption)}</figcaption></figure>"
    )


def _method(document: dict[str, Any]) -> str:
    return (
        "<p>Loss, gradient and Hessian of the population are closed forms, derived and proved with SymPy on every cell of "
        "parameter space (<code>gradflow derive</code> lists the results and prints each with its proof); the numerical "
        "code is the same text, run on numbers, and its error is bounded by tests against 50-digit integrals. The flow is "
        "integrated cell by cell with every crossing located; thresholds are bracketed, and their uncertainty is half "
        "the last bracket. What is drawn at random has a fixed seed. Published numbers, where given, were read off the post’s text and "
        "figures and enter no computation.</p>"
        "<p>Sources: Ziming Liu, “Training dynamics of A Single ReLU Neuron”, blog post, 3 January 2026, "
        "https://KindXiaoming.github.io/blog/2026/single-relu-neuron/; an article on dead ReLU neurons and the learning rate, "
        "and a page “Dying ReLU”, neither with an author; H. Min, E. Mallada, R. Vidal, “Early neuron alignment in two-layer ReLU "
        "networks with small initialization”, arXiv:2307.12851, and a summary of it without an author; the others are named with "
        "their claims. All numbers: <code>claims.json</code>.</p>"
    )
