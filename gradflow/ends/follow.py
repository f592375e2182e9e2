"""Trajectories followed until their outcome is known, one or many: by the flow or an optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.activations import derivatives
from gradflow.activity import BALANCED, DEAD, HYPERACTIVE
from gradflow.checks import flag, number, numbers
from gradflow.decision import BARRIER, SIMULATION, STAYS_DEAD, Decision, decide
from gradflow.descent import train
from gradflow.descent.hyper import Config
from gradflow.field import gradient, loss
from gradflow.flow.ensemble import Level, States, StopRule, integrate_ensemble
from gradflow.flow.integrate import Point, integrate
from gradflow.outcome import (
    CONSTANT,
    DIVERGED,
    GLOBAL,
    RESTING_GRADIENT,
    UNDECIDED,
    References,
    at_rest,
    near,
    outcome,
    references,
)
from gradflow.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.theory.energy import barriers


def flow_outcomes(
    neuron: Neuron, problem: Problem, *, rtol: float = 1e-12, longest: float = 1e6, theory: bool = True
) -> np.ndarray:
    """Return the outcomes of the flow from an array of starts, each given the time it needs.

    As `flow_decisions`, without what decided.
    """
    found = flow_decisions(neuron, problem, rtol=rtol, longest=longest, theory=theory)
    return np.asarray(found.outcome)


def flow_decisions(
    neuron: Neuron, problem: Problem, *, rtol: float = 1e-12, longest: float = 1e6, theory: bool = True
) -> Decision:
    """Return the outcomes of the flow from an array of starts, and the theorems that decided them.

    A trajectory near a separatrix lingers, so none is cut off at a fixed time: it is followed until the
    outcome is decided, at most to t = `longest`. SciPy follows one after the other. A start that is not
    finite, or too large for its velocity to be, is diverged.

    Parameters
    ----------
    neuron : Neuron
        Fields broadcast to the starts' shape.
    theory : bool
        Whether theorems decide; if not, a trajectory must come to rest, |∇L| ≤ 1e-9.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.
    """
    problem = as_problem(problem)
    rtol, longest = number("rtol", rtol, 1e-13, 1e-2), number("longest", longest, 0.0)
    theory = flag("theory", theory)
    fields = [numbers("neuron", value).astype(np.float64) for value in as_neuron(neuron)]
    starts = np.broadcast_arrays(*fields)
    levels = References(*(float(level) for level in references(problem)))
    follow = _followed if theory else _rested
    # As in an ensemble: a start without a finite velocity is labelled, and stops no other one.
    sound = np.all(np.isfinite(gradient(Neuron(*starts), problem)), axis=0)
    found = [
        follow(Neuron(*values), problem, levels, rtol, longest) if go else (DIVERGED, SIMULATION)
        for go, *values in zip(np.ravel(sound), *map(np.ravel, starts), strict=True)
    ]
    pairs = np.array(found, dtype=np.int8).reshape(*starts[0].shape, 2)
    return Decision(pairs[..., 0], pairs[..., 1])


def _followed(
    neuron: Neuron, problem: Problem, levels: References, rtol: float, longest: float
) -> tuple[int, int]:
    """Follow one start until its outcome is decided; return the outcome and the theorem."""
    decided, barrier, seen = (UNDECIDED, SIMULATION), _barrier(problem), 0

    def stop(point: Point) -> bool:
        nonlocal decided, seen
        if point.loss < barrier:
            decided = GLOBAL, BARRIER
            return True
        is_near = any(near(point.loss, levels))
        if not is_near and point.activity == BALANCED:
            return False
        seen += 1
        # To decide costs as much as a step, and a trajectory may linger for hundreds of them.
        if seen % 5 == 1:
            decided = _decision(np.array(point.theta), problem)
        if decided[1] == STAYS_DEAD and point.activity != DEAD:
            decided = CONSTANT, SIMULATION
        if decided == (CONSTANT, SIMULATION) and _revives(np.array(point.theta), point.activity, problem):
            decided = UNDECIDED, SIMULATION
        return decided[0] != UNDECIDED

    run = integrate(neuron, problem, longest, rtol=rtol, stop=stop)
    if decided[0] != UNDECIDED:
        return decided
    code, theorem = _decision(np.array(run.last.theta), problem)
    return code, SIMULATION if theorem == STAYS_DEAD and run.last.activity != DEAD else theorem


def _rested(
    neuron: Neuron, problem: Problem, levels: References, rtol: float, longest: float
) -> tuple[int, int]:
    """Follow one start until it rests; return the outcome, and that no theorem decided it."""

    def stop(point: Point) -> bool:
        return any(near(point.loss, levels)) and bool(at_rest(np.array(point.theta), problem, AT_REST))

    run = integrate(neuron, problem, longest, rtol=rtol, stop=stop)
    return int(outcome(np.array(run.last.theta), problem)), SIMULATION


def _decision(theta: np.ndarray, problem: Problem) -> tuple[int, int]:
    """Return what is proved of a state's end, or else what the state itself shows."""
    code, theorem = (int(part) for part in decide(theta, problem))
    return (code, theorem) if code != UNDECIDED else (int(outcome(theta, problem)), SIMULATION)


def _revives(theta: np.ndarray, state: np.ndarray | int, problem: Problem) -> np.ndarray:
    """Whether a balanced ReLU neuron's active end grows; (w1, b1) may already round to that of a dead one."""
    w1, _, w2, b2 = theta
    if not problem.stays_dead:
        return np.zeros(np.shape(state), dtype=bool)
    v1, c1, v2, c2 = problem.teacher
    at_end = np.where(w1 > 0.0, problem.hi, problem.lo)
    target = v2 * derivatives(problem.teacher_activation, np.asarray(v1 * at_end + c1), 0)[0] + c2
    grows = problem.slopes[1] * w2 * (b2 - target) < 0.0
    return np.asarray((state == BALANCED) & grows)


AT_REST = 1e-9
"""|∇L| below which a trajectory that is followed without theory counts as being at rest."""

CLOSE = 1.0 + 1e-6
"""The flow's own loss and gradient differ from those of its state by rounding."""


class Ends(NamedTuple):
    """Where trajectories ended; arrays of the starts' shape.

    Attributes
    ----------
    outcome : array of int8
        Codes of `gradflow.outcome.OUTCOMES`.
    loss : array
        The last loss, where the trajectory was left.
    first_crossing : array
        When activity first changed until then; NaN: not.
    decided_by : array of int8
        The theorem that decided the outcome, codes of `gradflow.decision.THEOREMS`; 0: the simulation did.
    """

    outcome: np.ndarray
    loss: np.ndarray
    first_crossing: np.ndarray
    decided_by: np.ndarray


def flow_run(
    neuron: Neuron,
    problem: Problem,
    *,
    rtol: float = 1e-10,
    longest: float = 1e4,
    theory: bool = True,
    backend: str | None = None,
) -> Ends:
    """Follow the flow from an array of starts until each outcome is decided, at most to t = `longest`.

    It is decided by what is proved of the flow (`gradflow.decision`), at the start if that is enough, or by
    coming to rest. With `theory` off it is followed until it rests, |∇L| ≤ 1e-9. The first crossing is the
    time of the first wall crossing until then, the teacher's breakpoint included; the loss is that of the
    last state.
    """
    start = np.stack(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in neuron)))
    if not theory:
        rest = StopRule((Level(0.0, np.inf, slow=AT_REST * CLOSE),), _rests(problem))
        run = integrate_ensemble(start, problem, longest, rtol=rtol, stop=rest, backend=backend)
        codes = np.asarray(outcome(run.final, problem))
        return Ends(codes, np.asarray(run.loss), np.asarray(run.first_crossing), np.zeros_like(codes))
    codes, theorem = (np.asarray(part) for part in decide(start, problem))
    value, first = np.asarray(loss(start, problem)), np.full(codes.shape, np.nan)
    open_ = codes == UNDECIDED
    run = integrate_ensemble(
        start[:, open_], problem, longest, rtol=rtol, stop=_decided(problem), backend=backend
    )
    proved = decide(run.final, problem)
    seen = np.where(proved.outcome == UNDECIDED, outcome(run.final, problem), proved.outcome)
    # A neuron that dies away never is dead; only its rounded state is.
    by = np.where((proved.theorem == STAYS_DEAD) & (run.activity != DEAD), SIMULATION, proved.theorem)
    for array, some in zip(
        (codes, theorem, value, first), (seen, by, run.loss, run.first_crossing), strict=True
    ):
        array[open_] = np.asarray(some)
    return Ends(codes, value, first, theorem)


def _barrier(problem: Problem) -> float:
    """Return the loss below which the flow is proved to reach the teacher, less some rounding; 0: none is."""
    return float(barriers(problem).line) * (1.0 - 1e-9)


def _rests(problem: Problem) -> Callable[[States], np.ndarray]:
    return lambda states: np.asarray(at_rest(states.theta, problem, AT_REST))


def _decided(problem: Problem) -> StopRule:
    """Return the rule that ends a trajectory as soon as its outcome is known."""
    constant, line, near_constant, near_line = (float(level) for level in references(problem))

    def is_decided(states: States) -> np.ndarray:
        found = decide(states.theta, problem)
        # One that dies away rounds to a dead state, and may come back.
        fades = (found.theorem == STAYS_DEAD) & (states.activity != DEAD)
        proved = (found.outcome != UNDECIDED) & ~fades
        codes = outcome(states.theta, problem)
        revives = (codes == CONSTANT) & _revives(states.theta, states.activity, problem)
        return np.asarray(proved | ((codes != UNDECIDED) & ~revives))

    slow = RESTING_GRADIENT * CLOSE
    return StopRule(
        (
            # Below the barrier the flow is proved to reach the teacher. Where nothing is proved, a loss as
            # low as this is `global` whatever else is true.
            Level(0.0, max(_barrier(problem), near_line / CLOSE), at_once=True),
            # Without a kink a trap may hold at any loss; to ask at all of them costs more than it saves.
            Level(line, 10.0 * near_line, activity=HYPERACTIVE),
            Level(line, 10.0 * near_line, activity=DEAD),
            # Elsewhere a trajectory must be at rest.
            Level(line, near_line, slow),
            Level(constant, near_constant, slow),
        ),
        is_decided,
    )


def descent_run(
    neuron: Neuron,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    dtype: str = "float64",
    backend: str | None = None,
) -> Ends:
    """Train from an array of starts; the first crossing is a step."""
    run = train(neuron, problem, optimizer, steps, events=False, dtype=dtype, backend=backend)
    codes = np.asarray(outcome(run.final, problem, run.diverged))
    changes = np.asarray(run.first_change)
    first = np.where(changes < 0, np.nan, changes)
    return Ends(codes, run.loss[-1].astype(np.float64), first, np.zeros_like(codes))


def descent_outcomes(
    neuron: Neuron,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    dtype: str = "float64",
    backend: str | None = None,
) -> np.ndarray:
    """Return the outcomes of training from an array of starts (or with an array of hyper-parameters)."""
    run = train(
        neuron, problem, optimizer, steps, events=False, first_change=False, dtype=dtype, backend=backend
    )
    return np.asarray(outcome(run.final, problem, run.diverged))
