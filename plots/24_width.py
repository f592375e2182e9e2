"""Networks of many neurons: how probably they learn, and whether breakpoints ever reach an input."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradflow.networks.line.ends import references
from gradflow.networks.line.starts import start
from gradflow.networks.line.task import task_of
from gradflow.study.claims.networks import inconsistent, width
from gradflow.study.claims.networks.landscape import TARGETS
from gradflow.study.claims.networks.many import interval
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, VERMILLION, styled

WIDTHS, NETWORKS = (1, 2, 3, 5, 10, 20), 40
RUNS = {16: 4000, 32: 3000, 64: 2000, 128: 1500, 256: 1000, 512: 500, 1024: 250, 2048: 100}
QUICK = False

TITLE = "What width does"
CAPTION = (
    "(a) Share of {NETWORKS} random networks (normal starts) that learn a target, a loss below a "
    "thousandth of the best line's, under the gradient flow until t = 100 (open) and under 2000 steps of "
    "Adam at rate 0.01 (filled). (b) Share of networks from He's start with zero biases of which a "
    "breakpoint reaches one of the six inputs ±1, ±2, ±3 under gradient descent, by the shift of the "
    "labels (−1, 2, −1; 1, −2, 1). Bars: exact intervals at 95 %."
)

LOOKS = ((BLACK, "-", "o"), (VERMILLION, "--", "s"), (BLUE, "-.", "^"))


@functools.cache
def learnt() -> dict[tuple[str, str], list[int]]:
    """Return how many networks learn, by target and method."""
    found: dict[tuple[str, str], list[int]] = {}
    for name in ("max(x, 0)", "|x|", "hat"):
        problem = TARGETS[name]
        known = references(task_of(problem))
        low = width.LEARNT * min(known.constant, known.line)
        for method in ("flow", "adam"):
            found[name, method] = [
                int(
                    np.sum(
                        width.ended(method, start("kernel", m, 1, (NETWORKS,)).rows, problem, low).loss <= low
                    )
                )
                for m in WIDTHS
            ]
    return found


@styled
def draw() -> Figure:
    """Return the figure."""
    figure = Figure(figsize=(DOUBLE, 2.7), layout="constrained")
    one, two = figure.subplots(1, 2)
    looks = dict(zip(("max(x, 0)", "|x|", "hat"), LOOKS, strict=True))
    for (name, method), counts in learnt().items():
        label = name if method == "adam" else ""
        _shares(one, WIDTHS, counts, [NETWORKS] * len(counts), looks[name], label, method == "adam")
    one.set(xlabel="neurons", ylabel="share that learns", xscale="log", ylim=(-0.03, 1.03))
    one.set_xticks(WIDTHS, [str(m) for m in WIDTHS])
    rows = inconsistent.curve(RUNS)
    for shift, look in zip(inconsistent.PUBLISHED_SHIFTS, LOOKS, strict=True):
        some: list[Any] = [row for row in rows if row["shift"] == shift]
        counts, runs = [row["crossed"] for row in some], [row["runs"] for row in some]
        _shares(two, tuple(RUNS), counts, runs, look, f"shift {shift:g}", True)
    two.set(xlabel="neurons", ylabel="share that crosses", xscale="log", yscale="log", ylim=(0.01, 1.0))
    two.set_xticks(tuple(RUNS), [str(m) for m in RUNS])
    for axes, letter in zip((one, two), "ab", strict=True):
        axes.minorticks_off()
        axes.set_title(f"({letter})", loc="left")
        axes.legend(loc="lower left" if letter == "b" else "upper left")
    return figure


def _shares(
    axes: Axes, widths: tuple[int, ...], counts: list[int], runs: list[int], look: Any, label: str, full: bool
) -> None:
    """Draw shares with their exact intervals."""
    color, line, marker = look
    share = np.array(counts) / runs
    ends = np.array([interval(count, n) for count, n in zip(counts, runs, strict=True)]).T
    error = np.maximum(np.abs(ends - share), 0.0)
    fill = color if full else "white"
    axes.errorbar(
        widths, share, error, color=color, linestyle=line, marker=marker, markersize=3.0, linewidth=0.9,
        elinewidth=0.6, markerfacecolor=fill, label=label or None,
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(globals()))
