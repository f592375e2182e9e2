"""A remedy under the flow or an optimiser: where starts end, how fast, which are rescued and which lost."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.descent import train_arrays
from gradflow.ends import flow_run
from gradflow.ends.outcome import (
    CONSTANT,
    DIVERGED,
    GLOBAL,
    LINEAR,
    OUTCOMES,
    UNDECIDED,
    References,
    near,
    outcome,
    references,
)
from gradflow.field.baselines import adaptable
from gradflow.field.kinds.kind import PLAIN, Evaluator, Kind
from gradflow.flow.of_kind import flow
from gradflow.flow.status import DIVERGED as FLOW_DIVERGED
from gradflow.neuron.activity import BALANCED, activity
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.remedies.rows import REMEDIES, TEACHERS, Remedy

B1, B2 = (-2.5, 2.5), (-3.0, 3.0)
"""The square of starts, w1 = w2 = 1."""

LOW = 1e-6
"""The loss whose passing is timed."""

SLOW = 1e-6
"""|∇L| below which a neuron that could still move counts as resting; a smooth one may creep more slowly."""
SLOW_SMOOTH = 1e-10

LONGEST, MAX_STEPS = 1e4, 4000
"""The time to which flows are followed, and the steps after which they are left."""

RECORDS = 100

ENDS = (*OUTCOMES, "penalised")
PENALISED = len(OUTCOMES)
"""The outcomes, and one more: at the penalised minimum, where decay keeps a neuron that has learned."""

AS_LOW = 1.1
"""A loss up to this times that at which training from the teacher itself ends counts as the same end."""


class Method(NamedTuple):
    """The flow (rate 0), or "gd" or "adam" at a rate."""

    name: str
    rate: float = 0.0

    def __str__(self) -> str:
        return self.name if self.name == "flow" else f"{_WRITTEN[self.name]} {self.rate:g}"


_WRITTEN = {"gd": "GD", "adam": "Adam"}


METHODS = (
    Method("flow"),
    *(Method("gd", rate) for rate in (0.01, 0.1, 0.4)),
    *(Method("adam", rate) for rate in (0.001, 0.01, 0.1)),
)


class StartOutcomes(NamedTuple):
    """Outcomes of an array of starts.

    Attributes
    ----------
    outcome : array of int8
        Codes of `ENDS`, one a start. "penalised", for decay only, is what would be undecided, ended no
        higher than 1.1 times the loss that training from the teacher itself ends with, and below the best
        line's.
    time : array
        When the loss was first seen below 1e-6, NaN if never: a step (to 1 % of the run), or the flow's time.
    """

    outcome: np.ndarray
    time: np.ndarray

    def shares(self) -> dict[str, float]:
        """Return the share of the starts that ended in each way."""
        return {name: float(np.mean(self.outcome == code)) for code, name in enumerate(ENDS)}

    def median_time(self) -> float | None:
        """Return the median time of those whose loss went below 1e-6, None if none did."""
        reached = self.time[np.isfinite(self.time)]
        return float(np.median(reached)) if reached.size else None


def starts(n1: int, n2: int) -> Neuron:
    """Return a grid of n1 × n2 starts in the square, both ends included."""
    b1, b2 = np.meshgrid(np.linspace(*B1, n1), np.linspace(*B2, n2))
    return Neuron(np.ones_like(b1), b1, np.ones_like(b1), b2)


def measure(
    remedy: Remedy,
    methods: tuple[Method, ...],
    neuron: Neuron,
    steps: int,
    teachers: tuple[Neuron, ...] = TEACHERS[:1],
) -> tuple[dict[Method, StartOutcomes | None], ...]:
    """Return, for each teacher, what becomes of the starts under every method.

    None where a remedy has nothing to try. All teachers, and all rates of an optimiser, are run in one batch.
    """
    problem = remedy.task(
        Problem(Neuron(*(np.array(value)[:, None] for value in zip(*teachers, strict=True))))
    )
    shape = np.broadcast_shapes(*(np.shape(value) for value in neuron))
    begin = _with_teachers(remedy.start(neuron), problem, shape)
    cells: dict[Method, StartOutcomes | None] = {}
    for name in dict.fromkeys(method.name for method in methods):
        some = [method for method in methods if method.name == name]
        if name == "flow":
            cells[some[0]] = _flow(remedy, problem, begin, teachers) if remedy.changes_flow else None
        else:
            rates = np.array([method.rate for method in some])
            cells.update(zip(some, _train(remedy, problem, name, rates, begin, steps), strict=True))

    def one(cell: StartOutcomes | None, k: int) -> StartOutcomes | None:
        return cell and StartOutcomes(*(part[k, :-1].reshape(shape) for part in cell))

    return tuple({method: one(cell, k) for method, cell in cells.items()} for k in range(len(teachers)))


def _with_teachers(neuron: Neuron, problem: Problem, shape: tuple[int, ...]) -> Neuron:
    """Return the starts for each teacher, shape (teachers, starts + 1); the last is the teacher itself."""
    values = []
    for value, home in zip(neuron, problem.teacher, strict=True):
        flat = np.broadcast_to(value, shape).ravel()
        homes = np.broadcast_to(home, (np.shape(problem.teacher.w1)[0], 1))
        values.append(np.hstack([np.broadcast_to(flat, (len(homes), flat.size)), homes]))
    return Neuron(*values)


@cache
def by_id(name: str) -> Remedy:
    """Return a remedy by its id (ValueError if there is none)."""
    for remedy in REMEDIES:
        if remedy.id == name:
            return remedy
    raise ValueError(f"remedy: expected one of {', '.join(r.id for r in REMEDIES)}, got {name!r}")


def _ends(remedy: Remedy, psi: Array, problem: Problem, diverged: Array) -> np.ndarray:
    """Return outcome codes by the one rule for plain neurons, by `ends` for others and under decay."""
    if remedy.kind is PLAIN and remedy.penalty is None:
        return np.asarray(outcome(psi, problem, diverged))
    return ends(remedy.kind, psi, problem, diverged)


def ends(kind: Kind, psi: Array, problem: Problem, diverged: Array) -> np.ndarray:
    """Return the outcome codes of states of a kind of neuron, from loss, speed and activity.

    Near the best line's or the best constant's loss a neuron has ended there if it has no breakpoint on the
    input (a piecewise linear one) or rests. Only plain neurons are told to be at rest elsewhere
    (`gradflow.ends.outcome`): other kinds have no Hessian here to tell a minimum from a saddle.
    """
    psi = np.asarray(psi)
    with np.errstate(over="ignore", invalid="ignore"):
        value, g = kind.evaluator(problem, psi).loss_and_gradient(psi)
        speed = np.sqrt(np.sum(g * g, axis=0))
        is_near = near(value, References(*adaptable(*references(problem))))
        w1, b1 = kind.line(psi, problem)
        is_line = (np.asarray(activity(Neuron(w1, b1), problem)) != BALANCED) & problem.is_bent
    stays = is_line | (speed <= (SLOW if problem.is_bent else SLOW_SMOOTH))
    codes = np.full(value.shape, UNDECIDED, dtype=np.int8)
    codes[is_near.constant & stays] = CONSTANT
    codes[is_near.linear & stays] = LINEAR
    codes[is_near.zero] = GLOBAL
    codes[np.asarray(diverged) | ~np.isfinite(value)] = DIVERGED
    return codes


def _train(
    remedy: Remedy, problem: Problem, name: str, rates: np.ndarray, begin: Neuron, steps: int
) -> list[StartOutcomes | None]:
    config = remedy.optimizer(name, rates[:, None, None])
    if config is None:
        return [None] * rates.size
    run = train_arrays(
        begin, problem, config, steps, schedule=remedy.schedule(steps), kind=remedy.kind,
        modifiers=remedy.modifiers, record_every=max(1, steps // RECORDS), events=False, first_change=False,
    )  # fmt: skip
    codes = _ends(remedy, run.final, problem, run.diverged)
    if remedy.penalty is not None:
        codes = at_penalised_minimum(codes, np.asarray(run.loss[-1]), problem)
    below = run.loss < LOW
    time = np.where(np.any(below, axis=0), run.steps[np.argmax(below, axis=0)], np.nan)
    return [StartOutcomes(code, at) for code, at in zip(codes, time, strict=True)]


def _flow(remedy: Remedy, problem: Problem, begin: Neuron, teachers: tuple[Neuron, ...]) -> StartOutcomes:
    theta = np.stack(begin)
    if remedy.penalty is not None:
        kind = penalised(remedy.kind, remedy.penalty)
        run = flow(kind, begin, problem, LONGEST, below=LOW, max_steps=MAX_STEPS)
        codes = ends(kind, run.final, problem, run.status == FLOW_DIVERGED)
        with np.errstate(over="ignore", invalid="ignore"):
            value = kind.evaluator(problem, run.final).loss(run.final)
        return StartOutcomes(
            at_penalised_minimum(codes, np.asarray(value), problem), np.asarray(run.first_below)
        )
    # A loss this low is near 0, and under the flow stays so: nothing that follows would be another end.
    enough = bool(np.all(np.asarray(adaptable(references(problem).near_line)[0]) >= LOW))
    if remedy.kind is not PLAIN:
        run = flow(remedy.kind, begin, problem, LONGEST, below=LOW, stop_below=enough, max_steps=MAX_STEPS)
        codes = _ends(remedy, run.final, problem, run.status == FLOW_DIVERGED)
        return StartOutcomes(codes, np.asarray(run.first_below))
    codes = np.stack(
        [
            flow_run(Neuron(*some), remedy.task(Problem(teacher)), longest=LONGEST).outcome
            for some, teacher in zip(np.stack(begin, axis=1), teachers, strict=True)
        ]
    )
    # Only those that end global have a time to follow them to; the others' places are taken by the teacher.
    followed = np.where(codes == GLOBAL, theta, theta[..., -1:])
    run = flow(PLAIN, followed, problem, LONGEST, below=LOW, stop_below=enough, max_steps=MAX_STEPS)
    return StartOutcomes(codes, np.where(codes == GLOBAL, np.asarray(run.first_below), np.nan))


def at_penalised_minimum(codes: np.ndarray, value: np.ndarray, problem: Problem) -> np.ndarray:
    """Return the codes with `PENALISED` where a start ends as low as decay lets the teacher itself stay.

    Parameters
    ----------
    codes, value : array, shape (…, N)
        Ends and their losses; the last start is the teacher.
    """
    home = value[..., -1:]
    (line,) = adaptable(references(problem).line)
    learned = (codes[..., -1:] == UNDECIDED) & (home < line)
    same = (codes == UNDECIDED) & learned & (value <= np.minimum(AS_LOW * home, line))
    return np.where(same, np.int8(PENALISED), codes)


def penalised(kind: Kind, coefficients: tuple[float, ...]) -> Kind:
    """Return a kind whose gradient is that of L + Σ (λ_i/2) ψ_i²: either decay, at an infinitesimal rate."""

    def evaluator(problem: Problem, like: Array) -> Evaluator:
        plain = kind.evaluator(problem, like)
        column = np.reshape(np.array(coefficients), (-1, *(1,) * (like.ndim - 1)))

        def gradient(psi: Array) -> Array:
            return plain.gradient(psi) + column * psi

        def loss_and_gradient(psi: Array) -> tuple[Array, Array]:
            value, g = plain.loss_and_gradient(psi)
            return value, g + column * psi

        return Evaluator(plain.loss, gradient, loss_and_gradient)

    return kind._replace(name=f"{kind.name}, penalised", evaluator=evaluator)
