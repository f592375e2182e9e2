"""Options that have no meaning beside others: given all the same, they are refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gradflow.cli.align_options import FLOWS, SETS
from gradflow.descent import OPTIMIZERS, optimizer_name

Given = Mapping[str, Any]
"""The values of a command's parameters, by name."""

Condition = Callable[[Given], str]
"""The reason why an option has no meaning, in words such as "with --method flow"; "" if there is none."""


def _with(name: str, takes_it: Callable[[Any], bool]) -> Condition:
    """Return the condition that an option has a value beside which another has no meaning."""

    def words(given: Given) -> str:
        value = given[name]
        told = "" if isinstance(value, bool) else f" {value}"
        return f"with --{name.replace('_', '-').rstrip('-')}{told}" if takes_it(value) else ""

    return words


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: value in names


def _none_of(*names: str) -> Callable[[Any], bool]:
    """Whether a data set, or file, is another."""
    return lambda value: value not in names


def _method(name: str) -> str:
    """Return the method that a name stands for; "" if there is none, which the command will say."""
    try:
        return optimizer_name(name, besides=FLOWS)
    except ValueError:
        return ""


_FLOW = _with("method", lambda name: _method(name) == "flow")
_OPTIMIZER = _with("method", lambda name: _method(name) in OPTIMIZERS)
_FLOWS = _with("method", lambda name: _method(name) in FLOWS)
_DATA = _with("data", lambda file: file is not None)
_NOT_FLOW = _with("method", lambda name: _method(name) not in ("", "flow"))

_BESIDE_DATA = (("teacher", "teacher_activation", "interval", "samples", "population"), _DATA)

_NETWORK = _with("network", lambda file: file is not None)
_NEURONS = _with("neurons", lambda count: count is not None)
_TARGET = _with("target", lambda name: name is not None)
_LAW = _with("law", lambda name: name != "uniform")
_SAMPLES = _with("samples", lambda count: count is not None)
_LOSS = _with("loss", lambda name: name != "squared")
_FROZEN = _with("frozen", lambda names: names is not None)


def _general(given: Given) -> str:
    """Return which option asks for networks on the line; "" if none does."""
    asking = [_NETWORK, _NEURONS, _TARGET, _LAW, _LOSS]
    asking += [_FROZEN] if "frozen" in given else []
    return next(filter(None, (condition(given) for condition in asking)), "")


def _no_neurons(given: Given) -> str:
    return "without --neurons" if given["neurons"] is None else ""


def _no_sample(given: Given) -> str:
    return "without --samples or --data" if given["samples"] is None and given["data"] is None else ""


def _not_drawn(given: Given) -> str:
    return "without --batch" if given["batch"] is None else ""


def _nothing_drawn(given: Given) -> str:
    return "without --neurons or --batch" if _no_neurons(given) and _not_drawn(given) else ""


_GENERAL: Condition = _general

_BESIDE_NETWORKS = (
    (("w1", "b1", "w2", "neurons"), _NETWORK),
    (("w1", "b1", "w2", "b2"), _NEURONS),
    (("start",), _no_neurons),
    (("teacher", "teacher_activation"), _TARGET),
    (("interval", "samples", "data", "population"), _LAW),
    (("target",), _DATA),
    (("loss",), _no_sample),
)


MEANINGLESS: dict[str, tuple[tuple[tuple[str, ...], Condition], ...]] = {
    "flow": (
        (("until_decided",), _with("no_theory", bool)),
        _BESIDE_DATA,
        *_BESIDE_NETWORKS,
        (("seed",), _no_neurons),
        (("until_decided", "no_theory"), _GENERAL),
        (("until_decided", "no_theory"), _SAMPLES),
        (("until_decided", "no_theory"), _DATA),
    ),
    "train": (
        _BESIDE_DATA,
        *_BESIDE_NETWORKS,
        (("seed",), _nothing_drawn),
        (("replacement",), _not_drawn),
    ),
    "threshold": (
        (("lr", "hyper", "steps", "samples", "data", "dtype", "backend"), _FLOW),
        _BESIDE_DATA,
        *_BESIDE_NETWORKS,
        (("seed",), _no_neurons),
        (("dtype", "backend", "no_theory", "figure"), _GENERAL),
        (("no_theory",), _OPTIMIZER),
    ),
    "basins": (
        (("lr", "hyper", "steps", "samples", "data", "dtype"), _FLOW),
        _BESIDE_DATA,
        *_BESIDE_NETWORKS,
        (("seed",), _no_neurons),
        (("dtype", "backend", "no_theory", "figure", "block", "cluster"), _GENERAL),
        (("no_theory",), _OPTIMIZER),
    ),
    "align": (
        (("t_end",), _OPTIMIZER),
        (("until_loss", "rtol"), _NOT_FLOW),
        # The limit is that of ε → 0.
        (("epsilon",), _with("method", lambda name: _method(name) == "limit")),
        (("lr", "hyper", "steps", "batch", "freeze_outputs"), _FLOWS),
        (("points",), _with("data", _none_of("toy", "equiangular", "cone", "digits"))),
        (("mu",), _with("data", _none_of("equiangular", "cone"))),
        (("dimension",), _with("data", _none_of("cone"))),
        (("delta",), _with("data", _none_of("two-points"))),
        (("mnist",), _with("data", _none_of("digits"))),
        (("constant_columns",), _with("data", _one_of(*SETS))),
        # These are centred anyway.
        (("center",), _with("data", _one_of("digits", "t-shirt-trouser", "t-shirt-shirt"))),
    ),
    "derive": (
        (("latex", "statement"), lambda given: "without RESULT" if given["result"] is None else ""),
        (("latex",), _with("json", bool)),
    ),
    "reproduce": ((("quick", "out"), _with("list_", bool)),),
    "explore": ((("port", "address", "no_browser"), _with("export", lambda folder: folder is not None)),),
}
"""Of each command: which options mean nothing, and when."""


def refuse_meaningless(context: Any) -> None:
    """Refuse what stands on the command line and would be ignored.

    Parameters
    ----------
    context : the parser's context of a command

    Raises
    ------
    ValueError
        One line with the option and what takes its meaning.
    """
    command, given = context.command, context.params
    flags = {parameter.name: parameter.opts[0] for parameter in command.params}
    for options, condition in MEANINGLESS[command.name]:
        for name in options:
            if context.get_parameter_source(name).name == "COMMANDLINE" and (because := condition(given)):
                raise ValueError(f"{flags[name]}: it has no meaning {because}")
    for name in _varied(given):
        if name in flags and context.get_parameter_source(name).name == "COMMANDLINE":
            raise ValueError(f"{flags[name]}: it has no meaning where {name} is varied")
        if any(setting.partition("=")[0] == name for setting in given.get("hyper") or ()):
            raise ValueError(f"--hyper {name}: it has no meaning where {name} is varied")


def _varied(given: Given) -> Iterator[str]:
    """Give the names of what a threshold or a grid varies."""
    if "vary" in given:
        yield given["vary"]
    for axis in given.get("grid") or ():
        yield from axis.split()[:1]
