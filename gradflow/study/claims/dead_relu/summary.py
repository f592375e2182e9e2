"""The article's summary: what of it holds of isolated neurons, and of neurons behind an upstream layer."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from gradflow.study.claims.dead_relu import settings
from gradflow.study.claims.dead_relu.neuron import NO_MOMENTUM, pushed
from gradflow.study.claims.dead_relu.settings import BUDGET, HORIZON, as_text
from gradflow.study.claims.dead_relu.upstream import FOLLOWED, compared
from gradflow.study.claims.evidence import count, share
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.words import each, finding
from gradflow.theory.upstream import UNIFORM, Network, earliest_revival, limit, revival_steps, revival_time

SURE = 0.01
"""The p-value that counts."""


def rate_decides(quick: bool) -> Finding:
    """Count the dead neurons whose end depends on the rate."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    steady = found.stable[:, -1]
    always, never = np.all(found.settled, axis=1), np.all(~found.settled, axis=1)
    differ, n = count(steady & ~always & ~never), count(steady)
    return finding(
        by_rule(refuted=not differ, conditional=differ < 0.5 * n),
        f"For few: of {{networks}} random dead neurons in networks whose limit is stable at all rates from {FOLLOWED[0]:g} to {FOLLOWED[-1]:g}, "
        "{at_every_rate} come back at every one of these rates, {at_no_rate} at none, and for {depends_on_the_rate} it depends on the rate. At the "
        f"smallest rate {{smallest_rate_against_the_flow}} of {found.n} end otherwise than under the flow. For an isolated neuron under gradient "
        "descent the rate decides nothing (dead.rate-matters).",
        {
            "networks": n,
            "at_every_rate": count(steady & always),
            "at_no_rate": count(steady & never),
            "depends_on_the_rate": differ,
            "smallest_rate_against_the_flow": count(found.settled[:, 0] != (found.time < HORIZON)),
        },
    )


def small_unlikely(quick: bool) -> Finding:
    """Compare small rates within budgets that grow."""
    rate, budgets = 0.001, (100, 1000, 10_000) if quick else (100, 1000, 10_000, 40_000)
    network = settings.dead_networks(100 if quick else 400)
    steps = revival_steps(network, UNIFORM, rate, budgets[-1])
    back = {str(budget): share((steps > 0) & (steps <= budget)) for budget in budgets}
    ever = share(np.isfinite(revival_time(network, UNIFORM)))
    early = count((steps > 0) & (1.05 * rate * steps < earliest_revival(network, UNIFORM)))
    first, *_, last = back.values()
    return finding(
        by_rule(open=early, refuted=first > 0.9 * ever, conditional=last > 0.8 * ever),
        "Unlikely within few steps, not in the end. At rate {rate:g}, of {networks} random dead neurons behind an upstream layer {after}; under the flow "
        "{under_the_flow:.1%} ever are. No neuron may be back before the time that its distance from the wall and the loss allow (derivation 18, part 4): {before_the_earliest_time} are.",
        {
            "networks": int(steps.size),
            "rate": rate,
            "back": back,
            "under_the_flow": ever,
            "before_the_earliest_time": early,
        },
        after=each("{0:.1%} are back after {label} steps", back),
    )


def moderate(quick: bool) -> Finding:
    """Look for neurons that moderate rates bring back and the small rate does not: by their inputs, by
    their parameters."""
    rates = (settings.SMALL, settings.LARGE, 0.05)
    found = settings.sweep(200 if quick else 2000, rates)
    within, by_inputs = found.within, found.only_at_a_larger_rate
    kept = {
        name: back for name, back in pushed(rates, 2000 if quick else 20_000).items() if name != NO_MOMENTUM
    }
    by_parameters = {name: count(~back[0] & np.any(back[1:], axis=0)) for name, back in kept.items()}
    parts = (by_inputs > 0, any(by_parameters.values()))
    return finding(
        by_rule(refuted=not any(parts), conditional=not all(parts)),
        f"Moderate rates bring back what the small one leaves dead, through the inputs {{and_or}} through the parameters. Inputs: within {BUDGET} steps {{within}} of "
        "{networks} random dead neurons behind an upstream layer are back, of {under_the_flow:.1%} that the flow ever brings back; {only_at_a_larger_rate[inputs]} only at one "
        "of the larger rates. The other neurons stay dead though their inputs shift. Parameters: under plain gradient descent the neuron's own do not shift "
        "(derivation 12, part 2); by what momentum has left over, the same at every rate, {parameters} come back only at a rate above "
        f"{rates[0]:g}.",
        {
            "networks": found.n,
            "within_the_budget": within,
            "under_the_flow": found.ever,
            "only_at_a_larger_rate": {"inputs": by_inputs, **by_parameters},
        },
        and_or="and" if all(parts) else "or",
        within=as_text(within),
        parameters=each(
            f"{{0}} of {next(iter(kept.values()))[0].size} with {{label}}", by_parameters, " and "
        ),
    )


def no_guarantee(quick: bool) -> Finding:
    """Count the dead neurons that no rate brings back."""
    found = settings.sweep(200 if quick else 2000, FOLLOWED)
    steady = found.stable[:, -1]
    none = count(steady & np.isinf(found.time) & np.all(~found.settled, axis=1))
    alone = settings.isolated(quick)
    # Proved: no w1 x + b1 > 0 is within the reach of the flow; √(1 + e²) = 2 at both ends.
    end, start = limit(found.network, UNIFORM), Network(*map(np.asarray, found.network))
    size = np.sqrt(np.maximum(end.a**2 + end.c**2, start.a**2 + start.c**2))
    proved = -start.b1 >= 2.0 * np.abs(start.w1) * size
    wrong = count(proved & np.isfinite(found.time))
    return finding(
        by_rule(open=wrong or alone["returned"], refuted=not none),
        f"Of {{networks}} random dead neurons behind an upstream layer that is stable at rates up to {FOLLOWED[-1]:g}, {{at_no_rate}} come back neither under the "
        f"flow nor at any of {len(FOLLOWED)} rates; for {{proved_for_the_flow}} of {proved.size} the flow is proved never to reach their wall (derivation 18, part 4; "
        "{proved_and_back} of these come back). Of {isolated[neurons]} isolated ones {isolated[returned]} come back at any rate (by derivation 12, part 2, none does).",
        {
            "networks": count(steady),
            "at_no_rate": none,
            "proved_for_the_flow": count(proved),
            "proved_and_back": wrong,
            "isolated": alone,
        },
        so=none,
    )


def key_mechanism(quick: bool) -> Finding:
    """Ask what a finite rate adds to what the flow does, and what it takes away."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    against = compared(found)
    alone = settings.isolated(quick)["returned"]
    # Of the neurons whose end the rate changes, more must be gained than a coin would give.
    changed = {rate: entry.gained + entry.lost for rate, entry in against.items()}
    sure = {
        rate: n > 0 and float(binomtest(against[rate].gained, n, 0.5, alternative="greater").pvalue) < SURE
        for rate, n in changed.items()
    }
    at = ", ".join(rate for rate, more in sure.items() if more)
    return finding(
        by_rule(open=alone, refuted=not any(sure.values()), conditional=not all(sure.values())),
        f"{{at}} more dead neurons return to life by the rate than are lost by it (sign test, p < {SURE:g}). The flow, which has no rate, brings back {{by_the_flow}} of {{networks}} "
        "behind an upstream layer; finite rates at which the limit is stable bring back some that it leaves dead and lose some that it brings back: {against}. Both come of "
        "overshooting (an example with exact numbers is derivation 18, part 6). Where nothing moves the neuron the rate brings {isolated_returned} back (derivation 12, part 2).",
        {
            "networks": found.n,
            "by_the_flow": count(np.isfinite(found.time)),
            "isolated_returned": alone,
            "against_the_flow": against,
            "more_gained_than_lost": sure,
        },
        at=f"At rate {at} of those tried" if at else "At none of the rates tried",
        against=each(
            "{gained} of {0.left_dead} gained and {lost} of {by_flow} lost at rate {label}", against, "; "
        ),
    )
