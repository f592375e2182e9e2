"""Observation 0: large |b1| leads to local minima (w1 = w2 = 1, b2 = 0)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gradflow.ends import Decide, bracket, descent_outcomes, flow_outcomes
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.evidence import largest
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import (
    ADAM,
    CONSTANT_LOSS,
    LINE_LOSS,
    POPULATION,
    PUBLISHED_CONSTANT_LOSS,
    PUBLISHED_LINE_LOSS,
    SAMPLE,
    STEPS,
    RecordedRun,
    final,
    names,
    reference_losses,
)
from gradflow.study.claims.words import finding


def hyperactive_start(quick: bool) -> Finding:
    """Start hyperactive under Adam, on the post's grid and on the population, and under the flow."""
    b1 = np.linspace(1.02, 2.5, 8 if quick else 38)
    on_sample, on_population = (final(Neuron(b1=b1), problem) for problem in (SAMPLE, POPULATION))
    flow = names(flow_outcomes(Neuron(b1=b1[:: 4 if quick else 6]), POPULATION))
    stuck = {*names(on_sample.outcome), *names(on_population.outcome)} == {"linear"}
    off = largest(on_population.loss[-1] - LINE_LOSS)
    holds = stuck and off < 1e-6
    return finding(
        by_rule(refuted=not holds),
        f"Under Adam all {b1.size} starts with 1 < b1 <= 2.5 end on the best line: loss 1/48 = {{exact_loss_population:.6f}} on the population (within {off:.1e}), "
        "{best_line_sample:.6f} on 100 inputs. The flow is more forgiving: "
        f"{flow.count('global')} of {len(flow)} of these starts return to the teacher (see obs0.thresholds).",
        {
            "published_loss": PUBLISHED_LINE_LOSS,
            "exact_loss_population": LINE_LOSS,
            **_final_losses(on_population, on_sample),
            "best_line_sample": reference_losses(SAMPLE)["best_line"],
            "b1": [float(b1[0]), float(b1[-1])],
            "outcomes_flow": flow,
        },
        so=holds,
    )


def dead_start(quick: bool) -> Finding:
    """Start dead under Adam and under the flow."""
    b1 = np.linspace(-2.5, -1.0, 8 if quick else 31)
    on_sample, on_population = (final(Neuron(b1=b1), problem) for problem in (SAMPLE, POPULATION))
    flow = names(flow_outcomes(Neuron(b1=b1), POPULATION))
    outcomes = {*names(on_sample.outcome), *names(on_population.outcome), *flow}
    moved = largest(on_population.theta[-1, :3] - on_population.theta[0, :3])
    exact = largest(on_population.loss[-1] - CONSTANT_LOSS) < 1e-6
    holds = outcomes == {"constant"} and exact and moved == 0.0
    return finding(
        by_rule(refuted=not holds),
        f"All {b1.size} starts with -2.5 <= b1 <= -1 stay dead under Adam and the flow; w1, b1 and w2 do not move at all and b2 goes to 1/4: "
        "loss 5/48 = {exact_loss_population:.6f} on the population, {best_constant_sample:.6f} on 100 inputs.",
        {
            "published_loss": PUBLISHED_CONSTANT_LOSS,
            "exact_loss_population": CONSTANT_LOSS,
            **_final_losses(on_population, on_sample),
            "best_constant_sample": reference_losses(SAMPLE)["best_constant"],
            "largest_move_of_w1_b1_w2": moved,
        },
        so=holds,
    )


def _final_losses(on_population: RecordedRun, on_sample: RecordedRun) -> dict[str, Any]:
    runs = {"population": on_population.loss[-1], "sample": on_sample.loss[-1]}
    return {f"final_loss_{name}": [float(loss.min()), float(loss.max())] for name, loss in runs.items()}


def thresholds(quick: bool) -> Finding:
    """Locate where in b1 the outcome changes, for Adam on the grid and the population, and for the flow."""
    tol, of_flow = (1e-3, 1e-4) if quick else (1e-5, 1e-6)

    def adam(problem: Problem) -> Decide:
        return lambda b1: descent_outcomes(Neuron(b1=b1), problem, ADAM, STEPS)

    def flow(b1: np.ndarray) -> np.ndarray:
        return flow_outcomes(Neuron(b1=b1), POPULATION)

    under: dict[str, Any] = {
        "adam_100_inputs": partial(bracket, adam(SAMPLE), sections=100),
        "adam_population": partial(bracket, adam(POPULATION), sections=1000),
    }
    upper = {name: at((0.5, 1.5), tol=tol) for name, at in under.items()}
    upper["flow"] = bracket(flow, (0.5, 1.5), tol=of_flow)
    lower = {name: at((-1.05, -0.95), tol=10 * tol) for name, at in under.items()}
    lower["flow"] = bracket(flow, (-1.5, -0.5), tol=of_flow)
    at_one = all(abs(t.value - 1.0) <= t.uncertainty for t in upper.values())
    at_minus_one = all(abs(t.value + 1.0) <= max(t.uncertainty, tol) for t in lower.values())
    return finding(
        by_rule(refuted=not (at_one or at_minus_one), conditional=not (at_one and at_minus_one)),
        "The lower threshold is {low}b1 = -1 for all three dynamics. The upper one is {high}1: Adam loses starts from b1 = {upper[adam_100_inputs].value:.4f} on 100 "
        "inputs and {upper[adam_population].value:.4f} on the population on (below 1 they are still balanced); the flow reaches the teacher up to {upper[flow].value:.6f} (above 1 it rescues hyperactive ones).",
        {"upper": upper, "lower": lower},
        low="" if at_minus_one else "not ",
        high="" if at_one else "not ",
    )
