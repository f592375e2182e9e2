"""How long alignment takes: against the data, its bounds, the scale of the start and the size of steps."""

from __future__ import annotations

import functools
import math

import numpy as np
from matplotlib.figure import Figure

from gradflow.networks.two_layer import bounds
from gradflow.networks.two_layer.data import Dataset, equiangular
from gradflow.networks.two_layer.geometry import angles, setting
from gradflow.networks.two_layer.limit import limit_flow
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import as_network, balanced
from gradflow.study.claims.alignment import questions, scales
from gradflow.study.claims.alignment.common import H
from gradflow.study.figures.curves import At, Curve, Curves, Strands
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.script import main, signed
from gradflow.study.figures.style import BLACK, BLUE, GREY, PURPLE, VERMILLION, Look

KINDS = ("equiangular", "cone")
LIGHT = False
"""Whether the claims' quick runs are drawn instead."""

SHARP_MU = tuple(float(mu) for mu in np.logspace(-6.0, -0.3, 12))
CLOSE = 1e-9
"""How close to the starts of derivation 23, (4), those that attain its times are."""

LINE = {"ours": Look(BLACK, "-", 1.1), "papers": Look(VERMILLION, "-.", 1.1)}
MARKS = (
    Look(BLACK, "", 1.0, "o", 3.0, filled=False),
    Look(BLUE, "", 1.0, "s", 2.6),
    Look(VERMILLION, "", 1.0, "^", 3.0),
    Look(PURPLE, "", 1.0, "D", 2.6, filled=False),
)

# A minute.
QUICK = False

TITLE = "How long alignment takes"
CAPTION = (
    "(a, b) Time until the last of {h} balanced neurons is in S₊ (v > 0), S₋ (v < 0) or S_dead, flow of the "
    "sum of the losses in the limit ε → 0, exact (event by event): against the number of data, mean and "
    "range of {seeds} starts for each least cosine μ, on equiangular data and on random ones in a cone in "
    "{dimension} dimensions. Lines: fits, n^({n_equiangular}) μ^({mu_equiangular}) and n^({n_cone}) "
    "μ^({mu_cone}), 99% intervals, residuals of {residual_equiangular:.0%} and {residual_cone:.0%}. Dotted: "
    "ln n/√μ for the largest and the smallest μ. (c) The slowest network of each μ, with 2 acosh(1/μ), "
    "proved for neurons that do not start in the other label's set (derivation 23), and 16 ln n/μ^(5/2), the "
    "least that the paper's bound can be, for n = {least} and {most}. No time is more than {ours:.2f} of the "
    "neuron's bound of derivation 23, or {papers:.2g} of the paper's. (d) Starts that show that ln(1/μ) is "
    "needed: two points, acosh(1/μ) (line), and four, 2 asinh(√((1 − μ)/2)/μ), whose distance from the bound "
    "tends to ln 2. (e) Data that violate Assumption 1: shares of the neurons, 20 data in 6 dimensions. (f) "
    "Largest difference of a neuron's alignment time at finite ε from that in the limit, relative to the "
    "last one's, and ε^{order:.2f}, fitted; open: some neurons never align; at the least ε the flow's "
    "tolerance shows. (g) Share of the neurons in no set when the loss is 0.01, and the mean loss when the "
    "last one aligns (median of the starts in which all do); dotted: 1/√h. Derivation 23 has ε ≤ "
    "{our_epsilon:.1e} as sufficient, the paper ln ε ≤ {papers_epsilon}. (h) Stable rank when the loss is "
    "0.01; grey: at most 2. (i) GD: how much later the last neuron aligns than under the flow, and what "
    "slowing by ln(1 + x)/x, x = η|G|, predicts; beyond x = 1 p − v changes its sign in every step. (f–i): "
    "{h_scales} neurons, {n_scales} data in {d_scales} dimensions, μ = {mu_scales:g}."
)


def against_n(kind: str) -> Curves:
    """Return the times against n, μ by μ, with the fit."""
    rows = np.array(questions.times(kind, LIGHT).rows)
    n = np.unique(rows[:, 0])
    found = questions.fit(questions.times(kind, LIGHT).rows)
    logs = np.log(rows)
    constant = float(np.mean(logs[:, 2] - found.n * logs[:, 0] - found.mu * logs[:, 1]))
    curves, lines = [], []
    values = np.unique(rows[:, 1])[::-1]
    for mu, look in zip(values, MARKS, strict=True):
        each = [rows[(rows[:, 0] == count) & (rows[:, 1] == mu), 2] for count in n]
        mean = np.array([np.mean(t) for t in each])
        error = [mean - [np.min(t) for t in each], [np.max(t) for t in each] - mean]
        curves.append(Curve(f"$\\mu={mu:g}$", n, mean, error, joined=False, look=look))
        lines.append(np.exp(constant) * n**found.n * mu**found.mu)
    for mu, label in ((values[0], ""), (values[-1], r"$\ln n/\sqrt{\mu}$")):
        curves.append(Curve(label, n, np.log(n) / math.sqrt(mu), marked=False, look=Look(GREY, ":", 1.5)))
    name = "equiangular data" if kind == "equiangular" else "data in a cone"
    return Curves(
        curves, "number of data $n$", "alignment time" if kind == KINDS[0] else "", name, log="xy",
        ticks=n.tolist(), bottom=3e-4, top=200.0, legend="lower left" if kind == KINDS[0] else None,
        legend_columns=2,
        strands=[Strands(n, np.stack(lines, axis=1), BLACK, 0.7)],
    )  # fmt: skip


def against_mu() -> Curves:
    """Return the slowest networks against μ, with the bounds."""
    curves = []
    for kind, look in zip(KINDS, MARKS, strict=False):
        rows = np.array(questions.times(kind, LIGHT).rows)
        values = np.unique(rows[:, 1])
        slowest = [np.max(rows[rows[:, 1] == mu, 2]) for mu in values]
        curves.append(Curve(f"slowest, {kind}", values, slowest, joined=False, look=look))
    counts = sorted({n for n, _, _ in questions.times(KINDS[0], LIGHT).rows})
    mu = np.logspace(-2.0, math.log10(0.3), 40)
    curves.append(
        Curve(r"$2\,\mathrm{acosh}(1/\mu)$", mu, 2.0 * np.arccosh(1.0 / mu), marked=False, look=LINE["ours"])
    )
    for n, line in ((counts[0], "--"), (counts[-1], "-.")):
        look = Look(VERMILLION, line, 1.1)
        paper = 16.0 * math.log(n) / mu**2.5
        curves.append(Curve(f"paper, $n={n}$", mu, paper, marked=False, look=look))
    return Curves(
        curves, r"least cosine $\mu$", title="bounds", log="xy", top=3e13, bottom=0.3, legend="upper right"
    )


@functools.cache
def sharp(count: int, mu: float) -> float:
    """Return the alignment time of the start of derivation 23, (4), with two or four data, moved by CLOSE."""
    if count == 2:
        inputs = np.array([[1.0, 0.0], [mu, math.sqrt(1.0 - mu * mu)]])
        data, w = Dataset(inputs, np.ones(2)), np.array([CLOSE, -1.0])
    else:
        z = equiangular(4, mu).signed
        labels = np.array([-1.0, 1.0, 1.0, -1.0])
        angle = math.atan(mu * math.sqrt(2.0 / (1.0 - mu)))
        w = -math.cos(angle) * z[0] + math.sin(angle) * (z[3] - z[1]) / math.sqrt(2.0 - 2.0 * mu)
        w = w + CLOSE * mu * np.linalg.lstsq(z, np.array([0.0, 0.0, 1.0, 1e-3]), rcond=None)[0]
        data = Dataset(labels[:, None] * z, labels)
    network = as_network(w[None], np.array([np.linalg.norm(w)]))
    path = limit_flow(network, Objective(data), record=False)
    return float(questions.entered(path, network.outputs)[0])


def needed() -> Curves:
    """Return the starts that need nearly as long as is proved."""
    mu = np.logspace(-6.0, -0.3, 60)
    curves = [
        Curve("bound", mu, np.arccosh(1.0 / mu) + np.arcsinh(1.0 / mu), marked=False, look=LINE["ours"]),
        Curve("four data", SHARP_MU, [sharp(4, m) for m in SHARP_MU], joined=False, look=MARKS[1]),
        Curve("two data", SHARP_MU, [sharp(2, m) for m in SHARP_MU], joined=False, look=MARKS[2]),
    ]
    exact = np.stack([2.0 * np.arcsinh(np.sqrt((1.0 - mu) / 2.0) / mu), np.arccosh(1.0 / mu)], axis=1)
    return Curves(
        curves, r"cosine $\mu$", "alignment time", "slow starts", log="x", shares=False,
        bottom=0.0, strands=[Strands(mu, exact, BLACK, 0.7)], legend="upper right",
    )  # fmt: skip


def violations() -> Curves:
    """Return what happens as Assumption 1 is violated."""
    rows = questions.violations(LIGHT)
    mu = [row.mu for row in rows]
    names = (
        ("aligned", "in $S_+$ or $S_-$"),
        ("slid", "sliding"),
        ("wrong", "a step back"),
        ("dead", "dead"),
    )
    curves = [Curve(label, mu, [getattr(row, name) for row in rows]) for name, label in names]
    return Curves(
        curves, r"least cosine $\mu$", "neurons", "without Assumption 1", legend=(0.3, 0.36), top=1.05,
    )  # fmt: skip


@functools.cache
def order() -> tuple[float, float]:
    """Return the exponent of ε in (f), and the factor: over shifts that are neither rounding nor large.

    A single one has the exponent 2 that is expected.
    """
    rows = [row for row in scales.shifts(LIGHT) if 1e-7 < row.shift < 0.1 and not row.missing]
    if len(rows) == 1:
        return 2.0, rows[0].shift / math.exp(2.0 * rows[0].log_epsilon)
    slope, start = np.polyfit([row.log_epsilon for row in rows], np.log([row.shift for row in rows]), 1)
    return float(slope), math.exp(float(start))


def of_epsilon() -> Curves:
    """Return how far alignment times are from the limit's."""
    rows = [row for row in scales.shifts(LIGHT) if row.log_epsilon > -100.0]
    curves = []
    for some, look in (([r for r in rows if not r.missing], Look(BLACK, "", 1.0, "o", 3.0)),
                       ([r for r in rows if r.missing], MARKS[0])):  # fmt: skip
        x = [math.exp(r.log_epsilon) for r in some]
        curves.append(Curve("", x, [r.shift for r in some], joined=False, look=look))
    slope, factor = order()
    line = np.logspace(-4.5, -0.7, 10)
    curves.append(
        Curve(f"$\\epsilon^{{{slope:.2f}}}$", line, factor * line**slope, marked=False, look=LINE["papers"])
    )
    return Curves(
        curves,
        r"$\epsilon$",
        "relative shift of the time",
        "scale of the start",
        log="xy",
        legend="upper left",
    )


def breakdown() -> Curves:
    """Return the share of neurons that do not align, and how late the last one does."""
    rows = scales.scales(LIGHT)
    x = np.exp([row.log_epsilon for row in rows])
    curves = [
        Curve("in no set", x, [row.unaligned for row in rows]),
        Curve("loss", x, [row.loss_then for row in rows]),
    ]
    return Curves(
        curves, r"$\epsilon$", "share, loss", "breakdown", log="x", bottom=0.0, top=1.05, shares=False,
        legend=(0.0, 0.36), at=[At(scales.H**-0.5, r"$1/\sqrt{h}$")],
    )  # fmt: skip


def rank() -> Curves:
    """Return the stable rank against the scale."""
    rows = scales.scales(LIGHT)
    curve = Curve("", np.exp([row.log_epsilon for row in rows]), [row.rank for row in rows])
    return Curves(
        [curve],
        r"$\epsilon$",
        "stable rank",
        "after the fit",
        log="x",
        shares=False,
        bottom=0.9,
        grey=(1.0, 2.0),
    )


def steps() -> Curves:
    """Return how much later GD aligns than the flow."""
    rows = scales.steps(LIGHT)
    x = [row.rate for row in rows]
    curves = [
        Curve("GD", x, [row.error for row in rows], joined=False, look=MARKS[1]),
        Curve("$x/\\ln(1+x)-1$", x, [row.predicted for row in rows], marked=False, look=LINE["ours"]),
    ]
    return Curves(
        curves, r"$x=\eta\,|G|$", "later than the flow", "gradient descent", log="x", bottom=-0.2,
        legend="upper left", at=[At(1.0)],
    )  # fmt: skip


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    runs = {kind: questions.times(kind, LIGHT) for kind in KINDS}
    found: dict[str, object] = {}
    for kind, run in runs.items():
        fitted = questions.fit(run.rows)
        found[f"n_{kind}"] = f"{fitted.n:.2f} ± {fitted.n_error:.2f}".replace("-", "−")
        found[f"mu_{kind}"] = f"{fitted.mu:.2f} ± {fitted.mu_error:.2f}".replace("-", "−")
        found[f"residual_{kind}"] = fitted.residual
    counts = sorted({n for n, _, _ in runs[KINDS[0]].rows})
    data, start = scales.data_set(0), balanced(scales.H, 5, 0.0, seed=0)
    s = setting(data, start, 0.0)
    return {
        **found,
        "h": H,
        "seeds": len(runs[KINDS[0]].rows) // len({row[:2] for row in runs[KINDS[0]].rows}),
        "dimension": questions.DIMENSION,
        "least": counts[0],
        "most": counts[-1],
        "ours": max(run.of_ours for run in runs.values()),
        "papers": max(run.of_papers for run in runs.values()),
        "order": order()[0],
        "our_epsilon": math.exp(bounds.alignment(s, angles(data, start)).log_epsilon),
        "papers_epsilon": signed(bounds.paper_log_epsilon(s).least, ".0f"),
        "h_scales": scales.H,
        "n_scales": data.n,
        "d_scales": data.dimension,
        "mu_scales": scales.MU,
    }


def draw() -> Figure:
    """Return the figure."""
    first = [against_n(KINDS[0]), against_n(KINDS[1]), against_mu()]
    others = [needed(), violations(), of_epsilon(), breakdown(), rank(), steps()]
    return sheet([*first, *others], columns=3, height=(2.2, 2.1, 2.1))


if __name__ == "__main__":
    raise SystemExit(main(globals()))
