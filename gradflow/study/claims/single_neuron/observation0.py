"""Observation 0: large |b1| leads to local minima (w1 = w2 = 1, b2 = 0)."""

from __future__ import annotations

from functools import partial

import numpy as np

from gradflow.ends import Threshold, bracket, descent_outcomes, flow_outcomes
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.claims.single_neuron.settings import (
    ADAM,
    CONSTANT_LOSS,
    LINE_LOSS,
    POPULATION,
    PUBLISHED_CONSTANT_LOSS,
    PUBLISHED_LINE_LOSS,
    SAMPLE,
    STEPS,
    final,
    names,
    reference_losses,
)

SOURCE = "Liu 2026, Observation 0"
QUESTIONS = "Liu 2026, Observation 0: questions it raises"


def hyperactive_start(quick: bool) -> Finding:
    """Start hyperactive under Adam, on the post's grid and on the population, and under the flow."""
    b1 = np.linspace(1.02, 2.5, 8 if quick else 38)
    on_sample, on_population = final(Neuron(b1=b1), SAMPLE), final(Neuron(b1=b1), POPULATION)
    flow = names(flow_outcomes(Neuron(b1=b1[:: 4 if quick else 6]), POPULATION))
    line = reference_losses(SAMPLE)["best_line"]
    stuck = {*names(on_sample.outcome), *names(on_population.outcome)} == {"linear"}
    losses = on_population.loss[-1]
    exact = bool(np.max(np.abs(losses - LINE_LOSS)) < 1e-6)
    return Finding(
        "reproduced" if stuck and exact else "refuted",
        f"Under Adam {'' if stuck and exact else 'not '}all {b1.size} starts with 1 < b1 <= 2.5 end on the best line: loss "
        f"1/48 = {LINE_LOSS:.6f} on the population (within {np.max(np.abs(losses - LINE_LOSS)):.1e}), {line:.6f} on 100 inputs. The flow is more "
        f"forgiving: {flow.count('global')} of {len(flow)} of these starts return to the teacher (see obs0.thresholds).",
        {
            "published_loss": PUBLISHED_LINE_LOSS,
            "exact_loss_population": LINE_LOSS,
            "final_loss_population": [float(losses.min()), float(losses.max())],
            "final_loss_sample": [float(on_sample.loss[-1].min()), float(on_sample.loss[-1].max())],
            "best_line_sample": line,
            "b1": [float(b1[0]), float(b1[-1])],
            "outcomes_flow": flow,
        },
    )


def dead_start(quick: bool) -> Finding:
    """Start dead under Adam and under the flow."""
    b1 = np.linspace(-2.5, -1.0, 8 if quick else 31)
    on_sample, on_population = final(Neuron(b1=b1), SAMPLE), final(Neuron(b1=b1), POPULATION)
    flow = set(names(flow_outcomes(Neuron(b1=b1), POPULATION)))
    losses = on_population.loss[-1]
    constant = reference_losses(SAMPLE)["best_constant"]
    outcomes = {*names(on_sample.outcome), *names(on_population.outcome), *flow}
    moved = float(np.max(np.abs(on_population.theta[-1, :3] - on_population.theta[0, :3])))
    exact = bool(np.max(np.abs(losses - CONSTANT_LOSS)) < 1e-6)
    holds = outcomes == {"constant"} and exact and moved == 0.0
    return Finding(
        "reproduced" if holds else "refuted",
        f"{'All' if holds else 'Not all'} {b1.size} starts with -2.5 <= b1 <= -1 stay dead under Adam and the flow; w1, b1 and w2 do not move at "
        f"all and b2 goes to 1/4: loss 5/48 = {CONSTANT_LOSS:.6f} on the population, {constant:.6f} on 100 inputs.",
        {
            "published_loss": PUBLISHED_CONSTANT_LOSS,
            "exact_loss_population": CONSTANT_LOSS,
            "final_loss_population": [float(losses.min()), float(losses.max())],
            "final_loss_sample": [float(on_sample.loss[-1].min()), float(on_sample.loss[-1].max())],
            "best_constant_sample": constant,
            "largest_move_of_w1_b1_w2": moved,
        },
    )


def thresholds(quick: bool) -> Finding:
    """Locate where in b1 the outcome changes, for Adam on the grid and the population, and for the flow."""
    tol = 1e-3 if quick else 1e-5

    def adam(b1: np.ndarray, problem: Problem) -> np.ndarray:
        return descent_outcomes(Neuron(b1=b1), problem, ADAM, STEPS)

    def flow(b1: np.ndarray) -> np.ndarray:
        return flow_outcomes(Neuron(b1=b1), POPULATION)

    upper = {
        "adam_100_inputs": bracket(partial(adam, problem=SAMPLE), (0.5, 1.5), tol=tol, sections=100),
        "adam_population": bracket(partial(adam, problem=POPULATION), (0.5, 1.5), tol=tol, sections=1000),
        "flow": bracket(flow, (0.5, 1.5), tol=1e-4 if quick else 1e-6),
    }
    lower = {
        "adam_100_inputs": bracket(partial(adam, problem=SAMPLE), (-1.05, -0.95), tol=10 * tol, sections=100),
        "adam_population": bracket(
            partial(adam, problem=POPULATION), (-1.05, -0.95), tol=10 * tol, sections=1000
        ),
        "flow": bracket(flow, (-1.5, -0.5), tol=1e-4 if quick else 1e-6),
    }
    at_one = all(abs(t.value - 1.0) <= t.uncertainty for t in upper.values())
    at_minus_one = all(abs(t.value + 1.0) <= max(t.uncertainty, tol) for t in lower.values())
    return Finding(
        "reproduced" if at_one and at_minus_one else "conditional" if at_one or at_minus_one else "refuted",
        f"The lower threshold is {'' if at_minus_one else 'not '}b1 = -1 for all three dynamics. The upper one is "
        f"{'' if at_one else 'not '}1: Adam loses starts from b1 = {upper['adam_100_inputs'].value:.4f} on 100 inputs and "
        f"{upper['adam_population'].value:.4f} on the population on (below 1 they are still balanced); the flow reaches "
        f"the teacher up to {upper['flow'].value:.6f} (above 1 it rescues hyperactive ones).",
        {
            "upper": {k: as_dict(t) for k, t in upper.items()},
            "lower": {k: as_dict(t) for k, t in lower.items()},
        },
    )


def as_dict(threshold: Threshold) -> dict[str, float | str]:
    """Return a threshold as plain data."""
    return dict(threshold._asdict())


CLAIMS = (
    Claim(
        "obs0.hyperactive",
        SOURCE,
        "When b1 > 1 the neuron is initialized hyperactive and the loss gets stuck around 0.02 (linear regression).",
        hyperactive_start,
    ),
    Claim(
        "obs0.dead",
        SOURCE,
        "When b1 < -1 the neuron is initialized dead and the loss gets stuck around 0.1 (a constant).",
        dead_start,
    ),
    Claim(
        "obs0.thresholds",
        QUESTIONS,
        "The outcome changes where the initial activity does: at b1 = -1 and b1 = 1.",
        thresholds,
    ),
)
