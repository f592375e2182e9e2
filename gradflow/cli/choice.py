"""The options of a start, a problem and a method, as `threshold` and `basins` share them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from gradflow.cli.options import (
    ACTIVATION,
    B1,
    B2,
    INTERVAL,
    NO_THEORY,
    TEACHER,
    TEACHER_ACTIVATION,
    UNIT_INTERVAL,
    UNIT_TEACHER,
    W1,
    W2,
    neuron,
    problem,
)
from gradflow.cli.steps import (
    BACKEND,
    DTYPE,
    HYPER,
    LR,
    METHOD,
    POPULATION,
    SAMPLES,
    STEPS,
    Steps,
    backend_option,
    steps_options,
)
from gradflow.descent import optimizer_name
from gradflow.neuron.problem import Neuron, Problem


class Chosen(NamedTuple):
    """A start, a problem and a method: "flow" or an optimiser's name, with how it takes steps."""

    method: str
    start: Neuron
    problem: Problem
    how: Steps
    backend: str | None
    theory: bool


def choose(
    w1: W1 = "1",
    b1: B1 = "0",
    w2: W2 = "1",
    b2: B2 = "0",
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    activation: ACTIVATION = "relu",
    teacher_activation: TEACHER_ACTIVATION = None,
    method: METHOD = "flow",
    lr: LR = "0.01",
    hyper: HYPER = None,
    steps: STEPS = "5000",
    samples: SAMPLES = None,
    population: POPULATION = False,
    dtype: DTYPE = "float64",
    backend: BACKEND = None,
    no_theory: NO_THEORY = False,
) -> Chosen:
    """Return the options parsed and checked.

    Raises
    ------
    ValueError
        One line with the option, its value and what is allowed.
    """
    name = optimizer_name(method, "--method", ("flow",))
    how = steps_options(lr, hyper, steps, samples, population, dtype)
    start = neuron(w1, b1, w2, b2)
    task = problem(teacher, interval, (activation, teacher_activation), how.samples)
    return Chosen(name, start, task, how, backend_option(backend), not no_theory)


def with_choice(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose first argument, a `Chosen`, is made of the options of `choose`."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    shared = inspect.signature(choose, eval_str=True).parameters
    needed = [parameter for parameter in own if parameter.default is parameter.empty]
    parameters = [*needed, *shared.values(), *own[len(needed) :]]

    @wraps(command)
    def run(**given: Any) -> None:
        chosen = choose(**{name: given.pop(name) for name in shared})
        command(chosen, **given)

    # As the parser reads it.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
