"""The options that say how to take finite steps, and what they parse to."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import typer

from gradflow import compiled as fused
from gradflow.cli.options import MOST_SAMPLES, integer, number
from gradflow.descent import OPTIMIZERS, is_switch
from gradflow.descent.prepared import BACKENDS

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
DTYPE = Annotated[str, typer.Option(metavar="NAME", help="float64 or float32.")]
BACKEND = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="numpy, numba or cupy; by default what is installed and pays."),
]
METHOD = Annotated[str, typer.Option(metavar="NAME", help=f"flow, {', '.join(OPTIMIZERS)}.")]


class Steps(NamedTuple):
    """How finite steps are taken; `samples` is None on the population."""

    hyper: dict[str, Any]
    steps: int
    samples: int | None
    dtype: str


def steps_options(
    lr: str, hyper: list[str] | None, steps: str, samples: str | None, population: bool, dtype: str
) -> Steps:
    """Return the options parsed and checked; the rate is one of the hyper-parameters.

    Raises
    ------
    ValueError
        One line with the option, its value and what is allowed.
    """
    if population and samples is not None:
        raise ValueError("--samples: cannot be combined with --population")
    inputs = None if samples is None else integer("--samples", samples, least=2, most=MOST_SAMPLES)
    updates = integer("--steps", steps, least=0)
    if dtype not in ("float32", "float64"):
        raise ValueError(f"--dtype: expected float32 or float64, got {dtype!r}")
    return Steps({"lr": number("--lr", lr, least=0), **parse_hyper(hyper or [])}, updates, inputs, dtype)


def backend_option(name: str | None) -> str | None:
    """Return the name of a backend that is there.

    Raises
    ------
    ValueError
        One line, if there is no such backend, or it is not installed.
    """
    if name not in BACKENDS:
        raise ValueError(f"--backend: expected numpy, numba or cupy, got {name!r}")
    if name == "numba":
        fused.require()
    if name == "cupy":
        fused.require_cupy()
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
