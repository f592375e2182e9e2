"""Two practices the post connects to its Observation 1: no bias terms, and normalised data.

The post only says that the observation connects to them. That they keep neurons balanced is how it is read
here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradflow import field
from gradflow.base.arrays import Array, namespace
from gradflow.descent import train
from gradflow.field.baselines import best_line
from gradflow.field.kinds import PLAIN, Kind
from gradflow.field.kinds.kind import Evaluator
from gradflow.neuron.activity import ACTIVITIES, BALANCED, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.study.claims.ledger import Claim, Finding, Verdict, weakest
from gradflow.study.claims.single_neuron.settings import ADAM, POPULATION
from gradflow.study.claims.single_neuron.shares import size_of

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
            first, last = (
                np.asarray(activity(_plain(state), problem)) == BALANCED
                for state in (_first(start, kind), run.final)
            )
            loss = run.loss[-1]
            values[f"{name}, {label}"] = {
                "balanced_at_the_start": int(np.sum(first)),
                "of_them_balanced_at_the_end": int(np.sum(first & last)),
                "at_the_teacher": float(np.mean(loss <= 1e-3 * line)),
                "best_loss_over_line": float(np.min(loss) / line),
            }
    without = [entry for name, entry in values.items() if name.endswith("without biases")]
    biased = [entry for name, entry in values.items() if not name.endswith("without biases")]
    keeps = all(entry["of_them_balanced_at_the_end"] == entry["balanced_at_the_start"] for entry in without)
    driven = sum(entry["balanced_at_the_start"] - entry["of_them_balanced_at_the_end"] for entry in biased)
    misses = any(entry["at_the_teacher"] == 0.0 for entry in without)
    # "Can": one neuron that leaves is enough. "Keeps": not one may leave.
    can: Verdict = "reproduced" if driven else "refuted"
    return Finding(
        weakest(can, "reproduced" if keeps else "refuted"),
        f"Of the starts that are balanced, so are after {steps} steps of Adam, of {n} normal starts each: "
        + "; ".join(f"{name}: {_kept(entry)}" for name, entry in values.items())
        + f". With biases {driven} leave the balanced state. "
        + (
            "Without b1 none does: the breakpoint stays at 0, so that holds by definition as long as w1 is not 0. "
            if keeps
            else "Without biases some leave it as well. "
        )
        + "At the teacher: "
        + "; ".join(f"{name}: {entry['at_the_teacher']:.0%}" for name, entry in values.items())
        + ". "
        + (
            "The price is what can be learned: without biases a teacher that has some is out of reach."
            if misses
            else "No teacher was out of reach."
        ),
        values,
    )


def _kept(entry: dict[str, Any]) -> str:
    return f"{entry['of_them_balanced_at_the_end']} of {entry['balanced_at_the_start']}"


def _first(start: Neuron, kind: Kind) -> np.ndarray:
    """Return the starts in the parameters of a kind."""
    theta = np.stack(np.broadcast_arrays(*(np.asarray(value) for value in start)))
    return theta if len(kind.parameters) == 4 else theta[[0, 2]]


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
        balanced = first == BALANCED
        values[name] = {
            "balanced_at_the_start": int(np.sum(balanced)),
            "of_them_balanced_at_the_end": int(np.sum(balanced & (last == BALANCED))),
            "at_the_teacher": float(np.mean(run.loss[-1] <= 1e-3 * float(best_line(problem).loss))),
            **{f"{state}_at_the_end": float(np.mean(last == i)) for i, state in enumerate(ACTIVITIES)},
        }
    normal = values["inputs and targets normalised"]
    moved = {name: values[name] for name in problems if not name.endswith((" 0", "normalised"))}
    keeps = {name: _keeps_more(normal, entry) for name, entry in moved.items()}
    # With few starts, not to see a difference is not to see that there is none.
    verdict: Verdict = (
        "reproduced"
        if all(keeps.values())
        else "open"
        if quick
        else "conditional"
        if any(keeps.values())
        else "refuted"
    )
    reaches = [normal["at_the_teacher"] > entry["at_the_teacher"] for entry in moved.values()]
    return Finding(
        verdict,
        f"Normalised, {_kept(normal)} balanced starts stay balanced ({_share_kept(normal):.0%}): a larger share than if inputs or targets are moved, by more than two standard errors, in {sum(keeps.values())} of {len(keeps)} cases: "
        f"{', '.join(name for name, more in keeps.items() if more) or '(none)'}. Balanced at both ends, of those balanced at the start: "
        + "; ".join(f"{name} {_kept(entry)} ({_share_kept(entry):.0%})" for name, entry in values.items())
        + f". Of all {n} starts, balanced at the end: "
        + "; ".join(f"{name} {entry['balanced_at_the_end']:.0%}" for name, entry in values.items())
        + f". At the teacher, where normalising is better than {sum(reaches)} of {len(reaches)} of the moved ones: "
        + "; ".join(f"{name} {entry['at_the_teacher']:.0%}" for name, entry in values.items())
        + f". Setting: normal starts, {steps} steps of Adam at {config.lr}; the interval has length 2.",
        values,
    )


def _share_kept(entry: dict[str, Any]) -> float:
    return float(entry["of_them_balanced_at_the_end"] / max(1, entry["balanced_at_the_start"]))


def _keeps_more(normal: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Whether a larger share of the balanced stays so, by more than two standard errors."""
    shares = _share_kept(normal), _share_kept(entry)
    counts = normal["balanced_at_the_start"], entry["balanced_at_the_start"]
    if not min(counts):
        return False
    error = math.sqrt(sum(p * (1.0 - p) / count for p, count in zip(shares, counts, strict=True)))
    return shares[0] - shares[1] > 2.0 * error


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
        "Data bias drives neurons away from the balanced state: whitening inputs and normalising representations helps them to stay there.",
        data_bias,
    ),
)
