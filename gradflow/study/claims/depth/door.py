"""Is death a one-way door? What a dead unit's gradient is, and what brings units back all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from gradflow.networks.deep import (
    Network,
    dead_units,
    forward,
    initial,
    loss_and_gradient,
    teacher_task,
    unpack,
    zero_share,
)
from gradflow.networks.deep.measure import by_layer
from gradflow.study.claims.depth import runs
from gradflow.study.claims.depth.runs import Mean, evidence, mean
from gradflow.study.claims.ledger import Claim, Finding, Verdict, weakest

CLOSE_ENOUGH = 0.05
"""Up to which difference two shares count as the same."""

THEOREM = (
    "in the first hidden layer, whose inputs are the data, under plain GD, where it is a theorem (derivation 12, part 2: "
    "no gradient, no step, and inputs that stay)"
)


def one_way_door(quick: bool) -> Finding:
    """Look for gradients of dead units, and for units that come back under GD, by layer."""
    wrong, looked = dead_gradients(quick)
    first, deeper = changes(quick)
    verdict: Verdict
    if wrong or first["revivals"] or not (looked and first["deaths"] and deeper["deaths"]):
        verdict = "open"
    else:
        verdict = "conditional" if deeper["revivals"] else "reproduced"
    return Finding(
        verdict,
        f"Holds {THEOREM}: of {first['deaths']} deaths there {first['revivals']} were undone. In the deeper layers {deeper['revivals']} revivals "
        f"follow {deeper['deaths']} deaths and what was dead at birth: zero gradient means zero update, but the inputs of the unit move while the layers before it train. Counted at "
        f"every step over depths {_listed(runs.depths(quick))} and rates {_listed(runs.sweep(2, 'gd', quick).rates)} of plain GD (ReLU teacher and digits), networks that diverge left out. "
        f"The gradient itself, for the weights and bias of a dead ReLU unit and for its outgoing weights, is exactly 0 for all but {wrong} of {looked} dead units at birth."
        + (" The numbers contradict the theorem." if wrong or first["revivals"] else ""),
        evidence({"dead_units": looked, "with_a_gradient": wrong, "first_layer": first, "deeper": deeper}),
    )


def changes(quick: bool) -> tuple[dict[str, int], dict[str, int]]:
    """Return deaths and revivals under GD in the first layer and in the deeper ones."""
    groups = ({"deaths": 0, "revivals": 0}, {"deaths": 0, "revivals": 0})
    for depth in runs.depths(quick):
        for task in ("teacher", "digits"):
            if task == "teacher" or depth in (2, 8):
                cells = runs.sweep(depth, "gd", quick, task=task)
                for name in groups[0]:
                    counts = cells.data[name].values[-1][:, np.ravel(cells.good)].sum(axis=-1)
                    groups[0][name] += int(counts[0])
                    groups[1][name] += int(np.sum(counts[1:]))
    return groups


def dead_gradients(quick: bool) -> tuple[int, int]:
    """Return how many units that are dead at birth have a gradient that is not 0, and how many are dead."""
    network = Network(1, (runs.WIDTH,) * 8)
    task = teacher_task(32)
    theta = initial(network, 10 if quick else 50)
    found = loss_and_gradient(network, theta, task.x, task.y)
    gradient = unpack(network, found.gradient)
    wrong = looked = 0
    for i, layer in enumerate(found.passed.layers):
        dead = np.all(layer.z <= 0.0, axis=-1)
        into = np.any(gradient[i]["weight"] != 0.0, axis=-1) | (gradient[i]["bias"] != 0.0)
        out = np.any(gradient[i + 1]["weight"] != 0.0, axis=-2)
        looked += int(np.sum(dead))
        wrong += int(np.sum(dead & (into | out)))
    return wrong, looked


def never_recover(quick: bool) -> Finding:
    """Count units that come back, by layer and optimiser."""
    counts = {name: _counted(runs.close(name, quick)) for name in runs.CLOSE}
    plain = [count["first_layer"] for name, count in counts.items() if name.startswith("GD")]
    off, first = (sum(count[key] for count in plain) for key in ("off", "revivals"))
    elsewhere = sum(count["deeper"]["revivals"] for count in counts.values())
    moved = {name: count["first_layer"] for name, count in counts.items() if not name.startswith("GD")}
    elsewhere += sum(count["revivals"] for count in moved.values())
    dead = sum(count["deeper"]["off"] for count in counts.values())
    verdict: Verdict = "open" if first or not (off and dead) else "conditional" if elsewhere else "reproduced"
    told = "; ".join(f"{name} {_told(count['deeper'])}" for name, count in counts.items())
    return Finding(
        verdict,
        f"Holds {THEOREM}: of {off} units that were dead there at some step {first} came back"
        + (", against the theorem. " if first else ". ")
        + "In deeper layers what enters a unit changes while the layers before it train, so a dead unit can come back although its own weights stand still: of the units that were dead at "
        f"some step in layers 2 to 4, were alive again later: {told} (four layers, {runs.WIDTH} units each, He, ReLU teacher). "
        f"In the first layer left-over momentum and decay brought back {_listed(f'{_told(n)} with {name}' for name, n in moved.items())}.",
        evidence({"by_optimizer": counts}),
    )


def _counted(run: xr.Dataset) -> dict[str, Any]:
    """Return how many units were off at some step, and how many of them alive again at a later one."""
    off = run["reach"].values <= 0.0
    returned = np.any(off[:-1] & ~off[1:], axis=0)
    ever = np.any(off, axis=0)
    first = run["unit_layer"].values == 1
    return {
        name: {
            "off": int(np.sum(ever[chosen])),
            "came_back": int(np.sum(returned[chosen])),
            "revivals": int(np.sum((off[:-1] & ~off[1:])[:, chosen])),
        }
        for name, chosen in (("first_layer", first), ("deeper", ~first))
    }


def _told(count: dict[str, int]) -> str:
    return f"{count['came_back']} of {count['off']}"


def comes_down(quick: bool) -> Finding:
    """Follow each network's fraction of dead units, and see whether it ever falls after it has climbed."""
    total = fell = ended_lower = networks = first_climbed = first_fell = 0
    falls: list[float] = []
    for depth in runs.depths(quick):
        for optimizer in runs.RATES:
            cells = runs.sweep(depth, optimizer, quick)
            share = cells.share.reshape(cells.share.shape[0], -1)[:, np.ravel(cells.good)]
            climbed, drop = climbs(share)
            networks += share.shape[1]
            total += int(np.sum(climbed))
            fell += int(np.sum(drop > 0))
            falls += drop[drop > 0].tolist()
            ended_lower += int(np.sum(share[-1] < share[0]))
            if optimizer == "gd":
                climbed, drop = climbs(cells.data["off"].values[:, 0][:, np.ravel(cells.good)])
                first_climbed += int(np.sum(climbed))
                first_fell += int(np.sum(drop > 0))
    typical = float(np.median(falls)) if falls else 0.0
    verdict: Verdict = (
        "open" if first_fell or not (total and first_climbed) else "conditional" if fell else "reproduced"
    )
    return Finding(
        verdict,
        f"Holds {THEOREM}: of {first_climbed} networks in whose first layer it climbed under GD it fell later in {first_fell}"
        + (", against the theorem. " if first_fell else ". ")
        + f"Over all layers it does not: of {total} networks whose share of dead units was above its value at birth at some record (depths {_listed(runs.depths(quick))}, GD and Adam, "
        f"all rates, ReLU teacher), {fell} had a lower share at some later record, by {typical:.1%} of all units in the median; "
        f"{ended_lower} of all {networks} networks that do not diverge ended with fewer dead units than at birth.",
        evidence(
            {
                "networks": networks,
                "networks_that_climbed": total,
                "fell_later": fell,
                "median_fall": typical,
                "ended_below_birth": ended_lower,
                "first_layer_climbed_under_gd": first_climbed,
                "first_layer_fell_under_gd": first_fell,
            }
        ),
    )


def climbs(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which columns rise above their first value, and by how much each falls below a peak it has
    climbed to."""
    peak = np.maximum.accumulate(share, axis=0)
    risen = peak > share[0]
    return np.any(risen, axis=0), np.max((peak - share) * risen, axis=0)


def norms_stop(quick: bool) -> Finding:
    """Compare the norms of units that stay dead over a step."""
    rows: dict[str, dict[str, Any]] = {}
    for name in runs.CLOSE:
        run = runs.close(name, quick)
        off = run["reach"].values <= 0.0
        still = off[:-1] & off[1:]
        change = np.diff(run["incoming"].values, axis=0)[still]
        out = np.diff(run["outgoing"].values, axis=0)[still]
        rows[name] = {
            "unit_steps": int(still.sum()),
            "incoming_unchanged": float(np.mean(change == 0.0)) if change.size else float("nan"),
            "outgoing_unchanged": float(np.mean(out == 0.0)) if out.size else float("nan"),
            "incoming_shrinks": float(np.mean(change < 0.0)) if change.size else float("nan"),
        }
    seen = {name: row for name, row in rows.items() if row["unit_steps"]}
    plain = [row["incoming_unchanged"] for name, row in seen.items() if name.startswith("GD")]
    always = all(row["incoming_unchanged"] == 1.0 for row in seen.values())
    told = "; ".join(
        f"{name} {row['incoming_unchanged']:.1%} ({row['outgoing_unchanged']:.1%})"
        if row["unit_steps"]
        else f"{name} (no unit stays dead)"
        for name, row in rows.items()
    )
    theorem = all(share == 1.0 for share in plain)
    verdict: Verdict = "open" if not (plain and theorem) else "reproduced" if always else "conditional"
    return Finding(
        verdict,
        f"{'Exactly so under plain GD, where no gradient means no step (derivation 12, part 2)' if theorem else 'Not even under plain GD, against derivation 12'}{'' if always else ', not under every optimiser'}. Share of steps from dead to dead in which the norm of the incoming "
        f"weights with the bias (in brackets: of the outgoing weights) stays the same to the bit: {told}. Left-over momentum goes on moving a unit "
        "that has lived, more slowly at each step (one that was born dead has none), and decoupled decay shrinks every dead unit"
        + (
            f": with AdamW the norm falls in {rows['AdamW']['incoming_shrinks']:.1%} of these steps."
            if rows["AdamW"]["unit_steps"]
            else "."
        ),
        evidence({"by_optimizer": rows}),
    )


def statistic(quick: bool) -> Finding:
    """Follow ``(activations == 0).float().mean()`` and the share of dead units from birth to the end."""
    at_birth, at_end = followed(quick)
    zeros, dead = at_birth["zeros"].mean(axis=0), at_birth["dead"].mean(axis=0)
    apart = float(np.max(np.abs(zeros - dead)))
    rows: dict[str, dict[str, Mean]] = {
        name: {key: mean(np.mean(end[key] - at_birth[key], axis=1)) for key in ("zeros", "dead")}
        for name, end in at_end.items()
    }
    sides = {name: (_side(row["zeros"]), _side(row["dead"])) for name, row in rows.items()}
    grows = [name for name, (_, side) in sides.items() if side > 0]
    against = [name for name, (of_zeros, of_dead) in sides.items() if of_zeros * of_dead < 0]
    growing: Verdict = "reproduced" if len(grows) == len(sides) else "conditional" if grows else "refuted"
    counting: Verdict = (
        "reproduced"
        if apart <= CLOSE_ENOUGH
        # Few short runs do not show that it never does.
        else "refuted"
        if against
        else "open"
        if quick
        else "conditional"
    )
    return Finding(
        weakest(growing, counting),
        f"The fraction of dead units grows in training, by more than two standard errors, in {len(grows)} of {len(rows)} settings ({_listed(grows) or 'none'}). "
        f"The statistic counts zeros, not units: at birth it is {_listed(f'{z:.1%}' for z in zeros)} in layers 1 to 4 while "
        f"{_listed(f'{d:.1%}' for d in dead)} of the units are dead (up to {100 * apart:.0f} points apart), as a unit that is on for half of the inputs contributes one half; and "
        + (
            f"it moves the other way than the fraction under {_listed(against)}. "
            if against
            else "it was not seen to move the other way than the fraction. "
        )
        + "From birth to the end the fraction and the statistic change by "
        + "; ".join(
            f"{name} {_points(row['dead'])} and {_points(row['zeros'])}" for name, row in rows.items()
        )
        + f" points (ReLU teacher, four layers of {runs.WIDTH}, He). "
        "The share of dead units is (activations == 0).all(over inputs).float().mean(), over all the data: over a batch it is an "
        "upper estimate.",
        evidence(
            {
                "share_of_zeros": zeros.tolist(),
                "share_of_dead_units": dead.tolist(),
                "largest_difference": apart,
                "changes": rows,
            }
        ),
    )


def followed(quick: bool) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """Return shares of zeros and of dead units, axes network and layer: at birth, and at the end by
    optimiser.

    Networks that diverge end with NaN.
    """
    network, task = Network(1, (runs.WIDTH,) * 4), runs.task_named("teacher")

    def measured(theta: np.ndarray) -> dict[str, np.ndarray]:
        passed = forward(network, theta, task.x)
        dead = by_layer(network, dead_units(passed)) / runs.WIDTH
        return {"zeros": np.asarray(zero_share(passed)), "dead": np.asarray(dead)}

    ends = {}
    for name in runs.CLOSE:
        run = runs.close(name, quick)
        good = run["diverged"].values[:, None] == 0
        shares = measured(run["final"].values)
        ends[name] = {key: np.where(good, values, np.nan) for key, values in shares.items()}
    return measured(initial(network, run.sizes["network"])), ends


def _side(change: Mean) -> int:
    """Return 1 if a mean is above 0 by more than two standard errors, −1 if below, else 0."""
    return int(change.value > 2.0 * change.error) - int(-change.value > 2.0 * change.error)


def _points(change: Mean) -> str:
    if np.isnan(change.value):
        return str(change)
    return f"{100.0 * change.value:+.1f} ± {100.0 * change.error:.1f}"


def _listed(values: Any) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


CLAIMS = (
    Claim(
        "depth.one-way-door",
        runs.SOURCE,
        "If Wx + b < 0 for every input in the training set, the gradient is zero for every training example; zero gradient "
        "means zero weight update, which means the neuron stays dead permanently.",
        one_way_door,
    ),
    Claim(
        "depth.never-recovers",
        runs.SOURCE,
        "Once dead, a ReLU neuron produces zero gradient and can never recover: it is removed from the network forever.",
        never_recover,
    ),
    Claim(
        "depth.comes-down",
        runs.SOURCE,
        "Once the fraction starts climbing, it doesn't come back down.",
        comes_down,
    ),
    Claim(
        "depth.norms-stop",
        runs.SOURCE,
        "Weight norms for dead neurons stop changing entirely (zero gradient = zero update).",
        norms_stop,
    ),
    Claim(
        "depth.statistic",
        runs.SOURCE,
        "A growing fraction of neurons output exactly 0.0 for every input in a batch: track (activations == 0).float().mean() per layer.",
        statistic,
    ),
)
