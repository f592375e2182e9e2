"""Options that make networks on the line of neurons, and what they parse to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from gradflow.base.columns import read_columns
from gradflow.cli.completion import among
from gradflow.cli.options import (
    ACTIVATION,
    B1,
    B2,
    INTERVAL,
    LARGEST,
    TEACHER,
    TEACHER_ACTIVATION,
    UNIT_INTERVAL,
    UNIT_TEACHER,
    W1,
    W2,
    integer,
    neuron,
)
from gradflow.cli.options import number as parse_number
from gradflow.cli.steps import DATA, POPULATION, SAMPLES, trained_on
from gradflow.networks.line.network import Network
from gradflow.networks.line.starts import STARTS
from gradflow.networks.line.starts import start as drawn
from gradflow.neuron.laws import Law, Normal, Steps
from gradflow.neuron.losses import LOSSES as LOSS_NAMES
from gradflow.neuron.losses import SPELLINGS as LOSSES
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem
from gradflow.neuron.targets import NAMED, Knots, Target

MOST_NEURONS = 100_000

NETWORK = Annotated[
    Path | None,
    typer.Option(metavar="FILE.csv", help="Start from a network: a row a neuron under the header w1,b1,w2."),
]
NEURONS = Annotated[str | None, typer.Option(metavar="M", help="Start from a random network of M neurons.")]
START = Annotated[
    str,
    typer.Option(
        metavar="NAME", autocompletion=among(*STARTS), help=f"How it is drawn: {', '.join(STARTS)}."
    ),
]
SEED = Annotated[str, typer.Option(metavar="S", help="The seed of what is drawn.")]
LOSS = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        autocompletion=among(*LOSS_NAMES),
        help=f"The loss of one output; but for squared on a sample: {LOSSES}.",
    ),
]
FROZEN = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES", help="Parameters that stay as they are, such as w2,b2.", show_default=False
    ),
]
BATCH = Annotated[
    str | None,
    typer.Option(metavar="N", help="Take every step on N inputs, drawn from the sample or from the law."),
]
REPLACEMENT = Annotated[
    bool, typer.Option("--replacement", help="Draw them from the sample by weight, not epoch by epoch.")
]
TARGET = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.csv",
        autocompletion=among(*NAMED),
        help=f"In the teacher's place: knots joined by lines under the header x,y, or {', '.join(NAMED)}.",
    ),
]
LAW = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        autocompletion=among("uniform", "normal"),
        help="The inputs' law: uniform, normal, or steps under the header x,density in a FILE.csv.",
    ),
]


def student(
    w1: W1 = "1",
    b1: B1 = "0",
    w2: W2 = "1",
    b2: B2 = "0",
    network: NETWORK = None,
    neurons: NEURONS = None,
    start: START = "he",
    seed: SEED = "0",
) -> Neuron | Network:
    """Return the start: a neuron, the network of a file, or a random one.

    Raises
    ------
    ValueError
        One line with the option, its value and what is allowed.
    """
    if network is not None:
        try:
            values = read_columns(network, ("w1", "b1", "w2"), largest=LARGEST).values
        except ValueError as error:
            raise ValueError(f"--network: {error}") from error
        bias = parse_number("--b2", b2, size=LARGEST)
        return Network(values["w1"], values["b1"], values["w2"], bias)
    if neurons is None:
        return neuron(w1, b1, w2, b2)
    if start not in STARTS:
        raise ValueError(f"--start: expected one of {', '.join(STARTS)}, got {start!r}")
    count = integer("--neurons", neurons, least=1, most=MOST_NEURONS)
    return drawn(start, count, integer("--seed", seed, least=0))


def task(
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    activation: ACTIVATION = "relu",
    teacher_activation: TEACHER_ACTIVATION = None,
    samples: SAMPLES = None,
    population: POPULATION = False,
    data: DATA = None,
    target: TARGET = None,
    law: LAW = "uniform",
    loss: LOSS = "squared",
) -> Problem:
    """Return the problem on the population or a sample, with errors as `student`."""
    given = trained_on(teacher, interval, activation, teacher_activation, samples, population, data)
    with_target = _with_target(given, target, law)
    try:
        return replace(with_target, loss=loss)
    except ValueError as error:
        raise ValueError(f"--{error}") from error


def frozen_parameters(frozen: FROZEN = None) -> tuple[str, ...]:
    """Return the names of parameters that stay as they are, with errors as `student`."""
    names = () if frozen is None else tuple(name.strip() for name in frozen.split(","))
    if not set(names) <= set(PARAMETERS) or len(set(names)) != len(names):
        raise ValueError(f"--frozen: expected some of {','.join(PARAMETERS)}, each once, got {frozen!r}")
    return names


class Drawn(NamedTuple):
    """How many inputs a step sees, None if all; the seed by which they are drawn; and how."""

    batch: int | None
    seed: int
    replacement: bool


def minibatches(batch: BATCH = None, seed: SEED = "0", replacement: REPLACEMENT = False) -> Drawn:
    """Return what inputs a step sees, with errors as `student`."""
    if batch is None:
        return Drawn(None, 0, False)
    return Drawn(integer("--batch", batch, least=1), integer("--seed", seed, least=0), replacement)


def _with_target(problem: Problem, target: str | None, law: str) -> Problem:
    """Return a problem with another target and another law, if they are asked for."""
    spread = _law(law)
    if target is None and spread is None:
        return problem
    inputs: dict[str, Any] = {"inputs": problem.inputs} if spread is None else {"law": spread}
    if target is None:
        aim: dict[str, Any] = {"teacher": problem.teacher, "teacher_activation": problem.teacher_activation}
    else:
        ends = None if isinstance(spread, Normal) else (spread or problem.inputs)
        aim = {"target": _target(target, None if ends is None else (float(ends.lo), float(ends.hi)))}
    return Problem(activation=problem.activation, **aim, **inputs)


def _target(text: str, ends: tuple[float, float] | None) -> Target:
    """Return a target by its name or from a file; the knots of a file reach to the ends of the input."""
    if text in NAMED:
        return NAMED[text]
    path = _csv("--target", text, NAMED)
    try:
        values = read_columns(path, ("x", "y"), largest=LARGEST).values
        knots = Knots(values["x"], values["y"])
    except ValueError as error:
        raise ValueError(f"--target: {_in_file(path, error)}") from error
    if ends is not None and (knots.x[0], knots.x[-1]) != ends:
        found = f"{knots.x[0]:g} and {knots.x[-1]:g}"
        raise ValueError(
            f"--target: {path}: expected the first and the last x at the ends of the input, "
            f"{ends[0]:g} and {ends[1]:g}, got {found}"
        )
    return knots


def _law(text: str) -> Law | None:
    """Return a law by its name or from a file, None if it is uniform."""
    if text == "uniform":
        return None
    if text == "normal":
        return Normal()
    path = _csv("--law", text, ("uniform", "normal"))
    try:
        values = read_columns(path, ("x", "density"), largest=LARGEST).values
        if values["density"][-1] != 0.0:
            last = values["density"][-1]
            raise ValueError(f"{path}: expected 0 as the last density, beyond which nothing is, got {last:g}")
        return Steps(values["x"], values["density"][:-1])
    except ValueError as error:
        raise ValueError(f"--law: {_in_file(path, error)}") from error


def _csv(option: str, text: str, names: Any) -> Path:
    path = Path(text)
    if path.suffix != ".csv":
        raise ValueError(
            f"{option}: expected {', '.join(names)} or a file name that ends in .csv, got {text!r}"
        )
    return path


def _in_file(path: Path, error: ValueError) -> str:
    """Return an error's line, which names the file it is about."""
    text = str(error)
    return text if text.startswith(str(path)) else f"{path}: {text}"
