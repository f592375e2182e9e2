"""Decisions of theorems about the end of the flow, and of gradient descent, at any state of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device, is_array, namespace
from gradflow.descent.optimisers.gd import GD
from gradflow.descent.optimisers.heavy_ball import HeavyBall
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.nesterov import Nesterov
from gradflow.descent.optimisers.sign import Sign
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, UNDECIDED, near, references
from gradflow.field import loss
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import has_exact_signs, in_double
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.among import among
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_problem
from gradflow.theory.after_death import dead_for_ever, knows, steers
from gradflow.theory.at_the_teacher import held_under_gd
from gradflow.theory.energy import reaches_teacher
from gradflow.theory.fading import fades, knows_fading
from gradflow.theory.hyperactive import trapped, trapped_under_gd
from gradflow.theory.origin import dies, may_die_at_the_origin
from gradflow.theory.signs import trapped_by_signs

THEOREMS = (
    "simulation", "dead", "energy barrier", "path trap", "sign trap", "trap of gradient descent",
    "trap at the teacher", "fading", "death at the origin",
)  # fmt: skip
"""Means of deciding; the theorems are those of derivations 7 (of steps: 12), 11, 8, 13, 26, 29, 31
and 30."""

SIMULATION, STAYS_DEAD, BARRIER, PATH_TRAP, SIGN_TRAP, STEPS_TRAP, TEACHER_TRAP, FADES, ORIGIN = range(9)


class _Codes(NamedTuple):
    outcome: Array
    theorem: Array


class Decision(_Codes):
    """Outcome codes (`gradflow.ends.outcome.OUTCOMES`) and what decided them (`THEOREMS`), of one shape."""

    about: tuple[Any, Problem] | None = None

    def explain(self) -> Any:
        """Return why, with hypotheses, numbers and margins (`gradflow.ends.explained.explain`).

        Raises
        ------
        ValueError
            If the decision is about several neurons, or about an optimiser.
        """
        from gradflow.ends.explained import explain

        if self.about is None:
            raise ValueError(
                "decision: the theorems about the flow are explained, not those about an optimiser"
            )
        return explain(*self.about)


def require_bent(problem: Problem) -> None:
    """Raise a one-line TypeError if the student's activation is smooth: no theorem is about its ends."""
    if not problem.is_bent:
        raise TypeError(
            f"activation: theorems about ends are of piecewise linear ones, got {problem.activation}"
        )


def theorems(neuron: Neuron | Array, problem: Problem = Problem()) -> dict[int, Array]:
    """Return where each theorem is proved to apply, by its code in `THEOREMS`.

    Trapping regions are of neurons without a breakpoint inside, the barrier and fading are for balanced ones,
    of which none ends at two places, and what stays dead is dead: no two with different outcomes apply to one
    neuron.
    """
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    state = activity(neuron, problem)
    # Teachers of their own give the result their shape, and so do output weights and biases.
    others = [v for v in (lines(problem).slope.value, neuron.w2, neuron.b2) if is_array(v) and v.ndim > 0]
    if others:
        xp = namespace(state, *others)
        state = xp.broadcast_arrays(state, *others)[0]
    is_dead = (state == DEAD) & problem.stays_dead
    no_breakpoint = (state != BALANCED) & ~is_dead & problem.is_bent
    barred = (state == BALANCED) & isinstance(problem.inputs, Uniform) & problem.has_theorems
    return {
        PATH_TRAP: among(no_breakpoint, trapped, neuron, problem),
        SIGN_TRAP: among(no_breakpoint, trapped_by_signs, neuron, problem),
        BARRIER: among(barred, reaches_teacher, neuron, problem),
        ORIGIN: among((state == BALANCED) & may_die_at_the_origin(problem), dies, neuron, problem),
        FADES: among((state == BALANCED) & knows_fading(problem), fades, neuron, problem),
        STAYS_DEAD: among(is_dead, has_exact_signs, neuron, problem),
    }


def decide(neuron: Neuron | Array, problem: Problem = Problem()) -> Decision:
    """Return the outcomes of the flow that are proved, from the states alone.

    dead
        Where φ is 0 below 0 a dead neuron stays where it is, but for b2, which goes to the best constant.
    energy barrier
        The loss of a balanced neuron is below the best line's: the flow goes to the teacher (of the same
        activation).
    path trap, sign trap
        There is no breakpoint on the input, and there never will be one: the flow goes to the best line.
    fading
        A balanced neuron tends to the dead set as t → ∞: the flow goes to the best constant.
    death at the origin
        A balanced neuron comes to w1 = b1 = 0 in finite time, and rests there (with φ′(0) = 0; the flow has
        other solutions, which go on): only on inputs with lo·hi < −1.

    Of smooth neurons nothing is known.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        States of the flow: starts, or any later ones.
    problem : Problem
        The population, or a sample (without the barrier then).

    Returns
    -------
    Decision
        "undecided" and "simulation" where no theorem is proved to apply, with all errors of rounding against
        it, and it is left to the simulation to decide. A best line or constant that is exact is global.
    """
    problem = as_problem(problem)
    # Of states that left the range of their numbers nothing is proved.
    with np.errstate(over="ignore", invalid="ignore"):
        found = _decision(theorems(neuron, problem), neuron, problem)
    found.about = (neuron, problem)
    return found


def decide_descent(
    neuron: Neuron | Array, problem: Problem, optimizer: Config | None, state: Any = None
) -> Decision:
    """Return the outcomes of training on from these states that are proved, for as many steps as one likes.

    dead
        Where φ is 0 below 0 a dead neuron has no gradient, and is dead for ever if what the optimiser
        remembers does not move it far enough (derivation 12 (8)); b2 goes to the best constant under
        gradient descent and momentum below their limits of stability. Under sign descent it goes to and fro
        between two values, which must both be near. Under adaptive steps it goes to and fro, which is not
        bounded here: it counts as constant where it is near now.
    trap of gradient descent
        No breakpoint is on the input, and never will be (derivation 26): plain gradient descent.
    trap at the teacher
        Plain gradient descent converges to a global minimum near by, which its rate can hold (derivation 29).

    All are for full gradients, a constant rate, and no decay. Nothing else is decided of an optimiser: what
    holds of the flow may not last (Adam leaves the best line again).

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        States of training.
    problem : Problem
        The population or a sample.
    optimizer : one of the config classes, optional
        With the rate of all later steps; None: nothing is known of them.
    state : NamedTuple of arrays, optional
        The optimiser's state there (`gradflow.descent.Descent.state`); without it nothing is known of those
        that remember something.

    Returns
    -------
    Decision
        The steps are taken as exact numbers; the states are exact, with all errors of rounding against it.
    """
    problem = as_problem(problem)
    cell = activity(neuron, problem)
    if optimizer is None or not knows(optimizer) or (state is None and not isinstance(optimizer, GD | Sign)):
        return _decision({STAYS_DEAD: cell != cell}, neuron, problem)
    with np.errstate(over="ignore", invalid="ignore"):
        is_constant = _comes_to_a_constant(neuron, problem, optimizer)
        found = {STAYS_DEAD: dead_for_ever(neuron, problem, optimizer, state) & is_constant}
        if problem.is_bent and isinstance(optimizer, GD):
            _, (lr, _) = as_floating((optimizer.lr, in_double(neuron, problem)[0].w1))
            found[STEPS_TRAP] = trapped_under_gd(neuron, optimizer.lr, problem) & (lr > 0.0)
            found[TEACHER_TRAP] = held_under_gd(neuron, optimizer.lr, problem) & (lr > 0.0)
    return _decision(found, neuron, problem)


def _comes_to_a_constant(neuron: Neuron | Array, problem: Problem, optimizer: Config) -> Array:
    """Return whether b2 of a dead neuron ends near the best constant, as far as that is known."""
    levels, value = references(problem), loss(neuron, problem)
    now = near(value, levels).constant
    neuron, problem = in_double(neuron, problem)
    known = adaptable(levels.near_constant, lines(problem).mean.value)
    xp, (lr, value, b2, width, mean) = as_floating((optimizer.lr, value, neuron.b2, *known))
    if isinstance(optimizer, Sign):
        # What the loss exceeds the constant's by is y² = (b2 − E f*)². If |y| ≤ η, y goes to and fro between
        # y and y ∓ η; if not, it comes to |y| ≤ η.
        off = xp.abs(b2 - mean)
        farthest = xp.where(off <= lr, xp.maximum(off, lr - off), lr)
        holds = farthest * farthest < width * (1.0 - 1e-6)
    elif isinstance(optimizer, GD | HeavyBall | Nesterov):
        # Beyond the limit of stability b2 leaves the constant, however near it is.
        holds = xp.asarray(steers(optimizer), device=device(now))
    else:
        holds = now
    return ((lr > 0.0) & holds | (lr == 0.0) & now) & (abs(value) < np.inf)


def _decision(found: dict[int, Array], neuron: Neuron | Array, problem: Problem) -> Decision:
    """Return what theorems decide where they are proved to apply."""
    of = lines(in_double(neuron, problem)[1])
    ends = {
        PATH_TRAP: (LINEAR, of.straight),
        SIGN_TRAP: (LINEAR, of.straight),
        STEPS_TRAP: (LINEAR, of.straight),
        BARRIER: (GLOBAL, of.straight & False),
        TEACHER_TRAP: (GLOBAL, of.straight & False),
        STAYS_DEAD: (CONSTANT, of.flat),
        FADES: (CONSTANT, of.flat),
        ORIGIN: (CONSTANT, of.flat),
    }
    some = found[STAYS_DEAD]
    xp = namespace(some)
    code = xp.full_like(some, UNDECIDED, dtype=xp.int8)
    theorem = xp.full_like(some, SIMULATION, dtype=xp.int8)
    for name, (outcome, exact) in ends.items():
        if name not in found:
            continue
        here = found[name]
        as_good = exact if exact.ndim > 0 else xp.full_like(here, bool(exact))
        code = xp.where(here, xp.full_like(code, outcome), code)
        # Where the best line or constant is exact, to end there is to end at the teacher.
        code = xp.where(here & as_good, xp.full_like(code, GLOBAL), code)
        theorem = xp.where(here, xp.full_like(code, name), theorem)
    return Decision(code, theorem)


def dead_by_rounding(theorem: Any, activities: Any) -> np.ndarray:
    """Return where a state on a trajectory is dead only because it was rounded.

    A neuron that fades is never dead, so what is proved of dead neurons does not hold of it.

    Parameters
    ----------
    theorem : array
        What `decide` found of the states.
    activities : array
        Those of the cells in which the integrator has the states.
    """
    return np.asarray((np.asarray(theorem) == STAYS_DEAD) & (np.asarray(activities) != DEAD))
