"""Adam after the end: along the best line and back to the input."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gradflow.field.baselines import best_line
from gradflow.study.claims.shared import done
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.theory import adam_after_the_end as runs
from gradflow.study.figures.curves import At, Curve, Curves
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.script import main, signed

RATES = runs.RATES
N, LONGEST = runs.FULL.starts, runs.FULL.longest
NEURONS, SHAKEN, RATE = runs.FULL.few, runs.FULL.shaken, runs.FULL.rate

# Three minutes, but in a study, whose claims need the same runs.
QUICK = False

TITLE = "Adam leaves the best line again"
CAPTION = (
    "Adam (β = (0.9, 0.999), ε = 1e-8) on the population after it has come to the best line. (a), (b) "
    "Loss and breakpoint of one neuron from w1 = w2 = 1, b1 = 0, b2 = {b2} at rate {runs_rate:g}: at "
    "rest to the last bits from step 1000 on, bursts from step {first} on, {period:.0f} steps apart, "
    "each of which moves the breakpoint; at step {entered} it is on the input, and the neuron goes to "
    "the teacher, where the bursts go on. Dashed: the drift of derivation 28 from the first burst on. "
    "(c) Share of {N} random starts (b1 in [−2.5, 2.5], b2 in [−3, 3], w1 = w2 = 1) that are on the "
    "best line, against the step: those that leave it go to the teacher; of those that stay many have "
    "computed gradients that are exactly 0. (d) Steps from the first move to the input of {NEURONS} "
    "neurons on the best line at rate {RATE:g}, with errors of {noise:g} added to the gradients, "
    "against those that the drift predicts; ratio {least:.2f} to {most:.2f}, median {ratio:.2f}."
)


def shares(rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and the share of linear neurons."""
    found = done(runs.survivals(N, LONGEST)[rate])
    return np.array([int(step) for step in found]), np.array([row["linear"] for row in found.values()]) / N


def escapes() -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and measured steps from the first move to the input."""
    return runs.ways(runs.escape(NEURONS, SHAKEN, RATE))


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    one = runs.one(runs.course())
    predicted, measured = escapes()
    return {
        "b2": signed(float(runs.START.b2)),
        "runs_rate": runs.RATE,
        "first": one["first_burst"],
        "period": one["period"],
        "entered": one["at_the_input"],
        "noise": runs.NOISE,
        "ratio": np.median(measured / predicted),
        "least": np.min(measured / predicted),
        "most": np.max(measured / predicted),
    }


def losses() -> Curves:
    """Return panel (a)."""
    run = runs.course()
    some = slice(None, None, 20)
    loss = np.maximum(run.excess + float(best_line(POPULATION).loss), 1e-14)
    return Curves(
        [Curve("", run.steps[some] / 1000, loss[some], marked=False)],
        "step (thousands)", "loss", "one neuron", log="y", bottom=1e-14, top=1.0, shares=False,
    )  # fmt: skip


def breakpoints() -> Curves:
    """Return panel (b)."""
    run, one = runs.course(), runs.one(runs.course())
    shown = slice(1000, one["at_the_input"], 10)
    steps = np.linspace(one["first_burst"], one["first_burst"] + one["predicted"], 40)
    drift = runs.drifting(run.theta[:, runs.WHILE], steps - steps[0])
    return Curves(
        [
            Curve("Adam", run.steps[shown] / 1000, run.breakpoint[shown], marked=False),
            Curve("drift", steps / 1000, drift, marked=False),
        ],
        "step (thousands)", "breakpoint", "", shares=False, legend="upper left",
        at=[At(one["first_burst"] / 1000)],
    )  # fmt: skip


def survivals() -> Curves:
    """Return panel (c)."""
    curves = [Curve(f"rate {rate:g}", *shares(rate), marked=False) for rate in RATES]
    return Curves(curves, "step", "on the best line", f"{N} starts", log="x", legend="lower left", top=0.5)


def predictions() -> Curves:
    """Return panel (d)."""
    predicted, measured = (steps / 1000 for steps in escapes())
    ends = np.array([predicted.min(), predicted.max()])
    return Curves(
        [Curve("as predicted", ends, ends, marked=False), Curve("", predicted, measured, joined=False)],
        "predicted steps (thousands)", "measured steps (thousands)", f"rate {RATE:g}", legend="upper left",
        bottom=0.0, shares=False,
    )  # fmt: skip


def draw() -> Figure:
    """Return the figure."""
    return sheet([losses(), breakpoints(), survivals(), predictions()], columns=2, height=2.1)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
