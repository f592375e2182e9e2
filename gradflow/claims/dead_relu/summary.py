"""The article's summary: what of it holds of isolated neurons, and of neurons behind an upstream layer."""

from __future__ import annotations

import numpy as np

from gradflow.claims.dead_relu import settings
from gradflow.claims.dead_relu.neuron import mechanisms, plain, recovery_verdict, told
from gradflow.claims.dead_relu.settings import HORIZON, listed, shares
from gradflow.claims.dead_relu.upstream import FOLLOWED, compared
from gradflow.claims.ledger import Claim, Finding
from gradflow.theory.upstream import (
    UNIFORM,
    earliest_revival,
    limit,
    preactivation,
    revival_steps,
    revival_time,
)

SUMMARY = "Seed: learning rate and dead ReLU, Summary"


def reversible(quick: bool) -> Finding:
    """Count again what comes back, and by what."""
    found = mechanisms(quick)
    return Finding(
        recovery_verdict(found),
        "True wherever something other than the neuron's own gradient moves the neuron or its inputs, and false otherwise: "
        + told(found),
        plain(found),
    )


def rate_decides(quick: bool) -> Finding:
    """Count the dead neurons whose end depends on the rate."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    steady = found.stable[:, -1]
    always, never = np.all(found.settled, axis=1), np.all(~found.settled, axis=1)
    differ = int(np.sum(steady & ~always & ~never))
    small = int(np.sum(found.settled[:, 0] != (found.time < HORIZON)))
    n = int(np.sum(steady))
    return Finding(
        "refuted" if not differ else "conditional" if differ < 0.5 * n else "reproduced",
        f"For few: of {n} random dead neurons in networks whose limit is stable at all rates from {FOLLOWED[0]:g} to {FOLLOWED[-1]:g}, {int(np.sum(steady & always))} come back at every one of these rates, {int(np.sum(steady & never))} at none, and for {differ} it depends on the rate. "
        f"At the smallest rate {small} of {found.time.size} end otherwise than under the flow. For an isolated neuron under gradient descent the rate decides nothing (dead.rate-matters).",
        {
            "networks": n,
            "at_every_rate": int(np.sum(steady & always)),
            "at_no_rate": int(np.sum(steady & never)),
            "depends_on_the_rate": differ,
            "smallest_rate_against_the_flow": small,
        },
    )


def small_unlikely(quick: bool) -> Finding:
    """Compare small rates within budgets that grow."""
    rate = 0.001
    budgets = (100, 1000, 10_000) if quick else (100, 1000, 10_000, 40_000)
    network = settings.dead_networks(100 if quick else 400)
    steps = revival_steps(network, UNIFORM, rate, budgets[-1])
    back = {str(budget): float(np.mean((steps > 0) & (steps <= budget))) for budget in budgets}
    ever = float(np.mean(np.isfinite(revival_time(network, UNIFORM))))
    bound = earliest_revival(network, UNIFORM)
    early = int(np.sum((steps > 0) & (1.05 * rate * steps < bound)))
    first, last = next(iter(back.values())), list(back.values())[-1]
    return Finding(
        "open"
        if early
        else "refuted"
        if first > 0.9 * ever
        else "conditional"
        if last > 0.8 * ever
        else "reproduced",
        f"Unlikely within few steps, not in the end. At rate {rate:g}, of {steps.size} random dead neurons behind an upstream layer "
        + ", ".join(f"{share:.1%} are back after {budget} steps" for budget, share in back.items())
        + f"; under the flow {ever:.1%} ever are. No neuron may be back before the time that its distance from the wall and the loss allow (derivation 18, part 4): {early} are.",
        {
            "networks": int(steps.size),
            "rate": rate,
            "back": back,
            "under_the_flow": ever,
            "before_the_earliest_time": early,
        },
    )


def moderate(quick: bool) -> Finding:
    """Ask which share moderate rates bring back, of what the flow would."""
    found = settings.sweep(200 if quick else 2000, (settings.SMALL, settings.LARGE, 0.05))
    within = shares(found.budget, found.rates)
    ever = float(np.mean(np.isfinite(found.time)))
    values = list(within.values())
    alone = settings.moves_of_the_isolated(100, 100)["returned"]
    return Finding(
        "refuted"
        if values[-1] <= values[0]
        else "conditional"
        if values[-1] < 0.9 and not alone
        else "reproduced",
        f"Of the inputs, for some: within {settings.BUDGET} steps {listed(within)} of {found.time.size} random dead neurons behind an upstream layer are back, of {ever:.1%} that the flow ever brings back. "
        f"The other neurons stay dead though their inputs shift. Of the isolated neurons' parameters nothing shifts: {alone} come back.",
        {
            "networks": int(found.time.size),
            "within_the_budget": within,
            "under_the_flow": ever,
            "isolated_returned": alone,
        },
    )


def no_guarantee(quick: bool) -> Finding:
    """Count the dead neurons that no rate brings back."""
    found = settings.sweep(200 if quick else 2000, FOLLOWED)
    steady = found.stable[:, -1]
    none = steady & np.isinf(found.time) & np.all(~found.settled, axis=1)
    alone = settings.moves_of_the_isolated(100 if quick else 1000, 100)
    # Proved: no w1 x + b1 > 0 is within the reach of the flow.
    end = limit(found.network, UNIFORM)
    size = np.sqrt(
        np.maximum(end.a**2 + end.c**2, np.asarray(found.network.a) ** 2 + np.asarray(found.network.c) ** 2)
    )
    # √(1 + e²) = 2 at both ends.
    proved = -np.asarray(found.network.b1) >= 2.0 * np.abs(np.asarray(found.network.w1)) * size
    wrong = int(np.sum(proved & np.isfinite(found.time)))
    return Finding(
        "open" if wrong else "reproduced" if np.any(none) or not alone["returned"] else "refuted",
        f"Right: of {int(np.sum(steady))} random dead neurons behind an upstream layer that is stable at rates up to {FOLLOWED[-1]:g}, {int(np.sum(none))} come back neither under the flow nor at any of {len(FOLLOWED)} rates; for {int(np.sum(proved))} of "
        f"{proved.size} the flow is proved never to reach their wall (derivation 18, part 4; {wrong} of these come back). Of {alone['neurons']} isolated ones {alone['returned']} come back at any rate.",
        {
            "networks": int(np.sum(steady)),
            "at_no_rate": int(np.sum(none)),
            "proved_for_the_flow": int(np.sum(proved)),
            "proved_and_back": wrong,
            "isolated": alone,
        },
    )


def key_mechanism(quick: bool) -> Finding:
    """Ask what the rate adds to what the flow does."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    against = compared(found)
    gained = sum(entry.gained for entry in against.values())
    alone = settings.moves_of_the_isolated(100 if quick else 1000, 100)["returned"]
    by_flow = int(np.sum(np.isfinite(found.time)))
    started = preactivation(found.network, UNIFORM) <= 0.0
    return Finding(
        "reproduced" if alone else "conditional" if gained and np.all(started) else "refuted",
        "The rate is no mechanism of its own: it scales what moves the neuron, and where nothing does, it brings "
        f"{alone} isolated neurons back. Behind an upstream layer the flow, which has no rate, brings back {by_flow} of {found.time.size}; finite rates at which the limit is stable add "
        + ", ".join(
            f"{entry.gained} of {entry.stable - entry.by_flow} at rate {rate}"
            for rate, entry in against.items()
        )
        + " by overshooting (an example with exact numbers is derivation 18, part 6).",
        {
            "networks": int(found.time.size),
            "by_the_flow": by_flow,
            "isolated_returned": alone,
            "against_the_flow": {rate: entry._asdict() for rate, entry in against.items()},
        },
    )


CLAIMS = (
    Claim("dead.reversible", SUMMARY, "A dead ReLU is not always irreversibly dead.", reversible),
    Claim(
        "dead.rate-decides",
        SUMMARY,
        "The learning rate plays a critical role in determining whether the neuron remains inactive or eventually reactivates.",
        rate_decides,
    ),
    Claim(
        "dead.small-unlikely",
        SUMMARY,
        "Very small learning rates produce minimal parameter updates, making it unlikely for a negative pre-activation value to become positive.",
        small_unlikely,
    ),
    Claim(
        "dead.moderate",
        SUMMARY,
        "Moderate learning rates enable parameter and input-distribution shifts large enough to push the neuron back into active territory.",
        moderate,
    ),
    Claim(
        "dead.no-guarantee", SUMMARY, "Adjusting the learning rate does not guarantee recovery.", no_guarantee
    ),
    Claim(
        "dead.key-mechanism",
        SUMMARY,
        "The learning rate is one of the key mechanisms through which a dead ReLU can return to life.",
        key_mechanism,
    ),
)
