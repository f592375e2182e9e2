"""Observation 2: too large a learning rate can also kill the neuron (w1 = w2 = 1, b1 = 0, b2 = −1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import GD, Adam, train
from gradflow.ends import bracket
from gradflow.ends.outcome import CONSTANT, GLOBAL
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.claims.single_neuron.settings import (
    POPULATION,
    PUBLISHED_CONSTANT_LOSS,
    SAMPLE,
    SETTINGS,
    STEPS,
    curve,
    death_step,
    final,
    names,
    reference_losses,
)

SOURCE = "Liu 2026, Observation 2"
QUESTIONS = "Liu 2026, Observation 2: questions it raises"
START = Neuron(b2=-1.0)
WORKS, KILLS = 0.2, 0.4
"""The post's rates."""

EARLY = 200
"""Steps within which the first transient is over, at every rate looked at."""


def rate_that_works(quick: bool) -> Finding:
    """Train at 0.2, and at its neighbours."""
    neighbours = np.round(np.linspace(0.18, 0.22, 9 if quick else 41), 6)
    values: dict[str, Any] = {}
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
    return Finding(
        "reproduced" if all(reached) and robust else "conditional" if any(reached) else "refuted",
        f"At rate 0.2 the loss after {STEPS} steps is "
        + ", ".join(f"{entry['final_loss']:.0e} ({label})" for label, entry in values.items())
        + f". The rate is {'' if robust else 'not '}a safe one: of the rates between 0.18 and 0.22, "
        + ", ".join(f"{entry['neighbours_that_reach_the_teacher']:.0%}" for entry in values.values())
        + f" are at the teacher after {STEPS} steps"
        + ("." if robust else "; the others are dead or back at a larger loss."),
        {"settings": values, "neighbours": [0.18, 0.22]},
    )


def rate_that_kills(quick: bool) -> Finding:
    """Train at 0.4 and note when the neuron dies."""
    values: dict[str, Any] = {}
    for label, problem, dtype in SETTINGS:
        run = final(START, problem, Adam(lr=KILLS), dtype=dtype)
        values[label] = {
            "outcome": names(run.outcome)[0],
            "final_loss": float(run.loss[-1]),
            "dies_at_step": death_step(run.run),
            "best_constant": reference_losses(problem)["best_constant"],
        }
    dies = all(entry["outcome"] == "constant" and entry["dies_at_step"] for entry in values.values())
    return Finding(
        "reproduced" if dies else "refuted",
        ("" if dies else "Not so in every setting: ")
        + "At rate 0.4 the neuron dies at step "
        + ", ".join(f"{entry['dies_at_step']} ({label})" for label, entry in values.items())
        + f"; the final loss is {'that of the best constant, ' if dies else ''}"
        + ", ".join(f"{entry['final_loss']:.4f}" for entry in values.values())
        + ".",
        {"settings": values, "published_loss": PUBLISHED_CONSTANT_LOSS},
    )


def rates_between(quick: bool) -> Finding:
    """Sweep the rate: who dies in the first transient, and who dies later."""
    died: dict[str, np.ndarray] = {}
    rates = np.round(np.arange(0.05, 0.6001, 0.05 if quick else 0.01), 6)
    values: dict[str, Any] = {}
    for label, problem, dtype in SETTINGS:
        run = final(START, problem, Adam(lr=rates), dtype=dtype)
        deaths = [death_step(run.run, (i,)) for i in range(rates.size)]
        died[label] = np.array([step is not None for step in deaths])
        early = [
            float(r) for r, step in zip(rates, deaths, strict=True) if step is not None and step <= EARLY
        ]
        late = [float(r) for r, step in zip(rates, deaths, strict=True) if step is not None and step > EARLY]
        values[label] = {
            "lowest_rate_killed_early": min(early, default=None),
            "every_higher_rate_is_killed_early": len(early)
            == int(np.sum(rates >= min(early, default=np.inf))),
            "rates_killed_late": late,
            "reach_the_teacher": names(run.outcome).count("global"),
            "rates": rates.size,
        }
    disagree = int(np.count_nonzero(died[SETTINGS[0][0]] != died[SETTINGS[1][0]]))
    kills = all(entry["lowest_rate_killed_early"] is not None for entry in values.values())
    sharp = not any(entry["rates_killed_late"] for entry in values.values())
    early_rates = [entry["lowest_rate_killed_early"] for entry in values.values()]
    settled = all(entry["every_higher_rate_is_killed_early"] for entry in values.values())
    return Finding(
        "refuted" if not kills else "reproduced" if settled and sharp else "conditional",
        f"In the first transient (step <= {EARLY}) every rate from about "
        + ", ".join(f"{rate}" for rate in early_rates)
        + " on kills"
        + ("" if settled else " (with exceptions)")
        + f" ({', '.join(values)}). Later, up to step {STEPS}, the neuron dies at "
        + ", ".join(str(len(entry["rates_killed_late"])) for entry in values.values())
        + f" of the {rates.size} rates swept, lower ones. These depend on rounding: at {disagree} rates the same 100 inputs kill "
        "in one precision and not in the other.",
        values,
    )


def gradient_descent(quick: bool) -> Finding:
    """Do the same with plain GD."""
    rates = np.array([WORKS, KILLS])
    run = final(START, SAMPLE, GD(lr=rates), 10_000)
    ends = names(run.outcome)

    def early_deaths(rate: np.ndarray) -> np.ndarray:
        run = train(START, SAMPLE, GD(lr=rate), EARLY)
        dead = [death_step(run, (i,)) is not None for i in range(rate.size)]
        return np.where(dead, CONSTANT, GLOBAL)

    kills = bracket(early_deaths, (0.2, 0.9), tol=1e-3 if quick else 1e-6, sections=300)
    step = death_step(train(START, SAMPLE, GD(lr=0.9), EARLY))
    works, same = ends == ["global", "global"], ends == ["global", "constant"]
    return Finding(
        "reproduced" if same else "conditional" if step is not None else "refuted",
        f"GD {'takes' if works else 'does not take'} both rates (0.2: {ends[0]}, loss {float(run.loss[-1, 0]):.0e}; 0.4: {ends[1]}, "
        f"{float(run.loss[-1, 1]):.0e}); it kills in the transient from rate {kills.value:.4f} on "
        f"(at 0.9 at step {step}).",
        {
            "outcomes": dict(zip(("0.2", "0.4"), ends, strict=True)),
            "kills_from_rate": kills.value,
            "kills_from_rate_uncertainty": kills.uncertainty,
            "dies_at_step_with_rate_0.9": step,
        },
    )


def once_dead_frozen(quick: bool) -> Finding:
    """Compare what happens after death under GD and under Adam."""
    gd = curve(START, POPULATION, GD(lr=0.7), 2000)
    gd_step = death_step(gd.run)
    adam = curve(START, SAMPLE, Adam(lr=0.4), 2000)
    adam_step = death_step(adam.run)
    if gd_step is None or adam_step is None:
        return Finding("open", "No neuron died in the runs that were to show it.")
    gd_moves = float(np.max(np.abs(gd.theta[gd_step:, :3] - gd.theta[gd_step, :3])))
    adam_moves = adam.theta[-1, :3] - adam.theta[adam_step, :3]
    predicted = _drift(adam, adam_step, lr=0.4)
    agreement = float(np.max(np.abs(adam_moves - predicted)) / np.max(np.abs(predicted)))
    died, revived = _revivals(quick)
    return Finding(
        "conditional" if gd_moves == 0.0 and revived else "reproduced" if gd_moves == 0.0 else "refuted",
        f"{'True' if gd_moves == 0.0 else 'Not true'} for GD: after its death at step {gd_step} (rate 0.7) w1, b1 and w2 change by {gd_moves:.0g}. Not so for Adam: "
        f"its momentum outlives the gradient, and after death at step {adam_step} (rate 0.4) (w1, b1, w2) drifts by "
        f"({', '.join(f'{move:+.3f}' for move in adam_moves)}), {'as' if agreement < 1e-6 else 'not as'} the closed form of the "
        f"decaying moments predicts (within {agreement:.0e}). The drift can carry a neuron back: of {died} that died in a sweep of starts and rates, {revived} "
        "came to life again.",
        {
            "gd_largest_move_after_death": gd_moves,
            "gd_dies_at_step": gd_step,
            "adam_dies_at_step": adam_step,
            "adam_drift_of_w1_b1_w2": [float(v) for v in adam_moves],
            "adam_drift_predicted": [float(v) for v in predicted],
            "relative_difference": agreement,
            "adam_died": died,
            "adam_revived": revived,
        },
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
    run = train(Neuron(b1=b1, b2=-1.0), POPULATION, Adam(lr=rates), 300)
    died = {event.index for event in run.events if event.event.endswith("-> dead")}
    revived = {event.index for event in run.events if event.event.startswith("dead ->")}
    return len(died), len(died & revived)


CLAIMS = (
    Claim("obs2.lr-0.2", SOURCE, "When LR = 0.2 the loss can be optimized to zero.", rate_that_works),
    Claim(
        "obs2.lr-0.4",
        SOURCE,
        "When LR = 0.4 the loss only reaches 0.1, because the neuron becomes dead.",
        rate_that_kills,
    ),
    Claim(
        "obs2.between",
        QUESTIONS,
        "Too large a learning rate kills the neuron: which rates do?",
        rates_between,
    ),
    Claim(
        "obs2.gd", QUESTIONS, "Too large a learning rate kills the neuron under GD as well.", gradient_descent
    ),
    Claim(
        "obs2.frozen",
        SOURCE,
        "Once dead, neurons are hard (or impossible) to bring back.",
        once_dead_frozen,
    ),
)
