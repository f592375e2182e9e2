"""From recorded operations to a list of statements: common subexpressions once, dead ones not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflow.fused.host import FUNCTIONS, ordered
from gradflow.fused.traced import TRUTH, Traced, given


def shared(outputs: list[Traced]) -> list[Traced]:
    """Return the outputs with equal subexpressions made one.

    Host values that no step changes are computed here. Two rewritings keep every bit: a choice whose
    condition is known is made, and a division by a known power of two becomes a product with its
    reciprocal. Nothing else is folded, neither 0·x (x may be infinite) nor 0 + x (x may be −0).
    """
    known: dict[Any, Traced] = {}
    canonical: dict[int, Any] = {}
    for value in ordered(outputs):
        args = tuple(canonical[id(a)] if isinstance(a, Traced) else a for a in value.args)
        key = _key(value, args)
        if key not in known:
            known[key] = _simplified(value, args)
        canonical[id(value)] = known[key]
    return [canonical[id(value)] for value in outputs]


def _simplified(value: Traced, args: tuple[Any, ...]) -> Traced:
    if value.op in ("slot", "leaf", "given"):
        return value
    if value.op == "select" and isinstance(args[0], Traced) and args[0].op == "given" and value.lane:
        chosen = args[1] if args[0].args[0] else args[2]
        return chosen if isinstance(chosen, Traced) else given(value.dtype.type(chosen))
    if value.op == "div" and value.lane and isinstance(args[1], Traced) and _is_scaling(args[1]):
        return Traced("mul", (args[0], given(1 / args[1].args[0])), value.dtype, True)
    if not value.lane and all(a.op == "given" for a in args if isinstance(a, Traced)):
        numbers = [a.args[0] if isinstance(a, Traced) else a for a in args]
        computed = value.dtype.type(numbers[0]) if value.op == "cast" else FUNCTIONS[value.op](*numbers)
        return given(computed)
    return Traced(value.op, args, value.dtype, value.lane)


def _is_scaling(value: Traced) -> bool:
    """Whether this is a known ± power of two whose reciprocal is one too."""
    if value.op != "given":
        return False
    mantissa, exponent = np.frexp(value.args[0])
    return bool(abs(mantissa) == 0.5 and abs(exponent) < np.finfo(value.dtype).maxexp - 2)


def _key(value: Traced, args: tuple[Any, ...]) -> Any:
    if value.op == "leaf":
        return id(value)
    return value.op, tuple(id(a) if isinstance(a, Traced) else _bits(a) for a in args), value.dtype


def _bits(number: Any) -> Any:
    """Tell 0 from −0, and 1 from 1.0 and True; NaN equals itself."""
    if isinstance(number, (float, np.floating)):
        return type(number), "nan" if math.isnan(number) else float(number).hex()
    return type(number), number


@dataclass(frozen=True)
class Statement:
    """`name` = `op` of names and numbers; of a truth value or of a number."""

    name: str
    op: str
    args: tuple[str | float, ...]
    truth: bool


@dataclass(frozen=True)
class Program:
    """One trajectory's step as straight-line code.

    Attributes
    ----------
    dtype : {"float32", "float64"}
        Of every number.
    slots : int
        How many numbers a trajectory has.
    loads, stores : tuple of (slot, name)
        What is read before the statements and written after them.
    fixed, columns : int
        How many numbers are the same for all trajectories: at every step (f0, f1, …), and from step to
        step different (c0, c1, …).
    statements : tuple of Statement
        In order.
    search : int, optional
        The slot that holds the neuron's row of a sorted sample's table. It is found before the statements,
        from slots 0 and 1 (w1, b1), where the search for the last step's row has left it.
    """

    dtype: str
    slots: int
    loads: tuple[tuple[int, str], ...]
    stores: tuple[tuple[int, str | float], ...]
    fixed: int
    columns: int
    statements: tuple[Statement, ...]
    search: int | None = None


def program(dtype: str, slots: int, stores: dict[int, Traced]) -> tuple[Program, list[Traced], list[Traced]]:
    """Return the program that computes what is stored, and the host values behind f0, … and c0, …

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Of every number.
    slots : int
        How many numbers a trajectory has.
    stores : dict of int to Traced
        What goes into which slot; from `shared`.
    """
    fixed: list[Traced] = []
    columns: list[Traced] = []
    names: dict[int, str] = {}
    statements: list[Statement] = []
    loads: list[tuple[int, str]] = []
    truths: list[Traced] = []

    def name(value: Any) -> str | float:
        if not isinstance(value, Traced):
            return float(value)
        if id(value) not in names:  # a host value: everything else comes before its first use
            group, letter = (fixed, "f") if value.op == "given" else (columns, "c")
            names[id(value)] = f"{letter}{len(group)}"
            group.append(value)
            if value.dtype == TRUTH:
                truths.append(value)
        return names[id(value)]

    for value in ordered(list(stores.values())):
        if not value.lane:
            continue
        if value.op == "slot":
            names[id(value)] = f"s{value.args[0]}"
            loads.append((value.args[0], names[id(value)]))
            continue
        args = tuple(name(a) for a in value.args)
        names[id(value)] = f"v{len(statements)}"
        statements.append(Statement(names[id(value)], value.op, args, value.dtype == TRUTH))
    written = tuple((index, name(value)) for index, value in stores.items())
    if truths:
        raise AssertionError("a host truth reached a lane: compare it with 0 as a number instead")
    result = Program(dtype, slots, tuple(sorted(loads)), written, len(fixed), len(columns), tuple(statements))
    return result, fixed, columns
