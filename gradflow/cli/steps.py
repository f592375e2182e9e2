"""The options that say on what to train and how to take finite steps, and what they parse to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from gradflow.base.arrays import DTYPES
from gradflow.base.checks import one_of
from gradflow.cli.completion import among
from gradflow.cli.options import (
    ACTIVATION,
    INTERVAL,
    LARGEST,
    MOST_SAMPLES,
    NO_THEORY,
    TEACHER,
    TEACHER_ACTIVATION,
    UNIT_INTERVAL,
    UNIT_TEACHER,
    integer,
    number,
)
from gradflow.cli.options import population as on_population
from gradflow.compiled import gpu
from gradflow.descent import OPTIMIZERS, is_switch, optimizer_name
from gradflow.descent.prepared import BACKENDS
from gradflow.neuron.problem import Problem, grid
from gradflow.neuron.reading import read_sample

LR = Annotated[str, typer.Option(metavar="X", help="Learning rate.")]
HYPER = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=X", help="Another hyper-parameter, such as beta2=0.99; may be repeated."),
]
STEPS = Annotated[str, typer.Option(metavar="N", help="Number of updates.")]
SAMPLES = Annotated[
    str | None,
    typer.Option(metavar="N", help="Train on N equally spaced inputs, ends included, not on the population."),
]
POPULATION = Annotated[bool, typer.Option("--population", help="Train on the population (the default).")]
DATA = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv", help="Train on data of your own: rows under the header x,y or x,y,weight."
    ),
]
DTYPE = Annotated[
    str, typer.Option(metavar="NAME", autocompletion=among("float64", "float32"), help="float64 or float32.")
]
BACKEND = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        autocompletion=among(*filter(None, BACKENDS)),
        help="numpy, numba or cupy; by default what pays.",
    ),
]
METHOD = Annotated[
    str,
    typer.Option(
        metavar="NAME", autocompletion=among("flow", *OPTIMIZERS), help=f"flow, {', '.join(OPTIMIZERS)}."
    ),
]


class Steps(NamedTuple):
    """How finite steps are taken; the rate is one of the hyper-parameters."""

    hyper: dict[str, Any]
    steps: int
    dtype: str


def finite_steps(
    lr: LR = "0.01", hyper: HYPER = None, steps: STEPS = "5000", dtype: DTYPE = "float64"
) -> Steps:
    """Return how steps are taken.

    Raises
    ------
    ValueError
        One line with the option, its value and what is allowed.
    """
    updates = integer("--steps", steps, least=0)
    one_of("--dtype", dtype, DTYPES)
    return Steps({"lr": number("--lr", lr, least=0), **parse_hyper(hyper or [])}, updates, dtype)


def trained_on(
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    activation: ACTIVATION = "relu",
    teacher_activation: TEACHER_ACTIVATION = None,
    samples: SAMPLES = None,
    population: POPULATION = False,
    data: DATA = None,
) -> Problem:
    """Return the problem on the interval's population, on its grid of inputs, or on the data of a file.

    Raises
    ------
    ValueError
        One line with the option, its value and what is allowed.
    """
    whole = on_population(teacher, interval, activation, teacher_activation)
    if data is not None:
        try:
            return replace(whole, inputs=read_sample(data, largest=LARGEST))
        except ValueError as error:
            raise ValueError(f"--data: {error}") from error
    if samples is None:
        return whole
    if population:
        raise ValueError("--samples: cannot be combined with --population")
    inputs = integer("--samples", samples, least=2, most=MOST_SAMPLES)
    return replace(whole, inputs=grid(inputs, float(whole.lo), float(whole.hi)))


class Way(NamedTuple):
    """A method, "flow" or an optimiser's name; what computes it; and whether theorems may end a flow."""

    method: str
    backend: str | None
    theory: bool


def way(method: METHOD = "flow", backend: BACKEND = None, no_theory: NO_THEORY = False) -> Way:
    """Return how outcomes are found, with errors as `finite_steps`."""
    name = optimizer_name(method, "--method", ("flow",))
    return Way(name, backend_option(backend), not no_theory)


def backend_option(name: str | None) -> str | None:
    """Return the name of a backend that is there.

    Raises
    ------
    ValueError
        One line, if there is no such backend, or no GPU for it.
    """
    if name not in BACKENDS:
        raise ValueError(f"--backend: expected numpy, numba or cupy, got {name!r}")
    if name == "cupy":
        gpu.require()
    return name


_WORDS = {**dict.fromkeys(("true", "yes", "1"), True), **dict.fromkeys(("false", "no", "0"), False)}


def parse_hyper(settings: list[str]) -> dict[str, Any]:
    """Return the hyper-parameters of repeated NAME=X options."""
    parsed: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name == "lr":
            raise ValueError(f"--hyper: expected NAME=X (the rate is --lr), got {setting!r}")
        if name in parsed:
            raise ValueError(f"--hyper {name}: expected once, got {setting!r} as well")
        if not is_switch(name):
            parsed[name] = number(f"--hyper {name}", value)
        elif value.lower() in _WORDS:
            parsed[name] = _WORDS[value.lower()]
        else:
            raise ValueError(f"--hyper {name}: expected true or false, got {value!r}")
    return parsed
