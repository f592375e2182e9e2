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
from gradflow.study.claims.depth.runs import Mean, mean
from gradflow.study.claims.evidence import count, share
from gradflow.study.claims.ledger import Finding, by_rule, throughout, weakest
from gradflow.study.claims.words import each, finding

CLOSE_ENOUGH = 0.05
"""Up to which difference two shares count as the same."""

THEOREM = "in the first hidden layer, whose inputs are the data, under plain GD, where it is a theorem (derivation 12, part 2: no gradient, no step, and inputs that stay)"


def one_way_door(quick: bool) -> Finding:
    """Look for gradients of dead units, and for units that come back under GD, by layer."""
    wrong, looked = dead_gradients(quick)
    first, deeper = changes(quick)
    against = wrong or first["revivals"]
    return finding(
        by_rule(
            open=against or not (looked and first["deaths"] and deeper["deaths"]),
            conditional=deeper["revivals"],
        ),
        f"Holds {THEOREM}: of {{first_layer[deaths]}} deaths there {{first_layer[revivals]}} were undone. In the deeper layers {{deeper[revivals]}} revivals follow {{deeper[deaths]}} deaths and "
        "what was dead at birth: zero gradient means zero update, but the inputs of the unit move while the layers before it train. Counted at every step over depths {depths} and rates {rates} of "
        "plain GD (ReLU teacher and digits), networks that diverge left out. The gradient itself, for the weights and bias of a dead ReLU unit and for its outgoing weights, is exactly 0 for all but "
        "{with_a_gradient} of {dead_units} dead units at birth.{against}",
        {"dead_units": looked, "with_a_gradient": wrong, "first_layer": first, "deeper": deeper},
        depths=each("{0}", runs.depths(quick)),
        rates=each("{0:g}", runs.sweep(2, "gd", quick).rates),
        against=" The numbers contradict the theorem." if against else "",
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
    plain = [entry["first_layer"] for name, entry in counts.items() if name.startswith("GD")]
    moved = {name: entry["first_layer"] for name, entry in counts.items() if not name.startswith("GD")}
    deeper = {name: entry["deeper"] for name, entry in counts.items()}
    off, first = (sum(entry[key] for entry in plain) for key in ("off", "revivals"))
    elsewhere = any(entry["revivals"] for entry in (*deeper.values(), *moved.values()))
    dead = any(entry["off"] for entry in deeper.values())
    return finding(
        by_rule(open=first or not (off and dead), conditional=elsewhere),
        f"Holds {THEOREM}: of {off} units that were dead there at some step {first} came back{{against}}. In deeper layers what enters a unit changes while the layers before it train, so a dead unit can come back "
        "although its own weights stand still: of the units that were dead at some step in layers 2 to 4, were alive again later: {deeper} "
        f"(four layers, {runs.WIDTH} units each, He, ReLU teacher). In the first layer left-over momentum and decay brought back {{moved}}.",
        {"by_optimizer": counts},
        against=", against the theorem" if first else "",
        deeper=each("{label} {came_back} of {off}", deeper, "; "),
        moved=each("{came_back} of {off} with {label}", moved),
    )


def _counted(run: xr.Dataset) -> dict[str, Any]:
    """Return how many units were off at some step, and how many of them alive again at a later one."""
    off = run["reach"].values <= 0.0
    back = off[:-1] & ~off[1:]
    first = run["unit_layer"].values == 1
    return {
        name: {
            "off": count(np.any(off, axis=0)[chosen]),
            "came_back": count(np.any(back, axis=0)[chosen]),
            "revivals": count(back[:, chosen]),
        }
        for name, chosen in (("first_layer", first), ("deeper", ~first))
    }


def comes_down(quick: bool) -> Finding:
    """Follow each network's fraction of dead units, and see whether it ever falls after it has climbed."""
    ended_lower = networks = 0
    total: list[tuple[np.ndarray, np.ndarray]] = []
    first: list[tuple[np.ndarray, np.ndarray]] = []
    for optimizer, _, cells in runs.sweeps(quick):
        good = np.ravel(cells.good)
        dead = cells.share.reshape(cells.share.shape[0], -1)[:, good]
        total.append(climbs(dead))
        networks += dead.shape[1]
        ended_lower += count(dead[-1] < dead[0])
        if optimizer == "gd":
            first.append(climbs(cells.data["off"].values[:, 0][:, good]))
    (climbed, drops), (first_climbed, first_drops) = (
        (np.concatenate(part) for part in zip(*group, strict=True)) for group in (total, first)
    )
    falls = drops[drops > 0]
    first_fell = count(first_drops > 0)
    return finding(
        by_rule(open=first_fell or not (np.any(climbed) and np.any(first_climbed)), conditional=falls.size),
        f"Holds {THEOREM}: of {{first_layer_climbed_under_gd}} networks in whose first layer it climbed under GD it fell later in {{first_layer_fell_under_gd}}{{against}}. Over all layers it does not: of "
        "{networks_that_climbed} networks whose share of dead units was above its value at birth at some record (depths {depths}, GD and Adam, all rates, ReLU teacher), {fell_later} had a lower share at some later record, by "
        "{median_fall:.1%} of all units in the median; {ended_below_birth} of all {networks} networks that do not diverge ended with fewer dead units than at birth.",
        {
            "networks": networks,
            "networks_that_climbed": count(climbed),
            "fell_later": int(falls.size),
            "median_fall": float(np.median(falls)) if falls.size else 0.0,
            "ended_below_birth": ended_lower,
            "first_layer_climbed_under_gd": count(first_climbed),
            "first_layer_fell_under_gd": first_fell,
        },
        against=", against the theorem" if first_fell else "",
        depths=each("{0}", runs.depths(quick)),
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
        change, out = (np.diff(run[norm].values, axis=0)[still] for norm in ("incoming", "outgoing"))
        rows[name] = {"unit_steps": count(still)}
        if change.size:
            rows[name] |= {
                "incoming_unchanged": share(change == 0.0),
                "outgoing_unchanged": share(out == 0.0),
                "incoming_shrinks": share(change < 0.0),
            }
    seen = {name: row for name, row in rows.items() if row["unit_steps"]}
    plain = [row["incoming_unchanged"] for name, row in seen.items() if name.startswith("GD")]
    always = all(row["incoming_unchanged"] == 1.0 for row in seen.values())
    theorem = all(part == 1.0 for part in plain)
    told = {
        name: f"{row['incoming_unchanged']:.1%} ({row['outgoing_unchanged']:.1%})"
        if name in seen
        else "(no unit stays dead)"
        for name, row in rows.items()
    }
    return finding(
        by_rule(open=not (plain and theorem), conditional=not always),
        "{begin}{but}. Share of steps from dead to dead in which the norm of the incoming weights with the bias (in brackets: of the outgoing weights) stays the same to the bit: {told}. Left-over momentum goes on moving a unit "
        "that has lived, more slowly at each step (one that was born dead has none), and decoupled decay shrinks every dead unit{adamw}.",
        {"by_optimizer": rows},
        begin="Exactly so under plain GD, where no gradient means no step (derivation 12, part 2)"
        if theorem
        else "Not even under plain GD, against derivation 12",
        but="" if always else ", not under every optimiser",
        told=each("{label} {0}", told, "; "),
        adamw=f": with AdamW the norm falls in {rows['AdamW']['incoming_shrinks']:.1%} of these steps"
        if "AdamW" in seen
        else "",
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
    counting = by_rule(reproduced=apart <= CLOSE_ENOUGH, refuted=against, conditional=True)
    return finding(
        weakest(throughout(side > 0 for _, side in sides.values()), counting),
        f"The fraction of dead units grows in training, by more than two standard errors, in {len(grows)} of {len(rows)} settings ({', '.join(grows) or 'none'}). The statistic counts zeros, not units: at birth it is "
        f"{{zeros}} in layers 1 to 4 while {{dead}} of the units are dead (up to {100 * apart:.0f} points apart), as a unit that is on for half of the inputs contributes one half; and {{against}}. From birth to the end "
        f"the fraction and the statistic change by {{changed}} points (ReLU teacher, four layers of {runs.WIDTH}, He). The share of dead units is (activations == 0).all(over inputs).float().mean(), over all the data: over a "
        "batch it is an upper estimate.",
        {"share_of_zeros": zeros, "share_of_dead_units": dead, "largest_difference": apart, "changes": rows},
        zeros=each("{0:.1%}", zeros),
        dead=each("{0:.1%}", dead),
        against=f"it moves the other way than the fraction under {', '.join(against)}"
        if against
        else "it was not seen to move the other way than the fraction",
        changed=each("{label} {dead.points} and {zeros.points}", rows, "; "),
    )


def followed(quick: bool) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """Return shares of zeros and of dead units, axes network and layer: at birth, and at the end by
    optimiser.

    Networks that diverge end with NaN. Quick or not, the runs are the same: their ends cost little.
    """
    network, task = Network(1, (runs.WIDTH,) * 4), runs.task_named("teacher")

    def measured(theta: np.ndarray) -> dict[str, np.ndarray]:
        passed = forward(network, theta, task.x)
        dead = by_layer(network, dead_units(passed)) / runs.WIDTH
        return {"zeros": np.asarray(zero_share(passed)), "dead": np.asarray(dead)}

    ends = {}
    for name in runs.CLOSE:
        run = runs.ended(name) if quick else runs.close(name, False)
        good = run["diverged"].values[:, None] == 0
        shares = measured(run["final"].values)
        ends[name] = {key: np.where(good, values, np.nan) for key, values in shares.items()}
    return measured(initial(network, run.sizes["network"])), ends


def _side(change: Mean) -> int:
    """Return 1 if a mean is above 0 by more than two standard errors, −1 if below, else 0."""
    return int(change.sure) - int(change._replace(value=-change.value).sure)
