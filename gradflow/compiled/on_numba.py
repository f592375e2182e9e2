"""The parts of `gradflow.compiled.jit` that need Numba: the type of `Registers`, and a cache by digest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.errors import NumbaError
from numba.core.imputils import lower_constant
from numba.core.types.functions import BaseFunction
from numba.extending import (
    intrinsic,
    models,
    overload_attribute,
    overload_method,
    register_model,
    typeof_impl,
)

from gradflow.compiled import registers, smooth
from gradflow.compiled.compilers import CompilerOfAll, CompilerOfApart, CompilerOfParts, uncollected
from gradflow.compiled.registers import REGISTERS, SINGLE, Registers, Weighted

__all__ = [
    "INSTEAD", "NumbaError", "compile_for", "files", "inner", "keep", "outer", "resolved_once", "types_of",
]  # fmt: skip


_RESOLVED: ContextVar[dict[Any, Any] | None] = ContextVar("resolved", default=None)
_resolve = BaseFunction.get_call_type


def _resolve_once(self: Any, context: Any, arguments: Any, keywords: Any) -> Any:
    found = _RESOLVED.get()
    if found is None:
        return _resolve(self, context, arguments, keywords)
    key = id(self), id(context), arguments, tuple(keywords.items())
    if key not in found:
        # With the function itself, so that no other one gets its number.
        found[key] = _resolve(self, context, arguments, keywords), self
    return found[key][0]


BaseFunction.get_call_type = _resolve_once  # type: ignore[method-assign, assignment]


@contextmanager
def resolved_once() -> Iterator[None]:
    """Let Numba find out once what `+` and its like are for arguments of some types.

    It tries all overloads anew each time that one is written, which is half the time of compiling.
    """
    before = _RESOLVED.set({})
    try:
        yield
    finally:
        _RESOLVED.reset(before)


def compile_for(entry: Any, arguments: tuple[Any, ...]) -> None:
    """Compile a function for arguments of these types, or take it from the disk."""
    with resolved_once(), uncollected():
        entry.compile(arguments)


def outer(function: Any, **options: Any) -> Any:
    """Return a function for Python to call, compiled with all that it calls."""
    return njit(pipeline_class=CompilerOfAll, **options)(function)


def inner(function: Any, **options: Any) -> Any:
    """Return a function for other compiled code to call, compiled once for arguments of one type.

    To Numba a number that is written in a call is of a type of its own.
    """
    kind = CompilerOfParts if options.get("forceinline") else CompilerOfApart
    made = njit(pipeline_class=kind, **options)(function)
    called = made.get_call_template

    def template(args: Any, kws: Any) -> Any:
        plain = {name: types.unliteral(kind) for name, kind in kws.items()}
        return called(tuple(types.unliteral(kind) for kind in args), plain)

    made.get_call_template = template
    return made


class RegistersType(types.Type):  # type: ignore[misc]
    """The type of `Registers`, one for each precision; a value of it is nothing."""

    def __init__(self, dtype: str) -> None:
        super().__init__(f"Registers({dtype})")
        self.registers = SINGLE if dtype == "float32" else REGISTERS


register_model(RegistersType)(models.OpaqueModel)


@typeof_impl.register(Registers)  # type: ignore[untyped-decorator]
def _type_of(value: Registers, context: Any) -> RegistersType:
    return RegistersType(value.dtype)


@lower_constant(RegistersType)  # type: ignore[untyped-decorator]
def nothing(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Lower a constant that holds nothing: a value of no size."""
    return context.get_dummy_value()


def select(typing: Any, condition: Any, a: Any, b: Any) -> Any:
    """Return one of two values by one instruction."""
    number = typing.unify_types(a, b)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kinds = signature.args
        truth = context.cast(builder, given[0], kinds[0], types.boolean)
        return builder.select(truth, given[1], given[2])

    return number(types.boolean, number, number), generate


def loaded(typing: Any, numbers: Any, at: Any, apart: Any, count: Any) -> Any:
    """Return `registers.loaded` of an array with one axis and a constant count."""
    if not isinstance(count, types.IntegerLiteral):
        return None  # Asked again, with the constant.
    n = count.literal_value

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        places = _places(context, builder, signature.args, given, n)
        return context.make_tuple(builder, signature.return_type, [builder.load(place) for place in places])

    return types.UniTuple(numbers.dtype, n)(numbers, types.intp, types.intp, count), generate


def stored(typing: Any, numbers: Any, at: Any, apart: Any, values: Any) -> Any:
    """Do what `registers.stored` does."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kinds = signature.args
        places = _places(context, builder, kinds, given, len(kinds[3]))
        for k, place in enumerate(places):
            value = builder.extract_value(given[3], k)
            builder.store(context.cast(builder, value, kinds[3][k], kinds[0].dtype), place)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, types.intp, values), generate


_select, _loaded, _stored = intrinsic(select), intrinsic(loaded), intrinsic(stored)


def _places(context: Any, builder: Any, kinds: Any, given: Any, count: int) -> list[Any]:
    array = context.make_array(kinds[0])(context, builder, given[0])
    places, at = [], given[1]
    for _ in range(count):
        places.append(builder.gep(array.data, [at]))
        at = builder.add(at, given[2])
    return places


@intrinsic  # type: ignore[untyped-decorator]
def _scaled(typing: Any, x: Any, rounded: Any) -> Any:
    """Return `smooth.scaled`: the low bits of the rounded number are the exponent."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        whole = builder.bitcast(given[1], ir.IntType(64))
        exponent = builder.shl(whole, ir.Constant(ir.IntType(64), 52))
        power = builder.add(exponent, ir.Constant(ir.IntType(64), 1023 << 52))
        return builder.fmul(given[0], builder.bitcast(power, ir.DoubleType()))

    return types.float64(types.float64, types.float64), generate


def _constant(number: Any) -> Any:
    return lambda self: number


# Lambdas: Numba compares the parameters of both, annotations included.
_INLINE = {"target": "cpu", "jit_options": {"forceinline": True, "pipeline_class": CompilerOfParts}}
overload_method(RegistersType, "where", **_INLINE)(
    lambda self, condition, a, b: lambda self, condition, a, b: _select(condition, a, b)
)
overload_method(RegistersType, "positive", **_INLINE)(lambda self, value: lambda self, value: value > 0)
overload_method(RegistersType, "sqrt", **_INLINE)(lambda self, value: lambda self, value: sqrt(value))
overload_attribute(RegistersType, "splitter", **_INLINE)(lambda self: _constant(self.registers.splitter))
overload_attribute(RegistersType, "third", **_INLINE)(lambda self: _constant(self.registers.third))


class WeightedType(types.Type):  # type: ignore[misc]
    """The type of a `Weighted` sum, which says all of it."""

    def __init__(self, row: tuple[tuple[int, float], ...]) -> None:
        super().__init__(f"Weighted({row})")
        self.row = row


register_model(WeightedType)(models.OpaqueModel)
lower_constant(WeightedType)(nothing)


@typeof_impl.register(Weighted)  # type: ignore[untyped-decorator]
def _type_of_sum(value: Weighted, context: Any) -> WeightedType:
    return WeightedType(value.row)


@intrinsic  # type: ignore[untyped-decorator]
def _sum_of(typing: Any, weighted: Any, numbers: Any, at: Any, apart: Any) -> Any:
    """Return `registers.sum_of`."""
    number = numbers.dtype

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[1])(context, builder, given[1])
        terms = []
        for k, weight in weighted.row:
            far = builder.mul(given[3], ir.Constant(given[3].type, k))
            value = builder.load(builder.gep(array.data, [builder.add(given[2], far)]))
            terms.append(builder.fmul(ir.Constant(value.type, weight), value))
        total = terms[0]
        for term in terms[1:]:
            total = builder.fadd(total, term)
        return total

    return number(weighted, numbers, types.intp, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def _last_of(typing: Any, weighted: Any) -> Any:
    """Return `registers.last_of`, a constant."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return context.get_constant(types.intp, weighted.row[-1][0])

    return types.intp(weighted), generate


@intrinsic  # type: ignore[untyped-decorator]
def _least(typing: Any, a: Any, b: Any) -> Any:
    """Return `registers.least`."""
    number = typing.unify_types(a, b)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = given[0].type
        of_two = ir.FunctionType(kind, [kind, kind])
        smaller = builder.module.declare_intrinsic("llvm.minnum", [kind], of_two)
        return builder.call(smaller, given, fastmath=("nnan",))

    return number(number, number), generate


INSTEAD = {
    registers.loaded: _loaded,
    registers.stored: _stored,
    smooth.scaled: _scaled,
    registers.sum_of: _sum_of,
    registers.last_of: _last_of,
    registers.least: _least,
}
"""Instructions in the place of functions that Python needs a loop, or a library, for."""


class _Place:
    """Where compiled code lies: what Numba calls a locator."""

    def __init__(self, place: Path, stamp: str) -> None:
        self.place, self.stamp = place, stamp
        # Numba warns about this file if something cannot be cached.
        self._py_file = __file__

    def ensure_cache_path(self) -> None:
        """Make the folder."""
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self.place)

    def get_source_stamp(self) -> str:
        """Return the digest without which nothing that is found is used."""
        return self.stamp


class _Compiled(CompileResultCacheImpl):  # type: ignore[misc]
    """Results of Numba's compiler in a given place, under a given digest."""

    def __init__(self, function: Any, place: Path, name: str, stamp: str) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Place(place, stamp)
        self._filename_base = f"{name}-{stamp}.py{sys.version_info[0]}{sys.version_info[1]}"


class _ByDigest(FunctionCache):  # type: ignore[misc]
    """Numba's cache of a function, found again by the digest of all that it was compiled from."""

    def __init__(self, function: Any, place: Path, name: str, stamp: str) -> None:
        self._name, self._py_func = repr(function), function
        self._impl = _Compiled(function, place, name, stamp)
        self._cache_path = str(place)
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, stamp)
        self.enable()


def keep(entry: Any, place: Path, name: str, stamp: str) -> None:
    """Let a function find on the disk what was compiled of it before, and keep it there."""
    entry._cache = _ByDigest(entry.py_func, place, name, stamp)


def files(entry: Any) -> list[Path]:
    """Return the files with compiled code of a function."""
    cache = entry._cache
    if not isinstance(cache, _ByDigest):
        return []
    return [*Path(cache.cache_path).glob(f"{cache._impl.filename_base}.*nb[ic]")]


@lru_cache(maxsize=64)
def types_of(signature: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the types that are written in Numba's words."""
    scope = vars(types)
    return tuple(eval(text, {"__builtins__": {}}, scope) for text in signature)
