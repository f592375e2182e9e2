"""Dying ReLU in deep networks: where, when, at which rates, and what helps."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.networks.deep.born_dead import (
    Frequency,
    born_dead_bounds,
    born_dead_frequency,
    born_dead_probability,
    dead_at_birth,
)
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.birth import LAYERS
from gradflow.study.claims.depth.spread import PUBLISHED
from gradflow.study.figures.curves import Curve, Curves
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.rows import Row, Rows
from gradflow.study.figures.script import main

DEEP = 8
SHOWN = (1, 2, 4, 8)
"""The layers whose share is followed in time."""

SLOW = 2
"""The place of GD's rate in (a): at the next larger one many networks diverge."""

WIDTHS = (2, 3, 4, 5, 6, 8, 10)
TRIALS = 20_000

# Half a minute.
QUICK = False

TITLE = "Dying ReLU in deep networks"
CAPTION = (
    "Share of hidden units that are 0 on every input: ReLU(x) at 32 inputs in [−1, 1], {width} units a "
    "layer, He's initialisation, full batch, means over {starts} starts with standard errors (without those "
    "that diverge: {bad} in (a)). Grey: the published 20 to 40%. (a, b) Layer by layer in a network of "
    "{DEEP} layers: of all units {birth} are "
    "dead at birth, {gd_end} after {steps} steps of GD at {gd:g}, {adam_end} after as many of Adam at "
    "{adam:g}. (c) After {steps} steps of Adam, against the rate, by the number of layers. (d) Against the "
    "layer in the deepest networks of (c): at birth, by derivation 19 for wide layers, and after training. "
    "(e) Each fix on {DEEP} layers, Adam {adam:g}, {many} starts: units that are 0 on every input, and "
    "units that are negative on every input, which a leaky or smooth activation does not silence. (f) "
    "Networks of {LAYERS} layers with a layer that is 0 on all inputs at birth, {TRIALS} drawn at each "
    "width with 95% intervals: at one input, where 1 − (1 − 2^(−N))^{LAYERS} is exact, and on both sides "
    "of 0, with the bounds of derivation 19."
)


def over_time(optimizer: str, place: int, title: str, legend: str | None) -> Curves:
    """Return the shares of some layers against the step."""
    cells = runs.sweep(DEEP, optimizer, False)
    off = cells.by_rate(cells.data["off"])[:, :, place, cells.good[place]]
    curves = []
    for layer in SHOWN:
        values = off[:, layer - 1, :]
        error = np.std(values, axis=1, ddof=1) / np.sqrt(values.shape[1])
        curves.append(
            Curve(f"layer {layer}", cells.data["step"].values, values.mean(axis=1), error, marked=False)
        )
    return Curves(
        curves, "step", "share of dead units" if legend else "", title,
        grey=PUBLISHED, legend=legend, legend_columns=2, top=1.0,
    )  # fmt: skip


def against_rate() -> Curves:
    """Return the share at the end against the rate, for each depth."""
    curves = []
    for depth in runs.depths(False):
        cells = runs.sweep(depth, "adam", False)
        ends = [runs.mean(row) for row in cells.share[-1]]
        curves.append(Curve(f"{depth} layers", cells.rates, [e.value for e in ends], [e.error for e in ends]))
    return Curves(curves, "rate", title="Adam", log="x", grey=PUBLISHED, legend="upper left", top=1.0)


def against_layer() -> Curves:
    """Return the shares against the layer in the deepest networks, at birth and after training."""
    depth = runs.depths(False)[-1]
    cells = runs.sweep(depth, "adam", False)
    off = cells.by_rate(cells.data["off"])
    layers = np.arange(1, depth + 1)
    curves = [Curve("birth, wide", layers, dead_at_birth(depth), marked=False)]
    chosen = [("birth", off[0, :, 0])]
    chosen += [(f"Adam {cells.rates[i]:g}", off[-1, :, i, cells.good[i]].T) for i in (0, 2, 3)]
    for label, values in chosen:
        error = np.std(values, axis=1, ddof=1) / np.sqrt(values.shape[1])
        curves.append(Curve(label, layers, values.mean(axis=1), error))
    return Curves(
        curves, "layer", "share of dead units", f"{depth} layers",
        grey=PUBLISHED, legend="upper left", legend_columns=2, top=1.0, ticks=(1, *range(4, depth + 1, 4)),
    )  # fmt: skip


def fixes() -> Rows:
    """Return the shares of dead and of off units for each fix."""
    rows = []
    for name, fix in runs.FIXES.items():
        cells = runs.fixed(name, "adam", False)
        data = cells.data
        dead = (data["dead"][-1] * data["width"]).sum("layer").values / float(data["width"].sum())
        dead = np.where(cells.good[0], dead, np.nan)
        means = [runs.mean(values) for values in (dead, cells.share[-1, 0])]
        rows.append(Row(fix.label, [(m.value, m.error) for m in means]))
    return Rows(
        rows,
        ("0 on all inputs", "negative on all"),
        "share of units",
        f"Adam {runs.FIX_RATES['adam']:g}",
        "lower right",
    )


@functools.cache
def drawn() -> tuple[tuple[Frequency, ...], tuple[Frequency, ...]]:
    """Return the frequencies of being born dead at one input, and on both sides of 0."""
    one = tuple(born_dead_frequency((w,) * LAYERS, np.array([[1.0]]), trials=TRIALS) for w in WIDTHS)
    both = tuple(born_dead_frequency((w,) * LAYERS, trials=TRIALS, seed=1) for w in WIDTHS)
    return one, both


def born() -> Curves:
    """Return the probability of being born dead against the width."""
    bounds = [born_dead_bounds((w,) * LAYERS) for w in WIDTHS]
    exact = [born_dead_probability((w,) * LAYERS) for w in WIDTHS]
    curves = [
        Curve("one input, exact", WIDTHS, exact, marked=False),
        Curve("both sides, bounds", WIDTHS, [b.high for b in bounds], marked=False),
    ]
    one, both = drawn()
    for label, found in (("one input, drawn", one), ("both sides, drawn", both)):
        share = [f.share for f in found]
        error = [[f.share - f.low for f in found], [f.high - f.share for f in found]]
        curves.append(Curve(label, WIDTHS, share, error, joined=False))
    curves.append(Curve("", WIDTHS, [b.low for b in bounds], marked=False, look=1))
    return Curves(
        curves, "width", "probability", f"born dead, {LAYERS} layers",
        log="y", legend="lower left", ticks=WIDTHS, bottom=1e-5,
    )  # fmt: skip


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    cells, many = runs.sweep(DEEP, "adam", False), runs.fixed("none", "adam", False)
    place = runs.RATES["adam"].index(runs.FIX_RATES["adam"])
    ends = runs.sweep(DEEP, "gd", False).share[-1, SLOW], cells.share[-1, place]
    return {
        "width": runs.WIDTH,
        "starts": cells.share.shape[-1],
        "bad": int(np.sum(~runs.sweep(DEEP, "gd", False).good[SLOW])),
        "birth": str(runs.mean(cells.share[0, 0])),
        "gd_end": str(runs.mean(ends[0])),
        "adam_end": str(runs.mean(ends[1])),
        "gd": runs.RATES["gd"][SLOW],
        "adam": runs.FIX_RATES["adam"],
        "steps": int(cells.data["step"][-1]),
        "many": many.share.shape[-1],
    }


def draw() -> Figure:
    """Return the figure."""
    place = runs.RATES["adam"].index(runs.FIX_RATES["adam"])
    return sheet(
        [
            over_time("gd", SLOW, f"GD {runs.RATES['gd'][SLOW]:g}", "upper right"),
            over_time("adam", place, f"Adam {runs.FIX_RATES['adam']:g}", None),
            against_rate(),
            against_layer(),
            fixes(),
            born(),
        ],
        height=6.6 / 3,
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
