"""Small drawings of functions as HTML, by which objects show themselves in a notebook.

SVG written by hand: a representation must not load a plotting library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

WIDTH, HEIGHT, EDGE = 180.0, 100.0, 6.0
"""Of a drawing, in CSS pixels, and what stays free around the graphs."""

MOST_ROWS = 6
"""Rows of a table, at most; the others are counted."""


class Graph(NamedTuple):
    """Points of a function, as a line or as dots, or a `broad` line that lies under the others."""

    x: ArrayLike
    y: ArrayLike
    dots: bool = False
    broad: bool = False


def drawing(graphs: Sequence[Graph], about: str) -> str:
    """Return an SVG of graphs on common axes, with the lines x = 0 and y = 0 where they are inside.

    Numbers that are not finite are left out. `about` says in words what is seen.
    """
    curves = [_finite(graph) for graph in graphs]
    every = np.concatenate([np.zeros((2, 0)), *curves], axis=1)
    if not every.shape[1]:
        return ""
    low, high = every.min(axis=1), every.max(axis=1)
    # Halves first: the distance of the ends of all numbers overflows.
    span = 0.5 * high - 0.5 * low
    middle, span = low + span, np.where(span > 0.0, span, 1.0)

    def place(points: np.ndarray) -> np.ndarray:
        size = np.array([[0.5 * WIDTH - EDGE], [EDGE - 0.5 * HEIGHT]])
        centre = np.array([[0.5 * WIDTH], [0.5 * HEIGHT]])
        return np.asarray(centre + size * ((points - middle[:, None]) / span[:, None]))

    parts = [_axis(*place(np.zeros((2, 1)))[:, 0])]
    for graph, curve in zip(graphs, curves, strict=True):
        at = [f"{x:.1f},{y:.1f}" for x, y in place(curve).T]
        if graph.dots:
            parts.append('<g fill="#0072B2">' + "".join(_dot(point) for point in at) + "</g>")
        else:
            look = (
                'stroke="#56B4E9" stroke-width="5"'
                if graph.broad
                else 'stroke="currentColor" stroke-width="1.5"'
            )
            parts.append(f'<polyline fill="none" {look} points="{" ".join(at)}"/>')
    return (
        f'<svg role="img" aria-label="{escape(about)}" width="{WIDTH:g}" height="{HEIGHT:g}" '
        f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" style="vertical-align: middle">{"".join(parts)}</svg>'
    )


def card(title: str, facts: Mapping[str, str], picture: str = "") -> str:
    """Return a title above rows of a name and a value, beside a drawing."""
    rows = "".join(
        f'<tr><td style="text-align: left">{escape(name)}</td>'
        f'<td style="text-align: left">{escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 1em; align-items: center">'
        f"<div><b>{escape(title)}</b><table>{rows}</table></div>{picture}</div>"
    )


def table(columns: Mapping[str, np.ndarray]) -> str:
    """Return numbers in rows, the first `MOST_ROWS` of them, under their names."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    count = len(next(iter(columns.values())))
    shown = [
        [f"<td>{values[i]:.4g}</td>" for values in columns.values()] for i in range(min(count, MOST_ROWS))
    ]
    rows = "".join(f"<tr>{''.join(row)}</tr>" for row in shown)
    more = (
        f'<tr><td colspan="{len(columns)}">and {count - MOST_ROWS} more</td></tr>'
        if count > MOST_ROWS
        else ""
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}{more}</tbody></table>"


def window(
    breakpoints: ArrayLike, lo: float = -1.0, hi: float = 1.0, farthest: float = 5.0
) -> tuple[float, float]:
    """Return a part of the line on which breakpoints are seen: [lo, hi], wider for those not too far out."""
    inner = np.asarray(breakpoints, dtype=np.float64)
    inner = inner[np.isfinite(inner) & (np.abs(inner) <= farthest)]
    margin = 0.25 * (hi - lo)
    if inner.size and inner.min() < lo:
        lo = float(inner.min()) - margin
    if inner.size and inner.max() > hi:
        hi = float(inner.max()) + margin
    return lo, hi


def _finite(graph: Graph) -> np.ndarray:
    points = np.array([np.asarray(graph.x), np.asarray(graph.y)], dtype=np.float64)
    return points[:, np.all(np.isfinite(points), axis=0)]


def _axis(x: float, y: float) -> str:
    lines = ""
    if 0.0 < x < WIDTH:
        lines += f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{HEIGHT:g}"/>'
    if 0.0 < y < HEIGHT:
        lines += f'<line x1="0" y1="{y:.1f}" x2="{WIDTH:g}" y2="{y:.1f}"/>'
    return f'<g stroke="#808080" stroke-width="0.5">{lines}</g>'


def _dot(point: str) -> str:
    x, y = point.split(",")
    return f'<circle cx="{x}" cy="{y}" r="1.6"/>'
