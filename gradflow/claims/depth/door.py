"""Is death a one-way door? What a dead unit's gradient is, and what brings units back all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from gradflow.claims.depth import runs
from gradflow.claims.depth.runs import evidence
from gradflow.claims.ledger import Claim, Finding, Verdict
from gradflow.depth import Network, dead_units, initial, loss_and_gradient, teacher_task, unpack, zero_share
from gradflow.depth.measure import by_layer


def one_way_door(quick: bool) -> Finding:
    """Look for gradients of dead units, and for first-layer units that come back under GD."""
    wrong, looked = dead_gradients(quick)
    deaths = revivals = 0
    for depth in runs.depths(quick):
        for task in ("teacher", "digits"):
            if task == "teacher" or depth in (2, 8):
                last = runs.sweep(depth, "gd", quick, task=task).data.isel(step=-1, layer=0)
                deaths += int(last["deaths"].sum())
                revivals += int(last["revivals"].sum())
    holds = wrong == 0 and revivals == 0
    return Finding(
        "open" if not (looked and deaths) else "reproduced" if holds else "refuted",
        f"The gradient for the weights and bias of a dead ReLU unit, and for its outgoing weights, is exactly 0 for all but {wrong} of "
        f"{looked} dead units at birth. Where the inputs are the data, in the first hidden layer, and the optimiser is plain GD, the door "
        f"{'is' if not revivals else 'should be'} one-way: of {deaths} deaths there, counted at every step over depths {_listed(runs.depths(quick))} and rates "
        f"{_listed(runs.sweep(2, 'gd', quick).rates)} (ReLU teacher and digits), {revivals} were undone.",
        evidence(
            {
                "dead_units": looked,
                "with_a_gradient": wrong,
                "first_layer_deaths": deaths,
                "first_layer_revivals": revivals,
            }
        ),
    )


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
    first = counts["GD"]["first_layer"]["revivals"] + counts["GD, rate / 10"]["first_layer"]["revivals"]
    deeper = sum(count["deeper"]["revivals"] for count in counts.values())
    moved = {name: count["first_layer"]["revivals"] for name, count in counts.items() if "GD" not in name}
    verdict: Verdict = (
        "open" if not any(count["deeper"]["off"] for count in counts.values()) else "reproduced"
    )
    if deeper or sum(moved.values()):
        verdict = "refuted" if first else "conditional"
    told = "; ".join(f"{name} {_told(count['deeper'])}" for name, count in counts.items())
    return Finding(
        verdict,
        f"{'Only' if not first else 'Not even'} for the first hidden layer under plain GD, where {first} units came back. In deeper layers what enters a unit changes while "
        "the layers before it train, so a dead unit can come back although its own weights stand still: of the units that were dead at "
        f"some step in layers 2 to 4, were alive again later: {told} (four layers, {runs.WIDTH} units each, He, ReLU teacher). "
        f"In the first layer the momentum left over brought back {_listed(f'{n} with {name}' for name, n in moved.items())}.",
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
    total = fell = ended_lower = networks = 0
    falls: list[float] = []
    first_fell = 0
    for depth in runs.depths(quick):
        for optimizer in runs.RATES:
            cells = runs.sweep(depth, optimizer, quick)
            share = cells.share.reshape(cells.share.shape[0], -1)
            climbed = np.maximum.accumulate(share, axis=0) > share[0]
            drop = np.max((np.maximum.accumulate(share, axis=0) - share) * climbed, axis=0)
            networks += share.shape[1]
            total += int(np.sum(np.any(climbed, axis=0)))
            fell += int(np.sum(drop > 0))
            falls += drop[drop > 0].tolist()
            ended_lower += int(np.sum(share[-1] < share[0]))
            if optimizer == "gd":
                layer = cells.data["off"].values[:, 0]
                first_fell += int(np.sum(np.any(np.diff(layer, axis=0) < 0, axis=0)))
    typical = float(np.median(falls)) if falls else 0.0
    return Finding(
        "open" if not total else "refuted" if fell else "reproduced",
        f"Of {total} networks whose share of dead units was above its value at birth at some record (depths {_listed(runs.depths(quick))}, GD and Adam, "
        f"all rates, ReLU teacher), {fell} had a lower share at some later record, by {typical:.1%} of all units in the median; "
        f"{ended_lower} of all {networks} networks ended with fewer dead units than at birth. In the first layer under GD it "
        f"fell in {first_fell} networks.",
        evidence(
            {
                "networks": networks,
                "networks_that_climbed": total,
                "fell_later": fell,
                "median_fall": typical,
                "ended_below_birth": ended_lower,
                "first_layer_fell_under_gd": first_fell,
            }
        ),
    )


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
    exact = all(rows[name]["incoming_unchanged"] == 1.0 for name in ("GD", "GD, rate / 10"))
    always = all(row["incoming_unchanged"] == 1.0 for row in rows.values())
    told = "; ".join(
        f"{name} {row['incoming_unchanged']:.1%} ({row['outgoing_unchanged']:.1%})"
        for name, row in rows.items()
    )
    return Finding(
        "open"
        if not rows["GD"]["unit_steps"]
        else "reproduced"
        if always
        else "conditional"
        if exact
        else "refuted",
        f"{'Exactly so under plain GD' if exact else 'Not even under plain GD'}{'' if always else ', not under every optimiser'}. Share of steps from dead to dead in which the norm of the incoming "
        f"weights with the bias (in brackets: of the outgoing weights) stays the same to the bit: {told}. Left-over momentum goes on moving a unit "
        "that has lived, more slowly at each step (one that was born dead has none), and decoupled decay shrinks every dead unit: with AdamW the "
        f"norm falls in {rows['AdamW']['incoming_shrinks']:.1%} of these steps.",
        evidence({"by_optimizer": rows}),
    )


def statistic(quick: bool) -> Finding:
    """Compare ``(activations == 0).float().mean()`` with the share of dead units."""
    network, task = Network(1, (runs.WIDTH,) * 4), teacher_task(32)
    passed = loss_and_gradient(network, initial(network, 20 if quick else 100), task.x, task.y).passed
    zeros = zero_share(passed).mean(axis=0)
    dead = by_layer(network, dead_units(passed)).mean(axis=0) / runs.WIDTH
    apart = float(np.max(zeros - dead))
    return Finding(
        "refuted" if apart > 0.05 else "reproduced",
        f"The statistic counts zeros, not units: at birth it is {_listed(f'{z:.1%}' for z in zeros)} in layers 1 to 4 while "
        f"{_listed(f'{d:.1%}' for d in dead)} of the units are dead (ReLU teacher, {runs.WIDTH} units, He). A unit that is on for half of the inputs "
        "contributes one half. The share of dead units is (activations == 0).all(over inputs).float().mean(), over all the data: over a batch it is an "
        "upper estimate.",
        evidence({"share_of_zeros": zeros.tolist(), "share_of_dead_units": dead.tolist()}),
    )


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
