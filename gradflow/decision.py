"""What theorems decide about the end of the flow, at any state of it, and which theorem does."""

from __future__ import annotations

from typing import NamedTuple

from gradflow.activity import BALANCED, DEAD, activity
from gradflow.among import among
from gradflow.backend import Array, is_array, namespace
from gradflow.field.baselines import adaptable
from gradflow.outcome import CONSTANT, GLOBAL, LINEAR, UNDECIDED, References, near, references
from gradflow.problem import Neuron, Problem, Uniform
from gradflow.theory.energy import reaches_teacher
from gradflow.theory.hyperactive import trapped
from gradflow.theory.signs import trapped_by_signs

THEOREMS = ("simulation", "dead", "energy barrier", "path trap", "sign trap")
"""What decides; the theorems are those of derivations 7, 11, 8 and 13."""

SIMULATION, STAYS_DEAD, BARRIER, PATH_TRAP, SIGN_TRAP = range(5)


class Decision(NamedTuple):
    """Outcome codes (`gradflow.outcome.OUTCOMES`) and what decided them (`THEOREMS`), of one shape."""

    outcome: Array
    theorem: Array


def decide(neuron: Neuron | Array, problem: Problem = Problem()) -> Decision:
    """Return the outcomes of the flow that are proved, from the states alone.

    dead
        Where φ is 0 below 0 a dead neuron stays where it is, but for b2, which goes to the best constant.
    energy barrier
        The loss is below the best line's: the flow goes to the teacher (of the same activation).
    path trap, sign trap
        There is no kink on the input, and there never will be one: the flow goes to the best line.

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
        "undecided" and "simulation" where no theorem applies and it is left to the simulation to decide. A
        best line or constant that is exact counts as global.
    """
    levels = References(*adaptable(*references(problem)))
    # Where the best line or constant is exact, to end there is to end at the teacher.
    line, constant = near(levels.line, levels).zero, near(levels.constant, levels).zero
    state = activity(neuron, problem)
    xp = namespace(state, levels.line)
    # Teachers of their own give the result their shape.
    if is_array(levels.line):
        state = xp.broadcast_to(state, xp.broadcast_arrays(state, levels.line)[0].shape)
    is_dead = (state == DEAD) & problem.stays_dead
    no_kink = (state != BALANCED) & ~is_dead & problem.is_bent
    code, theorem = xp.full_like(state, UNDECIDED), xp.full_like(state, SIMULATION)
    for mask, holds, exact, otherwise, name in (
        (no_kink, trapped, line, LINEAR, PATH_TRAP),
        (no_kink, trapped_by_signs, line, LINEAR, SIGN_TRAP),
        (~is_dead, _below_barrier, True, GLOBAL, BARRIER),
        (is_dead, None, constant, CONSTANT, STAYS_DEAD),
    ):
        decided = mask if holds is None else among(mask, holds, neuron, problem)
        code = xp.where(decided, xp.full_like(state, otherwise), code)
        as_good = exact if is_array(exact) else xp.full_like(decided, bool(exact))
        code = xp.where(decided & as_good, xp.full_like(state, GLOBAL), code)
        theorem = xp.where(decided, xp.full_like(state, name), theorem)
    return Decision(code, theorem)


def _below_barrier(neuron: Neuron | Array, problem: Problem) -> Array:
    if isinstance(problem.inputs, Uniform):
        return reaches_teacher(neuron, problem)
    state = activity(neuron, problem)
    return state != state
