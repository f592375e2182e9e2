"""The state of the explorer: everything that determines the picture, as plain data, and as a URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from gradflow.base.checks import as_number
from gradflow.descent import OPTIMIZERS
from gradflow.neuron.activations import as_activation
from gradflow.neuron.problem import PARAMETERS
from gradflow.neuron.targets import NAMED

LARGEST = 1e6
"""Largest parameter or input that a field takes."""

MOST_NEURONS, MOST_KNOTS = 20, 40

TEACHER, SAME = "teacher", "same"
"""The target that is the teacher neuron, and the teacher's activation that is the student's."""

LAWS = ("uniform", "normal")
BACKDROPS = ("flow", "gd", "optimizer", "loss")
SHOWN = ("breakpoint", *PARAMETERS)


@dataclass(frozen=True)
class State:
    """Everything that determines the picture; the defaults are what the page shows first.

    Parameters
    ----------
    w1, b1, w2 : tuple of float, one a neuron
    b2 : float
        The start.
    teacher : tuple of four floats
    interval : (float, float)
    activation, teacher_activation : str
        As `gradflow.neuron.activations.as_activation` takes them; the teacher's is "same" by default.
    target : str
        "teacher", "abs", "hat", "step", or knots as "x,y;x,y;…".
    law : {"uniform", "normal"}
    optimizer : str
        What is shown beside the flow and gradient descent.
    hyper : str
        Its other hyper-parameters, as "beta2=0.99,eps=1e-3".
    lr : float
        The rate of gradient descent and of the optimiser.
    t_end : float
        How far the axis of η·step, the flow's time, goes.
    plane : str
        The two parameters of the start that span the phase diagram.
    backdrop : {"flow", "gd", "optimizer", "loss"}
        Whose outcomes are behind the trajectories, or the loss.
    shown : str
        What the fourth panel shows: the breakpoint or a parameter.
    at : float
        The moment that is shown, as a part of `t_end`.
    """

    w1: tuple[float, ...] = (1.0,)
    b1: tuple[float, ...] = (0.0,)
    w2: tuple[float, ...] = (1.0,)
    b2: float = 1.5
    teacher: tuple[float, float, float, float] = (1.0, 0.0, 1.0, 0.0)
    interval: tuple[float, float] = (-1.0, 1.0)
    activation: str = "relu"
    teacher_activation: str = SAME
    target: str = TEACHER
    law: str = "uniform"
    optimizer: str = "adam"
    hyper: str = ""
    lr: float = 0.2
    t_end: float = 20.0
    plane: str = "b1,b2"
    backdrop: str = "optimizer"
    shown: str = "breakpoint"
    at: float = 1.0

    @property
    def m(self) -> int:
        """The number of neurons."""
        return len(self.w1)

    @property
    def axes(self) -> tuple[str, str]:
        """The parameters that span the phase diagram, the horizontal one first."""
        across, up = self.plane.split(",")
        return across, up


class Read(NamedTuple):
    """A state that was read, and by the name of the field what was wrong; a wrong field keeps its value."""

    state: State
    errors: dict[str, str]


class Field(NamedTuple):
    """How a field is read from text and written."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


def text_of(value: float) -> str:
    """Return the shortest text of a number that reads as the same number."""
    text = repr(float(value))
    return text.removesuffix(".0")


def _number(text: str, least: float = -LARGEST, most: float = LARGEST, *, positive: bool = False) -> float:
    value = as_number(text)
    if not least <= value <= most or (positive and value == 0.0):
        allowed = f"above 0, at most {most:g}" if positive else f"from {least:g} to {most:g}"
        raise ValueError(f"expected a number {allowed}, got {_told(text)}")
    return value


def _told(text: str) -> str:
    """Return text as part of one line."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _numbers(text: str, least: int, most: int) -> tuple[float, ...]:
    parts = text.split(",")
    if not least <= len(parts) <= most:
        count = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"expected {count} numbers with commas between them, got {_told(text)}")
    return tuple(_number(part) for part in parts)


def _join(values: tuple[float, ...]) -> str:
    return ",".join(map(text_of, values))


def _choice(*allowed: str) -> Field:
    def read_(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected {', '.join(allowed)}, got {_told(text)}")
        return text

    return Field(read_, str)


def _activation(text: str) -> str:
    try:
        as_activation(text)
    except ValueError as error:
        raise ValueError(str(error).partition(": ")[2]) from None
    return text


def knots_of(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return x and y of knots written as "x,y;x,y;…".

    Raises
    ------
    ValueError
        One line, if they are none.
    """
    pairs = [_numbers(part, 2, 2) for part in text.split(";")]
    if not 2 <= len(pairs) <= MOST_KNOTS:
        raise ValueError(f"expected 2 to {MOST_KNOTS} knots, got {len(pairs)}")
    return tuple(x for x, _ in pairs), tuple(y for _, y in pairs)


def knots_text(x: tuple[float, ...], y: tuple[float, ...]) -> str:
    """Return knots as the text that `knots_of` reads."""
    return ";".join(_join(pair) for pair in zip(x, y, strict=True))


def _target(text: str) -> str:
    if text in (TEACHER, *NAMED):
        return text
    if ";" not in text:
        raise ValueError(f"expected {TEACHER}, {', '.join(NAMED)} or knots as x,y;x,y, got {_told(text)}")
    return knots_text(*knots_of(text))


def hyper_of(text: str) -> dict[str, float | bool]:
    """Return hyper-parameters written as "beta2=0.99,amsgrad=true".

    Raises
    ------
    ValueError
        One line, if it is no such text.
    """
    found: dict[str, float | bool] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not name.isidentifier() or name == "lr" or name in found:
            raise ValueError(f"expected NAME=X, each once and not lr, got {_told(part)}")
        switches = {"true": True, "false": False}
        found[name] = switches[value] if value in switches else _number(value)
    return found


def hyper_text(hyper: Mapping[str, float | bool]) -> str:
    """Return hyper-parameters as the text that `hyper_of` reads."""
    return ",".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else text_of(value)}"
        for name, value in hyper.items()
    )


def _plane(text: str) -> str:
    names = text.split(",")
    if len(names) != 2 or names[0] == names[1] or not set(names) <= set(PARAMETERS):
        raise ValueError(f"expected two of {', '.join(PARAMETERS)} with a comma between, got {_told(text)}")
    return text


_NEURONS = Field(lambda text: _numbers(text, 1, MOST_NEURONS), _join)

FIELDS: dict[str, Field] = {
    **dict.fromkeys(("w1", "b1", "w2"), _NEURONS),
    "b2": Field(_number, text_of),
    "teacher": Field(lambda text: _numbers(text, 4, 4), _join),
    "interval": Field(lambda text: _numbers(text, 2, 2), _join),
    "activation": Field(_activation, str),
    "teacher_activation": Field(lambda text: text if text == SAME else _activation(text), str),
    "target": Field(_target, str),
    "law": _choice(*LAWS),
    "optimizer": _choice(*(name for name in OPTIMIZERS if name != "gd")),
    "hyper": Field(lambda text: hyper_text(hyper_of(text)), str),
    "lr": Field(lambda text: _number(text, 0.0, 100.0, positive=True), text_of),
    "t_end": Field(lambda text: _number(text, 0.0, 1e5, positive=True), text_of),
    "plane": Field(_plane, str),
    "backdrop": _choice(*BACKDROPS),
    "shown": _choice(*SHOWN),
    "at": Field(lambda text: _number(text, 0.0, 1.0), text_of),
}
"""Every field of the state, by its name there and in the URL."""


def texts(state: State) -> dict[str, str]:
    """Return every field as text."""
    return {name: field.write(getattr(state, name)) for name, field in FIELDS.items()}


def query(state: State) -> str:
    """Return a state as a URL's query string, of what is not the default; "" for the default.

    Examples
    --------
    >>> query(State(b2=-1.2, lr=0.01))
    'b2=-1.2&lr=0.01'
    """
    usual = texts(State())
    return urlencode({n: t for n, t in texts(state).items() if t != usual[n]}, safe=",;=")


def read(given: Mapping[str, str], base: State = State()) -> Read:
    """Return a state with some fields read from text; those that cannot be read stay as in `base`.

    Parameters
    ----------
    given : mapping of str to str
        Texts by the names of fields.
    base : State
        All other fields.

    Examples
    --------
    >>> read({"b2": "-1.2", "lr": "fast"}).errors
    {'lr': "expected a number above 0, at most 100, got 'fast'"}
    """
    changes: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, text in given.items():
        if name not in FIELDS:
            errors[name] = f"expected one of {', '.join(FIELDS)}"
            continue
        try:
            changes[name] = FIELDS[name].read(text.strip())
        except ValueError as error:
            errors[name] = str(error)
    return Read(replace(base, **changes), errors)


def read_query(text: str) -> Read:
    """Return the state of a query string, `query`'s inverse; of what stands there twice the last counts."""
    return read(dict(parse_qsl(text, keep_blank_values=True)))
