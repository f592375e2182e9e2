"""Trajectories followed until their outcome is known, one or many: by the flow or an optimiser."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import namespace, to_numpy
from gradflow.base.checks import flag, number, numbers
from gradflow.descent import Descent, train_arrays
from gradflow.descent.optimisers.hyper import Config
from gradflow.ends.decision import SIMULATION, Decision, dead_by_rounding, decide, decide_descent
from gradflow.ends.outcome import CONSTANT, LOCAL, UNDECIDED, outcome, references
from gradflow.ends.rest import at_rest, revives
from gradflow.ends.wells import NOWHERE, has_wells, stayed
from gradflow.field import loss
from gradflow.flow.ensemble import Level, States, StopRule, integrate_ensemble
from gradflow.flow.reference import Point, integrate
from gradflow.flow.status import DIVERGED as FLOW_DIVERGED
from gradflow.flow.status import STEP_TOO_SMALL, TOO_MANY_STEPS
from gradflow.neuron.activity import BALANCED, DEAD, HYPERACTIVE, breakpoint_position
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem, require_one
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
    outcome is decided, at most to t = `longest`. `flow_run` follows them all at once; those whose steps
    become too many, being stiff, are left to SciPy's implicit method. A start that is not finite, or too
    large for its velocity to be, is diverged.

    Parameters
    ----------
    neuron : Neuron
        Fields broadcast to the starts' shape.
    theory : bool
        Whether theorems decide; if not, a trajectory must come to rest (`gradflow.ends.rest`).

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.
    """
    problem = as_problem(problem)
    require_one(problem, "flow_outcomes")
    return decide_in_rounds(neuron, problem, rtol=rtol, longest=longest, theory=theory)[0]


def decide_in_rounds(
    neuron: Neuron,
    problem: Problem,
    *,
    rtol: float = 1e-12,
    longest: float = 1e6,
    theory: bool = True,
    lingers: bool = False,
) -> tuple[Decision, np.ndarray, bool]:
    """Return `flow_decisions`'s decision; which starts took long, one after the other; whether any lingered.

    With `lingers` they are expected to, and compiled code follows them from the start.
    """
    rtol, longest = number("rtol", rtol, 1e-13, 1e-2), number("longest", longest, 0.0)
    theory = flag("theory", theory)
    fields = [numbers("neuron", value).astype(np.float64) for value in as_neuron(neuron)]
    starts = np.broadcast_arrays(*fields)
    every = Neuron(*starts)
    if lingers:
        shape = starts[0].shape
        codes, theorems = (np.full(shape, code, dtype=np.int8) for code in (UNDECIDED, SIMULATION))
        unfinished, t = np.ones(shape, dtype=bool), np.zeros(shape)
    else:
        ends, unfinished, t = _follow_together(every, problem, rtol, longest, theory, None, _STEPS_IN_NUMPY)
        codes, theorems = ends.outcome, ends.decided_by
    lingered = bool(np.any(unfinished))
    if lingered:
        for steps in (_STEPS_IF_STIFF, _STEPS_IF_LINGERING):
            which = unfinished & ((t >= _LONG_STEP * _STEPS_IF_STIFF) | (steps == _STEPS_IF_STIFF))
            if not np.any(which):
                break
            some = Neuron(*(value[which] for value in every))
            ends, unfinished[which], t[which] = _follow_together(
                some, problem, rtol, longest, theory, "numba", steps
            )
            codes[which], theorems[which] = ends.outcome, ends.decided_by
    for place in np.argwhere(unfinished):
        index = tuple(place)
        start = Neuron(*(float(value[index]) for value in starts))
        codes[index], theorems[index] = _follow_one(start, problem, rtol, longest, theory)
    return Decision(codes, theorems), unfinished, lingered


_STEPS_IN_NUMPY = 1000
"""Steps of NumPy's loop before compiled code takes over; it is slower, but need not be compiled first."""

_STEPS_IF_STIFF = 4000
"""Steps after which a trajectory is left to an implicit method, unless it only lingers."""

_LONG_STEP = 0.1
"""The mean step from which on it does: b2 relaxes at the rate 2, which keeps steps below 3."""

_STEPS_IF_LINGERING = 400_000
"""Compiled steps for one that lingers by a saddle: to t = 1e6, where nothing else keeps steps short."""


_ASK_AFTER, _ASK_AT_LEAST = 5, 80
"""Steps between two questions whether a single trajectory is decided: at first, and in the end."""


def _follow_one(
    neuron: Neuron, problem: Problem, rtol: float, longest: float, theory: bool
) -> tuple[int, int]:
    """Follow one start by SciPy until its outcome is decided; return the outcome and the theorem."""
    rule = _stop_once_decided(problem, rtol) if theory else _stop_at_rest(problem, rtol)
    due, wait = 0, _ASK_AFTER

    def stop(point: Point) -> bool:
        nonlocal due, wait
        due -= 1
        if due > 0:
            return False
        # To decide costs more than a step, and a trajectory may linger for thousands of them.
        due, wait = wait, min(2 * wait, _ASK_AT_LEAST)
        return bool(rule.decide(_states(point))[0])

    last = _states(integrate(neuron, problem, longest, rtol=rtol, stop=stop).last)
    codes, theorems = _judge((last.theta, last.activity, False), problem, rtol, theory)
    return int(codes[0]), int(theorems[0])


def _states(point: Point) -> States:
    columns = (np.array([value]) for value in (point.loss, point.activity, point.descended))
    return States(np.array([0]), np.array([point.t]), np.array(point.theta)[:, None], *columns)


def _judge(
    states: tuple[np.ndarray, np.ndarray, np.ndarray | bool], problem: Problem, rtol: float, theory: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is known of the ends of states (θ, activity, diverged), and which theorems decide."""
    theta, activity, diverged = states
    codes = np.asarray(outcome(theta, problem, diverged, rtol))
    codes = np.where((codes == CONSTANT) & revives(theta, activity, problem), np.int8(UNDECIDED), codes)
    if not theory:
        return codes, np.zeros_like(codes)
    proved, theorem = (np.asarray(part) for part in decide(theta, problem))
    by = np.where(dead_by_rounding(theorem, activity), SIMULATION, theorem)
    return np.where(proved == UNDECIDED, codes, proved), by


ASK = 1e-3
"""|∇L|, relative to the best constant's loss, above which nothing is asked whether it rests."""


class Ends(NamedTuple):
    """Where trajectories ended; arrays of the starts' shape.

    Attributes
    ----------
    outcome : array of int8
        Codes of `gradflow.ends.outcome.OUTCOMES`.
    loss : array
        The last loss, where the trajectory was left; a minimum's where it goes to and fro about that.
    first_crossing : array
        When the first wall was crossed until then, by the flow the teacher's breakpoint included; by an
        optimiser the step at which activity first changed; NaN: not, or not looked for.
    decided_by : array of int8
        The theorem that decided the outcome, codes of `gradflow.ends.decision.THEOREMS`; 0: the simulation
        did.
    breakpoint : array
        The last −b1/w1, or that of the minimum; ±∞ where w1 = 0, NaN where b1 = 0 too.
    """

    outcome: np.ndarray
    loss: np.ndarray
    first_crossing: np.ndarray
    decided_by: np.ndarray
    breakpoint: np.ndarray


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

    It is decided by what is proved of the flow (`gradflow.ends.decision`), at the start if that is enough, or
    by coming to rest (`gradflow.ends.rest`, given rtol). With `theory` off it is followed until it rests. The
    first crossing is the time of the first wall crossing until then, the teacher's breakpoint included; the
    loss is that of the last state.
    """
    return _follow_together(neuron, problem, rtol, longest, theory, backend)[0]


def _follow_together(
    neuron: Neuron,
    problem: Problem,
    rtol: float,
    longest: float,
    theory: bool,
    backend: str | None,
    max_steps: int = 200_000,
) -> tuple[Ends, np.ndarray, np.ndarray]:
    """Return `flow_run`'s ends, which starts were left before `longest` for their many steps, and when."""
    start = np.stack(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in neuron)))
    codes, theorem = (np.asarray(part) for part in decide(start, problem))
    if not theory:
        codes, theorem = np.full_like(codes, UNDECIDED), np.full_like(theorem, SIMULATION)
    value, first = np.asarray(loss(start, problem)), np.full(codes.shape, np.nan)
    breakpoint_ = np.asarray(breakpoint_position(start))
    unfinished, time, open_ = np.zeros(codes.shape, dtype=bool), np.zeros(codes.shape), codes == UNDECIDED
    rule = _stop_once_decided(problem, rtol) if theory else _stop_at_rest(problem, rtol)
    run = integrate_ensemble(
        start[:, open_], problem, longest, rtol=rtol, stop=rule, max_steps=max_steps, backend=backend
    )
    found = _judge((run.final, run.activity, run.status == FLOW_DIVERGED), problem, rtol, theory)
    gave_up = np.isin(run.status, (TOO_MANY_STEPS, STEP_TOO_SMALL))
    last = (*found, run.loss, run.first_crossing, breakpoint_position(run.final), gave_up, run.t)
    for array, some in zip((codes, theorem, value, first, breakpoint_, unfinished, time), last, strict=True):
        array[open_] = np.asarray(some)
    return Ends(codes, value, first, theorem, breakpoint_), unfinished, time


def _barrier_loss(problem: Problem) -> float:
    """Return the loss below which the flow is proved to reach the teacher, less some rounding; 0: none is."""
    return float(barriers(problem).line) * (1.0 - 1e-9)


def _slow_level(problem: Problem, rtol: float) -> Level:
    """Return where to ask whether a trajectory rests, whatever its loss."""
    return Level(0.0, np.inf, slow=max(ASK * float(references(problem).constant), rtol))


def _stop_at_rest(problem: Problem, rtol: float) -> StopRule:
    """Return the rule that ends a trajectory once it rests."""
    return StopRule(
        (_slow_level(problem, rtol),), lambda states: np.asarray(at_rest(states.theta, problem, rtol))
    )


def _stop_once_decided(problem: Problem, rtol: float) -> StopRule:
    """Return the rule that ends a trajectory as soon as its outcome is known."""
    constant, line, near_constant, near_line = (float(level) for level in references(problem))

    def is_decided(states: States) -> np.ndarray:
        found = decide(states.theta, problem)
        # One that dies away rounds to a dead state, and may come back.
        fades = dead_by_rounding(found.theorem, states.activity)
        proved = (found.outcome != UNDECIDED) & ~fades
        codes = outcome(states.theta, problem, accuracy=rtol)
        leaves = (codes == CONSTANT) & revives(states.theta, states.activity, problem)
        return np.asarray(proved | ((codes != UNDECIDED) & ~leaves))

    return StopRule(
        (
            # Below the barrier the flow is proved to reach the teacher. Where nothing is proved, a loss as
            # low as this is `global` whatever else is true.
            Level(0.0, max(_barrier_loss(problem), near_line * (1.0 - 1e-6)), at_once=True),
            # In the linear cells a trapping region may begin at any loss; to ask at all of them costs more
            # than it saves.
            Level(line, 10.0 * near_line, activity=HYPERACTIVE),
            Level(line, 10.0 * near_line, activity=DEAD),
            # One that fades is decided before rounding makes it dead.
            Level(constant, 10.0 * near_constant, activity=BALANCED),
            # Elsewhere a trajectory must be at rest.
            _slow_level(problem, rtol),
        ),
        is_decided,
    )


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
    return descent_run(
        neuron, problem, optimizer, steps, first_change=False, dtype=dtype, backend=backend
    ).outcome


def descent_run(
    neuron: Neuron,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    first_change: bool = True,
    dtype: str = "float64",
    backend: str | None = None,
) -> Ends:
    """Train from an array of starts; the first crossing is a step, looked for if `first_change`."""
    problem = as_problem(problem)
    run = train_arrays(
        neuron, problem, optimizer, steps,
        events=False, first_change=first_change, last=has_wells(problem), state=True, dtype=dtype,
        backend=backend,
    )  # fmt: skip
    codes, theorem = (to_numpy(part) for part in settled_outcomes(run, problem, optimizer))
    first = np.full(codes.shape, np.nan)
    if run.first_change is not None:
        changes = to_numpy(run.first_change)
        first = np.where(changes < 0, np.nan, changes)
    place = to_numpy(breakpoint_position(run.final)).astype(np.float64)
    value = to_numpy(run.loss[-1, ...]).astype(np.float64)
    if has_wells(problem):
        none = run.theta[:0, ...]
        well = stayed(run.final, none if run.last is None else run.last, problem)
        # Elsewhere than in a well a local end is a state at rest, which is itself the place.
        moved = (codes == LOCAL) & (well.which != NOWHERE)
        value, place = np.where(moved, well.loss, value), np.where(moved, well.breakpoint, place)
    return Ends(codes, value, first, theorem, place)


def settled_outcomes(run: Descent, problem: Problem, optimizer: Config | None) -> Decision:
    """Return the outcomes of training, and the theorem that says that they last (0: none does).

    Parameters
    ----------
    run : Descent
        With `state`, and on a sample with `last`.
    problem : Problem
        What was trained on.
    optimizer : config, optional
        How training would go on; None if that is not known, as with a schedule: then nothing is settled.
    """
    found = decide_descent(run.final, problem, optimizer, run.state)
    seen = outcome(run.final, problem, run.diverged, before=run.last)
    xp = namespace(seen)
    lasts = (found.theorem != SIMULATION) & ~xp.asarray(run.diverged)
    return Decision(
        xp.where(lasts, found.outcome, seen), xp.where(lasts, found.theorem, xp.zeros_like(found.theorem))
    )
