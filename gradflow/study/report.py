"""The report of `gradflow reproduce`: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from gradflow.study.report_remedies import remedies

STYLE = """
:root { --ink: #1a1a1a; --soft: #5c5c5c; --line: #d9d9d9; --paper: #fff; }
body { margin: 0 auto; max-width: 46rem; padding: 2.5rem 1.25rem 5rem; color: var(--ink); background: var(--paper);
  font: 16px/1.55 Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .6rem; border-top: 1px solid var(--line); padding-top: 1.4rem; }
h3 { font-size: 1.02rem; margin: 2rem 0 .2rem; }
p, figcaption, li { hyphens: auto; }
.lede { color: var(--soft); margin-top: 0; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.verdict { display: inline-block; min-width: 6.4rem; font: 600 .78rem/1.6 system-ui, sans-serif; white-space: nowrap; }
.verdict::before { display: inline-block; width: 1.2em; }
.reproduced { color: #00603c; } .reproduced::before { content: "\\2713"; }
.conditional { color: #8a5a00; } .conditional::before { content: "\\25D0"; }
.refuted { color: #a4161a; } .refuted::before { content: "\\2717"; }
.open { color: #5b2a86; } .open::before { content: "?"; }
code { font-size: .86em; } a { color: inherit; }
blockquote { margin: .2rem 0 .5rem; padding-left: .9rem; border-left: 3px solid var(--line); color: var(--soft); }
details { margin: .4rem 0 0; } summary { cursor: pointer; color: var(--soft); font-size: .88rem; }
figure { margin: 1.8rem 0; } figure img { width: 100%; height: auto; }
figcaption { font-size: .87rem; color: var(--soft); }
@media print { details { display: none; } body { padding-top: 0; } }
"""

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
    body = [
        "<h1>What training does to a ReLU neuron, recomputed</h1>",
        f'<p class="lede">{escape(document["source"])}, <code>gradflow reproduce'
        f"{' --quick' if document['quick'] else ''}</code>; {len(claims)} claims in {document['seconds']:.0f} s.</p>",
        _introduction(claims),
        "<h2>The ledger</h2>",
        _ledger(claims),
        *[_section(source, claims) for source in dict.fromkeys(entry["source"] for entry in claims)],
    ]
    body += remedies(claims)
    if document.get("untestable"):
        body += ["<h2>What cannot be tested</h2>", _untestable(document["untestable"])]
    if figures:
        body += ["<h2>Figures</h2>", *(_figure(i, figure) for i, figure in enumerate(figures, start=1))]
    body += ["<h2>How these numbers were made</h2>", _method(document)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>What training does to a ReLU neuron, recomputed</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


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


def _ledger(claims: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td>{_badge(entry["verdict"])}</td><td><a href="#{escape(entry["id"])}"><code>{escape(entry["id"])}'
        f"</code></a></td><td>{_prose(entry['claim'])}</td></tr>"
        for entry in claims
    )
    return f"<table><thead><tr><th>Verdict</th><th>Id</th><th>Claim</th></tr></thead><tbody>{rows}</tbody></table>"


def _section(source: str, claims: list[dict[str, Any]]) -> str:
    entries = "".join(_claim(entry) for entry in claims if entry["source"] == source)
    return f"<h2>{escape(source)}</h2>{entries}"


def _claim(entry: dict[str, Any]) -> str:
    evidence = dict(entry["evidence"])
    summary = evidence.pop("summary")
    # The remedies have a section of their own.
    evidence.pop("table", None)
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="number">{escape(value)}</td></tr>'
        for name, value in _flat(evidence)
    )
    numbers = f"<details><summary>The numbers</summary><table>{rows}</table></details>" if rows else ""
    return (
        f'<h3 id="{escape(entry["id"])}">{_badge(entry["verdict"])}<code>{escape(entry["id"])}</code></h3>'
        f"<blockquote>{_prose(entry['claim'])}</blockquote><p>{_prose(summary)}</p>{numbers}"
    )


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Return nested evidence as rows of a name and a value."""
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _flat(item, f"{name} · {key}" if name else key)]
    if isinstance(value, (list, tuple)) and any(isinstance(item, (dict, list, tuple)) for item in value):
        return [row for i, item in enumerate(value, start=1) for row in _flat(item, f"{name} · {i}")]
    if isinstance(value, (list, tuple)):
        return [(_words(name), ", ".join(_value(item) for item in value) or "none")]
    return [(_words(name), _value(value))]


def _prose(text: str) -> str:
    """Return a sentence as HTML, with minus signs where numbers have hyphens."""
    return re.sub(r"(?<![\w.)])-(?=[\d.bw])", "−", escape(text))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _badge(verdict: str) -> str:
    return f'<span class="verdict {escape(verdict)}">{escape(verdict)}</span> '


def _figure(number: int, figure: Figure) -> str:
    svg = next(path for path in figure.files if path.suffix == ".svg")
    data = base64.b64encode(svg.read_bytes()).decode("ascii")
    return (
        f'<figure><img alt="{escape(figure.title)}" src="data:image/svg+xml;base64,{data}">'
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
