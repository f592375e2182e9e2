"""Remedies: where the starts of the whole square end under each, by method."""

from __future__ import annotations

import functools

from matplotlib.figure import Figure

from gradflow.study.claims.remedies.table import FULL
from gradflow.study.claims.remedies.table import cells as measured
from gradflow.study.figures.remedies import remedies
from gradflow.study.figures.script import main
from gradflow.study.remedies import REMEDIES, Method, StartOutcomes

METHODS = (Method("flow"), Method("gd", 0.1), Method("adam", 0.01))

# Minutes by itself; `gradflow reproduce` has measured them for the claims.
QUICK = False

TITLE = "Remedies on the whole square of starts, with two teachers"
CAPTION = (
    "Shares of {count} starts, w1 = w2 = 1, b1 from −2.5 to 2.5 and b2 from −3 to 3, on the population, "
    "by where they end: under the gradient flow (followed to t = 10⁴), after {steps} steps of gradient "
    "descent (GD) at rate 0.1, and of Adam at rate 0.01. (a–c) With the teacher φ(x); (d–f) with the "
    "teacher φ(x − ½) + ½, whose biases are not 0: what pulls biases to 0 helps with the first only. φ is "
    "the student's activation. Dashed: the share that ends global without a remedy. At the penalised "
    "minimum: undecided, but with no more than 1.1 times the loss that training from the teacher ends "
    "with under the same decay. Largest share of global ends, averaged over the three, with the teacher "
    "with which it is smaller: {best} ({shares})."
)


@functools.cache
def cells() -> dict[str, list[dict[Method, StartOutcomes | None]]]:
    """Return what becomes of the starts of the claims under every remedy, for each teacher."""
    return {remedy.name: measured(remedy, FULL) for remedy in REMEDIES}


def means(name: str) -> list[float]:
    """Return the share of global ends for each teacher, averaged over the methods."""
    control = next(remedy.control for remedy in REMEDIES if remedy.name == name)
    beside = next(remedy.name for remedy in REMEDIES if remedy.id == control)
    found = []
    for some, plain in zip(cells()[name], cells()[beside], strict=True):
        shown = [some[method] or plain[method] for method in METHODS]
        found.append(sum(cell.shares()["global"] for cell in shown if cell is not None) / len(METHODS))
    return found


def numbers() -> dict[str, object]:
    """Return what the caption says."""
    best = max(cells(), key=lambda name: min(means(name)))
    shares = " and ".join(f"{share:.0%}" for share in means(best))
    return {"count": FULL.b1 * FULL.b2, "steps": FULL.steps, "best": best, "shares": shares}


def draw() -> Figure:
    """Draw the figure."""
    panels = {}
    for k, aim in enumerate(("φ(x)", "φ(x − ½) + ½")):
        for method in METHODS:
            found = [row[k][method] for row in cells().values()]
            panels[f"{method}, {aim}"] = [None if cell is None else cell.shares() for cell in found]
    return remedies(list(cells()), panels, row=0.13)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
