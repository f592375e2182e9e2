"""Observation 2: too large a learning rate can also kill the neuron (w1 = w2 = 1, b1 = 0, b2 = −1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import GD, Adam, train_arrays
from gradflow.ends import bracket
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron
from gradflow.study.claims.evidence import count, largest
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import (
    POPULATION,
    PUBLISHED_CONSTANT_LOSS,
    SAMPLE,
    SETTINGS,
    STEPS,
    curve,
    dead_or_not,
    death_step,
    ending,
    final,
    names,
    reference_losses,
)
from gradflow.study.claims.words import each, finding

START = Neuron(b2=-1.0)
WORKS, KILLS = 0.2, 0.4
"""The post's rates."""

EARLY = 200
"""Steps within which the first transient is over, at every rate looked at."""


def rate_that_works(quick: bool) -> Finding:
    """Train at 0.2, and at its neighbours."""
    neighbours = np.round(np.linspace(0.18, 0.22, 9 if quick else 41), 6)
    values = {}
    for label, problem, dtype in SETTINGS:
        run = final(START, problem, Adam(lr=np.array([WORKS, *neighbours])), dtype=dtype)
        at, *near = names(run.outcome)
        values[label] = {
            "outcome": at,
            "final_loss": float(run.loss[-1, 0]),
            "neighbours_that_reach_the_teacher": near.count("global") / len(near),
        }
    # "Can": a witness is enough. At this rate runs are chaotic, and an ulp of an input moves their bursts.
    reached = [entry["outcome"] == "global" for entry in values.values()]
    robust = all(entry["neighbours_that_reach_the_teacher"] == 1.0 for entry in values.values())
    return finding(
        by_rule(refuted=not any(reached), conditional=not (all(reached) and robust)),
        f"At rate 0.2 the loss after {STEPS} steps is {{losses}}. The rate is {{no}}a safe one: of the rates between 0.18 and 0.22, {{shares}} are at the teacher after {STEPS} steps{{others}}.",
        {"settings": values, "neighbours": [0.18, 0.22]},
        losses=each("{final_loss:.0e} ({label})", values),
        no="" if robust else "not ",
        shares=each("{neighbours_that_reach_the_teacher:.0%}", values),
        others="" if robust else "; the others are dead or back at a larger loss",
    )


def rate_that_kills(quick: bool) -> Finding:
    """Train at 0.4 and note when the neuron dies."""
    values = {}
    for label, problem, dtype in SETTINGS:
        run = final(START, problem, Adam(lr=KILLS), dtype=dtype)
        values[label] = {
            **ending(run),
            "dies_at_step": death_step(run.run),
            "best_constant": reference_losses(problem)["best_constant"],
        }
    dies = all(entry["outcome"] == "constant" and entry["dies_at_step"] for entry in values.values())
    return finding(
        by_rule(refuted=not dies),
        "At rate 0.4 the neuron dies at step {at}; the final loss, of the best constant, is {losses}.",
        {"settings": values, "published_loss": PUBLISHED_CONSTANT_LOSS},
        so=dies,
        at=each("{dies_at_step} ({label})", values),
        losses=each("{final_loss:.4f}", values),
    )


def rates_between(quick: bool) -> Finding:
    """Sweep the rate: who dies in the first transient, and who dies later."""
    rates = np.round(np.arange(0.05, 0.6001, 0.05 if quick else 0.01), 6)
    died: list[np.ndarray] = []
    values: dict[str, dict[str, Any]] = {}
    for label, problem, dtype in SETTINGS:
        run = final(START, problem, Adam(lr=rates), dtype=dtype)
        deaths = [death_step(run.run, (i,)) for i in range(rates.size)]
        died.append(np.array([step is not None for step in deaths]))
        early = [
            r for r, step in zip(rates.tolist(), deaths, strict=True) if step is not None and step <= EARLY
        ]
        values[label] = {
            "lowest_rate_killed_early": min(early, default=None),
            "every_higher_rate_is_killed_early": len(early) == count(rates >= min(early, default=np.inf)),
            "rates_killed_late": [
                r for r, step in zip(rates.tolist(), deaths, strict=True) if step is not None and step > EARLY
            ],
            "reach_the_teacher": names(run.outcome).count("global"),
            "rates": rates.size,
        }
    kills = all(entry["lowest_rate_killed_early"] is not None for entry in values.values())
    sharp = not any(entry["rates_killed_late"] for entry in values.values())
    settled = all(entry["every_higher_rate_is_killed_early"] for entry in values.values())
    return finding(
        by_rule(refuted=not kills, conditional=not (settled and sharp)),
        f"In the first transient (step <= {EARLY}) every rate from about {{early}} on kills{{exceptions}} ({', '.join(values)}). Later, up to step {STEPS}, the neuron dies at {{late}} of the "
        f"{rates.size} rates swept, lower ones. These depend on rounding: at {np.count_nonzero(died[0] != died[1])} rates the same 100 inputs kill in one precision and not in the other.",
        values,
        early=each("{lowest_rate_killed_early}", values),
        exceptions="" if settled else " (with exceptions)",
        late=each("{0}", [len(entry["rates_killed_late"]) for entry in values.values()]),
    )


def gradient_descent(quick: bool) -> Finding:
    """Do the same with plain GD."""
    run = final(START, SAMPLE, GD(lr=np.array([WORKS, KILLS])), 10_000)
    ends = names(run.outcome)

    def early_deaths(rate: np.ndarray) -> np.ndarray:
        run = train_arrays(START, SAMPLE, GD(lr=rate), EARLY)
        return dead_or_not([death_step(run, (i,)) is not None for i in range(rate.size)])

    kills = bracket(early_deaths, (0.2, 0.9), tol=1e-3 if quick else 1e-6, sections=300)
    step = death_step(train_arrays(START, SAMPLE, GD(lr=0.9), EARLY))
    return finding(
        by_rule(reproduced=ends == ["global", "constant"], conditional=step is not None, refuted=True),
        f"GD {{takes}} both rates (0.2: {ends[0]}, loss {float(run.loss[-1, 0]):.0e}; 0.4: {ends[1]}, {float(run.loss[-1, 1]):.0e}); it kills in the transient from rate {{kills_from_rate:.4f}} on (at 0.9 at step {step}).",
        {
            "outcomes": dict(zip(("0.2", "0.4"), ends, strict=True)),
            "kills_from_rate": kills.value,
            "kills_from_rate_uncertainty": kills.uncertainty,
            "dies_at_step_with_rate_0.9": step,
        },
        takes="takes" if ends == ["global", "global"] else "does not take",
    )


def once_dead_frozen(quick: bool) -> Finding:
    """Compare what happens after death under GD and under Adam."""
    gd, adam = curve(START, POPULATION, GD(lr=0.7), 2000), curve(START, SAMPLE, Adam(lr=0.4), 2000)
    gd_step, adam_step = death_step(gd.run), death_step(adam.run)
    if gd_step is None or adam_step is None:
        return Finding("open", "No neuron died in the runs that were to show it.")
    gd_moves = largest(gd.theta[gd_step:, :3] - gd.theta[gd_step, :3])
    adam_moves = adam.theta[-1, :3] - adam.theta[adam_step, :3]
    predicted = _drift(adam, adam_step, lr=0.4)
    agreement = largest(adam_moves - predicted) / largest(predicted)
    died, revived = _revivals(quick)
    return finding(
        by_rule(refuted=gd_moves, conditional=revived),
        "For GD, after its death at step {gd_dies_at_step} (rate 0.7) w1, b1 and w2 change by {gd_largest_move_after_death:.0g}. Not so for Adam: its momentum outlives the gradient, and "
        "after death at step {adam_dies_at_step} (rate 0.4) (w1, b1, w2) drifts by ({moves}), {as_predicted} the closed form of the decaying moments predicts (within {relative_difference:.0e}). "
        "The drift can carry a neuron back: of {adam_died} that died in a sweep of starts and rates, {adam_revived} came to life again.",
        {
            "gd_largest_move_after_death": gd_moves,
            "gd_dies_at_step": gd_step,
            "adam_dies_at_step": adam_step,
            "adam_drift_of_w1_b1_w2": adam_moves,
            "adam_drift_predicted": predicted,
            "relative_difference": agreement,
            "adam_died": died,
            "adam_revived": revived,
        },
        so=not gd_moves,
        moves=each("{0:+.3f}", adam_moves),
        as_predicted="as" if agreement < 1e-6 else "not as",
    )


def _drift(
    adam: Any, step: int, lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
) -> np.ndarray:
    """Return Adam's total displacement of (w1, b1, w2) after `step`, from which on their gradient is 0.

    m and v at that step follow from the recorded gradients; from there m decays by β1 and v by β2 a step:
    −η Σ_k β1^k m/(1 − β1^(n+k)) / (√(β2^k v/(1 − β2^(n+k))) + ε).
    """
    g = np.asarray(gradient(np.moveaxis(adam.theta[:step], 0, -1), SAMPLE))[:3]
    age = np.arange(step - 1, -1, -1)
    m = (1.0 - beta1) * np.sum(g * beta1**age, axis=1)
    v = (1.0 - beta2) * np.sum(g * g * beta2**age, axis=1)
    k = np.arange(1, 1000)[:, None]
    mean = beta1**k * m / (1.0 - beta1 ** (step + k))
    scale = np.sqrt(beta2**k * v / (1.0 - beta2 ** (step + k))) + eps
    return np.asarray(-lr * np.sum(mean / scale, axis=0))


def _revivals(quick: bool) -> tuple[int, int]:
    """Return how many neurons died under Adam in a sweep of starts and rates, and how many came back."""
    n = 12 if quick else 40
    b1 = np.linspace(-0.99, 0.9, n)[:, None]
    rates = np.linspace(0.02, 1.0, n)
    run = train_arrays(Neuron(b1=b1, b2=-1.0), POPULATION, Adam(lr=rates), 300)
    died = {event.index for event in run.events if event.event.endswith("-> dead")}
    revived = {event.index for event in run.events if event.event.startswith("dead ->")}
    return len(died), len(died & revived)
