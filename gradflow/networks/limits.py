"""Where the flow of a neuron has converged to, whatever it learns and whatever is frozen.

The rule of rest is that of `gradflow.ends.rest`, on the landscape of what moves. Of other losses than the
squared one nothing is said, for the rule's bound on what the loss has to lose is of that loss.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gradflow.ends.approach import approached_on
from gradflow.ends.limit import NOWHERE, Rules, limit, rules_of
from gradflow.ends.rest import Landscape, level, may_rest, near, rests, scales_of
from gradflow.flow.status import DIVERGED
from gradflow.networks.line.ends import References, references
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.flow import Flown
from gradflow.networks.line.task import Task
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.losses import SQUARED
from gradflow.neuron.problem import Problem, Sample

REACH = 3.0
"""So many standard deviations either side of the mean are the ends of normal inputs."""


def limit_of(flow: Flown, problem: Problem) -> np.ndarray:
    """Return the point that one neuron's flow has converged to, shape (4,); NaN if it has not.

    On a sample with frozen parameters a breakpoint that stands on an input has no limit by this rule: the
    gradient jumps there, and does not vanish.
    """
    task, moves, rtol = flow.task, flow.moves, float(flow.settings["rtol"])
    if task.loss != SQUARED or int(flow.status) == DIVERGED:
        return NOWHERE
    states, last = np.array([*flow.states, flow.last])[:, :-1].T, np.array(flow.last[:-1])
    if not np.any(moves):
        return last
    known = references(task)
    if problem.stays_dead and int(activity(last, problem)) == DEAD:
        if _died(flow, problem):
            return np.array([*last[:3], known.level if moves[3] else last[3]])
        if _revives(last, task):
            return NOWHERE
    if task.sample is not None and np.all(moves):
        own = Sample(task.sample.x, weights=task.sample.weights, targets=task.sample.target)
        return limit(states, rules_of(Problem(inputs=own, activation=problem.activation), rtol))
    return limit(states, _rules(problem, task, moves, known, rtol))


def _died(flow: Flown, problem: Problem) -> bool:
    """Whether a neuron whose last state is dead is so, and does not only round to a dead one."""
    changes = [crossing.event for crossing in flow.crossings if "->" in crossing.event]
    if not changes:
        return int(activity(flow.student.rows, problem)) == DEAD
    return changes[-1].endswith("-> dead")


def _revives(last: np.ndarray, task: Task) -> bool:
    """Whether a neuron that rounds to a dead one comes back: s₊ w2 (b2 − f*) < 0 at its active end."""
    end = task.hi if last[0] > 0.0 else task.lo
    return bool(task.slopes[1] * last[2] * (last[3] - float(task.aim(np.array(end)))) < 0.0)


def _rules(problem: Problem, task: Task, moves: np.ndarray, known: References, rtol: float) -> Rules:
    on = landscape_of(task, moves, known)

    def at_one_height(a: np.ndarray, b: np.ndarray) -> Any:
        return level(on.scales(a), on.loss(a), on.loss(b), rtol)

    def at_rest(states: np.ndarray) -> np.ndarray:
        found = np.array(may_rest(states, on, rtol))
        found[found] = rests(states[:, found], on, rtol)
        return found

    return Rules(
        at_rest,
        lambda a, b: near(on.scales(a), a, b, rtol),
        at_one_height,
        lambda state: approached_on(state, on, problem, rtol),
        lambda place: True,
    )


def landscape_of(task: Task, moves: np.ndarray, known: References) -> Landscape:
    """Return the landscape of a neuron on a task, along the parameters that move."""
    field, both = evaluator(task), np.multiply.outer(moves, moves)

    def masked(function: Any, mask: np.ndarray, factor: float, theta: Any) -> np.ndarray:
        rows = np.asarray(theta, dtype=np.float64)
        return np.asarray(factor * mask.reshape(*mask.shape, *(1,) * (rows.ndim - 1)) * function(rows))

    ends = (task.lo, task.hi)
    if task.density is None and task.sample is None:
        mean, std = task.normal
        ends = mean - REACH * std, mean + REACH * std
    return Landscape(
        lambda theta: field.loss(np.asarray(theta, dtype=np.float64)),
        partial(masked, field.gradient, moves, 1.0),
        partial(masked, field.hessian, both, 1.0),
        partial(masked, field.gram, both, 2.0),
        lambda theta: scales_of(theta, ends, (known.level, known.constant)),
        None if np.all(moves) else moves,
    )
