"""The problem, the start and the methods of a state, and what is wrong with them together."""

from __future__ import annotations

from typing import Any

from gradflow.descent import OPTIMIZERS
from gradflow.descent import optimizer as make_optimizer
from gradflow.explore.state import SAME, TEACHER, State, hyper_of, knots_of, text_of
from gradflow.networks.line.network import Network
from gradflow.networks.line.task import task_of
from gradflow.neuron.activations import PiecewiseLinear, as_activation
from gradflow.neuron.laws import Normal
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.neuron.targets import NAMED, Knots, Target

MOST_STEPS, MOST_NETWORK_STEPS = 50_000, 5_000
"""Updates of an optimiser in one picture, at most: of a neuron, and of anything else."""

ON_SCREEN = 3.0
"""So many standard deviations either side of the mean of normal inputs are drawn."""


def is_general(state: State) -> bool:
    """Whether it takes networks on the line: several neurons, a target that is no neuron, or another law."""
    return state.m > 1 or state.target != TEACHER or state.law != "uniform"


def start(state: State) -> Neuron | Network:
    """Return where the runs start."""
    if state.m == 1:
        return Neuron(state.w1[0], state.b1[0], state.w2[0], state.b2)
    return Network(state.w1, state.b1, state.w2, state.b2)


def target(state: State) -> Target | None:
    """Return the target, None if it is the teacher."""
    if state.target == TEACHER:
        return None
    return NAMED[state.target] if state.target in NAMED else Knots(*knots_of(state.target))


def problem(state: State) -> Problem:
    """Return what is learnt.

    Raises
    ------
    ValueError
        One line; it begins with the name of the field.
    """
    given: dict[str, Any] = {"activation": as_activation(state.activation)}
    law = Normal() if state.law == "normal" else Uniform(*state.interval)
    given["law"] = law
    if (aim := target(state)) is not None:
        given["target"] = aim
        if state.law == "uniform" and isinstance(aim, Knots) and (aim.x[0], aim.x[-1]) != state.interval:
            ends = " and ".join(map(text_of, state.interval))
            raise ValueError(f"target: expected the outer knots at the ends of the interval, {ends}")
    else:
        given["teacher"] = Neuron(*state.teacher)
        if state.teacher_activation != SAME:
            given["teacher_activation"] = as_activation(state.teacher_activation)
    made = Problem(**given)
    if is_general(state):
        task_of(made)
    return made


def steps(state: State) -> int:
    """Return how many updates of the rate reach the end of the axis, one at least."""
    return max(1, round(state.t_end / state.lr))


def config(state: State, name: str) -> Any:
    """Return an optimiser of the state: "gd", or the chosen one with its hyper-parameters."""
    if name == "gd":
        return make_optimizer("gd", lr=state.lr)
    return make_optimizer(state.optimizer, lr=state.lr, **hyper_of(state.hyper))


def names(state: State) -> tuple[str, str, str]:
    """Return the names of the three runs."""
    return "flow", "gd", state.optimizer


def label(name: str) -> str:
    """Return how a run is called in text."""
    return "flow" if name == "flow" else "GD" if name == "gd" else OPTIMIZERS[name].__name__


def check(state: State) -> dict[str, str]:
    """Return what is wrong with fields beside others, by the name of the field; nothing if all is well."""
    counts = {name: len(getattr(state, name)) for name in ("w1", "b1", "w2")}
    if len(set(counts.values())) > 1:
        wrong = next(name for name, n in counts.items() if n != counts["w1"])
        return {wrong: f"expected as many numbers as w1 has, {counts['w1']}, got {counts[wrong]}"}
    lo, hi = state.interval
    if not lo < hi:
        return {
            "interval": f"expected the lower end below the upper one, got {text_of(lo)} and {text_of(hi)}"
        }
    most = MOST_NETWORK_STEPS if is_general(state) else MOST_STEPS
    if round(state.t_end / state.lr) > most:
        found = f"{round(state.t_end / state.lr)} steps of the rate {text_of(state.lr)}"
        return {"t_end": f"expected at most {most} steps, got {found}"}
    for field, make in (("target", problem), ("hyper", lambda some: config(some, "chosen"))):
        try:
            make(state)
        except (ValueError, TypeError) as error:
            name, _, told = str(error).partition(": ")
            known = name in ("activation", "teacher_activation", "target", "interval")
            return {name: told} if known else {field: str(error)}
    return {}


def reach(state: State) -> tuple[float, float]:
    """Return the part of the inputs that is drawn."""
    return (-ON_SCREEN, ON_SCREEN) if state.law == "normal" else state.interval


def is_bent(state: State) -> bool:
    """Whether the student is piecewise linear."""
    return isinstance(as_activation(state.activation), PiecewiseLinear)
