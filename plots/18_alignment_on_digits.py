"""Early alignment on images: MNIST's zeros and ones, SGD, frozen outputs, and pairs of garments."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.study.claims.alignment.common import LOG_SCALE, RATE, H
from gradflow.study.claims.alignment.images import ALIGNED, BATCH, PUBLISHED, SETS, course, history
from gradflow.study.figures.curves import At, Curve, Curves, Strands
from gradflow.study.figures.frames import Below, sheet
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLACK, BLUE, PURPLE, SKY, VERMILLION, Look

LIGHT = False
"""Whether the claims' quick runs are drawn instead."""


class Shown(NamedTuple):
    """A run: its name, and what `history` takes."""

    name: str
    kind: str = "digits"
    batch: bool = False
    frozen: bool = False

    def run(self) -> xr.Dataset:
        """Return its history."""
        return history(self.kind, LIGHT, batch=self.batch, frozen=self.frozen)


RUNS = {
    Shown("0 and 1"): Look("#B0B0B0", "-", 3.0),
    Shown("0 and 1, SGD", batch=True): Look(BLACK, "--", 0.9),
    Shown("0 and 1, $v$ frozen", frozen=True): Look(BLUE, "-.", 1.1),
    Shown("T-shirt and trouser", "t-shirt, trouser"): Look(VERMILLION, ":", 1.5),
    Shown("T-shirt and shirt", "t-shirt, shirt"): Look(PURPLE, "-", 1.1),
}
PAPERS = tuple(At(step / 1000) for step in PUBLISHED.values())
TICKS = (0, 5, 10, 15)
OWN = {1.0: Look(VERMILLION, "-", 1.3), -1.0: Look(BLUE, "--", 1.3)}
FAINT = {1.0: VERMILLION, -1.0: SKY}

# Half a minute.
QUICK = False

TITLE = "Early alignment on images"
CAPTION = (
    "Networks of {h} neurons, mean exponential loss, all weights from N(0, ({scale})²), GD at rate {rate:g}, "
    "images minus their mean: MNIST's 0 and 1 ({digits} of them, which come with the package), full batch "
    "and SGD with {batch:.0%} of them in a batch, and with v frozen at ±1; Fashion-MNIST's T-shirts with "
    "trousers and with shirts ({garments} each). (a–e) Cosines of w_j with x₊ (v > 0 at the end) and x₋ (v < "
    "0): all neurons, medians (thick), 10% to 90% (shaded). As the mean image is subtracted, x₋ = −x₊. (f) "
    "Share of neurons with a cosine of at least {ALIGNED:g}. (g) Loss. (h) ‖W‖_F. (i) Stable rank of W; "
    "grey: up to 2, the published bound. Dotted: what is published for all 0 and 1, aligned after about "
    "{p_aligned} steps, growth and drop of the loss after about {p_dropped}. {told}."
)


def cosines(which: Shown, title: str, first: bool) -> Curves:
    """Return the cosine of each neuron with the sum of the data of its sign."""
    run = which.run()
    steps, signs = run["step"].values / 1000, run["output_sign"][-1].values
    curves, strands = [], []
    for sign, name, label in ((1.0, "cos_positive", "$v>0$"), (-1.0, "cos_negative", "$v<0$")):
        values = run[name].values[:, signs == sign]
        low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=1)
        strands.append(Strands(steps, values, FAINT[sign]))
        curves.append(
            Curve(label, steps, middle, (middle - low, high - middle), marked=False, look=OWN[sign])
        )
    return Curves(
        curves, "step (thousands)", "cosine with $x_+$ or $x_-$" if first else "", title,
        legend="lower right" if first else None, ticks=TICKS, bottom=-0.12, top=1.05, shares=False,
        strands=strands,
        at=PAPERS if which.kind == "digits" and not which.frozen else (),
    )  # fmt: skip


def share(run: xr.Dataset) -> np.ndarray:
    """Return the share of aligned neurons."""
    cosine = np.where(
        run["output_sign"][-1].values > 0, run["cos_positive"].values, run["cos_negative"].values
    )
    return np.asarray(np.mean(cosine >= ALIGNED, axis=1))


def size(run: xr.Dataset) -> np.ndarray:
    """Return ‖W‖_F."""
    return np.asarray(np.sqrt(np.sum(np.exp(2.0 * run["log_norm"].values), axis=1)))


def against_step(values: dict[Shown, np.ndarray], label: str, **more: Any) -> Curves:
    """Return one curve for each run."""
    curves = [
        Curve(which.name, which.run()["step"].values / 1000, values[which], marked=False, look=look)
        for which, look in RUNS.items()
    ]
    return Curves(curves, "step (thousands)", label, legend=None, ticks=TICKS, at=PAPERS, **more)


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    told = []
    for which in RUNS:
        found = course(which.run())
        name = which.name.replace("$v$", "v")
        aligned, then = f"at step {found.aligned:.0f}", f"{found.rank_aligned:.2f} then and "
        if not math.isfinite(found.aligned):
            aligned, then = "never", ""
        dropped = f"at {found.dropped:.0f}" if math.isfinite(found.dropped) else "never"
        told.append(
            f"{name}: nine of ten aligned {aligned}, a tenth of the growth at {found.grown:.0f}, the loss "
            f"halved {dropped}, {found.loss:.2g} at the end, "
            f"stable rank {then}{found.stable_rank:.2f} at the end"
        )
    garments = SETS["t-shirt, shirt"](LIGHT)
    return {
        "h": H,
        "rate": RATE,
        "batch": BATCH,
        "scale": f"{math.exp(LOG_SCALE):g}".replace("e-0", "e-"),
        "digits": SETS["digits"](LIGHT).n,
        "garments": garments.n // 2,
        "p_aligned": PUBLISHED["aligned"],
        "p_dropped": PUBLISHED["dropped"],
        "told": "; ".join(told),
    }


def draw() -> Figure:
    """Return the figure."""
    runs = {which: which.run() for which in RUNS}
    planes = [cosines(which, which.name, place in (0, 3)) for place, which in enumerate(RUNS)]
    shares = against_step({w: share(run) for w, run in runs.items()}, "aligned neurons", top=1.05)
    loss = against_step({w: run["loss"].values for w, run in runs.items()}, "loss", log="y")
    norm = against_step({w: size(run) for w, run in runs.items()}, r"$\|W\|_F$", log="y")
    rank = against_step(
        {w: run["stable_rank"].values for w, run in runs.items()},
        "stable rank",
        log="y",
        bottom=0.9,
        grey=(1.0, 2.0),
    )
    frames = [*planes, shares, loss, norm, rank]
    return sheet(frames, columns=3, height=(1.9, 1.9, 2.1), below=Below(5, len(RUNS)))


if __name__ == "__main__":
    raise SystemExit(main(globals()))
