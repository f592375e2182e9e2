"""The parts of `gradflow.compiled.jit` that need Numba: the type of `Registers`, and a cache by digest."""

from __future__ import annotations

import sys
from math import sqrt
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.errors import NumbaError
from numba.core.imputils import lower_constant
from numba.extending import (
    intrinsic,
    models,
    overload_attribute,
    overload_method,
    register_model,
    typeof_impl,
)

from gradflow.compiled import registers, smooth
from gradflow.compiled.registers import REGISTERS, SINGLE, Registers

__all__ = ["INSTEAD", "NumbaError", "files", "keep", "njit", "types_of"]


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
def _nothing(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.get_dummy_value()


@intrinsic  # type: ignore[untyped-decorator]
def _select(typing: Any, condition: Any, a: Any, b: Any) -> Any:
    """Return one of two values by one instruction."""
    number = typing.unify_types(a, b)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kinds = signature.args
        truth = context.cast(builder, given[0], kinds[0], types.boolean)
        return builder.select(truth, given[1], given[2])

    return number(types.boolean, number, number), generate


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def _loaded(typing: Any, numbers: Any, at: Any, apart: Any, count: Any) -> Any:
    """Return `registers.loaded` of an array with one axis and a constant count."""
    n = count.literal_value

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        places = _places(context, builder, signature.args, given, n)
        return context.make_tuple(builder, signature.return_type, [builder.load(place) for place in places])

    return types.UniTuple(numbers.dtype, n)(numbers, types.intp, types.intp, count), generate


@intrinsic  # type: ignore[untyped-decorator]
def _stored(typing: Any, numbers: Any, at: Any, apart: Any, values: Any) -> Any:
    """Do what `registers.stored` does."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kinds = signature.args
        places = _places(context, builder, kinds, given, len(kinds[3]))
        for k, place in enumerate(places):
            value = builder.extract_value(given[3], k)
            builder.store(context.cast(builder, value, kinds[3][k], kinds[0].dtype), place)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, types.intp, values), generate


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


INSTEAD = {registers.loaded: _loaded, registers.stored: _stored, smooth.scaled: _scaled}
"""Instructions in the place of functions that Python needs a loop, or a library, for."""


def _constant(number: Any) -> Any:
    return lambda self: number


# Lambdas: Numba compares the parameters of both, annotations included.
_INLINE = {"forceinline": True}
overload_method(RegistersType, "where", jit_options=_INLINE)(
    lambda self, condition, a, b: lambda self, condition, a, b: _select(condition, a, b)
)
overload_method(RegistersType, "positive", jit_options=_INLINE)(
    lambda self, value: lambda self, value: value > 0
)
overload_method(RegistersType, "sqrt", jit_options=_INLINE)(
    lambda self, value: lambda self, value: sqrt(value)
)
overload_attribute(RegistersType, "splitter", jit_options=_INLINE)(
    lambda self: _constant(self.registers.splitter)
)
overload_attribute(RegistersType, "third", jit_options=_INLINE)(lambda self: _constant(self.registers.third))


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


def types_of(signature: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the types that are written in Numba's words."""
    scope = vars(types)
    return tuple(eval(text, {"__builtins__": {}}, scope) for text in signature)
