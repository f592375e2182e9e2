"""The report as a page: its style, the few lines that search and filter it, and pictures of a fit size."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

STYLE = """
:root { --ink: #1a1a1a; --soft: #5c5c5c; --line: #d9d9d9; --paper: #fff; --pale: #f5f4f1; color-scheme: light; }
* { box-sizing: border-box; }
html { scroll-padding-top: 4rem; }
body { margin: 0 auto; max-width: 48rem; padding: 2.5rem 1.25rem 5rem; color: var(--ink); background: var(--paper);
  font: 16px/1.55 Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.4rem; margin: 3rem 0 .6rem; border-top: 1px solid var(--line); padding-top: 1.4rem; }
h3 { font-size: 1.08rem; margin: 2rem 0 .2rem; }
p, figcaption, li { hyphens: auto; }
.lede { color: var(--soft); margin-top: 0; }
.finding { border-top: 1px solid var(--line); padding-top: .2rem; margin-top: 1.6rem; }
.finding h3 { font-size: 1.22rem; margin-top: 1rem; }
.answer { font-size: 1.08rem; font-weight: 600; margin: .2rem 0 .8rem; }
.says { font: 600 .78rem/1.4 system-ui, sans-serif; color: var(--soft); margin: .8rem 0 .1rem; }
.says + p, .says + ul { margin-top: 0; } .finding ul { list-style: none; padding: 0; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
.wide { overflow-x: auto; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
nav ol { columns: 2 16rem; padding-left: 1.3rem; margin: .4rem 0; } nav li { break-inside: avoid; }
.verdict { display: inline-block; min-width: 6.4rem; font: 600 .78rem/1.6 system-ui, sans-serif; white-space: nowrap; }
.verdict::before { display: inline-block; width: 1.2em; }
.reproduced { color: #00603c; } .reproduced::before { content: "\\2713"; }
.conditional { color: #8a5a00; } .conditional::before { content: "\\25D0"; }
.refuted { color: #a4161a; } .refuted::before { content: "\\2717"; }
.open { color: #5b2a86; } .open::before { content: "?"; }
code { font-size: .86em; overflow-wrap: anywhere; } a { color: inherit; text-underline-offset: .15em; }
blockquote { margin: .2rem 0 .5rem; padding-left: .9rem; border-left: 3px solid var(--line); color: var(--soft); }
details { margin: .4rem 0 0; } summary { cursor: pointer; color: var(--soft); font-size: .88rem; }
figure { margin: 1.8rem 0; break-inside: avoid; } figure img { width: 100%; height: auto; background: #fff; }
figure.narrow img { width: 62%; display: block; margin: 0 auto; }
figcaption { font-size: .87rem; color: var(--soft); }
form { position: sticky; top: 0; background: var(--pale); padding: .6rem .8rem; margin: 1rem 0; z-index: 1;
  display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; font: .86rem/1.4 system-ui, sans-serif; }
form input[type=search] { flex: 1 1 12rem; font: inherit; padding: .3rem .5rem; border: 1px solid var(--soft); }
form label { white-space: nowrap; } form .verdict { min-width: 0; }
:target { background: #fff6d6; } [hidden] { display: none !important; }
@media print { form, details { display: none; } body { padding: 0; max-width: none; font-size: 10pt; }
  article { break-inside: avoid; } h2, h3 { break-after: avoid; } a { text-decoration: none; } }
"""

SCRIPT = """
"use strict";
(() => {
  const form = document.querySelector("form"), count = form.querySelector("output");
  const words = form.elements.words, boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const claims = [...document.querySelectorAll("article")].map((node) => [node, node.textContent.toLowerCase()]);
  const rows = new Map([...document.querySelectorAll("tr[data-of]")].map((row) => [row.dataset.of, row]));
  const show = () => {
    const wanted = words.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const [node, text] of claims) {
      const is = verdicts.has(node.dataset.verdict) && wanted.every((word) => text.includes(word));
      node.hidden = !is;
      rows.get(node.dataset.id).hidden = !is;
      shown += is;
    }
    for (const part of document.querySelectorAll("section.source, section.part")) {
      part.hidden = !part.querySelector("article:not([hidden])");
    }
    // Figures are of all claims of a part.
    for (const figure of document.querySelectorAll("section.part > figure")) {
      figure.hidden = shown < claims.length;
    }
    count.textContent = `${shown} of ${claims.length} claims`;
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => {
    const aim = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (aim && aim.closest("[hidden]")) { form.reset(); show(); aim.scrollIntoView(); }
  });
  show();
})();
"""

SMALL = 90_000
"""Bytes of an SVG that the report takes as it is; of a larger one, with many points, it takes the PNG."""

NARROW = 300.0
"""Points that a figure of one column is narrower than."""

COLORS = 96
"""Colours of such a PNG in the report: figures have few, and its size is a third then."""


def picture(files: list[Path]) -> str:
    """Return a figure as a data URI: its SVG, or where that is large its PNG with a palette of few colours."""
    svg = next(path for path in files if path.suffix == ".svg")
    png = next((path for path in files if path.suffix == ".png"), None)
    if png is None or svg.stat().st_size <= SMALL:
        return _uri("svg+xml", svg.read_bytes())
    from PIL import Image

    with Image.open(png) as image, io.BytesIO() as file:
        image.convert("RGB").quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            file, format="png", optimize=True
        )
        return _uri("png", file.getvalue())


def is_narrow(files: list[Path]) -> bool:
    """Whether a figure is as wide as one column of a journal."""
    with next(path for path in files if path.suffix == ".svg").open(encoding="utf-8") as file:
        found = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"', file.read(2000), re.DOTALL)
    return found is not None and float(found[1]) < NARROW


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
