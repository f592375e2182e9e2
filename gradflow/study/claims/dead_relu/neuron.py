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
from gradflow.study.claims.dead_relu.settings import RATES
from gradflow.study.claims.ledger import Claim, Finding, Verdict
from gradflow.study.claims.theory.irreversibility import MOMENTUM, Returns, dead_starts
from gradflow.theory.steps import revival
from gradflow.theory.upstream import UNIFORM, Network, revival_time
from gradflow.theory.upstream import gradient as network_gradient

WHAT = "Seed: learning rate and dead ReLU, What is a dead ReLU"
WHY = "Seed: learning rate and dead ReLU, Why the learning rate matters"
BIAS = "Seed: learning rate and dead ReLU, Bias parameters"
INPUTS = np.linspace(-1.0, 1.0, 51) / np.std(np.linspace(-1.0, 1.0, 51))
TRANSIENT = 12
AMPLIFIED = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Rates at which the same momentum is left over."""


def zero_output(quick: bool) -> Finding:
    """Look at the output and the gradient of dead neurons."""
    n = 1000 if quick else 20_000
    theta = dead_starts(n)
    x = np.linspace(settings.PROBLEM.lo, settings.PROBLEM.hi, 101)[:, None]
    z = theta[0] * x + theta[1]
    output = float(np.max(np.abs(np.where(z > 0.0, z, z * settings.PROBLEM.slopes[0]))))
    pull = np.abs(gradient(theta, settings.PROBLEM))
    own, rest = float(np.max(pull[:3])), float(np.median(pull[3]))
    return Finding(
        "reproduced" if output == 0.0 and own == 0.0 else "refuted",
        f"The output of {n} random dead neurons is {'0 at all inputs' if output == 0.0 else f'up to {output:.3g}'}, and the gradient of their "
        f"w1, b1 and w2 {'is exactly 0' if own == 0.0 else f'is up to {own:.3g}'} (derivation 12, part 2). The network around them goes on learning: the "
        f"gradient of its output bias b2 is {rest:.3g} in the median.",
        {
            "neurons": n,
            "largest_output": output,
            "largest_gradient_of_w1_b1_w2": own,
            "median_gradient_of_b2": rest,
        },
    )


def updates_stop(quick: bool) -> Finding:
    """Follow neurons that have just died under three optimisers by one more step."""
    n = 2000 if quick else 20_000
    found = {name: next_moves(config, n) for name, config in OPTIMISERS.items()}
    plain, others = found["GD"], {name: value for name, value in found.items() if name != "GD"}
    stopped = plain["moved"] == 0
    go_on = any(value["moved"] for value in others.values())
    return Finding(
        "refuted" if not stopped else "conditional" if go_on else "reproduced",
        "The gradient of a neuron with z <= 0 at all inputs (0 included) is 0. Whether its updates stop depends on the optimiser: of the neurons that die "
        f"within {TRANSIENT} steps the next step moves w1 or b1 of "
        + ", ".join(f"{value['moved']} of {value['died']} under {name}" for name, value in found.items())
        + ": what earlier gradients have left in the optimiser's state goes on moving them.",
        found,
    )


def recovers(quick: bool) -> Finding:
    """Count the dead neurons that come back by each mechanism."""
    found = mechanisms(quick)
    return Finding(
        recovery_verdict(found),
        "Yes, by what else moves the neuron or its inputs; by the gradient of the loss alone it never does (derivation 12, part 2): "
        + told(found),
        plain(found),
    )


def rate_matters(quick: bool) -> Finding:
    """Ask what the rate decides of an isolated neuron, and behind an upstream layer, within a budget and
    in the end."""
    alone = settings.moves_of_the_isolated(100 if quick else 1000, 100)
    found = settings.sweep(200 if quick else 2000)
    within = settings.shares(found.budget, found.rates)
    low, high = min(within.values()), max(within.values())
    # The rates that are followed to the end, in the networks whose limit is stable at all of them.
    settled = found.settled[:, np.array(found.rates) >= settings.SLOW]
    steady = np.all(found.stable, axis=1)
    ever, always = (steady & kind(settled, axis=1) for kind in (np.any, np.all))
    differ = int(np.sum(ever & ~always))
    most = differ > 0.5 * np.sum(ever)
    verdict: Verdict = "reproduced" if most else "conditional" if high > low or differ else "refuted"
    return Finding(
        verdict,
        f"It decides {'how many are back' if not most else 'who comes back'} within a given number of steps, where something besides the neuron's own gradient moves the neuron or its inputs: behind an upstream layer with a "
        f"second path, {settings.listed(within)} of {found.time.size} random dead neurons are back within {settings.BUDGET} steps. In the end it decides {'most' if most else 'few'}: where the limit is "
        f"stable at all these rates, {int(np.sum(ever))} of {int(np.sum(steady))} come back at some rate of {settings.SLOW:g} or more, and for {differ} of them it depends on which. For the neuron by itself the rate does "
        f"nothing, as its gradient is 0 (derivation 12, part 2): of {alone['neurons']} dead neurons {alone['returned']} come back under gradient descent at rates from {RATES[0]:g} to "
        f"{RATES[-1]:g}, and w1, b1 and w2 move by {alone['largest_move_of_w1_b1_w2']:g} in {alone['steps']} steps.",
        {
            "isolated": alone,
            f"back_within_{settings.BUDGET}_steps": within,
            "networks": int(found.time.size),
            "back_at_some_rate": int(np.sum(ever)),
            "depends_on_the_rate": differ,
        },
    )


def bias_earlier(quick: bool) -> Finding:
    """Ask what earlier gradients still do to the bias of the dead."""
    n = 2000 if quick else 20_000
    found = {name: next_moves(config, n) for name, config in OPTIMISERS.items()}
    returns = settings.momentum_returns(n)
    wrong = sum(value.wrong for value in returns.values())
    plain = found["GD"]["moved_b1"]
    kept = any(value["moved_b1"] for name, value in found.items() if name != "GD")
    return Finding(
        "open" if wrong or plain else "reproduced" if kept else "refuted",
        f"{'Through momentum, and only so' if kept else 'Not so'}. After death the gradient of the bias is 0; a further step moves b1 of "
        + ", ".join(f"{value['moved_b1']} of {value['died']} under {name}" for name, value in found.items())
        + ". What is left is finite (derivation 12, parts 3 and 4): "
        + "; ".join(
            f"of {value.dead} that die under {name} {value.returned} come back, {value.predicted} by the closed form"
            for name, value in returns.items()
        )
        + ".",
        {
            **found,
            "returns": {name: value._asdict() for name, value in returns.items()},
            "wrong_steps": wrong,
        },
    )


def bias_upstream(quick: bool) -> Finding:
    """Look at the gradient of a dead neuron's bias while the layer below learns."""
    n = 500 if quick else 5000
    network = settings.dead_networks(n)
    pull = np.abs(network_gradient(network, INPUTS, np.maximum(INPUTS, 0.0)))
    own, below = float(np.max(pull[2:5])), float(np.median(np.hypot(pull[0], pull[1])))
    return Finding(
        "refuted" if own == 0.0 and below > 0.0 else "reproduced" if own > 0.0 else "open",
        f"{'Not so' if own == 0.0 else 'So it is'}: in {n} random networks with a dead neuron behind an upstream layer that does receive a gradient ({below:.3g} in the median, "
        f"through the second path), the gradient of the dead neuron's own bias and weights is {'exactly 0' if own == 0.0 else f'up to {own:.3g}'} (derivation 18, part 1). "
        "The upstream layer may move the neuron's input; it does not move its bias.",
        {"networks": n, "largest_gradient_of_w1_b1_w2": own, "median_gradient_upstream": below},
    )


NO_MOMENTUM = "no momentum"


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
    counts = {name: [int(np.sum(mask)) for mask in masks] for name, masks in back.items()}
    left = [name for name in counts if name != NO_MOMENTUM]
    nested = all(
        bool(np.all(a <= b)) for name in left for a, b in zip(back[name], back[name][1:], strict=False)
    )
    grows = nested and all(counts[name][0] < counts[name][-1] for name in left)
    still = max(counts[NO_MOMENTUM])
    return Finding(
        "open" if still else "reproduced" if grows else "refuted",
        "'These small updates' are those that earlier gradients have left behind: without momentum there is nothing to amplify, and "
        f"{still} come back at any of these rates (derivation 12). With the same state left over at death, the neurons that come back at one rate "
        f"{'all' if nested else 'do not all'} come back at every larger one: of {n} with a random state at rates {', '.join(f'{rate:g}' for rate in AMPLIFIED)}, "
        + " and ".join(f"{', '.join(map(str, counts[name]))} for {name}" for name in left)
        + ".",
        {"neurons": n, "rates": list(AMPLIFIED), "returned": counts, "nested": nested},
    )


def mechanisms(quick: bool) -> dict[str, Any]:
    """Count the returns without any mechanism, by momentum, by decay and by an upstream layer."""
    n = 1500 if quick else 8000
    alone = settings.moves_of_the_isolated(100 if quick else 1000, 100)
    network = settings.dead_networks(n)
    time = revival_time(network, UNIFORM)
    below = Network(*network[:-1], 0.0)
    through = np.abs(network_gradient(below, INPUTS, np.maximum(INPUTS, 0.0)))[:5]
    return {
        "gradient_alone": alone,
        **{name.replace(" ", "_"): value for name, value in settings.momentum_returns(n).items()},
        "decay_of_the_bias": settings.decay_returns(n),
        "upstream": {
            "networks": int(time.size),
            "returned": int(np.sum(np.isfinite(time))),
            "largest_gradient_without_a_second_path": float(np.max(through)),
        },
    }


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """Return what `mechanisms` found, as plain data."""
    return {key: value._asdict() if isinstance(value, Returns) else value for key, value in found.items()}


def recovery_verdict(found: dict[str, Any]) -> Verdict:
    """Return the verdict on 'a dead ReLU may recover': one that does is enough; a gradient that moves the
    dead is an error."""
    if found["gradient_alone"]["returned"]:
        return "open"
    others = any(found[key].returned for key in ("heavy_ball", "Adam", "decay_of_the_bias"))
    return "reproduced" if others or found["upstream"]["returned"] else "refuted"


def told(found: dict[str, Any]) -> str:
    """Return what each mechanism does, as text."""
    alone, up = found["gradient_alone"], found["upstream"]
    ball, adam, decay = (found[key] for key in ("heavy_ball", "Adam", "decay_of_the_bias"))
    return (
        f"under plain gradient descent {alone['returned']} of {alone['neurons']} isolated dead neurons come back at any of {len(alone['rates'])} rates. Left-over momentum brings "
        f"back {ball.returned} of {ball.dead} that die under heavy ball and {adam.returned} of {adam.dead} under Adam (rate {MOMENTUM['Adam'].lr:g}), decay of the bias {decay.returned} of {decay.dead} "
        f"(derivation 12), and an upstream layer that learns through a second path {up['returned']} of {up['networks']} under the gradient flow (derivation 18). "
        f"Without a second path the gradient upstream is {up['largest_gradient_without_a_second_path']:g}."
    )


OPTIMISERS: dict[str, GD | HeavyBall | Adam] = {"GD": GD(0.2), **MOMENTUM}


def next_moves(config: GD | HeavyBall | Adam, n: int) -> dict[str, int]:
    """Train n random starts; count those that die, and of these those that the next step moves."""
    theta = np.random.default_rng(2).normal(size=(4, n))
    state = init(config, theta)
    dead = activity(theta, settings.PROBLEM) == DEAD
    died = np.zeros(n, dtype=bool)
    moved, moved_b1 = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
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
    return {
        "died": int(np.sum(watched)),
        "moved": int(np.sum(moved & watched)),
        "moved_b1": int(np.sum(moved_b1 & watched)),
    }


CLAIMS = (
    Claim(
        "dead.zero-output",
        WHAT,
        "A dead neuron outputs zero for all inputs and thus stops learning.",
        zero_output,
    ),
    Claim(
        "dead.updates-stop",
        WHAT,
        "It becomes dead when z < 0 for all inputs and the gradient through the activation becomes zero, stopping weight updates.",
        updates_stop,
    ),
    Claim("dead.recovers", WHAT, "In practice, dead ReLUs sometimes recover during training.", recovers),
    Claim(
        "dead.rate-matters",
        WHAT,
        "A key factor that influences whether a dead ReLU can recover, and one important reason, is the learning rate.",
        rate_matters,
    ),
    Claim(
        "dead.bias-earlier",
        BIAS,
        "The bias may still receive gradient contributions from earlier steps.",
        bias_earlier,
    ),
    Claim(
        "dead.bias-upstream",
        BIAS,
        "The bias may still receive gradient contributions from interactions with upstream gradients.",
        bias_upstream,
    ),
    Claim(
        "dead.amplifies",
        BIAS,
        "A larger learning rate amplifies these small updates, allowing the neuron to move out of the non-active region.",
        amplifies,
    ),
)
