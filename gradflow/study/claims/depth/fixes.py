"""The five fixes, each against plain ReLU from the same starts: units that die, and the loss that is
reached."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from gradflow.networks.deep import Network, forward, initial, loss_and_gradient, unpack
from gradflow.neuron.activations import GELU, SILU, Activation, derivatives
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import NAMES, Mean, mean
from gradflow.study.claims.evidence import count, median
from gradflow.study.claims.ledger import Finding, Verdict, by_rule, throughout
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import each, finding

CASES = (("teacher", "gd"), ("teacher", "adam"), ("digits", "adam"))
"""Tasks and optimisers on which each fix is measured."""


@remembered
def row(name: str, task: str, optimizer: str, quick: bool) -> dict[str, Any]:
    """Return the shares of dead and of off units, and the losses, of one fix in one case."""
    cells = runs.fixed(name, optimizer, quick, task)
    data = cells.data
    good = cells.good[0]
    widths = float(data["width"].sum())
    dead = np.where(good, (data["dead"] * data["width"]).sum("layer").values / widths, np.nan)
    off = cells.share[:, 0]
    return {
        "fix": name,
        "task": task,
        "optimizer": optimizer,
        "dead_at_birth": (data["dead"][0] * data["width"]).sum("layer").values / widths,
        "dead": dead[-1],
        "off": off[-1],
        "loss": data["loss"].values[-1],
        "good": good,
        "stuck": int(cells.stuck.sum()),
    }


def saved(name: str, task: str, optimizer: str, quick: bool) -> Mean:
    """Return how much smaller the share of dead units is with a fix than without, start by start."""
    plain, fix = row("none", task, optimizer, quick), row(name, task, optimizer, quick)
    return mean(plain["dead"] - fix["dead"])


def gains(name: str, quick: bool) -> list[Mean]:
    """Return what a fix saves in each of the cases."""
    return [saved(name, task, optimizer, quick) for task, optimizer in CASES]


def table(names: tuple[str, ...], quick: bool) -> list[dict[str, Any]]:
    """Return what the ledger keeps of some fixes."""
    rows = []
    for task, optimizer in CASES:
        for name in ("none", *names):
            found = row(name, task, optimizer, quick)
            good = found["good"]
            rows.append({
                "task": task,
                "optimizer": NAMES[optimizer],
                "fix": runs.FIXES[name].label,
                **{key: mean(found[key]) for key in ("dead_at_birth", "dead", "off")},
                "median_loss": median(found["loss"][good]) if np.any(good) else None,
                "lower_loss_than_plain": _lower(name, task, optimizer, quick),
                "diverged": count(~good),
                "networks": int(good.size),
            })  # fmt: skip
    return rows


def _lower(name: str, task: str, optimizer: str, quick: bool) -> int:
    """Return in how many starts the fix ends with a lower loss than plain ReLU; divergence is the worst
    loss."""
    entries = row("none", task, optimizer, quick), row(name, task, optimizer, quick)
    losses = [np.where(entry["good"], entry["loss"], np.inf) for entry in entries]
    return count(losses[1] < losses[0])


def as_text(rows: list[dict[str, Any]]) -> str:
    """Return a table as prose."""
    step = len(rows) // len(CASES)
    return ". ".join(
        f"{task.capitalize()}, {NAMES[optimizer]}: {'; '.join(map(_entry, rows[i * step : (i + 1) * step]))}"
        for i, (task, optimizer) in enumerate(CASES)
    )


def _entry(r: dict[str, Any]) -> str:
    if r["median_loss"] is None:
        return f"{r['fix']}: all {r['diverged']} diverged"
    off = "" if str(r["off"]) == str(r["dead"]) else f" ({r['off']} off)"
    bad = f", {r['diverged']} diverged" if r["diverged"] else ""
    return f"{r['fix']} {r['dead']}{off}, {r['median_loss']:.1e}{bad}"


def setting(quick: bool) -> str:
    """Return the sentence on what the tables show."""
    starts = row("none", "teacher", "adam", quick)["good"].size
    return f"Share of dead units at the end and median loss, {runs.FIX_DEPTH} layers of {runs.WIDTH}, {starts} starts, GD {runs.FIX_RATES['gd']:g}, Adam {runs.FIX_RATES['adam']:g}: "


def of_fixes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table that are not plain ReLU's."""
    return [r for r in rows if r["fix"] != runs.FIXES["none"].label]


def compared(name: str, quick: bool) -> tuple[Verdict, str, list[dict[str, Any]]]:
    """Return verdict, prose and table of a fix that should make fewer units die."""
    sure = [gain.sure for gain in gains(name, quick)]
    rows = table((name,), quick)
    prose = (
        f"Fewer units are dead at the end in {sum(sure)} of {len(sure)} cases, by more than two standard errors of the difference from the same starts. {setting(quick)}{as_text(rows)}. The loss is lower than that of plain ReLU from "
        f"{each('{lower_loss_than_plain} of {networks}', of_fixes(rows))} starts."
    )
    return throughout(sure), prose, rows


def helps(name: str, opening: str, quick: bool) -> Finding:
    """Compare a fix with plain ReLU from the same starts; `opening` may say whether some unit `{dies}`."""
    verdict, prose, rows = compared(name, quick)
    never = all(r["dead"].value == 0.0 for r in rows if r["fix"] == runs.FIXES[name].label)
    return finding(
        verdict, "{opening}{prose}", {"cases": rows},
        opening=opening.format(dies="none dies here" if never else "some do"), prose=prose,
    )  # fmt: skip


WARM = "Linear warm-up over the first quarter of the steps. "
NORMAL = "Normalised values have mean 0, so with shift 0 and any gain ≠ 0 a unit that varies is on for some input; only shift and gain can kill it, and {dies}. "
"""How the findings on warm-up and on batch normalisation begin."""


def low_rate(quick: bool) -> Finding:
    """Compare a tenth of the rate with the rate, at the same number of steps and at the same rate times
    steps."""
    verdict, prose, rows = compared("low", quick)
    cases = {
        f"{task}, {NAMES[optimizer]}": sooner("low", task, optimizer, quick) for task, optimizer in CASES
    }
    sure = [gain.sure for gain in cases.values()]
    return finding(
        verdict if verdict == throughout(sure) else "conditional",
        f"At the same rate times steps, where the small rate has come as far as the large one had after a tenth of its steps, it has fewer dead units in {sum(sure)} of {len(sure)} cases; it saves {{saves}}. At the same number of steps: "
        "{prose}",
        {"cases": rows, "saved_at_the_same_rate_times_steps": list(cases.values())},
        saves=each("{0.points} points ({label})", cases),
        prose=prose[0].lower() + prose[1:],
    )


def sooner(name: str, task: str, optimizer: str, quick: bool) -> Mean:
    """Return what a fix that lowers the rate saves at its end against no fix at the same rate times steps."""
    plain, fix = runs.fixed("none", optimizer, quick, task), runs.fixed(name, optimizer, quick, task)
    at = round(runs.FIXES[name].factor * (plain.share.shape[0] - 1))
    return mean(plain.share[at, 0] - fix.share[-1, 0])


def zero_gradients(name: str, quick: bool) -> tuple[int, int]:
    """Return how many units that are off at the end have no gradient for weights and bias, and how many
    are off."""
    fix, cells = runs.FIXES[name], runs.fixed(name, "adam", quick)
    task = runs.task_named("teacher")
    network = Network(1, (runs.WIDTH,) * runs.FIX_DEPTH, fix.activation, fix.normalize)
    found = loss_and_gradient(network, cells.data["final"].values, task.x, task.y)
    none = off = 0
    for layer, own in zip(found.passed.layers, unpack(network, found.gradient), strict=False):
        quiet = np.all(layer.z <= 0.0, axis=-1)
        zero = np.all(own["weight"] == 0.0, axis=-1) & (own["bias"] == 0.0)
        off += count(quiet)
        none += count(quiet & zero)
    return none, off


def _largest(rows: list[dict[str, Any]]) -> float:
    """Return the largest share of dead units with a fix, whether or not some networks diverged."""
    return float(np.nanmax([r["dead"].value for r in of_fixes(rows)]))


def leaky(quick: bool) -> Finding:
    """Look for dead units and for vanished gradients with leaky ReLU."""
    rows = table(("leaky",), quick)
    dead = _largest(rows)
    none, off = zero_gradients("leaky", quick)
    plain_none, plain_off = zero_gradients("none", quick)
    return finding(
        by_rule(open=not plain_off, refuted=dead or none),
        f"With slope 0.01 the largest share of units that are 0 on every input is {dead:.1%}, and of the {{off}} units that are off at the end of training (Adam, teacher) {{off_without_gradient}} have a gradient of exactly 0, against "
        "{relu_off_without_gradient} of {relu_off} with ReLU. Units still go off, that is negative on every input; they pass on a line. {table}.",
        {
            "off": off,
            "off_without_gradient": none,
            "relu_off": plain_off,
            "relu_off_without_gradient": plain_none,
            "cases": rows,
        },
        table=setting(quick) + as_text(rows),
    )


def stationary(activation: Activation) -> float:
    """Return the z < 0 at which φ′ = 0."""
    return float(
        brentq(lambda z: float(derivatives(activation, np.array([z]))[1][0]), -4.0, -0.1, xtol=1e-14)
    )


def smooth(quick: bool) -> Finding:
    """Find where SiLU and GELU have no gradient, and see whether their units die."""
    zeros = {str(a): stationary(a) for a in (SILU, GELU)}
    underflow = {str(a): float(derivatives(a, np.array([-50.0]))[1][0]) for a in (SILU, GELU)}
    rows = table(("gelu", "silu"), quick)
    dead = _largest(rows)
    none = {name: zero_gradients(name, quick) for name in ("gelu", "silu")}
    works = dead == 0.0 and not any(without for without, _ in none.values())
    return finding(
        # That the gradient vanishes somewhere is calculus: both are 0 at 0 and at −∞ and negative between.
        by_rule(refuted=not works, conditional=True),
        "Not everywhere: each is negative between its zeros at −∞ and 0, so it has a minimum, where its gradient is exactly 0, {zeros}; below it the gradient is negative and dies out, GELU's at z = −50 to {gradient_at_minus_50[gelu]:g} in "
        f"float64, SiLU's to {{gradient_at_minus_50[silu]:.1e}}. {{stuck}}: the largest share of units that are 0 on every input is {dead:.1%}, and of the units that are off at the end (Adam, teacher) {{off_without_gradient[gelu][0]}} of "
        "{off_without_gradient[gelu][1]} (GELU) and {off_without_gradient[silu][0]} of {off_without_gradient[silu][1]} (SiLU) have a gradient of exactly 0. {table}.",
        {
            "gradient_is_zero_at": zeros,
            "gradient_at_minus_50": underflow,
            "off_without_gradient": none,
            "cases": rows,
        },
        zeros=" and ".join(f"{'GELU' if a == 'gelu' else 'SiLU'} at z = {z:.6f}" for a, z in zeros.items()),
        stuck="No unit is stuck on the whole data set by that"
        if works
        else "Units are stuck on the whole data set",
        table=setting(quick) + as_text(rows),
    )


def he(quick: bool) -> Finding:
    """Compare He's initialisation with half and twice its variance, and with torch's default."""
    others = ("half", "double", "torch")
    scale = {name: growth(runs.FIXES[name].scheme, 20 if quick else 100) for name in ("none", *others)}
    in_range = abs(np.log(scale["none"])) < min(abs(np.log(scale[name])) for name in others)
    # Positive: more dead units without He's variance.
    fewer = {
        runs.FIXES[name].label: [bool(-g.value > 2.0 * g.error) for g in gains(name, quick)]
        for name in others
    }
    rows = table(others, quick)
    births = (row(name, "teacher", "adam", quick)["dead_at_birth"] for name in ("none", "half"))
    same = np.array_equal(*births)
    wins, cases = sum(sum(entry) for entry in fewer.values()), len(others) * len(CASES)
    return finding(
        by_rule(reproduced=in_range and wins == cases, conditional=in_range or wins, refuted=True),
        f"Over {runs.FIX_DEPTH} layers the root mean square of the activations is multiplied by {{growth_of_activations[none]:.2f}} with He's variance, by {{others}} (geometric mean). But the number of units that are dead at birth {{same}} on "
        f"the scale if biases are 0: scaling changes no sign. At the end He has fewer dead units in {wins} of {cases} comparisons (two standard errors): {{fewer}}. {{table}}.",
        {
            "growth_of_activations": scale,
            "fewer_dead_with_he": fewer,
            "same_at_birth": same,
            "cases": rows,
        },
        others=", ".join(f"{scale[name]:.2g} with {runs.FIXES[name].label}" for name in others),
        same="does not depend" if same else "depends",
        fewer=", ".join(f"{sum(entry)} of {len(entry)} against {label}" for label, entry in fewer.items()),
        table=setting(quick) + as_text(rows),
    )


def growth(scheme: str, starts: int) -> float:
    """Return by how much the activations grow from the first to the last hidden layer, geometric mean over
    starts."""
    network = Network(1, (runs.WIDTH,) * runs.FIX_DEPTH)
    passed = forward(network, initial(network, starts, scheme=scheme), runs.task_named("teacher").x)
    first, last = (np.sqrt(np.mean(a * a, axis=(1, 2))) for a in (passed.layers[1].entering, passed.leaving))
    # A network that is born dead sends nothing.
    alive = (first > 0) & (last > 0)
    return float(np.exp(np.mean(np.log(last[alive] / first[alive]))))
