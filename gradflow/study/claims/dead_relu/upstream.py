"""Effects of upstream layers on a dead neuron at small and at large rates (derivation 18)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.study.claims.dead_relu import settings
from gradflow.study.claims.dead_relu.neuron import INPUTS, WHY
from gradflow.study.claims.dead_relu.settings import HORIZON, listed, shares
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.theory.upstream import UNIFORM, Network, gradient, limit, path, revival_steps, revival_time

LAYERS = "Seed: learning rate and dead ReLU, Upstream layers"
FOLLOWED = (0.01, 0.05, 0.2, 0.5)
"""Rates at which networks are followed until they have settled."""


class Against(NamedTuple):
    """At one rate below the limit's largest stable one: how many the flow and training bring back."""

    stable: int
    by_flow: int
    lost: int
    gained: int


def surroundings(quick: bool) -> Finding:
    """Look at what moves around a dead neuron, with a second path and without."""
    network = settings.dead_networks(500 if quick else 5000)
    pull = np.abs(gradient(network, INPUTS, np.maximum(INPUTS, 0.0)))
    alone = np.abs(gradient(network._replace(d=0.0), INPUTS, np.maximum(INPUTS, 0.0)))
    own, below, cut = float(np.max(pull[2:5])), pull[:2], float(np.max(alone[:2]))
    moving = int(np.sum(np.any(below > 0.0, axis=0)))
    n = below.shape[1]
    # What the theorem excludes can be no condition for "reproduced".
    verdict: Verdict = "open" if own or cut else "conditional" if moving == n else "refuted"
    return Finding(
        verdict,
        f"Its inputs do if the layer below is trained by a second path around the neuron. The neuron's own weights do not: their gradient is {own:g}. With a second path the gradient upstream is not 0 in {moving} of {n} random networks; "
        f"where the dead neuron is the only way from the layer below to the output it is {cut:g}, and nothing but what stands behind the neuron learns (derivation 18, part 1).{_against(own, cut)}",
        {
            "networks": n,
            "moving_upstream": moving,
            "largest_gradient_of_the_neuron": own,
            "largest_gradient_upstream_without_a_second_path": cut,
        },
    )


def _against(*gradients: float) -> str:
    return " The numbers contradict the derivation." if any(gradients) else ""


def rate_sets_size(quick: bool) -> Finding:
    """Compare one step, and the end of training, at rates that differ."""
    network = settings.dead_networks(100 if quick else 500)
    rates = (0.02, 0.01, 0.005)
    end = np.stack(limit(network, UNIFORM))
    start = np.stack([np.asarray(network.a), np.asarray(network.c), np.asarray(network.d)])
    first = {
        f"{rate:g}": float(np.mean(np.linalg.norm(trained(start, rate, 1) - start, axis=0))) for rate in rates
    }
    last = {
        f"{rate:g}": float(
            np.median(np.linalg.norm(trained(start, rate, round(HORIZON / rate / 2)) - end, axis=0))
        )
        for rate in rates
    }
    way = float(np.mean(np.linalg.norm(end - start, axis=0)))
    steps = list(first.values())
    proportional = all(
        abs(step / steps[0] - rate / rates[0]) < 1e-9 for step, rate in zip(steps, rates, strict=True)
    )
    same = max(last.values()) < 0.1 * way
    return Finding(
        "open" if not proportional else "conditional" if same else "reproduced",
        f"Of a single step, exactly: from {start.shape[1]} dead random networks the first step is "
        + ", ".join(f"{value:.2e} at rate {rate}" for rate, value in first.items())
        + f" in the mean. Of the change in the end {'it is not so' if same else 'too'}: the way from start to limit is {way:.3g} in the mean, and "
        "the end of training is off the flow's limit by only "
        + ", ".join(f"{value:.2e} at rate {rate}" for rate, value in last.items())
        + " in the median. A small rate takes more steps on the same path.",
        {
            "networks": int(start.shape[1]),
            "first_step": first,
            "distance_from_the_flows_limit": last,
            "way": way,
        },
    )


def small_never(quick: bool) -> Finding:
    """Train, at ever smaller rates, networks whose dead neuron the flow brings back."""
    rates = (0.01, 0.001) if quick else (0.01, 0.001, settings.SMALL)
    network = settings.dead_networks(150 if quick else 600)
    time = revival_time(network, UNIFORM)
    soon = np.flatnonzero((time > 0.02) & (time < 2.0))
    network = Network(*(np.asarray(value)[soon] for value in network))
    found = {}
    for rate in rates:
        steps = revival_steps(network, UNIFORM, rate, round(2.5 / rate))
        back = steps > 0
        found[f"{rate:g}"] = {
            "back": int(np.sum(back)),
            "median_steps": float(np.median(steps[back])) if back.any() else -1.0,
            "median_rate_times_steps_over_time": float(np.median(rate * steps[back] / time[soon][back]))
            if back.any()
            else -1.0,
        }
    least = found[f"{rates[-1]:g}"]
    refuted = least["back"] > 0.9 * soon.size and soon.size > 0
    return Finding(
        "refuted" if refuted else "open" if least["back"] else "reproduced",
        f"{'Not so' if refuted else 'Not decided'}: a small rate delays, it does not prevent. Of {soon.size} random networks whose dead neuron the gradient flow brings back at 0.02 < t < 2, training brings back "
        + "; ".join(
            f"{entry['back']} at rate {rate}, after {entry['median_steps']:.0f} steps in the median"
            for rate, entry in found.items()
        )
        + f": rate times steps is {least['median_rate_times_steps_over_time']:.3f} of the flow's time at the smallest rate. Below some rate every rate brings back what the flow does (derivation 18, part 5). "
        "Within a given number of steps the sentence is true of small rates; of a neuron that nothing moves it is true at all rates.",
        {"networks": int(soon.size), "at_rates": found},
    )


def large_crosses(quick: bool) -> Finding:
    """Look for neurons that a larger rate brings across by their inputs, and that the smallest leaves
    dead."""
    alone = settings.moves_of_the_isolated(100 if quick else 1000, 100)
    found = settings.sweep(200 if quick else 2000)
    within = shares(found.budget, found.rates)
    crossed = int(np.sum(~found.budget[:, 0] & np.any(found.budget[:, 1:], axis=1)))
    own = alone["largest_move_of_w1_b1_w2"]
    return Finding(
        "open" if own else "reproduced" if crossed else "refuted",
        f"The upstream inputs, and one of the three is enough: {crossed} of {found.time.size} random dead neurons behind an upstream layer with a second path are back within {settings.BUDGET} steps at some "
        f"larger rate and not at {found.rates[0]:g}; {listed(within)} are. The neuron's own weights and bias it cannot shift, as their gradient is 0 (derivation 12, part 2; momentum and decay apart): "
        f"gradient descent at rates up to {settings.RATES[-1]:g} moves w1, b1 and w2 of a dead neuron by {own:g}.",
        {"isolated": alone, "back_within_the_budget": within, "only_at_a_larger_rate": crossed},
    )


def input_evolves(quick: bool) -> Finding:
    """Measure how far the interval of x moves while the neuron is dead."""
    network = settings.dead_networks(300 if quick else 3000)
    end = limit(network, UNIFORM)
    old = np.asarray(network.c), np.sqrt(3.0) * np.abs(np.asarray(network.a))
    new = end.c, np.sqrt(3.0) * np.abs(end.a)
    shift, stretch = np.abs(new[0] - old[0]), np.abs(new[1] - old[1])
    alone = np.abs(gradient(network._replace(d=0.0), INPUTS, np.maximum(INPUTS, 0.0)))[:2]
    time = revival_time(network, UNIFORM)
    back = float(np.mean(np.isfinite(time)))
    moved, cut = int(np.sum((shift > 0.0) | (stretch > 0.0))), float(np.max(alone))
    return Finding(
        "open" if cut else "conditional" if moved == time.size else "refuted",
        f"If a second path trains them. Then the input x, uniform on an interval, changes in {moved} of {time.size} random networks: it shifts by {np.median(shift):.3g} and widens or narrows by {np.median(stretch):.3g} (medians) by the end of the flow, and {back:.1%} of the dead "
        f"neurons come back (derivation 18). If the dead neuron is the only way to the output, the gradient upstream is {cut:g} and x stays as it is (part 1).{_against(cut)}",
        {
            "networks": int(time.size),
            "networks_in_which_x_changes": moved,
            "median_shift": float(np.median(shift)),
            "median_change_of_half_width": float(np.median(stretch)),
            "share_back": back,
            "gradient_without_a_second_path": cut,
        },
    )


def small_minimal(quick: bool) -> Finding:
    """Measure the upstream layer's change at small rates, within a budget and in the end."""
    network = settings.dead_networks(100 if quick else 500)
    start = np.stack([np.asarray(network.a), np.asarray(network.c), np.asarray(network.d)])
    way = np.linalg.norm((np.stack(limit(network, UNIFORM)) - start)[:2], axis=0)
    rates = (0.01, 0.001, settings.SMALL)
    budget = {
        f"{rate:g}": float(
            np.median(np.linalg.norm((trained(start, rate, settings.BUDGET) - start)[:2], axis=0) / way)
        )
        for rate in rates
    }
    at = (1.0, 5.0) if quick else (1.0, 5.0, 20.0)
    later = {
        f"{t:g}": float(
            np.median(np.linalg.norm((np.stack(path(network, UNIFORM, t)) - start)[:2], axis=0) / way)
        )
        for t in at
    }
    minimal, catches_up = list(budget.values())[-1] < 0.1, list(later.values())[-1] > 0.5
    return Finding(
        "refuted" if not minimal else "conditional" if catches_up else "reproduced",
        f"Within a given number of steps: after {settings.BUDGET} steps the upstream layer has gone "
        + ", ".join(f"{share:.1%} at rate {rate}" for rate, share in budget.items())
        + f" of the distance to its limit (medians of {way.size} networks). In the end it is not: at a small rate it follows the flow, which has gone "
        + ", ".join(f"{share:.0%} at t = {t}" for t, share in later.items())
        + f", for rate {settings.SMALL:g} after {at[-1] / settings.SMALL:.0f} steps.",
        {
            "networks": int(way.size),
            "share_of_the_distance_after_the_budget": budget,
            "share_under_the_flow": later,
        },
    )


def large_likely(quick: bool) -> Finding:
    """Compare the shares that come back at growing rates, within a budget and in the end."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    budget, settled = shares(found.budget, found.rates), shares(found.settled, found.rates)
    against = compared(found)
    values = list(budget.values())
    grows = values[-1] > values[0]
    lost = sum(entry.lost for entry in against.values())
    ever = float(np.mean(np.isfinite(found.time)))
    return Finding(
        "refuted"
        if not grows
        else "conditional"
        if abs(next(iter(settled.values())) - ever) < 0.02
        else "reproduced",
        f"Within {settings.BUDGET} steps it is: of {found.time.size} random dead neurons {listed(budget)} are back. Left to settle (rate times steps = {HORIZON:g}) the rate matters only where it is large: "
        f"{listed(settled)}, and {ever:.1%} under the flow. Where the limit is stable at the rate, training gains and loses: "
        + "; ".join(
            f"of {entry.stable} at rate {rate}, {entry.gained} that the flow leaves dead, and {entry.lost} lost of {entry.by_flow}"
            for rate, entry in against.items()
        )
        + f". {'So a larger rate may also lose a neuron' if lost else 'None is lost in this sample'}.",
        {
            "networks": int(found.time.size),
            "within_the_budget": budget,
            "settled": settled,
            "under_the_flow": ever,
            "against_the_flow": {rate: entry._asdict() for rate, entry in against.items()},
        },
    )


def compared(found: settings.Sweep) -> dict[str, Against]:
    """Compare each rate with the flow, over the networks whose limit is stable at that rate."""
    back = found.time < HORIZON
    entries = {}
    for i, rate in enumerate(found.rates):
        stable, trained_back = found.stable[:, i], found.settled[:, i]
        entries[f"{rate:g}"] = Against(
            int(np.sum(stable)),
            int(np.sum(stable & back)),
            int(np.sum(stable & back & ~trained_back)),
            int(np.sum(stable & ~back & trained_back)),
        )
    return entries


def trained(start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """Return a, c and d after so many steps of gradient descent with the neuron dead."""
    a, c, d = start
    for _ in range(steps):
        of_slope, of_level = d * a - UNIFORM.slope, d * c - UNIFORM.level
        a, c, d = (
            a - 2.0 * rate * d * of_slope,
            c - 2.0 * rate * d * of_level,
            d - 2.0 * rate * (a * of_slope + c * of_level),
        )
    return np.stack([a, c, d])


CLAIMS = (
    Claim(
        "dead.surroundings",
        WHY,
        "Even though the gradient through a dead ReLU is zero at the moment, the weights and inputs surrounding it continue to change during training.",
        surroundings,
    ),
    Claim(
        "dead.rate-sets-size",
        WHY,
        "The learning rate determines the magnitude of these changes.",
        rate_sets_size,
    ),
    Claim(
        "dead.small-never",
        WHY,
        "If the learning rate is extremely small, the neuron never reactivates and the gradient remains zero indefinitely.",
        small_never,
    ),
    Claim(
        "dead.large-crosses",
        WHY,
        "A larger learning rate can shift the weights, the bias, or the upstream inputs x enough for z to cross from negative to positive.",
        large_crosses,
    ),
    Claim(
        "dead.input-evolves",
        LAYERS,
        "z depends on the input x, which continues to evolve during training as upstream layers update.",
        input_evolves,
    ),
    Claim(
        "dead.small-minimal",
        LAYERS,
        "With a small learning rate, changes in upstream layers are minimal.",
        small_minimal,
    ),
    Claim(
        "dead.large-likely",
        LAYERS,
        "With a larger rate, upstream representations shift more, making it more likely that the neuron encounters inputs where z > 0.",
        large_likely,
    ),
)
