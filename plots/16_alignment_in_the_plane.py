"""Early alignment in the plane: where the neurons of a small network go, and when the loss falls."""

from __future__ import annotations

import functools
import math

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.networks.two_layer.network import directions
from gradflow.networks.two_layer.patterns import MEMBERSHIPS
from gradflow.study.claims.alignment.common import LOG_SCALE, RATE, H, states
from gradflow.study.claims.alignment.experiments import (
    EVEN,
    PUBLISHED_TOY,
    Toy,
    drops,
    has_two_drops,
    planar,
    planar_data,
)
from gradflow.study.figures.curves import At, Curve, Curves, Strands
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.plane import PlaneView, radii
from gradflow.study.figures.script import main, tidy
from gradflow.study.figures.style import BLACK, BLUE, GREY, SKY, VERMILLION, Look

UNEVEN = Toy(4, 7, 0)
SHOWN = 0
"""The network whose neurons are drawn: the first, not a chosen one."""

LOW, HIGH = 1e-9, 10.0
"""The norms at the centre of the plane and on the circle."""

LIGHT = False
"""Whether the claims' quick runs are drawn instead."""

TICKS = (0, 7, 14, 21)
PUBLISHED = Look(GREY, "", 1.0, "s", 4.4, filled=False, order=4.0)
OWN = {1.0: Look(VERMILLION, "-", 1.3), -1.0: Look(BLUE, "--", 1.3)}
FAINT = {1.0: VERMILLION, -1.0: SKY}

# Seconds; a quick report has quicker runs than these.
QUICK = False

TITLE = "Early alignment in the plane"
CAPTION = (
    "(a–c) A network of {h} neurons on {positives} + {negatives} points of the unit circle with y = 1 and y "
    "= −1, mean exponential loss, all weights from N(0, ({scale})²), GD at rate {rate:g}: directions of the "
    "w_j at three steps with their paths, coloured by the sign of v_j; the distance from the centre is "
    "linear in log ‖w_j‖, from {low} at the centre to {HIGH:g} on the circle. Shaded: S₊ and S₋, the "
    "directions that are active on exactly the points of one label, and S_dead. Of the neurons with v > 0, "
    "{plus_start} are in S₊ or S_dead at the start, {plus_middle} at step {middle} and {plus_end} of {plus} "
    "at the end; of those with v < 0, in S₋ or S_dead, {minus_start}, {minus_middle} and {minus_end} of "
    "{minus}. {dead} end dead. (d) The loss over {starts} starts (median and range) on this set and on 5 + "
    "5, and the published values (squares; neither the numbers of points nor their angles are published). At "
    "step {last}: {uneven} with {positives} + {negatives} points, {even} with 5 + 5; published "
    "{published:g}. Dotted: where the losses of the two labels are halved in the network above, steps "
    "{minus_half:.0f} (y = −1) and {plus_half:.0f} (y = 1); on 5 + 5 points they are {gap:.0f} steps apart "
    "(median). Two separate drops are seen in {two_uneven} of the {starts} networks, and in {two_even} on 5 "
    "+ 5 points. (e) Cosines of w_j with x₊ (v > 0) and x₋ (v < 0), without the neurons that are dead at the "
    "start; thick: median of those that end in S₊ or S₋. (f) Their norms."
)


def run(which: Toy) -> xr.Dataset:
    """Return the networks' histories."""
    return planar(which, LIGHT)


def shown() -> xr.Dataset:
    """Return the history of the network that is drawn."""
    return run(UNEVEN).isel(network=SHOWN)


def plane(step: int) -> PlaneView:
    """Return the plane up to a step."""
    course = shown().sel(step=slice(0, step))
    data = planar_data(UNEVEN)
    signs = np.sign(course["outputs"].values[-1])
    size = radii(course["log_norm"].values, LOW, HIGH)
    return PlaneView(data.inputs, data.labels, directions(states(course)), size, signs, f"step {step}")


def losses() -> Curves:
    """Return the losses beside the published ones."""
    curves = []
    looks = (Look(BLACK, "-", 1.2), Look(BLUE, "--", 1.2))
    for which, look in zip((UNEVEN, EVEN), looks, strict=True):
        loss, steps = run(which)["loss"].values, run(which)["step"].values / 1000
        middle = np.median(loss, axis=1)
        range_ = (middle - loss.min(axis=1), loss.max(axis=1) - middle)
        name = f"{which.positives} + {which.negatives} points"
        curves.append(Curve(name, steps, middle, range_, marked=False, look=look))
    at = np.array(list(PUBLISHED_TOY)) / 1000
    curves.append(Curve("published", at, list(PUBLISHED_TOY.values()), joined=False, look=PUBLISHED))
    plus, minus = drops(UNEVEN, LIGHT)[SHOWN] / 1000
    return Curves(
        curves, "step (thousands)", "loss", log="y", legend="lower left", ticks=TICKS, bottom=5e-3, top=2.0,
        at=[At(minus, "$y=-1$", True, 0.33), At(plus, "$y=1$", low=0.33)],
    )  # fmt: skip


def neurons(value: str, label: str, bottom: float, top: float, legend: str | None) -> Curves:
    """Return what each neuron does, and the medians of those that end in their set."""
    course = shown()
    steps, code = course["step"].values / 1000, course["membership"].values
    signs = np.sign(course["outputs"].values[-1])
    curves, strands = [], []
    for sign, name, own in ((1.0, "positive", "$v>0$"), (-1.0, "negative", "$v<0$")):
        values = course["log_norm" if value == "norm" else f"cos_{name}"].values
        values = np.exp(values) if value == "norm" else values
        here = (signs == sign) & (code[0] != MEMBERSHIPS.index("dead"))
        strands.append(Strands(steps, values[:, here], FAINT[sign]))
        ends = here & (code[-1] == MEMBERSHIPS.index(name))
        curves.append(Curve(own, steps, np.median(values[:, ends], axis=1), marked=False, look=OWN[sign]))
    return Curves(
        curves, "step (thousands)", label, log="y" if value == "norm" else "", legend=legend, ticks=TICKS,
        bottom=bottom, top=top, shares=False, strands=strands,
    )  # fmt: skip


@functools.cache
def counts() -> dict[str, int]:
    """Return how many neurons of each sign are in their set, or dead."""
    course, found = shown(), {}
    steps = list(PUBLISHED_TOY)
    codes = course["membership"].sel(step=steps).values
    signs = np.sign(course["outputs"].sel(step=steps).values)
    dead = MEMBERSHIPS.index("dead")
    for sign, name, short in ((1.0, "positive", "plus"), (-1.0, "negative", "minus")):
        inside = (signs == sign) & ((codes == MEMBERSHIPS.index(name)) | (codes == dead))
        for row, when in zip(inside, ("start", "middle", "end"), strict=True):
            found[f"{short}_{when}"] = int(np.sum(row))
        found[short] = int(np.sum(signs[-1] == sign))
    return {**found, "dead": int(np.sum(codes[-1] == dead))}


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    last = max(PUBLISHED_TOY)

    def twice(which: Toy) -> int:
        return sum(has_two_drops(loss) for loss in run(which)["loss"].values.T)

    def told(which: Toy) -> str:
        values = run(which)["loss"].sel(step=last).values
        return f"{np.min(values):.3g} to {np.max(values):.3g}"

    plus, minus = drops(UNEVEN, LIGHT)[SHOWN]
    return {
        "h": H,
        "rate": RATE,
        **counts(),
        "scale": tidy(math.exp(LOG_SCALE)),
        "low": tidy(LOW),
        "positives": UNEVEN.positives,
        "negatives": UNEVEN.negatives,
        "starts": run(UNEVEN).sizes["network"],
        "middle": list(PUBLISHED_TOY)[1],
        "last": last,
        "uneven": told(UNEVEN),
        "even": told(EVEN),
        "published": PUBLISHED_TOY[last],
        "plus_half": plus,
        "minus_half": minus,
        "two_uneven": twice(UNEVEN),
        "two_even": twice(EVEN),
        "gap": float(np.median(np.abs(np.diff(drops(EVEN, LIGHT), axis=1)))),
    }


def draw() -> Figure:
    """Return the figure."""
    below = [
        losses(),
        neurons("cosine", "cosine with $x_+$ or $x_-$", -1.05, 1.05, "lower right"),
        neurons("norm", r"$\|w_j\|$", 1e-8, 1e2, "upper left"),
    ]
    planes = [plane(step) for step in PUBLISHED_TOY]
    return sheet([*planes, *below], columns=len(planes), height=(2.3, 2.05))


if __name__ == "__main__":
    raise SystemExit(main(globals()))
