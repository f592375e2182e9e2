"""Checks of arguments, shared by all modules: each raises one line that names the argument and its value."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gradflow.base.arrays import DTYPES, ArrayLike, adopted, as_floating, is_array, namespace, to_numpy

WIDEST = 80
"""The most characters of a value in a message."""


def shown(value: object) -> str:
    """Return a value as part of one line: arrays by shape, datasets by dimensions, all else cut off."""
    if is_array(value):
        array: Any = value
        return f"an array of shape {tuple(array.shape)}"
    # Told by what it has: xarray is not imported for a message.
    if type(value).__name__ == "Dataset" and hasattr(value, "data_vars") and hasattr(value, "sizes"):
        return f"a Dataset with dimensions ({', '.join(map(str, value.sizes))})"
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def not_installed(name: str, what: str, extra: str) -> ValueError:
    """Return the one-line error of an argument that asks for what an extra of this distribution brings.

    It names no package index: the distribution is installed from its source.
    """
    return ValueError(f"{name}: {what} is not installed; in a clone of gradflow: pip install '.[{extra}]'")


def integer(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return an integer of Python or NumPy, at least `least` and at most `most`, as Python's.

    Raises
    ------
    TypeError
        If it is none; True and 2.0 are none.
    ValueError
        If it is outside.
    """
    allowed = f"an integer >= {least}" if most is None else f"an integer from {least} to {most}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: expected {allowed}, got {shown(value)}")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}: expected {allowed}, got {shown(int(value))}")
    return int(value)


def number(name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return one finite real number, at least `least` and at most `most`, as Python's.

    Raises
    ------
    TypeError
        If it is no real number, or an array of some.
    ValueError
        If it is not finite, or outside.
    """
    if not least > -math.inf:
        allowed = "a finite number"
    elif not most < math.inf:
        allowed = f"a finite number >= {least:g}"
    else:
        allowed = f"a number from {least:g} to {most:g}"
    try:
        array = numbers(name, value)
    except TypeError:
        raise TypeError(f"{name}: expected {allowed}, got {shown(value)}") from None
    if array.ndim:
        raise TypeError(f"{name}: expected {allowed}, got {shown(value)}")
    found = float(array)
    if not (math.isfinite(found) and least <= found <= most):
        raise ValueError(f"{name}: expected {allowed}, got {found!r}")
    return found


def as_number(text: str) -> float:
    """Return the number that a text is, NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def in_interval(name: str, value: Any, interval: str) -> float:
    """Return one finite real number of an interval, written as in "[0, 1)", as Python's.

    Raises
    ------
    TypeError
        If it is no real number, or an array of some.
    ValueError
        If it is not finite, or outside.
    """
    found = number(name, value)
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = found > low or (found == low and interval[0] == "[")
    below = found < high or (found == high and interval[-1] == "]")
    if not (above and below):
        raise ValueError(f"{name}: expected a number in {interval}, got {found!r}")
    return found


def flag(name: str, value: Any) -> bool:
    """Return a bool of Python or NumPy as Python's; anything else is a TypeError."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {shown(value)}")
    return bool(value)


def flags(name: str, value: Any) -> Any:
    """Return a bool, or an array of bool of any library (a list becomes NumPy's); all else is a TypeError."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    try:
        found = np.asarray(value) if isinstance(value, (list, tuple)) else value if is_array(value) else None
    except ValueError:
        found = None
    if found is None or not namespace(found).isdtype(found.dtype, "bool"):
        raise TypeError(f"{name}: expected True, False or an array of them, got {shown(value)}")
    return found


def function(name: str, value: Any, takes: str) -> None:
    """Raise a TypeError unless a value can be called; `takes` says with what."""
    if not callable(value):
        raise TypeError(f"{name}: expected a function of {takes}, got {shown(value)}")


def one_of(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise a one-line error unless a value, mostly text, is one of some; None and "" are not listed.

    Names with commas are quoted, or the list could not be told from them.
    """
    if not isinstance(value, (str, type(None))) or value not in allowed:
        show = repr if any("," in str(item) for item in allowed) else str
        *most, last = (show(item) for item in allowed if item not in (None, ""))
        listed = f"{', '.join(most)} or {last}" if most else last
        raise ValueError(f"{name}: expected {listed}, got {shown(value)}")


def nearest(value: object, names: Iterable[str]) -> str:
    """Return the end of a message: the name that a misspelt one is nearest to, or nothing.

    Examples
    --------
    >>> nearest("flwo", ["flow", "gd"])
    "; did you mean 'flow'?"
    """
    found = difflib.get_close_matches(str(value), list(names), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def dtype_name(name: str, value: Any) -> str:
    """Return "float32" or "float64" for one of these names, or for such a dtype of any array library.

    Raises
    ------
    ValueError
        If it is neither.
    """
    try:
        found = np.dtype(value).name if value is not None else ""
    except (TypeError, ValueError):
        found = str(value).rpartition(".")[2]
    if found not in DTYPES:
        raise ValueError(f"{name}: expected float32 or float64, got {shown(value)}")
    return found


def require_numbers(name: str, value: ArrayLike) -> None:
    """Raise a one-line TypeError that names the argument unless `value` is a number or an array of numbers.

    Numbers are Python's int and float; arrays are of integers, float32 or float64. Text, complex numbers,
    booleans, ragged lists and masked entries are not.
    """
    if type(value) is float:
        return
    as_floating((value,), (name,))


def numbers(name: str, value: ArrayLike) -> np.ndarray:
    """Return a number or an array of numbers in NumPy (TypeError: see `require_numbers`)."""
    require_numbers(name, value)
    value = adopted(value)
    array = to_numpy(value) if is_array(value) else np.asarray(value)
    # Python's integers may be longer than any of NumPy's.
    return array.astype(np.float64) if array.dtype.kind == "O" else array


def interval(name: str, value: Any) -> tuple[float, float]:
    """Return two numbers, the first below the second, ±∞ among them; otherwise raise a one-line error."""
    found = numbers(name, value)
    if found.shape != (2,) or not found[0] < found[1]:
        raise ValueError(f"{name}: expected two numbers, the first below the second, got {shown(value)}")
    return float(found[0]), float(found[1])


def moments(times: ArrayLike | None, t_end: float) -> np.ndarray | None:
    """Return times to record at, if there are any: increasing and within [0, t_end], in one dimension."""
    if times is None:
        return None
    found = numbers("times", times).astype(np.float64)
    increasing = found.ndim == 1 and bool(np.all(np.isfinite(found)) and np.all(np.diff(found) > 0))
    if not increasing or np.any((found < 0) | (found > t_end)):
        raise ValueError(f"times: must be increasing and lie in [0, {t_end}]")
    return found


def require_finite(name: str, *values: ArrayLike) -> None:
    """Raise a one-line error that names the argument unless `values` are finite numbers or arrays of such."""
    for value in values:
        array = numbers(name, value)
        if not np.all(np.isfinite(array)):
            found = f"{array}" if array.ndim == 0 else "an array with NaN or infinite entries"
            raise ValueError(f"{name}: must be finite, got {found}")


def require_shape(name: str, array: ArrayLike, *sizes: int | str) -> None:
    """Raise a one-line ValueError unless an array has these sizes; one that is text, as "n", may be any."""
    found = tuple(np.shape(array) if isinstance(array, (list, tuple)) else array.shape)
    fits = (not isinstance(size, int) or size == n for size, n in zip(sizes, found, strict=False))
    if len(found) != len(sizes) or not all(fits):
        wanted = f"{', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''}"
        raise ValueError(f"{name}: expected shape ({wanted}), got {found}")


def require_kind(name: str, value: object, kind: type, such_as: str = "") -> None:
    """Raise a one-line TypeError unless a value is of a class; `such_as` says how to come by one."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        hint = f", {such_as}" if such_as else ""
        raise TypeError(f"{name}: expected {article} {kind.__name__}{hint}, got {shown(value)}")


def batch_shape(names: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape to which some shapes broadcast; `names` says whose they are.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        found = ", ".join(str(shape) for shape in sorted({tuple(s) for s in shapes} - {()}))
        raise ValueError(f"batch: {names} do not broadcast: shapes {found}") from None


def owned(name: str, value: ArrayLike) -> ArrayLike:
    """Return a number as it is, and of an array a copy that only its holder has, in NumPy read-only.

    Whoever changes the array afterwards then changes no record that was made from it.
    """
    require_numbers(name, value)
    if not isinstance(value, (int, float, np.generic)):
        value = adopted(value)
    if not is_array(value):
        return value
    if isinstance(value, np.ndarray) and value.base is None and not value.flags.writeable:
        return value
    copy = namespace(value).asarray(value, copy=True)
    if isinstance(copy, np.ndarray):
        copy.flags.writeable = False
    return copy


def is_mapping(value: object) -> bool:
    """Whether a value is a dict or the like: labelled, so that its order says nothing."""
    return isinstance(value, Mapping)
