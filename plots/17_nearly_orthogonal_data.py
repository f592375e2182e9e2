"""Two data at almost 90°: Assumption 1 is nearly or just violated, and the neurons align all the same."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from gradflow.networks.two_layer.network import directions
from gradflow.study.claims.alignment.common import LOG_SCALE, RATE, H, states
from gradflow.study.claims.alignment.experiments import PUBLISHED_DELTA, READ, planar, planar_data
from gradflow.study.figures.curves import Curve, Curves
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.plane import PlaneView, radii
from gradflow.study.figures.script import main, tidy
from gradflow.study.figures.style import BLACK, GREY, Look

SHOWN = 0
"""The network whose neurons are drawn: the first, not a chosen one."""

LOW, HIGH = 1e-9, 10.0
"""The norms at the centre of the plane and on the circle."""

LIGHT = False
"""Whether the claims' quick runs are drawn instead."""

TICKS = (0, 7, 14, 21)
PUBLISHED = Look(GREY, "", 1.0, "s", 4.4, filled=False, order=4.0)

# Seconds; a quick report has quicker runs than these.
QUICK = False

TITLE = "Two data that are nearly orthogonal"
CAPTION = (
    "Networks of {h} neurons on x₁ = (1, 0) and x₂ = (sin δ, cos δ), both with y = 1, so that μ = sin δ: "
    "mean exponential loss, all weights from N(0, ({scale})²), GD at rate {rate:g}. (a–f) Directions of the "
    "w_j of one network with their paths; the distance from the centre is linear in log ‖w_j‖, from {low} at "
    "the centre to {HIGH:g} on the circle. S₊ is active on both data, S_dead on neither. {apart}. (g–i) The "
    "loss over {starts} starts, median, 5% to 95%, with the published values (squares): at steps {first} and "
    "{last}, ours (published), {losses}."
)


def plane(delta: float, step: int) -> PlaneView:
    """Return the plane up to a step."""
    course, data = planar(delta, LIGHT).isel(network=SHOWN).sel(step=slice(0, step)), planar_data(delta)
    size = radii(course["log_norm"].values, LOW, HIGH)
    signs = np.sign(course["outputs"].values[-1])
    name = f"$\\delta={delta:g}$, step {step}"
    return PlaneView(data.inputs, data.labels, directions(states(course)), size, signs, name)


def losses(delta: float) -> Curves:
    """Return the losses beside the published ones."""
    run = planar(delta, LIGHT)
    low, middle, high = np.quantile(run["loss"].values, (0.05, 0.5, 0.95), axis=1)
    curve = Curve(
        "ours",
        run["step"].values / 1000,
        middle,
        (middle - low, high - middle),
        marked=False,
        look=Look(BLACK),
    )
    published = Curve(
        "published", np.array(READ) / 1000, PUBLISHED_DELTA[delta], joined=False, look=PUBLISHED
    )
    first = delta == next(iter(PUBLISHED_DELTA))
    return Curves(
        [curve, published], "step (thousands)", "loss" if first else "", f"$\\delta={delta:g}$", log="y",
        legend="lower left" if first else None, ticks=TICKS, bottom=3e-3, top=2.0,
    )  # fmt: skip


def spread(delta: float) -> tuple[int, int, float, float]:
    """Return of the living neurons with v > 0 how many are in S₊, all, and the least and largest angle."""
    course, data = planar(delta, LIGHT).isel(network=SHOWN, step=-1), planar_data(delta)
    w = directions(states(course))
    alive = np.any(w @ data.inputs.T > 0.0, axis=1) & (course["outputs"].values > 0.0)
    inside = np.all(w @ data.inputs.T > 0.0, axis=1) & alive
    angles = np.degrees(np.arctan2(w[alive, 1], w[alive, 0]))
    return int(np.sum(inside)), int(np.sum(alive)), float(np.min(angles)), float(np.max(angles))


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    told, apart = [], []
    for delta, published in PUBLISHED_DELTA.items():
        values = planar(delta, LIGHT)["loss"].sel(step=list(READ)).values
        ranges = [np.quantile(row, (0.05, 0.95)) for row in values]
        both = " and ".join(
            f"{lo:.3g} to {hi:.3g} ({p:g})" for (lo, hi), p in zip(ranges, published, strict=True)
        )
        told.append(f"δ = {delta:g}: {both}")
        inside, alive, low, high = spread(delta)
        bisector = 45.0 - 0.5 * math.degrees(delta)
        apart.append(
            f"δ = {delta:g}: of {alive} living neurons with v > 0 {inside} are in S₊ at the end, and all "
            f"are at angles from {round(low, 1) + 0.0:.1f}° to {high:.1f}° (x₊ at {bisector:.1f}°)"
        )
    return {
        "h": H,
        "rate": RATE,
        "scale": tidy(math.exp(LOG_SCALE)),
        "low": tidy(LOW),
        "starts": planar(0.0, LIGHT).sizes["network"],
        "first": READ[0],
        "last": READ[1],
        "losses": "; ".join(told),
        "apart": "; ".join(apart),
    }


def draw() -> Figure:
    """Return the figure."""
    planes = [plane(delta, step) for step in READ for delta in PUBLISHED_DELTA]
    curves = [losses(delta) for delta in PUBLISHED_DELTA]
    return sheet([*planes, *curves], columns=len(PUBLISHED_DELTA), height=(2.2, 2.2, 1.8))


if __name__ == "__main__":
    raise SystemExit(main(globals()))
