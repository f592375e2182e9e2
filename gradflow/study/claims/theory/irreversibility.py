"""Irreversibility: which dead neurons come back, and when (derivations 7, 8 and 12).

The post's takeaway: "once a neuron leaves the balanced state, it is very hard to return". A note on dying
ReLU: "once dead, a ReLU neuron produces zero gradient and can never recover". An article on dead ReLUs: "dead
ReLUs sometimes recover", because of the learning rate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import GD, Adam, AdamW, HeavyBall, init, train_arrays, update
from gradflow.field import gradient
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.study.claims.evidence import count, largest
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.words import each, finding
from gradflow.theory.decay import decay_revival
from gradflow.theory.hyperactive import trapped
from gradflow.theory.steps import NEVER, revival

MOMENTUM: dict[str, HeavyBall | Adam] = {"heavy ball": HeavyBall(0.2, 0.9), "Adam": Adam(0.2)}
"""Optimisers whose state outlives the gradient."""

RATE, DECAY = 0.05, 1.0
"""AdamW's η and λ for the dead neurons whose parameters decay."""

TRANSIENT, LONGEST = 12, 120
"""Within how many steps a neuron is to die, and how many steps the dead are watched."""


class Returns(NamedTuple):
    """How many neurons were dead, how many came back, how many were to, and at how many the step is wrong."""

    dead: int = 0
    returned: int = 0
    predicted: int = 0
    wrong: int = 0


def irreversibility(quick: bool) -> Finding:
    """Look for dead neurons that return: without momentum, with it, and with weight decay."""
    n = 3000 if quick else 8000
    start = dead_starts(n)
    rates = np.random.default_rng(1).uniform(0.0, 1.0, n)
    end = train_arrays(start, POPULATION, GD(rates), LONGEST, events=False).final
    values: dict[str, Any] = {
        "dead_starts": n,
        "largest_gradient_of_w1_b1_w2": largest(gradient(start, POPULATION)[:3]),
        "gd_returned": count(activity(end, POPULATION) != DEAD),
        "gd_largest_move_of_w1_b1_w2": largest((end - start)[:3]),
    }
    if any(list(values.values())[1:]):
        return finding(
            "refuted",
            "Not so: on {dead_starts} dead starts the loss pulls at w1, b1 or w2 by up to {largest_gradient_of_w1_b1_w2:.2g}, and under GD {gd_returned} of them come back. Derivation 7 needs a slope of 0 where the neuron is not active.",
            values,
        )
    momentum = {name: after_death(config, n) for name, config in MOMENTUM.items()}
    decays = {"b1": (0.0, DECAY), "w1": (DECAY, 0.0), "both": (DECAY, DECAY)}
    decay = {name: with_decay(start, *of) for name, of in decays.items()}
    flow = hyperactive_returns(60 if quick else 200)
    tested = (*momentum.values(), *decay.values())
    wrong = sum(found.wrong for found in tested)
    values |= {f"{name.replace(' ', '_')}_just_died": found for name, found in momentum.items()}
    values |= {f"decay_of_{name}": found for name, found in decay.items()} | {"hyperactive": flow}
    return finding(
        by_rule(
            open=wrong or flow["trapped_that_return"], conditional=any(found.returned for found in tested)
        ),
        f"For the dead it holds exactly without momentum and decay: on {{dead_starts}} dead starts the gradient of w1, b1 and w2 is 0, so the flow leaves them where they are (derivation 7), and none comes back under GD at rates up to 1 in {LONGEST} steps (derivation 12, part 2). Momentum left over brings "
        f"{{some}} back: {{momentum}}. Decay (part 5) of the bias alone brings back {{decay_of_b1.returned}} of {{dead_starts}} within {LONGEST} steps, of w1 alone {{decay_of_w1.returned}}, of both {{decay_of_both.returned}}. The predicted step is {{wrong}}. For the hyperactive it {{general}}: of "
        "{hyperactive[starts]} random hyperactive starts of the flow {hyperactive[balanced_again]} are balanced again at t = {hyperactive[t]:g}. {hyperactive[proved_trapped]} are trapped by then (derivation 8), and {hyperactive[trapped_that_return]} of these are balanced at "
        f"t = {2 * flow['t']:g}.",
        values,
        some="some" if any(found.returned for found in momentum.values()) else "none",
        momentum=each(
            "of {dead} that have just died under {label}, {returned} return, {predicted} by the closed form (derivation 12, parts 3 and 4)",
            {f"{name} at rate {MOMENTUM[name].lr:g}": found for name, found in momentum.items()},
            "; ",
        ),
        wrong=f"wrong in {wrong} cases" if wrong else "right in every case",
        general="does not hold in general" if flow["balanced_again"] else "holds",
    )


def dead_starts(n: int) -> np.ndarray:
    """Return random dead neurons, shape (4, n): b1 below −|w1| by up to a few times |w1|."""
    rng = np.random.default_rng(0)
    w1, w2, b2 = rng.normal(size=(3, n))
    return np.stack([w1, -np.abs(w1) * (1.0 + rng.exponential(1.0, n)), w2, b2])


def after_death(config: HeavyBall | Adam, n: int) -> Returns:
    """Train n random starts, and compare the returns of those that die with the closed form of `revival`."""
    theta = np.random.default_rng(2).normal(size=(4, n))
    state, dead = init(config, theta), activity(theta, POPULATION) == DEAD
    # Those that start dead are left out; of the others the first death counts, and the first return.
    death, found, predicted = np.where(dead, 0, NEVER), np.full(n, NEVER), np.full(n, NEVER)
    for k in range(1, TRANSIENT + LONGEST + 1):
        theta, state = update(config, gradient(theta, POPULATION), state, theta, config.lr)
        dead = activity(theta, POPULATION) == DEAD
        died = dead & (death == NEVER) & (k <= TRANSIENT)
        if np.any(died):
            its = type(state)(*(part[:, died] if np.ndim(part) else part for part in state))
            predicted[died] = revival(theta[:, died], POPULATION, config, its)
            death[died] = k
        back = ~dead & (death > 0) & (found == NEVER)
        found[back] = k - death[back]
    watched = death > 0
    return _compared(found[watched], predicted[watched])


def with_decay(start: np.ndarray, of_w1: float, of_b1: float) -> Returns:
    """Compare when decay of w1 and of b1 brings dead neurons back with the closed form of `decay_revival`."""
    config = AdamW(RATE, weight_decay=np.array([[of_w1], [of_b1], [0.0], [0.0]]))
    predicted = decay_revival(start, POPULATION, RATE * of_w1, RATE * of_b1)
    theta, state, found = start, init(config, start), np.full(start.shape[1], NEVER)
    for k in range(1, LONGEST + 1):
        theta, state = update(config, gradient(theta, POPULATION), state, theta, config.lr)
        found[(found == NEVER) & (activity(theta, POPULATION) != DEAD)] = k
    return _compared(found, predicted)


def hyperactive_returns(n: int, t_end: float = 5.0) -> dict[str, Any]:
    """Follow random hyperactive starts of the flow: which are balanced then, which trapped, and which of
    these return."""
    rng = np.random.default_rng(3)
    w1, w2, b2 = rng.normal(size=(3, n))
    start = np.stack([w1, np.abs(w1) * (1.0 + rng.exponential(1.0, n)), w2, b2])
    middle = integrate_ensemble(start, POPULATION, t_end, rtol=1e-5).final
    held = np.asarray(trapped(middle, POPULATION))
    end = integrate_ensemble(middle[:, held], POPULATION, t_end, rtol=1e-5).final
    return {
        "starts": n,
        "t": t_end,
        "balanced_again": count(activity(middle, POPULATION) == BALANCED),
        "proved_trapped": count(held),
        "trapped_that_return": count(activity(end, POPULATION) == BALANCED),
    }


def _compared(found: np.ndarray, predicted: np.ndarray) -> Returns:
    """Count the steps that were found and predicted, within those watched."""
    predicted = np.where(predicted > LONGEST, NEVER, predicted)
    found = np.where(found > LONGEST, NEVER, found)
    counts = (count(mask) for mask in (found > 0, predicted > 0, found != predicted))
    return Returns(found.size, *counts)
