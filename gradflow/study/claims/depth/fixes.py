"""The five fixes, each against plain ReLU from the same starts: units that die, and the loss that is
reached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from gradflow.networks.deep import Network, forward, initial, loss_and_gradient, unpack
from gradflow.neuron.activations import GELU, SILU, Activation, derivatives
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Mean, evidence, mean
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.study.claims.shared import remembered

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


def table(names: tuple[str, ...], quick: bool) -> list[dict[str, Any]]:
    """Return what the ledger keeps of some fixes."""
    rows = []
    for task, optimizer in CASES:
        for name in ("none", *names):
            found = row(name, task, optimizer, quick)
            good = found["good"]
            rows.append(
                {
                    "task": task,
                    "optimizer": runs.NAMES[optimizer],
                    "fix": runs.FIXES[name].label,
                    "dead_at_birth": mean(found["dead_at_birth"])._asdict(),
                    "dead": mean(found["dead"])._asdict(),
                    "off": mean(found["off"])._asdict(),
                    "median_loss": float(np.median(found["loss"][good])) if np.any(good) else None,
                    "lower_loss_than_plain": _lower(name, task, optimizer, quick),
                    "diverged": int(np.sum(~good)),
                    "networks": int(good.size),
                }
            )
    return rows


def _lower(name: str, task: str, optimizer: str, quick: bool) -> int:
    """Return in how many starts the fix ends with a lower loss than plain ReLU; divergence is the worst
    loss."""
    entries = row("none", task, optimizer, quick), row(name, task, optimizer, quick)
    losses = [np.where(entry["good"], entry["loss"], np.inf) for entry in entries]
    return int(np.sum(losses[1] < losses[0]))


def told(rows: list[dict[str, Any]]) -> str:
    """Return a table as prose."""
    parts = []
    for r in rows:
        if r["median_loss"] is None:
            parts.append(f"{r['fix']}: all {r['diverged']} diverged")
            continue
        off = "" if _mean(r["off"]) == _mean(r["dead"]) else f" ({_mean(r['off'])} off)"
        bad = f", {r['diverged']} diverged" if r["diverged"] else ""
        parts.append(f"{r['fix']} {_mean(r['dead'])}{off}, {r['median_loss']:.1e}{bad}")
    step = len(rows) // len(CASES)
    groups = [parts[i : i + step] for i in range(0, len(parts), step)]
    return ". ".join(
        f"{task.capitalize()}, {runs.NAMES[optimizer]}: {'; '.join(group)}"
        for (task, optimizer), group in zip(CASES, groups, strict=True)
    )


def _largest(values: Iterable[float]) -> float:
    """Return the largest of the shares, whether or not some networks diverged."""
    return float(np.nanmax(list(values)))


def _mean(entry: dict[str, float]) -> str:
    return str(Mean(entry["value"], entry["error"]))


def setting(quick: bool) -> str:
    """Return the sentence on what the tables show."""
    count = row("none", "teacher", "adam", quick)["good"].size
    return (
        f"Share of dead units at the end and median loss, {runs.FIX_DEPTH} layers of {runs.WIDTH}, {count} starts, "
        f"GD {runs.FIX_RATES['gd']:g}, Adam {runs.FIX_RATES['adam']:g}: "
    )


def compared(name: str, quick: bool) -> tuple[Any, str, list[dict[str, Any]]]:
    """Return verdict, prose and table of a fix that should make fewer units die."""
    gains = [saved(name, task, optimizer, quick) for task, optimizer in CASES]
    sure = [gain.value > 2.0 * gain.error for gain in gains]
    rows = table((name,), quick)
    verdict = "reproduced" if all(sure) else "conditional" if any(sure) else "refuted"
    lower = ", ".join(
        f"{r['lower_loss_than_plain']} of {r['networks']}"
        for r in rows
        if r["fix"] != runs.FIXES["none"].label
    )
    prose = (
        f"Fewer units are dead at the end in {sum(sure)} of {len(sure)} cases, by more than two standard errors of the difference from the "
        f"same starts. {setting(quick)}{told(rows)}. The loss is lower than that of plain ReLU from {lower} starts."
    )
    return verdict, prose, rows


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
        off += int(np.sum(quiet))
        none += int(np.sum(quiet & zero))
    return none, off


def leaky(quick: bool) -> Finding:
    """Look for dead units and for vanished gradients with leaky ReLU."""
    rows = table(("leaky",), quick)
    dead = _largest(r["dead"]["value"] for r in rows if r["fix"] == runs.FIXES["leaky"].label)
    none, off = zero_gradients("leaky", quick)
    plain_none, plain_off = zero_gradients("none", quick)
    holds = dead == 0.0 and none == 0
    return Finding(
        "open" if not plain_off else "reproduced" if holds else "refuted",
        f"With slope 0.01 the largest share of units that are 0 on every input is {dead:.1%}, and of the {off} units that are off at the end of training (Adam, "
        f"teacher) {none} have a gradient of exactly 0, against {plain_none} of {plain_off} with ReLU. Units still go off, that is negative on every "
        f"input; they pass on a line. {setting(quick)}{told(rows)}.",
        evidence(
            {
                "off": off,
                "off_without_gradient": none,
                "relu_off": plain_off,
                "relu_off_without_gradient": plain_none,
                "cases": rows,
            }
        ),
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
    dead = _largest(r["dead"]["value"] for r in rows if r["fix"] != runs.FIXES["none"].label)
    none = {name: zero_gradients(name, quick) for name in ("gelu", "silu")}
    works = dead == 0.0 and not any(count for count, _ in none.values())
    return Finding(
        # That the gradient vanishes somewhere is calculus: both are 0 at 0 and at −∞ and negative between.
        "conditional" if works else "refuted",
        "Not everywhere: each is negative between its zeros at −∞ and 0, so it has a minimum, where its gradient is exactly 0, "
        + " and ".join(
            f"{name.upper() if name == 'gelu' else 'SiLU'} at z = {z:.6f}" for name, z in zeros.items()
        )
        + f"; below it the gradient is negative and dies out, GELU's at z = −50 to {underflow['gelu']:g} in float64, SiLU's to {underflow['silu']:.1e}. "
        f"{'No unit is stuck on the whole data set by that' if works else 'Units are stuck on the whole data set'}: the largest share of units that are 0 on every input is {dead:.1%}, and of the units that "
        f"are off at the end (Adam, teacher) {none['gelu'][0]} of {none['gelu'][1]} (GELU) and {none['silu'][0]} of {none['silu'][1]} (SiLU) have a gradient of exactly 0. "
        f"{setting(quick)}{told(rows)}.",
        evidence(
            {
                "gradient_is_zero_at": zeros,
                "gradient_at_minus_50": underflow,
                "off_without_gradient": none,
                "cases": rows,
            }
        ),
    )


def he(quick: bool) -> Finding:
    """Compare He's initialisation with half and twice its variance, and with torch's default."""
    others = ("half", "double", "torch")
    scale = {name: growth(runs.FIXES[name].scheme, 20 if quick else 100) for name in ("none", *others)}
    in_range = abs(np.log(scale["none"])) < min(abs(np.log(scale[name])) for name in others)
    fewer = {}
    for name in others:
        gains = [saved(name, task, optimizer, quick) for task, optimizer in CASES]
        # Positive: more dead units without He's variance.
        fewer[runs.FIXES[name].label] = [bool(-gain.value > 2.0 * gain.error) for gain in gains]
    rows = table(others, quick)
    same = np.array_equal(
        row("none", "teacher", "adam", quick)["dead_at_birth"],
        row("half", "teacher", "adam", quick)["dead_at_birth"],
    )
    wins = sum(sum(entry) for entry in fewer.values())
    cases = len(others) * len(CASES)
    return Finding(
        "reproduced" if in_range and wins == cases else "conditional" if in_range or wins else "refuted",
        f"Over {runs.FIX_DEPTH} layers the root mean square of the activations is multiplied by {scale['none']:.2f} with He's variance, by "
        + ", ".join(f"{scale[n]:.2g} with {runs.FIXES[n].label}" for n in others)
        + f" (geometric mean). But the number of units that are dead at birth {'does not depend' if same else 'depends'} on the scale if biases are 0: "
        f"scaling changes no sign. At the end He has fewer dead units in {wins} of {cases} comparisons (two standard errors): "
        + ", ".join(f"{sum(entry)} of {len(entry)} against {label}" for label, entry in fewer.items())
        + f". {setting(quick)}{told(rows)}.",
        evidence(
            {
                "growth_of_activations": scale,
                "fewer_dead_with_he": fewer,
                "same_at_birth": bool(same),
                "cases": rows,
            }
        ),
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


def low_rate(quick: bool) -> Finding:
    """Compare a tenth of the rate with the rate, at the same number of steps and at the same rate times
    steps."""
    verdict, prose, rows = compared("low", quick)
    gains = [sooner("low", task, optimizer, quick) for task, optimizer in CASES]
    sure = [gain.value > 2.0 * gain.error for gain in gains]
    same: Verdict = "reproduced" if all(sure) else "conditional" if any(sure) else "refuted"
    told = ", ".join(
        f"{100.0 * gain.value:+.1f} ± {100.0 * gain.error:.1f} points ({task}, {runs.NAMES[optimizer]})"
        for gain, (task, optimizer) in zip(gains, CASES, strict=True)
    )
    return Finding(
        verdict if verdict == same else "conditional",
        f"At the same rate times steps, where the small rate has come as far as the large one had after a tenth of its steps, it has fewer dead units in {sum(sure)} of {len(sure)} cases; "
        f"it saves {told}. At the same number of steps: {prose[0].lower()}{prose[1:]}",
        evidence({"cases": rows, "saved_at_the_same_rate_times_steps": gains}),
    )


def sooner(name: str, task: str, optimizer: str, quick: bool) -> Mean:
    """Return what a fix that lowers the rate saves at its end against no fix at the same rate times steps."""
    plain, fix = runs.fixed("none", optimizer, quick, task), runs.fixed(name, optimizer, quick, task)
    at = round(runs.FIXES[name].factor * (plain.share.shape[0] - 1))
    return mean(plain.share[at, 0] - fix.share[-1, 0])


def warm_up(quick: bool) -> Finding:
    """Compare a linear warm-up over the first quarter with a constant rate."""
    verdict, prose, rows = compared("warm", quick)
    return Finding(
        verdict, "Linear warm-up over the first quarter of the steps. " + prose, evidence({"cases": rows})
    )


def batch_norm(quick: bool) -> Finding:
    """Compare full-batch normalisation before φ with none."""
    verdict, prose, rows = compared("norm", quick)
    dead = [r["dead"] for r in rows if r["fix"] == runs.FIXES["norm"].label]
    never = all(entry["value"] == 0.0 for entry in dead)
    return Finding(
        verdict,
        "Normalised values have mean 0, so with shift 0 and any gain ≠ 0 a unit that varies is on for some input; only shift and gain can kill it, "
        f"and {'none dies here' if never else 'some do'}. {prose}",
        evidence({"cases": rows}),
    )


CLAIMS = (
    Claim(
        "depth.leaky",
        runs.SOURCE,
        "Leaky ReLU: a small negative slope (0.01x for x < 0) ensures the gradient is never exactly zero.",
        leaky,
    ),
    Claim(
        "depth.smooth",
        runs.SOURCE,
        "GELU / SiLU: smooth approximation to ReLU with non-zero gradient everywhere.",
        smooth,
    ),
    Claim(
        "depth.he",
        runs.SOURCE,
        "Proper initialisation: He initialisation keeps activations in a good range at the start of training.",
        he,
    ),
    Claim(
        "depth.low-rate",
        runs.SOURCE,
        "Lower learning rate: prevents the large early updates that push neurons into permanently negative territory.",
        low_rate,
    ),
    Claim(
        "depth.warm-up",
        runs.SOURCE,
        "Warm-up: prevents the large early updates that push neurons into permanently negative territory.",
        warm_up,
    ),
    Claim(
        "depth.batch-norm",
        runs.SOURCE,
        "Batch normalisation: re-centres activations, making it harder for an entire neuron to be stuck negative.",
        batch_norm,
    ),
)
