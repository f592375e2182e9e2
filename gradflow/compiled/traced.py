"""Scalars that record what is computed with them, and the array namespace that goes with them.

The kernel of the population field and the optimisers are written once, for arrays. Run on these
scalars, the same lines leave the operations of one trajectory's step behind, to be printed as scalar
code (`gradflow.compiled.program`). Nothing is reassociated or approximated on the way.

There are two kinds of value. *Lane* values differ between trajectories; they are what is printed. *Host*
values are the same for all (a schedule's factor, a bias correction): they are computed once per step, by
the NumPy calls that the training loop would make.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import numpy as np

from gradflow.compiled.unsupported import UnsupportedError as UnsupportedError

TRUTH = np.dtype(bool)
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
LOGIC = frozenset({"and", "or", "not"})
# Not correctly rounded, so that two libraries may differ in the last bit: never computed in a lane.
TRANSCENDENTAL = frozenset({"log", "expm1", "exp"})


class Compound:
    """A value made of several: in an expression with one, its own operators take over."""


def record(op: str, *args: Any, dtype: Any = None) -> Traced:
    """Return the value of an operation on traced values, Python numbers and NumPy scalars."""
    if any(isinstance(a, Compound) for a in args):
        return cast(Traced, NotImplemented)
    values = tuple(given(a) if isinstance(a, (np.generic, np.ndarray)) else a for a in args)
    lane = any(a.lane for a in values if isinstance(a, Traced))
    if lane and op in TRANSCENDENTAL:
        raise UnsupportedError(f"{op} of a value that differs between trajectories")
    return Traced(op, values, _dtype(op, values, lane) if dtype is None else dtype, lane)


def given(value: Any, name: str = "") -> Traced:
    """Return a host value from a number or an array of shape (); equal ones are one if their names are."""
    array = np.asarray(value)
    return Traced("given", (array[()], name), array.dtype, False)


def slot(index: int, dtype: Any) -> Traced:
    """Return what trajectories keep, or are given, in the slot of this number."""
    return Traced("slot", (index,), np.dtype(dtype), True)


def where(condition: Traced, a: Any, b: Any) -> Traced:
    """Return a where the condition holds and b elsewhere."""
    return record("select", condition, a, b)


def astype(value: Traced, dtype: Any, *, copy: bool = True) -> Traced:
    """Return a value in another dtype: in a lane, only truth values and small integers as numbers."""
    dtype = np.dtype(dtype)
    if dtype == value.dtype:
        return value
    if not value.lane:
        return record("cast", value, dtype=dtype)
    if value.dtype == TRUTH and dtype != TRUTH:
        return record("select", value, 1.0, 0.0, dtype=dtype)
    if value.dtype.kind == "i" and dtype.kind == "f":
        return Traced(value.op, value.args, dtype, True)
    raise UnsupportedError(f"{value.dtype} to {dtype} for a value that differs between trajectories")


def asarray(value: Any, *, dtype: Any = None, device: Any = None) -> Traced:
    """Return a number as a host value."""
    if isinstance(value, Traced):
        return value if dtype is None else astype(value, dtype)
    return given(np.asarray(value, dtype=dtype))


def sign(value: Traced) -> Traced:
    """Return −1, 0 or 1."""
    return where(value > 0.0, 1.0, where(value < 0.0, -1.0, where(value == 0.0, 0.0, value)))


def zeros_like(value: Traced, **_: Any) -> Traced:
    """Return 0 in the dtype of `value`."""
    return given(value.dtype.type(0))


def ones_like(value: Traced, **_: Any) -> Traced:
    """Return 1 in the dtype of `value`."""
    return given(value.dtype.type(1))


def _dtype(op: str, values: tuple[Any, ...], lane: bool) -> Any:
    numbers = values[1:] if op == "select" else values
    dtypes = {v.dtype for v in numbers if isinstance(v, Traced)}
    if op in LOGIC or op in COMPARISONS:
        return TRUTH
    if op == "select" and dtypes == {TRUTH}:
        return TRUTH
    if TRUTH in dtypes:
        raise UnsupportedError(f"{op} of a truth value")
    floating = {d for d in dtypes if d.kind == "f"}
    if lane and len(floating) > 1:
        raise UnsupportedError("single and double precision in one expression")
    return np.result_type(*(floating or dtypes)) if dtypes else np.dtype(np.float64)


@dataclass(frozen=True, eq=False, slots=True)
class Traced:
    """An operation and its operands: traced values or Python numbers.

    Attributes
    ----------
    op : str
        What the printers' tables call it; "slot" and "given" are what goes in.
    args : tuple
        The operands.
    dtype : numpy.dtype
        float64, float32, bool, or a small integer (kept as a number in a lane).
    lane : bool
        Whether the value differs between trajectories.
    """

    op: str
    args: tuple[Any, ...]
    dtype: Any
    lane: bool

    __array_ufunc__: ClassVar[None] = None
    device: ClassVar[str] = "cpu"
    __hash__ = object.__hash__

    def __array_namespace__(self, *, api_version: str | None = None) -> SimpleNamespace:
        return NAMESPACE

    def __bool__(self) -> bool:
        raise UnsupportedError("a branch on the data")

    def __add__(self, other: Any) -> Traced:
        return record("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return record("add", other, self)

    def __sub__(self, other: Any) -> Traced:
        return record("sub", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return record("sub", other, self)

    def __mul__(self, other: Any) -> Traced:
        return record("mul", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return record("mul", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return record("div", self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return record("div", other, self)

    def __neg__(self) -> Traced:
        return record("neg", self)

    def __abs__(self) -> Traced:
        return record("abs", self)

    def __lt__(self, other: Any) -> Traced:
        return record("lt", self, other)

    def __le__(self, other: Any) -> Traced:
        return record("le", self, other)

    def __gt__(self, other: Any) -> Traced:
        return record("gt", self, other)

    def __ge__(self, other: Any) -> Traced:
        return record("ge", self, other)

    def __eq__(self, other: object) -> Traced:  # type: ignore[override]
        return record("eq", self, other)

    def __ne__(self, other: object) -> Traced:  # type: ignore[override]
        return record("ne", self, other)

    def __and__(self, other: Any) -> Traced:
        return record("and", self, other)

    def __rand__(self, other: Any) -> Traced:
        return record("and", other, self)

    def __or__(self, other: Any) -> Traced:
        return record("or", self, other)

    def __ror__(self, other: Any) -> Traced:
        return record("or", other, self)

    def __invert__(self) -> Traced:
        return record("not", self)


# What an optimiser may ask of its namespace. Anything else is an AttributeError: not supported.
NAMESPACE = SimpleNamespace(
    __name__=__name__,
    float32=np.dtype(np.float32),
    float64=np.dtype(np.float64),
    int8=np.dtype(np.int8),
    bool=TRUTH,
    asarray=asarray,
    astype=astype,
    where=where,
    sign=sign,
    zeros_like=zeros_like,
    ones_like=ones_like,
    sqrt=lambda value: record("sqrt", value),
    abs=abs,
    log=lambda value: record("log", value),
    expm1=lambda value: record("expm1", value),
    exp=lambda value: record("exp", value),
)
