"""The dead ReLU by itself: what it is, what still moves it, and what the rate has to do with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import GD, Adam, HeavyBall, init, update
from gradflow.descent.optimisers.adam import Moments
from gradflow.descent.optimisers.heavy_ball import HeavyBallState
from gradflow.field import gradient
from gradflow.neuron.activity import DEAD, activity
from gradflow.study.claims.dead_relu import settings
from gradflow.study.claims.dead_relu.settings import BUDGET, RATES
from gradflow.study.claims.evidence import count, largest, median
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.theory.irreversibility import MOMENTUM, dead_starts
from gradflow.study.claims.words import each, finding
from gradflow.theory.steps import revival
from gradflow.theory.upstream import UNIFORM, Network, revival_time
from gradflow.theory.upstream import gradient as network_gradient

INPUTS = np.linspace(-1.0, 1.0, 51) / np.std(np.linspace(-1.0, 1.0, 51))
TRANSIENT = 12
AMPLIFIED = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Rates at which the same momentum is left over."""

OPTIMISERS: dict[str, GD | HeavyBall | Adam] = {"GD": GD(0.2), **MOMENTUM}
NO_MOMENTUM = "no momentum"

BY_WHAT_ELSE = "Yes, by what else moves the neuron or its inputs; by the gradient of the loss alone it never does (derivation 12, part 2): "
NOT_ALWAYS = "True: those come back that something other than their own gradient moves, or whose inputs it moves; the others do not (derivation 12, part 2): "
"""How the findings on recovery begin."""


def zero_output(quick: bool) -> Finding:
    """Look at the output and the gradient of dead neurons."""
    n = 1000 if quick else 20_000
    theta = dead_starts(n)
    x = np.linspace(settings.PROBLEM.lo, settings.PROBLEM.hi, 101)[:, None]
    z = theta[0] * x + theta[1]
    output = largest(np.where(z > 0.0, z, z * settings.PROBLEM.slopes[0]))
    pull = np.abs(gradient(theta, settings.PROBLEM))
    own = largest(pull[:3])
    return finding(
        by_rule(refuted=output or own),
        "The output of {neurons} random dead neurons is at most {largest_output:.3g} at any input, and the gradient of their w1, b1 and w2 at most {largest_gradient_of_w1_b1_w2:.3g} (derivation 12, part 2). The network around them goes on learning: the gradient of its output bias b2 is "
        "{median_gradient_of_b2:.3g} in the median.",
        {
            "neurons": n,
            "largest_output": output,
            "largest_gradient_of_w1_b1_w2": own,
            "median_gradient_of_b2": median(pull[3]),
        },
    )


def updates_stop(quick: bool) -> Finding:
    """Follow neurons that have just died under three optimisers by one more step."""
    found = _next_moves(quick)
    go_on = any(value["moved"] for name, value in found.items() if name != "GD")
    return finding(
        by_rule(refuted=found["GD"]["moved"], conditional=go_on),
        "The gradient of a neuron with z <= 0 at all inputs (0 included) is 0. Whether its updates stop depends on the "
        f"optimiser: of the neurons that die within {TRANSIENT} steps the next step moves w1 or b1 of {{moves}}: what earlier "
        "gradients have left in the optimiser's state goes on moving them.",
        found,
        moves=each("{moved} of {died} under {label}", found),
    )


def bias_earlier(quick: bool) -> Finding:
    """Ask what earlier gradients still do to the bias of the dead."""
    found = _next_moves(quick)
    returns = settings.momentum_returns(2000 if quick else 20_000)
    wrong = sum(value.wrong for value in returns.values())
    kept = any(value["moved_b1"] for name, value in found.items() if name != "GD")
    return finding(
        by_rule(open=wrong or found["GD"]["moved_b1"], refuted=not kept),
        "Through momentum, and only so. After death the gradient of the bias is 0; a further step moves b1 of {moves}. What is left is finite (derivation 12, parts 3 and 4): {back}.",
        {**found, "returns": returns, "wrong_steps": wrong},
        so=kept,
        moves=each("{moved_b1} of {died} under {label}", found),
        back=each(
            "of {dead} that die under {label} {returned} come back, {predicted} by the closed form",
            returns,
            "; ",
        ),
    )


def rate_matters(quick: bool) -> Finding:
    """Ask what the rate decides of an isolated neuron, and behind an upstream layer, within a budget and
    in the end."""
    alone = settings.isolated(quick)
    found = settings.sweep(200 if quick else 2000)
    within = found.within
    # The rates that are followed to the end, in the networks whose limit is stable at all of them.
    settled = found.settled[:, np.array(found.rates) >= settings.SLOW]
    steady = np.all(found.stable, axis=1)
    ever, always = (steady & kind(settled, axis=1) for kind in (np.any, np.all))
    differ = count(ever & ~always)
    most = differ > 0.5 * count(ever)
    some = max(within.values()) > min(within.values()) or differ
    return finding(
        by_rule(reproduced=most, conditional=some, refuted=True),
        "It decides {what} within a given number of steps, where something besides the neuron's own gradient moves the neuron "
        "or its inputs: behind an upstream layer with a second path, {within} of {networks} random dead neurons are back within "
        f"{BUDGET} steps. In the end it decides {{much}}: where the limit is stable at all these rates, {{back_at_some_rate}} of "
        f"{{steady}} come back at some rate of {settings.SLOW:g} or more, and for {{depends_on_the_rate}} of them it depends on "
        "which. For the neuron by itself the rate does nothing, as its gradient is 0 (derivation 12, part 2): of {isolated[neurons]} dead neurons {isolated[returned]} come back under gradient descent at rates from "
        f"{RATES[0]:g} to {RATES[-1]:g}, and w1, b1 and w2 move by {{isolated[largest_move_of_w1_b1_w2]:g}} in "
        "{isolated[steps]} steps.",
        {
            "isolated": alone,
            f"back_within_{BUDGET}_steps": within,
            "networks": found.n,
            "back_at_some_rate": count(ever),
            "depends_on_the_rate": differ,
        },
        what="who comes back" if most else "how many are back",
        within=settings.as_text(within),
        much="most" if most else "few",
        steady=count(steady),
    )


def bias_upstream(quick: bool) -> Finding:
    """Look at the gradient of a dead neuron's bias while the layer below learns."""
    n = 500 if quick else 5000
    pull = np.abs(network_gradient(settings.dead_networks(n), INPUTS, np.maximum(INPUTS, 0.0)))
    own, below = largest(pull[2:5]), median(np.hypot(pull[0], pull[1]))
    return finding(
        by_rule(reproduced=own, refuted=below > 0.0, open=True),
        "In {networks} random networks with a dead neuron behind an upstream layer that does receive a gradient ({median_gradient_upstream:.3g} in the median, through the second path), the gradient of the dead neuron's own bias "
        "and weights is at most {largest_gradient_of_w1_b1_w2:.3g} (derivation 18, part 1). The upstream layer may move the neuron's input; it does not move its bias.",
        {"networks": n, "largest_gradient_of_w1_b1_w2": own, "median_gradient_upstream": below},
        so=own,
    )


def pushed(rates: tuple[float, ...], n: int) -> dict[str, list[np.ndarray]]:
    """Return which of n dead neurons come back at each rate, with the same state left over at death, and
    with none."""
    theta = dead_starts(n)
    rng = np.random.default_rng(5)
    buffer, none = rng.normal(size=theta.shape), np.zeros_like(theta)
    square = rng.exponential(size=theta.shape)
    states: dict[str, list[tuple[HeavyBall | Adam, HeavyBallState | Moments]]] = {
        "heavy ball": [(HeavyBall(rate, 0.9), HeavyBallState(buffer)) for rate in rates],
        "Adam": [(Adam(rate), Moments(np.asarray(10.0), 0.1 * buffer, 0.01 * square)) for rate in rates],
        NO_MOMENTUM: [(HeavyBall(rate, 0.9), HeavyBallState(none)) for rate in rates],
    }
    return {
        name: [np.asarray(revival(theta, settings.PROBLEM, config, state) > 0) for config, state in entries]
        for name, entries in states.items()
    }


def amplifies(quick: bool) -> Finding:
    """Leave the same state to a dead neuron at several rates, and count the returns."""
    n = 2000 if quick else 20_000
    back = pushed(AMPLIFIED, n)
    counts = {name: [count(mask) for mask in masks] for name, masks in back.items()}
    left = {name: ", ".join(map(str, counts[name])) for name in counts if name != NO_MOMENTUM}
    nested = all(
        bool(np.all(a <= b)) for name in left for a, b in zip(back[name], back[name][1:], strict=False)
    )
    grows = nested and all(counts[name][0] < counts[name][-1] for name in left)
    still = max(counts[NO_MOMENTUM])
    return finding(
        by_rule(open=still, refuted=not grows),
        "'These small updates' are those that earlier gradients have left behind: without momentum there is nothing to amplify, "
        "and {still} come back at any of these rates (derivation 12). With the same state left over at death, the neurons that "
        "come back at one rate {all} come back at every larger one: of {neurons} with a random state at rates {at}, {left}.",
        {"neurons": n, "rates": AMPLIFIED, "returned": counts, "nested": nested},
        still=still,
        all="all" if nested else "do not all",
        at=each("{0:g}", AMPLIFIED),
        left=each("{0} for {label}", left, " and "),
    )


def recovers(opening: str, quick: bool) -> Finding:
    """Count the dead neurons that come back by each mechanism: one that does is enough; a gradient that moves
    the dead is an error."""
    found = mechanisms(quick)
    others = [found[key].returned for key in ("heavy_ball", "Adam", "decay_of_the_bias")]
    verdict = by_rule(
        open=found["gradient_alone"]["returned"], refuted=not (any(others) or found["upstream"]["returned"])
    )
    return finding(
        verdict,
        opening
        + "under plain gradient descent {gradient_alone[returned]} of {gradient_alone[neurons]} isolated dead neurons "
        f"come back at any of {len(found['gradient_alone']['rates'])} rates. Left-over momentum brings back {{heavy_ball.returned}} "
        "of {heavy_ball.dead} that die under heavy ball and {Adam.returned} of {Adam.dead} under Adam (rate "
        f"{MOMENTUM['Adam'].lr:g}), decay of the bias {{decay_of_the_bias.returned}} of {{decay_of_the_bias.dead}} (derivation "
        "12), and an upstream layer that learns through a second path {upstream[returned]} of {upstream[networks]} under the gradient flow (derivation 18). Without a second path the gradient upstream is "
        "{upstream[largest_gradient_without_a_second_path]:g}.",
        found,
    )


def mechanisms(quick: bool) -> dict[str, Any]:
    """Count the returns without any mechanism, by momentum, by decay and by an upstream layer."""
    n = 1500 if quick else 8000
    network = settings.dead_networks(n)
    time = revival_time(network, UNIFORM)
    through = network_gradient(Network(*network[:-1], 0.0), INPUTS, np.maximum(INPUTS, 0.0))[:5]
    return {
        "gradient_alone": settings.isolated(quick),
        **{name.replace(" ", "_"): value for name, value in settings.momentum_returns(n).items()},
        "decay_of_the_bias": settings.decay_returns(n),
        "upstream": {
            "networks": int(time.size),
            "returned": count(np.isfinite(time)),
            "largest_gradient_without_a_second_path": largest(through),
        },
    }


def _next_moves(quick: bool) -> dict[str, dict[str, int]]:
    return {name: next_moves(config, 2000 if quick else 20_000) for name, config in OPTIMISERS.items()}


def next_moves(config: GD | HeavyBall | Adam, n: int) -> dict[str, int]:
    """Train n random starts; count those that die, and of these those that the next step moves."""
    theta = np.random.default_rng(2).normal(size=(4, n))
    state = init(config, theta)
    dead = activity(theta, settings.PROBLEM) == DEAD
    died, moved, moved_b1 = (np.zeros(n, dtype=bool) for _ in range(3))
    fresh = died
    for _ in range(TRANSIENT + 1):
        before = theta
        theta, state = update(config, gradient(theta, settings.PROBLEM), state, theta, config.lr)
        moved |= fresh & np.any(theta[:2] != before[:2], axis=0)
        moved_b1 |= fresh & (theta[1] != before[1])
        now = activity(theta, settings.PROBLEM) == DEAD
        fresh = now & ~dead & ~died
        died, dead = died | fresh, now
    watched = died & ~fresh
    return {"died": count(watched), "moved": count(moved & watched), "moved_b1": count(moved_b1 & watched)}
