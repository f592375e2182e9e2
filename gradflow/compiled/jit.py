"""Plain scalar functions compiled by Numba as they stand, with every function of gradflow that they call.

A function is rebuilt with globals of its own in which the functions it calls are compiled ones, and what
its caller has chosen stands in the place of some names. Functions without a loop become part of their
callers, so that a loop over the lanes of a block has no call in it and is vectorised. Nothing is
reassociated, contracted or approximated.

In single precision the numbers written in the code are single, as beside arrays they are.

Compiled code is kept on disk under a digest of all that it is made of: the files of all functions
and classes, what was chosen, and the versions of Python, NumPy and Numba. A change in any of them gives
another digest, so that nothing stale is ever found. Numba is imported when the first function is compiled.
"""

from __future__ import annotations

import dis
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.progress import note
from gradflow.compiled.registers import REGISTERS, SINGLE, is_finite

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}
INNER = {**OPTIONS, "_nrt": False, "no_cpython_wrapper": True}
"""Of functions that only compiled code calls."""

FINITE = {"nnan", "ninf", "nsz"}
"""Of functions in which a product with 0 is 0: nothing else is done otherwise (`registers.finite`)."""

Chosen = tuple[tuple[str, Any], ...]


def compiled(
    function: Callable[..., Any],
    signature: tuple[Any, ...],
    dtype: str = "float64",
    chosen: Mapping[str, Any] | None = None,
) -> Any:
    """Return a function compiled for arguments of one kind, from the disk if it has been before.

    Parameters
    ----------
    function : callable
        Plain Python in the part of the language that Numba takes, with `REGISTERS` as the formulas' `ops`.
    signature : tuple of str
        The types of its arguments in Numba's words, such as ``("float64[:,::1]", "int64")``.
    dtype : {"float32", "float64"}
        Of the numbers written in the code.
    chosen : mapping of str to function or number, optional
        What stands for a global name, which is written with its module: ``"gradflow.a.b.name"``. The name
        DTYPE stands for the precision of the numbers in a module's code, where it is another.
    """
    entry = _entry(function, dtype, _sorted(chosen))
    return _ready(entry, signature)


class NotKeptError(RuntimeError):
    """Something would have to be compiled first (`kept_only`)."""


_KEPT_ONLY: ContextVar[bool] = ContextVar("kept_only", default=False)


@contextmanager
def kept_only() -> Iterator[None]:
    """Raise NotKeptError, in this block, where something is neither loaded nor on the disk."""
    token = _KEPT_ONLY.set(True)
    try:
        yield
    finally:
        _KEPT_ONLY.reset(token)


_PLAIN: ContextVar[bool] = ContextVar("plain", default=False)


@contextmanager
def plainly(plain: bool = True) -> Iterator[None]:
    """Let no compiled code pay in this block where results are the same without, if `plain`."""
    token = _PLAIN.set(plain or _PLAIN.get())
    try:
        yield
    finally:
        _PLAIN.reset(token)


def is_plain() -> bool:
    """Whether compiled code is to be done without where that can be (`plainly`)."""
    return _PLAIN.get()


def refused() -> type[Exception]:
    """Return the error of functions that Numba cannot compile."""
    from gradflow.compiled import on_numba

    error: type[Exception] = on_numba.NumbaError
    return error


def assembly(
    function: Callable[..., Any],
    signature: tuple[str, ...],
    dtype: str = "float64",
    chosen: Mapping[str, Any] | None = None,
) -> str:
    """Return the instructions of a compiled function, which compiled code from the disk does not show."""
    from gradflow.compiled import on_numba

    entry = on_numba.outer(rebuilt(function, dtype, chosen, on_numba), **OPTIONS)
    on_numba.compile_for(entry, on_numba.types_of(signature))
    (text,) = entry.inspect_asm().values()
    return str(text)


def rebuilt(
    function: Callable[..., Any], dtype: str, chosen: Mapping[str, Any] | None, target: Any
) -> FunctionType:
    """Return a function whose globals are what code compiled for a target, such as `on_numba`, may use."""
    made_of = stamp(function, dtype, chosen)
    return _rebuilt(function, _Make(dtype, _sorted(chosen), target, made_of, {}))


def stamp(
    function: Callable[..., Any], dtype: str = "float64", chosen: Mapping[str, Any] | None = None
) -> str:
    """Return the digest of everything that a compiled function is made of."""
    return _stamp(function, dtype, _sorted(chosen))


def folder() -> Path:
    """Return where compiled code is kept: in NUMBA_CACHE_DIR, or among the user's caches."""
    if numba := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(numba) / "gradflow"
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "gradflow"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "gradflow" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "gradflow"
    return Path.home() / ".cache" / "gradflow"


def _sorted(chosen: Mapping[str, Any] | None) -> Chosen:
    return tuple(sorted((chosen or {}).items()))


@cache
def _entry(function: Any, dtype: str, chosen: Chosen) -> Any:
    """Return a function that Numba compiles at its first call, or takes from the disk."""
    from gradflow.compiled import on_numba

    made_of = _stamp(function, dtype, chosen)
    entry = on_numba.outer(_rebuilt(function, _Make(dtype, chosen, on_numba, made_of, {})), **OPTIONS)
    place = folder() / "compiled"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        on_numba.keep(entry, place, function.__name__, made_of)
    except OSError:
        pass  # It is compiled for this process only.
    return entry


def _ready(entry: Any, signature: tuple[Any, ...]) -> Any:
    """Compile a function, or find it on the disk; what cannot be used there is thrown away."""
    from gradflow.compiled import on_numba

    arguments = on_numba.types_of(signature)
    if arguments in entry.overloads:
        return entry
    try:
        if not on_numba.files(entry):
            if _KEPT_ONLY.get():
                raise NotKeptError("not compiled yet")
            note("compiling, once for this method and these activations (some seconds) …")
        on_numba.compile_for(entry, arguments)
    except (on_numba.NumbaError, NotKeptError):
        raise
    except Exception:
        for path in on_numba.files(entry):
            path.unlink(missing_ok=True)
        on_numba.compile_for(entry, arguments)
    return entry


class _Make(NamedTuple):
    """How functions are rebuilt, and those that have been.

    `made_of`, the digest of the whole, is part of their names. Code from the disk brings its functions' names
    along, and of two functions with one name the linker takes whichever it has.
    """

    dtype: str
    chosen: Chosen
    target: Any
    made_of: str
    made: dict[Any, Any]


def _rebuilt(function: Any, make: _Make, finite: bool = False) -> FunctionType:
    chosen = dict(make.chosen)
    dtype = chosen.get(f"{function.__module__}.DTYPE", make.dtype)
    scope: dict[str, Any] = {"__name__": function.__module__, "__builtins__": __builtins__}
    for name, value in _globals(function, chosen):
        scope[name] = _inner(value, make, finite) if _is_plain(value) else _number(value, dtype)
    code = function.__code__
    # Numba takes no arguments by keyword only: they become ordinary ones.
    named = [function.__kwdefaults__[name] for name in _keywords(code)]
    code = code.replace(
        co_argcount=code.co_argcount + code.co_kwonlyargcount,
        co_kwonlyargcount=0,
        co_consts=tuple(_number(value, dtype) for value in code.co_consts),
    )
    defaults = tuple(_number(value, dtype) for value in (*(function.__defaults__ or ()), *named))
    new = FunctionType(code, scope, function.__name__, defaults or None)
    new.__module__, new.__qualname__ = function.__module__, f"{function.__qualname__}_{make.made_of}"
    return new


def _keywords(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]


def _inner(function: Any, make: _Make, finite: bool) -> Any:
    if function in make.target.INSTEAD:
        return make.target.INSTEAD[function]
    finite = finite or is_finite(function)
    if (function, finite) not in make.made:
        options = {
            **INNER,
            "forceinline": not _has_loop(function.__code__),
            "fastmath": FINITE if finite else False,
        }
        make.made[function, finite] = make.target.inner(_rebuilt(function, make, finite), **options)
    return make.made[function, finite]


def _number(value: Any, dtype: str) -> Any:
    """Return a number of the code in the precision of the code; anything else as it is."""
    if value is REGISTERS and dtype == "float32":
        return SINGLE
    if type(value) is tuple:
        return tuple(_number(part, dtype) for part in value)
    return np.float32(value) if type(value) is float and dtype == "float32" else value


def _is_plain(value: Any) -> bool:
    """Whether this is a function in plain Python, to be compiled with its caller."""
    return isinstance(value, FunctionType)


def _globals(function: Any, chosen: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the globals that a function uses, with what was chosen in their places."""
    for instruction in dis.get_instructions(function.__code__):
        name = instruction.argval
        if not instruction.opname.startswith("LOAD_GLOBAL"):
            continue
        called = f"{function.__module__}.{name}"
        if called in chosen:
            yield name, chosen[called]
        elif name in function.__globals__:
            yield name, function.__globals__[name]


def _has_loop(code: CodeType) -> bool:
    return any(step.opname.startswith("JUMP_BACKWARD") for step in dis.get_instructions(code))


@cache
def _stamp(function: Any, dtype: str, chosen: Chosen) -> str:
    # Numba's own version is in its index.
    digest = hashlib.sha256(repr((sys.version, np.__version__, dtype, OPTIONS)).encode())
    own = ("on_numba", "compilers", "registers")
    files = {__file__, *(str(Path(__file__).with_name(f"{name}.py")) for name in own)}
    for part in _parts(function, dict(chosen), []):
        if isinstance(part, (FunctionType, type)):
            # What a name stands for may have been chosen; the rest is in the files.
            digest.update(f"{part.__module__}.{part.__qualname__}".encode())
            file = getattr(sys.modules.get(part.__module__), "__file__", None)
            files |= {str(file)} if file else set()
            code = getattr(part, "__code__", None)
            digest.update(b"" if code is None else code.co_code)
        else:
            digest.update(repr(part).encode())
    for file in sorted(files):
        digest.update(text(file))
    return digest.hexdigest()[:32]


@cache
def text(file: str) -> bytes:
    """Return the text of a file, read once: what is compiled is what was imported."""
    return Path(file).read_bytes()


def _parts(function: Any, chosen: Mapping[str, Any], seen: list[Any]) -> list[Any]:
    """Return a function, the functions and classes that it calls, and the constants, each once."""
    seen.append(function)
    for name, value in _globals(function, chosen):
        if _is_plain(value):
            seen.append((function.__qualname__, name, value.__qualname__))
            if not any(value is other for other in seen):
                _parts(value, chosen, seen)
        elif isinstance(value, type):
            seen.append(value)
        else:
            known = getattr(value, "__qualname__", getattr(value, "__name__", None)) or repr(value)
            seen.append((function.__qualname__, name, known))
    return seen
