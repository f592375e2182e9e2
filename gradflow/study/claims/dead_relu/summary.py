"""The article's summary: what of it holds of isolated neurons, and of neurons behind an upstream layer."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from gradflow.study.claims.dead_relu import settings
from gradflow.study.claims.dead_relu.neuron import (
    NO_MOMENTUM,
    mechanisms,
    plain,
    pushed,
    recovery_verdict,
    told,
)
from gradflow.study.claims.dead_relu.settings import HORIZON, listed, shares
from gradflow.study.claims.dead_relu.upstream import FOLLOWED, compared
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.theory.upstream import UNIFORM, earliest_revival, limit, revival_steps, revival_time

SUMMARY = "Seed: learning rate and dead ReLU, Summary"

SURE = 0.01
"""The p-value that counts."""


def reversible(quick: bool) -> Finding:
    """Count again what comes back, and by what."""
    found = mechanisms(quick)
    return Finding(
        recovery_verdict(found),
        "True: those come back that something other than their own gradient moves, or whose inputs it moves; the others do not (derivation 12, part 2): "
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
    """Look for neurons that moderate rates bring back and the small rate does not: by their inputs, by
    their parameters."""
    rates = (settings.SMALL, settings.LARGE, 0.05)
    found = settings.sweep(200 if quick else 2000, rates)
    within = shares(found.budget, found.rates)
    ever = float(np.mean(np.isfinite(found.time)))
    by_inputs = int(np.sum(~found.budget[:, 0] & np.any(found.budget[:, 1:], axis=1)))
    kept = pushed(rates, 2000 if quick else 20_000)
    by_parameters = {
        name: int(np.sum(~back[0] & np.any(back[1:], axis=0)))
        for name, back in kept.items()
        if name != NO_MOMENTUM
    }
    parts = (by_inputs > 0, any(by_parameters.values()))
    return Finding(
        "reproduced" if all(parts) else "conditional" if any(parts) else "refuted",
        f"Moderate rates bring back what the small one leaves dead, through the inputs {'and' if all(parts) else 'or'} through the parameters. Inputs: within {settings.BUDGET} steps {listed(within)} of {found.time.size} random dead neurons behind an upstream layer are back, of {ever:.1%} that the flow ever brings back; "
        f"{by_inputs} only at one of the larger rates. The other neurons stay dead though their inputs shift. Parameters: under plain gradient descent the neuron's own do not shift (derivation 12, part 2); by what momentum has left over, the same at every rate, "
        + " and ".join(
            f"{count} of {next(iter(kept.values()))[0].size} with {name}"
            for name, count in by_parameters.items()
        )
        + f" come back only at a rate above {rates[0]:g}.",
        {
            "networks": int(found.time.size),
            "within_the_budget": within,
            "under_the_flow": ever,
            "only_at_a_larger_rate": {"inputs": by_inputs, **by_parameters},
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
        "open" if wrong or alone["returned"] else "reproduced" if np.any(none) else "refuted",
        f"{'Right' if np.any(none) else 'No such network was found'}: of {int(np.sum(steady))} random dead neurons behind an upstream layer that is stable at rates up to {FOLLOWED[-1]:g}, {int(np.sum(none))} come back neither under the flow nor at any of {len(FOLLOWED)} rates; for {int(np.sum(proved))} of "
        f"{proved.size} the flow is proved never to reach their wall (derivation 18, part 4; {wrong} of these come back). Of {alone['neurons']} isolated ones {alone['returned']} come back at any rate (by derivation 12, part 2, none does).",
        {
            "networks": int(np.sum(steady)),
            "at_no_rate": int(np.sum(none)),
            "proved_for_the_flow": int(np.sum(proved)),
            "proved_and_back": wrong,
            "isolated": alone,
        },
    )


def key_mechanism(quick: bool) -> Finding:
    """Ask what a finite rate adds to what the flow does, and what it takes away."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    against = compared(found)
    alone = settings.moves_of_the_isolated(100 if quick else 1000, 100)["returned"]
    by_flow = int(np.sum(np.isfinite(found.time)))
    # Of the neurons whose end the rate changes, more must be gained than a coin would give.
    sure = {
        rate: entry.gained + entry.lost > 0
        and float(binomtest(entry.gained, entry.gained + entry.lost, 0.5, alternative="greater").pvalue)
        < SURE
        for rate, entry in against.items()
    }
    verdict: Verdict = (
        "open"
        if alone
        else "reproduced"
        if all(sure.values())
        else "conditional"
        if any(sure.values())
        else "refuted"
    )
    at = ", ".join(rate for rate, more in sure.items() if more)
    return Finding(
        verdict,
        (f"At rate {at} of those tried" if at else "At none of the rates tried")
        + f" more dead neurons return to life by the rate than are lost by it (sign test, p < {SURE:g}). The flow, which has no rate, brings back {by_flow} of {found.time.size} behind an upstream layer; finite rates at which the limit is stable "
        "bring back some that it leaves dead and lose some that it brings back: "
        + "; ".join(
            f"{entry.gained} of {entry.stable - entry.by_flow} gained and {entry.lost} of {entry.by_flow} lost at rate {rate}"
            for rate, entry in against.items()
        )
        + f". Both come of overshooting (an example with exact numbers is derivation 18, part 6). Where nothing moves the neuron the rate brings {alone} back (derivation 12, part 2).",
        {
            "networks": int(found.time.size),
            "by_the_flow": by_flow,
            "isolated_returned": alone,
            "against_the_flow": {rate: entry._asdict() for rate, entry in against.items()},
            "more_gained_than_lost": sure,
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
