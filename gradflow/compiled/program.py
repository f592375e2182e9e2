"""From recorded operations to a list of statements: common subexpressions once, dead ones not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflow.compiled.host import FUNCTIONS, ordered
from gradflow.compiled.traced import TRUTH, Traced, given


def shared(outputs: list[Traced]) -> list[Traced]:
    """Return the outputs with equal subexpressions made one, and what known numbers make trivial left out.

    Host values that no step changes are computed here. The rewritings keep every finite number but the sign
    of a zero: a choice whose condition is known is made, a division by a known power of two becomes a
    product with its reciprocal, and 0·x, 1·x, x + 0 and the like are what they are for finite x. Where x
    is not finite, neither are other components of the gradient, so the lane diverges all the same.
    """
    known: dict[Any, Traced] = {}
    canonical: dict[int, Any] = {}
    for value in ordered(outputs):
        args = tuple(canonical[id(a)] if isinstance(a, Traced) else a for a in value.args)
        new = _simplified(value, args)
        key = _key(new, new.args)
        canonical[id(value)] = known.setdefault(key, new)
    return [canonical[id(value)] for value in outputs]


def _simplified(value: Traced, args: tuple[Any, ...]) -> Traced:
    if value.op in ("slot", "leaf", "given"):
        return value
    if all(a.op == "given" for a in args if isinstance(a, Traced)):
        numbers = [a.args[0] if isinstance(a, Traced) else a for a in args]
        computed = value.dtype.type(numbers[0]) if value.op == "cast" else FUNCTIONS[value.op](*numbers)
        return given(value.dtype.type(computed))
    if not value.lane:
        return Traced(value.op, args, value.dtype, False)
    if value.op == "select" and (condition := _known(args[0])) is not None:
        chosen = args[1] if condition else args[2]
        return chosen if isinstance(chosen, Traced) else given(value.dtype.type(chosen))
    if value.op in ("and", "or"):
        for truth, other in (args, args[::-1]):
            if (known := _known(truth)) is not None:
                return other if bool(known) == (value.op == "and") else given(np.bool_(value.op == "or"))
    if value.op == "eq" and _known(args[1]) == 0.0 and _is_positive(args[0]):
        return given(np.bool_(False))
    if value.op == "div" and isinstance(args[1], Traced) and _is_scaling(args[1]):
        reciprocal = Traced("mul", (args[0], given(1 / args[1].args[0])), value.dtype, True)
        simple = _without_units(reciprocal, reciprocal.args)
        return reciprocal if simple is None else simple
    if value.op in ("add", "sub", "mul") and (simple := _without_units(value, args)) is not None:
        return simple
    return Traced(value.op, args, value.dtype, True)


def _without_units(value: Traced, args: tuple[Any, ...]) -> Traced | None:
    """Return x for 1·x, x ± 0 and 0 + x, −x for −1·x and 0 − x, 0 for 0·x; None for anything else."""
    a, b = args
    first, second = _known(a), _known(b)
    if value.op == "mul" and 0.0 in (first, second):
        return given(value.dtype.type(0))
    if value.op == "mul" and first in (1.0, -1.0):
        return b if first == 1.0 else _negative(b, value)
    if value.op == "mul" and second in (1.0, -1.0):
        return a if second == 1.0 else _negative(a, value)
    if value.op in ("add", "sub") and second == 0.0:
        return a if isinstance(a, Traced) else given(value.dtype.type(a))
    if value.op in ("add", "sub") and first == 0.0:
        return b if value.op == "add" else _negative(b, value)
    return None


def _negative(x: Traced, like: Traced) -> Traced:
    return x.args[0] if x.op == "neg" else Traced("neg", (x,), like.dtype, True)


def _known(value: Any) -> Any:
    """Return the number behind a value that is the same for all lanes at every step, or None."""
    if isinstance(value, Traced):
        return value.args[0] if value.op == "given" else None
    return value


def _is_positive(value: Any) -> bool:
    """Whether a value is known to be positive, or NaN."""
    if (number := _known(value)) is not None:
        return bool(number > 0)
    return value.op == "add" and any(
        _is_positive(a) and _is_not_negative(b) for a, b in (value.args, value.args[::-1])
    )


def _is_not_negative(value: Any) -> bool:
    """Whether a value is known to be at least 0, or NaN."""
    if (number := _known(value)) is not None:
        return bool(number >= 0)
    if value.op in ("sqrt", "abs"):
        return True
    return value.op in ("add", "mul", "div") and all(_is_not_negative(a) for a in value.args)


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
    """

    dtype: str
    slots: int
    loads: tuple[tuple[int, str], ...]
    stores: tuple[tuple[int, str | float], ...]
    fixed: int
    columns: int
    statements: tuple[Statement, ...]


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
