"""Remedies: where the starts of the whole square end under each, by method."""

from __future__ import annotations

import functools

from matplotlib.figure import Figure

from gradflow.figures.remedies import remedies
from gradflow.figures.script import main
from gradflow.remedies import REMEDIES, Cell, Method, measure, starts

SIDE = 9
STEPS = 5000
METHODS = (Method("flow"), Method("gd", 0.1), Method("adam", 0.01))

# Two minutes.
QUICK = False

TITLE = "Remedies on the whole square of starts"
CAPTION = (
    "Shares of {count} starts, w1 = w2 = 1, b1 from −2.5 to 2.5 and b2 from −3 to 3, on the population, "
    "by where they end: under the gradient flow (followed to t = 10⁴), after {steps} steps of gradient "
    "descent at rate 0.1, and of Adam at rate 0.01. Dashed: the share that ends global without a remedy. The "
    "teacher has the student's activation. Largest share of global ends, averaged over the three: {best} "
    "({share})."
)


@functools.cache
def cells() -> dict[str, dict[Method, Cell | None]]:
    """Return what becomes of the starts under every remedy."""
    grid = starts(SIDE, SIDE)
    return {remedy.name: measure(remedy, METHODS, grid, STEPS) for remedy in REMEDIES}


def numbers() -> dict[str, object]:
    """Return what the caption says."""
    base = next(iter(cells().values()))

    def mean(name: str) -> float:
        some = [cells()[name][method] or base[method] for method in METHODS]
        return sum(cell.shares()["global"] for cell in some if cell is not None) / len(METHODS)

    best = max(cells(), key=mean)
    return {"count": SIDE * SIDE, "steps": STEPS, "best": best, "share": f"{100 * mean(best):.0f}%"}


def draw() -> Figure:
    """Draw the figure."""
    panels = {
        str(method): [
            None if cell is None else cell.shares() for cell in (row[method] for row in cells().values())
        ]
        for method in METHODS
    }
    return remedies(list(cells()), panels)


if __name__ == "__main__":
    raise SystemExit(main(draw, __file__))
