"""Two practices the post connects to its Observation 1: no bias terms, and normalised data.

The post only says that the observation connects to them. That they keep neurons balanced is how it is read
here.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np

from gradflow import field
from gradflow.base.arrays import Array, namespace
from gradflow.descent import train_arrays
from gradflow.field.baselines import best_line
from gradflow.field.kinds import PLAIN, Kind
from gradflow.field.kinds.kind import Evaluator
from gradflow.neuron.activity import ACTIVITIES, BALANCED, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.study.claims.evidence import count, share
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import ADAM, POPULATION
from gradflow.study.claims.single_neuron.shares import size_of
from gradflow.study.claims.words import each, finding


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


class Kept(NamedTuple):
    """How many starts were balanced, how many of these are so in the end, and what share is at the teacher."""

    balanced_at_the_start: int
    of_them_balanced_at_the_end: int
    at_the_teacher: float

    @property
    def left(self) -> int:
        """How many have left the balanced state."""
        return self.balanced_at_the_start - self.of_them_balanced_at_the_end

    @property
    def kept(self) -> float:
        """The share that is still balanced."""
        return self.of_them_balanced_at_the_end / max(1, self.balanced_at_the_start)


def kept(first: np.ndarray, last: np.ndarray, loss: np.ndarray, problem: Problem) -> Kept:
    """Return what became of starts, from the activities at the start and at the end and the last losses."""
    balanced = first == BALANCED
    there = loss <= 1e-3 * float(best_line(problem).loss)
    return Kept(count(balanced), count(balanced & (last == BALANCED)), share(there))


KEPT = "{label}: {of_them_balanced_at_the_end} of {balanced_at_the_start}"


def model_bias(quick: bool) -> Finding:
    """Train with and without biases, from random weights, for teachers with and without biases."""
    rate, steps = size_of(quick).adam
    n = 100 if quick else 1000
    w1, w2, b1, b2 = np.random.default_rng(0).standard_normal((4, n))
    teachers = {
        "teacher without biases": POPULATION,
        "teacher that bends at 1/2": Problem(Neuron(1.0, -0.5, 1.0, 0.0)),
        "teacher with output bias 1/2": Problem(Neuron(1.0, 0.0, 1.0, 0.5)),
    }
    starts = {
        "with biases": (PLAIN, Neuron(w1, b1, w2, b2)),
        "biases from 0": (PLAIN, Neuron(w1, 0.0, w2, 0.0)),
        "without biases": (UNBIASED, Neuron(w1, 0.0, w2, 0.0)),
    }
    rows: dict[str, Kept] = {}
    least: dict[str, float] = {}
    for (name, problem), (label, (kind, start)) in product(teachers.items(), starts.items()):
        config = ADAM._replace(lr=rate)
        run = train_arrays(
            start, problem, config, steps, events=False, first_change=False, kind=kind, backend="numpy"
        )
        first, last = (activity(_plain(state), problem) for state in (_first(start, kind), run.final))
        rows[f"{name}, {label}"] = kept(np.asarray(first), np.asarray(last), run.loss[-1], problem)
        least[f"{name}, {label}"] = float(np.min(run.loss[-1]) / float(best_line(problem).loss))
    without = [row for name, row in rows.items() if name.endswith("without biases")]
    driven = sum(row.left for name, row in rows.items() if not name.endswith("without biases"))
    keeps = not any(row.left for row in without)
    return finding(
        # "Can": one neuron that leaves is enough. "Keeps": not one may leave.
        by_rule(refuted=not (driven and keeps)),
        f"Of the starts that are balanced, so are after {steps} steps of Adam, of {n} normal starts each: {{kept}}. With biases {driven} leave the balanced state. {{keeps}} At the teacher: {{there}}. {{price}}",
        {name: {**row._asdict(), "best_loss_over_line": least[name]} for name, row in rows.items()},
        kept=each(KEPT, rows, "; "),
        keeps="Without b1 none does: the breakpoint stays at 0, so that holds by definition as long as w1 is not 0."
        if keeps
        else "Without biases some leave it as well.",
        there=each("{label}: {at_the_teacher:.0%}", rows, "; "),
        price="The price is what can be learned: without biases a teacher that has some is out of reach."
        if any(row.at_the_teacher == 0.0 for row in without)
        else "No teacher was out of reach.",
    )


def _first(start: Neuron, kind: Kind) -> np.ndarray:
    """Return the starts in the parameters of a kind."""
    theta = np.stack(np.broadcast_arrays(*(np.asarray(value) for value in start)))
    return theta if len(kind.parameters) == 4 else theta[[0, 2]]


def _plain(final: np.ndarray) -> np.ndarray:
    return np.asarray(final if final.shape[0] == 4 else _without(final))


def data_bias(quick: bool) -> Finding:
    """Move the inputs and the targets off 0, and normalise them again."""
    rate, steps = size_of(quick).adam
    n = 1000
    start = Neuron(*np.random.default_rng(0).standard_normal((4, n)))
    root, spread = math.sqrt(3.0), math.sqrt(5.0 / 48.0)
    # Normalised, every one of these problems is the same: mean 0 and variance 1 of input and target.
    normalised = Problem(Neuron(1.0 / root, 0.0, 1.0 / spread, -0.25 / spread), Uniform(-root, root))
    inputs = {c: Problem(Neuron(1.0, -c, 1.0, 0.0), Uniform(c - 1.0, c + 1.0)) for c in (0.0, 1.0, 2.0, 4.0)}
    targets = {c: Problem(Neuron(1.0, 0.0, 1.0, c)) for c in (1.0, 2.0, 4.0)}
    problems = {
        **{f"inputs moved by {c:g}": problem for c, problem in inputs.items()},
        **{f"targets moved by {c:g}": problem for c, problem in targets.items()},
        "inputs and targets normalised": normalised,
    }
    rows, ends = {}, {}
    for name, problem in problems.items():
        config = ADAM._replace(lr=rate)
        run = train_arrays(start, problem, config, steps, events=False, first_change=False, backend="numpy")
        first, last = (np.asarray(activity(state, problem)) for state in (np.stack(start), run.final))
        rows[name] = kept(first, last, run.loss[-1], problem)
        ends[name] = {f"{state}_at_the_end": share(last == i) for i, state in enumerate(ACTIVITIES)}
    normal = rows["inputs and targets normalised"]
    moved = {name: rows[name] for name in problems if not name.endswith((" 0", "normalised"))}
    keeps = {name: _keeps_more(normal, row) for name, row in moved.items()}
    better = sum(normal.at_the_teacher > row.at_the_teacher for row in moved.values())
    return finding(
        by_rule(reproduced=all(keeps.values()), conditional=any(keeps.values()), refuted=True),
        f"Normalised, {normal.of_them_balanced_at_the_end} of {normal.balanced_at_the_start} balanced starts stay balanced ({normal.kept:.0%}): a larger share than if inputs or targets are moved, by more than two standard errors, in {sum(keeps.values())} of {len(keeps)} cases: {{cases}}. "
        f"Balanced at both ends, of those balanced at the start: {{kept}}. Of all {n} starts, balanced at the end: {{balanced}}. At the teacher, where normalising is better than {better} of {len(moved)} of the moved ones: {{there}}. Setting: normal starts, {steps} steps of Adam at {rate}; "
        "the interval has length 2.",
        {name: {**row._asdict(), **ends[name]} for name, row in rows.items()},
        cases=each("{0}", [name for name, more in keeps.items() if more]),
        kept=each(
            "{label} {of_them_balanced_at_the_end} of {balanced_at_the_start} ({0.kept:.0%})", rows, "; "
        ),
        balanced=each("{label} {balanced_at_the_end:.0%}", ends, "; "),
        there=each("{label} {at_the_teacher:.0%}", rows, "; "),
    )


def _keeps_more(normal: Kept, row: Kept) -> bool:
    """Whether a larger share of the balanced stays so, by more than two standard errors."""
    both = (normal, row)
    if not all(one.balanced_at_the_start for one in both):
        return False
    error = math.sqrt(sum(one.kept * (1.0 - one.kept) / one.balanced_at_the_start for one in both))
    return normal.kept - row.kept > 2.0 * error
