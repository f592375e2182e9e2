"""Two practices the post connects to its Observation 1: no bias terms, and normalised data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradflow import field
from gradflow.activity import ACTIVITIES, BALANCED, activity
from gradflow.backend import Array, namespace
from gradflow.claims.ledger import Claim, Finding
from gradflow.claims.single_neuron.settings import ADAM, POPULATION
from gradflow.claims.single_neuron.shares import size_of
from gradflow.descent import train
from gradflow.field.baselines import best_line
from gradflow.neurons import PLAIN, Kind
from gradflow.neurons.kind import Evaluator
from gradflow.problem import Neuron, Problem, Uniform

SOURCE = "Liu 2026, Observation 1: practices"


def _without(theta: Array) -> Array:
    """Return (w1, 0, w2, 0) for (w1, w2)."""
    none = namespace(theta).zeros_like(theta[0, ...])
    return namespace(theta).stack((theta[0, ...], none, theta[1, ...], none))


def _weights(theta: Array, problem: Problem) -> Array:
    return namespace(theta).stack((theta[0, ...], theta[2, ...]))


def _line(psi: Array, problem: Problem) -> tuple[Array, Array]:
    return psi[0, ...], namespace(psi).zeros_like(psi[0, ...])


def _evaluator(problem: Problem, like: Array) -> Evaluator:
    plain = field.evaluator(problem, like)

    def both(psi: Array) -> tuple[Array, Array]:
        value, g = plain.loss_and_gradient(_without(psi))
        return value, _weights(g, problem)

    return Evaluator(lambda psi: plain.loss(_without(psi)), lambda psi: both(psi)[1], both)


UNBIASED = Kind("unbiased", ("w1", "w2"), _weights, _evaluator, _line)
"""f(x) = w2 φ(w1 x): b1 and b2 are 0 and not learned."""


def model_bias(quick: bool) -> Finding:
    """Train with and without biases, from random weights, for teachers with and without biases."""
    steps = size_of(quick).adam[1]
    config = ADAM._replace(lr=size_of(quick).adam[0])
    rng = np.random.default_rng(0)
    n = 100 if quick else 1000
    w1, w2, b1, b2 = rng.standard_normal((4, n))
    teachers = {
        "teacher without biases": POPULATION,
        "teacher that bends at 1/2": Problem(Neuron(1.0, -0.5, 1.0, 0.0)),
        "teacher with output bias 1/2": Problem(Neuron(1.0, 0.0, 1.0, 0.5)),
    }
    values: dict[str, Any] = {}
    for name, problem in teachers.items():
        line = float(best_line(problem).loss)
        for label, kind, start in (
            ("with biases", PLAIN, Neuron(w1, b1, w2, b2)),
            ("biases from 0", PLAIN, Neuron(w1, 0.0, w2, 0.0)),
            ("without biases", UNBIASED, Neuron(w1, 0.0, w2, 0.0)),
        ):
            run = train(
                start,
                problem,
                config,
                steps,
                events=False,
                first_change=False,
                kind=kind,
                backend="numpy",
            )
            state = np.asarray(activity(_plain(run.final), problem))
            loss = run.loss[-1]
            values[f"{name}, {label}"] = {
                "balanced_at_the_end": float(np.mean(state == BALANCED)),
                "at_the_teacher": float(np.mean(loss <= 1e-3 * line)),
                "best_loss_over_line": float(np.min(loss) / line),
            }
    without = [entry for name, entry in values.items() if name.endswith("without biases")]
    biased = [entry for name, entry in values.items() if not name.endswith("without biases")]
    keeps = all(entry["balanced_at_the_end"] == 1.0 for entry in without)
    drives = any(entry["balanced_at_the_end"] < 1.0 for entry in biased)
    misses = any(entry["at_the_teacher"] == 0.0 for entry in without)

    def described(measure: str) -> str:
        return "; ".join(f"{name}: {entry[measure]:.0%}" for name, entry in values.items())

    return Finding(
        "refuted" if not (keeps and drives) else "conditional" if misses else "reproduced",
        f"Balanced after {steps} steps of Adam, {n} normal starts: {described('balanced_at_the_end')}. "
        + (
            "Without b1 the breakpoint stays at 0, so the neuron is balanced as long as w1 is not 0. "
            if keeps
            else ""
        )
        + f"At the teacher: {described('at_the_teacher')}. "
        + (
            "The price is what can be learned: without biases a teacher that has some is out of reach."
            if misses
            else "No teacher was out of reach."
        ),
        values,
    )


def _plain(final: np.ndarray) -> np.ndarray:
    return np.asarray(final if final.shape[0] == 4 else _without(final))


def data_bias(quick: bool) -> Finding:
    """Move the inputs and the targets off 0, and normalise them again."""
    size = size_of(quick)
    config, steps = ADAM._replace(lr=size.adam[0]), size.adam[1]
    n = 100 if quick else 1000
    rng = np.random.default_rng(0)
    start = Neuron(*rng.standard_normal((4, n)))
    offsets = (0.0, 1.0, 2.0, 4.0)
    root = math.sqrt(3.0)
    # Normalised, every one of these problems is the same: mean 0 and variance 1 of input and target.
    line = np.array([0.5, 0.25])
    spread = math.sqrt(5.0 / 48.0)
    normalised = Problem(Neuron(1.0 / root, 0.0, 1.0 / spread, -line[1] / spread), Uniform(-root, root))
    problems = {
        **{
            f"inputs moved by {c:g}": Problem(Neuron(1.0, -c, 1.0, 0.0), Uniform(c - 1.0, c + 1.0))
            for c in offsets
        },
        **{f"targets moved by {c:g}": Problem(Neuron(1.0, 0.0, 1.0, c)) for c in offsets[1:]},
        "inputs and targets normalised": normalised,
    }
    values: dict[str, Any] = {}
    for name, problem in problems.items():
        run = train(start, problem, config, steps, events=False, first_change=False, backend="numpy")
        first, last = (np.asarray(activity(state, problem)) for state in (np.stack(start), run.final))
        values[name] = {
            "balanced_at_the_start": float(np.mean(first == BALANCED)),
            "at_the_teacher": float(np.mean(run.loss[-1] <= 1e-3 * float(best_line(problem).loss))),
            **{f"{state}_at_the_end": float(np.mean(last == i)) for i, state in enumerate(ACTIVITIES)},
        }
    reach = {name: entry["at_the_teacher"] for name, entry in values.items()}
    moved = {name: share for name, share in reach.items() if not name.endswith((" 0", "normalised"))}
    inputs = [reach[f"inputs moved by {c:g}"] for c in offsets]
    targets = [reach[name] for name in moved if name.startswith("targets")]
    best = reach["inputs and targets normalised"]
    helps = [best > share for share in moved.values()]
    falls = inputs[-1] < inputs[0] and targets[-1] < inputs[0]
    return Finding(
        "reproduced" if all(helps) and falls else "conditional" if any(helps) else "refuted",
        "At the teacher: "
        + "; ".join(f"{name} {share:.0%}" for name, share in reach.items())
        + ". Balanced at the start: "
        + "; ".join(f"{name} {entry['balanced_at_the_start']:.0%}" for name, entry in values.items())
        + f". Normalising input and target is better than {sum(helps)} of {len(helps)} of the moved ones. "
        f"Setting: {n} normal starts, {steps} steps of Adam at {config.lr}; the interval has length 2.",
        values,
    )


CLAIMS = (
    Claim(
        "practice.model-bias",
        SOURCE,
        "Bias dynamics can drive neurons away from the balanced state: disabling bias terms keeps them there.",
        model_bias,
    ),
    Claim(
        "practice.data-bias",
        SOURCE,
        "Whitening inputs and normalising representations keeps neurons balanced.",
        data_bias,
    ),
)
